// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IJob} from "../../interfaces/IJob.sol";
import {IJobFactory} from "../../interfaces/IJobFactory.sol";
import {Shown} from "../TraceEvidence.sol";

/// @title IVersionReferee
/// @notice Shows that a version of the model is not what the accepted results of its round make of the version before.
interface IVersionReferee {
    /// @notice What a round trains, as its jobs' task hashes bind it.
    struct Task {
        bytes recipe;
        bytes32 parent; // content hash of the trained version's parent; zero if its jobs do not follow from one
        uint256 version; // number of the version that is trained
    }

    /// @notice What the accepted results change a weight by, as far as it has been added up.
    struct Sum {
        uint8 jobs; // of the round, that are in it
        uint8 results; // accepted ones
        int64 change; // less the estimate, which is in each of them
    }

    /// @notice The version follows in the way that is disputed.
    error Follows();
    /// @notice The job is not of the round that it should be of, or trains something else.
    error WrongJob();
    /// @notice A job of the round is not decided yet.
    error NotDecided(uint256 index);
    /// @notice The sum has fewer jobs than what is shown would follow on.
    error LeavesOut(uint256 jobs);
    /// @notice All that is shown is in the sum already.
    error AddsNothing();
    /// @notice The model has fewer weights.
    error UnknownWeight(uint256 weight, uint256 weights);

    /// @notice Refute a version that names a round which has not been deployed.
    /// @param factory Where rounds are deployed.
    /// @param version Its number, above one: the first version follows from nothing.
    function refuteByCount(IJobFactory factory, uint256 version) external;

    /// @notice Refute a version whose round trains another one than its parent; or that leaves out the accepted result
    /// of another round, which trains its parent too.
    /// @param factory Where rounds are deployed.
    /// @param version Its number.
    /// @param job A job of that round.
    /// @param task What it trains.
    function refuteByJob(IJobFactory factory, uint256 version, IJob job, Task calldata task) external;

    /// @notice Add up by how much the accepted results change a weight, as far as they are shown; once all are, and the
    /// weight too, refute the version if the weight is another. A sum stays for the next call, whoever makes that; what
    /// is in it already is passed over.
    /// @param factory Where rounds are deployed.
    /// @param version Its number.
    /// @param weight The number of the weight, in the order of a model's bytes.
    /// @param first The first job of its round.
    /// @param task What the round trains.
    /// @param from The number of the first job whose result is shown.
    /// @param shown Pieces of the published bytes, in this order: for the accepted result of each job from that one on,
    /// the scale of the weight's layer unless codes have 16 bits, and the code; then the weight in the version, in its
    /// parent and, unless codes have 16 bits or the round has no estimate, in the parent's parent. Each path begins
    /// with the hashes of all chunks.
    function refuteByWeight(
        IJobFactory factory,
        uint256 version,
        uint256 weight,
        IJob first,
        Task calldata task,
        uint8 from,
        Shown[] calldata shown
    ) external;
}
