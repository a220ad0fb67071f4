"""Prove in z3, for every radix, that a round of `CommitteeDraw` is injective and that a pair of digits names one value.

So 16 rounds permute the pairs of digits, and with them [0, radix²): `_permute` is injective. Cycle walking keeps that:
two walks that end at one position are the same walk backwards, until the first seat below the pool's size.
"""

import sys

from z3 import And, Function, If, Implies, Int, Ints, IntSort, Not, Solver, unsat

RADIX = Int("radix")


def is_digit(value):
    """Return that a value is a digit."""
    return And(value >= 0, value < RADIX)


def is_proved(claim) -> bool:
    """Return whether a claim has no counterexample."""
    solver = Solver()
    solver.set("timeout", 60_000)
    solver.add(RADIX >= 1, Not(claim))
    return solver.check() == unsat


def claims():
    """Return what is to be proved, each with its name."""
    key = Function("key", IntSort(), IntSort())  # any hash of the right digit, modulo the radix
    left, right, other_left, other_right = Ints("left right other_left other_right")
    digits = And(*map(is_digit, (left, right, other_left, other_right)))
    keys = And(is_digit(key(right)), is_digit(key(other_right)))
    same = And(left == other_left, right == other_right)

    def added(digit, amount):  # addmod of two digits
        return If(digit + amount >= RADIX, digit + amount - RADIX, digit + amount)

    after = And(right == other_right, added(left, key(right)) == added(other_left, key(other_right)))
    yield "a round maps different pairs to different pairs", Implies(And(digits, keys, after), same)
    yield "a round's digits are digits", Implies(And(digits, keys), is_digit(added(left, key(right))))
    value, other_value = left * RADIX + right, other_left * RADIX + other_right
    # Were the left digits different, the values would differ by more than the right digits can make good.
    gap = Implies(left < other_left, (left + 1) * RADIX <= other_left * RADIX)
    swapped = Implies(other_left < left, (other_left + 1) * RADIX <= left * RADIX)
    yield "different digits differ by a whole radix", Implies(digits, And(gap, swapped))
    yield "a pair of digits names one value", Implies(And(digits, gap, swapped, value == other_value), same)


if __name__ == "__main__":
    results = [(name, is_proved(claim)) for name, claim in claims()]
    for name, proved in results:
        print("[PASS]" if proved else "[FAIL]", name)
    sys.exit(not all(proved for _, proved in results))
