// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {HashTree} from "../referee/HashTree.sol";
import {IDisputed} from "../referee/interfaces/IDisputed.sol";
import {IJudge} from "../referee/interfaces/IJudge.sol";

/// @title CountingJudge
/// @notice Judges the simplest of computations, and stands for what is computed: leaves of four numbers of 8 bytes,
/// each by one greater than the one before, the first one zero.
contract CountingJudge is IJudge, IDisputed {
    /// @notice What is shown is not what is asked for.
    error NotShown();

    /// @notice When the clocks of the game start, in seconds.
    uint256 public start;

    /// @notice When disputes have to be decided, in seconds.
    uint256 public end;

    /// @notice Whether a result stands.
    mapping(bytes32 resultHash => bool isStanding) public stands;

    /// @notice Let results be claimed and disputed at these times.
    function setTimes(uint256 start_, uint256 end_) external {
        (start, end) = (start_, end_);
    }

    /// @inheritdoc IDisputed
    function dispute(bytes32 resultHash) external returns (bytes32, uint256, uint256) {
        require(block.timestamp < start, NotShown());
        stands[resultHash] = true;
        return (resultHash, start, end);
    }

    /// @inheritdoc IDisputed
    function setRefuted(bytes32 resultHash, bool isRefuted) external {
        require(stands[resultHash] == isRefuted, NotShown());
        stands[resultHash] = !isRefuted;
    }

    /// @inheritdoc IJudge
    function depthOf(bytes32 statement, bytes calldata description) external pure returns (uint256 depth) {
        (depth,) = _decode(statement, description);
    }

    /// @inheritdoc IJudge
    function entriesOf(bytes32 statement, bytes calldata description, uint256 position)
        external
        pure
        returns (uint256)
    {
        (, uint256 leaves) = _decode(statement, description);
        return position < leaves ? 4 : 0;
    }

    /// @inheritdoc IJudge
    function derives(
        bytes32 statement,
        bytes calldata description,
        bytes32 root,
        uint256 position,
        bytes calldata leaf,
        uint256 entry,
        bytes calldata evidence
    ) external view returns (bool) {
        (uint256 depth, uint256 leaves) = _decode(statement, description);
        require(leaf.length == 32 && position < leaves, NotShown());
        if (entry != 0) return _number(leaf, entry) == _number(leaf, entry - 1) + 1;
        if (position == 0) return _number(leaf, 0) == 0;
        // Evidence is the leaf before, and its path.
        bytes32[] calldata path;
        assembly {
            path.offset := add(evidence.offset, 32)
            path.length := depth
        }
        require(evidence.length == 32 * (depth + 1), NotShown());
        require(HashTree.climb(HashTree.hashOf(evidence[:32]), position - 1, path) == root, NotShown());
        return _number(leaf, 0) == _number(evidence, 3) + 1;
    }

    function _decode(bytes32 statement, bytes calldata description) private pure returns (uint256, uint256) {
        require(keccak256(description) == statement, NotShown());
        return abi.decode(description, (uint256, uint256));
    }

    function _number(bytes calldata leaf, uint256 entry) private pure returns (uint256) {
        return uint64(bytes8(leaf[8 * entry:]));
    }
}
