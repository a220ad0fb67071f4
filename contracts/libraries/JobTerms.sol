// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice What a job is deployed with. Times are in seconds, money in wei, sizes in bytes.
struct Terms {
    bytes32 seed;
    bytes32 taskHash; // binds the recipe, the model, its parent and its number
    uint32 round;
    uint8 index;
    uint40 snapshotBlock;
    uint32 poolSize;
    uint24 radix; // of the draw, 1 to 65,536
    uint16 seats;
    uint16 quorum;
    uint24 resultSize;
    uint40 commitDeadline;
    uint32 publishWindow;
    uint32 refereeWindow;
    uint32 challengeWindow;
    uint96 reward;
    uint96 bonus;
}

/// @title JobTerms
/// @notice Packs a job's terms into the four words that are appended to its clone's code, and unpacks them.
/// @dev Written once, read on every call: four words of code cost a commit 0.5k gas, the same words in another
/// contract's storage 11k. The radix follows from the pool's size but is kept, because its square root would cost 0.7k
/// per seat.
library JobTerms {
    /// @notice Pack a job's terms.
    /// @param terms The terms.
    /// @return words Four words.
    function pack(Terms memory terms) internal pure returns (bytes memory words) {
        uint256 draw = uint256(terms.snapshotBlock) | (uint256(terms.commitDeadline) << 40)
            | (uint256(terms.poolSize) << 80) | (uint256(terms.publishWindow) << 112)
            | (uint256(terms.refereeWindow) << 144) | (uint256(terms.challengeWindow) << 176)
            | (uint256(terms.seats) << 208) | (uint256(terms.quorum) << 224) | ((uint256(terms.radix) - 1) << 240);
        uint256 money = uint256(terms.reward) | (uint256(terms.bonus) << 96) | (uint256(terms.round) << 192)
            | (uint256(terms.resultSize) << 224) | (uint256(terms.index) << 248);
        return abi.encode(terms.seed, terms.taskHash, draw, money);
    }

    /// @notice Unpack a job's terms.
    /// @dev Each cast keeps exactly the bits that `pack` gave the field.
    /// @param words What `pack` returned.
    /// @return terms The terms.
    function unpack(bytes memory words) internal pure returns (Terms memory terms) {
        uint256 draw;
        uint256 money;
        (terms.seed, terms.taskHash, draw, money) = abi.decode(words, (bytes32, bytes32, uint256, uint256));

        terms.snapshotBlock = uint40(draw);
        terms.commitDeadline = uint40(draw >> 40);
        terms.poolSize = uint32(draw >> 80);
        terms.publishWindow = uint32(draw >> 112);
        terms.refereeWindow = uint32(draw >> 144);
        terms.challengeWindow = uint32(draw >> 176);
        terms.seats = uint16(draw >> 208);
        terms.quorum = uint16(draw >> 224);
        // Of 16 bits: one more is no overflow.
        unchecked {
            terms.radix = uint24((draw >> 240) + 1);
        }

        terms.reward = uint96(money);
        terms.bonus = uint96(money >> 96);
        terms.round = uint32(money >> 192);
        terms.resultSize = uint24(money >> 224);
        terms.index = uint8(money >> 248);
    }
}
