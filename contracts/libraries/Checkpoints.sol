// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice A value that holds from the end of block `since` until the next checkpoint; `number` counts those before it.
struct Checkpoint {
    uint160 value;
    uint48 since;
    uint48 number;
}

/// @notice A value, initially zero, with its past.
struct History {
    Checkpoint latest;
    mapping(uint256 number => Checkpoint checkpoint) earlier;
}

/// @title Checkpoints
/// @notice Values that are readable as of the end of any past block.
/// @dev The latest checkpoint has a slot of its own, so reading a value that has not changed since takes one slot.
/// OpenZeppelin's `Checkpoints` take two, the length of an array and an element, which would cost every commit and
/// every settled seat 2.6k gas more, and every worker that joins 22k.
library Checkpoints {
    /// @notice Set the value from the end of the current block on.
    /// @param history The value with its past.
    /// @param value The new value.
    function push(History storage history, uint160 value) internal {
        Checkpoint memory latest = history.latest;

        if (latest.since != block.number) {
            history.earlier[latest.number] = latest;
            latest.number += 1;
            // At a block per second, block numbers stay below 2^48 for 8.9 million years.
            latest.since = uint48(block.number);
        }
        latest.value = value;
        history.latest = latest;
    }

    /// @notice Return the value at the end of a block.
    /// @dev The first of the earlier checkpoints is zero since block 0, so there is always one that is not too late.
    /// @param history The value with its past.
    /// @param blockNumber The block.
    /// @return value The value then.
    function at(History storage history, uint256 blockNumber) internal view returns (uint160 value) {
        Checkpoint memory latest = history.latest;
        if (latest.since <= blockNumber) return latest.value;

        uint256 found = 0;
        uint256 tooLate = latest.number;
        while (found + 1 < tooLate) {
            uint256 middle = (found + tooLate) / 2;
            if (history.earlier[middle].since <= blockNumber) found = middle;
            else tooLate = middle;
        }
        return history.earlier[found].value;
    }
}
