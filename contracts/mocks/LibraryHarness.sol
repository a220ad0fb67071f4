// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {CommitteeDraw} from "../libraries/CommitteeDraw.sol";
import {ContentHash} from "../libraries/ContentHash.sol";
import {Checkpoints, History} from "../libraries/Checkpoints.sol";
import {JobTerms, Terms} from "../libraries/JobTerms.sol";

/// @title LibraryHarness
/// @notice Lets a test call the libraries, whose functions are internal.
contract LibraryHarness {
    using Checkpoints for History;

    History private _history;

    /// @notice Let these values hold from the end of this block on, one after the other.
    function write(uint160[] calldata values) external {
        for (uint256 i = 0; i < values.length; ++i) {
            _history.push(values[i]);
        }
    }

    /// @notice Return the values at the end of the blocks from `first` to `last`.
    function valuesOf(uint256 first, uint256 last) external view returns (uint160[] memory values) {
        values = new uint160[](last - first + 1);
        for (uint256 i = 0; i < values.length; ++i) {
            values[i] = _history.at(first + i);
        }
    }

    /// @notice Return the seat of every position and the position of every seat.
    function draw(bytes32 seed, uint256 poolSize)
        external
        pure
        returns (uint256[] memory seats, uint256[] memory positions)
    {
        seats = new uint256[](poolSize);
        positions = new uint256[](poolSize);
        uint256 radix = CommitteeDraw.radixOf(poolSize);
        for (uint256 i = 0; i < poolSize; ++i) {
            seats[i] = CommitteeDraw.seatOf(seed, poolSize, radix, i);
            positions[i] = CommitteeDraw.positionOf(seed, poolSize, radix, i);
        }
    }

    /// @notice Return the seat of one position and the position of one seat.
    function drawOf(bytes32 seed, uint256 poolSize, uint256 index)
        external
        pure
        returns (uint256 seat, uint256 position)
    {
        uint256 radix = CommitteeDraw.radixOf(poolSize);
        seat = CommitteeDraw.seatOf(seed, poolSize, radix, index);
        position = CommitteeDraw.positionOf(seed, poolSize, radix, index);
    }

    /// @notice Revert unless the chunk is the one that the content hash and the list name.
    function checkChunk(
        bytes32 contentHash,
        uint256 size,
        uint256 index,
        bytes32[] calldata chunkHashes,
        bytes calldata chunk
    ) external pure {
        ContentHash.checkChunk(contentHash, size, index, chunkHashes, chunk);
    }

    /// @notice Return the hash of a chunk.
    function chunkHash(bytes calldata chunk) external pure returns (bytes32) {
        return ContentHash.chunkHash(chunk);
    }

    /// @notice Return in how many chunks a legal size travels; revert for any other.
    function chunkCount(uint256 size) external pure returns (uint256) {
        ContentHash.checkSize(size);
        return ContentHash.chunkCount(size);
    }

    /// @notice Return the terms after packing and unpacking them.
    function packed(Terms calldata terms) external pure returns (Terms memory) {
        return JobTerms.unpack(JobTerms.pack(terms));
    }
}
