// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Terms} from "../libraries/JobTerms.sol";
import {IWorkerRegistry} from "./IWorkerRegistry.sol";

/// @title IJob
/// @notice One learning task: a committee commits to its result, one seat publishes it, all seats are paid or
/// penalised.
interface IJob {
    enum Phase {
        Commit, // until every seat has committed, or the deadline
        Propose, // anyone proposes what a seat committed to
        Referee, // only the referee proposes
        Decided // the outcome is final, seats can be settled
    }

    enum Outcome {
        Undecided,
        Unanimous, // accepted: every seat that committed agrees, and the challenge window is over
        Uncontested, // accepted: a quorum agrees, and nothing else was proposed in time
        Quorum, // accepted: a quorum agrees, others do not, and the referee did not rule
        Ruled, // accepted: the referee says so
        Failed, // nothing accepted: no quorum, and the referee did not rule; or not one claim that stands
        Void, // nothing accepted: the server says that the task is broken
        Upheld // accepted: the one result with a claim that stands
    }

    enum Ruling {
        None,
        Accept,
        Void,
        Disputed // claims decide
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
        uint32 standing; // results with a claim that is not refuted
        uint8 leaderChunks; // published ones
        Ruling ruling;
    }

    /// @notice Emitted when a seat commits to a result.
    /// @param seat The seat.
    /// @param worker Its holder.
    /// @param commitment The commitment.
    event Committed(uint256 indexed seat, address indexed worker, bytes32 commitment);

    /// @notice Emitted when a result becomes a candidate.
    /// @param resultHash The content hash of the result.
    /// @param proposer Who proposed it.
    /// @param votes The number of seats whose commitment opens to it.
    event Proposed(bytes32 indexed resultHash, address indexed proposer, uint256 votes);

    /// @notice Emitted when a chunk of a candidate is published.
    /// @param resultHash The content hash of the candidate.
    /// @param index The number of the chunk.
    /// @param publisher Who published it.
    /// @param chunk Its bytes.
    event ChunkPublished(bytes32 indexed resultHash, uint256 indexed index, address indexed publisher, bytes chunk);

    /// @notice Emitted when the referee rules, or the server calls the task broken.
    /// @param resultHash The content hash of the accepted candidate, zero if the task is broken.
    event Ruled(bytes32 indexed resultHash);

    /// @notice Emitted when seats are settled; the registry emits an event for each of them.
    /// @param outcome How the job was decided.
    /// @param acceptedHash The content hash of the accepted result, zero if there is none.
    /// @param seats How many seats were settled.
    event Settled(Outcome indexed outcome, bytes32 indexed acceptedHash, uint256 seats);

    /// @notice The call is legal from phase `first` to phase `last`, and the job is in phase `actual`.
    error WrongPhase(Phase actual, Phase first, Phase last);
    /// @notice The caller is not the referee.
    error NotTheReferee(address caller);
    /// @notice The caller does not hold the seat.
    error NotTheHolder(address caller, uint256 seat);
    /// @notice The job has fewer seats.
    error UnknownSeat(uint256 seat, uint256 seats);
    /// @notice The round's pool has fewer positions.
    error UnknownPosition(uint256 position, uint256 poolSize);
    /// @notice A commitment must not be zero.
    error EmptyCommitment();
    /// @notice The seat has committed before.
    error AlreadyCommitted(uint256 seat);
    /// @notice The seat's commitment does not open to this result.
    error DoesNotOpen(uint256 seat, bytes32 resultHash);
    /// @notice The result is a candidate already.
    error AlreadyProposed(bytes32 resultHash);
    /// @notice The result is not a candidate.
    error NotProposed(bytes32 resultHash);
    /// @notice The chunk has been published before.
    error AlreadyPublished(bytes32 resultHash, uint256 index);
    /// @notice Not every chunk of the candidate is published.
    error NotComplete(bytes32 resultHash);
    /// @notice The candidate is left to the seats until then.
    error TooEarly(uint256 time);
    /// @notice None of the seats is unsettled.
    error NothingToSettle();

    /// @notice Commit to a result, once per seat, in phase Commit. The seat's holder only.
    /// @param seat The caller's seat.
    /// @param commitment What `commitmentFor(seat, resultHash)` returns.
    function commit(uint256 seat, bytes32 commitment) external;

    /// @notice Propose the result that a seat committed to, unless it is a candidate already; in phase Propose. Anyone.
    /// @param seat A seat whose commitment opens to the result.
    /// @param resultHash The content hash of the result.
    function propose(uint256 seat, bytes32 resultHash) external;

    /// @notice Propose any result, in phases Propose and Referee. The referee or, where that is a game, anyone.
    /// @param resultHash The content hash of the result.
    function proposeAny(bytes32 resultHash) external;

    /// @notice Publish a chunk of the candidate that the caller's commitment opens to, in phases Propose and Referee.
    /// @param seat The caller's seat.
    /// @param resultHash The content hash of the candidate.
    /// @param index The number of the chunk.
    /// @param chunkHashes The hashes of all chunks of the candidate.
    /// @param chunk The bytes of the chunk.
    function publish(
        uint256 seat,
        bytes32 resultHash,
        uint256 index,
        bytes32[] calldata chunkHashes,
        bytes calldata chunk
    ) external;

    /// @notice Publish a chunk of any candidate, without a share of the bonus, in phases Propose and Referee. The
    /// referee or, where that is a game, anyone: a candidate with votes from the middle of the publish window on.
    /// @param resultHash The content hash of the candidate.
    /// @param index The number of the chunk.
    /// @param chunkHashes The hashes of all chunks of the candidate.
    /// @param chunk The bytes of the chunk.
    function publishUnpaid(bytes32 resultHash, uint256 index, bytes32[] calldata chunkHashes, bytes calldata chunk)
        external;

    /// @notice Accept a candidate whose chunks are all published, whatever its votes. Referee only.
    /// @param resultHash The content hash of the candidate.
    function rule(bytes32 resultHash) external;

    /// @notice Declare the task broken: seats that committed are released unpaid, absent ones pay. Server only.
    function ruleVoid() external;

    /// @notice Settle seats of a decided job. Anyone, in any order; seats settled before are skipped.
    /// @param seats The seats.
    function settle(uint256[] calldata seats) external;

    /// @notice Return the phase at the current block's time.
    /// @return current The phase.
    function phase() external view returns (Phase current);

    /// @notice Return how the job is decided at the current block's time; a decision is final.
    /// @return decision The outcome.
    /// @return acceptedHash The content hash of the accepted result, zero if there is none.
    function outcome() external view returns (Outcome decision, bytes32 acceptedHash);

    /// @notice Return the terms that the job was deployed with.
    /// @return jobTerms The terms.
    function terms() external view returns (Terms memory jobTerms);

    /// @notice Return the votes of a result and how much of it is published.
    /// @param resultHash The content hash of the result.
    /// @return candidate What is known of it, all zero unless it was proposed.
    function candidateOf(bytes32 resultHash) external view returns (Candidate memory candidate);

    /// @notice Return when the commit phase ends or ended: at the deadline, or earlier with the last seat's commit.
    /// @return timestamp The time, in seconds.
    function commitEnd() external view returns (uint256 timestamp);

    /// @notice Return the holders of all seats.
    /// @return holders The workers, by seat.
    function committee() external view returns (address[] memory holders);

    /// @notice Return which seat of the round a member of its pool holds. The seats of this job are those from
    /// `index · seats` to `(index + 1) · seats - 1`, with `index` and `seats` from its terms.
    /// @param position The member's position in the pool at the snapshot block.
    /// @return roundSeat The seat; from the number of the round's seats on it belongs to no job.
    function roundSeatOf(uint256 position) external view returns (uint256 roundSeat);

    /// @notice Return what a seat has to commit to if a result is its answer.
    /// @param seat The seat.
    /// @param resultHash The content hash of the result.
    /// @return commitment The commitment.
    function commitmentFor(uint256 seat, bytes32 resultHash) external view returns (bytes32 commitment);

    /// @notice Return whether a seat is settled.
    /// @param seat The seat.
    /// @return settled Whether it is.
    function isSettled(uint256 seat) external view returns (bool settled);

    /// @notice Return what every commitment begins with, so that it means nothing outside this protocol.
    /// @return domain The first word that is hashed.
    function COMMITMENT_DOMAIN() external view returns (bytes32 domain);

    /// @notice Return the referee of last resort: the learning server, or a game about claims.
    /// @return referee Its address.
    function REFEREE() external view returns (address referee);

    /// @notice Return the registry that settles this job's seats.
    /// @return registry The pool of workers, which holds all ether.
    function REGISTRY() external view returns (IWorkerRegistry registry);

    /// @notice Return how far the job has come.
    /// @return commits The number of seats that committed.
    /// @return allCommittedAt The time of the last seat's commit, zero before.
    /// @return candidates The number of candidates; where anyone proposes, of those that have votes.
    /// @return leaderVotes The votes of the leader, zero without one.
    /// @return standing The number of results with a claim that is not refuted.
    /// @return leaderChunks The number of published chunks of the leader.
    /// @return ruling What the referee has ruled, or that claims decide.
    function progress()
        external
        view
        returns (
            uint16 commits,
            uint40 allCommittedAt,
            uint16 candidates,
            uint16 leaderVotes,
            uint32 standing,
            uint8 leaderChunks,
            Ruling ruling
        );

    /// @notice Return the result that the referee accepted.
    /// @return resultHash Its content hash, zero if the referee has not ruled or declared the task broken.
    function ruledHash() external view returns (bytes32 resultHash);

    /// @notice Return what a seat committed to.
    /// @param seat The seat.
    /// @return commitment The commitment, zero if there is none.
    function commitmentOf(uint256 seat) external view returns (bytes32 commitment);

    /// @notice Return the leader: the only candidate that has a quorum.
    /// @return resultHash Its content hash, zero without one.
    function leader() external view returns (bytes32 resultHash);

    /// @notice Return who published a chunk of a candidate.
    /// @param resultHash The content hash of the candidate.
    /// @param index The number of the chunk.
    /// @return publisher Its publisher's seat plus one, `seats + 1` for an unpaid one, zero before it is published.
    function publisherOf(bytes32 resultHash, uint256 index) external view returns (uint16 publisher);
}
