"""Rounds as they are deployed: their terms, their pay, the pool that they draw from, and the seed of the draw."""

from eth_abi import encode
from eth_utils import keccak

from mlchain.audit.case import Bench, Case
from mlchain.audit.findings import Check
from mlchain.audit.models import check_initial
from mlchain.protocol.commitments import task_hash
from mlchain.protocol.content import CHUNK_SIZE, MAX_CHUNKS
from mlchain.protocol.ledger import Log
from mlchain.protocol.pool import LOOK_BACK
from mlchain.protocol.rounds import MAX_JOBS, MAX_SEATS, RoundTerms


def check_opened(case: Case, log: Log) -> None:
    """Check that no round is open yet; `RoundDeployed` has to come next and tell of the same round."""
    it = log.arguments
    case.opened = (it["snapshotBlock"], it["seats"], it["escrow"])
    case.due = ["RoundDeployed"]
    bench = Bench(case, Check.ROUNDS, log, f"round {len(case.ledger.rounds) + 1}")
    bench.hold(case.ledger.open_round is None, "the round before still has unsettled seats")
    bench.equal("the escrow left of earlier rounds", case.ledger.escrow, 0)


def check_deployed(case: Case, log: Log) -> None:
    """Check a round's terms, model, pool, seed and recipe; a `JobDeployed` for each of its jobs has to come next."""
    it, terms = log.arguments, RoundTerms(*log.arguments["terms"])
    bench = Bench(case, Check.ROUNDS, log, f"round {it['round']}")
    case.due = ["JobDeployed"] * min(terms.jobs, MAX_JOBS)
    bench.equal("its number", it["round"], len(case.ledger.rounds) + 1)
    bench.equal("its model version", it["modelVersion"], terms.model_version)
    bench.equal(
        "its snapshot block, seats and escrow",
        (terms.snapshot_block, terms.jobs * terms.seats, terms.escrow),
        case.opened,
    )
    bench.equal("its commit deadline", it["commitDeadline"], log.timestamp + terms.commit_window)
    _check_terms(bench, terms)
    _check_model(bench, terms)
    _check_pool(bench, terms)
    _check_seed(bench, terms)
    _check_recipe(bench, terms)


def _check_terms(bench: Bench, terms: RoundTerms) -> None:
    rules, versions = bench.case.rules, bench.case.ledger.versions
    windows = (terms.commit_window, terms.publish_window, terms.referee_window)
    is_complete = 0 < terms.model_version <= len(versions) and versions[terms.model_version - 1].is_complete
    bench.hold(is_complete, f"version {terms.model_version} of the model is not completely published")
    bench.hold(0 < terms.jobs <= MAX_JOBS, f"it cannot have {terms.jobs} jobs")
    bench.hold(0 < terms.seats <= MAX_SEATS, f"a job cannot have {terms.seats} seats")
    is_majority = terms.seats < 2 * terms.quorum <= 2 * terms.seats
    bench.hold(is_majority, f"{terms.quorum} of {terms.seats} seats cannot be the quorum")
    bench.hold(terms.reward > 0, "its seats are not paid")
    bench.hold(0 < terms.result_size <= CHUNK_SIZE * MAX_CHUNKS, f"a result cannot have {terms.result_size} bytes")
    bench.hold(min(windows) >= rules.min_window, f"a window of {min(windows)} s is too short")
    bench.hold(sum(windows) <= rules.max_round_duration, f"its windows, {sum(windows)} s, are too long")
    bench.hold(terms.challenge_window <= terms.publish_window, "its challenge window outlasts the publish window")


def _check_model(bench: Bench, terms: RoundTerms) -> None:
    """Check that a round goes on from the newest version, and that this leaves out nothing that was accepted."""
    ledger = bench.case.ledger
    bench.equal("the version that it trains", terms.model_version, len(ledger.versions))
    last = ledger.rounds[-1] if ledger.rounds else None
    is_left_out = last is not None and last.terms.model_version == terms.model_version and last.accepted_results()
    bench.hold(not is_left_out, f"what the round before accepted is not in version {terms.model_version}")


def _check_pool(bench: Bench, terms: RoundTerms) -> None:
    ledger, size, block = bench.case.ledger, bench.log.arguments["poolSize"], bench.log.block
    earliest = max(block - LOOK_BACK, ledger.last_settlement_block, 0)
    is_recent = earliest <= terms.snapshot_block < block
    bench.hold(is_recent, f"its snapshot block, {terms.snapshot_block}, has to be from {earliest} to {block - 1}")
    bench.equal("its pool size", size, ledger.pool.size_at(terms.snapshot_block))
    bench.hold(
        terms.jobs * terms.seats <= size, f"{terms.jobs * terms.seats} seats cannot be drawn from {size} workers"
    )


def _check_seed(bench: Bench, terms: RoundTerms) -> None:
    parts = bench.case.sources.seed_parts(bench.log, terms.snapshot_block)
    if parts is None:
        bench.case.report.unseen_seeds += 1
        return
    bench.case.report.seeds += 1
    seed = keccak(encode(["bytes32", "bytes32", "uint256"], [*parts, bench.log.arguments["round"]]))
    bench.equal("its seed", bytes(bench.log.arguments["seed"]), seed)


def _check_recipe(bench: Bench, terms: RoundTerms) -> None:
    recipe = bytes(bench.log.arguments["task"])
    try:
        size = bench.case.sources.open_recipe(recipe).result_size
    except ValueError as error:
        bench.hold(False, f"its recipe cannot be read: {error}")
        return
    bench.equal("the size of its results", terms.result_size, size)
    first = bench.case.ledger.rounds[0].task if bench.case.ledger.rounds else recipe
    bench.equal("its recipe", recipe, first)
    if not bench.case.ledger.rounds:
        check_initial(bench.case, bench.log, recipe)


def check_job_deployed(case: Case, log: Log) -> None:
    """Check that a job is the next one of its round, and has its task."""
    it, current = log.arguments, case.ledger.rounds[-1]
    bench = Bench(case, Check.ROUNDS, log, f"round {current.number} job {it['index']}")
    bench.equal("its round", it["round"], current.number)
    bench.equal("its index", it["index"], len(current.jobs))
    bench.equal("its task", bytes(it["taskHash"]), task_hash(current.task, current.number, len(current.jobs)))
    bench.hold(case.ledger.job_at(it["job"]) is None, f"{it['job']} is a job of an earlier round")
