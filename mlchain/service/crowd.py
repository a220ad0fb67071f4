"""Many workers on one machine, a process each: `python -m mlchain.service.crowd URL` reads who they are from stdin.

A line has a key and the name of a behaviour. The processes are forked from this one, which has imported everything
they need: hundreds start in a second, and share the memory of the code and the data.
"""

import multiprocessing
import signal
import sys

from eth_account import Account

from mlchain.errors import UserError
from mlchain.federated.behaviours import BEHAVIOURS
from mlchain.federated.training import open_federated
from mlchain.service.identity import signer_of
from mlchain.service.worker import Client, Worker


def main() -> None:
    """Start the workers and wait for them; exit status 1 if one of them failed."""
    url = sys.argv[1]
    cast = [line.split() for line in sys.stdin]
    try:
        settings = Client(url, "", lambda _text: b"").settings()
        open_federated(settings.recipe, settings.split)  # loads the data once, before the forks
    except UserError as error:
        sys.exit(f"error: {error}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # an exit ends the workers as well
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_work, args=(url, *who), daemon=True) for who in cast]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    sys.exit(any(worker.exitcode for worker in workers))


def _work(url: str, secret: str, behaviour: str) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    key = bytes.fromhex(secret)
    client = Client(url, Account.from_key(key).address, signer_of(key))
    try:
        Worker(client, BEHAVIOURS[behaviour]).run()
    except UserError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
