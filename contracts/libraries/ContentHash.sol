// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";

/// @dev The greatest number of chunks of a byte string.
uint256 constant MAX_CHUNKS = 128;

/// @title ContentHash
/// @notice The hash of a byte string in chunks: `keccak256(chunkHash(chunk_0) ‖ chunkHash(chunk_1) ‖ …)`.
/// @dev Every chunk but the last has exactly `CHUNK_SIZE` bytes, so a byte string has one chunking and one hash. A
/// chunk is checked without storage, against the hashes of all chunks that the caller passes. The largest chunk and the
/// longest list together stay below the 32 KiB that every client accepts as a transaction. A chunk's own hash is the
/// root of a tree, so that anybody can prove one byte of it with a piece and a few hashes.
library ContentHash {
    uint256 internal constant CHUNK_SIZE = 24_576;

    /// @dev The size of a leaf of a chunk's tree, a multiple of 64. The last one may be shorter.
    uint256 internal constant PIECE_SIZE = 512;

    /// @notice A byte string has from 1 to `maximum` bytes.
    error InvalidSize(uint256 size, uint256 maximum);
    /// @notice The list of chunk hashes does not hash to the content hash.
    error WrongChunkHashes(bytes32 actual, bytes32 expected);
    /// @notice The list of chunk hashes is longer or shorter than the size requires.
    error WrongChunkCount(uint256 actual, uint256 expected);
    /// @notice The byte string has fewer chunks.
    error UnknownChunk(uint256 index, uint256 count);
    /// @notice The chunk does not have the length of a chunk with this number.
    error WrongChunkLength(uint256 actual, uint256 expected);
    /// @notice The chunk does not have the hash that the list says.
    error WrongChunk(bytes32 actual, bytes32 expected);

    /// @notice Revert unless a byte string fits in 1 to 128 chunks.
    /// @param size The number of its bytes.
    function checkSize(uint256 size) internal pure {
        require(size != 0 && size <= CHUNK_SIZE * MAX_CHUNKS, InvalidSize(size, CHUNK_SIZE * MAX_CHUNKS));
    }

    /// @notice Return how many chunks a byte string has.
    /// @param size The number of its bytes.
    /// @return count The number of chunks.
    function chunkCount(uint256 size) internal pure returns (uint256 count) {
        return (size + CHUNK_SIZE - 1) / CHUNK_SIZE;
    }

    /// @notice Return the root of the Keccak tree over a chunk's pieces of 512 bytes.
    /// @dev Nodes are paired from the left, on every level the last one with a zero word if it is alone. Whoever knows
    /// the size knows the depth, so no node passes as a piece. Each hash is written over what has been hashed already.
    /// @param chunk The bytes of the chunk.
    /// @return root The hash of the chunk.
    function chunkHash(bytes calldata chunk) internal pure returns (bytes32 root) {
        assembly ("memory-safe") {
            let nodes := mload(0x40) // memory that nobody uses
            calldatacopy(nodes, chunk.offset, chunk.length)
            let node := nodes
            let last := add(nodes, chunk.length)
            let piece := nodes
            for {} iszero(gt(add(piece, PIECE_SIZE), last)) {} {
                mstore(node, keccak256(piece, PIECE_SIZE))
                piece := add(piece, PIECE_SIZE)
                node := add(node, 0x20)
            }
            if lt(piece, last) {
                mstore(node, keccak256(piece, sub(last, piece)))
                node := add(node, 0x20)
            }
            for { let end := node } gt(sub(end, nodes), 0x20) { end := node } {
                mstore(end, 0)
                node := nodes
                for { let pair := nodes } lt(pair, end) { pair := add(pair, 0x40) } {
                    mstore(node, keccak256(pair, 0x40))
                    node := add(node, 0x20)
                }
            }
            root := mload(nodes)
        }
    }

    /// @notice Return whether some bytes are a piece of a chunk.
    /// @param chunkHash_ The hash of the chunk.
    /// @param length The number of its bytes.
    /// @param number The number of the piece.
    /// @param piece The bytes.
    /// @param path What the piece is hashed with on the way to the hash of the chunk.
    /// @return is_ Whether they are.
    // slither-disable-next-line divide-before-multiply (the number of the last piece is whole)
    function isPiece(
        bytes32 chunkHash_,
        uint256 length,
        uint256 number,
        bytes calldata piece,
        bytes32[] calldata path
    ) internal pure returns (bool is_) {
        uint256 last = (length - 1) / PIECE_SIZE;
        if (number > last) return false;
        if (piece.length != (number < last ? PIECE_SIZE : length - last * PIECE_SIZE)) return false;
        if (last >> path.length != 0 || (path.length != 0 && last >> (path.length - 1) == 0)) return false;
        bytes32 node = keccak256(piece);
        for (uint256 i = 0; i < path.length; ++i) {
            node = number & 1 == 0
                ? Hashes.efficientKeccak256(node, path[i])
                : Hashes.efficientKeccak256(path[i], node);
            number >>= 1;
        }
        return node == chunkHash_;
    }

    /// @notice Revert unless a chunk is the one with this number in the byte string with this size and hash.
    /// @dev The list's length is compared because a content hash alone does not fix it: with a longer list, a contract
    /// that counts chunks by size would take the byte string as complete before the last ones are published.
    /// @param contentHash The content hash of the byte string.
    /// @param size The number of its bytes.
    /// @param index The number of the chunk.
    /// @param chunkHashes The hashes of all chunks.
    /// @param chunk The bytes of the chunk.
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

        bytes32 actual = chunkHash(chunk);
        require(actual == chunkHashes[index], WrongChunk(actual, chunkHashes[index]));
    }
}
