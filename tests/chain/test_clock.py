"""The time on a live chain follows its blocks, and goes on between them."""

import pytest

from mlchain.chain import clock
from mlchain.chain.clock import ChainClock


@pytest.fixture
def machine(monkeypatch):
    """A machine whose clock and stopwatch a test sets."""

    class Machine:
        time, stopwatch = 1_000, 50.0

    monkeypatch.setattr(clock.time, "time", lambda: Machine.time)
    monkeypatch.setattr(clock.time, "monotonic", lambda: Machine.stopwatch)
    return Machine


@pytest.mark.parametrize("ahead", [-3_600, 0, 3_600])
def test_once_a_block_has_come_the_machine_s_clock_does_not_matter(machine, ahead):
    chain = ChainClock()
    machine.time += ahead
    chain.see(7, 998)

    chain.see(8, 1_000)
    machine.stopwatch += 4

    assert chain.now == 1_004


def test_where_no_block_comes_time_goes_on_all_the_same(machine):
    chain = ChainClock()
    chain.see(7, 10)
    assert chain.now == 1_000

    chain.see(8, 1_001)
    machine.stopwatch += 500
    chain.see(8, 1_001)

    assert chain.now == 1_501


def test_before_a_block_has_come_the_later_of_block_and_machine_counts(machine):
    chain = ChainClock()
    chain.see(7, 1_200)
    assert chain.now == 1_200

    machine.time = 1_300
    assert chain.now == 1_300


def test_an_answer_of_an_older_block_does_not_turn_time_back(machine):
    chain = ChainClock()
    chain.see(7, 998)
    chain.see(8, 1_000)
    machine.stopwatch += 4

    chain.see(6, 900)

    assert chain.now == 1_004
