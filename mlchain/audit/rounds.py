"""Rounds as they are deployed: their terms, their pay, the pool that they draw from, and the seed of the draw."""

from eth_utils import keccak

from mlchain.audit.findings import Check
from mlchain.audit.models import check_initial
from mlchain.audit.state import AuditState, EventCheck
from mlchain.protocol.draw import seed_of
from mlchain.protocol.events import JobDeployed, Log, RoundDeployed, RoundOpened, RoundScheduled
from mlchain.protocol.terms import MAX_JOBS, Limit, RoundTerms, broken_limits


def check_scheduled(state: AuditState, log: Log, event: RoundScheduled) -> None:
    """Check that the next round is scheduled for the pool of this very block, and note a schedule that was not used."""
    ledger, number = state.ledger, len(state.ledger.rounds) + 1
    check = EventCheck(state, Check.ROUNDS, log, f"round {number}")
    check.expect_equal("the round that is scheduled", event.round, number)
    check.expect_equal("its snapshot block", event.snapshot_block, log.block)
    check.expect(ledger.scheduled_block(log.block) is None, f"block {ledger.scheduled} is still good for it")
    if ledger.scheduled is not None:
        state.report.unused_schedules.append((number, ledger.scheduled))


def check_opened(state: AuditState, log: Log, event: RoundOpened) -> None:
    """Check that no round is open yet; `RoundDeployed` has to come next and tell of the same round."""
    state.opened = (event.snapshot_block, event.seats, event.escrow)
    state.due = [RoundDeployed]
    check = EventCheck(state, Check.ROUNDS, log, f"round {len(state.ledger.rounds) + 1}")
    check.expect(state.ledger.open_round is None, "the round before still has unsettled seats")
    check.expect_equal("the escrow left of earlier rounds", state.ledger.escrow, 0)


def check_deployed(state: AuditState, log: Log, event: RoundDeployed) -> None:
    """Check a round's terms, model, pool, seed and recipe; a `JobDeployed` for each of its jobs has to come next."""
    terms = event.terms
    check = EventCheck(state, Check.ROUNDS, log, f"round {event.round}")
    state.due = [JobDeployed] * min(terms.jobs, MAX_JOBS)
    check.expect_equal("its number", event.round, len(state.ledger.rounds) + 1)
    check.expect_equal("its model version", event.model_version, terms.model_version)
    check.expect(state.ledger.refuted is None, "a version has been refuted: no round can follow")
    check.expect_equal(
        "its snapshot block, seats and escrow",
        (event.snapshot_block, terms.jobs * terms.seats, terms.escrow),
        state.opened,
    )
    check.expect_equal("its commit deadline", event.commit_deadline, log.timestamp + terms.commit_window)
    _check_terms(check, terms)
    _check_model(check, terms)
    _check_pool(check, event)
    _check_seed(check, event)
    _check_recipe(check, event)


def _check_terms(check: EventCheck, terms: RoundTerms) -> None:
    rules, versions = check.state.rules, check.state.ledger.versions
    is_complete = 0 < terms.model_version <= len(versions) and versions[terms.model_version - 1].is_complete
    check.expect(is_complete, f"version {terms.model_version} of the model is not completely published")
    broken = broken_limits(terms, rules.min_seats, rules.min_window, rules.max_round_duration)
    problems = {
        Limit.JOBS: f"it cannot have {terms.jobs} jobs",
        Limit.SEATS: f"a job cannot have {terms.seats} seats",
        Limit.QUORUM: f"{terms.quorum} of {terms.seats} seats cannot be the quorum",
        Limit.REWARD: "its seats are not paid",
        Limit.RESULT_SIZE: f"a result cannot have {terms.result_size} bytes",
        Limit.WINDOW: f"a window of {min(terms.windows)} s is too short",
        Limit.DURATION: f"its windows, {sum(terms.windows)} s, are too long",
        Limit.CHALLENGE: "its challenge window outlasts the publish window",
    }
    for limit, problem in problems.items():
        check.expect(limit not in broken, problem)


def _check_model(check: EventCheck, terms: RoundTerms) -> None:
    """Check that a round goes on from the newest version, and that this leaves out nothing that was accepted."""
    ledger = check.state.ledger
    check.expect_equal("the version that it trains", terms.model_version, len(ledger.versions))
    is_merged = not ledger.unmerged_results(terms.model_version)
    check.expect(is_merged, f"what the round before accepted is not in version {terms.model_version}")


def _check_pool(check: EventCheck, event: RoundDeployed) -> None:
    ledger, terms, size, block = check.state.ledger, event.terms, event.pool_size, check.log.block
    check.expect_equal("its snapshot block", event.snapshot_block, ledger.scheduled_block(block))
    check.expect(event.snapshot_block < block, "its snapshot block is not past")
    check.expect_equal("its pool size", size, ledger.pool.size_at(event.snapshot_block))
    check.expect(
        terms.jobs * terms.seats <= size, f"{terms.jobs * terms.seats} seats cannot be drawn from {size} workers"
    )


def _check_seed(check: EventCheck, event: RoundDeployed) -> None:
    state, rules = check.state, check.state.rules
    parts = state.sources.seed_parts(check.log, event.snapshot_block)
    if parts is None:
        state.report.unseen_seeds += 1
        state.random_head = None
        return
    state.report.seeds += 1
    check.expect_equal("its seed", event.seed, seed_of(rules.chain_id, rules.factory, *parts, event.round))
    if state.random_head is not None:
        check.expect_equal("the hash of its random number", keccak(parts[0]), state.random_head)
    state.random_head = parts[0]


def _check_recipe(check: EventCheck, event: RoundDeployed) -> None:
    recipe = event.task
    try:
        size = check.state.sources.open_recipe(recipe).result_size
    except ValueError as error:
        check.expect(False, f"its recipe cannot be read: {error}")
        return
    check.expect_equal("the size of its results", event.terms.result_size, size)
    first = check.state.ledger.rounds[0].task if check.state.ledger.rounds else recipe
    check.expect_equal("its recipe", recipe, first)
    if not check.state.ledger.rounds:
        check_initial(check.state, check.log, recipe)


def check_job_deployed(state: AuditState, log: Log, event: JobDeployed) -> None:
    """Check that a job is the next one of its round, and has its task."""
    current = state.ledger.rounds[-1]
    check = EventCheck(state, Check.ROUNDS, log, f"round {current.number} job {event.index}")
    check.expect_equal("its round", event.round, current.number)
    check.expect_equal("its index", event.index, len(current.jobs))
    check.expect_equal("its task", event.task_hash, state.ledger.task_hash_of(current))
    check.expect(state.ledger.job_at(event.job) is None, f"{event.job} is a job of an earlier round")
