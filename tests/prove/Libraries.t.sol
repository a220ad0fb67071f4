// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Checkpoints, History} from "../../contracts/libraries/Checkpoints.sol";
import {CommitteeDraw} from "../../contracts/libraries/CommitteeDraw.sol";
import {ContentHash} from "../../contracts/libraries/ContentHash.sol";
import {JobTerms, Terms} from "../../contracts/libraries/JobTerms.sol";
import {vm} from "./Symbolic.sol";

/// @title LibraryProofs
contract LibraryProofs {
    using Checkpoints for History;

    History private _history;

    /// @notice Unpacking returns what was packed, for all terms: no field overlaps another.
    function check_termsSurvivePacking(Terms memory terms) external pure {
        vm.assume(terms.radix >= 1 && terms.radix <= 65_536);

        Terms memory unpacked = JobTerms.unpack(JobTerms.pack(terms));

        assert(unpacked.seed == terms.seed);
        assert(unpacked.round == terms.round);
        assert(unpacked.index == terms.index);
        assert(unpacked.snapshotBlock == terms.snapshotBlock);
        assert(unpacked.poolSize == terms.poolSize);
        assert(unpacked.radix == terms.radix);
        assert(unpacked.seats == terms.seats);
        assert(unpacked.quorum == terms.quorum);
        assert(unpacked.resultSize == terms.resultSize);
        assert(unpacked.commitDeadline == terms.commitDeadline);
        assert(unpacked.publishWindow == terms.publishWindow);
        assert(unpacked.refereeWindow == terms.refereeWindow);
        assert(unpacked.challengeWindow == terms.challengeWindow);
        assert(unpacked.reward == terms.reward);
        assert(unpacked.bonus == terms.bonus);
    }

    /// @notice A past value is that of the latest change no later than the block; up to four changes, some of them in
    /// one block, at any blocks.
    function check_aPastValueIsThatOfTheLatestChange(uint160[4] memory values, uint48[4] memory blocks, uint48 past)
        external
    {
        uint160 expected = 0;
        for (uint256 i = 0; i < 4; ++i) {
            vm.assume(i == 0 || blocks[i - 1] <= blocks[i]);
            vm.roll(blocks[i]);
            _history.push(values[i]);
            if (blocks[i] <= past) expected = values[i];
        }

        assert(_history.at(past) == expected);
    }

    /// @notice The draw has an inverse, so no two seats of a round have one position: a pool of 256, any seed.
    /// @custom:halmos --solver-timeout-branching 0
    function check_theDrawHasAnInverse(bytes32 seed, uint256 seat) external pure {
        vm.assume(seat < 256);

        uint256 position = CommitteeDraw.positionOf(seed, 256, 16, seat);

        assert(position < 256);
        assert(CommitteeDraw.seatOf(seed, 256, 16, position) == seat);
    }

    /// @notice A chunk passes as the last of a byte string of two exactly if it has its length and its hash, in a list
    /// of two that hashes to the content hash, whatever that is.
    /// @custom:halmos --array-lengths list={1,2,3},chunk={0,38,39,40}
    function check_onlyTheLastChunkPassesAsIt(bytes32 contentHash, bytes32[] calldata list, bytes calldata chunk)
        external
        view
    {
        bool isRight = list.length == 2 && contentHash == keccak256(abi.encodePacked(list)) && chunk.length == 39
            && keccak256(chunk) == list[1];

        try this.checkChunk(contentHash, 24_576 + 39, 1, list, chunk) {
            assert(isRight);
        } catch {
            assert(!isRight);
        }
    }

    function checkChunk(
        bytes32 contentHash,
        uint256 size,
        uint256 index,
        bytes32[] calldata list,
        bytes calldata chunk
    ) external pure {
        ContentHash.checkChunk(contentHash, size, index, list, chunk);
    }
}
