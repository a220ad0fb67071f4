// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Job} from "./Job.sol";
import {ModelRegistry} from "./ModelRegistry.sol";
import {WorkerRegistry} from "./WorkerRegistry.sol";
import {CommitteeDraw} from "./libraries/CommitteeDraw.sol";
import {ContentHash} from "./libraries/ContentHash.sol";
import {JobTerms, Terms} from "./libraries/JobTerms.sol";

/// @title JobFactory
/// @notice "Deploy Jobs": the learning server posts rounds of jobs here, with their pay in escrow.
/// @dev The constructor creates the registry and the job that all clones run, so that one transaction wires the whole
/// protocol and nobody can wire it otherwise.
contract JobFactory {
    using SafeCast for uint256;

    struct Parameters {
        uint256 stake; // wei
        uint256 absenceFee; // wei
        uint256 minWindow; // seconds: ten times what an honest transaction may take
        uint256 maxRoundDuration; // seconds
        bool permissioned;
    }

    struct RoundTerms {
        uint256 modelVersion;
        uint256 snapshotBlock;
        uint256 jobs;
        uint256 seats; // per job
        uint256 quorum;
        uint256 reward; // wei, per seat
        uint256 bonus; // wei, per job
        uint256 resultSize; // bytes
        uint256 commitWindow; // seconds, like the next three
        uint256 publishWindow;
        uint256 refereeWindow;
        uint256 challengeWindow;
    }

    /// @notice Announces a round; `task` says what to train, the same for all of its jobs.
    event RoundDeployed(
        uint256 indexed round,
        uint256 indexed modelVersion,
        bytes32 seed,
        uint256 poolSize,
        uint256 commitDeadline,
        RoundTerms terms,
        bytes task
    );

    /// @notice Announces a job of a round.
    event JobDeployed(uint256 indexed round, uint256 indexed index, address indexed job, bytes32 taskHash);

    error NotTheServer(address caller);
    error ForeignModelRegistry(address server);
    error InvalidWindows(uint256 minWindow, uint256 maxRoundDuration);
    error WindowTooShort(uint256 window, uint256 minWindow);
    error RoundTooLong(uint256 duration, uint256 maxRoundDuration);
    error ChallengeOutlastsPublishing(uint256 challengeWindow, uint256 publishWindow);
    error InvalidJobs(uint256 jobs, uint256 maximum);
    error InvalidSeats(uint256 seats, uint256 maximum);
    error InvalidQuorum(uint256 quorum, uint256 seats);
    error NoReward();
    error IncompleteModel(uint256 version);
    error WrongEscrow(uint256 actual, uint256 expected);

    /// @notice The most jobs of a round.
    uint256 public constant MAX_JOBS = 64;

    /// @notice The most seats of a job.
    uint256 public constant MAX_SEATS = 256;

    /// @notice The learning server, who alone deploys rounds.
    address public immutable SERVER;

    /// @notice The shortest commit, publish or referee window of a round, in seconds.
    uint256 public immutable MIN_WINDOW;

    /// @notice The longest sum of those three windows, in seconds: how long a stake can be held.
    uint256 public immutable MAX_ROUND_DURATION;

    /// @notice Where the versions of the model are.
    ModelRegistry public immutable MODELS;

    /// @notice The pool of workers, and all ether.
    WorkerRegistry public immutable REGISTRY;

    /// @notice The contract whose code all jobs run.
    Job public immutable IMPLEMENTATION;

    /// @notice The number of the newest round, counted from one; zero before the first.
    uint256 public latestRound;

    /// @notice Make the deployer the learning server; reverts for parameters under which a guarantee fails.
    constructor(ModelRegistry models, Parameters memory parameters) {
        require(models.SERVER() == msg.sender, ForeignModelRegistry(models.SERVER()));
        require(
            parameters.minWindow != 0 && parameters.maxRoundDuration <= type(uint32).max
                && parameters.minWindow <= parameters.maxRoundDuration / 3,
            InvalidWindows(parameters.minWindow, parameters.maxRoundDuration)
        );

        SERVER = msg.sender;
        MIN_WINDOW = parameters.minWindow;
        MAX_ROUND_DURATION = parameters.maxRoundDuration;
        MODELS = models;
        REGISTRY = new WorkerRegistry(msg.sender, parameters.stake, parameters.absenceFee, parameters.permissioned);
        IMPLEMENTATION = new Job(msg.sender, REGISTRY);
    }

    /* DEPLOY */

    /// @notice Deploy a round of jobs with exactly its pay as value; server only. Reverts while a seat of an earlier round
    /// is unsettled, so new weights never go to a worker that owes an answer.
    /// @dev The server draws `serverRandom` when snapshotBlock is final, so no block proposer and no worker can choose the seed.
    /// The server could, by drawing again: it is trusted.
    function deployRound(RoundTerms calldata terms, bytes32 serverRandom, bytes calldata task)
        external
        payable
        returns (uint256 round)
    {
        require(msg.sender == SERVER, NotTheServer(msg.sender));
        _checkTerms(terms);
        uint256 escrow = terms.jobs * (terms.seats * terms.reward + terms.bonus);
        require(msg.value == escrow, WrongEscrow(msg.value, escrow));

        round = ++latestRound;
        uint256 poolSize = REGISTRY.open{value: msg.value}(terms.snapshotBlock, terms.jobs * terms.seats);
        bytes32 seed = keccak256(abi.encode(serverRandom, blockhash(terms.snapshotBlock), round));
        uint256 commitDeadline = block.timestamp + terms.commitWindow;
        emit RoundDeployed(round, terms.modelVersion, seed, poolSize, commitDeadline, terms, task);
        _deployJobs(terms, round, poolSize, seed, commitDeadline, keccak256(task));
    }

    /// @dev The order is that of the arguments. The windows' sum bounds each of them by 2^32.
    function _checkTerms(RoundTerms calldata terms) private view {
        require(MODELS.isComplete(terms.modelVersion), IncompleteModel(terms.modelVersion));
        require(terms.jobs != 0 && terms.jobs <= MAX_JOBS, InvalidJobs(terms.jobs, MAX_JOBS));
        require(terms.seats != 0 && terms.seats <= MAX_SEATS, InvalidSeats(terms.seats, MAX_SEATS));
        require(
            terms.quorum > terms.seats / 2 && terms.quorum <= terms.seats, InvalidQuorum(terms.quorum, terms.seats)
        );
        require(terms.reward != 0, NoReward());
        ContentHash.checkSize(terms.resultSize);
        _checkWindow(terms.commitWindow);
        _checkWindow(terms.publishWindow);
        _checkWindow(terms.refereeWindow);
        uint256 duration = terms.commitWindow + terms.publishWindow + terms.refereeWindow;
        require(duration <= MAX_ROUND_DURATION, RoundTooLong(duration, MAX_ROUND_DURATION));
        // A longer audit would end after an uncontested answer already stands.
        require(
            terms.challengeWindow <= terms.publishWindow, ChallengeOutlastsPublishing(terms.challengeWindow, terms.publishWindow)
        );
    }

    function _checkWindow(uint256 window) private view {
        require(window >= MIN_WINDOW, WindowTooShort(window, MIN_WINDOW));
    }

    /// @dev The task hash takes in round and index, so no two jobs ever have the same task.
    function _deployJobs(
        RoundTerms calldata terms,
        uint256 round,
        uint256 poolSize,
        bytes32 seed,
        uint256 commitDeadline,
        bytes32 descriptionHash
    ) private {
        Terms memory jobTerms = Terms({
            seed: seed,
            round: round.toUint32(),
            index: 0,
            snapshotBlock: terms.snapshotBlock.toUint40(),
            poolSize: poolSize.toUint32(),
            radix: CommitteeDraw.radixOf(poolSize).toUint24(),
            seats: terms.seats.toUint16(),
            quorum: terms.quorum.toUint16(),
            resultSize: terms.resultSize.toUint24(),
            commitDeadline: commitDeadline.toUint40(),
            publishWindow: terms.publishWindow.toUint32(),
            refereeWindow: terms.refereeWindow.toUint32(),
            challengeWindow: terms.challengeWindow.toUint32(),
            reward: terms.reward.toUint96(),
            bonus: terms.bonus.toUint96()
        });
        for (uint256 index = 0; index < terms.jobs; ++index) {
            jobTerms.index = index.toUint8();
            address job =
                Clones.cloneDeterministicWithImmutableArgs(address(IMPLEMENTATION), JobTerms.pack(jobTerms), 0);
            emit JobDeployed(round, index, job, keccak256(abi.encode(descriptionHash, round, index)));
        }
    }

    /* VIEWS */

    /// @notice Return whether this factory deployed `job`.
    /// @dev A clone's address is a hash of this factory, the implementation and the terms in the clone's code; so the code
    /// proves itself and nothing is stored.
    function isJob(address job) external view returns (bool) {
        if (job.code.length <= 0x2d) return false; // shorter than a clone without terms, which fetchCloneArgs would trip on
        bytes memory words = Clones.fetchCloneArgs(job);
        return job == Clones.predictDeterministicAddressWithImmutableArgs(address(IMPLEMENTATION), words, 0);
    }
}
