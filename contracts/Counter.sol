// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Counter
/// @notice A worker joins centralised learning by incrementing the counter; the verified protocol does not use it.
contract Counter {
    /// @notice Emitted when a worker joins.
    /// @param worker The worker.
    /// @param count Its number, counted from one.
    event Incremented(address indexed worker, uint256 count);

    /// @notice The worker has joined before, under this number.
    error AlreadyCounted(address worker, uint256 number);

    /// @notice How many workers have joined.
    uint256 public count;

    /// @notice The number under which a worker joined, counted from one; zero for one that has not.
    mapping(address worker => uint256 number) public numberOf;

    /// @notice Join under the next number; reverts for an address that has joined before.
    function increment() external {
        uint256 number = numberOf[msg.sender];
        require(number == 0, AlreadyCounted(msg.sender, number));

        number = ++count;
        numberOf[msg.sender] = number;
        emit Incremented(msg.sender, number);
    }
}
