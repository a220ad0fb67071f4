"""The pool held against a naive model: a list that is copied at the end of every block."""

from hypothesis import given
from hypothesis import strategies as st

from mlchain.protocol.pool import Checkpoints, Pool

# What happens in a block: workers join (None) or one at a position, a share of the size, leaves.
BLOCKS = st.lists(st.lists(st.none() | st.floats(0, 1, exclude_max=True), max_size=4), max_size=25)


def played(blocks):
    """Return the pool after these blocks, and the members at the end of each as a model remembers them."""
    pool, members, ends, newcomers = Pool(), [], [], iter(range(10_000))
    for number, happenings in enumerate(blocks):
        for share in happenings:
            if share is None or not members:
                worker = f"worker {next(newcomers)}"
                members = [*members, worker]
                pool.join(number, worker)
            else:
                position = int(share * len(members))
                moved = [*members]
                moved[position] = members[-1]
                members = moved[:-1]
                pool.leave(number, position)
        ends.append(members)
    return pool, ends


@given(BLOCKS)
def test_the_pool_remembers_the_end_of_every_block(blocks):
    pool, ends = played(blocks)

    for number, members in enumerate(ends):
        assert pool.size_at(number) == len(members)
        assert [pool.worker_at(position, number) for position in range(len(members))] == members
        assert all(pool.worker_at(len(members) + beyond, number) is None for beyond in range(3))


@given(BLOCKS)
def test_the_latest_members_are_those_of_the_last_block(blocks):
    pool, ends = played(blocks)

    members = ends[-1] if ends else []
    assert pool.members == members
    assert all(worker in pool for worker in members)
    assert "a stranger" not in pool
    assert pool.size_at(len(ends) + 1_000) == len(members)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers())), st.integers(-1, 100))
def test_a_checkpoint_holds_until_the_next(steps, asked):
    checkpoints, block, last = Checkpoints("before"), 0, "before"
    for gap, value in steps:
        block += gap
        checkpoints.push(block, value)
        if block <= asked:
            last = value

    assert checkpoints.at(asked) == last


def test_before_the_first_block_nobody_is_there():
    pool = Pool()
    pool.join(7, "worker")

    assert pool.size_at(6) == 0
    assert pool.worker_at(0, 6) is None
    assert pool.size_at(7) == 1
