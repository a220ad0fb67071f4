"""How a job is decided: the twin line by line, at the seconds at which each line begins to hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlchain.protocol.content import content_hash
from mlchain.protocol.rounds import VOID, Candidate, Job, Outcome, Phase, Round, Settlement, Verdict, outcome, phase
from mlchain.protocol.terms import RoundTerms
from tests.contracts.chain_control import move_to, rollback
from tests.contracts.protocol_steps import JUNK, RIGHT, WORSE, WRONG, Committee, deploy_round
from tests.protocol.random_rounds import compare_decision, follow, record_of

DEADLINE = 1_000
PUBLISH, REFEREE = 100, 50
HASHES = [bytes([number]) * 32 for number in (1, 2, 3)]


@st.composite
def jobs(draw) -> Job:
    """Return a job that could be: no two candidates have a quorum, and votes are commitments."""
    seats = draw(st.integers(1, 7))
    quorum = draw(st.integers(seats // 2 + 1, seats))
    audit = draw(st.integers(0, PUBLISH))
    terms = RoundTerms(1, 1, seats, quorum, 1, 1, 1, 10, PUBLISH, REFEREE, audit)
    job = Job("job", 0, bytes(32), terms, DEADLINE, tuple(map(str, range(seats))))
    answers = draw(st.lists(st.sampled_from([None, *HASHES]), min_size=seats, max_size=seats))
    job.commitments = {seat: answer for seat, answer in enumerate(answers) if answer}
    if len(job.commitments) == seats:
        job.all_committed_at = DEADLINE - draw(st.integers(0, 500))
    for candidate in draw(st.lists(st.sampled_from(HASHES), unique=True)):
        chunks = {0: b"x"} if draw(st.booleans()) else {}
        job.candidates[candidate] = Candidate(answers.count(candidate), "proposer", {}, chunks)
    complete = [candidate for candidate in job.candidates if job.is_complete(candidate)]
    job.ruling = draw(st.sampled_from([None, None, None, VOID, *complete]))
    return job


TIMES = st.integers(DEADLINE - 600, DEADLINE + PUBLISH + REFEREE + 10)


@given(jobs(), TIMES, st.integers(0, 1_000))
def test_a_decided_job_stays_as_it_is(job, time, later):
    if outcome(job, time)[0] is not Outcome.UNDECIDED:
        assert outcome(job, time + later)[1] == outcome(job, time)[1]


@given(jobs(), TIMES)
def test_only_a_complete_candidate_with_a_quorum_is_accepted_unless_the_referee_rules(job, time):
    decision, accepted = outcome(job, time)

    if decision in (Outcome.UNANIMOUS, Outcome.UNCONTESTED, Outcome.QUORUM):
        assert job.candidates[accepted].votes >= job.terms.quorum
        assert job.is_complete(accepted)
    elif decision is Outcome.RULED:
        assert accepted == job.ruling
    else:
        assert accepted == VOID


@given(jobs())
def test_every_job_is_decided_in_the_end(job):
    assert outcome(job, job.referee_end)[0] is not Outcome.UNDECIDED
    assert phase(job, job.referee_end) is Phase.DECIDED


@given(jobs(), TIMES)
def test_a_phase_never_comes_back(job, time):
    assert phase(job, time) <= phase(job, time + 1)


@given(jobs(), TIMES)
def test_the_phase_follows_from_the_time_and_the_outcome(job, time):
    now = phase(job, time)

    assert (now is Phase.COMMIT) == (time < job.commit_end)
    if now is Phase.PROPOSE:
        assert job.commit_end <= time < job.publish_end
    if now is Phase.REFEREE:
        assert job.publish_end <= time < job.referee_end
    if now in (Phase.PROPOSE, Phase.REFEREE):
        assert outcome(job, time)[0] is Outcome.UNDECIDED


@pytest.fixture(scope="module")
def deployment(models, factory, registry, server):
    """The record of what the fixtures have deployed."""
    return record_of(models, factory, registry, server)


GAMES = {
    "unanimous": ((RIGHT, RIGHT, RIGHT, RIGHT, RIGHT), (RIGHT,), ()),
    "silent seats": ((RIGHT, RIGHT, RIGHT, None, None), (RIGHT,), ()),
    "uncontested": ((RIGHT, RIGHT, RIGHT, JUNK, None), (RIGHT,), ()),
    "contested": ((RIGHT, RIGHT, RIGHT, WRONG, None), (RIGHT,), (WRONG,)),
    "rivals first": ((WRONG, RIGHT, RIGHT, RIGHT, WORSE), (WRONG, RIGHT), (WORSE,)),
    "no quorum": ((RIGHT, RIGHT, WRONG, WRONG, None), (RIGHT, WRONG), ()),
    "withheld": ((RIGHT, RIGHT, RIGHT, RIGHT, RIGHT), (), (RIGHT,)),
    "nobody": ((None, None, None, None, None), (), ()),
}
EXPECTED = {
    "unanimous": Outcome.UNANIMOUS,
    "silent seats": Outcome.UNANIMOUS,
    "uncontested": Outcome.UNCONTESTED,
    "contested": Outcome.QUORUM,
    "rivals first": Outcome.QUORUM,
    "no quorum": Outcome.FAILED,
    "withheld": Outcome.FAILED,
    "nobody": Outcome.FAILED,
}


@pytest.mark.parametrize("game", GAMES)
def test_the_twin_decides_as_the_contract_at_every_turning_point(deployment, factory, server, members, game):
    answers, shown, proposed = GAMES[game]
    with rollback():
        (job,) = deploy_round(factory, server, seats=5, quorum=3, challengeWindow=600)
        committee = Committee.of(job, server, members)
        committee.commit_all(*answers)
        reader = follow(deployment)
        twin = reader.view().ledger.rounds[-1].jobs[0]
        if twin.all_committed_at is None:
            move_to(twin.commit_end)
        for result in shown:
            committee.show(answers.index(result), result)
        for result in proposed:
            committee.propose(answers.index(result), result)
        reader.view()

        compare_decision(committee, twin)
        for end in (twin.commit_end + 600, twin.publish_end, twin.referee_end):
            for time in (end - 1, end):
                move_to(time)
                compare_decision(committee, twin)

    decision, accepted = outcome(twin, twin.referee_end)
    assert decision is EXPECTED[game]
    assert accepted == (VOID if decision is Outcome.FAILED else content_hash(RIGHT))


def test_accepted_results_come_in_the_order_of_the_jobs():
    terms = RoundTerms(1, 3, 1, 1, 1, 1, 1, 10, PUBLISH, REFEREE, 0)
    played = Round(1, terms, 0, bytes(32), 3, DEADLINE, b"task")
    for index, data in enumerate((b"a", None, b"c")):
        job = Job(f"job {index}", index, bytes(32), terms, DEADLINE, ("worker",))
        job.settlements[0] = Settlement(Verdict.REWARDED, 1)
        if data:
            job.candidates[data * 32] = Candidate(1, "proposer", {}, {0: data})
            job.decision = (Outcome.UNANIMOUS, data * 32)
        else:
            job.decision = (Outcome.FAILED, VOID)
        played.jobs.append(job)

    assert played.is_settled
    assert played.accepted_results() == [b"a", b"c"]


class Uncountable(dict):
    """Settlements of which nobody looks up one after the other."""

    def __contains__(self, seat):
        raise AssertionError(f"seat {seat} was looked up")


def test_whether_a_round_is_settled_takes_no_walk_over_its_seats():
    terms = RoundTerms(1, 1, 2, 2, 1, 1, 1, 10, PUBLISH, REFEREE, 0)
    job = Job("job", 0, bytes(32), terms, DEADLINE, ("one", "other"))
    played = Round(1, terms, 0, bytes(32), 2, DEADLINE, b"task", [job])
    for seat in range(2):
        assert not played.is_settled
        job.settlements = Uncountable(job.settlements | {seat: Settlement(Verdict.REWARDED, 1)})

    assert played.is_settled
