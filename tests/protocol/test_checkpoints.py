"""A value and its past: what the registry knows of every position, and of the pool's size."""

from ape import chain
from hypothesis import example, given
from hypothesis import strategies as st

from tests.contracts.chain_control import rollback

VALUES = st.integers(0, 2**160 - 1) | st.sampled_from([0, 1, 2**160 - 1])
# Blocks in order: how many empty ones come before it, and what is written in it.
WRITES = st.lists(st.tuples(st.integers(0, 3), st.lists(VALUES, min_size=1, max_size=3)), max_size=12)


@given(writes=WRITES)
@example(writes=[])
@example(writes=[(0, [7])])
@example(writes=[(0, [7]), (0, [0]), (0, [8])])
@example(writes=[(0, [number]) for number in range(1, 18)])
def test_a_value_is_known_as_of_the_end_of_every_block(libraries, server, writes):
    with rollback():
        known = [0] * (chain.blocks.height + 1)
        for gap, values in writes:
            chain.mine(gap)
            libraries.write(values, sender=server)
            known += [known[-1]] * (chain.blocks.height - len(known)) + [values[-1]]

        assert libraries.valuesOf(0, len(known) - 1) == known
        assert libraries.valuesOf(len(known), len(known) + 2) == [known[-1]] * 3


def test_writing_a_value_again_changes_no_past(libraries, server):
    with rollback():
        first = libraries.write([5], sender=server).block_number
        libraries.write([5], sender=server)
        libraries.write([6, 5], sender=server)

        assert libraries.valuesOf(first - 1, first + 2) == [0, 5, 5, 5]
