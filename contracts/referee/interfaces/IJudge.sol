// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title IJudge
/// @notice Says of one entry of a trace whether it follows from others. Stateless: anybody can ask it by `eth_call`.
interface IJudge {
    /// @notice Return the depth of a trace's tree. Reverts unless the description is the statement's.
    /// @param statement A hash of what has been computed.
    /// @param description What that is.
    /// @return depth The depth.
    function depthOf(bytes32 statement, bytes calldata description) external view returns (uint256 depth);

    /// @notice Return how many entries the leaf at a position has; none where the node has to be zero.
    /// @param statement A hash of what has been computed.
    /// @param description What that is.
    /// @param position The leaf's number.
    /// @return entries Their number.
    function entriesOf(bytes32 statement, bytes calldata description, uint256 position)
        external
        view
        returns (uint256 entries);

    /// @notice Return whether an entry follows from the leaves shown. Reverts for leaves that are not of the trace.
    /// @dev That the leaf is at its position, the caller has to have checked.
    /// @param statement A hash of what has been computed.
    /// @param description What that is.
    /// @param root The root of the trace.
    /// @param position The leaf's number.
    /// @param leaf Its bytes.
    /// @param entry The number of the entry in the leaf.
    /// @param evidence The leaves that it follows from, in the order in which the rules ask for them.
    /// @return follows Whether it does.
    function derives(
        bytes32 statement,
        bytes calldata description,
        bytes32 root,
        uint256 position,
        bytes calldata leaf,
        uint256 entry,
        bytes calldata evidence
    ) external view returns (bool follows);
}
