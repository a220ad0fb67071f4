"""Audits where a contract is the referee: what was played is in order, and whatever is wrong with it is found."""

from dataclasses import dataclass, replace
from typing import get_args

import pytest

from mlchain.audit.auditor import audit
from mlchain.audit.books import Books
from mlchain.audit.findings import Check, Finding
from mlchain.audit.state import Rules, Sources
from mlchain.chain.archive import Archive
from mlchain.live.audit_report import audit_deployment, books_at, rules_of
from mlchain.protocol.events import BountyPaid, Log, Proposed, ResultChunkPublished, Ruled, SeatSettled
from mlchain.protocol.game_events import (
    BondsWithdrawn,
    Challenged,
    Claimed,
    Decided,
    EntryPicked,
    GameEvent,
    GameTurn,
    Opened,
    Picked,
    Released,
    Revealed,
    Succeeded,
)
from mlchain.protocol.ledger import Ledger
from mlchain.protocol.rounds import Outcome, Verdict
from mlchain.tasks.catalogue import open_recipe
from tests.audit.histories import STRANGER, changed, find, other_values, without
from tests.simulation.runs import simulation

BOND = 10**17
GAME_EVENTS = get_args(GameEvent)
HARMLESS = {
    "EntryPicked.entry": "whatever entry is picked is to be derived",
    "Picked.position": "of a challenge that the claim leaves unanswered",
    "Challenged.challenger": "of a challenge that fails: its bond goes to the claimant",
    "Claimed.claimant": "of a claim that is refuted: its bond goes to the challenger",
    "Claimed.disputed": "of such a claim, too: that of the right result stands alone, whatever the other is about",
}


@dataclass(frozen=True)
class Played:
    """What was played on a chain, and what its contracts say at the end."""

    logs: list[Log]
    rules: Rules
    books: Books

    def findings(self, logs: list[Log] | None = None, **changes: object) -> list[Finding]:
        """Return what an audit finds that trains nothing."""
        books = replace(self.books, **changes)
        return audit(self.logs if logs is None else logs, self.rules, Sources(open_recipe), books).findings

    def problems(self, logs: list[Log], kind: type, number: int = 0) -> list[str]:
        """Return what an audit of these logs says of the block of an event."""
        block = self.logs[find(self.logs, kind, number)].block
        return [finding.problem for finding in self.findings(logs) if finding.block == block]


@pytest.fixture(scope="module")
def played() -> Played:
    """A job in which three of five lie; one of them claims its lie, and challenges the right claim."""
    choices = {"task": "wine", "workers": 5, "evil": 3, "behaviour": "colluding,quarrelling", "rounds": 1}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mlchain.simulation.participants.Watcher", lambda *_: None)  # or the server may claim first
        with simulation(referee="contract", **choices) as run:
            deployment, last = run.played.deployment, run.chain.final_block
            report, _blocks = audit_deployment(run.chain, deployment, retrains=True)
            archive = Archive(deployment, trusted=True)
            logs = archive.logs(last)
            books = books_at(archive, deployment, logs, last)
    assert report.findings == []
    assert set(report.checked) == set(Check)
    return Played(logs, rules_of(deployment), books)


def moved(logs: list[Log], place: int, seconds: int) -> list[Log]:
    """Return logs of which one has come later."""
    return [*logs[:place], replace(logs[place], timestamp=logs[place].timestamp + seconds), *logs[place + 1 :]]


def test_a_game_has_been_played_in_which_lies_were_paid_for(played):
    kinds = {type(log.event) for log in played.logs}

    assert kinds >= set(GAME_EVENTS) - {Succeeded} | {BountyPaid}
    assert played.findings() == []


def test_no_small_change_of_a_game_is_missed(played):
    places = [place for place, log in enumerate(played.logs) if isinstance(log.event, GameEvent | BountyPaid)]
    tampered = {}
    for place in places:
        log = played.logs[place]
        tampered[f"without {log.name}", place] = without(played.logs, place)
        tampered[f"twice {log.name}", place] = [*played.logs[: place + 1], *played.logs[place:]]
        for name, value in other_values(log.event):
            tampered[f"{log.name}.{name}", place] = changed(played.logs, place, **{name: value})

    silent = {what for (what, _place), logs in tampered.items() if not played.findings(logs)}

    assert len(tampered) > 60
    assert silent == set(HARMLESS)


def test_game_events_are_none_of_a_deployment_whose_referee_is_the_server(played):
    rules = replace(played.rules, has_game=False)

    found = audit(played.logs, rules, Sources(open_recipe)).findings

    assert sum("Claimed is no event of anything deployed" in it.problem for it in found) == 2


# Bounties


def test_half_of_each_slashed_stake_goes_to_whose_claim_has_stood(played):
    paid = played.logs[find(played.logs, BountyPaid)].event
    ledger = Ledger(played.rules.server, has_game=True)
    for log in played.logs:
        ledger.fold(log)
    slashed = [
        it.event.amount
        for it in played.logs
        if isinstance(it.event, SeatSettled) and it.event.verdict is Verdict.SLASHED
    ]
    job = ledger.rounds[0].jobs[0]
    outcome, accepted = job.decision
    first = ledger.games.first[job.address, accepted]

    assert outcome is Outcome.UPHELD
    assert slashed == [played.rules.stake] * 3
    assert paid == BountyPaid(job.address, ledger.games.claims[first].claimant, 3 * (played.rules.stake // 2))
    assert ledger.burnt == sum(slashed) - paid.amount


def test_a_bounty_that_is_one_wei_off_is_named(played):
    place = find(played.logs, BountyPaid)
    amount = played.logs[place].event.amount

    found = played.problems(changed(played.logs, place, amount=amount - 1), BountyPaid)

    assert f"the bounty is {amount - 1} and has to be {amount}" in found


def test_a_bounty_to_somebody_who_has_not_claimed_the_accepted_result_is_named(played):
    place = find(played.logs, BountyPaid)

    found = played.problems(changed(played.logs, place, finder=STRANGER), BountyPaid)

    assert f"who is paid for them is {STRANGER} and has to be {played.logs[place].event.finder}" in found


def test_a_bounty_that_is_kept_back_is_named(played):
    found = played.problems(without(played.logs, find(played.logs, BountyPaid)), BountyPaid)

    assert "here 2 events are missing, BountyPaid first" in found


def test_the_server_is_paid_no_bounty_for_a_claim_of_its_own(played):
    finder = played.logs[find(played.logs, BountyPaid)].event.finder
    place = find(played.logs, Claimed, claimant=finder)

    found = played.problems(changed(played.logs, place, claimant=played.rules.server), BountyPaid)

    assert f"who is paid for them is {finder} and has to be None" in found


def test_an_odd_stake_s_half_is_rounded_down_for_each_seat(played):
    logs, odd = played.logs, played.rules.stake + 1
    for place, log in enumerate(logs):
        if isinstance(log.event, SeatSettled) and log.event.verdict is Verdict.SLASHED:
            logs = changed(logs, place, amount=odd)
        elif log.name == "Joined" and log.event.paid == played.rules.stake:
            logs = changed(logs, place, paid=odd)
    told = replace(played, rules=replace(played.rules, stake=odd))

    problems = [finding.problem for finding in told.findings(logs) if finding.check is Check.PAYMENTS]

    assert not any("the bounty" in problem for problem in problems)


# Claims and challenges


@pytest.mark.parametrize("kind", [Claimed, Challenged])
def test_numbers_that_are_skipped_are_named(played, kind):
    place = find(played.logs, kind, 1)
    name = "claim" if kind is Claimed else "challenge"

    found = played.problems(changed(played.logs, place, **{name: 7}), kind, 1)

    assert "its number is 7 and has to be 1" in found


def test_a_claim_that_comes_late_is_named(played):
    place = find(played.logs, Claimed, 1)

    found = played.problems(moved(played.logs, place, 10**7), Claimed, 1)

    assert any("a result of round 1 job 0 was claimed at" in problem for problem in found)


def test_a_first_claim_after_the_seats_time_is_named(played):
    found = played.problems(moved(played.logs, find(played.logs, Claimed), 10**7), Claimed)

    assert any(problem.endswith("in the phase decided") for problem in found)


def test_a_claim_of_what_is_not_published_is_named(played):
    accepted = played.logs[find(played.logs, Claimed)].event.result_hash
    place = find(played.logs, ResultChunkPublished, result_hash=accepted)

    found = played.problems(without(played.logs, place), Claimed)

    assert f"it claims 0x{accepted.hex()}, whose bytes are not published" in found


def test_a_challenge_of_a_node_that_is_not_shown_is_named(played):
    found = played.problems(changed(played.logs, find(played.logs, Challenged), position=64), Challenged)

    assert "it picked node 64 of 64" in found


def test_a_challenge_of_a_refuted_claim_or_after_the_time_for_it_is_named(played):
    place = find(played.logs, Decided, outcome=GameTurn.REFUTED)
    refuted = played.logs[place]
    event = Challenged(2, refuted.event.claim, STRANGER, 0)
    told = [*played.logs[: place + 1], replace(refuted, event=event), *played.logs[place + 1 :]]

    found = [finding.problem for finding in played.findings(told)]

    assert f"claim {refuted.event.claim} was refuted before" in found
    late = played.problems(moved(played.logs, find(played.logs, Challenged), 10**7), Challenged)
    assert any("it challenged claim" in problem for problem in late)


# Moves


def test_a_move_out_of_turn_is_named(played):
    picked = played.logs[find(played.logs, Picked)].event
    place = find(played.logs, Opened, challenge=picked.challenge)

    found = played.problems(without(played.logs, place), Picked)

    assert "whose turn it is is claim and has to be challenger" in found


@pytest.mark.parametrize("kind", [Opened, Picked, Revealed, EntryPicked])
def test_a_move_after_its_clock_has_run_out_is_named(played, kind):
    found = played.problems(moved(played.logs, find(played.logs, kind), 10**7), kind)

    assert any("when its clock had run out at" in problem for problem in found)


def test_a_pick_of_a_node_once_the_leaf_is_shown_is_named(played):
    place = find(played.logs, Revealed)
    told = replace(played.logs[place], event=Picked(played.logs[place].event.challenge, 0))

    found = played.problems([*played.logs[: place + 1], told, *played.logs[place + 1 :]], Revealed)

    assert "this move is not made at this depth" in found


def test_a_move_once_another_challenge_has_refuted_the_claim_is_named(played):
    place = find(played.logs, Decided, outcome=GameTurn.REFUTED)
    claim = played.logs[place].event.claim
    nodes = played.logs[find(played.logs, Claimed, claim=claim)].event.nodes
    events = (Challenged(2, claim, STRANGER, 0), Opened(2, nodes))
    before, after = (replace(played.logs[place], event=event) for event in events)

    told = [*played.logs[:place], before, played.logs[place], after, *played.logs[place + 1 :]]

    found = [(it.subject, it.problem) for it in played.findings(told)]
    assert ("challenge 2", f"claim {claim} was refuted before") in found


@pytest.mark.parametrize(
    ("kind", "what"),
    [(Claimed, "the root of the nodes that it shows"), (Opened, "the root of the nodes that it shows")],
)
def test_nodes_that_do_not_hash_to_the_one_above_are_named(played, kind, what):
    place = find(played.logs, kind)
    nodes = played.logs[place].event.nodes

    found = played.problems(changed(played.logs, place, nodes=(bytes(32), *nodes[1:])), kind)

    assert any(problem.startswith(what) for problem in found)
    short = played.problems(changed(played.logs, place, nodes=nodes[:-1]), kind)
    assert f"it shows {len(nodes) - 1} nodes" in short


def test_a_leaf_that_is_another_than_the_one_picked_is_named(played):
    found = played.problems(changed(played.logs, find(played.logs, Revealed), leaf=b"another"), Revealed)

    assert any(problem.startswith("the hash of its leaf") for problem in found)


def test_a_pick_that_leads_elsewhere_is_named(played):
    place = find(played.logs, Picked)
    nodes = len(played.logs[find(played.logs, Opened)].event.nodes)
    elsewhere = played.logs[place].event.position + nodes

    found = played.problems(changed(played.logs, place, position=elsewhere), Picked)

    assert any(problem.startswith("the node above the one picked") for problem in found)


@pytest.mark.parametrize("outcome", [GameTurn.UPHELD, GameTurn.MOOT])
def test_a_challenge_that_ends_otherwise_than_its_clock_says_is_named(played, outcome):
    place = find(played.logs, Decided, outcome=GameTurn.REFUTED)
    number = [it.event for it in played.logs if isinstance(it.event, Decided)].index(played.logs[place].event)

    found = played.problems(changed(played.logs, place, outcome=outcome), Decided, number)

    assert any(f"as {outcome.name.lower()}, where the claim had until" in problem for problem in found)


def test_a_claim_refuted_before_its_clock_has_run_out_is_named(played):
    place = find(played.logs, Decided, outcome=GameTurn.REFUTED)
    number = [it.event for it in played.logs if isinstance(it.event, Decided)].index(played.logs[place].event)

    found = played.problems(moved(played.logs, place, -3_600), Decided, number)

    assert any("as refuted, where the claim had until" in problem for problem in found)


def test_a_proof_of_what_was_never_asked_for_is_named(played):
    place = find(played.logs, Challenged)
    proved = Decided(played.logs[place].event.challenge, played.logs[place].event.claim, GameTurn.UPHELD)
    told = [*played.logs[: place + 1], replace(played.logs[place], event=proved), *played.logs[place + 1 :]]

    assert any("as upheld, where the claim had until" in problem for problem in played.problems(told, Challenged))


def test_a_claim_that_succeeds_one_that_stands_is_named(played):
    place = find(played.logs, Released)
    number = played.logs[place].event.claim
    told = [*played.logs[:place], replace(played.logs[place], event=Succeeded(number)), *played.logs[place:]]

    assert f"it succeeded claim {number}, which stands" in played.problems(told, Released)


# Bonds


def test_a_bond_released_early_or_of_a_refuted_claim_is_named(played):
    place, refuted = find(played.logs, Released), played.logs[find(played.logs, Decided, outcome=GameTurn.REFUTED)]

    early = played.problems(moved(played.logs, place, -(10**7)), Released)
    lost = played.problems(changed(played.logs, place, claim=refuted.event.claim), Released)

    assert any("its bond was released at" in problem for problem in early)
    assert "it was refuted before" in lost


@pytest.mark.parametrize("by", [1, -1])
def test_bonds_withdrawn_that_are_one_wei_off_are_named(played, by):
    place = find(played.logs, BondsWithdrawn)
    amount = played.logs[place].event.amount

    found = played.problems(changed(played.logs, place, amount=amount + by), BondsWithdrawn)

    assert found == [f"the bonds that it took home is {amount + by} and has to be {amount}"]


def test_bonds_that_are_gone_are_named_and_ether_that_was_forced_in_is_no_problem(played):
    places = [place for place, log in enumerate(played.logs) if isinstance(log.event, BondsWithdrawn)]
    logs = without(played.logs, places[-1])
    owner, held = played.logs[places[-1]].event.owner, played.logs[places[-1]].event.amount
    game = replace(played.books.game, credits={**played.books.game.credits, owner: held})

    (finding,) = played.findings(logs, game=game)

    assert (finding.check, finding.subject) == (Check.BOOKS, "disputes")
    assert finding.problem == f"it holds {held} wei of bonds, and has 0 wei"
    assert played.findings(logs, game=replace(game, balance=held + 1)) == []
    (finding,) = played.findings(logs, game=replace(played.books.game, balance=held))
    assert (finding.subject, finding.problem) == (
        f"bonds owed to {owner}",
        f"the events come to {held} wei, the contracts to 0 wei",
    )


def test_bonds_of_claims_about_something_else_than_jobs_are_counted(played):
    first = played.logs[find(played.logs, Claimed)]
    number, outcome = len({it.event.claim for it in played.logs if isinstance(it.event, Claimed)}), GameTurn.REFUTED
    foreign = Claimed(number, STRANGER, bytes(32), STRANGER, bytes(32), ())
    events = [foreign, Challenged(2, number, first.event.claimant, 0), Decided(2, number, outcome)]
    last = played.logs[-1]
    told = [*played.logs, *(replace(last, event=event) for event in events)]
    owed = {**played.books.game.credits, first.event.claimant: 2 * BOND}

    game = replace(played.books.game, balance=2 * BOND, claims=3, challenges=3, credits=owed)

    assert played.findings(told, game=game) == []
    home = [*told, replace(last, event=BondsWithdrawn(first.event.claimant, 2 * BOND))]
    owed[first.event.claimant] = 0
    assert played.findings(home, game=replace(game, balance=0, credits=owed)) == []


# Jobs


def test_a_ruling_that_accepts_a_result_is_named_where_claims_decide(played):
    place = find(played.logs, Claimed)
    claimed = played.logs[place]
    told = replace(claimed, event=Ruled(claimed.event.result_hash), address=claimed.event.disputed)

    found = played.problems([*played.logs[:place], told, *played.logs[place:]], Claimed)

    assert f"the referee accepts 0x{claimed.event.result_hash.hex()}, where only claims decide" in found


def test_anybody_may_propose_what_no_seat_has_committed_to_and_it_is_no_rival(played):
    place = find(played.logs, Proposed)
    proposed = replace(played.logs[place], event=Proposed(bytes(31) + b"x", STRANGER, 0))

    assert played.findings([*played.logs[: place + 1], proposed, *played.logs[place + 1 :]]) == []


def test_a_stranger_publishes_only_when_the_seats_have_had_their_time(played):
    place = find(played.logs, ResultChunkPublished)
    told = changed(played.logs, place, publisher=STRANGER)

    found = played.problems(told, ResultChunkPublished)

    assert any("without a seat that has committed to it" in problem for problem in found)
