// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title ServerOwned
/// @notice A contract with functions that only the learning server may call. The server never changes.
abstract contract ServerOwned {
    /// @notice The caller is not the learning server.
    error NotTheServer(address caller);

    /// @notice The learning server.
    address public immutable SERVER;

    modifier onlyServer() {
        require(msg.sender == SERVER, NotTheServer(msg.sender));
        _;
    }

    constructor(address server) {
        SERVER = server;
    }
}
