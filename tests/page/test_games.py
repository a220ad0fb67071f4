"""What the page shows of a dispute before a contract: claims, challenges, whose turn it is, and what came of it."""

from itertools import pairwise

from mlchain.page.amounts import amount
from mlchain.protocol.content import content_hash
from mlchain.protocol.disputes import challenges_end, claims_end, clock_of
from mlchain.protocol.events import BountyPaid
from mlchain.protocol.game_events import (
    BondsWithdrawn,
    Challenged,
    Claimed,
    Decided,
    EntryPicked,
    GameTurn,
    Opened,
    Picked,
    Released,
    Revealed,
    Succeeded,
)
from tests.actors.scenes import Scene
from tests.actors.stage import STAKE
from tests.live.test_game_figures import NODES, disputed, tell
from tests.page.scenes import BOND, Page

NOBODY, LOST, WON = amount(0), amount(-BOND), amount(BOND)


def page_of(scene: Scene) -> Page:
    return Page(scene)


def line_of(page: Page) -> list:
    """What the row of the open round's job says of its dispute, and whose turn it is."""
    line = page.values()[f"job/{page.scene.job.address}"]["dispute"]
    return line and [line["says"], line["waits"]]


def game_of(page: Page) -> dict:
    """What the page of the job says of it."""
    page.watcher.look()
    return page.get(f"/job/{page.scene.job.address}").json()["game"]


def test_the_row_of_a_job_says_how_its_dispute_stands_and_whose_turn_it_is():
    scene, _finder, _liar = disputed()
    running = scene.stage.ledger.games.challenges[1]
    page = page_of(scene)

    said = "disputed: 2 claims (1 refuted), 2 challenges (1 over)"
    assert line_of(page) == [said, ["claim's turn", running.runs_out]]
    tell(scene, Opened(1, NODES))
    assert line_of(page) == [said, ["challenger's turn", running.runs_out]]
    tell(scene, Decided(1, 1, GameTurn.UPHELD))
    assert line_of(page) == [said.replace("1 over", "2 over"), None]


def test_the_clock_that_runs_out_first_is_the_one_in_the_row():
    scene, _finder, liar = disputed()
    games = scene.stage.ledger.games
    tell(scene, Opened(1, NODES))
    tell(scene, Challenged(2, 1, liar, 1))
    scene.stage.advance_to(scene.stage.now + 60)
    tell(scene, Picked(1, 3))
    assert games.challenges[1].runs_out > games.challenges[2].runs_out

    assert line_of(page_of(scene))[1] == ["claim's turn", games.challenges[2].runs_out]


def test_a_claim_that_nobody_has_challenged_is_a_dispute_and_where_the_server_rules_there_is_none():
    scene = Scene()
    assert line_of(page_of(scene)) is None
    scene.stage.ledger.has_game = True
    assert line_of(page_of(scene)) == ["not disputed", None]
    scene.commit_all(scene.right(), scene.wrong(), None)
    tell(scene, Claimed(0, scene.job.address, content_hash(scene.right()), scene.job.committee[0], bytes(32), NODES))

    assert line_of(page_of(scene)) == ["disputed: 1 claim", None]


def test_every_event_of_a_game_is_sent_to_who_watches():
    scene, _finder, _liar = disputed()
    page = page_of(scene)
    key = f"job/{scene.job.address}"
    shown = [page.values()[key]]
    for event in (Opened(1, NODES), Picked(1, 5), Decided(1, 1, GameTurn.UPHELD), Released(1), Succeeded(1)):
        tell(scene, event)
        shown.append(page.values()[key])

    assert all(one != other for one, other in pairwise(shown))


def test_the_page_of_a_job_has_every_claim_with_its_challenges():
    scene, finder, liar = disputed()
    job = scene.job
    game = game_of(page_of(scene))

    assert (game["claims_end"], game["challenges_end"]) == (claims_end(job), challenges_end(job))
    assert game["bond"] == amount(BOND)
    assert [(it["claimant"], it["state"], it["speaks"]) for it in game["claims"]] == [
        (liar, "refuted", False),
        (finder, "standing", True),
    ]
    assert game["claims"][1]["result"] == "0x" + content_hash(scene.right()).hex()
    (lost,), (running,) = (it["challenges"] for it in game["claims"])
    assert (lost["challenger"], lost["turn"], lost["ends"]) == (finder, "refuted", None)
    assert lost["says"] == "has refuted the claim: nobody answered for it in time"
    assert (running["challenger"], running["turn"], running["says"]) == (liar, "claim", "claim's turn")
    assert running["left"] == [clock_of(job)] * 2
    assert running["ends"] == scene.stage.ledger.games.challenges[1].runs_out


def test_the_moves_of_a_challenge_are_told_in_order_with_their_times():
    scene, _finder, _liar = disputed()
    start = scene.stage.now - 2  # of the challenge: the block before the last one
    moves = (Opened(1, NODES), Picked(1, 2_000), Opened(1, NODES), Picked(1, 9), Revealed(1, b"12"), EntryPicked(1, 1))
    for event in moves:
        tell(scene, event)

    (challenge,) = game_of(page_of(scene))["claims"][1]["challenges"]

    assert [text for _, text in challenge["moves"]] == [
        "node 0 challenged",
        "2 nodes below it opened",
        "node 2,000 picked",
        "2 nodes below it opened",
        "node 9 picked",
        "its leaf of 2 bytes revealed",
        "entry 1 picked",
    ]
    assert [time for time, _ in challenge["moves"]] == [start, *range(start + 2, start + 8)]


def test_bonds_and_bounties_are_told_for_everybody_who_played_about_the_job():
    scene, finder, liar = disputed()
    page = page_of(scene)
    assert game_of(page)["people"] == [[liar, LOST, NOBODY], [finder, WON, NOBODY]]
    tell(scene, Decided(1, 1, GameTurn.UPHELD))
    for _ in range(2):  # seats are settled in several transactions
        tell(scene, BountyPaid(scene.job.address, finder, STAKE // 2))
    tell(scene, Released(1))

    assert game_of(page)["people"] == [
        [liar, amount(-2 * BOND), NOBODY],
        [finder, amount(2 * BOND), amount(STAKE)],
    ]
    assert [it["state"] for it in game_of(page)["claims"]] == ["refuted", "released"]


def test_bonds_of_another_job_are_not_those_of_this_one():
    scene = Scene(pool=6, jobs=2)
    scene.commit_all(scene.right(), scene.wrong(), None)
    liar = scene.job.committee[1]
    for number, job in enumerate(scene.stage.ledger.rounds[-1].jobs):
        tell(scene, Claimed(number, job.address, content_hash(scene.wrong()), liar, bytes(32), NODES))
        tell(scene, Challenged(number, number, scene.job.committee[0], 0))
        tell(scene, Decided(number, number, GameTurn.REFUTED))

    assert [lost for _who, lost, _ in game_of(page_of(scene))["people"]] == [LOST, WON]


def test_a_job_that_nobody_disputes_has_no_game():
    assert game_of(page_of(Scene())) is None


def test_events_of_a_game_are_those_of_its_job_and_of_who_they_name():
    scene, finder, liar = disputed()
    for event in (
        Opened(1, NODES),
        Decided(1, 1, GameTurn.UPHELD),
        Released(1),
        BountyPaid(scene.job.address, finder, 7),
    ):
        tell(scene, event)
    tell(scene, BondsWithdrawn(finder, 4 * BOND))
    page = page_of(scene)

    def kinds(filters: str) -> list[str]:
        return [it["kind"] for _, it in page.get(f"/events?{filters}").json()]

    of_job = kinds(f"worker=&job={scene.job.address}&kind=")
    assert of_job[:4] == ["BountyPaid", "Released", "Decided", "Opened"]
    assert of_job.count("Claimed") == of_job.count("Challenged") == 2
    assert kinds(f"worker={finder}&job=&kind=")[:3] == ["BondsWithdrawn", "BountyPaid", "Challenged"]
    assert kinds(f"worker={liar}&job=&kind=")[:2] == ["Challenged", "Claimed"]
    assert {it["job"] for _, it in page.get(f"/events?worker=&job={scene.job.address}&kind=Decided").json()} == {
        scene.job.address
    }


def test_a_pay_slip_on_the_page_has_the_bonds_that_status_prints():
    scene, finder, _liar = disputed()
    slip = page_of(scene).get(f"/worker/{finder}").json()

    assert (slip["bonds_won"], slip["bonds_held"], slip["bounties"]) == (WON, amount(3 * BOND), NOBODY)
