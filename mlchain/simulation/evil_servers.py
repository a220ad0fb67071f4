"""Evil servers where a contract decides: each is the honest one but for where it attacks."""

from mlchain.actors.server import LearningServer
from mlchain.actors.watcher import Watcher
from mlchain.protocol.calls import View
from mlchain.protocol.ledger import Ledger
from mlchain.protocol.rounds import Job, Round

CLAIMING = "claiming"
FORGING = "forging"
EVIL_SERVERS = {  # and what each tries
    CLAIMING: "claims a lie in every job, challenges the truth",
    FORGING: "announces a model that nobody trained",
}
SERVERS = ("honest", *EVIL_SERVERS)


class LyingWatcher(Watcher):
    """Takes a lie for the right result of every job that it chooses."""

    def _right(self, view: View, current: Round, job: Job) -> bytes:
        right = super()._right(view, current, job)
        return bytes([right[0] ^ 1]) + right[1:]


class ForgingServer(LearningServer):
    """Makes versions of the model whose last weight is not what was accepted."""

    def _next_model(self, ledger: Ledger) -> bytes:
        right = super()._next_model(ledger)
        return right[:-1] + bytes([right[-1] ^ 0x7F])
