// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {ModelRegistry} from "../ModelRegistry.sol";
import {IJob} from "../interfaces/IJob.sol";
import {IJobFactory} from "../interfaces/IJobFactory.sol";
import {JobTerms, Terms} from "../libraries/JobTerms.sol";
import {ExactArithmetic} from "./ExactArithmetic.sol";
import {Reading, Shown, TraceEvidence} from "./TraceEvidence.sol";
import {Plan, TraceLayout} from "./TraceLayout.sol";
import {IVersionReferee} from "./interfaces/IVersionReferee.sol";

// slither-disable-start unused-return (of several values some are wanted)
/// @title VersionReferee
/// @notice Shows that a version of the model is not what the accepted results of its round make of the version before.
/// @dev All that a version follows from is on the chain already, and each of its weights from a few bytes of it. So
/// nothing has to be claimed, nobody has to answer, and there are no clocks and no bonds: whoever finds a wrong weight
/// shows those bytes. What is refuted was wrong, whoever says so. Twin: `mlchain/training/aggregation.py`.
///
/// A factory is trusted with its own rounds alone: one that lies about them refutes nothing but its own versions.
contract VersionReferee is IVersionReferee {
    using ExactArithmetic for int256;
    using TraceEvidence for Reading;
    using TraceLayout for Plan;

    /// @notice What the accepted results change a weight of a version by, as far as it has been added up.
    mapping(IJobFactory factory => mapping(uint256 version => mapping(uint256 weight => Sum sum))) public sumOf;

    /* THE ROUND */

    /// @inheritdoc IVersionReferee
    function refuteByCount(IJobFactory factory, uint256 version) external {
        uint256 round = _roundOf(factory, version);
        require(round > factory.latestRound(), Follows());

        factory.setRefuted(version, msg.sender);
    }

    /// @inheritdoc IVersionReferee
    function refuteByJob(IJobFactory factory, uint256 version, IJob job, Task calldata task) external {
        uint256 round = _roundOf(factory, version);
        Terms memory terms = _termsOf(factory, job, task);
        bool trainsParent = task.version == version - 1;
        if (terms.round == round) {
            require(!trainsParent, Follows());
        } else {
            (, bytes32 acceptedHash) = job.outcome();
            require(trainsParent && acceptedHash != 0, Follows());
        }

        factory.setRefuted(version, msg.sender);
    }

    /// @dev The first version follows from nothing, and a version that there is not has nothing to refute: only they
    /// name no round. A hash tells nothing, for a server may announce zero.
    function _roundOf(IJobFactory factory, uint256 version) private view returns (uint256 round) {
        (,,, round) = factory.MODELS().versionAt(version);
        require(round != 0, Follows());
    }

    /// @dev Reverts unless the factory has deployed the job, and it trains the task.
    function _termsOf(IJobFactory factory, IJob job, Task calldata task) private view returns (Terms memory terms) {
        require(factory.isJob(address(job)), WrongJob());
        terms = job.terms();
        (bytes32 model,,,) = factory.MODELS().versionAt(task.version);
        bytes32 taskHash = keccak256(abi.encode(keccak256(task.recipe), model, task.parent, task.version));
        require(terms.taskHash == taskHash, WrongJob());
    }

    /* A WEIGHT */

    /// @inheritdoc IVersionReferee
    function refuteByWeight(
        IJobFactory factory,
        uint256 version,
        uint256 weight,
        IJob first,
        Task calldata task,
        uint8 from,
        Shown[] calldata shown
    ) external {
        Terms memory terms = _termsOf(factory, first, task);
        require(
            terms.round == _roundOf(factory, version) && terms.index == 0 && task.version == version - 1, WrongJob()
        );
        Reading memory reading = _readingOf(task, shown);
        require(weight < reading.plan.weights, UnknownWeight(weight, reading.plan.weights));

        Sum memory sum = sumOf[factory][version][weight];
        require(from <= sum.jobs, LeavesOut(sum.jobs));
        terms.index = from;
        bool isWhole = _addUp(reading, factory, terms, weight, sum);
        if (!isWhole || !_canConclude(reading, sum)) {
            // Refused, so that nobody pays for what is in the sum already.
            require(sum.jobs != sumOf[factory][version][weight].jobs, AddsNothing());
            sumOf[factory][version][weight] = sum;
            return;
        }
        require(!_follows(reading, factory.MODELS(), version, weight, sum), Follows());
        factory.setRefuted(version, msg.sender);
    }

    function _readingOf(Task calldata task, Shown[] calldata shown) private pure returns (Reading memory reading) {
        reading.plan = TraceLayout.planOf(task.recipe, task.version);
        reading.parent = reading.plan.bits == 16 ? bytes32(0) : task.parent;
        uint256 from;
        assembly ("memory-safe") {
            from := shown.offset
        }
        (reading.shown, reading.shownFrom, reading.shownEnd) = (from, from, from + 0x20 * shown.length);
    }

    /// @dev Adds what is shown, from the job on that the terms name, and passes over what is in the sum; returns
    /// whether that is all. All jobs of a round have the terms of the first one but for their number, and so addresses
    /// that follow from it: where there is no code, there is no job.
    function _addUp(
        Reading memory reading,
        IJobFactory factory,
        Terms memory terms,
        uint256 weight,
        Sum memory sum
    ) private view returns (bool isWhole) {
        address implementation = address(factory.IMPLEMENTATION());
        for (;; ++terms.index) {
            address job = Clones.predictDeterministicAddressWithImmutableArgs(
                implementation, JobTerms.pack(terms), 0, address(factory)
            );
            if (job.code.length == 0) return true;
            (IJob.Outcome decision, bytes32 acceptedHash) = IJob(job).outcome();
            require(decision != IJob.Outcome.Undecided, NotDecided(terms.index));
            // Results of another size change nothing, and no honest one has it.
            bool hasChange = acceptedHash != 0 && terms.resultSize == reading.plan.resultSize;
            if (hasChange && reading.shown == reading.shownEnd) return false;
            int256 change = hasChange ? _changeOf(reading, weight, acceptedHash) : int256(0);
            if (terms.index < sum.jobs) continue;
            sum.change += int64(change);
            if (hasChange) ++sum.results;
            ++sum.jobs;
        }
    }

    /// @dev By how much a result changes a weight, but for the estimate, if there is one. Every byte string of the
    /// right size is a result.
    function _changeOf(Reading memory reading, uint256 weight, bytes32 resultHash) private pure returns (int256) {
        Plan memory plan = reading.plan;
        uint256 bits = plan.bits;
        if (bits == 16) return reading.int16At(resultHash, plan.resultSize, weight);
        (uint256 low, uint256 high) = reading.published(resultHash, plan.resultSize, 2 * plan.layerOf(weight));
        int256 scale = int256(low | (high << 8));
        uint256 at = 2 * plan.stages.length + weight * bits / 8;
        (uint256 codes,) = reading.published(resultHash, plan.resultSize, at);
        uint256 code = (codes >> (weight * bits % 8)) & ((1 << bits) - 1);
        if (bits == 1) return code == 0 ? scale : -scale;
        return scale * (int256(code) - (code >> (bits - 1) == 0 ? int256(0) : int256(1 << bits)));
    }

    /// @dev Whether there is nothing more to show, or the weight is shown.
    function _canConclude(Reading memory reading, Sum memory sum) private pure returns (bool) {
        return sum.results == 0 || reading.shown != reading.shownEnd;
    }

    /// @dev Where nothing was accepted, nothing follows; nor of a model of another size than the recipe's.
    function _follows(
        Reading memory reading,
        ModelRegistry models,
        uint256 version,
        uint256 weight,
        Sum memory sum
    ) private view returns (bool) {
        uint256 size = 2 * reading.plan.weights;
        (bytes32 contentHash,, uint32 own,) = models.versionAt(version);
        (bytes32 model,, uint32 before,) = models.versionAt(version - 1);
        if (sum.results == 0 || own != size || before != size) return false;
        int256 said = _weightOf(reading, contentHash, weight);
        return said == _expected(reading, model, weight, sum);
    }

    function _expected(Reading memory reading, bytes32 model, uint256 weight, Sum memory sum)
        private
        pure
        returns (int256)
    {
        int256 start = _weightOf(reading, model, weight);
        int256 results = int256(uint256(sum.results));
        int256 change = sum.change;
        if (reading.parent != 0) change += results * (start - _weightOf(reading, reading.parent, weight));
        return (start + _divideRound(change, results)).clip(-32_768, 32_767);
    }

    function _weightOf(Reading memory reading, bytes32 model, uint256 weight) private pure returns (int256) {
        return reading.int16At(model, 2 * reading.plan.weights, weight);
    }

    /// @dev To the nearest, a half up: what is below zero is rounded down, too.
    function _divideRound(int256 value, int256 divisor) private pure returns (int256 quotient) {
        int256 doubled = 2 * value + divisor;
        quotient = doubled / (2 * divisor);
        if (doubled % (2 * divisor) < 0) --quotient;
    }
}
// slither-disable-end unused-return
