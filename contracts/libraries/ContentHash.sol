// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @dev The most chunks of a byte string.
uint256 constant MAX_CHUNKS = 128;

/// @title ContentHash
/// @notice The hash of a byte string that travels in chunks: `keccak256(keccak256(chunk_0) ‖ keccak256(chunk_1) ‖ …)`.
/// @dev Every chunk but the last has exactly `CHUNK_SIZE` bytes, so one byte string has one chunking and one hash. A chunk is
/// checked without storage: the caller passes all chunk hashes. The largest chunk and the longest list together stay below the
/// 32 KiB that every client takes as a transaction.
library ContentHash {
    uint256 internal constant CHUNK_SIZE = 24_576;

    error InvalidSize(uint256 size, uint256 maximum);
    error WrongChunkHashes(bytes32 actual, bytes32 expected);
    error WrongChunkCount(uint256 actual, uint256 expected);
    error UnknownChunk(uint256 index, uint256 count);
    error WrongChunkLength(uint256 actual, uint256 expected);
    error WrongChunk(bytes32 actual, bytes32 expected);

    /// @notice Revert unless `size` bytes fit in 1 to 128 chunks.
    function checkSize(uint256 size) internal pure {
        require(size != 0 && size <= CHUNK_SIZE * MAX_CHUNKS, InvalidSize(size, CHUNK_SIZE * MAX_CHUNKS));
    }

    /// @notice Return in how many chunks `size` bytes travel.
    function chunkCount(uint256 size) internal pure returns (uint256) {
        return (size + CHUNK_SIZE - 1) / CHUNK_SIZE;
    }

    /// @notice Revert unless `chunk` is chunk `index` of the byte string of `size` bytes that has the hash `contentHash`.
    /// @dev The list's length is compared because a content hash alone does not fix it: a longer list would be complete, for
    /// a contract that counts by size, before its last chunks are published.
    function checkChunk(
        bytes32 contentHash,
        uint256 size,
        uint256 index,
        bytes32[] calldata chunkHashes,
        bytes calldata chunk
    ) internal pure {
        uint256 count = chunkCount(size);
        require(chunkHashes.length == count, WrongChunkCount(chunkHashes.length, count));
        require(index < count, UnknownChunk(index, count));

        bytes32 listHash = keccak256(abi.encodePacked(chunkHashes));
        require(listHash == contentHash, WrongChunkHashes(listHash, contentHash));

        uint256 length = index + 1 < count ? CHUNK_SIZE : size - index * CHUNK_SIZE;
        require(chunk.length == length, WrongChunkLength(chunk.length, length));

        bytes32 chunkHash = keccak256(chunk);
        require(chunkHash == chunkHashes[index], WrongChunk(chunkHash, chunkHashes[index]));
    }
}
