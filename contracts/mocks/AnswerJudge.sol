// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IJudge} from "../referee/interfaces/IJudge.sol";

/// @title AnswerJudge
/// @notice Judges the simplest of jobs: the right result is the hash of all that it follows from. A trace has two
/// leaves of one entry each, the right result and its content hash, which has to be that of the claimed one.
contract AnswerJudge is IJudge {
    /// @notice What is shown is not what is asked for.
    error NotShown();

    /// @inheritdoc IJudge
    function depthOf(bytes32 statement, bytes calldata description) external pure returns (uint256) {
        _answer(statement, description);
        return 1;
    }

    /// @inheritdoc IJudge
    function entriesOf(bytes32 statement, bytes calldata description, uint256) external pure returns (uint256) {
        _answer(statement, description);
        return 1;
    }

    /// @inheritdoc IJudge
    function derives(
        bytes32 statement,
        bytes calldata description,
        bytes32,
        uint256 position,
        bytes calldata leaf,
        uint256,
        bytes calldata
    ) external pure returns (bool) {
        (bytes32 answer, bytes32 resultHash) = _answer(statement, description);
        require(leaf.length == 32, NotShown());
        if (position == 0) return bytes32(leaf) == answer;
        return bytes32(leaf) == resultHash && resultHash == keccak256(abi.encode(keccak256(abi.encode(answer))));
    }

    function _answer(bytes32 statement, bytes calldata description) private pure returns (bytes32, bytes32) {
        require(keccak256(description) == statement, NotShown());
        (bytes32 taskHash, bytes32 seed, uint256 index, bytes32 resultHash) =
            abi.decode(description, (bytes32, bytes32, uint256, bytes32));
        return (keccak256(abi.encode(taskHash, seed, index)), resultHash);
    }
}
