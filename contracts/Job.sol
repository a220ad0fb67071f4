// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {WorkerRegistry} from "./WorkerRegistry.sol";
import {CommitteeDraw} from "./libraries/CommitteeDraw.sol";
import {ContentHash, MAX_CHUNKS} from "./libraries/ContentHash.sol";
import {JobTerms, Terms} from "./libraries/JobTerms.sol";

/// @title Job
/// @notice One learning task: a committee commits to its result, one of them publishes it, all are paid or punished.
/// @dev Runs as a clone whose terms are appended to its code; holds no ether. Assumptions:
/// - Training is exact: an honest result is one byte string that nobody can guess, so commitments need no salt.
/// - Honest transactions are included well within each window.
/// - The factory has checked the terms: seats < 2 · quorum, at most 256 seats, challengeWindow ≤ publishWindow.
contract Job {
    enum Phase {
        Commit, // until all seats have committed, or the deadline
        Propose, // seats propose and publish what they committed to
        Referee, // no more proposals by seats
        Decided
    }

    enum Outcome {
        Undecided,
        Unanimous, // accepted: all committed seats agree, and the challenge window is over
        Uncontested, // accepted: a quorum agrees, and nobody proposed anything else in time
        Quorum, // accepted: a quorum agrees, others do not, and the referee kept silent
        Ruled, // accepted: the referee says so
        Failed, // no quorum, and the referee kept silent
        Void // the referee says that the task is broken
    }

    enum Ruling {
        None,
        Accept,
        Void
    }

    struct Candidate {
        uint16 votes; // seats whose commitment opens to it
        uint8 chunks; // published ones
        bool isProposed;
    }

    struct Progress {
        uint16 commits;
        uint40 allCommittedAt; // time of the last seat's commit, zero before
        uint16 candidates;
        uint16 leaderVotes; // zero without a leader
        uint8 leaderChunks;
        Ruling ruling;
    }

    /// @notice Announces that a seat has committed to a result.
    event Committed(uint256 indexed seat, address indexed worker, bytes32 commitment);

    /// @notice Announces a candidate and how many seats' commitments open to it.
    event Proposed(bytes32 indexed resultHash, address indexed proposer, uint256 votes);

    /// @notice Carries one chunk of a candidate.
    event ChunkPublished(bytes32 indexed resultHash, uint256 indexed index, address indexed publisher, bytes chunk);

    /// @notice Announces that the referee accepts `resultHash` or, if that is zero, finds the task broken.
    event Ruled(bytes32 indexed resultHash);

    /// @notice Announces that seats were settled, and on what outcome.
    event Settled(Outcome indexed outcome, bytes32 indexed acceptedHash, uint256 seats);

    error WrongPhase(Phase actual, Phase expected);
    error NotTheReferee(address caller);
    error NotTheHolder(address caller, uint256 seat);
    error UnknownSeat(uint256 seat, uint256 seats);
    error UnknownPosition(uint256 position, uint256 poolSize);
    error EmptyCommitment();
    error AlreadyCommitted(uint256 seat);
    error DoesNotOpen(uint256 seat, bytes32 resultHash);
    error AlreadyProposed(bytes32 resultHash);
    error NotProposed(bytes32 resultHash);
    error AlreadyPublished(bytes32 resultHash, uint256 index);
    error NotComplete(bytes32 resultHash);
    error NothingToSettle();

    /// @notice What every commitment begins with, so that it is good for nothing else.
    bytes32 public constant COMMITMENT_DOMAIN = keccak256("ml-on-blockchain.commitment.v1");

    /// @notice The learning server: the referee of last resort.
    address public immutable REFEREE;

    /// @notice The pool of workers, and all ether.
    WorkerRegistry public immutable REGISTRY;

    /// @notice How far the job has come.
    Progress public progress;

    /// @notice The result that the referee accepts, zero if it has not ruled or ruled the task broken.
    bytes32 public ruledHash;

    /// @notice What a seat has committed to, zero if it has not.
    mapping(uint256 seat => bytes32 commitment) public commitmentOf;

    /// @notice The hash of the only candidate that has a quorum, zero if none has.
    bytes32 public leader;

    /// @notice Who has published a chunk: the seat plus one, `seats` plus one for the referee, zero for nobody yet.
    mapping(bytes32 resultHash => uint16[MAX_CHUNKS] publishers) public publisherOf;

    /// @dev What is known of the candidates without a quorum; votes and chunks of the leader are in `progress`.
    mapping(bytes32 resultHash => Candidate candidate) private _minorities;

    /// @dev A bit per seat whose commitment opens to a candidate without a quorum.
    uint256 private _minoritySeats;

    /// @dev A bit per seat.
    uint256 private _settledSeats;

    modifier onlyReferee() {
        require(msg.sender == REFEREE, NotTheReferee(msg.sender));
        _;
    }

    constructor(address referee, WorkerRegistry registry) {
        REFEREE = referee;
        REGISTRY = registry;
    }

    /* COMMIT */

    /// @notice Commit to a result, once per seat, with `commitmentFor(seat, resultHash)`; its holder only.
    function commit(uint256 seat, bytes32 commitment) external {
        Terms memory job = _terms();
        _requirePhase(Phase.Commit, job);
        require(commitment != 0, EmptyCommitment());
        require(commitmentOf[seat] == 0, AlreadyCommitted(seat));
        _requireHolder(job, seat);

        commitmentOf[seat] = commitment;
        progress.commits += 1;
        // Timestamps stay below 2^40 for 34,000 years.
        if (progress.commits == job.seats) progress.allCommittedAt = uint40(block.timestamp);
        emit Committed(seat, msg.sender, commitment);
    }

    /// @dev Binds a commitment to one chain, one job and one seat, that is one worker: nobody can copy it.
    function _commitment(uint256 seat, bytes32 resultHash) private view returns (bytes32) {
        return keccak256(abi.encode(COMMITMENT_DOMAIN, block.chainid, address(this), seat, resultHash));
    }

    function _requireOpens(uint256 seat, bytes32 resultHash) private view {
        require(commitmentOf[seat] == _commitment(seat, resultHash), DoesNotOpen(seat, resultHash));
    }

    function _requireHolder(Terms memory job, uint256 seat) private view {
        require(seat < job.seats, UnknownSeat(seat, job.seats));
        require(_holderOf(job, seat) == msg.sender, NotTheHolder(msg.sender, seat));
    }

    /* PROPOSE */

    /// @notice Propose a result that the commitment of `seat` opens to, unless it is a candidate already.
    /// @dev Anyone may who knows the result: nothing is paid for it, and nothing can be committed any more. Workers act on
    /// final blocks only: if the one that ended the commit phase were replaced, a copier could get in.
    function propose(uint256 seat, bytes32 resultHash) external {
        Terms memory job = _terms();
        _requirePhase(Phase.Propose, job);
        _requireOpens(seat, resultHash);

        _propose(job, resultHash);
    }

    /// @notice Propose any result as long as the job is undecided; referee only.
    function proposeAsReferee(bytes32 resultHash) external onlyReferee {
        Terms memory job = _terms();
        _requireUndecided(job);

        _propose(job, resultHash);
    }

    /// @dev Commitments are final here, and each opens to one result at most: so votes are counted once, and since a quorum
    /// is more than half of the seats, no two candidates have one.
    function _propose(Terms memory job, bytes32 resultHash) private {
        require(!_candidate(resultHash).isProposed, AlreadyProposed(resultHash));

        uint16 votes = 0;
        uint256 voters = 0;
        for (uint256 seat = 0; seat < job.seats; ++seat) {
            if (commitmentOf[seat] != _commitment(seat, resultHash)) continue;
            ++votes;
            voters |= 1 << seat;
        }
        progress.candidates += 1;
        if (votes >= job.quorum) {
            leader = resultHash;
            progress.leaderVotes = votes;
        } else {
            _minorities[resultHash] = Candidate({votes: votes, chunks: 0, isProposed: true});
            if (votes != 0) _minoritySeats |= voters;
        }
        emit Proposed(resultHash, msg.sender, votes);
    }

    /* PUBLISH */

    /// @notice Publish chunk `index` of a candidate that one's own commitment opens to; `chunkHashes` are those of all its chunks.
    function publish(
        uint256 seat,
        bytes32 resultHash,
        uint256 index,
        bytes32[] calldata chunkHashes,
        bytes calldata chunk
    ) external {
        Terms memory job = _terms();
        _requireUndecided(job);
        _requireHolder(job, seat);
        _requireOpens(seat, resultHash);

        // The holder's seat is below 256.
        _publish(job, uint16(seat + 1), resultHash, index, chunkHashes, chunk);
    }

    /// @notice Publish chunk `index` of any candidate; referee only.
    function publishAsReferee(bytes32 resultHash, uint256 index, bytes32[] calldata chunkHashes, bytes calldata chunk)
        external
        onlyReferee
    {
        Terms memory job = _terms();
        _requireUndecided(job);

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
        else _minorities[resultHash].chunks += 1;
        emit ChunkPublished(resultHash, index, msg.sender, chunk);
    }

    /* RULE */

    /// @notice Accept a complete candidate, whatever its votes; referee only.
    function rule(bytes32 resultHash) external onlyReferee {
        Terms memory job = _terms();
        _requireUndecided(job);
        require(_isComplete(job, _candidate(resultHash).chunks), NotComplete(resultHash));

        progress.ruling = Ruling.Accept;
        ruledHash = resultHash;
        emit Ruled(resultHash);
    }

    /// @notice Call the task broken: committed seats are released unpaid, absent ones pay; referee only.
    function ruleVoid() external onlyReferee {
        _requireUndecided(_terms());

        progress.ruling = Ruling.Void;
        emit Ruled(0);
    }

    /* SETTLE */

    /// @notice Settle seats of a decided job; anyone, in any order. Seats settled before are passed over, so nobody can block a batch.
    function settle(uint256[] calldata seats) external {
        Terms memory job = _terms();
        (Outcome decision, bytes32 acceptedHash) = _outcome(job);
        require(decision != Outcome.Undecided, WrongPhase(_phase(job), Phase.Decided));

        WorkerRegistry.Settlement[] memory settlements = new WorkerRegistry.Settlement[](seats.length);
        uint256[] memory bonusOf = _bonusOf(job, acceptedHash);
        // A unanimous answer has the votes of all commits: if these are all seats, no commitment needs to be looked at.
        bool allAreRight = decision == Outcome.Unanimous && progress.commits == job.seats;
        uint256 settled = _settledSeats;
        uint256 count = 0;
        for (uint256 i = 0; i < seats.length; ++i) {
            uint256 seat = seats[i];
            require(seat < job.seats, UnknownSeat(seat, job.seats));
            if (settled & (1 << seat) != 0) continue;
            settled |= 1 << seat;
            settlements[count++] = WorkerRegistry.Settlement({
                seat: seat,
                position: _positionOf(job, seat),
                verdict: allAreRight ? WorkerRegistry.Verdict.Rewarded : _verdict(seat, decision, acceptedHash),
                pay: job.reward + bonusOf[seat + 1]
            });
        }
        // Also keeps a finished job from touching the registry, which would bar the server from opening a round.
        require(count != 0, NothingToSettle());
        _settledSeats = settled;
        emit Settled(decision, acceptedHash, count);

        REGISTRY.settle(_shortened(settlements, count));
    }

    /// @dev What each publisher gets of the bonus, numbered as in `publisherOf`; if nothing is accepted, nobody gets it all.
    function _bonusOf(Terms memory job, bytes32 acceptedHash) private view returns (uint256[] memory bonusOf) {
        bonusOf = new uint256[](uint256(job.seats) + 2);
        uint256 chunks = ContentHash.chunkCount(job.resultSize);
        for (uint256 index = 0; index < chunks; ++index) {
            bonusOf[publisherOf[acceptedHash][index]] += job.bonus / chunks;
        }
    }

    function _verdict(uint256 seat, Outcome decision, bytes32 acceptedHash)
        private
        view
        returns (WorkerRegistry.Verdict)
    {
        bytes32 commitment = commitmentOf[seat];
        if (commitment == 0) return WorkerRegistry.Verdict.Absent;
        if (decision == Outcome.Void) return WorkerRegistry.Verdict.Released;
        if (decision == Outcome.Failed) {
            bool opened = _opensToACandidate(seat, commitment);
            return opened ? WorkerRegistry.Verdict.Released : WorkerRegistry.Verdict.Slashed;
        }
        bool right = commitment == _commitment(seat, acceptedHash);
        return right ? WorkerRegistry.Verdict.Rewarded : WorkerRegistry.Verdict.Slashed;
    }

    function _opensToACandidate(uint256 seat, bytes32 commitment) private view returns (bool) {
        if (_minoritySeats & (1 << seat) != 0) return true;
        return progress.leaderVotes != 0 && commitment == _commitment(seat, leader);
    }

    function _shortened(WorkerRegistry.Settlement[] memory settlements, uint256 count)
        private
        pure
        returns (WorkerRegistry.Settlement[] memory)
    {
        // The array is longer than count, or as long: writing its length word drops the unused end.
        assembly ("memory-safe") {
            mstore(settlements, count)
        }
        return settlements;
    }

    /* PHASE AND OUTCOME */

    /// @notice Return the phase at this block's time.
    function phase() external view returns (Phase) {
        return _phase(_terms());
    }

    /// @notice Return how the job is decided at this block's time and, if a result is accepted, its hash. Once decided, it stays.
    function outcome() external view returns (Outcome, bytes32 acceptedHash) {
        return _outcome(_terms());
    }

    function _phase(Terms memory job) private view returns (Phase) {
        if (block.timestamp < _commitEnd(job)) return Phase.Commit;
        (Outcome decision,) = _outcome(job);
        if (decision != Outcome.Undecided) return Phase.Decided;
        return block.timestamp < _commitEnd(job) + job.publishWindow ? Phase.Propose : Phase.Referee;
    }

    /// @dev Once decided a job stays so: proposing, publishing and ruling end with the decision, and time only adds to it.
    // slither-disable-start incorrect-equality (counts of what this job lets happen once: nobody can send them past)
    function _outcome(Terms memory job) private view returns (Outcome, bytes32) {
        if (progress.ruling == Ruling.Accept) return (Outcome.Ruled, ruledHash);
        if (progress.ruling == Ruling.Void) return (Outcome.Void, 0);

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
    // slither-disable-end incorrect-equality

    function _requirePhase(Phase expected, Terms memory job) private view {
        Phase actual = _phase(job);
        require(actual == expected, WrongPhase(actual, expected));
    }

    /// @dev Between the end of the commit phase and the decision.
    function _requireUndecided(Terms memory job) private view {
        Phase actual = _phase(job);
        require(actual == Phase.Propose || actual == Phase.Referee, WrongPhase(actual, Phase.Referee));
    }

    /// @dev All windows are half-open and follow this moment: nothing is committed at or after it, nothing shown before.
    function _commitEnd(Terms memory job) private view returns (uint256) {
        return progress.allCommittedAt != 0 ? progress.allCommittedAt : job.commitDeadline;
    }

    function _isComplete(Terms memory job, uint256 chunks) private pure returns (bool) {
        // slither-disable-next-line incorrect-equality (as in `_outcome`)
        return chunks == ContentHash.chunkCount(job.resultSize);
    }

    /* VIEWS */

    /// @notice Return the job's terms.
    function terms() external view returns (Terms memory) {
        return _terms();
    }

    /// @notice Return what is known of a candidate; of anything else that it is not proposed.
    function candidateOf(bytes32 resultHash) external view returns (Candidate memory) {
        return _candidate(resultHash);
    }

    /// @notice Return when the commit phase ends or has ended: the deadline until the last seat commits.
    function commitEnd() external view returns (uint256) {
        return _commitEnd(_terms());
    }

    /// @notice Return the holders of all seats.
    function committee() external view returns (address[] memory holders) {
        Terms memory job = _terms();
        holders = new address[](job.seats);
        for (uint256 seat = 0; seat < job.seats; ++seat) {
            holders[seat] = _holderOf(job, seat);
        }
    }

    /// @notice Return which seat of the round the worker at `position` at the end of snapshotBlock holds; seats of all jobs are
    /// numbered through, this job's begin at `index · seats`.
    function roundSeatOf(uint256 position) external view returns (uint256) {
        Terms memory job = _terms();
        require(position < job.poolSize, UnknownPosition(position, job.poolSize));
        return CommitteeDraw.seatOf(job.seed, job.poolSize, job.radix, position);
    }

    /// @notice Return the commitment of `seat` to `resultHash` in this job.
    function commitmentFor(uint256 seat, bytes32 resultHash) external view returns (bytes32) {
        return _commitment(seat, resultHash);
    }

    /// @notice Return whether a seat is settled.
    function isSettled(uint256 seat) external view returns (bool) {
        return _settledSeats & (1 << seat) != 0;
    }

    function _candidate(bytes32 resultHash) private view returns (Candidate memory) {
        if (!_isLeader(resultHash)) return _minorities[resultHash];
        return Candidate({votes: progress.leaderVotes, chunks: progress.leaderChunks, isProposed: true});
    }

    function _isLeader(bytes32 resultHash) private view returns (bool) {
        return progress.leaderVotes != 0 && resultHash == leader;
    }

    function _holderOf(Terms memory job, uint256 seat) private view returns (address) {
        return REGISTRY.workerAt(_positionOf(job, seat), job.snapshotBlock);
    }

    /// @dev Job j of a round has the seats j·k … (j+1)·k - 1 of the draw.
    function _positionOf(Terms memory job, uint256 seat) private pure returns (uint256) {
        return CommitteeDraw.positionOf(job.seed, job.poolSize, job.radix, uint256(job.index) * job.seats + seat);
    }

    function _terms() private view returns (Terms memory) {
        return JobTerms.unpack(Clones.fetchCloneArgs(address(this)));
    }
}
