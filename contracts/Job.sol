// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {ServerOwned} from "./ServerOwned.sol";
import {IJob} from "./interfaces/IJob.sol";
import {IWorkerRegistry, Settlement, Verdict} from "./interfaces/IWorkerRegistry.sol";
import {CommitteeDraw} from "./libraries/CommitteeDraw.sol";
import {ContentHash, MAX_CHUNKS} from "./libraries/ContentHash.sol";
import {JobTerms, Terms} from "./libraries/JobTerms.sol";
import {IDisputed} from "./referee/interfaces/IDisputed.sol";
import {IDisputes} from "./referee/interfaces/IDisputes.sol";

/// @title Job
/// @notice One learning task: a committee commits to its result, one seat publishes it, all seats are paid or
/// penalised.
/// @dev Runs as a clone whose terms are appended to its code; holds no ether. Assumptions:
/// - Training is exact: an honest result is one byte string that nobody can guess, so commitments need no salt.
/// - Honest transactions are included well within each window.
/// - The factory has checked the terms: seats < 2 · quorum, at most 256 seats, challengeWindow ≤ publishWindow.
contract Job is IJob, IDisputed, ServerOwned {
    /// @inheritdoc IJob
    bytes32 public constant COMMITMENT_DOMAIN = keccak256("ml-on-blockchain.commitment.v2");

    /// @inheritdoc IJob
    address public immutable REFEREE;

    /// @inheritdoc IJob
    IWorkerRegistry public immutable REGISTRY;

    /// @inheritdoc IJob
    Progress public progress;

    /// @inheritdoc IJob
    bytes32 public ruledHash;

    /// @inheritdoc IJob
    mapping(uint256 seat => bytes32 commitment) public commitmentOf;

    /// @inheritdoc IJob
    bytes32 public leader;

    /// @inheritdoc IJob
    mapping(bytes32 resultHash => uint16[MAX_CHUNKS] publishers) public publisherOf;

    /// @dev The candidates without a quorum; votes and chunks of the leader are in `progress`.
    mapping(bytes32 resultHash => Candidate candidate) private _otherCandidates;

    /// @dev A bit per seat whose commitment opens to one of these candidates.
    uint256 private _otherVoters;

    /// @dev A bit per seat.
    uint256 private _settledSeats;

    /// @dev All results that have a claim which is not refuted, one xor the other: where there is one, it is that.
    bytes32 private _standing;

    /// @dev A bit per seat whose commitment opens to a result all of whose claims are refuted.
    uint256 private _refutedVoters;

    modifier onlyReferee() {
        require(msg.sender == REFEREE, NotTheReferee(msg.sender));
        _;
    }

    modifier onlyGame() {
        require(msg.sender == REFEREE && _isRefereedByGame(), NotTheReferee(msg.sender));
        _;
    }

    /// @notice Make the contract whose code all jobs run; itself it has no terms and is no job.
    /// @param server The learning server.
    /// @param referee The learning server, or a game about claims.
    /// @param registry The registry that settles seats.
    constructor(address server, address referee, IWorkerRegistry registry) ServerOwned(server) {
        REFEREE = referee;
        REGISTRY = registry;
    }

    /* COMMIT */

    /// @inheritdoc IJob
    function commit(uint256 seat, bytes32 commitment) external {
        Terms memory job = _terms();
        _requirePhase(job, Phase.Commit, Phase.Commit);
        require(commitment != 0, EmptyCommitment());
        require(commitmentOf[seat] == 0, AlreadyCommitted(seat));
        _requireHolder(job, seat);

        commitmentOf[seat] = commitment;
        uint16 commits;
        // Each of 256 seats commits once.
        unchecked {
            commits = ++progress.commits;
        }
        // Timestamps stay below 2^40 for 34,000 years.
        if (commits == job.seats) progress.allCommittedAt = uint40(block.timestamp);
        emit Committed(seat, msg.sender, commitment);
    }

    /// @dev Binds a commitment to one job and one seat, hence to one worker: a copy of it opens to nothing. A job's
    /// address is a hash of its terms, whose seed binds the chain: a chain id that changes in mid-round harms nobody.
    function _commitment(uint256 seat, bytes32 resultHash) private view returns (bytes32) {
        return keccak256(abi.encode(COMMITMENT_DOMAIN, address(this), seat, resultHash));
    }

    function _requireOpens(uint256 seat, bytes32 resultHash) private view {
        require(commitmentOf[seat] == _commitment(seat, resultHash), DoesNotOpen(seat, resultHash));
    }

    function _requireHolder(Terms memory job, uint256 seat) private view {
        require(seat < job.seats, UnknownSeat(seat, job.seats));
        require(_holderOf(job, seat) == msg.sender, NotTheHolder(msg.sender, seat));
    }

    /* PROPOSE */

    /// @inheritdoc IJob
    /// @dev Open to anyone who knows the result: proposing pays nothing, and no seat can commit any more. Workers act
    /// on final blocks only: if the block that ended the commit phase were replaced, a copy could still be committed.
    function propose(uint256 seat, bytes32 resultHash) external {
        Terms memory job = _terms();
        _requirePhase(job, Phase.Propose, Phase.Propose);
        _requireOpens(seat, resultHash);

        _propose(job, resultHash);
    }

    /// @inheritdoc IJob
    function proposeAny(bytes32 resultHash) external {
        Terms memory job = _terms();
        require(msg.sender == REFEREE || _isRefereedByGame(), NotTheReferee(msg.sender));
        _requirePhase(job, Phase.Propose, Phase.Referee);

        _propose(job, resultHash);
    }

    /// @dev Commitments are final by now, and each opens to one result at most. So counting the votes once is enough,
    /// and as a quorum is more than half of the seats, at most one candidate has one.
    function _propose(Terms memory job, bytes32 resultHash) private {
        require(!_candidate(resultHash).isProposed, AlreadyProposed(resultHash));

        (uint256 voters, uint16 votes) = _votersOf(job, resultHash);
        // Where anybody proposes, what no seat stands for contests nothing until it is claimed.
        if (votes != 0 || !_isRefereedByGame()) progress.candidates += 1;
        if (votes >= job.quorum) {
            leader = resultHash;
            progress.leaderVotes = votes;
        } else {
            _otherCandidates[resultHash] = Candidate({votes: votes, chunks: 0, isProposed: true});
            if (votes != 0) _otherVoters |= voters;
        }
        emit Proposed(resultHash, msg.sender, votes);
    }

    /// @dev A bit per seat whose commitment opens to a result, and how many they are.
    function _votersOf(Terms memory job, bytes32 resultHash) private view returns (uint256 voters, uint16 votes) {
        for (uint256 seat = 0; seat < job.seats; ++seat) {
            if (commitmentOf[seat] != _commitment(seat, resultHash)) continue;
            ++votes;
            voters |= 1 << seat;
        }
    }

    /* PUBLISH */

    /// @inheritdoc IJob
    function publish(
        uint256 seat,
        bytes32 resultHash,
        uint256 index,
        bytes32[] calldata chunkHashes,
        bytes calldata chunk
    ) external {
        Terms memory job = _terms();
        _requirePhase(job, Phase.Propose, Phase.Referee);
        _requireHolder(job, seat);
        _requireOpens(seat, resultHash);

        // A held seat is below 256.
        _publish(job, uint16(seat + 1), resultHash, index, chunkHashes, chunk);
    }

    /// @inheritdoc IJob
    /// @dev Where a game decides, anybody may see to it that a result is complete: one that no seat can publish at
    /// once, others when seats have had half of their time to earn the bonus.
    function publishUnpaid(bytes32 resultHash, uint256 index, bytes32[] calldata chunkHashes, bytes calldata chunk)
        external
    {
        Terms memory job = _terms();
        require(msg.sender == REFEREE || _isRefereedByGame(), NotTheReferee(msg.sender));
        _requirePhase(job, Phase.Propose, Phase.Referee);
        uint256 time = _commitEnd(job) + job.publishWindow / 2;
        bool isForSeats = _isRefereedByGame() && block.timestamp < time && _candidate(resultHash).votes != 0;
        require(!isForSeats, TooEarly(time));

        _publish(job, job.seats + 1, resultHash, index, chunkHashes, chunk);
    }

    function _publish(
        Terms memory job,
        uint16 publisher,
        bytes32 resultHash,
        uint256 index,
        bytes32[] calldata chunkHashes,
        bytes calldata chunk
    ) private {
        require(_candidate(resultHash).isProposed, NotProposed(resultHash));
        ContentHash.checkChunk(resultHash, job.resultSize, index, chunkHashes, chunk);
        require(publisherOf[resultHash][index] == 0, AlreadyPublished(resultHash, index));

        publisherOf[resultHash][index] = publisher;
        if (_isLeader(resultHash)) progress.leaderChunks += 1;
        else _otherCandidates[resultHash].chunks += 1;
        emit ChunkPublished(resultHash, index, msg.sender, chunk);
    }

    /* RULE */

    /// @inheritdoc IJob
    function rule(bytes32 resultHash) external onlyReferee {
        Terms memory job = _terms();
        _requirePhase(job, Phase.Propose, Phase.Referee);
        require(_isComplete(job, _candidate(resultHash).chunks), NotComplete(resultHash));

        progress.ruling = Ruling.Accept;
        ruledHash = resultHash;
        emit Ruled(resultHash);
    }

    /// @inheritdoc IJob
    function ruleVoid() external onlyServer {
        _requirePhase(_terms(), Phase.Propose, Phase.Referee);

        progress.ruling = Ruling.Void;
        emit Ruled(0);
    }

    /* DISPUTE */

    /// @inheritdoc IDisputed
    /// @dev The first claim in a job has to come while seats propose: it leaves time for the others' claims. What is
    /// claimed is published, or nobody could tell where it is wrong.
    function dispute(bytes32 resultHash) external onlyGame returns (bytes32 statement, uint256 start, uint256 end) {
        Terms memory job = _terms();
        if (progress.ruling != Ruling.Disputed) {
            _requirePhase(job, Phase.Propose, Phase.Propose);
            progress.ruling = Ruling.Disputed;
        }
        require(_isComplete(job, _candidate(resultHash).chunks), NotComplete(resultHash));

        progress.standing += 1;
        _standing ^= resultHash;
        statement = keccak256(abi.encode(job.taskHash, job.seed, job.index, resultHash));
        start = _commitEnd(job) + job.publishWindow;
        end = start + job.refereeWindow;
    }

    /// @inheritdoc IDisputed
    /// @dev Reverts never for the game, and changes no decision: a challenge may be finished at any time.
    function setRefuted(bytes32 resultHash, bool isRefuted) external onlyGame {
        Terms memory job = _terms();
        if (_phase(job) == Phase.Decided) return;

        progress.standing = isRefuted ? progress.standing - 1 : progress.standing + 1;
        _standing ^= resultHash;
        (uint256 voters,) = _votersOf(job, resultHash);
        // No seat opens to two results: what is set here was not, and the other way round.
        _refutedVoters ^= voters;
    }

    function _isRefereedByGame() private view returns (bool) {
        return REFEREE != SERVER;
    }

    /* SETTLE */

    /// @inheritdoc IJob
    function settle(uint256[] calldata seats) external {
        Terms memory job = _terms();
        (Outcome decision, bytes32 acceptedHash) = _outcome(job);
        require(decision != Outcome.Undecided, WrongPhase(_phase(job), Phase.Decided, Phase.Decided));

        Settlement[] memory settlements = new Settlement[](seats.length);
        uint256[] memory bonusOf = _bonusOf(job, acceptedHash);
        // A unanimous result has the votes of all who committed: if every seat did, no commitment needs to be checked.
        bool allAreRight = decision == Outcome.Unanimous && progress.commits == job.seats;
        uint256 settled = _settledSeats;
        uint256 count = 0;
        for (uint256 i = 0; i < seats.length; ++i) {
            uint256 seat = seats[i];
            require(seat < job.seats, UnknownSeat(seat, job.seats));
            if (settled & (1 << seat) != 0) continue;
            settled |= 1 << seat;
            settlements[count++] = Settlement({
                seat: seat,
                position: _positionOf(job, seat),
                verdict: allAreRight ? Verdict.Rewarded : _verdict(seat, decision, acceptedHash),
                pay: job.reward + bonusOf[seat + 1]
            });
        }
        // A finished job must not touch the registry: a settlement bars opening a round in the same block.
        require(count != 0, NothingToSettle());

        _settledSeats = settled;
        emit Settled(decision, acceptedHash, count);

        settlements = _shortened(settlements, count);
        bool isRuled = decision == Outcome.Ruled || decision == Outcome.Void;
        REGISTRY.settle(
            settlements, isRuled ? _forfeited(job, settlements, bonusOf[0]) : 0, _finder(decision, acceptedHash)
        );
    }

    /// @dev Who has brought the dispute in which the accepted result stood, and is paid for the lies that it has shown.
    function _finder(Outcome decision, bytes32 acceptedHash) private view returns (address) {
        return decision == Outcome.Upheld ? IDisputes(REFEREE).claimantOf(this, acceptedHash) : address(0);
    }

    /// @dev A ruling must not pay the referee, who has paid for the job: what it keeps from seats is not returned. The
    /// unearned part of the bonus goes with seat 0.
    function _forfeited(Terms memory job, Settlement[] memory settlements, uint256 unearned)
        private
        pure
        returns (uint256 amount)
    {
        for (uint256 i = 0; i < settlements.length; ++i) {
            if (settlements[i].verdict != Verdict.Rewarded) amount += job.reward;
            if (settlements[i].seat == 0) amount += unearned;
        }
    }

    /// @dev Each publisher's share of the bonus, numbered as in `publisherOf`; at zero what no seat earns: the shares
    /// of the referee and of chunks that nobody published, and the remainder.
    function _bonusOf(Terms memory job, bytes32 acceptedHash) private view returns (uint256[] memory bonusOf) {
        bonusOf = new uint256[](uint256(job.seats) + 2);
        uint256 chunks = ContentHash.chunkCount(job.resultSize);
        for (uint256 index = 0; index < chunks; ++index) {
            bonusOf[publisherOf[acceptedHash][index]] += job.bonus / chunks;
        }
        bonusOf[0] += bonusOf[job.seats + 1] + job.bonus % chunks;
    }

    function _verdict(uint256 seat, Outcome decision, bytes32 acceptedHash) private view returns (Verdict) {
        bytes32 commitment = commitmentOf[seat];
        if (commitment == 0) return Verdict.Absent;
        if (decision == Outcome.Void) return Verdict.Released;
        if (decision == Outcome.Failed) {
            return _opensToACandidate(seat, commitment) ? Verdict.Released : Verdict.Slashed;
        }
        bool right = commitment == _commitment(seat, acceptedHash);
        return right ? Verdict.Rewarded : Verdict.Slashed;
    }

    /// @dev To one that is not refuted.
    function _opensToACandidate(uint256 seat, bytes32 commitment) private view returns (bool) {
        if (_refutedVoters & (1 << seat) != 0) return false;
        if (_otherVoters & (1 << seat) != 0) return true;
        return progress.leaderVotes != 0 && commitment == _commitment(seat, leader);
    }

    function _shortened(Settlement[] memory settlements, uint256 count) private pure returns (Settlement[] memory) {
        // The array has at least `count` elements: overwriting its length drops the unused ones at the end.
        assembly ("memory-safe") {
            mstore(settlements, count)
        }
        return settlements;
    }

    /* PHASE AND OUTCOME */

    /// @inheritdoc IJob
    function phase() external view returns (Phase) {
        return _phase(_terms());
    }

    /// @inheritdoc IJob
    function outcome() external view returns (Outcome, bytes32 acceptedHash) {
        return _outcome(_terms());
    }

    function _phase(Terms memory job) private view returns (Phase) {
        uint256 committedAt = _commitEnd(job);
        if (block.timestamp < committedAt) return Phase.Commit;
        (Outcome decision,) = _outcome(job);
        if (decision != Outcome.Undecided) return Phase.Decided;
        return block.timestamp < committedAt + job.publishWindow ? Phase.Propose : Phase.Referee;
    }

    // slither-disable-start incorrect-equality (counts that only rise, by one: nobody can skip a value)
    function _isComplete(Terms memory job, uint256 chunks) private pure returns (bool) {
        return chunks == ContentHash.chunkCount(job.resultSize);
    }

    /// @dev A decision is final: proposing, publishing and ruling end with it, and time alone never changes it.
    function _outcome(Terms memory job) private view returns (Outcome, bytes32) {
        if (progress.ruling != Ruling.None) return _refereed(job, progress.ruling);

        uint256 committedAt = _commitEnd(job);
        uint256 publishEnd = committedAt + job.publishWindow;
        bool refereeIsLate = block.timestamp >= publishEnd + job.refereeWindow;
        if (_isComplete(job, progress.leaderChunks)) {
            bool unanimous = progress.leaderVotes == progress.commits;
            if (unanimous && block.timestamp >= committedAt + job.challengeWindow) return (Outcome.Unanimous, leader);
            if (progress.candidates == 1 && block.timestamp >= publishEnd) return (Outcome.Uncontested, leader);
            if (refereeIsLate) return (Outcome.Quorum, leader);
        }
        return (refereeIsLate ? Outcome.Failed : Outcome.Undecided, 0);
    }

    /// @dev Of two results that stand one is a lie that nobody has challenged: neither is accepted.
    function _refereed(Terms memory job, Ruling ruling) private view returns (Outcome, bytes32) {
        if (ruling == Ruling.Accept) return (Outcome.Ruled, ruledHash);
        if (ruling == Ruling.Void) return (Outcome.Void, 0);

        if (block.timestamp < _commitEnd(job) + job.publishWindow + job.refereeWindow) return (Outcome.Undecided, 0);
        return progress.standing == 1 ? (Outcome.Upheld, _standing) : (Outcome.Failed, bytes32(0));
    }
    // slither-disable-end incorrect-equality

    function _requirePhase(Terms memory job, Phase first, Phase last) private view {
        Phase actual = _phase(job);
        require(first <= actual && actual <= last, WrongPhase(actual, first, last));
    }

    /// @dev All later windows start here and are half-open: nothing is proposed before, nothing committed from then on.
    function _commitEnd(Terms memory job) private view returns (uint256) {
        uint256 allCommittedAt = progress.allCommittedAt;
        return allCommittedAt != 0 ? allCommittedAt : job.commitDeadline;
    }

    /* VIEWS */

    /// @inheritdoc IJob
    function terms() external view returns (Terms memory) {
        return _terms();
    }

    /// @inheritdoc IJob
    function candidateOf(bytes32 resultHash) external view returns (Candidate memory) {
        return _candidate(resultHash);
    }

    /// @inheritdoc IJob
    function commitEnd() external view returns (uint256) {
        return _commitEnd(_terms());
    }

    /// @inheritdoc IJob
    function committee() external view returns (address[] memory holders) {
        Terms memory job = _terms();
        holders = new address[](job.seats);
        for (uint256 seat = 0; seat < job.seats; ++seat) {
            holders[seat] = _holderOf(job, seat);
        }
    }

    /// @inheritdoc IJob
    function roundSeatOf(uint256 position) external view returns (uint256) {
        Terms memory job = _terms();
        require(position < job.poolSize, UnknownPosition(position, job.poolSize));
        return CommitteeDraw.seatOf(job.seed, job.poolSize, job.radix, position);
    }

    /// @inheritdoc IJob
    function commitmentFor(uint256 seat, bytes32 resultHash) external view returns (bytes32) {
        return _commitment(seat, resultHash);
    }

    /// @inheritdoc IJob
    function isSettled(uint256 seat) external view returns (bool) {
        return _settledSeats & (1 << seat) != 0;
    }

    function _candidate(bytes32 resultHash) private view returns (Candidate memory) {
        if (!_isLeader(resultHash)) return _otherCandidates[resultHash];
        return Candidate({votes: progress.leaderVotes, chunks: progress.leaderChunks, isProposed: true});
    }

    function _isLeader(bytes32 resultHash) private view returns (bool) {
        return progress.leaderVotes != 0 && resultHash == leader;
    }

    function _holderOf(Terms memory job, uint256 seat) private view returns (address) {
        return REGISTRY.workerAt(_positionOf(job, seat), job.snapshotBlock);
    }

    /// @dev Job j of a round has the seats j · seats … (j + 1) · seats - 1 of the draw.
    function _positionOf(Terms memory job, uint256 seat) private pure returns (uint256) {
        return CommitteeDraw.positionOf(job.seed, job.poolSize, job.radix, uint256(job.index) * job.seats + seat);
    }

    function _terms() private view returns (Terms memory) {
        return JobTerms.unpack(Clones.fetchCloneArgs(address(this)));
    }
}
