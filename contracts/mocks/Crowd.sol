// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {ContractWorker} from "./ContractWorker.sol";

/// @title Crowd
/// @notice Many contract workers and a server, itself, that act in one transaction in the order of a list.
contract Crowd {
    struct Act {
        uint256 actor; // zero: the crowd itself
        address target;
        uint256 value;
        bytes data;
    }

    /// @notice Tells how one act of `attempt` ended: with its answer or, if it failed, its error.
    event Attempted(bool succeeded, bytes answer);

    ContractWorker[] private _members;

    constructor(uint256 size) payable {
        for (uint256 i = 0; i < size; ++i) {
            _members.push(new ContractWorker());
        }
    }

    /// @notice Let the actors act, one after the other; reverts as the first that fails.
    function play(Act[] calldata acts) external payable {
        for (uint256 i = 0; i < acts.length; ++i) {
            Act calldata next = acts[i];
            if (next.actor == 0) Address.functionCallWithValue(next.target, next.data, next.value);
            else _members[next.actor - 1].act{value: next.value}(next.target, next.value, next.data);
        }
    }

    /// @notice Let the actors act, one after the other, and go on after those that fail.
    function attempt(Act[] calldata acts) external {
        for (uint256 i = 0; i < acts.length; ++i) {
            Act calldata next = acts[i];
            address target = next.actor == 0 ? next.target : address(_members[next.actor - 1]);
            bytes memory data = next.data;
            if (next.actor != 0) data = abi.encodeCall(ContractWorker.act, (next.target, next.value, next.data));
            // solhint-disable-next-line avoid-low-level-calls
            (bool succeeded, bytes memory answer) = target.call{value: next.value}(data);
            emit Attempted(succeeded, answer);
        }
    }

    /// @notice Create a contract from any code, with the value; returns its address, which is zero if that failed.
    function create(bytes calldata initCode) external payable returns (address created) {
        bytes memory code = initCode;
        assembly ("memory-safe") {
            created := create(callvalue(), add(code, 0x20), mload(code))
        }
    }

    /// @notice Return the addresses of the actors, the crowd's first.
    function actors() external view returns (address[] memory addresses) {
        addresses = new address[](_members.length + 1);
        addresses[0] = address(this);
        for (uint256 i = 0; i < _members.length; ++i) {
            addresses[i + 1] = address(_members[i]);
        }
    }

    /// @notice Take any ether.
    receive() external payable {}
}
