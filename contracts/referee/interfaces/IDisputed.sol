// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title IDisputed
/// @notice What results are disputed of, a job say. Its functions are for the game alone.
interface IDisputed {
    /// @notice Take note of a result's first claim, by which the result stands, and say what it states. Reverts unless
    /// the result can be claimed.
    /// @param resultHash The content hash of the result.
    /// @return statement A hash of all that the result follows from, and of the result.
    /// @return start When the clocks of the game start, in seconds: a fifth of its time later nothing can be claimed.
    /// @return end When disputes have to be decided, in seconds.
    function dispute(bytes32 resultHash) external returns (bytes32 statement, uint256 start, uint256 end);

    /// @notice Take note that a result does not stand any more, as all its claims are refuted, or stands again.
    /// @param resultHash The content hash of the result.
    /// @param isRefuted Whether it does not.
    function setRefuted(bytes32 resultHash, bool isRefuted) external;
}
