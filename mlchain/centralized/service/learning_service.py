"""The learning server around its rules: models, memory and clock, without a network."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mlchain.centralized.learning.federation import Contribution, Federation, Refusal, Registered, ShareAssignment, Wait
from mlchain.centralized.learning.training import FederatedTask
from mlchain.centralized.service.settings import Settings
from mlchain.centralized.service.signing import NotSigned, Stamp
from mlchain.centralized.service.store import ModelVersion, Store


class LearningService:
    """Does what members ask for; every event is a state change that is in the store before the method returns.

    `now()` is Unix time, since deadlines and nonces outlive the process.
    """

    def __init__(self, settings: Settings, task: FederatedTask, store: Store, now: Callable[[], float]) -> None:
        self.settings = settings
        self.task = task
        self.now = now
        self._store = store
        store.claim(settings)
        if store.newest_version() is None:
            model = task.task.initial_model()
            with store.transaction():
                store.add_model(ModelVersion(0, model, task.accuracy(model), now(), 0))
        self._reload()

    def _reload(self) -> None:
        self._federation = self._store.load(self.settings, self.now())
        self._weights = self._store.model(self._federation.version).data

    @contextmanager
    def _change(self) -> Iterator[Federation]:
        """One state change: in memory and in the store, or in neither."""
        try:
            with self._store.transaction():
                yield self._federation
                self._store.save_members(self._federation)
        except BaseException:
            waiting = self._federation.waiting
            self._reload()
            for address in waiting:
                self._federation.wait(address)
            raise

    # Who may ask

    def is_member(self, address: str) -> bool:
        """Return whether an address has joined."""
        return address in self._federation.members

    def was_used(self, stamp: Stamp) -> bool:
        """Return whether this very stamp was on a request before."""
        return self._store.has_nonce(stamp.worker, stamp.nonce)

    def _use(self, stamp: Stamp) -> None:
        if stamp.expires <= self.now():  # looked at again: while its body came in, its nonce may have been forgotten
            raise NotSigned("the signature has expired")
        if self.was_used(stamp):
            raise NotSigned("this request was made before")
        self._store.use_nonce(stamp.worker, stamp.nonce, stamp.expires)

    # Events

    def joined(self, address: str, number: int) -> None:
        """Record that an address has joined."""
        with self._change() as federation:
            federation.joined(address, number)

    def register(self, stamp: Stamp) -> Registered | Refusal:
        """Register the signer."""
        with self._change() as federation:
            self._use(stamp)
            return federation.register(stamp.worker, self.now())

    def ask(self, stamp: Stamp) -> ShareAssignment | Wait | Refusal:
        """Give the signer work if there is any."""
        with self._change() as federation:
            self._use(stamp)
            return self._assign(federation, stamp.worker)

    def ask_again(self, worker: str) -> ShareAssignment | Wait | Refusal:
        """Give work, if there is any by now, to a worker whose request is still waiting for an answer."""
        with self._change() as federation:
            return self._assign(federation, worker)

    def wait(self, worker: str) -> None:
        """Take note that the request of a worker that was told to wait is open."""
        self._federation.wait(worker)

    def go(self, worker: str) -> None:
        """Take note that it is not, if it was."""
        self._federation.go(worker, self.now())

    def to_call(self) -> list[str]:
        """Return the workers that wait and are to ask again, in this order."""
        return self._federation.to_call(self.now())

    def _assign(self, federation: Federation, worker: str) -> ShareAssignment | Wait | Refusal:
        reply = federation.ask(worker, self.now())
        if isinstance(reply, ShareAssignment):
            self._store.count("weights_sent", len(self._weights))
        return reply

    @property
    def weights(self) -> bytes:
        """The current version's bytes, to be sent only with an assignment."""
        return self._weights

    def deliver(self, stamp: Stamp, version: int, update: bytes) -> Contribution | Refusal:
        """Accept the update that the signer owes, `task.update_size` bytes, and make a version if that completes it."""
        with self._change() as federation:
            self._use(stamp)
            reply = federation.deliver(stamp.worker, version, self.now())
            self._store.count("updates_received", len(update))
            if isinstance(reply, Contribution):
                self._store.add_update(reply, update)
                self._make_version(federation)
            return reply

    def tick(self) -> None:
        """Make a version if nobody has to be waited for any longer, and forget the nonces that have expired."""
        with self._change() as federation:
            self._store.forget_nonces(self.now())
            self._make_version(federation)

    def _make_version(self, federation: Federation) -> None:
        contributions = federation.tick(self.now())
        if not contributions:
            return
        updates = self._store.updates()
        model = self.task.combine(
            self.settings.rule,
            self.settings.evil,
            self._weights,
            [updates[it.address] for it in contributions],
            [it.weight * self.task.samples(it.share) for it in contributions],
        )
        accuracy = self.task.accuracy(model)
        self._store.add_model(ModelVersion(federation.version, model, accuracy, self.now(), len(contributions)))
        self._weights = model

    # What everybody may know

    @property
    def version(self) -> int:
        """The version that workers are given."""
        return self._federation.version

    def status(self) -> dict[str, int | dict[str, int]]:
        """Return the state of the learning, without weights."""
        members, now = self._federation.members.values(), self.now()
        return {
            "version": self._federation.version,
            "versions": self.settings.plan.versions,
            "finished": self._federation.is_finished,
            "joined": len(members),
            "registered": sum(member.is_registered for member in members),
            "working": sum(bool(it.owes) and not self._federation.is_overdue(it, now) for it in members),
            "overdue": sum(self._federation.is_overdue(member, now) for member in members),
            "delivered": len(self._federation.contributions),
            "bytes": self._store.traffic(),
        }
