// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Job} from "./Job.sol";
import {ModelRegistry} from "./ModelRegistry.sol";
import {ServerOwned} from "./ServerOwned.sol";
import {WorkerRegistry} from "./WorkerRegistry.sol";
import {IJob} from "./interfaces/IJob.sol";
import {IJobFactory} from "./interfaces/IJobFactory.sol";
import {IWorkerRegistry} from "./interfaces/IWorkerRegistry.sol";
import {CommitteeDraw} from "./libraries/CommitteeDraw.sol";
import {ContentHash} from "./libraries/ContentHash.sol";
import {JobTerms, Terms} from "./libraries/JobTerms.sol";

/// @title JobFactory
/// @notice "Deploy Jobs": the learning server deploys rounds of jobs here, with their pay in escrow.
/// @dev The constructor creates the registry and the job that all clones run, so that one transaction wires the whole
/// protocol and nobody can wire it otherwise.
contract JobFactory is IJobFactory, ServerOwned {
    using SafeCast for uint256;

    /// @inheritdoc IJobFactory
    uint256 public constant MAX_JOBS = 64;

    /// @inheritdoc IJobFactory
    uint256 public constant MAX_SEATS = 256;

    /// @dev The size of an EIP-1167 proxy; the terms are appended to it.
    uint256 private constant PROXY_SIZE = 0x2d;

    /// @inheritdoc IJobFactory
    uint256 public immutable MIN_SEATS;

    /// @inheritdoc IJobFactory
    uint256 public immutable MIN_WINDOW;

    /// @inheritdoc IJobFactory
    uint256 public immutable MAX_ROUND_DURATION;

    /// @inheritdoc IJobFactory
    address public immutable REFEREE;

    /// @inheritdoc IJobFactory
    address public immutable VERSION_REFEREE;

    /// @inheritdoc IJobFactory
    ModelRegistry public immutable MODELS;

    /// @inheritdoc IJobFactory
    IWorkerRegistry public immutable REGISTRY;

    /// @inheritdoc IJobFactory
    IJob public immutable IMPLEMENTATION;

    /// @inheritdoc IJobFactory
    bytes32 public randomHead;

    /// @inheritdoc IJobFactory
    uint256 public scheduledBlock;

    /// @inheritdoc IJobFactory
    bytes32 public recipeHash;

    uint128 private _latestRound;

    uint128 private _refutedVersion;

    /// @notice Make the deployer the learning server; reverts for parameters under which a guarantee would fail.
    /// @param models The server's registry of models.
    /// @param parameters What holds for all rounds.
    constructor(ModelRegistry models, Parameters memory parameters) ServerOwned(msg.sender) {
        require(models.SERVER() == msg.sender, ForeignModelRegistry(models.SERVER()));
        require(
            parameters.minWindow != 0 && parameters.maxRoundDuration <= type(uint32).max
                && parameters.minWindow <= parameters.maxRoundDuration / 3,
            InvalidWindows(parameters.minWindow, parameters.maxRoundDuration)
        );
        require(
            parameters.minSeats != 0 && parameters.minSeats <= MAX_SEATS,
            InvalidSeats(parameters.minSeats, 1, MAX_SEATS)
        );

        randomHead = parameters.randomAnchor;
        MIN_SEATS = parameters.minSeats;
        MIN_WINDOW = parameters.minWindow;
        MAX_ROUND_DURATION = parameters.maxRoundDuration;
        REFEREE = parameters.referee == address(0) ? msg.sender : parameters.referee;
        VERSION_REFEREE = parameters.versionReferee;
        MODELS = models;
        REGISTRY = new WorkerRegistry(msg.sender, parameters.stake, parameters.absenceFee, parameters.permissioned);
        IMPLEMENTATION = new Job(msg.sender, REFEREE, REGISTRY);
    }

    /* SCHEDULE */

    /// @inheritdoc IJobFactory
    /// @dev The draw follows from this block's hash, which is not known yet, and from the next number of the server's
    /// hash chain, which has been fixed since deployment: the server can only let the block grow too old, which is on
    /// record. Scheduling while seats are unsettled is of no use: the registry takes no block before a settlement.
    function scheduleRound() external onlyServer {
        uint256 scheduled = scheduledBlock;
        require(scheduled == 0 || block.number > scheduled + REGISTRY.MAX_SNAPSHOT_AGE(), AlreadyScheduled(scheduled));

        scheduledBlock = block.number;
        emit RoundScheduled(uint256(_latestRound) + 1, block.number);
    }

    /* DATA */

    /// @inheritdoc IJobFactory
    function announceData(bytes32 fingerprint, string calldata url) external onlyServer {
        emit DataAnnounced(fingerprint, url);
    }

    /* DEPLOY */

    /// @inheritdoc IJobFactory
    /// @dev The seed binds chain and factory, so nothing that was computed for another deployment, or before this
    /// transaction, is of any use. No block proposer and no worker knows `serverRandom` before.
    function deployRound(RoundTerms calldata terms, bytes32 serverRandom, bytes calldata task)
        external
        payable
        onlyServer
        returns (uint256 round)
    {
        require(_refutedVersion == 0, VersionIsRefuted(_refutedVersion));
        bytes32 taskHash = _bindTask(keccak256(task), terms.modelVersion);
        _checkTerms(terms);
        uint256 escrow = terms.jobs * (terms.seats * terms.reward + terms.bonus);
        require(msg.value == escrow, WrongEscrow(msg.value, escrow));
        bytes32 hashed = keccak256(abi.encode(serverRandom));
        require(hashed == randomHead, WrongRandom(hashed, randomHead));

        round = ++_latestRound;
        randomHead = serverRandom;
        Terms memory job = _open(terms, round, serverRandom);
        job.taskHash = taskHash;
        emit RoundDeployed(
            round, terms.modelVersion, job.snapshotBlock, job.seed, job.poolSize, job.commitDeadline, terms, task
        );
        _deployJobs(job, terms.jobs);
    }

    /// @dev What a job trains follows from what this returns, its seed and its index alone. From the first round on,
    /// whoever joins knows the recipe.
    function _bindTask(bytes32 recipe, uint256 modelVersion) private returns (bytes32) {
        (bytes32 model, bytes32 parent) = MODELS.lineageOf(modelVersion);
        require(model != 0, IncompleteModel(modelVersion));
        bytes32 bound = recipeHash;
        if (bound == 0) recipeHash = recipe;
        else require(recipe == bound, AnotherRecipe(recipe, bound));

        return keccak256(abi.encode(recipe, model, parent, modelVersion));
    }

    /// @dev In the order of the terms. The windows' sum bounds each of them by 2^32.
    function _checkTerms(RoundTerms calldata terms) private view {
        require(terms.jobs != 0 && terms.jobs <= MAX_JOBS, InvalidJobs(terms.jobs, MAX_JOBS));
        require(
            terms.seats >= MIN_SEATS && terms.seats <= MAX_SEATS, InvalidSeats(terms.seats, MIN_SEATS, MAX_SEATS)
        );
        require(
            terms.quorum > terms.seats / 2 && terms.quorum <= terms.seats, InvalidQuorum(terms.quorum, terms.seats)
        );
        require(terms.reward != 0, NoReward());
        ContentHash.checkSize(terms.resultSize);
        _checkWindow(terms.commitWindow);
        _checkWindow(terms.publishWindow);
        // A game takes five times as long as one of its clocks, and what all seats agree on needs time to be disputed.
        if (REFEREE != SERVER) {
            _checkWindow(terms.refereeWindow / 5);
            _checkWindow(terms.challengeWindow);
        } else {
            _checkWindow(terms.refereeWindow);
        }
        uint256 duration = terms.commitWindow + terms.publishWindow + terms.refereeWindow;
        require(duration <= MAX_ROUND_DURATION, RoundTooLong(duration, MAX_ROUND_DURATION));
        // A longer challenge window would end after an uncontested result is accepted already.
        require(
            terms.challengeWindow <= terms.publishWindow,
            ChallengeOutlastsPublishing(terms.challengeWindow, terms.publishWindow)
        );
    }

    function _checkWindow(uint256 window) private view {
        require(window >= MIN_WINDOW, WindowTooShort(window, MIN_WINDOW));
    }

    /// @dev Uses the schedule up, locks the escrow and returns the terms of the round's first job.
    function _open(RoundTerms calldata terms, uint256 round, bytes32 serverRandom) private returns (Terms memory) {
        uint256 snapshotBlock = scheduledBlock;
        require(snapshotBlock != 0, NotScheduled());

        scheduledBlock = 0;
        // The registry is this factory's own and calls nobody, so what follows may come after the call.
        uint256 poolSize = REGISTRY.open{value: msg.value}(snapshotBlock, terms.jobs * terms.seats);
        return Terms({
            seed: keccak256(abi.encode(block.chainid, address(this), serverRandom, blockhash(snapshotBlock), round)),
            taskHash: 0,
            round: round.toUint32(),
            index: 0,
            snapshotBlock: snapshotBlock.toUint40(),
            poolSize: poolSize.toUint32(),
            radix: CommitteeDraw.radixOf(poolSize).toUint24(),
            seats: terms.seats.toUint16(),
            quorum: terms.quorum.toUint16(),
            resultSize: terms.resultSize.toUint24(),
            commitDeadline: (block.timestamp + terms.commitWindow).toUint40(),
            publishWindow: terms.publishWindow.toUint32(),
            refereeWindow: terms.refereeWindow.toUint32(),
            challengeWindow: terms.challengeWindow.toUint32(),
            reward: terms.reward.toUint96(),
            bonus: terms.bonus.toUint96()
        });
    }

    function _deployJobs(Terms memory job, uint256 jobs) private {
        for (uint256 index = 0; index < jobs; ++index) {
            job.index = index.toUint8();
            address clone = Clones.cloneDeterministicWithImmutableArgs(address(IMPLEMENTATION), JobTerms.pack(job), 0);
            emit JobDeployed(job.round, index, clone, job.taskHash);
        }
    }

    /* VERSIONS */

    /// @inheritdoc IJobFactory
    function setRefuted(uint256 version, address finder) external {
        require(msg.sender == VERSION_REFEREE, NotTheVersionReferee(msg.sender));
        require(_refutedVersion == 0, VersionIsRefuted(_refutedVersion));

        _refutedVersion = version.toUint128();
        emit VersionRefuted(version, finder);
    }

    /* VIEWS */

    /// @inheritdoc IJobFactory
    function latestRound() external view returns (uint256) {
        return _latestRound;
    }

    /// @inheritdoc IJobFactory
    function refutedVersion() external view returns (uint256) {
        return _refutedVersion;
    }

    /// @inheritdoc IJobFactory
    /// @dev A clone's address is a hash of this factory, the implementation and the terms in the clone's code. So the
    /// code proves itself, and nothing is stored.
    function isJob(address job) external view returns (bool) {
        if (job.code.length <= PROXY_SIZE) return false; // no terms: fetchCloneArgs would revert
        bytes memory words = Clones.fetchCloneArgs(job);
        return job == Clones.predictDeterministicAddressWithImmutableArgs(address(IMPLEMENTATION), words, 0);
    }
}
