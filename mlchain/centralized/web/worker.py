"""The worker program: registers, asks for work, trains on its share, delivers, until learning is finished."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import requests

from mlchain.centralized.learning.behaviours import Behaviour
from mlchain.centralized.learning.training import FederatedTask, open_federated
from mlchain.centralized.service.settings import Settings
from mlchain.centralized.service.signing import Signer, sign_request
from mlchain.centralized.web.messages import LONGEST_WAIT, unpack_work
from mlchain.errors import UserError

RETRY_INTERVAL = 0.5  # seconds
PATIENCE = 120.0  # seconds without any progress after which a worker gives up


@dataclass(frozen=True, slots=True)
class RefusedReply:
    """An answer other than what was asked for: the name of the reason, and a sentence."""

    name: str
    detail: str


class ServiceClient:
    """A worker's side of the requests; `address` signs with `sign`."""

    def __init__(self, url: str, address: str, sign: Signer) -> None:
        self._url = url.rstrip("/")
        self._address = address
        self._sign = sign
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy between a worker and its server
        self._settings: Settings | None = None

    def settings(self) -> Settings:
        """Return what the server is set to do, asked once; raises UserError if what answers is no learning server."""
        if self._settings is None:
            reply = self._patiently(lambda: self._session.get(self._url + "/plan", timeout=30))
            self._settings = Settings.from_json(reply.content)
        return self._settings

    def post(self, path: str, body: bytes = b"") -> requests.Response | RefusedReply:
        """Make a signed request, again and again while the server cannot be reached."""
        place = self.settings().place

        def send() -> requests.Response:
            headers = sign_request(self._sign, self._address, place, "POST", path, body, time.time())
            headers["content-type"] = "application/octet-stream"
            return self._session.post(self._url + path, data=body, headers=headers, timeout=LONGEST_WAIT + PATIENCE)

        reply = self._patiently(send)
        if reply.status_code in (200, 204):
            return reply
        try:
            fields = reply.json()
            return RefusedReply(str(fields["refusal"]), str(fields["detail"]))
        except (ValueError, TypeError, KeyError) as error:
            raise UserError(f"{self._url} does not answer as a learning server: {reply.status_code}") from error

    def _patiently(self, send: Callable[[], requests.Response]) -> requests.Response:
        """Return the answer to a request, or raise UserError when there is none for long."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                reply = send()
                # On a busy machine a signature may have expired before it was looked at; the next one is new.
                is_late = reply.status_code == 401 and time.monotonic() <= until
                if reply.status_code < 500 and not is_late:
                    return reply
                problem = f"status {reply.status_code}"
            except requests.RequestException as error:
                problem = type(error).__name__
            if time.monotonic() > until:
                raise UserError(f"the learning server at {self._url} does not answer: {problem}")
            time.sleep(RETRY_INTERVAL)


class FederatedWorker:
    """Does what a behaviour makes of the work that the server hands out."""

    def __init__(self, client: ServiceClient, behaviour: Behaviour) -> None:
        self._client = client
        self._behaviour = behaviour
        self.delivered = 0

    def run(self) -> None:
        """Work until learning is finished; raises UserError when the server does not let the worker take part."""
        settings = self._client.settings()
        task = open_federated(settings.recipe, settings.split)
        self._register(settings.plan.timeout)
        while True:
            reply = self._client.post("/work")
            if not isinstance(reply, RefusedReply):
                if reply.status_code == 200 and not self._deliver(task, *_work_of(reply.content, task)):
                    return
            elif reply.name == "FINISHED":
                return
            elif reply.name in ("OWES", "NOT_REGISTERED"):  # an answer was lost, or this program started anew
                self._register(settings.plan.timeout)
            else:
                raise UserError(f"the learning server refuses to give work: {reply.detail}")

    def _register(self, timeout: float) -> None:
        """Be registered; the server may not have seen the worker's join yet, or wait for what it owed before."""
        until = time.monotonic() + timeout + PATIENCE
        while True:
            reply = self._client.post("/registration")
            if not isinstance(reply, RefusedReply) or reply.name == "REGISTERED":
                return
            if reply.name not in ("NOT_JOINED", "OWES") or time.monotonic() > until:
                raise UserError(f"the learning server does not register this worker: {reply.detail}")
            time.sleep(RETRY_INTERVAL)

    def _deliver(self, task: FederatedTask, version: int, share: int, weights: bytes) -> bool:
        """Deliver what the behaviour makes of the update; return False if that is to vanish."""
        update = self._behaviour(task.train(weights, version, share))
        if update is None:
            return False
        reply = self._client.post(f"/updates/{version}", update)
        self.delivered += not isinstance(reply, RefusedReply)
        return True


def _work_of(body: bytes, task: FederatedTask) -> tuple[int, int, bytes]:
    """Read the reply to a request for work; raises UserError for what cannot be worked on."""
    try:
        version, share, weights = unpack_work(body)
    except ValueError as error:
        raise UserError(f"the learning server hands out work that cannot be read: {error}") from error
    if share >= len(task.shares) or len(weights) != task.update_size:
        raise UserError("the learning server hands out work that does not fit its own plan")
    return version, share, weights
