// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Vm
/// @notice The part of the cheat codes that the proofs use.
interface Vm {
    function assume(bool condition) external pure;
    function deal(address account, uint256 balance) external;
    function prank(address caller) external;
    function load(address account, bytes32 slot) external view returns (bytes32 value);
    function roll(uint256 blockNumber) external;
}

/// @title Svm
/// @notice The part of halmos' own cheat codes that the proofs use.
interface Svm {
    function createCalldata(string calldata contractName) external returns (bytes memory data);
    function createUint(uint256 bits, string calldata name) external returns (uint256 value);
    function enableSymbolicStorage(address account) external;
}

Vm constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
Svm constant svm = Svm(address(uint160(uint256(keccak256("svm cheat code")))));
