"""The time on a live chain, independent of this machine's clock."""

import time


class ChainClock:
    """The newest block's time plus the time since it arrived; until a new one arrives, the later of block and machine.

    A worker whose machine is an hour fast would otherwise take a commit phase for over, and pay for its absence. The
    first block seen says little: on a chain that makes blocks only for transactions it may be old.
    """

    def __init__(self) -> None:
        self._number: int | None = None
        self._timestamp = 0
        self._since: float | None = None  # when the newest block arrived, if one has since the first

    def see(self, number: int, timestamp: int) -> None:
        """Take note of the newest block; an older one is the answer of a backend that lags behind."""
        if self._number is not None and number < self._number:
            return
        if self._number is not None and number != self._number:
            self._since = time.monotonic()
        self._number, self._timestamp = number, timestamp

    @property
    def newest(self) -> int:
        """The time of the newest block seen, in seconds."""
        return self._timestamp

    @property
    def now(self) -> int:
        """The estimated time of the next block, in seconds."""
        if self._since is None:
            return max(self._timestamp, int(time.time()))
        return self._timestamp + int(time.monotonic() - self._since)
