"""Jobs whose referee is a game: what is claimed, when, and what follows for everybody's money."""

import pytest
from ape import project
from ape.utils import ZERO_ADDRESS

from mlchain.protocol.content import content_hash
from mlchain.protocol.rounds import Outcome
from tests.contracts.chain_control import move_to, reverts, time_of_next_block
from tests.contracts.protocol_steps import BONUS, MIN_WINDOW, REWARD, STAKE, chunk_of, deploy_round
from tests.contracts.protocol_steps import verdict_of as settled_as
from tests.referee.refereed import BOND, CLOCK, WINDOWS, Contracts, Trace
from tests.reference.tables import Phase, Verdict

WRONG, WORSE = b"w" * 32, b"v" * 32
UNDECIDED = (Outcome.UNDECIDED, bytes(32))
JUNK = Trace((b"", b""), (b"j" * 32, b"k" * 32))


@pytest.fixture(scope="module")
def contracts(models, server, members):
    return Contracts.deploy(models, server, members)


@pytest.fixture(scope="module")
def scene(contracts):
    """A job of three seats, which share two members with nobody."""
    return contracts.round()


@pytest.fixture
def job(scene):
    return scene.job


@pytest.fixture(scope="module")
def watcher(newcomers):
    return newcomers[0]


@pytest.fixture(scope="module")
def liar(newcomers):
    return newcomers[1]


def commit(scene, *results) -> None:
    """Let the seats commit, in their order; "right" is what that says."""
    scene.committee.commit_all(*[scene.right if it == "right" else it for it in results])
    if None in results:
        move_to(scene.job.commitEnd())


def publish_end(scene) -> int:
    return scene.job.commitEnd() + WINDOWS["publishWindow"]


def game_end(scene) -> int:
    return publish_end(scene) + WINDOWS["refereeWindow"]


def decided(scene) -> tuple[int, bytes]:
    """Return how a job is decided when the game's time is over."""
    move_to(game_end(scene))
    return scene.outcome()


def refute(scene, by, claim: int, trace: Trace, index: int = 1) -> None:
    """Challenge a claim whose side stays silent, and let its clock run out."""
    number = scene.challenge(by, claim, trace, index)
    move_to(scene.contracts.disputes.challenges(number).since + CLOCK)
    scene.finish(by, number)


# Undisputed


@pytest.mark.parametrize(
    ("answers", "time", "outcome"),
    [
        (("right", "right", "right"), WINDOWS["challengeWindow"], Outcome.UNANIMOUS),
        (("right", "right", WRONG), WINDOWS["publishWindow"], Outcome.UNCONTESTED),
    ],
)
def test_what_nobody_disputes_is_decided_as_ever(scene, answers, time, outcome):
    commit(scene, *answers)
    scene.committee.show(0, scene.right)
    move_to(scene.job.commitEnd() + time - 1)
    assert scene.outcome() == UNDECIDED

    move_to(scene.job.commitEnd() + time)

    assert scene.outcome() == (outcome, content_hash(scene.right))


def test_a_quorum_is_accepted_where_nobody_disputes_it(scene):
    commit(scene, "right", "right", WRONG)
    scene.committee.show(0, scene.right)
    scene.committee.propose(2, WRONG)

    assert decided(scene) == (Outcome.QUORUM, content_hash(scene.right))


def test_nobody_rules_where_a_game_decides(scene, job, server, watcher):
    commit(scene, "right", "right", "right")
    scene.committee.show(0, scene.right)

    for caller in (server, watcher, scene.committee.holders[0]):
        with reverts(job.NotTheReferee, caller=caller):
            job.rule(content_hash(scene.right), sender=caller)


@pytest.mark.parametrize("caller", ["server", "watcher"])
def test_only_the_game_says_what_stands(scene, job, caller, request):
    caller = request.getfixturevalue(caller)
    commit(scene, "right", "right", "right")
    scene.committee.show(0, scene.right)

    with reverts(job.NotTheReferee, caller=caller):
        job.dispute(content_hash(scene.right), sender=caller)
    with reverts(job.NotTheReferee, caller=caller):
        job.setRefuted(content_hash(scene.right), True, sender=caller)


def test_a_server_that_referees_cannot_dispute_like_a_game(factory, registry, server):
    (job,) = deploy_round(factory, server)

    with reverts(job.NotTheReferee, caller=server):
        job.dispute(content_hash(WRONG), sender=server)
    with reverts(job.NotTheReferee, caller=server):
        job.setRefuted(content_hash(WRONG), True, sender=server)


@pytest.mark.parametrize(("window", "least"), [("refereeWindow", 5 * MIN_WINDOW), ("challengeWindow", MIN_WINDOW)])
def test_a_game_has_time_for_each_clock_and_a_watcher_to_begin_one(models, server, members, window, least):
    contracts = Contracts.deploy(models, server, members)
    shown = (least - 1) // 5 if window == "refereeWindow" else least - 1
    with reverts(contracts.factory.WindowTooShort, window=shown, minWindow=MIN_WINDOW):
        contracts.round(**{window: least - 1})

    contracts.round(is_scheduled=True, **{window: least})


# Who proposes and publishes


def test_anybody_proposes_what_no_seat_stands_for_and_contests_nothing_by_it(scene, liar):
    commit(scene, "right", "right", WRONG)
    scene.committee.show(0, scene.right)
    scene.bring(liar, WORSE)
    assert scene.job.progress().candidates == 1

    move_to(publish_end(scene))

    assert scene.outcome() == (Outcome.UNCONTESTED, content_hash(scene.right))


def test_what_seats_stand_for_is_left_to_them_for_half_of_their_time(scene, job, watcher):
    commit(scene, "right", "right", WRONG)
    job.proposeAny(content_hash(scene.right), sender=watcher)
    middle = job.commitEnd() + WINDOWS["publishWindow"] // 2
    time_of_next_block(middle - 1)
    with reverts(job.TooEarly, time=middle):
        job.publishUnpaid(*chunk_of(scene.right, 0), sender=watcher)

    time_of_next_block(middle)
    job.publishUnpaid(*chunk_of(scene.right, 0), sender=watcher)

    move_to(publish_end(scene))
    receipt = scene.committee.settle(sender=watcher)
    assert settled_as(receipt, 0) == Verdict.REWARDED
    pays = [event.amount for event in receipt.events if event.event_name == "SeatSettled"]
    assert pays == [REWARD, REWARD, STAKE], "who publishes without a seat earns no bonus, for nobody"
    assert scene.contracts.registry.accountOf(scene.contracts.server).credit == REWARD + BONUS


def test_nobody_brings_a_result_before_all_have_committed_or_time_is_over(scene, job, liar):
    scene.committee.commit_all(scene.right, WRONG)

    with reverts(job.WrongPhase, actual=Phase.COMMIT, first=Phase.PROPOSE, last=Phase.REFEREE):
        job.proposeAny(content_hash(scene.right), sender=liar)
    with reverts(job.WrongPhase, actual=Phase.COMMIT, first=Phase.PROPOSE, last=Phase.REFEREE):
        job.publishUnpaid(*chunk_of(scene.right, 0), sender=liar)


# The first claim


def test_nothing_is_claimed_while_seats_commit(scene, liar):
    scene.committee.commit_all(scene.right, scene.right)

    with reverts(project.Job.WrongPhase, actual=Phase.COMMIT, first=Phase.PROPOSE, last=Phase.PROPOSE):
        scene.claim(liar, scene.right)


def test_the_first_claim_comes_while_seats_propose(scene, watcher):
    commit(scene, WRONG, WRONG, "right")
    scene.committee.show(2, scene.right)
    scene.committee.show(0, WRONG)

    time_of_next_block(publish_end(scene))
    with reverts(project.Job.WrongPhase, actual=Phase.REFEREE, first=Phase.PROPOSE, last=Phase.PROPOSE):
        scene.claim(watcher, scene.right)


def test_the_first_claim_can_come_in_the_last_second_in_which_seats_propose(scene, watcher):
    commit(scene, WRONG, WRONG, "right")
    scene.committee.show(2, scene.right)
    scene.committee.show(0, WRONG)
    time_of_next_block(publish_end(scene) - 1)

    scene.claim(watcher, scene.right)

    assert decided(scene) == (Outcome.UPHELD, content_hash(scene.right))


@pytest.mark.parametrize("is_proposed", [False, True])
def test_nothing_is_claimed_whose_bytes_are_not_published(scene, liar, is_proposed):
    commit(scene, WRONG, WRONG, "right")
    if is_proposed:
        scene.committee.propose(0, WRONG)

    with reverts(project.Job.NotComplete, resultHash=content_hash(WRONG)):
        scene.claim(liar, WRONG)


def test_a_disputed_job_is_undecided_until_the_game_is_over(scene, watcher):
    commit(scene, "right", "right", "right")
    scene.committee.show(0, scene.right)
    scene.claim(watcher, scene.right)

    for time in (scene.job.commitEnd() + WINDOWS["challengeWindow"], publish_end(scene), game_end(scene) - 1):
        move_to(time)
        assert scene.outcome() == UNDECIDED
    move_to(game_end(scene))
    assert scene.outcome() == (Outcome.UPHELD, content_hash(scene.right))
    assert scene.job.phase() == Phase.DECIDED


def test_what_is_decided_cannot_be_disputed(scene, liar):
    commit(scene, "right", "right", "right")
    scene.committee.show(0, scene.right)
    scene.bring(liar, WRONG)
    move_to(scene.job.commitEnd() + WINDOWS["challengeWindow"])

    with reverts(project.Job.WrongPhase, actual=Phase.DECIDED, first=Phase.PROPOSE, last=Phase.PROPOSE):
        scene.claim(liar, WRONG)


def test_other_results_of_a_disputed_job_are_claimed_until_the_first_clock_has_run_out(scene, watcher, liar):
    commit(scene, WRONG, WRONG, "right")
    scene.bring(liar, WORSE)
    scene.claim(liar, WORSE)
    time_of_next_block(publish_end(scene) + CLOCK - 4)
    scene.job.proposeAny(content_hash(scene.right), sender=watcher)
    scene.bring(watcher, scene.right)
    time_of_next_block(publish_end(scene) + CLOCK - 1)
    scene.claim(watcher, scene.right)

    with reverts(project.Disputes.WrongTime, time=publish_end(scene) + CLOCK):
        scene.claim(liar, scene.right)


# Who wins and who loses


def test_a_lie_of_all_seats_falls_by_one_watcher_who_gets_half_of_their_stakes(scene, watcher):
    commit(scene, WRONG, WRONG, WRONG)
    scene.committee.show(0, WRONG)
    scene.bring(watcher, scene.right)
    scene.claim(watcher, scene.right)

    assert decided(scene) == (Outcome.UPHELD, content_hash(scene.right))
    registry, before = scene.contracts.registry, scene.contracts.registry.burnt()
    receipt = scene.committee.settle(sender=watcher)

    bounty = registry.BountyPaid(job=scene.job, finder=watcher, amount=3 * (STAKE // 2))
    assert [event for event in receipt.events if event.event_name == "BountyPaid"] == [bounty]
    assert {settled_as(receipt, seat) for seat in range(3)} == {Verdict.SLASHED}
    assert registry.accountOf(watcher).credit == 3 * (STAKE // 2)
    assert registry.burnt() - before == 3 * STAKE - 3 * (STAKE // 2)
    assert registry.accountOf(scene.contracts.server).credit == 3 * REWARD + BONUS, "what it has paid in, no wei more"


def test_a_lie_that_nobody_can_read_yet_does_not_have_to_be_waited_for(scene, watcher):
    """It could be published when the challenge window is over, and would stand at once."""
    commit(scene, WRONG, WRONG, WRONG)
    scene.bring(watcher, scene.right)
    scene.claim(watcher, scene.right)

    move_to(scene.job.commitEnd() + WINDOWS["challengeWindow"])
    scene.committee.show(0, WRONG)

    assert decided(scene) == (Outcome.UPHELD, content_hash(scene.right))


def test_the_server_gets_nothing_of_what_it_claims_right(scene, server):
    commit(scene, WRONG, WRONG, "right")
    scene.committee.show(2, scene.right)
    scene.claim(server, scene.right)
    assert decided(scene) == (Outcome.UPHELD, content_hash(scene.right))

    receipt = scene.committee.settle(sender=server)

    assert "BountyPaid" not in [event.event_name for event in receipt.events]
    assert scene.contracts.registry.burnt() == 2 * STAKE


def test_a_bounty_is_paid_with_the_seats_that_are_settled_and_not_for_who_was_absent(scene, watcher):
    commit(scene, WRONG, "right", None)
    scene.committee.show(1, scene.right)
    scene.claim(watcher, scene.right)
    assert decided(scene) == (Outcome.UPHELD, content_hash(scene.right))
    registry = scene.contracts.registry

    scene.committee.settle(1, 2, sender=watcher)
    assert registry.accountOf(watcher).credit == 0
    scene.committee.settle(0, sender=watcher)

    assert registry.accountOf(watcher).credit == STAKE // 2
    assert registry.balance == registry.burnt() + 5 * STAKE - STAKE - 10**17 + 3 * REWARD + BONUS + STAKE // 2


def test_a_refuted_result_costs_its_seats_their_stakes_even_if_nothing_is_accepted(scene, watcher, liar):
    commit(scene, WRONG, WORSE, "right")
    for seat, result in enumerate((WRONG, WORSE, scene.right)):
        scene.committee.show(seat, result)
    claim = scene.claim(liar, WRONG)
    refute(scene, watcher, claim, scene.honest_trace(WRONG))

    assert scene.job.progress().standing == 0
    assert decided(scene) == (Outcome.FAILED, bytes(32))
    receipt = scene.committee.settle(sender=watcher)
    verdicts = [settled_as(receipt, seat) for seat in range(3)]
    assert verdicts == [Verdict.SLASHED, Verdict.RELEASED, Verdict.RELEASED]
    assert scene.contracts.registry.burnt() == STAKE, "nobody has shown what is right"


def test_of_two_results_that_stand_neither_is_accepted(scene, watcher, liar):
    commit(scene, WRONG, "right", "right")
    scene.committee.show(0, WRONG)
    scene.committee.show(1, scene.right)
    scene.claim(liar, WRONG)
    scene.claim(watcher, scene.right)

    assert decided(scene) == (Outcome.FAILED, bytes(32))
    receipt = scene.committee.settle(sender=watcher)
    assert {settled_as(receipt, seat) for seat in range(3)} == {Verdict.RELEASED}


def test_the_one_result_that_stands_is_found_among_refuted_ones(scene, watcher, liar):
    commit(scene, WRONG, WORSE, "right")
    for seat, result in enumerate((WRONG, WORSE, scene.right)):
        scene.committee.show(seat, result)
    claims = [scene.claim(liar, result) for result in (WRONG, WORSE)]
    scene.claim(watcher, scene.right)
    for claim, result in zip(claims, (WRONG, WORSE), strict=True):
        refute(scene, watcher, claim, scene.honest_trace(result))

    assert decided(scene) == (Outcome.UPHELD, content_hash(scene.right))
    assert [scene.contracts.disputes.creditOf(watcher), scene.contracts.disputes.creditOf(liar)] == [4 * BOND, 0]


def test_a_result_that_is_claimed_again_costs_its_seats_nothing(scene, watcher, liar):
    """A copy of the right root, which its owner refutes on purpose, and another lie that nobody answers."""
    commit(scene, WRONG, "right", "right")
    scene.committee.show(0, WRONG)
    scene.committee.show(1, scene.right)
    refute(scene, liar, scene.claim(liar, scene.right), scene.honest_trace(scene.right))
    assert scene.job.progress().standing == 0

    scene.claim(watcher, scene.right)
    scene.claim(liar, WRONG)

    assert scene.job.progress().standing == 2
    assert decided(scene) == (Outcome.FAILED, bytes(32))
    receipt = scene.committee.settle(sender=watcher)
    assert {settled_as(receipt, seat) for seat in range(3)} == {Verdict.RELEASED}


@pytest.mark.parametrize("is_succeeded", [True, False])
def test_only_a_claim_that_stands_is_paid_for_the_right_result(scene, watcher, liar, is_succeeded):
    commit(scene, WRONG, "right", "right")
    scene.committee.show(0, WRONG)
    scene.committee.show(1, scene.right)
    junk = scene.claim(liar, scene.right, JUNK)
    claim = scene.claim(watcher, scene.right)
    refute(scene, watcher, junk, JUNK, 0)
    if is_succeeded:
        scene.succeed(watcher, claim)

    assert decided(scene) == (Outcome.UPHELD, content_hash(scene.right))
    scene.committee.settle(sender=watcher)

    paid = {who: scene.contracts.registry.accountOf(who).credit for who in (watcher, liar)}
    assert paid == {watcher: STAKE // 2 if is_succeeded else 0, liar: 0}
    assert scene.contracts.registry.burnt() == STAKE - paid[watcher]


def test_the_right_claim_is_shown_to_be_right_by_anybody(scene, watcher, liar):
    commit(scene, WRONG, "right", "right")
    scene.committee.show(1, scene.right)
    trace = scene.honest_trace(scene.right)
    claim = scene.claim(watcher, scene.right)
    disputes, description = scene.contracts.disputes, scene.description(content_hash(scene.right))

    for index in (0, 1):
        game = scene.challenge(liar, claim, trace, index)
        disputes.reveal(game, trace.leaves[index], sender=watcher)
        disputes.pickEntry(game, 0, sender=liar)
        disputes.prove(game, description, trace.leaves[index], b"", sender=liar)

    assert disputes.creditOf(watcher) == 2 * BOND
    assert decided(scene) == (Outcome.UPHELD, content_hash(scene.right))


def test_the_wrong_claim_is_shown_to_be_right_by_nobody(scene, watcher, liar):
    commit(scene, WRONG, WRONG, WRONG)
    scene.committee.show(1, WRONG)
    trace = scene.honest_trace(WRONG)
    game = scene.challenge(watcher, scene.claim(liar, WRONG, trace), trace, 1)
    disputes = scene.contracts.disputes
    disputes.reveal(game, trace.leaves[1], sender=liar)
    disputes.pickEntry(game, 0, sender=watcher)

    with reverts(disputes.NotDerived):
        disputes.prove(game, scene.description(content_hash(WRONG)), trace.leaves[1], b"", sender=liar)


def test_a_challenge_that_ends_too_late_changes_no_decision(scene, watcher, liar):
    commit(scene, WRONG, "right", "right")
    scene.committee.show(0, WRONG)
    scene.committee.show(1, scene.right)
    trace = scene.honest_trace(WRONG)
    game = scene.challenge(watcher, scene.claim(liar, WRONG), trace, 1)
    scene.claim(watcher, scene.right)
    assert decided(scene) == (Outcome.FAILED, bytes(32))

    scene.finish(watcher, game)

    assert scene.contracts.disputes.claimantOf(scene.job, content_hash(WRONG)) == ZERO_ADDRESS
    assert scene.job.progress().standing == 2
    assert scene.outcome() == (Outcome.FAILED, bytes(32))
    receipt = scene.committee.settle(sender=watcher)
    assert {settled_as(receipt, seat) for seat in range(3)} == {Verdict.RELEASED}


# The server's veto


def test_the_server_s_only_power_is_to_call_a_disputed_task_broken(scene, job, server, watcher):
    commit(scene, WRONG, "right", "right")
    scene.committee.show(1, scene.right)
    scene.claim(watcher, scene.right)
    for caller in (watcher, scene.contracts.workers[0]):
        with reverts(job.NotTheServer, caller=caller):
            job.ruleVoid(sender=caller)
    time_of_next_block(game_end(scene) - 1)

    job.ruleVoid(sender=server)

    assert scene.outcome() == (Outcome.VOID, bytes(32))
    receipt = scene.committee.settle(sender=watcher)
    assert {settled_as(receipt, seat) for seat in range(3)} == {Verdict.RELEASED}
    assert scene.contracts.registry.burnt() == 3 * REWARD + BONUS, "a veto costs the server the whole pay"


def test_the_server_vetoes_nothing_that_is_decided(scene, job, server, watcher):
    commit(scene, WRONG, "right", "right")
    scene.committee.show(1, scene.right)
    scene.claim(watcher, scene.right)
    time_of_next_block(game_end(scene))

    with reverts(job.WrongPhase, actual=Phase.DECIDED, first=Phase.PROPOSE, last=Phase.REFEREE):
        job.ruleVoid(sender=server)


def test_bonds_come_home_from_a_job_that_the_server_has_vetoed(scene, job, server, watcher, liar):
    commit(scene, WRONG, "right", "right")
    scene.committee.show(0, WRONG)
    scene.committee.show(1, scene.right)
    wrong, right = scene.claim(liar, WRONG), scene.claim(watcher, scene.right)
    job.ruleVoid(sender=server)
    refute(scene, watcher, wrong, scene.honest_trace(WRONG))
    move_to(publish_end(scene) + 2 * CLOCK)
    disputes = scene.contracts.disputes
    disputes.release(right, sender=watcher)

    before = watcher.balance
    fees = disputes.withdraw(sender=watcher).total_fees_paid

    assert watcher.balance == before + 3 * BOND - fees
    assert disputes.balance == 0
    with reverts(project.Job.WrongPhase, actual=Phase.DECIDED, first=Phase.PROPOSE, last=Phase.PROPOSE):
        scene.claim(liar, WORSE)
