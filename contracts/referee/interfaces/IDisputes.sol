// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IDisputed} from "./IDisputed.sol";

/// @title IDisputes
/// @notice A game about claims: each names the root of a trace, and any number of challenges walk it down to one entry
/// that has to be derived from others.
interface IDisputes {
    /// @notice Whose move it is, or how a challenge has ended.
    enum Turn {
        None,
        Claim, // to open a node, reveal a leaf, or derive an entry
        Challenger, // to pick a node or an entry
        Upheld,
        Refuted,
        Moot // another challenge has refuted the claim
    }

    /// @notice All claims for one result.
    struct Case {
        bytes32 statement;
        uint40 start; // of the clocks, in seconds
        uint40 clock; // of either side of a challenge, and of the times to claim and to challenge, in seconds
        uint32 standing; // claims that are not refuted
        uint64 first; // the claim that speaks for all that stand, by its number plus one
    }

    /// @notice That a result is right, as the root of a trace shows.
    struct Claim {
        IDisputed disputed;
        bytes32 resultHash;
        bytes32 root;
        address claimant;
        uint8 depth;
        uint32 running; // challenges that are not over
        bool isRefuted;
        bool isReleased; // the bond
    }

    /// @notice That an entry of a trace does not follow.
    struct Challenge {
        uint256 claim;
        bytes32 node; // that is disputed
        address challenger;
        uint64 position; // the node's number on its level
        uint8 depth;
        uint16 entry; // of the leaf, plus one; zero until it is picked
        bool isRevealed;
        Turn turn;
        uint40 since; // when the turn began, in seconds
        uint40 claimLeft; // of the claim's clock, in seconds
        uint40 challengerLeft;
    }

    /// @notice Emitted when a result is claimed.
    /// @param claim The claim's number.
    /// @param disputed What the result is of.
    /// @param resultHash The result.
    /// @param claimant Who claims it.
    /// @param root The root of the trace.
    /// @param nodes Those that lie some levels below it.
    event Claimed(
        uint256 indexed claim,
        IDisputed indexed disputed,
        bytes32 indexed resultHash,
        address claimant,
        bytes32 root,
        bytes32[] nodes
    );

    /// @notice Emitted when a claim is challenged.
    /// @param challenge The challenge's number.
    /// @param claim The claim's.
    /// @param challenger Who challenges it.
    /// @param position The first node picked, by its number on its level.
    event Challenged(uint256 indexed challenge, uint256 indexed claim, address challenger, uint256 position);

    /// @notice Emitted when the nodes below a disputed one are shown.
    /// @param challenge The challenge's number.
    /// @param nodes The nodes.
    event Opened(uint256 indexed challenge, bytes32[] nodes);

    /// @notice Emitted when a challenger picks one of the nodes shown.
    /// @param challenge The challenge's number.
    /// @param position The node's number on its level.
    event Picked(uint256 indexed challenge, uint256 position);

    /// @notice Emitted when the disputed leaf is shown.
    /// @param challenge The challenge's number.
    /// @param leaf Its bytes.
    event Revealed(uint256 indexed challenge, bytes leaf);

    /// @notice Emitted when a challenger picks an entry of the leaf.
    /// @param challenge The challenge's number.
    /// @param entry The entry's number in the leaf.
    event EntryPicked(uint256 indexed challenge, uint256 entry);

    /// @notice Emitted when a challenge is over.
    /// @param challenge The challenge's number.
    /// @param claim The claim's.
    /// @param outcome How it has ended.
    event Decided(uint256 indexed challenge, uint256 indexed claim, Turn outcome);

    /// @notice Emitted when a claim stands and its bond is owed to the claimant again.
    /// @param claim The claim's number.
    event Released(uint256 indexed claim);

    /// @notice Emitted when another claim speaks for a result than the refuted one.
    /// @param claim The claim's number.
    event Succeeded(uint256 indexed claim);

    /// @notice Emitted when somebody withdraws what it is owed.
    /// @param owner Who.
    /// @param amount In wei.
    event BondsWithdrawn(address indexed owner, uint256 amount);

    /// @notice The value is not the bond.
    error WrongBond(uint256 actual, uint256 expected);
    /// @notice The time for it has passed, or has not come.
    error WrongTime(uint256 time);
    /// @notice What is disputed gives no time for a dispute.
    error NoTime();
    /// @notice The claim that speaks for a result stands itself.
    error Stands(uint256 claim);
    /// @notice The claim is refuted.
    error IsRefuted(uint256 claim);
    /// @notice The move is not of this turn, or not of the caller.
    error NotYourTurn(uint256 challenge);
    /// @notice What is shown does not hash to what is disputed.
    error WrongHash();
    /// @notice A list of another length is wanted.
    error WrongLength(uint256 actual, uint256 expected);
    /// @notice The entry does not follow from what is shown, or there is a leaf where none should be.
    error NotDerived();
    /// @notice There is nothing to pay, or not yet.
    error NothingToPay();

    /* CLAIM */

    /// @notice Claim a result. Pays the bond, which comes back unless the claim is refuted.
    /// @param disputed What the result is of.
    /// @param resultHash The result.
    /// @param description What it follows from, as the judge reads it.
    /// @param root The root of the trace.
    /// @param nodes All nodes that lie six levels below it, or at its leaves if they are closer.
    /// @return number The claim's number.
    function claim(
        IDisputed disputed,
        bytes32 resultHash,
        bytes calldata description,
        bytes32 root,
        bytes32[] calldata nodes
    ) external payable returns (uint256 number);

    /// @notice Challenge a claim and pick the first node. Pays the bond, which comes back with the claim's if this
    /// challenge is the first to refute it, and alone if another one is.
    /// @param claimNumber The claim's number.
    /// @param index The number of the node among those that the claim has shown.
    /// @param node The node.
    /// @param path What it is hashed with on the way to the root.
    /// @return number The challenge's number.
    function challenge(uint256 claimNumber, uint256 index, bytes32 node, bytes32[] calldata path)
        external
        payable
        returns (uint256 number);

    /* MOVE */

    /// @notice Show the nodes below the disputed one. Anybody may: nothing else hashes to it.
    /// @param number The challenge's number.
    /// @param nodes The nodes six levels below, or the leaves' if they are closer.
    function open(uint256 number, bytes32[] calldata nodes) external;

    /// @notice Pick one of the nodes that were shown. Challenger only.
    /// @param number The challenge's number.
    /// @param index The node's number among them.
    /// @param node The node.
    /// @param path What it is hashed with on the way to the one disputed before.
    function pick(uint256 number, uint256 index, bytes32 node, bytes32[] calldata path) external;

    /// @notice Show the disputed leaf. Anybody may.
    /// @param number The challenge's number.
    /// @param leaf Its bytes.
    function reveal(uint256 number, bytes calldata leaf) external;

    /// @notice Pick an entry of the leaf. Challenger only.
    /// @param number The challenge's number.
    /// @param entry The entry's number in the leaf.
    function pickEntry(uint256 number, uint16 entry) external;

    /// @notice Derive the disputed entry, which upholds the claim. Anybody may.
    /// @param number The challenge's number.
    /// @param description What the result follows from.
    /// @param leaf The disputed leaf.
    /// @param evidence What the entry follows from.
    function prove(uint256 number, bytes calldata description, bytes calldata leaf, bytes calldata evidence) external;

    /// @notice Say that there is no leaf at the disputed position and none should be, which upholds the claim. Anybody
    /// may.
    /// @param number The challenge's number.
    /// @param description What the result follows from.
    function provePadding(uint256 number, bytes calldata description) external;

    /// @notice End a challenge in which somebody has let its clock run out, or whose claim is refuted. Anybody may.
    /// @param number The challenge's number.
    function finish(uint256 number) external;

    /// @notice Let a claim that stands speak for its result, if the one that does is refuted. Anybody may.
    /// @param number The claim's number.
    function succeed(uint256 number) external;

    /* PAY */

    /// @notice Return the bond of a claim that stands. Anybody may.
    /// @param number The claim's number.
    function release(uint256 number) external;

    /// @notice Withdraw what the caller is owed.
    function withdraw() external;

    /* VIEWS */

    /// @notice Return whose claim speaks for a result: the first one, or the one that succeeded it when refuted.
    /// @param disputed What the result is of.
    /// @param resultHash The result.
    /// @return claimant The claimant, zero if there is no claim or it is refuted.
    function claimantOf(IDisputed disputed, bytes32 resultHash) external view returns (address claimant);
}
