// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {ContractWorker} from "./ContractWorker.sol";

/// @title Multicall
/// @notice A server, itself, and many contract workers, which make the calls of a list in one transaction.
contract Multicall {
    struct Call {
        uint256 actor; // zero: this contract itself, else a worker's number from one
        address target;
        uint256 value;
        bytes data;
    }

    /// @notice Emitted after each call of `tryExecute`, with what it returned or, if it failed, its error.
    event Called(bool succeeded, bytes returned);

    ContractWorker[] private _workers;

    constructor(uint256 size) payable {
        for (uint256 i = 0; i < size; ++i) {
            _workers.push(new ContractWorker());
        }
    }

    /// @notice Make the calls one after the other; reverts as the first that fails.
    function execute(Call[] calldata calls) external payable {
        for (uint256 i = 0; i < calls.length; ++i) {
            Call calldata next = calls[i];
            if (next.actor == 0) Address.functionCallWithValue(next.target, next.data, next.value);
            else _workers[next.actor - 1].act{value: next.value}(next.target, next.value, next.data);
        }
    }

    /// @notice Make the calls one after the other, and go on after one that fails.
    function tryExecute(Call[] calldata calls) external {
        for (uint256 i = 0; i < calls.length; ++i) {
            Call calldata next = calls[i];
            address target = next.actor == 0 ? next.target : address(_workers[next.actor - 1]);
            bytes memory data = next.data;
            if (next.actor != 0) data = abi.encodeCall(ContractWorker.act, (next.target, next.value, next.data));
            // solhint-disable-next-line avoid-low-level-calls
            (bool succeeded, bytes memory returned) = target.call{value: next.value}(data);
            emit Called(succeeded, returned);
        }
    }

    /// @notice Create a contract from any code, with the value; returns its address, zero if that failed.
    function create(bytes calldata initCode) external payable returns (address created) {
        bytes memory code = initCode;
        assembly ("memory-safe") {
            created := create(callvalue(), add(code, 0x20), mload(code))
        }
    }

    /// @notice Return the addresses of the actors, this contract's own first.
    function actors() external view returns (address[] memory addresses) {
        addresses = new address[](_workers.length + 1);
        addresses[0] = address(this);
        for (uint256 i = 0; i < _workers.length; ++i) {
            addresses[i + 1] = address(_workers[i]);
        }
    }

    /// @notice Take any ether.
    receive() external payable {}
}
