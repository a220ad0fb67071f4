"""Versions of the model: each is its hash, the first is the recipe's, and each other follows from the one before."""

from mlchain.actors.server import next_model
from mlchain.audit.case import Bench, Case, shown
from mlchain.audit.findings import Check
from mlchain.protocol.content import CHUNK_SIZE, MAX_CHUNKS, chunk_count, content_hash
from mlchain.protocol.ledger import Log, ModelVersion


def check_announced(case: Case, log: Log) -> None:
    """Check the announcement of a version: its bytes follow from what was on the chain before."""
    it, versions = log.arguments, case.ledger.versions
    bench = Bench(case, Check.MODELS, log, f"version {it['version']}")
    case.announced_in[it["version"]] = log.block
    bench.equal("its number", it["version"], len(versions) + 1)
    bench.hold(0 < it["size"] <= CHUNK_SIZE * MAX_CHUNKS, f"a model of {it['size']} bytes cannot be published")
    bench.equal("its parent", it["parent"], len(versions))
    if versions and bench.hold(versions[-1].is_complete, f"version {len(versions)} is not complete"):
        _check_follows(bench, versions[-1])


def _check_follows(bench: Bench, parent: ModelVersion) -> None:
    ledger = bench.case.ledger
    last = ledger.rounds[-1] if ledger.rounds else None
    has_results = (
        last is not None
        and last.is_settled
        and last.terms.model_version == parent.number
        and bool(last.accepted_results())
    )
    if bench.hold(has_results, f"no result that could change version {parent.number} has been accepted"):
        task = bench.case.sources.open_recipe(last.task)
        expected = next_model(task, parent.data(), last.accepted_results(), ledger.parent_of(last))
        actual, right = shown(bytes(bench.log.arguments["contentHash"])), shown(content_hash(expected))
        made_of = f"version {parent.number} and the mean of what round {last.number} accepted"
        bench.hold(actual == right, f"its hash is {actual}, and {made_of} have {right}")
        bench.equal("its size", bench.log.arguments["size"], len(expected))


def check_initial(case: Case, log: Log, recipe: bytes) -> None:
    """Check, when the first round names its recipe, that version 1 is the model that this begins with."""
    block = case.announced_in.get(1, log.block)
    expected = case.sources.open_recipe(recipe).initial_model()
    announced = case.ledger.versions[0].content_hash
    case.report.hold(
        announced == content_hash(expected),
        Check.MODELS,
        block,
        "version 1",
        f"its hash is {shown(announced)}, and the recipe's initial model has {shown(content_hash(expected))}",
    )


def check_chunk(case: Case, log: Log) -> None:
    """Check a chunk of a version: it has a place there and, once all are there, they are what was announced."""
    it = log.arguments
    bench = Bench(case, Check.MODELS, log, f"version {it['version']}")
    if bench.hold(0 < it["version"] <= len(case.ledger.versions), "it was never announced"):
        version = case.ledger.versions[it["version"] - 1]
        check_bytes(bench, version.content_hash, version.size, version.chunks)


def check_bytes(bench: Bench, result_hash: bytes, size: int, present: dict[int, bytes]) -> None:
    """Check a published chunk of what has that hash and size, and with the last chunk the whole of it."""
    index, chunk = bench.log.arguments["index"], bytes(bench.log.arguments["chunk"])
    count = chunk_count(size)
    bench.hold(index not in present, f"chunk {index} was published before")
    if not bench.hold(0 <= index < count, f"there is no chunk {index} of {count}"):
        return
    bench.equal(f"the length of chunk {index}", len(chunk), min(CHUNK_SIZE, size - index * CHUNK_SIZE))
    chunks = present | {index: chunk}
    if len(chunks) == count:
        actual = content_hash(b"".join(chunks[number] for number in sorted(chunks)))
        bench.equal("the hash of the published bytes", actual, result_hash)
