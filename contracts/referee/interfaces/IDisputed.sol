// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title IDisputed
/// @notice What results are disputed of, a job say.
interface IDisputed {
    /// @notice Return what a claim for a result states, and until when.
    /// @dev Reverts unless the result can be claimed. Asked once for each result.
    /// @param resultHash The content hash of the result.
    /// @return statement A hash of all that the result follows from, and of the result.
    /// @return claimsUntil When the first claim and demands are no longer taken, in seconds.
    /// @return decidedBy When disputes have to be decided, in seconds.
    function caseOf(bytes32 resultHash)
        external
        view
        returns (bytes32 statement, uint256 claimsUntil, uint256 decidedBy);
}
