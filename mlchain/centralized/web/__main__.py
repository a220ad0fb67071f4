"""A learning server without a chain: `python -m mlchain.centralized.web FOLDER PORT` is told on stdin what to do.

The first line has the settings; each of the next ones an address and the number that it joined as. The server says
where it is on stdout, and ends when stdin does: it never outlives who started it.
"""

import sys
from pathlib import Path

from mlchain.centralized.service.settings import Settings
from mlchain.centralized.web.serving import Told, serve
from mlchain.errors import UserError


def main() -> None:
    """Serve, or end with one sentence on stderr and status 1."""
    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    try:
        serve(Settings.from_json(sys.stdin.readline()), folder, port, _read_joins, lambda url: print(url, flush=True))
    except UserError as error:
        sys.exit(f"error: {error}")


def _read_joins(told: Told) -> None:
    for line in sys.stdin:
        address, number = line.split()
        told(address, int(number))


if __name__ == "__main__":
    main()
