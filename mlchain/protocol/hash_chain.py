"""The server's random numbers: the hash of each is the one before, and that of the first is announced at deployment.

So the server cannot choose them, and nobody else knows the next one. Twin of `JobFactory.randomHead`.
Source: Lamport, "Password Authentication with Insecure Communication" (1981).
"""

from eth_utils import keccak

LENGTH = 65_536  # rounds; 2 MiB of numbers


class HashChain:
    """The numbers of `length` rounds, which follow from 32 secret bytes."""

    def __init__(self, secret: bytes, length: int = LENGTH) -> None:
        self._numbers = [secret]
        for _ in range(length):
            self._numbers.append(keccak(self._numbers[-1]))

    @property
    def anchor(self) -> bytes:
        """The hash of the first round's number, which a deployment announces."""
        return self._numbers[-1]

    @property
    def length(self) -> int:
        """How many rounds there is a number for."""
        return len(self._numbers) - 1

    def number_of(self, round_number: int) -> bytes:
        """Return the number of a round, counted from one; raises IndexError when there is none."""
        if not 1 <= round_number <= self.length:
            raise IndexError(f"there are random numbers for rounds 1 to {self.length:,}, not for {round_number:,}")
        return self._numbers[self.length - round_number]
