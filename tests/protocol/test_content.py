"""Content hashes: the twins agree, and each byte string has one hash and one chunking."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mlchain.protocol.content import (
    CHUNK_SIZE,
    MAX_CHUNKS,
    chunk_count,
    chunk_hash,
    chunk_hashes,
    content_hash,
    split,
)
from tests.contracts.chain_control import reverts
from tests.reference.formulas import chunk_hash as reference_chunk_hash

EDGES = [1, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 2 * CHUNK_SIZE, 3 * CHUNK_SIZE + 1]
SIZES = st.sampled_from(EDGES) | st.integers(1, 4 * CHUNK_SIZE)


def contents(sizes):
    """Byte strings of these sizes: a few random bytes, repeated."""
    return st.builds(
        lambda size, pattern: (pattern * (size // len(pattern) + 1))[:size],
        sizes,
        st.binary(min_size=1, max_size=40),
    )


@settings(max_examples=15)
@given(contents(SIZES))
@example(b"x")
@example(bytes(CHUNK_SIZE - 1))
@example(bytes(CHUNK_SIZE))
@example(bytes(CHUNK_SIZE + 1))
@example(bytes(5 * CHUNK_SIZE) + b"tail")
def test_the_chain_accepts_every_chunk_that_its_twin_makes(libraries, data):
    hashes = chunk_hashes(data)

    assert libraries.chunkCount(len(data)) == len(hashes)
    for index, chunk in enumerate(split(data)):
        libraries.checkChunk(content_hash(data), len(data), index, hashes, chunk)


@settings(max_examples=30)
@given(st.binary(max_size=40), st.integers(1, CHUNK_SIZE))
@example(b"\1", 512)
@example(b"\1", 513)
@example(b"\1", 5 * 512)
@example(b"\1", CHUNK_SIZE)
def test_the_chain_its_twin_and_the_reference_hash_a_chunk_alike(libraries, head, size):
    chunk = (head + bytes(size))[:size]

    assert libraries.chunkHash(chunk) == chunk_hash(chunk) == reference_chunk_hash(chunk)


@pytest.mark.parametrize("size", [1, CHUNK_SIZE, CHUNK_SIZE + 1, MAX_CHUNKS * CHUNK_SIZE])
def test_the_twins_count_the_same_chunks(libraries, size):
    assert libraries.chunkCount(size) == chunk_count(size)


@pytest.mark.parametrize("size", [0, MAX_CHUNKS * CHUNK_SIZE + 1])
def test_no_other_size_fits(libraries, size):
    with reverts(libraries.InvalidSize, size=size, maximum=MAX_CHUNKS * CHUNK_SIZE):
        libraries.chunkCount(size)


@pytest.mark.parametrize("size", [0, MAX_CHUNKS * CHUNK_SIZE + 1])
def test_no_other_size_is_split(size):
    with pytest.raises(ValueError, match=f"{size} bytes do not fit"):
        split(bytes(size))


@given(contents(st.sampled_from(EDGES)))
def test_chunks_are_full_but_for_the_last_and_make_up_the_whole(data):
    *full, last = split(data)

    assert all(len(chunk) == CHUNK_SIZE for chunk in full)
    assert 0 < len(last) <= CHUNK_SIZE
    assert b"".join([*full, last]) == data


@given(contents(st.sampled_from(EDGES)), st.data())
def test_every_byte_counts(data, choice):
    place = choice.draw(st.integers(0, len(data) - 1))
    changed = bytearray(data)
    changed[place] ^= choice.draw(st.integers(1, 255))

    assert content_hash(bytes(changed)) != content_hash(data)
    assert content_hash(data + b"\x00") != content_hash(data)


@settings(max_examples=10)
@given(contents(st.integers(CHUNK_SIZE + 1, 3 * CHUNK_SIZE)))
def test_a_chunk_does_not_pass_for_another(libraries, server, data):
    hashes, chunks = chunk_hashes(data), split(data)
    swapped = [chunks[0][:-1] + bytes([chunks[0][-1] ^ 1]), *chunks[1:]]

    with reverts(libraries.WrongChunk, actual=chunk_hashes(swapped[0])[0], expected=hashes[0]):
        libraries.checkChunk.transact(content_hash(data), len(data), 0, hashes, swapped[0], sender=server)
