"""Bytes in chunks, and the versions of the model."""

from dataclasses import dataclass, field

from eth_utils import keccak

from tests.reference.chain import Chain, require
from tests.reference.formulas import chunk_hash

CHUNK_SIZE, MAX_CHUNKS = 24_576, 128
NAME = "ModelRegistry"


def count_chunks(size: int) -> int:
    """Return in how many chunks `size` bytes travel."""
    return (size + CHUNK_SIZE - 1) // CHUNK_SIZE


def check_size(size: int) -> None:
    """Refuse what does not fit in 1 to 128 chunks."""
    require(0 < size <= CHUNK_SIZE * MAX_CHUNKS, "InvalidSize", size, CHUNK_SIZE * MAX_CHUNKS)


def check_chunk(content: bytes, size: int, index: int, hashes: list[bytes], chunk: bytes) -> None:
    """Refuse what is not chunk `index` of the `size` bytes that have the content hash `content`."""
    count = count_chunks(size)
    require(len(hashes) == count, "WrongChunkCount", len(hashes), count)
    require(index < count, "UnknownChunk", index, count)
    require(keccak(b"".join(hashes)) == content, "WrongChunkHashes", keccak(b"".join(hashes)), content)
    length = min(CHUNK_SIZE, size - index * CHUNK_SIZE)
    require(len(chunk) == length, "WrongChunkLength", len(chunk), length)
    require(chunk_hash(chunk) == hashes[index], "WrongChunk", chunk_hash(chunk), hashes[index])


@dataclass(slots=True)
class Version:
    """A version of the model, and which of its chunks are published."""

    content: bytes
    size: int
    round: int
    chunks: set[int] = field(default_factory=set)


class Models:
    """`contracts/ModelRegistry.sol`."""

    def __init__(self, chain: Chain, server: str) -> None:
        self.chain, self.server = chain, server
        self.versions: dict[int, Version] = {}

    def announce(self, sender: str, round: int, content: bytes, size: int) -> None:
        require(sender == self.server, "NotTheServer", sender)
        before = self.versions[len(self.versions)].round if self.versions else 0
        require(round > before if self.versions else round == 0, "WrongRound", round, before)
        check_size(size)
        number = len(self.versions) + 1
        self.versions[number] = Version(content, size, round)
        self.chain.emit(NAME, "VersionAnnounced", version=number, round=round, contentHash=content, size=size)

    def publish(self, sender: str, number: int, index: int, hashes: list[bytes], chunk: bytes) -> None:
        require(sender == self.server, "NotTheServer", sender)
        require(number in self.versions, "UnknownVersion", number)
        version = self.versions[number]
        check_chunk(version.content, version.size, index, hashes, chunk)
        require(index not in version.chunks, "AlreadyPublished", number, index)
        version.chunks.add(index)
        self.chain.emit(NAME, "ChunkPublished", version=number, index=index, chunk=chunk)

    def is_complete(self, number: int) -> bool:
        """Return whether all bytes of a version are on the chain."""
        version = self.versions.get(number)
        return version is not None and len(version.chunks) == count_chunks(version.size)
