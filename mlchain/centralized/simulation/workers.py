"""Many workers on one machine, a process each: `python -m mlchain.centralized.simulation.workers URL`.

Who they are is read from stdin: a line has a key and the name of a behaviour, and an empty line is the last. When stdin
ends, so do the workers: they never outlive who started them. They are forked from this process, which has imported all
that they need, and share the memory of its code and data.
"""

import multiprocessing
import os
import signal
import sys
import threading
from itertools import takewhile
from multiprocessing.connection import wait

from eth_account import Account

from mlchain.centralized.learning.behaviours import BEHAVIOURS
from mlchain.centralized.learning.training import open_federated
from mlchain.centralized.service.signing import signer_of
from mlchain.centralized.web.worker import FederatedWorker, ServiceClient
from mlchain.errors import UserError

NICE = 5  # so that hundreds who train do not keep the service, which all wait for, from its turn


def main() -> None:
    """Start the workers and wait for them; end all of them, with status 1, as soon as one fails."""
    os.nice(NICE)
    url = sys.argv[1]
    participants = [line.split() for line in takewhile(str.strip, sys.stdin)]
    try:
        settings = ServiceClient(url, "", lambda _text: b"").settings()
        open_federated(settings.recipe, settings.split)  # loads the data once, before the forks
    except UserError as error:
        sys.exit(f"error: {error}")
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_work, args=(url, *who), daemon=True) for who in participants]
    # Held back until each process knows what to do with it: one that was forked just now could catch it and stay.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    for worker in workers:
        worker.start()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # an exit ends the workers as well
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    threading.Thread(target=_end_with_stdin, daemon=True).start()  # after the forks, which take no threads along
    while workers:
        ended = wait([worker.sentinel for worker in workers])
        for worker in [it for it in workers if it.sentinel in ended]:
            worker.join()  # it has ended, but its status may not be there yet
            if worker.exitcode:
                sys.exit(1)  # without it the others might wait for ever
            workers.remove(worker)


def _end_with_stdin() -> None:
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


def _work(url: str, secret: str, behaviour: str) -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})  # it ends this process
    key = bytes.fromhex(secret)
    client = ServiceClient(url, Account.from_key(key).address, signer_of(key))
    try:
        FederatedWorker(client, BEHAVIOURS[behaviour]).run()
    except UserError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
