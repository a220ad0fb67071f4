// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ContentHash} from "../libraries/ContentHash.sol";
import {HashTree} from "./HashTree.sol";
import {Kind, Plan, Stage, Tensor, TraceLayout} from "./TraceLayout.sol";

/// @notice A leaf of a tree, and what it is hashed with on the way to the root.
struct Shown {
    bytes data;
    bytes32[] path;
}

/// @notice A job whose trace is read, and the leaves at hand.
struct Reading {
    Plan plan;
    bytes32 root;
    bytes32 key; // of the job's random choices
    bytes32 model; // content hashes
    bytes32 parent; // zero if there is none to make an estimate from
    bytes32 result;
    uint256 step; // of the entry that is derived
    uint256 shown; // where in the calldata the first of the leaves not used yet is said to be
    uint256 shownFrom; // what such places count from
    uint256 shownEnd;
    uint256[4] positions; // of the leaves at hand
    uint256[4] places; // where in the calldata they begin
}

// slither-disable-start divide-before-multiply (quotients are rows and columns, whole numbers)
/// @title TraceEvidence
/// @notice Reads leaves that somebody shows, and reverts for all that are not of the trees.
library TraceEvidence {
    using TraceLayout for Plan;
    using TraceLayout for Tensor;

    bytes9 private constant WIDTH_KEY = bytes9(hex"2c227769647468223a"); // ,"width":
    bytes9 private constant TRAIN_KEY = bytes9(hex"2c22747261696e223a"); // ,"train":

    /// @notice A leaf is missing, or is not the one that is asked for.
    error NotShown();

    /* TREES */

    /// @notice Take the next leaf that is shown.
    /// @param reading What is read.
    /// @return shown The leaf.
    function next(Reading memory reading) internal pure returns (Shown calldata shown) {
        require(reading.shown < reading.shownEnd, NotShown());
        uint256 at = reading.shown;
        uint256 from = reading.shownFrom;
        reading.shown = at + 0x20;
        assembly ("memory-safe") {
            shown := add(from, calldataload(at))
        }
    }

    /// @notice Revert unless a node is at an index, so many levels below a root.
    /// @param root The root.
    /// @param node The node.
    /// @param index Its number among the nodes of its level.
    /// @param path What it is hashed with on the way.
    /// @param depth How many levels.
    function requireUnder(bytes32 root, bytes32 node, uint256 index, bytes32[] calldata path, uint256 depth)
        internal
        view
    {
        require(path.length == depth, NotShown());
        require(index >> depth == 0 && HashTree.climb(node, index, path) == root, NotShown());
    }

    /* TRACE */

    /// @notice Return where an entry lies in the calldata, and how many follow from there in its row and its leaf.
    /// @param reading The trace.
    /// @param slot Where the leaf is kept at hand.
    /// @param step The step.
    /// @param tensor One of its tensors.
    /// @param row The entry's row.
    /// @param column Its column.
    /// @return at Where it lies.
    /// @return count How many there are from there on, with it.
    function run(Reading memory reading, uint256 slot, uint256 step, Tensor memory tensor, uint256 row, uint256 column)
        internal
        view
        returns (uint256 at, uint256 count)
    {
        require(row < tensor.rows && column < tensor.columns, NotShown());
        uint256 leaf = tensor.leafOf(row, column);
        (uint256 firstRow, uint256 firstColumn, uint256 entries) = tensor.spanOf(leaf);
        uint256 position = (step << reading.plan.leafBits) | (tensor.base + leaf);
        if (reading.positions[slot] != position) _take(reading, slot, position, entries * tensor.width);
        at = reading.places[slot] + ((row - firstRow) * tensor.columns + column - firstColumn) * tensor.width;
        count = tensor.rowsPerLeaf != 0 ? tensor.columns - column : entries - (column - firstColumn);
    }

    function _take(Reading memory reading, uint256 slot, uint256 position, uint256 size) private view {
        Shown calldata shown = next(reading);
        require(shown.data.length == size, NotShown());
        requireUnder(reading.root, HashTree.hashOf(shown.data), position, shown.path, reading.plan.depth);
        hold(reading, slot, position, shown.data);
    }

    /// @notice Keep a leaf at hand.
    /// @param reading The trace.
    /// @param slot Where it is kept.
    /// @param position Its number.
    /// @param data Its bytes.
    function hold(Reading memory reading, uint256 slot, uint256 position, bytes calldata data) internal pure {
        uint256 place;
        assembly ("memory-safe") {
            place := data.offset
        }
        (reading.positions[slot], reading.places[slot]) = (position, place);
    }

    /// @notice Return the root of a layer's master weights after the last step of training.
    /// @param reading The trace.
    /// @param layer The layer.
    /// @return root The root.
    function masterRoot(Reading memory reading, uint256 layer) internal view returns (bytes32 root) {
        Tensor memory tensor = reading.plan.tensorOf(Kind.Master, layer);
        Shown calldata shown = next(reading);
        require(shown.data.length == 32, NotShown());
        root = bytes32(shown.data);
        uint256 height = TraceLayout.bitsOf(tensor.leavesOf() - 1);
        uint256 index = ((reading.plan.steps << reading.plan.leafBits) | tensor.base) >> height;
        requireUnder(reading.root, root, index, shown.path, reading.plan.depth - height);
    }

    /* DATA SET */

    /// @notice Return the bytes of the sample at a place of the job's order, and its label.
    /// @param reading What is read.
    /// @param place The place.
    /// @return data The bytes.
    /// @return label The label.
    function sample(Reading memory reading, uint256 place) internal view returns (bytes calldata data, uint256 label) {
        Shown calldata roots = next(reading);
        require(roots.path.length == 2, NotShown());
        bytes32 fingerprint = sha256(abi.encodePacked(HashTree.hashOf(roots.data), roots.path[0], roots.path[1]));
        require(fingerprint == reading.plan.fingerprint, NotShown());
        uint256 samples = _trainingSamples(roots.data);
        Shown calldata shown = next(reading);
        Stage memory first = reading.plan.stages[0];
        uint256 size = (reading.plan.inputKind == 2 ? 1 : first.channels) * first.height * first.width;
        require(shown.data.length == size + 1, NotShown());
        uint256 number = numberAt(reading.key, samples, place);
        requireUnder(roots.path[0], HashTree.hashOf(shown.data), number, shown.path, TraceLayout.bitsOf(samples - 1));
        return (shown.data[:size], uint8(shown.data[size]));
    }

    /// @dev A header is JSON in its canonical form, whose last keys are `test`, `train` and `width`, with integers.
    /// So it is read from its end, where no name that somebody has chosen can be.
    function _trainingSamples(bytes calldata header) private pure returns (uint256 samples) {
        uint256 at = header.length - 1;
        while (_isDigit(header[at - 1])) --at;
        at -= 9;
        require(bytes9(header[at:at + 9]) == WIDTH_KEY, NotShown());
        uint256 end = at;
        while (_isDigit(header[at - 1])) --at;
        for (uint256 i = at; i < end; ++i) {
            samples = 10 * samples + uint8(header[i]) - 48;
        }
        require(bytes9(header[at - 9:at]) == TRAIN_KEY, NotShown());
    }

    function _isDigit(bytes1 character) private pure returns (bool) {
        return character >= "0" && character <= "9";
    }

    /// @notice Return the number of the sample at a place of a job's order. Twin: `streams.epoch_order`.
    /// @param key Of the job's random choices.
    /// @param samples How many there are for training.
    /// @param place The place.
    /// @return number The sample's number.
    function numberAt(bytes32 key, uint256 samples, uint256 place) internal pure returns (uint256 number) {
        bytes32 seed = sha256(abi.encodePacked(key, uint64(place / samples)));
        uint256 side = Math.sqrt(samples - 1) + 1;
        number = place % samples;
        do {
            (uint256 left, uint256 right) = (number / side, number % side);
            for (uint256 round = 0; round < 8; ++round) {
                uint256 word = _word(sha256(abi.encodePacked(seed, uint32(round), uint32(right / 8))), right % 8);
                (left, right) = (right, (left + word) % side);
            }
            number = left * side + right;
        } while (number >= samples);
    }

    /// @notice Return by how much the sample at a place is moved, as one number for both directions.
    /// @param key Of the job's random choices.
    /// @param place The place.
    /// @param places The number of such moves.
    /// @return move The move, below that number.
    function moveAt(bytes32 key, uint256 place, uint256 places) internal pure returns (uint256 move) {
        return _word(sha256(abi.encodePacked(key, "displacement", uint32(place / 8))), place % 8) % places;
    }

    function _word(bytes32 words, uint256 number) private pure returns (uint256) {
        return uint32(uint256(words) >> (224 - 32 * number));
    }

    /* MODELS AND RESULTS */

    /// @notice Return the byte `at` of a published byte string, and the one after it in its piece.
    /// @param reading What is read.
    /// @param contentHash The string's content hash.
    /// @param size The number of its bytes.
    /// @param at The number of the byte.
    /// @return first The byte.
    /// @return second The one after it, zero at the end of a piece.
    function published(Reading memory reading, bytes32 contentHash, uint256 size, uint256 at)
        internal
        pure
        returns (uint256 first, uint256 second)
    {
        Shown calldata shown = next(reading);
        uint256 chunks = ContentHash.chunkCount(size);
        require(shown.path.length >= chunks, NotShown());
        require(keccak256(abi.encodePacked(shown.path[:chunks])) == contentHash, NotShown());
        uint256 chunk = at / ContentHash.CHUNK_SIZE;
        uint256 length = chunk + 1 < chunks ? ContentHash.CHUNK_SIZE : size - chunk * ContentHash.CHUNK_SIZE;
        uint256 piece = at % ContentHash.CHUNK_SIZE / ContentHash.PIECE_SIZE;
        require(
            ContentHash.isPiece(shown.path[chunk], length, piece, shown.data, shown.path[chunks:]), NotShown()
        );
        uint256 place = at % ContentHash.PIECE_SIZE;
        first = uint8(shown.data[place]);
        if (place + 1 < shown.data.length) second = uint8(shown.data[place + 1]);
    }

    /// @notice Return a number of two bytes, the lower one first, of a published byte string of such numbers.
    /// @param reading What is read.
    /// @param contentHash The string's content hash.
    /// @param size The number of its bytes.
    /// @param number How many numbers are before it.
    /// @return value The number.
    function int16At(Reading memory reading, bytes32 contentHash, uint256 size, uint256 number)
        internal
        pure
        returns (int256 value)
    {
        (uint256 low, uint256 high) = published(reading, contentHash, size, 2 * number);
        value = int16(uint16(low | (high << 8)));
    }
}
// slither-disable-end divide-before-multiply
