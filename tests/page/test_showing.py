"""What the page shows of a ledger."""

import pytest

from mlchain.page.amounts import amount
from mlchain.page.jobs import STATES, forecast, job_shown, seat_state
from mlchain.page.showing import next_step
from mlchain.protocol.content import content_hash
from mlchain.protocol.ledger import Ledger
from mlchain.protocol.model_events import VersionRefuted
from tests.actors.scenes import DAY, Scene
from tests.actors.stage import SERVER
from tests.page.scenes import Page


def states(scene: Scene) -> list[str]:
    return [seat_state(scene.job, seat) for seat in range(scene.seats)]


def shown(scene: Scene) -> dict:
    return job_shown(scene.stage.ledger.rounds[-1], scene.job, scene.stage.now, None)


def settled_page(*results) -> Page:
    """A page on which the first job was committed to like this, proposed by seat 0, and settled in the end."""
    page = Page()
    scene = page.scene
    scene.commit_all(*results)
    scene.propose(0, scene.right())
    scene.publish(0, scene.right())
    scene.stage.advance_to(scene.job.referee_end)
    scene.settle()
    return page


def test_a_seat_changes_as_things_happen():
    scene = Scene()
    right, wrong = scene.right(), scene.wrong()
    seen = [states(scene)]
    scene.commit(0, right)
    seen.append(states(scene))
    scene.commit_all(None, right, wrong)
    seen.append(states(scene))
    scene.propose(2, wrong)
    seen.append(states(scene))
    scene.propose(0, right)
    seen.append(states(scene))
    scene.publish(1, right)
    seen.append(states(scene))

    assert seen == [
        ["drawn", "drawn", "drawn"],
        ["committed", "drawn", "drawn"],
        ["committed", "committed", "committed"],
        ["committed", "committed", "proposed"],
        ["proposed", "agrees", "proposed"],
        ["proposed", "published", "proposed"],
    ]


def test_without_a_leader_a_seat_only_shows_its_result():
    scene = Scene(pool=5, seats=5, quorum=3)
    right, wrong = scene.right(), scene.wrong()
    scene.commit_all(right, right, wrong, wrong, scene.wrong(1))
    scene.propose(0, right)

    assert states(scene) == ["proposed", "shown", "committed", "committed", "committed"]


def test_a_seat_that_differs_from_the_leader_is_told_apart():
    scene = Scene(pool=5, seats=5, quorum=3)
    right, wrong = scene.right(), scene.wrong()
    scene.commit_all(right, right, right, wrong, wrong)
    scene.propose(0, right)
    scene.propose(3, wrong)

    assert states(scene) == ["proposed", "agrees", "agrees", "proposed", "differs"]


def test_a_settled_seat_shows_what_became_of_it():
    page = settled_page(*[Scene().right()] * 2, None)

    assert [seat[1] for seat in shown(page.scene)["seats"]] == ["paid", "paid", "absent"]
    assert [seat[2] for seat in shown(page.scene)["seats"]] == [amount(2 * 10**16), amount(10**16), amount(-(10**17))]


def test_every_state_of_a_seat_is_explained():
    page = settled_page(*[Scene().right()] * 3)

    assert page.values()["place"]["states"] == STATES


def test_a_candidate_tells_its_votes_who_proposed_it_and_whether_it_leads():
    scene = Scene()
    right = scene.right()
    scene.commit_all(right, right, scene.wrong())
    scene.propose(1, right)

    (candidate,) = shown(scene)["candidates"]

    assert candidate["hash"] == "0x" + content_hash(right).hex()
    assert (candidate["votes"], candidate["proposer"]) == (2, scene.job.committee[1])
    assert (candidate["chunks"], candidate["of"], candidate["leads"], candidate["accepted"]) == (0, 1, True, False)


def test_how_a_job_will_be_decided_follows_from_the_rules_and_not_from_hope():
    scene = Scene()
    right = scene.right()
    assert forecast(scene.job, scene.stage.now) is None  # commits are awaited
    scene.commit_all(right, right, scene.wrong())
    assert forecast(scene.job, scene.stage.now) == ["failed: no quorum", scene.job.referee_end]
    scene.propose(0, right)
    scene.publish(0, right)
    assert forecast(scene.job, scene.stage.now) == ["accepted, uncontested", scene.job.publish_end]
    scene.propose(2, scene.wrong())
    assert forecast(scene.job, scene.stage.now) == ["accepted by quorum", scene.job.referee_end]
    scene.stage.advance_to(scene.job.referee_end)
    assert forecast(scene.job, scene.stage.now) is None
    assert shown(scene)["decision"] == "accepted by quorum"


@pytest.mark.parametrize(("later", "phase"), [(0, "propose"), (DAY, "referee"), (2 * DAY, "decided")])
def test_the_phase_and_its_end_follow_from_the_time_alone(later, phase):
    page = Page()
    page.scene.commit_all(*[page.scene.right()] * 3)
    key = f"job/{page.scene.job.address}"
    page.values()
    page.scene.stage.advance_to(page.scene.job.commit_end + later)

    now = page.values()[key]

    assert now["phase"] == phase
    ends = {"propose": page.scene.job.publish_end, "referee": page.scene.job.referee_end}
    assert now["ends"] == ends.get(phase)


def test_an_empty_deployment_says_what_comes_next():
    assert next_step(Ledger(SERVER)).startswith("Nothing has happened yet: the learning server announces a model first")


def test_what_comes_next_follows_the_deployment():
    waiting = Scene(jobs=0, pool=0)
    assert next_step(waiting.stage.ledger).startswith("Workers can join the pool now")
    joined = Scene(jobs=0)
    assert next_step(joined.stage.ledger).startswith("3 workers joined")
    joined.by_server("JobFactory", "scheduleRound")
    assert next_step(joined.stage.ledger) == "Round 1 is scheduled: its committees are drawn from 3 workers."
    assert next_step(Scene().stage.ledger) is None
    over = settled_page(*[Scene().right()] * 3).scene
    assert next_step(over.stage.ledger).startswith("Round 1 is settled")


def test_money_is_owed_and_held_to_the_wei():
    money = Page().values()["money"]

    assert money["escrow"] == ["0.04 ether", str(4 * 10**16)]
    assert money["stakes"] == ["3 ether", str(3 * 10**18)]
    assert money["owed"] == money["held"] == ["3.04 ether", str(304 * 10**16)]
    assert money["difference"] == ["0 ether", "0"]


def test_what_is_held_and_not_owed_is_shown():
    page = Page()
    page.chain.more = 5  # as a contract that destroys itself can leave it
    page.scene.by_server("JobFactory", "announceData", bytes(32), "nowhere")

    assert page.values()["money"]["difference"][1] == "5"


def test_what_workers_and_rounds_earned_and_lost_adds_up():
    page = settled_page(*[Scene().right()] * 2, None)
    values = page.values()
    committee = page.scene.job.committee

    assert [values[f"worker/{it}"]["earned"][1] for it in committee] == [str(2 * 10**16), str(10**16), "0"]
    assert [values[f"worker/{it}"]["lost"][1] for it in committee] == ["0", "0", str(10**17)]
    assert values[f"worker/{committee[2]}"]["verdicts"] == [0, 0, 0, 1]
    assert values["round/1"] == {"earned": 0.03, "lost": 0.1, "jobs": 1, "version": 1}


@pytest.mark.parametrize(
    ("wei", "text"),
    [
        (0, "0 ether"),
        (10**18, "1 ether"),
        (1_234_567_890_123_456_789, "1.234568 ether"),
        (15_039_464_044_296, "15,039.464 gwei"),
        (2_952_760, "2,952,760 wei"),
        (-(10**17), "-0.1 ether"),
    ],
)
def test_money_is_rounded_to_read_and_exact_beside(wei, text):
    assert amount(wei) == [text, str(wei)]


def test_a_version_tells_what_it_weighs_and_what_made_it():
    page = settled_page(*[Scene().right()] * 3)
    scene = page.scene
    model = scene.task.aggregate(scene.task.initial_model(), [scene.right()])
    scene.by_server("ModelRegistry", "announce", 1, content_hash(model), len(model))
    version = page.values()["version/2"]

    assert (version["parent"], version["round"], version["jobs"], version["merged"]) == (1, 1, 1, 1)
    assert (version["size"], version["published"], version["complete"]) == (len(model), 0, False)
    assert version["hash"] == "0x" + content_hash(model).hex()


def test_a_refuted_version_is_called_so_and_nothing_comes_next():
    page = settled_page(*[Scene().right()] * 3)
    assert page.values()["version/1"]["refuted"] is False

    page.scene.stage.ledger.refuted = VersionRefuted(1, "somebody")

    assert page.values()["version/1"]["refuted"] is True
    assert page.values()["now"]["next"] == "Version 1 of the model is not what was accepted: no round can follow."


def test_the_last_hundred_events_are_shown_and_what_is_older_goes():
    page = Page(pool=60, seats=3)
    first = page.values()
    numbers = sorted(int(key.removeprefix("event/")) for key in first if key.startswith("event/"))
    assert numbers == list(range(len(page.scene.stage.logs)))[-100:]

    for number in range(120):
        page.scene.by_server("JobFactory", "announceData", number.to_bytes(32, "big"), "nowhere")

    numbers = [int(key.removeprefix("event/")) for key in page.values() if key.startswith("event/")]
    assert sorted(numbers) == list(range(len(page.scene.stage.logs)))[-100:]


def test_nothing_that_is_void_is_called_accepted():
    scene = Scene()
    scene.commit_all(scene.right(), scene.right(), scene.wrong())
    scene.propose(0, scene.right())
    scene.propose(2, scene.wrong())
    scene.act(SERVER, "ruleVoid")

    assert shown(scene)["decision"] == "void: the task is broken"
    assert shown(scene)["accepted"] is None
    assert not any(it["accepted"] for it in shown(scene)["candidates"])
