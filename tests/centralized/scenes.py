"""A learning server in the test's own process, with a clock that the test sets."""

from pathlib import Path

from eth_account import Account
from starlette.testclient import TestClient

from mlchain.centralized.learning.partition import Split
from mlchain.centralized.learning.plan import FederationPlan
from mlchain.centralized.learning.training import open_federated
from mlchain.centralized.service.learning_service import LearningService
from mlchain.centralized.service.settings import Settings
from mlchain.centralized.service.signing import Place, sign_request, signer_of
from mlchain.centralized.service.store import Store
from mlchain.centralized.web.app import create_app
from mlchain.tasks.catalogue import default_recipe

PLACE = Place(1337, "0x" + "11" * 20)
RECIPE = default_recipe("digits", "softmax").to_bytes()
SIZE = open_federated(RECIPE, Split(1)).update_size
KEYS = [number.to_bytes(32, "big") for number in range(1, 5)]
MEMBERS = [Account.from_key(key).address for key in KEYS[:3]]  # the last key's owner has not joined
ZEROS = bytes(SIZE)


def settings(**choices):
    """Settings of a server for two workers and two versions."""
    plan = FederationPlan(**{"versions": 2, "shares": 2, "quorum": 2, "timeout": 60.0} | choices)
    return Settings(PLACE, RECIPE, Split(plan.shares), plan)


class Scene:
    """A service at `folder`, three members, and requests made by any key; time stands still unless it is moved."""

    def __init__(self, folder: Path, **choices: object) -> None:
        self.time = 1_000_000.0
        self.folder = folder
        self.settings = settings(**choices)
        self.start()
        for number, address in enumerate(MEMBERS, start=1):
            self.service.joined(address, number)

    def start(self) -> None:
        """Start the service from what is in the folder."""
        self.store = Store(self.folder / "learning.sqlite")
        task = open_federated(self.settings.recipe, self.settings.split)
        self.service = LearningService(self.settings, task, self.store, lambda: self.time)

    @property
    def web(self) -> TestClient:
        """A client of the service; each has an application, and with it an event loop, of its own."""
        return TestClient(create_app(self.service), raise_server_exceptions=False)

    def headers(self, number: int, path: str, body: bytes = b"", place: Place = PLACE, method: str = "POST") -> dict:
        """Sign a request with the key of that number, counted from zero."""
        key = KEYS[number]
        return sign_request(signer_of(key), Account.from_key(key).address, place, method, path, body, self.time)

    def post(self, number: int, path: str, body: bytes = b"") -> object:
        """Make a signed request."""
        return self.web.post(path, content=body, headers=self.headers(number, path, body))

    def state(self) -> object:
        """Everything that is kept."""
        return "\n".join(self.store._file.iterdump())


def refusal(reply: object) -> tuple[int, str]:
    """Return status and name of a refusal."""
    assert set(reply.json()) == {"refusal", "detail"}
    return reply.status_code, reply.json()["refusal"]
