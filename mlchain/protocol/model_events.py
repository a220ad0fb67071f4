"""The events about versions of the model, a dataclass for each."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VersionAnnounced:
    """A version of the model will be published, made of the one before and what `round` accepted; 0 for the first."""

    version: int
    round: int
    content_hash: bytes
    size: int


@dataclass(frozen=True, slots=True)
class ModelChunkPublished:
    """`ModelRegistry.ChunkPublished`: bytes of a version of the model."""

    version: int
    index: int
    chunk: bytes


@dataclass(frozen=True, slots=True)
class VersionRefuted:
    """Somebody showed that a version is not what its round's accepted results make of the one before."""

    version: int
    finder: str

    def __str__(self) -> str:
        """Say for people what it means."""
        return f"version {self.version} is not what was accepted: no round can follow"


ModelEvent = VersionAnnounced | ModelChunkPublished | VersionRefuted
