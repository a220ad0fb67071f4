// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title CommitteeDraw
/// @notice A seeded permutation of the positions [0, poolSize) and its inverse, in O(1) and without storage.
/// @dev A Feistel network over pairs of digits below `radix`, the least with radix² ≥ poolSize (Black and Rogaway's FE2
/// with equal radices), permutes [0, radix²); repeating it until the value is below poolSize (cycle walking) permutes
/// [0, poolSize). The least square is never far above the pool size, so on average a walk takes 1.7 steps for a pool of
/// five and fewer than 1.1 from a few hundred on; over the next even power of two it would take up to four. No proof
/// covers domains this small: 16 rounds were chosen by measuring how often each worker and each pair is drawn.
library CommitteeDraw {
    uint256 private constant ROUNDS = 16;

    /// @notice Return the radix for a pool: the square root of its size, rounded up.
    /// @param poolSize The number of members, not zero.
    /// @return radix The number of values of a digit.
    function radixOf(uint256 poolSize) internal pure returns (uint256 radix) {
        return Math.sqrt(poolSize - 1) + 1;
    }

    /// @notice Return the position of the member that holds a seat.
    /// @param seed What the permutation is keyed by.
    /// @param poolSize The number of members.
    /// @param radix The pool's `radixOf`.
    /// @param seat The seat, below `poolSize`.
    /// @return position The position.
    function positionOf(bytes32 seed, uint256 poolSize, uint256 radix, uint256 seat)
        internal
        pure
        returns (uint256 position)
    {
        position = seat;
        do {
            position = _permute(seed, radix, position);
        } while (position >= poolSize);
    }

    /// @notice Return the seat that the member at a position holds.
    /// @param seed What the permutation is keyed by.
    /// @param poolSize The number of members.
    /// @param radix The pool's `radixOf`.
    /// @param position The position, below `poolSize`.
    /// @return seat The seat.
    function seatOf(bytes32 seed, uint256 poolSize, uint256 radix, uint256 position)
        internal
        pure
        returns (uint256 seat)
    {
        seat = position;
        do {
            seat = _invert(seed, radix, seat);
        } while (seat >= poolSize);
    }

    /// @dev Every commit and every settled seat pays for this loop: in assembly it takes a quarter of the gas. It is
    ///     for (round = 0; round < ROUNDS; ++round)
    ///         (left, right) = (right, addmod(left, _key(seed, round, right), radix));
    /// two rounds at a time, which saves the swaps, with the two words of `_key` in scratch space.
    function _permute(bytes32 seed, uint256 radix, uint256 value) private pure returns (uint256 permuted) {
        uint256 rounds = ROUNDS;

        assembly ("memory-safe") {
            let left := div(value, radix)
            let right := mod(value, radix)
            mstore(0x00, seed)
            for { let round := 0 } lt(round, rounds) { round := add(round, 2) } {
                mstore(0x20, or(shl(128, round), right))
                left := addmod(left, keccak256(0x00, 0x40), radix)
                mstore(0x20, or(shl(128, add(round, 1)), left))
                right := addmod(right, keccak256(0x00, 0x40), radix)
            }
            permuted := add(mul(left, radix), right)
        }
    }

    function _invert(bytes32 seed, uint256 radix, uint256 value) private pure returns (uint256) {
        uint256 left = value / radix;
        uint256 right = value % radix;

        for (uint256 round = ROUNDS; round > 0; --round) {
            (left, right) = (addmod(right, radix - _key(seed, round - 1, left) % radix, radix), left);
        }
        // The quotient comes with its remainder: the division loses nothing.
        // slither-disable-next-line divide-before-multiply
        return left * radix + right;
    }

    /// @dev A digit is below 2^128, so it shares a word with the round, and the two words to hash fit into scratch
    /// space.
    function _key(bytes32 seed, uint256 round, uint256 digit) private pure returns (uint256) {
        return uint256(Hashes.efficientKeccak256(seed, bytes32((round << 128) | digit)));
    }
}
