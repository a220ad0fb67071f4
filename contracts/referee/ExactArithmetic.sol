// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

// slither-disable-start incorrect-shift (Yul shifts its second argument by its first)
/// @title ExactArithmetic
/// @notice How training rounds, and softmax with its loss as powers of two. Twins: `mlchain/training/exact.py` and
/// `softmax.py`; docs/training.md.
library ExactArithmetic {
    int256 internal constant ONE = 65_536;
    uint256 private constant FRACTION = 256; // steps of an octave

    /// @dev round(2^16 · 2^(-i/256)) - 2^15 for i = 0 … 255, two bytes each; the first, 32,768, fits too.
    bytes private constant POWERS = 
        hex"80007f4f7e9e7dee7d3e7c8f7be07b327a8479d67929787d77d17725767a75d0"
        hex"7525747c73d3732a728171da7132708b6fe56f3f6e996df46d4f6cab6c076b64"
        hex"6ac16a1e697c68db6839679966f8665865b9651a647b63dd634062a262056169"
        hex"60cd60315f965efb5e615dc75d2e5c945bfc5b635acc5a34599d5906587057da"
        hex"574556b0561b558754f3546053cd533a52a85216518550f450634fd34f434eb4"
        hex"4e254d964d084c7a4bec4b5f4ad24a4649ba492e48a34818478d4703467a45f0"
        hex"456744df445643ce434742c0423941b2412c40a740213f9c3f183e933e0f3d8c"
        hex"3d093c863c033b813aff3a7e39fd397c38fc387c37fc377d36fe367f36013583"
        hex"35053488340b338e33123296321a319f312430a9302f2fb52f3b2ec22e492dd1"
        hex"2d582ce02c692bf12b7a2b042a8d2a1729a1292c28b7284227ce275926e62672"
        hex"25ff258c251924a7243523c3235222e1227022002190212020b020411fd21f64"
        hex"1ef51e871e191dac1d3f1cd21c651bf91b8d1b221ab61a4b19e01976190c18a2"
        hex"183817cf176516fd1694162c15c4155c14f5148e142713c0135a12f4128e1229"
        hex"11c4115f10fa109610320fce0f6b0f070ea40e410ddf0d7d0d1b0cb90c580bf7"
        hex"0b960b350ad50a750a1509b5095608f70898083a07db077d071f06c206650608"
        hex"05ab054e04f20496043a03df0383032802ce0273021901bf0165010b00b20059";

    /// @notice Divide by 2^bits and round, a half up.
    /// @param value The number.
    /// @param bits The exponent.
    /// @return shifted The quotient.
    function shiftRound(int256 value, uint256 bits) internal pure returns (int256 shifted) {
        return (value + int256((1 << bits) >> 1)) >> bits;
    }

    /// @notice Return the value between two others that comes closest.
    /// @param value The number.
    /// @param low The least.
    /// @param high The greatest.
    /// @return clipped The number, or the end of the range that is closer.
    function clip(int256 value, int256 low, int256 high) internal pure returns (int256 clipped) {
        return value < low ? low : value > high ? high : value;
    }

    /// @notice Return the probability of a class in units of 2^-16.
    /// @param logits Base-2 logits in units of 2^-shift.
    /// @param shift At least 8.
    /// @param class The class.
    /// @return chance The probability.
    function probability(int256[] memory logits, uint256 shift, uint256 class)
        internal
        pure
        returns (uint256 chance)
    {
        bytes memory powers = POWERS;
        int256 greatest = logits[0];
        for (uint256 i = 1; i < logits.length; ++i) {
            if (logits[i] > greatest) greatest = logits[i];
        }
        uint256 total = 0;
        uint256 chosen = 0;
        for (uint256 i = 0; i < logits.length; ++i) {
            uint256 distance = uint256(greatest - logits[i]) >> (shift - 8);
            uint256 power = _power(powers, distance % FRACTION) >> (distance / FRACTION);
            total += power;
            if (i == class) chosen = power;
        }
        return (chosen << 16) / total;
    }

    /// @notice Return -log2 of a probability, rounded up, in units of 1/256 bit.
    /// @param chance The probability in units of 2^-16; 0 counts as 1.
    /// @return loss The loss.
    function lossOf(uint256 chance) internal pure returns (uint256 loss) {
        bytes memory powers = POWERS;
        if (chance == 0) chance = 1;
        uint256 octave = 0;
        while (chance >> (octave + 1) != 0) ++octave;
        uint256 mantissa = chance << (16 - octave);
        uint256 low = 0; // twice this power is above the mantissa, twice power `high` is not
        uint256 high = FRACTION;
        while (low + 1 < high) {
            uint256 middle = (low + high) / 2;
            if (2 * _power(powers, middle) > mantissa) low = middle;
            else high = middle;
        }
        // From 16 octaves on, `high` stands alone: 15 - octave would be below zero.
        return 15 * FRACTION + high - octave * FRACTION;
    }

    function _power(bytes memory powers, uint256 index) private pure returns (uint256 power) {
        assembly ("memory-safe") {
            power := add(32768, and(0xffff, mload(add(powers, add(2, shl(1, index))))))
        }
    }

    /// @notice Return the number of an entry in calldata.
    /// @param at Where it begins.
    /// @param width Its bytes, big-endian.
    /// @param isSigned Whether it is in two's complement.
    /// @return value The number.
    function load(uint256 at, uint256 width, bool isSigned) internal pure returns (int256 value) {
        assembly ("memory-safe") {
            value := shr(sub(256, shl(3, width)), calldataload(at))
            if isSigned { value := signextend(sub(width, 1), value) }
        }
    }

    /// @notice Two rows of entries in calldata.
    struct Rows {
        uint256 first;
        uint256 firstWidth;
        uint256 second;
        uint256 secondWidth;
        bool secondIsSigned;
    }

    /// @notice Return the sum of products of entries; the first ones are signed, and divided by 2^bits and rounded.
    /// @param rows Where both lie.
    /// @param bits The exponent.
    /// @param count How many products.
    /// @return sum The sum.
    function dot(Rows memory rows, uint256 bits, uint256 count) internal pure returns (int256 sum) {
        assembly ("memory-safe") {
            let a := mload(rows)
            let aWidth := mload(add(rows, 0x20))
            let b := mload(add(rows, 0x40))
            let bWidth := mload(add(rows, 0x60))
            let bSign := 31
            if mload(add(rows, 0x80)) { bSign := sub(bWidth, 1) }
            let half := shr(1, shl(bits, 1))
            let aShift := sub(256, shl(3, aWidth))
            let bShift := sub(256, shl(3, bWidth))
            for { let end := add(a, mul(aWidth, count)) } lt(a, end) { a := add(a, aWidth) } {
                sum := add(
                    sum,
                    mul(
                        sar(bits, add(half, sar(aShift, calldataload(a)))),
                        signextend(bSign, shr(bShift, calldataload(b)))
                    )
                )
                b := add(b, bWidth)
            }
        }
    }
}
// slither-disable-end incorrect-shift
