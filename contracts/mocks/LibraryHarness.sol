// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {CommitteeDraw} from "../libraries/CommitteeDraw.sol";
import {ContentHash} from "../libraries/ContentHash.sol";
import {JobTerms, Terms} from "../libraries/JobTerms.sol";

/// @title LibraryHarness
/// @notice Lets a test call the libraries, whose functions are internal.
contract LibraryHarness {
    /// @notice Return the seat of every position and the position of every seat.
    function draw(bytes32 seed, uint256 poolSize)
        external
        pure
        returns (uint256[] memory seats, uint256[] memory positions)
    {
        seats = new uint256[](poolSize);
        positions = new uint256[](poolSize);
        for (uint256 i = 0; i < poolSize; ++i) {
            seats[i] = CommitteeDraw.seatOf(seed, poolSize, i);
            positions[i] = CommitteeDraw.positionOf(seed, poolSize, i);
        }
    }

    /// @notice Return the seat of one position and the position of one seat.
    function drawOf(bytes32 seed, uint256 poolSize, uint256 index)
        external
        pure
        returns (uint256 seat, uint256 position)
    {
        seat = CommitteeDraw.seatOf(seed, poolSize, index);
        position = CommitteeDraw.positionOf(seed, poolSize, index);
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
