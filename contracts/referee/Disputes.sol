// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {HashTree} from "./HashTree.sol";
import {IDisputed} from "./interfaces/IDisputed.sol";
import {IDisputes} from "./interfaces/IDisputes.sol";
import {IJudge} from "./interfaces/IJudge.sol";

/// @title Disputes
/// @notice Decides between claims and challenges about the traces of computations, of which it knows nothing: a judge
/// says whether one entry follows.
/// @dev Every move on a claim's side hashes to a node that the claim has committed to, or is judged: so anybody may
/// make it, and nobody can lose a claim on purpose except by letting its clock run out. All challenges run side by
/// side, each with clocks of its own: a party's challenge of itself decides nothing and delays nobody. With clocks of c
/// seconds, results are claimed until `start` + c, and what is disputed takes its first claim before `start`: so a
/// wrong claim in the last second can be answered by the right one. Challenges begin until `start` + 2 c, and neither
/// side of one has more than c: all moves are made by `start` + 4 c. The last fifth is for whoever has to say that a
/// clock has run out.
///
/// Nothing bars a second claim of the same root. If it did, whoever copied the honest root first could challenge itself
/// at no risk, and others would have to answer, unpaid, to keep the only claim of a right result.
contract Disputes is IDisputes {
    using SafeCast for uint256;

    /// @notice Levels of a tree that a move shows.
    uint256 public constant LEVELS = 6;

    /// @notice What claims and challenges put down, in wei.
    uint256 public immutable BOND;

    /// @notice Who says whether an entry follows.
    IJudge public immutable JUDGE;

    /// @notice All claims, by number.
    Claim[] public claims;

    /// @notice All challenges, by number.
    Challenge[] public challenges;

    /// @notice What everybody is owed, in wei.
    mapping(address owner => uint256 amount) public creditOf;

    mapping(IDisputed disputed => mapping(bytes32 resultHash => Case)) private _cases;

    /// @notice Make a game.
    /// @param judge Who says whether an entry follows.
    /// @param bond In wei.
    constructor(IJudge judge, uint256 bond) {
        JUDGE = judge;
        BOND = bond;
    }

    modifier withBond() {
        require(msg.value == BOND, WrongBond(msg.value, BOND));
        _;
    }

    /* CLAIM */

    // slither-disable-start reentrancy-no-eth (whatever is disputed can confuse its own cases alone)
    /// @inheritdoc IDisputes
    function claim(
        IDisputed disputed,
        bytes32 resultHash,
        bytes calldata description,
        bytes32 root,
        bytes32[] calldata nodes
    ) external payable withBond returns (uint256 number) {
        Case storage current = _cases[disputed][resultHash];
        bool isRefuted = current.clock != 0 && current.standing == 0;
        if (current.clock == 0) _load(current, disputed, resultHash);
        uint256 end = uint256(current.start) + current.clock;
        require(block.timestamp < end, WrongTime(end));
        uint256 depth = JUDGE.depthOf(current.statement, description);
        _requireNodes(root, nodes, 0, depth);

        number = claims.length;
        if (current.standing == 0) current.first = (number + 1).toUint64();
        ++current.standing;
        claims.push(
            Claim({
                disputed: disputed,
                resultHash: resultHash,
                root: root,
                claimant: msg.sender,
                depth: depth.toUint8(),
                running: 0,
                isRefuted: false,
                isReleased: false
            })
        );
        emit Claimed(number, disputed, resultHash, msg.sender, root, nodes);
        if (isRefuted) disputed.setRefuted(resultHash, false);
    }

    // slither-disable-end reentrancy-no-eth
    /// @dev What is disputed is asked once, so it cannot change its mind about a statement or a time.
    function _load(Case storage current, IDisputed disputed, bytes32 resultHash) private {
        (bytes32 statement, uint256 start, uint256 end) = disputed.dispute(resultHash);
        require(end >= start + 5, NoTime());
        current.statement = statement;
        current.start = start.toUint40();
        current.clock = ((end - start) / 5).toUint40();
    }

    /// @inheritdoc IDisputes
    function challenge(uint256 claimNumber, uint256 index, bytes32 node, bytes32[] calldata path)
        external
        payable
        withBond
        returns (uint256 number)
    {
        Claim storage of_ = claims[claimNumber];
        require(!of_.isRefuted, IsRefuted(claimNumber));
        Case storage current = _cases[of_.disputed][of_.resultHash];
        require(block.timestamp < _challengesUntil(current), WrongTime(_challengesUntil(current)));

        number = challenges.length;
        ++of_.running;
        Challenge storage game = challenges.push();
        (game.claim, game.node, game.challenger) = (claimNumber, of_.root, msg.sender);
        (game.claimLeft, game.challengerLeft) = (current.clock, current.clock);
        _pick(game, of_.depth, index, node, path);
        game.turn = Turn.Claim;
        game.since = uint40(block.timestamp);
        emit Challenged(number, claimNumber, msg.sender, game.position);
    }

    /* MOVE */

    /// @inheritdoc IDisputes
    function open(uint256 number, bytes32[] calldata nodes) external {
        Challenge storage game = _begin(number, Turn.Claim);
        _requireNodes(game.node, nodes, game.depth, claims[game.claim].depth);

        _pass(game);
        emit Opened(number, nodes);
    }

    /// @inheritdoc IDisputes
    function pick(uint256 number, uint256 index, bytes32 node, bytes32[] calldata path) external {
        Challenge storage game = _begin(number, Turn.Challenger);
        // A pick of no levels would pass the turn to a claim that has nothing left to show.
        require(!game.isRevealed, NotYourTurn(number));
        _pick(game, claims[game.claim].depth, index, node, path);

        _pass(game);
        emit Picked(number, game.position);
    }

    /// @inheritdoc IDisputes
    function reveal(uint256 number, bytes calldata leaf) external {
        Challenge storage game = _begin(number, Turn.Claim);
        require(game.depth == claims[game.claim].depth && !game.isRevealed, NotYourTurn(number));
        require(HashTree.hashOf(leaf) == game.node, WrongHash());

        game.isRevealed = true;
        _pass(game);
        emit Revealed(number, leaf);
    }

    /// @inheritdoc IDisputes
    function pickEntry(uint256 number, uint16 entry) external {
        Challenge storage game = _begin(number, Turn.Challenger);
        require(game.isRevealed, NotYourTurn(number));

        game.entry = entry + 1;
        _pass(game);
        emit EntryPicked(number, entry);
    }

    /// @inheritdoc IDisputes
    function prove(uint256 number, bytes calldata description, bytes calldata leaf, bytes calldata evidence)
        external
    {
        Challenge storage game = _begin(number, Turn.Claim);
        require(game.entry != 0, NotYourTurn(number));
        require(HashTree.hashOf(leaf) == game.node, WrongHash());
        require(_hasNoSuchEntry(game, description) || _isDerived(game, description, leaf, evidence), NotDerived());

        _decide(number, Turn.Upheld);
    }

    /// @dev An entry that a leaf does not have says nothing against it. Nothing saves a leaf where none should be.
    function _hasNoSuchEntry(Challenge storage game, bytes calldata description) private view returns (bool) {
        uint256 entries = JUDGE.entriesOf(_caseOf(game).statement, description, game.position);
        return entries != 0 && game.entry > entries;
    }

    function _isDerived(
        Challenge storage game,
        bytes calldata description,
        bytes calldata leaf,
        bytes calldata evidence
    ) private view returns (bool) {
        bytes32 root = claims[game.claim].root;
        uint256 entry = uint256(game.entry) - 1;
        return JUDGE.derives(
            _caseOf(game).statement, description, root, game.position, leaf, entry, evidence
        );
    }

    /// @inheritdoc IDisputes
    function provePadding(uint256 number, bytes calldata description) external {
        Challenge storage game = _begin(number, Turn.Claim);
        require(game.depth == claims[game.claim].depth && !game.isRevealed, NotYourTurn(number));
        require(
            game.node == 0 && JUDGE.entriesOf(_caseOf(game).statement, description, game.position) == 0, NotDerived()
        );

        _decide(number, Turn.Upheld);
    }

    /// @inheritdoc IDisputes
    function finish(uint256 number) external {
        Challenge storage game = challenges[number];
        require(game.turn == Turn.Claim || game.turn == Turn.Challenger, NotYourTurn(number));
        if (claims[game.claim].isRefuted) {
            _decide(number, Turn.Moot);
            return;
        }
        bool isClaims = game.turn == Turn.Claim;
        uint256 end = uint256(game.since) + (isClaims ? game.claimLeft : game.challengerLeft);
        require(block.timestamp >= end, WrongTime(end));

        _decide(number, isClaims ? Turn.Refuted : Turn.Upheld);
    }

    /// @dev Reverts unless it is somebody's turn, and still; takes the time that it took from its clock.
    function _begin(uint256 number, Turn turn) private returns (Challenge storage game) {
        game = challenges[number];
        bool isClaims = turn == Turn.Claim;
        require(game.turn == turn && (isClaims || game.challenger == msg.sender), NotYourTurn(number));
        require(!claims[game.claim].isRefuted, IsRefuted(game.claim));
        uint40 left = isClaims ? game.claimLeft : game.challengerLeft;
        uint256 taken = block.timestamp - game.since;
        require(taken < left, WrongTime(uint256(game.since) + left));
        if (isClaims) game.claimLeft = left - uint40(taken);
        else game.challengerLeft = left - uint40(taken);
    }

    function _pass(Challenge storage game) private {
        game.turn = game.turn == Turn.Claim ? Turn.Challenger : Turn.Claim;
        game.since = uint40(block.timestamp);
    }

    function _pick(Challenge storage game, uint256 depth, uint256 index, bytes32 node, bytes32[] calldata path)
        private
    {
        uint256 levels = _levels(game.depth, depth);
        require(path.length == levels, WrongLength(path.length, levels));
        require(HashTree.climb(node, index, path) == game.node && index >> levels == 0, WrongHash());
        game.node = node;
        game.position = uint64((uint256(game.position) << levels) | index);
        game.depth += uint8(levels);
    }

    function _requireNodes(bytes32 root, bytes32[] calldata nodes, uint256 from, uint256 depth) private view {
        uint256 count = 1 << _levels(from, depth);
        require(count > 1 && nodes.length == count, WrongLength(nodes.length, count));
        require(HashTree.rootOf(nodes) == root, WrongHash());
    }

    function _levels(uint256 from, uint256 depth) private pure returns (uint256) {
        return depth - from < LEVELS ? depth - from : LEVELS;
    }

    function _decide(uint256 number, Turn outcome) private {
        Challenge storage game = challenges[number];
        Claim storage of_ = claims[game.claim];
        game.turn = outcome;
        --of_.running;
        if (outcome == Turn.Upheld) {
            creditOf[of_.claimant] += BOND;
        } else {
            creditOf[game.challenger] += BOND;
        }
        emit Decided(number, game.claim, outcome);
        if (outcome == Turn.Refuted) {
            of_.isRefuted = true;
            creditOf[game.challenger] += BOND;
            Case storage current = _caseOf(game);
            if (--current.standing == 0) of_.disputed.setRefuted(of_.resultHash, true);
        }
    }

    function _caseOf(Challenge storage game) private view returns (Case storage) {
        Claim storage of_ = claims[game.claim];
        return _cases[of_.disputed][of_.resultHash];
    }

    function _challengesUntil(Case storage current) private view returns (uint256) {
        return uint256(current.start) + 2 * uint256(current.clock);
    }

    /// @inheritdoc IDisputes
    function succeed(uint256 number) external {
        Claim storage of_ = claims[number];
        require(!of_.isRefuted, IsRefuted(number));
        Case storage current = _cases[of_.disputed][of_.resultHash];
        uint256 first = uint256(current.first) - 1;
        require(claims[first].isRefuted, Stands(first));

        current.first = (number + 1).toUint64();
        emit Succeeded(number);
    }

    /* PAY */

    /// @inheritdoc IDisputes
    function release(uint256 number) external {
        Claim storage of_ = claims[number];
        Case storage current = _cases[of_.disputed][of_.resultHash];
        require(!of_.isRefuted && !of_.isReleased && of_.running == 0, NothingToPay());
        require(block.timestamp >= _challengesUntil(current), WrongTime(_challengesUntil(current)));

        of_.isReleased = true;
        creditOf[of_.claimant] += BOND;
        emit Released(number);
    }

    /// @inheritdoc IDisputes
    function withdraw() external {
        uint256 amount = creditOf[msg.sender];
        require(amount != 0, NothingToPay());

        creditOf[msg.sender] = 0;
        emit BondsWithdrawn(msg.sender, amount);
        Address.sendValue(payable(msg.sender), amount);
    }

    /* VIEWS */

    /// @notice Return what there is for a result.
    /// @param disputed What the result is of.
    /// @param resultHash The result.
    /// @return current All zero if nobody has claimed it.
    function caseAt(IDisputed disputed, bytes32 resultHash) external view returns (Case memory current) {
        return _cases[disputed][resultHash];
    }

    /// @inheritdoc IDisputes
    function claimantOf(IDisputed disputed, bytes32 resultHash) external view returns (address) {
        uint256 first = _cases[disputed][resultHash].first;
        if (first == 0 || claims[first - 1].isRefuted) return address(0);
        return claims[first - 1].claimant;
    }

    /// @notice Return the number of all claims and of all challenges.
    /// @return claimCount Of claims.
    /// @return challengeCount Of challenges.
    function counts() external view returns (uint256 claimCount, uint256 challengeCount) {
        return (claims.length, challenges.length);
    }
}
