import pytest
from ape import project

from mlchain.protocol.content import CHUNK_SIZE, MAX_CHUNKS, chunk_hashes, content_hash
from tests.contracts.chain_control import reverts
from tests.contracts.protocol_steps import MODEL, chunk_of

TWO_CHUNKS = bytes(CHUNK_SIZE) + b"tail"


@pytest.fixture(scope="module")
def empty(server):
    """A registry without versions."""
    return server.deploy(project.ModelRegistry)


@pytest.fixture(scope="module")
def announced(empty, server):
    """A registry whose version 1 is announced, in two chunks, and not published."""
    empty.announce(0, content_hash(TWO_CHUNKS), len(TWO_CHUNKS), sender=server)
    return empty


def test_versions_are_numbered_from_one_and_name_their_rounds(server):
    models = server.deploy(project.ModelRegistry)

    for version, round_number in enumerate([0, 1, 2**32 - 1], start=1):
        receipt = models.announce(round_number, content_hash(MODEL), len(MODEL), sender=server)

        event = models.VersionAnnounced(
            version=version, round=round_number, contentHash=content_hash(MODEL), size=len(MODEL)
        )
        assert receipt.events == [event]
        assert models.latestVersion() == version
        assert models.versionAt(version) == [content_hash(MODEL), 0, len(MODEL), round_number]


def test_a_version_is_complete_once_every_chunk_is_published_in_any_order(announced, server):
    for index in [1, 0]:
        assert not announced.isComplete(1)
        assert announced.lineageOf(1) == (bytes(32), bytes(32))
        _, _, hashes, chunk = chunk_of(TWO_CHUNKS, index)

        receipt = announced.publish(1, index, hashes, chunk, sender=server)

        assert receipt.events == [announced.ChunkPublished(version=1, index=index, chunk=chunk)]
    assert announced.isComplete(1)
    assert announced.lineageOf(1) == (content_hash(TWO_CHUNKS), bytes(32))


def test_no_version_is_complete_that_was_not_announced(announced):
    assert not announced.isComplete(0)
    assert not announced.isComplete(2)


def test_a_version_of_the_most_chunks_is_not_complete_with_one(server):
    models, first = server.deploy(project.ModelRegistry), bytes(CHUNK_SIZE)
    hashes = chunk_hashes(first) * MAX_CHUNKS
    models.announce(0, content_hash(first * MAX_CHUNKS), CHUNK_SIZE * MAX_CHUNKS, sender=server)

    models.publish(1, MAX_CHUNKS - 1, hashes, first, sender=server)

    assert models.versionAt(1).published == 1 << (MAX_CHUNKS - 1)
    assert not models.isComplete(1)


def test_only_the_server_announces_and_publishes(announced, stranger):
    with reverts(announced.NotTheServer, caller=stranger):
        announced.announce(0, content_hash(MODEL), len(MODEL), sender=stranger)
    with reverts(announced.NotTheServer, caller=stranger):
        announced.publish(1, *chunk_of(TWO_CHUNKS, 0)[1:], sender=stranger)


def test_the_first_version_is_made_in_no_round_and_each_other_one_in_a_later_one(server):
    models = server.deploy(project.ModelRegistry)
    announced = (content_hash(MODEL), len(MODEL))

    with reverts(models.WrongRound, round=1, before=0):
        models.announce(1, *announced, sender=server)
    models.announce(0, *announced, sender=server)
    with reverts(models.WrongRound, round=0, before=0):
        models.announce(0, *announced, sender=server)
    models.announce(3, *announced, sender=server)
    for round_number in (0, 2, 3):
        with reverts(models.WrongRound, round=round_number, before=3):
            models.announce(round_number, *announced, sender=server)


@pytest.mark.parametrize("size", [0, CHUNK_SIZE * MAX_CHUNKS + 1])
def test_a_version_has_between_one_byte_and_128_chunks(announced, server, size):
    with reverts(announced.InvalidSize, size=size, maximum=CHUNK_SIZE * MAX_CHUNKS):
        announced.announce(1, content_hash(MODEL), size, sender=server)


def test_bytes_of_an_unknown_version_are_refused(announced, server):
    for version in [0, 2]:
        with reverts(announced.UnknownVersion, version=version):
            announced.publish(version, *chunk_of(TWO_CHUNKS, 0)[1:], sender=server)


def test_a_chunk_is_published_once(announced, server):
    arguments = chunk_of(TWO_CHUNKS, 1)[1:]
    announced.publish(1, *arguments, sender=server)

    with reverts(announced.AlreadyPublished, version=1, index=1):
        announced.publish(1, *arguments, sender=server)


def test_a_wrong_chunk_is_refused_in_a_right_list(announced, server):
    _, _, hashes, _ = chunk_of(TWO_CHUNKS, 1)
    forged = b"liat"

    with reverts(announced.WrongChunk, actual=chunk_hashes(forged)[0], expected=hashes[1]):
        announced.publish(1, 1, hashes, forged, sender=server)
