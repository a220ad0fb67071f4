"""The state of a deployment from the contracts' views and the logs of its newest round, however long its history."""

from collections.abc import Callable, Iterable
from typing import Any

from ape_ethereum.provider import Web3Provider

from mlchain.chain.bonds import learn_bonds
from mlchain.chain.deployment import Deployment
from mlchain.chain.history import BEGINS
from mlchain.chain.logs import BLOCKS_PER_REQUEST, Logs
from mlchain.chain.node_errors import NodeError
from mlchain.chain.raw_logs import topic_of
from mlchain.chain.views import ViewCall, Views
from mlchain.chain.witness import left_out
from mlchain.protocol.events import Joined, Left, Log, RoundDeployed, StakeWithdrawn
from mlchain.protocol.ledger import Account, Ledger, ModelVersion
from mlchain.protocol.model_events import ModelChunkPublished, VersionRefuted
from mlchain.protocol.pool import MAX_SNAPSHOT_AGE, Pool
from mlchain.protocol.records import Records
from mlchain.protocol.rounds import Job


class Checkpoint:
    """Begins a ledger in which everything is right that a server or a worker, `owner`, decides from.

    It begins at the snapshot block of the newest round: from there on there are logs of all that matters, and the
    registry remembers the pool of that block. Earlier rounds, most versions of the model, other owners' accounts and
    the books stay unknown.
    """

    def __init__(
        self, provider: Web3Provider, logs: Logs, deployment: Deployment, owner: str, say: Callable[[str], None]
    ) -> None:
        self._views = Views(provider)
        self._logs = logs
        self._deployment = deployment
        self._owner = owner
        self.only_for: str | None = owner
        self._say = say

    def ledger_for(self, block: int) -> tuple[Ledger, int, list[Log]] | None:
        """Return a ledger at the newest round's snapshot block, that block and no logs; None before the first round."""
        asked = [("JobFactory", "latestRound"), ("ModelRegistry", "latestVersion"), ("WorkerRegistry", "currentRound")]
        rounds, versions, (_escrow, snapshot, *_) = self._ask([(*it, ()) for it in asked], block)
        if not rounds:
            return None
        self._require_first_round(block)
        ledger = Ledger(self._deployment.server, self._deployment.parameters.has_game)
        ledger.pool = Pool(self._members(snapshot, block))
        ledger.scheduled = snapshot
        ledger.rounds = Records(rounds - 1)
        announced = self._find("ModelRegistry", "VersionAnnounced", snapshot + 1, block)
        ledger.versions = Records(versions - len(announced))
        self._learn_versions(ledger.versions, self._trained_version(rounds, snapshot, block), block)
        if ledger.has_game:
            asked = [("Disputes", "counts"), ("JobFactory", "refutedVersion")]
            (claims, challenges), refuted = self._ask([(*it, ()) for it in asked], block)
            ledger.refuted = VersionRefuted(refuted, "") if refuted else None
            ledger.games.claim_count = claims - len(self._find("Disputes", "Claimed", snapshot + 1, block))
            ledger.games.challenge_count = challenges - len(self._find("Disputes", "Challenged", snapshot + 1, block))
        return ledger, snapshot, []

    def distrust(self) -> None:
        """Forget nothing: nothing is kept."""

    def concerns(self, job: Job) -> bool:
        """Return whether the owner has to know what happens in a job: the server of all, a worker where it has a seat.

        Of the other jobs a worker knows what the registry says: who is settled, and how.
        """
        return self._owner == self._deployment.server or job.seat_of(self._owner) is not None

    def complete(self, ledger: Ledger, block: int) -> None:
        """Add the owner's account and bonds, and the addresses of data sets."""
        first, at = self._deployment.block, self._deployment.addresses
        ((credit, stake, position, left),) = self._ask([("WorkerRegistry", "accountOf", (self._owner,))], block)
        account = ledger.accounts[self._owner] = Account(stake, credit, None if position or not left else left)
        names = [topic_of("WorkerRegistry", event) for event in ("Joined", "Left", "StakeWithdrawn")]
        moved = self._logs.search(first, block, at["WorkerRegistry"], [names, _word(int(self._owner, 16))])
        self._add_losses(account, moved)
        for log in self._logs.search(first, block, at["JobFactory"], [topic_of("JobFactory", "DataAnnounced")]):
            ledger.fold(log)
        if ledger.has_game:
            bond = self._deployment.parameters.bond
            learn_bonds(
                ledger.games, self._owner, bond, lambda views: self._ask((("Disputes", *it) for it in views), block)
            )
        self._say(BEGINS.format(round=len(ledger.rounds), block=block))

    def _add_losses(self, account: Account, moved: Iterable[Log]) -> None:
        """Add to an account what it has lost, from what it has paid in and taken out: that takes few logs.

        A member's stake is whole, and it can lose once before it joins again: all of it, or the fee. Raises NodeError
        for logs that do not come to the account: no contract counts them, but who joins has to leave before it joins
        again.
        """
        parameters, first = self._deployment.parameters, self._deployment.block
        whole, held, losses = parameters.stake, 0, []
        is_member, left, is_whole = False, None, True
        for log in moved:
            match log.event:
                case Joined(paid=paid):
                    losses.append(held - (whole - paid))
                    is_whole &= not is_member
                    held, is_member, left = whole, True, None
                case Left():
                    is_whole &= is_member
                    is_member, left = False, log.block
                case StakeWithdrawn(amount=amount):
                    losses.append(held - amount)
                    held = 0
        losses.append(held - account.stake)
        if not is_whole or left != account.left_at or not {0, parameters.absence_fee, whole}.issuperset(losses):
            raise left_out("the node leaves out that the account joined or left", first)
        account.lost, account.slashes = sum(losses), losses.count(whole)

    def _require_first_round(self, block: int) -> None:
        """Raise NodeError unless the first round is found: what the owner lost in one before would be missed."""
        topics = [topic_of("JobFactory", "RoundDeployed"), _word(1)]
        factory, first = self._deployment.addresses["JobFactory"], self._deployment.block
        found = self._logs.search(first, block, factory, topics)
        if not found:
            raise left_out("the node leaves out the first round", first)

    def _ask(self, views: Iterable[tuple[str, str, tuple[object, ...]]], block: int) -> list[Any]:
        at = self._deployment.addresses
        return self._views.ask_all(
            [ViewCall(contract, view, at[contract], given) for contract, view, given in views], block
        )

    def _find(self, contract: str, event: str, first: int, last: int, *topics: str | list[str]) -> list[Any]:
        """Return the events of that name in these blocks."""
        which = [topic_of(contract, event), *topics]
        return [log.event for log in self._logs.find(first, last, [self._deployment.addresses[contract]], which)]

    def _members(self, snapshot: int, block: int) -> list[str]:
        """Return who was in the pool at the end of block `snapshot`, as the registry remembers it in `block`."""
        (size,) = self._ask([("WorkerRegistry", "poolSizeAt", (snapshot,))], block)
        return self._ask((("WorkerRegistry", "workerAt", (position, snapshot)) for position in range(size)), block)

    def _trained_version(self, number: int, snapshot: int, block: int) -> int:
        """Return the version of the model that a round trains, which is deployed soon after its snapshot block."""
        last = min(block, snapshot + MAX_SNAPSHOT_AGE)
        for event in self._find("JobFactory", "RoundDeployed", snapshot + 1, last, _word(number)):
            if isinstance(event, RoundDeployed):
                return event.model_version
        raise NodeError(f"the node has no logs of round {number}, which its contracts know")

    def _learn_versions(self, versions: Records[ModelVersion], trained: int, block: int) -> None:
        """Learn the version that is trained, the newest one, and what they were made from."""
        known = {number: self._version(number, block) for number in {trained, len(versions)} - {0}}
        for parent in {version.parent for version, _ in known.values()} - {0, *known}:
            known[parent] = self._version(parent, block)
        known = {
            number: it for number, it in known.items() if number <= len(versions)
        }  # the others are announced later
        for number in sorted(known):
            versions.learn(number - 1, known[number][0])
        missing, end, length = dict(known), block, BLOCKS_PER_REQUEST
        while missing := {n: it for n, it in missing.items() if len(it[0].chunks) < it[1]}:
            if end < self._deployment.block:
                raise NodeError(
                    f"the node has no logs of version {min(missing)} of the model, which its contracts know"
                )
            start = max(self._deployment.block, end - length + 1)
            words = [_word(number) for number in missing]
            for event in self._find("ModelRegistry", "ChunkPublished", start, end, words):
                if isinstance(event, ModelChunkPublished):
                    known[event.version][0].chunks[event.index] = event.chunk
            end, length = start - 1, 2 * length

    def _version(self, number: int, block: int) -> tuple[ModelVersion, int]:
        """Return a version without its bytes, and how many chunks of them are on the chain."""
        ((content_hash, published, size, made_in),) = self._ask([("ModelRegistry", "versionAt", (number,))], block)
        return ModelVersion(number, made_in, content_hash, size), published.bit_count()


def _word(value: int) -> str:
    """Return a number, or an address, as a topic."""
    return f"0x{value:064x}"
