"""Bytes that travel in chunks and their content hash, twin of `contracts/libraries/ContentHash.sol`."""

from eth_utils import keccak

CHUNK_SIZE = 24_576
PIECE_SIZE = 512  # of a chunk's tree
MAX_CHUNKS = 128


def split(data: bytes) -> list[bytes]:
    """Cut `data` into chunks of `CHUNK_SIZE` bytes, the last of 1 to `CHUNK_SIZE`.

    Raises ValueError when it is empty or needs more than `MAX_CHUNKS`.
    """
    if not 0 < len(data) <= CHUNK_SIZE * MAX_CHUNKS:
        raise ValueError(f"{len(data)} bytes do not fit in 1 to {MAX_CHUNKS} chunks of {CHUNK_SIZE}")
    return [data[start : start + CHUNK_SIZE] for start in range(0, len(data), CHUNK_SIZE)]


def chunk_count(size: int) -> int:
    """Return in how many chunks `size` bytes travel."""
    return -(-size // CHUNK_SIZE)


def chunk_hash(chunk: bytes) -> bytes:
    """Return the root of the Keccak-256 tree over a chunk, paired from the left, a last node with a zero word."""
    return _tree_of(chunk)[-1][0]


def _tree_of(chunk: bytes) -> list[list[bytes]]:
    levels = [[keccak(chunk[start : start + PIECE_SIZE]) for start in range(0, len(chunk), PIECE_SIZE)]]
    while len(levels[-1]) > 1:
        levels[-1].append(bytes(32))
        levels.append([keccak(left + right) for left, right in zip(levels[-1][::2], levels[-1][1::2], strict=False)])
    return levels


def show_piece(data: bytes, at: int) -> tuple[bytes, list[bytes]]:
    """Return the piece with byte `at`, and what shows that it is one: the hashes of all chunks, then its path."""
    chunk = split(data)[at // CHUNK_SIZE]
    number = at % CHUNK_SIZE // PIECE_SIZE
    path = [level[number >> up ^ 1] for up, level in enumerate(_tree_of(chunk)[:-1])]
    return chunk[number * PIECE_SIZE :][:PIECE_SIZE], chunk_hashes(data) + path


def chunk_hashes(data: bytes) -> list[bytes]:
    """Return the hash of every chunk of `data`."""
    return [chunk_hash(chunk) for chunk in split(data)]


def content_hash(data: bytes) -> bytes:
    """Return the 32 bytes that name `data` on the chain: the hash of its chunks' hashes."""
    return keccak(b"".join(chunk_hashes(data)))
