"""What workers deliver instead of the update that they have computed: a function each, the honest one among them."""

from collections.abc import Callable

from mlchain.centralized.learning.training import to_bytes, to_vector

Behaviour = Callable[[bytes], bytes | None]  # from the right update to the delivered one; None delivers nothing


def honest(update: bytes) -> bytes:
    """Deliver it."""
    return update


def silent(_update: bytes) -> None:
    """Take the weights and never answer again."""


def flipping(update: bytes) -> bytes:
    """Deliver the opposite, ten times as large: it undoes what nine others have learned."""
    return to_bytes(-10 * to_vector(update))


BEHAVIOURS: dict[str, Behaviour] = {behaviour.__name__: behaviour for behaviour in (honest, silent, flipping)}
