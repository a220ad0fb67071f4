// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";

/// @title ContractWorker
/// @notice A worker that is a contract: does what its owner says, and on receiving ether refuses it or calls back.
contract ContractWorker {
    address private immutable OWNER;

    bool private _refuses;
    bytes private _callback;

    /// @notice Whether its last call back went through.
    bool public calledBack;

    error Refused();

    constructor() {
        OWNER = msg.sender;
    }

    /// @notice Call `target` with `data` and `value`, from what it holds and what came along.
    function act(address target, uint256 value, bytes calldata data) external payable returns (bytes memory) {
        require(msg.sender == OWNER, Refused());
        return Address.functionCallWithValue(target, data, value);
    }

    /// @notice Choose what receiving ether does: refuse it, or call the sender with `callback` unless that is empty.
    function receiveBy(bool refuses, bytes calldata callback) external {
        _refuses = refuses;
        _callback = callback;
    }

    /// @notice Refuse the ether or call back, as chosen.
    receive() external payable { // solhint-disable-line no-complex-fallback
        require(!_refuses, Refused());
        // solhint-disable-next-line avoid-low-level-calls
        if (_callback.length != 0) (calledBack,) = msg.sender.call(_callback);
    }
}
