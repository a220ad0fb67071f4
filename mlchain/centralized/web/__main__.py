"""A learning server without a chain: `python -m mlchain.centralized.web FOLDER PORT` reads stdin.

The first line has the settings, each of the following ones an address and the number that it joined as. The server
prints its URL, and ends when stdin does: it never outlives whoever started it.
"""

import sys
from pathlib import Path

from mlchain.centralized.service.settings import Settings
from mlchain.centralized.web.serving import OnJoin, serve
from mlchain.errors import UserError


def main() -> None:
    """Serve, or end with one sentence on stderr and status 1."""
    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    try:
        serve(Settings.from_json(sys.stdin.readline()), folder, port, _read_joins, lambda url: print(url, flush=True))
    except UserError as error:
        sys.exit(f"error: {error}")


def _read_joins(on_join: OnJoin) -> None:
    for line in sys.stdin:
        address, number = line.split()
        on_join(address, int(number))


if __name__ == "__main__":
    main()
