"""What time it is on a live chain, whatever this machine's clock says."""

import time


class ChainClock:
    """Goes by the newest block and the time since it came; until one has come, by the machine's clock if it is later.

    A worker whose machine is an hour ahead would otherwise take a commit phase for over, and pay for its absence. The
    first block that is seen says little: on a chain that makes blocks only for transactions it may be of long ago.
    """

    def __init__(self) -> None:
        self._number: int | None = None
        self._timestamp = 0
        self._since: float | None = None  # when the newest block came, if one has come since the first

    def see(self, number: int, timestamp: int) -> None:
        """Take in the newest block."""
        if self._number is not None and number != self._number:
            self._since = time.monotonic()
        self._number, self._timestamp = number, timestamp

    @property
    def now(self) -> int:
        """The time of the next block, in seconds, as far as can be told."""
        if self._since is None:
            return max(self._timestamp, int(time.time()))
        return self._timestamp + int(time.monotonic() - self._since)
