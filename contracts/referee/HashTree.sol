// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

// slither-disable-start incorrect-exp (`xor` is meant)
/// @title HashTree
/// @notice SHA-256 trees, read from the calldata. Twin: `mlchain/training/trees.py`.
library HashTree {
    /// @notice Return the SHA-256 of bytes in calldata.
    /// @param data The bytes.
    /// @return hashed The hash.
    function hashOf(bytes calldata data) internal view returns (bytes32 hashed) {
        assembly ("memory-safe") {
            let at := mload(0x40)
            calldatacopy(at, data.offset, data.length)
            if iszero(staticcall(gas(), 2, at, data.length, 0x00, 0x20)) { revert(0, 0) }
            hashed := mload(0x00)
        }
    }

    /// @notice Return the root that a node leads to.
    /// @param node The node.
    /// @param index Its number among the nodes of its level; the bits above the path's length play no part.
    /// @param path What it is hashed with on the way.
    /// @return root The root.
    function climb(bytes32 node, uint256 index, bytes32[] calldata path) internal view returns (bytes32 root) {
        assembly ("memory-safe") {
            let end := add(path.offset, shl(5, path.length))
            for { let at := path.offset } lt(at, end) { at := add(at, 0x20) } {
                let right := and(index, 1)
                mstore(shl(5, right), node)
                mstore(shl(5, xor(right, 1)), calldataload(at))
                if iszero(staticcall(gas(), 2, 0x00, 0x40, 0x00, 0x20)) { revert(0, 0) }
                node := mload(0x00)
                index := shr(1, index)
            }
            root := node
        }
    }

    /// @notice Return the root over nodes of one level, two to the power of something of them.
    /// @param nodes The nodes.
    /// @return root The root.
    function rootOf(bytes32[] calldata nodes) internal view returns (bytes32 root) {
        assembly ("memory-safe") {
            let base := mload(0x40)
            calldatacopy(base, nodes.offset, shl(5, nodes.length))
            for { let count := shr(1, nodes.length) } count { count := shr(1, count) } {
                let from := base
                let to := base
                for { let end := add(base, shl(5, count)) } lt(to, end) { to := add(to, 0x20) } {
                    if iszero(staticcall(gas(), 2, from, 0x40, to, 0x20)) { revert(0, 0) }
                    from := add(from, 0x40)
                }
            }
            root := mload(base)
        }
    }
}
// slither-disable-end incorrect-exp
