"""Versions of the model: each is its hash, the first is the recipe's, and each other follows from the one before."""

from mlchain.audit.findings import Check
from mlchain.audit.state import AuditState, EventCheck, shown
from mlchain.protocol.content import CHUNK_SIZE, chunk_count, content_hash
from mlchain.protocol.events import Log, ResultChunkPublished
from mlchain.protocol.ledger import ModelVersion
from mlchain.protocol.model_events import ModelChunkPublished, VersionAnnounced, VersionRefuted
from mlchain.protocol.terms import is_size


def check_announced(state: AuditState, log: Log, event: VersionAnnounced) -> None:
    """Check the announcement of a version: its bytes follow from what was on the chain before."""
    versions = state.ledger.versions
    check = EventCheck(state, Check.MODELS, log, f"version {event.version}")
    state.announced_in[event.version] = log.block
    check.expect_equal("its number", event.version, len(versions) + 1)
    check.expect(is_size(event.size), f"a model of {event.size} bytes cannot be published")
    is_right = check.expect_equal("its round", event.round, len(state.ledger.rounds) if versions else 0)
    if versions and check.expect(versions[-1].is_complete, f"version {len(versions)} is not complete"):
        is_right &= _check_follows(check, event, versions[-1])
    if not is_right:
        state.wrong_versions.add(event.version)


def _check_follows(check: EventCheck, event: VersionAnnounced, parent: ModelVersion) -> bool:
    ledger = check.state.ledger
    results = ledger.unmerged_results(parent.number)
    is_right = check.expect(bool(results), f"no result that could change version {parent.number} has been accepted")
    if is_right:
        last = ledger.rounds[-1]
        task = check.state.sources.open_recipe(last.task)
        expected = task.aggregate(parent.data(), results, ledger.parent_of(last))
        actual, right = shown(event.content_hash), shown(content_hash(expected))
        made_of = f"version {parent.number} and the mean of what round {last.number} accepted"
        is_right = check.expect(actual == right, f"its hash is {actual}, and {made_of} have {right}")
        is_right &= check.expect_equal("its size", event.size, len(expected))
    return is_right


def check_refuted(state: AuditState, log: Log, event: VersionRefuted) -> None:
    """Check that a version was refuted rightly, and before no other one."""
    check = EventCheck(state, Check.MODELS, log, f"version {event.version}")
    check.expect(event.version in state.wrong_versions, "it was refuted, and follows from what was accepted")
    check.expect(state.ledger.refuted is None, "a version has been refuted before")


def check_initial(state: AuditState, log: Log, recipe: bytes) -> None:
    """Check, when the first round names its recipe, that version 1 is the model that this begins with."""
    block = state.announced_in.get(1, log.block)
    own = state.sources.first_model
    expected = state.sources.open_recipe(recipe).initial_model() if own is None else own(recipe)
    announced = state.ledger.versions[0].content_hash
    whose = "the recipe's initial model" if own is None else "the model that was named"
    state.report.expect(
        announced == content_hash(expected),
        Check.MODELS,
        block,
        "version 1",
        f"its hash is {shown(announced)}, and {whose} has {shown(content_hash(expected))}",
    )


def check_chunk(state: AuditState, log: Log, event: ModelChunkPublished) -> None:
    """Check a chunk of a version: it has a place there and, once all are there, they are what was announced."""
    check = EventCheck(state, Check.MODELS, log, f"version {event.version}")
    if check.expect(0 < event.version <= len(state.ledger.versions), "it was never announced"):
        version = state.ledger.versions[event.version - 1]
        check_bytes(check, event, version.content_hash, version.size, version.chunks)


def check_bytes(
    check: EventCheck,
    event: ModelChunkPublished | ResultChunkPublished,
    expected_hash: bytes,
    size: int,
    present: dict[int, bytes],
) -> None:
    """Check a published chunk of what has that hash and size, and with the last chunk the whole of it."""
    index, chunk, count = event.index, event.chunk, chunk_count(size)
    check.expect(index not in present, f"chunk {index} was published before")
    if not check.expect(0 <= index < count, f"there is no chunk {index} of {count}"):
        return
    check.expect_equal(f"the length of chunk {index}", len(chunk), min(CHUNK_SIZE, size - index * CHUNK_SIZE))
    chunks = present | {index: chunk}
    if len(chunks) == count:
        actual = content_hash(b"".join(chunks[number] for number in sorted(chunks)))
        check.expect_equal("the hash of the published bytes", actual, expected_hash)
