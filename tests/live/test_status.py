"""How a deployment stands, as a person and as a program is told."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlchain.data.dataset import DataError
from mlchain.errors import UserError
from mlchain.live.rendering import as_json, as_lines
from mlchain.live.status import recipes_of, status_of
from mlchain.protocol.ledger import Ledger
from mlchain.protocol.records import Records
from tests.actors.scenes import DAY, Scene


class Tested:
    """A task of which every model gets nine of ten samples right."""

    def accuracy(self, _model):
        return 0.9


def status(scene, evil=None, open_task=lambda _recipe: Tested()):
    return status_of(scene.stage.view(), "ethereum:quorum:node", "registry", evil, open_task)


def test_before_anything_is_deployed_little_is_said():
    said = as_lines(status(Scene(jobs=0)))

    assert "no round has been deployed" in said
    assert "  accuracy unknown: no round has named a task yet" in said


def test_an_open_round_tells_the_phase_of_its_jobs_and_the_time_left():
    scene = Scene(pool=6, jobs=2)
    scene.commit(0, scene.right())
    scene.stage.advance_to(scene.job.commit_deadline - 3_661)

    now = status(scene)

    assert [job.phase for job in now.newest_round.jobs] == ["commit", "commit"]
    assert (now.newest_round.jobs[0].committed, now.newest_round.jobs[1].committed) == (1, 0)
    assert "round 1 is open: 2 jobs, quorum 2, drawn from 6, on version 1" in as_lines(now)
    assert "  job 0  commit, 1:01:01 left: 1 of 3 seats committed, 0 candidates, 0 settled" in as_lines(now)
    assert len(now.members) == 6


@pytest.mark.parametrize(("later", "phase"), [(0, "propose"), (DAY, "referee"), (2 * DAY, "decided")])
def test_a_phase_follows_from_the_time(later, phase):
    scene = Scene()
    scene.commit_all(scene.right(), scene.wrong(), scene.right())
    scene.stage.advance_to(scene.job.commit_end + later)

    (job,) = status(scene).newest_round.jobs

    assert job.phase == phase
    assert job.seconds_left == (None if phase == "decided" else job.ends - scene.stage.now)
    assert job.ends == {"propose": scene.job.publish_end, "referee": scene.job.referee_end}.get(phase)
    assert job.decision == ("failed: no quorum" if phase == "decided" else None)


def test_a_settled_round_says_so_and_its_escrow_is_gone():
    scene = Scene()
    assert status(scene).escrow == 4 * 10**16
    scene.commit_all(*[scene.right()] * 3)
    scene.propose(0, scene.right())
    scene.publish(0, scene.right())
    scene.settle()

    now = status(scene, evil=1)

    assert not now.newest_round.is_open
    assert now.newest_round.jobs[0].decision == "accepted by unanimity"
    assert now.escrow == 0
    assert now.odds is None


def test_the_odds_of_the_open_round_are_those_of_the_share_that_is_given():
    now = status(Scene(pool=5), evil=2)

    assert now.odds["silent referee"]["right"] == pytest.approx(0.7)
    assert now.odds["silent referee"]["referee called"] is None
    assert now.odds["live referee"]["referee called"] == pytest.approx(0.9)
    assert any("silent referee: right 70.0 %, wrong 30.0 %" in line for line in as_lines(now))


@pytest.mark.parametrize("jobs", [0, 1], ids=["between rounds", "in a round"])
def test_no_more_workers_can_be_evil_than_there_are(jobs):
    with pytest.raises(UserError, match="6 of 5 workers cannot be evil"):
        status(Scene(pool=5, jobs=jobs), evil=6)


def test_accuracy_is_computed_from_the_published_versions():
    now = status(Scene())

    assert [version.accuracy for version in now.versions] == [0.9]
    assert now.accuracy_note is None
    assert any(line.endswith("  90.00 %") for line in as_lines(now))


def test_a_data_set_that_is_missing_is_said_and_no_failure():
    def open_task(_recipe):
        raise DataError("mnist is not here")

    now = status(Scene(), open_task=open_task)

    assert now.versions[0].accuracy is None
    assert "  accuracy unknown: mnist is not here" in as_lines(now)


def test_a_task_without_a_test_set_says_so():
    scene = Scene()

    assert status(scene, open_task=lambda _recipe: scene.task).accuracy_note == "the task has no test set"


def test_json_has_the_same_in_wei():
    told = json.loads(as_json(status(Scene(), evil=0)))

    assert told["escrow"] == 4 * 10**16
    assert told["newest_round"]["jobs"][0]["seats"] == 3
    assert told["odds"]["live referee"]["right"] == 1


class CountedRecords(Records):
    """Records that count how often all of them are gone through."""

    walks = 0

    def __iter__(self):
        self.walks += 1
        return super().__iter__()


def test_the_recipes_of_many_versions_take_no_walk_over_all_rounds_for_each():
    scene = Scene()
    ledger, walks = scene.stage.ledger, []
    some, version = ledger.rounds[-1], ledger.versions[-1]

    for count in (2, 50):
        ledger.rounds, ledger.versions = CountedRecords(), CountedRecords()
        for number in range(1, count + 1):
            ledger.versions.append(replace(version, number=number))
            ledger.rounds.append(replace(some, number=number, terms=replace(some.terms, model_version=number)))
        assert len(status(scene).versions) == count
        walks.append((ledger.rounds.walks, ledger.versions.walks))

    assert walks[0] == walks[1]


@given(st.lists(st.integers(1, 6), max_size=8), st.integers(0, 7))
def test_a_version_has_the_recipe_of_the_newest_round_that_can_have_trained_or_made_it(trained, version):
    ledger, some = Ledger("0x1"), Scene().stage.ledger.rounds[-1]
    for number, on in enumerate(trained, 1):
        terms = replace(some.terms, model_version=on)
        ledger.rounds.append(replace(some, number=number, terms=terms, task=b"%d" % number))

    earlier = [current for current in ledger.rounds if current.terms.model_version <= version]
    expected = (earlier or list(ledger.rounds) or [None])[-1]
    assert recipes_of(ledger)(version) == (expected and expected.task)
