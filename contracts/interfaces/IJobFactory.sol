// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ModelRegistry} from "../ModelRegistry.sol";
import {IJob} from "./IJob.sol";
import {IWorkerRegistry} from "./IWorkerRegistry.sol";

/// @title IJobFactory
/// @notice "Deploy Jobs": the learning server deploys rounds of jobs here, with their pay in escrow.
interface IJobFactory {
    struct Parameters {
        uint256 stake; // wei
        uint256 absenceFee; // wei
        uint256 minWindow; // seconds: ten times what an honest transaction may take
        uint256 maxRoundDuration; // seconds
        uint256 minSeats; // per job
        bool permissioned;
        address referee; // a game about claims, or zero for the server
        address versionReferee; // who shows that a version is wrong, or zero for nobody
        bytes32 randomAnchor; // the end of the server's hash chain of random numbers
    }

    struct RoundTerms {
        uint256 modelVersion;
        uint256 jobs;
        uint256 seats; // per job
        uint256 quorum; // seats
        uint256 reward; // wei, per seat
        uint256 bonus; // wei, per job
        uint256 resultSize; // bytes
        uint256 commitWindow; // seconds, like the next three
        uint256 publishWindow;
        uint256 refereeWindow;
        uint256 challengeWindow;
    }

    /// @notice Emitted when the server fixes the pool, and with it the draw, of the next round.
    /// @param round The number of that round.
    /// @param snapshotBlock The current block: the committees are drawn from the pool as of its end, and by its hash.
    event RoundScheduled(uint256 indexed round, uint256 snapshotBlock);

    /// @notice Emitted when a round is deployed.
    /// @param round Its number, counted from one.
    /// @param modelVersion The version of the model that its jobs train.
    /// @param snapshotBlock The block at whose end the pool is drawn from.
    /// @param seed What the committees are drawn by, and all that is random in a job follows from.
    /// @param poolSize The number of members at the snapshot block.
    /// @param commitDeadline The time at which committing ends at the latest, in seconds.
    /// @param terms The terms of all its jobs.
    /// @param task What to train, the same for all its jobs.
    event RoundDeployed(
        uint256 indexed round,
        uint256 indexed modelVersion,
        uint256 snapshotBlock,
        bytes32 seed,
        uint256 poolSize,
        uint256 commitDeadline,
        RoundTerms terms,
        bytes task
    );

    /// @notice Emitted for each job of a round.
    /// @param round The number of the round.
    /// @param index The number of the job in the round, counted from zero.
    /// @param job The job.
    /// @param taskHash The hash of the recipe's hash, the model's, its parent's and the version's number.
    event JobDeployed(uint256 indexed round, uint256 indexed index, address indexed job, bytes32 taskHash);

    /// @notice Emitted when the server says where a data set can be fetched.
    /// @param fingerprint What names the data set in a recipe, and what has to be checked before it is used.
    /// @param url The address.
    event DataAnnounced(bytes32 indexed fingerprint, string url);

    /// @notice Emitted when a version is shown not to follow: no round can be deployed from then on.
    /// @param version Its number.
    /// @param finder Who has shown it.
    event VersionRefuted(uint256 indexed version, address indexed finder);

    /// @notice The model registry belongs to another server.
    error ForeignModelRegistry(address server);
    /// @notice Three shortest windows must fit into the longest round, and that into 32 bits.
    error InvalidWindows(uint256 minWindow, uint256 maxRoundDuration);
    /// @notice A commit, publish or referee window is shorter than the deployment allows, or one clock of a game.
    error WindowTooShort(uint256 window, uint256 minWindow);
    /// @notice The three windows together are longer than the deployment allows.
    error RoundTooLong(uint256 duration, uint256 maxRoundDuration);
    /// @notice The challenge window must end no later than the publish window.
    error ChallengeOutlastsPublishing(uint256 challengeWindow, uint256 publishWindow);
    /// @notice A round has from 1 to `maximum` jobs.
    error InvalidJobs(uint256 jobs, uint256 maximum);
    /// @notice A job has from `minimum` to `maximum` seats.
    error InvalidSeats(uint256 seats, uint256 minimum, uint256 maximum);
    /// @notice A quorum is more than half of the seats and no more than all.
    error InvalidQuorum(uint256 quorum, uint256 seats);
    /// @notice The reward must not be zero.
    error NoReward();
    /// @notice Only the referee of versions may call this.
    error NotTheVersionReferee(address caller);
    /// @notice A version has been shown not to follow.
    error VersionIsRefuted(uint256 version);
    /// @notice All rounds learn by the recipe of the first.
    error AnotherRecipe(bytes32 actual, bytes32 expected);
    /// @notice The version of the model is not completely published.
    error IncompleteModel(uint256 version);
    /// @notice A round is scheduled, and can still be deployed.
    error AlreadyScheduled(uint256 snapshotBlock);
    /// @notice No round is scheduled.
    error NotScheduled();
    /// @notice The number is not the next one of the server's hash chain: its hash is `actual`.
    error WrongRandom(bytes32 actual, bytes32 expected);
    /// @notice The value is not the pay of the round.
    error WrongEscrow(uint256 actual, uint256 expected);

    /// @notice Fix the next round's snapshot block: the current one, whose hash nobody can know yet. Reverts while a
    /// scheduled round can still be deployed. Server only.
    function scheduleRound() external;

    /// @notice Deploy the scheduled round with exactly its pay as value; reverts while the round before is unsettled,
    /// so that no new model goes to a worker that owes an answer. Server only.
    /// @param terms The terms of all its jobs.
    /// @param serverRandom The next number of the server's hash chain: the one whose hash is `randomHead()`.
    /// @param task What to train, the same for all its jobs.
    /// @return round The number of the round, counted from one.
    function deployRound(RoundTerms calldata terms, bytes32 serverRandom, bytes calldata task)
        external
        payable
        returns (uint256 round);

    /// @notice Say where a data set can be fetched. Server only.
    /// @param fingerprint What names the data set in a recipe.
    /// @param url The address.
    function announceData(bytes32 fingerprint, string calldata url) external;

    /// @notice Take note that a version does not follow from what was accepted. Referee of versions only, and once.
    /// @param version Its number.
    /// @param finder Who has shown it.
    function setRefuted(uint256 version, address finder) external;

    /// @notice Return whether this factory deployed `job`.
    /// @param job Any address.
    /// @return deployed Whether it did.
    function isJob(address job) external view returns (bool deployed);

    /// @notice Return the greatest number of jobs of a round.
    /// @return jobs The number.
    function MAX_JOBS() external view returns (uint256 jobs);

    /// @notice Return the least number of seats of a job.
    /// @return seats The number.
    function MIN_SEATS() external view returns (uint256 seats);

    /// @notice Return the greatest number of seats of a job.
    /// @return seats The number.
    function MAX_SEATS() external view returns (uint256 seats);

    /// @notice Return the shortest commit, publish or referee window of a round.
    /// @return window The time, in seconds.
    function MIN_WINDOW() external view returns (uint256 window);

    /// @notice Return the longest sum of those three windows, and so how long a round can hold a stake.
    /// @return duration The time, in seconds.
    function MAX_ROUND_DURATION() external view returns (uint256 duration);

    /// @notice Return who decides what seats cannot.
    /// @return referee The server, or a game about claims.
    function REFEREE() external view returns (address referee);

    /// @notice Return who shows that a version of the model is wrong.
    /// @return referee The contract, zero if there is none.
    function VERSION_REFEREE() external view returns (address referee);

    /// @notice Return where the versions of the model are published.
    /// @return models The registry of models.
    function MODELS() external view returns (ModelRegistry models);

    /// @notice Return the pool of workers, which holds all ether.
    /// @return registry The registry of workers.
    function REGISTRY() external view returns (IWorkerRegistry registry);

    /// @notice Return the contract whose code all jobs run.
    /// @return implementation The contract.
    function IMPLEMENTATION() external view returns (IJob implementation);

    /// @notice Return the hash of the number that the next round has to be deployed with.
    /// @return head The number of the latest round; before the first, the anchor.
    function randomHead() external view returns (bytes32 head);

    /// @notice Return the snapshot block of the round that is scheduled.
    /// @return snapshotBlock The block, zero if none is.
    function scheduledBlock() external view returns (uint256 snapshotBlock);

    /// @notice Return the hash of the recipe that all rounds learn by.
    /// @return hash The hash; zero before the first round.
    function recipeHash() external view returns (bytes32 hash);

    /// @notice Return the version that was shown not to follow from what was accepted.
    /// @return version Its number, zero if there is none.
    function refutedVersion() external view returns (uint256 version);

    /// @notice Return the number of the latest round.
    /// @return round The number, counted from one; zero before the first.
    function latestRound() external view returns (uint256 round);
}
