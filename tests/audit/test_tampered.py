"""A history that was tampered with is found, whatever was changed; wrong models and rounds are named."""

from dataclasses import replace

import pytest
from eth_utils import keccak
from hypothesis import given
from hypothesis import strategies as st

from mlchain.audit.auditor import audit
from mlchain.audit.findings import Check
from mlchain.audit.state import Sources
from mlchain.data.dataset import DataError
from mlchain.protocol.commitments import task_hash
from mlchain.protocol.content import content_hash
from mlchain.protocol.events import Committed, JobDeployed, Log, RoundDeployed, RoundOpened, RoundScheduled, Settled
from mlchain.protocol.model_events import ModelChunkPublished, VersionAnnounced, VersionRefuted
from mlchain.tasks.catalogue import open_recipe
from tests.actors.scenes import Scene
from tests.actors.stage import FACTORY, MAX_SNAPSHOT_AGE, NUMBERS
from tests.audit.histories import (
    RULES,
    STRANGER,
    audit_of,
    changed,
    find,
    findings_of,
    flipped,
    only,
    other_values,
    without,
)


def test_the_histories_are_in_order_before_anybody_tampers_with_them(settled, gone):
    assert audit_of(settled).findings == []
    assert audit_of(gone).findings == []


def test_no_event_can_be_left_out(settled, gone):
    for scene in (settled, gone):
        logs = scene.stage.logs
        missed = [str(logs[place]) for place in range(len(logs)) if not audit_of(scene, without(logs, place)).findings]
        assert missed == []


def test_no_event_can_come_twice(settled, gone):
    for scene in (settled, gone):
        logs = scene.stage.logs
        twice = [[*logs[: place + 1], *logs[place:]] for place in range(len(logs))]
        assert [str(logs[place]) for place, told in enumerate(twice) if not audit_of(scene, told).findings] == []


def test_no_argument_of_an_event_can_be_another(settled, gone):
    for scene in (settled, gone):
        logs = scene.stage.logs
        missed = [
            f"{log.name}.{name}"
            for place, log in enumerate(logs)
            for name, value in other_values(log.event)
            if (log.name, name) != ("Proposed", "proposer")  # anyone may propose
            and not audit_of(scene, changed(logs, place, **{name: value})).findings
        ]
        assert missed == []


@given(st.data())
def test_no_history_is_so_wrong_that_an_audit_of_it_fails(settled, data):
    logs = data.draw(st.permutations(settled.stage.logs))
    told = logs[: data.draw(st.integers(1, len(logs)))]

    assert audit_of(settled, told).findings


def test_no_event_can_come_from_a_later_block_than_the_next(settled, gone):
    for scene in (settled, gone):
        logs = scene.stage.logs
        for place, log in enumerate(logs[:-1]):
            for other in (replace(log, block=log.block + 1_000), replace(log, timestamp=log.timestamp + 10**6)):
                findings = audit_of(scene, [*logs[:place], other, *logs[place + 1 :]]).findings
                assert logs[place + 1].block in {finding.block for finding in findings}, str(log)


def test_no_event_can_come_in_another_transaction_than_its_cause(settled):
    logs = settled.stage.logs
    for kind, missing in ((RoundOpened, "RoundDeployed"), (RoundDeployed, "JobDeployed"), (Settled, "Left")):
        place = find(logs, kind)
        cause = replace(logs[place], block=logs[place].block - 1, timestamp=logs[place].timestamp - 1)
        for told in (cause, replace(logs[place], transaction="0x1")):
            report = audit_of(settled, [*logs[:place], told, *logs[place + 1 :]])

            wrong = {(finding.block, finding.subject, finding.problem) for finding in report.findings}
            events = "2 events are missing, SeatSettled" if missing == "Left" else f"1 events are missing, {missing}"
            assert (told.block, "round 1", f"here {events} first") in wrong


def test_an_event_of_nothing_deployed_is_named(settled):
    logs = [*settled.stage.logs, Log(Committed(0, STRANGER, bytes(32)), STRANGER, 99, 0, 0)]

    finding = only(audit_of(settled, logs))

    assert (finding.block, finding.subject) == (99, STRANGER)
    assert "no event of anything deployed" in finding.problem


# Models


def test_a_changed_byte_of_a_model_is_named(settled):
    logs = settled.stage.logs
    place = find(logs, ModelChunkPublished, version=2)
    told = changed(logs, place, chunk=flipped(logs[place].event.chunk))

    finding = findings_of(settled, told, Check.MODELS)[0]

    assert (finding.block, finding.subject) == (logs[place].block, "version 2")
    assert "the hash of the published bytes" in finding.problem


def test_a_first_model_that_is_not_the_recipe_s_is_named(settled):
    logs = settled.stage.logs
    announced, published = find(logs, VersionAnnounced, version=1), find(logs, ModelChunkPublished, version=1)
    forged = flipped(logs[published].event.chunk)
    told = changed(changed(logs, announced, content_hash=content_hash(forged)), published, chunk=forged)

    finding = findings_of(settled, told, Check.MODELS)[0]

    assert (finding.block, finding.subject) == (logs[announced].block, "version 1")
    assert "the recipe's initial model has" in finding.problem


def test_a_wrong_aggregation_is_named(settled):
    logs = settled.stage.logs
    announced, published = find(logs, VersionAnnounced, version=2), find(logs, ModelChunkPublished, version=2)
    forged = flipped(logs[published].event.chunk)
    told = changed(changed(logs, announced, content_hash=content_hash(forged)), published, chunk=forged)
    told = changed(told, find(logs, JobDeployed, round=2), task_hash=task_of(told, b"toy", 2))

    (finding,) = besides_books(audit_of(settled, told))

    assert (finding.check, finding.block, finding.subject) == (Check.MODELS, logs[announced].block, "version 2")
    assert "the mean of what round 1 accepted" in finding.problem


def test_a_version_that_no_accepted_result_made_is_named():
    scene = Scene(jobs=0)
    model = scene.task.initial_model()
    scene.by_server("ModelRegistry", "announce", 1, content_hash(model), len(model))

    findings = audit_of(scene).findings

    assert {finding.subject for finding in findings} == {"version 2"}
    assert [finding.problem for finding in findings] == [
        "its round is 1 and has to be 0",
        "no result that could change version 1 has been accepted",
    ]


def test_a_version_that_names_another_round_than_made_it_is_named(settled):
    logs = settled.stage.logs

    finding = only(audit_of(settled, changed(logs, find(logs, VersionAnnounced, version=2), round=0)))

    assert (finding.subject, finding.problem) == ("version 2", "its round is 0 and has to be 1")


def refuted(logs, version, before):
    """Return logs with one more, before that one, that tells of a refuted version."""
    log = replace(logs[before], event=VersionRefuted(version, STRANGER), index=logs[before].index)
    return [*logs[:before], log, *logs[before:]]


def test_a_refuted_version_that_follows_is_named_and_a_round_after_it(settled):
    logs = settled.stage.logs

    first, second = audit_of(settled, refuted(logs, 2, find(logs, RoundScheduled, round=2))).findings

    assert (first.check, first.subject) == (Check.MODELS, "version 2")
    assert first.problem == "it was refuted, and follows from what was accepted"
    assert (second.check, second.subject) == (Check.ROUNDS, "round 2")
    assert second.problem == "a version has been refuted: no round can follow"


def test_a_version_is_refuted_rightly_where_it_is_wrong_and_only_once(settled):
    logs = settled.stage.logs
    place = find(logs, VersionAnnounced, version=2)
    told = changed(logs, place, round=0)

    assert len(audit_of(settled, [*told, Log(VersionRefuted(2, STRANGER), FACTORY, 9_999, 0, 10**9)]).findings) == 1
    twice = [Log(VersionRefuted(2, STRANGER), FACTORY, 9_999, index, 10**9) for index in (0, 1)]
    assert audit_of(settled, [*told, *twice]).findings[-1].problem == "a version has been refuted before"


# Rounds


def besides_books(report):
    """Return what is wrong besides the task hash that the job itself holds, which is another."""
    assert {finding.subject for finding in report.findings if finding.check is Check.BOOKS} == {"round 2 job 0"}
    return [finding for finding in report.findings if finding.check is not Check.BOOKS]


def task_of(logs, recipe, version):
    """Return the task hash of a recipe and a version, of which each is the child of the one before."""
    model, parent = (
        logs[find(logs, VersionAnnounced, version=it)].event.content_hash if it else bytes(32)
        for it in (version, version - 1)
    )
    return task_hash(recipe, model, parent, version)


def test_a_round_that_leaves_out_what_was_accepted_is_named():
    scene = Scene()
    scene.commit_all(*[scene.right()] * 3)
    scene.propose(0, scene.right())
    scene.publish(0, scene.right())
    scene.settle()
    scene.deploy_round()

    finding = only(audit_of(scene))

    assert (finding.check, finding.block, finding.subject) == (Check.ROUNDS, scene.stage.block, "round 2")
    assert finding.problem == "what the round before accepted is not in version 1"


def test_a_round_on_an_older_version_is_named(settled):
    logs = settled.stage.logs
    place = find(logs, RoundDeployed, round=2)
    terms = replace(logs[place].event.terms, model_version=1)

    told = changed(logs, place, model_version=1, terms=terms)
    told = changed(told, find(logs, JobDeployed, round=2), task_hash=task_of(told, b"toy", 1))

    findings = besides_books(audit_of(settled, told))

    assert {(finding.block, finding.subject) for finding in findings} == {(logs[place].block, "round 2")}
    assert [finding.problem for finding in findings] == [
        "the version that it trains is 1 and has to be 2",
        "what the round before accepted is not in version 1",
    ]


def test_a_round_of_another_recipe_than_the_first_is_named(settled):
    logs = settled.stage.logs
    place, job = find(logs, RoundDeployed, round=2), find(logs, JobDeployed, round=2)
    told = changed(logs, place, task=b"another")
    told = changed(told, job, task_hash=task_of(told, b"another", 2))

    (finding,) = besides_books(audit_of(settled, told))

    assert (finding.check, finding.block, finding.subject) == (Check.ROUNDS, logs[place].block, "round 2")
    assert finding.problem == f"its recipe is 0x{b'another'.hex()} and has to be 0x{b'toy'.hex()}"


def test_a_seed_that_is_not_that_of_the_server_s_number_and_the_block_is_named(settled):
    logs = settled.stage.logs
    place = find(logs, RoundDeployed, round=2)

    finding = findings_of(settled, changed(logs, place, seed=bytes(32)), Check.ROUNDS)[0]

    assert (finding.block, finding.subject) == (logs[place].block, "round 2")
    assert finding.problem.startswith(f"its seed is 0x{bytes(32).hex()} and has to be ")


def test_a_number_that_is_not_the_next_of_the_server_s_chain_is_named(settled):
    numbers = {1: NUMBERS.number_of(1), 2: NUMBERS.number_of(3)}
    sources = Sources(
        lambda _recipe: settled.task,
        lambda log, block: (numbers[log.event.round], keccak(text=f"block {block}")),
        anchor=NUMBERS.anchor,
    )

    found = audit(settled.stage.logs, RULES, sources).findings

    problem = f"the hash of its random number is 0x{NUMBERS.number_of(2).hex()} and has to be 0x{numbers[1].hex()}"
    assert [(it.subject, it.problem) for it in found if "random number" in it.problem] == [("round 2", problem)]


@pytest.mark.parametrize("anchor", [bytes(32), None])
def test_the_first_number_is_held_against_the_anchor_where_that_is_known(settled, anchor):
    report = audit_of(settled, anchor=anchor)

    named = [finding.subject for finding in report.findings if "random number" in finding.problem]
    assert named == ["round 1"] * (anchor is not None)


def test_a_schedule_that_was_not_used_is_on_record():
    scene = Scene(jobs=0)
    unused = scene.stage.block + 1
    scene.by_server("JobFactory", "scheduleRound")
    scene.stage.mine(MAX_SNAPSHOT_AGE)
    scene.jobs = 1

    scene.deploy_round()

    report = audit_of(scene)
    assert (report.findings, report.unused_schedules) == ([], [(1, unused)])


def test_a_round_that_was_not_scheduled_is_named(settled):
    logs = settled.stage.logs
    place = find(logs, RoundScheduled, round=1)

    finding = findings_of(settled, without(logs, place), Check.ROUNDS)[0]

    snapshot = logs[place].event.snapshot_block
    assert finding.problem == f"its snapshot block is {snapshot} and has to be None"


@pytest.mark.parametrize(("by", "names"), [(-1, 1), (0, 0), (1, 1)])
def test_a_schedule_for_another_block_than_its_own_is_named(settled, by, names):
    logs = settled.stage.logs
    place = find(logs, RoundScheduled, round=2)
    block = logs[place].block

    report = audit_of(settled, changed(logs, place, snapshot_block=block + by))

    problem = f"its snapshot block is {block + by} and has to be {block}"
    assert [finding.problem for finding in report.findings if finding.block == block] == [problem] * names


def test_a_pool_of_another_size_is_named(settled):
    logs = settled.stage.logs
    place = find(logs, RoundDeployed, round=1)

    finding = findings_of(settled, changed(logs, place, pool_size=3), Check.ROUNDS)[0]

    assert (finding.block, finding.subject) == (logs[place].block, "round 1")
    assert finding.problem == "its pool size is 3 and has to be 4"


@pytest.mark.parametrize(
    ("field", "value", "wrong"),
    [
        ("jobs", 65, "it cannot have 65 jobs"),
        ("seats", 257, "a job cannot have 257 seats"),
        ("quorum", 1, "1 of 3 seats cannot be the quorum"),
        ("reward", 0, "its seats are not paid"),
        ("result_size", 0, "a result cannot have 0 bytes"),
        ("commit_window", 0, "a window of 0 s is too short"),
        ("publish_window", 2**32, "are too long"),
        ("challenge_window", 10**6, "its challenge window outlasts the publish window"),
    ],
)
def test_terms_that_no_round_can_have_are_named(settled, field, value, wrong):
    logs = settled.stage.logs
    place = find(logs, RoundDeployed, round=1)
    terms = replace(logs[place].event.terms, **{field: value})

    found = findings_of(settled, changed(logs, place, terms=terms), Check.ROUNDS)

    assert any(wrong in finding.problem and finding.block == logs[place].block for finding in found)


def test_a_recipe_that_cannot_be_read_is_named(settled):
    report = audit(settled.stage.logs, RULES, Sources(open_recipe))

    (finding,) = [it for it in report.findings if it.check is Check.ROUNDS and it.subject == "round 1"]
    assert finding.problem == "its recipe cannot be read: a recipe of version 116, 3 wanted"


def test_data_that_is_missing_for_training_is_no_finding():
    def open_task(_recipe):
        raise DataError("mnist is not here")

    scene = Scene()
    scene.commit_all(*[scene.right()] * 3)
    scene.propose(0, scene.right())
    scene.publish(0, scene.right())
    scene.settle()

    with pytest.raises(DataError, match="mnist is not here"):
        audit(scene.stage.logs, RULES, Sources(lambda _recipe: scene.task, open_task=open_task))
