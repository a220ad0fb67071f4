// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice A value from the end of block `since` on, up to the next checkpoint; `number` counts those before it.
struct Checkpoint {
    uint160 value;
    uint48 since;
    uint48 number;
}

/// @notice A value, zero at first, and its past.
struct History {
    Checkpoint latest;
    mapping(uint256 number => Checkpoint checkpoint) earlier;
}

/// @title Checkpoints
/// @notice Values that are readable as of the end of any past block.
/// @dev The latest checkpoint has a slot of its own, so that reading a value that has not changed since takes one slot.
/// OpenZeppelin's `Checkpoints` take two, the length of their array and an element: 2.6k gas for every commit and every
/// settled seat, 22k for every worker that joins.
library Checkpoints {
    /// @notice Let `value` hold from the end of this block on.
    function push(History storage history, uint160 value) internal {
        Checkpoint memory latest = history.latest;

        if (latest.since != block.number) {
            history.earlier[latest.number] = latest;
            latest.number += 1;
            // Block numbers stay below 2^48 for longer than the sun shines.
            latest.since = uint48(block.number);
        }
        latest.value = value;
        history.latest = latest;
    }

    /// @notice Return the value at the end of block `blockNumber`.
    /// @dev The first of the earlier checkpoints is the zero since block 0: there is always one that is not too late.
    function at(History storage history, uint256 blockNumber) internal view returns (uint160) {
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
