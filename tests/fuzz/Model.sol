// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IJob} from "../../contracts/interfaces/IJob.sol";
import {Verdict} from "../../contracts/interfaces/IWorkerRegistry.sol";

/// @notice What the holder of a seat does; all but the silent commit in time.
enum Conduct {
    Honest, // commits to the right answer; proposes and publishes it in time
    Cartel, // the same with the answer that the cartel agreed on
    Withholding, // commits to the cartel's answer and proposes it, but publishes it by chance only
    Liar, // like the honest, with a lie of its own
    Junk, // commits to what nobody can open
    Silent
}

enum Referee {
    Live, // rules for the right answer before its window ends
    Silent,
    Evil // proposes, publishes and rules as it likes
}

uint256 constant RIGHT = 0;
uint256 constant CARTEL = 1;
uint256 constant LIE = 2;
uint256 constant ANSWERS = 3; // that can be opened
uint256 constant JUNK = 3;
uint256 constant NONE = 4;

struct Account {
    uint256 stake;
    uint256 credit;
    uint256 leaveBlock;
    bool isMember;
    bool isAdmitted;
}

struct Seat {
    address holder;
    Conduct conduct;
    uint256 answer;
    bool isSettled;
}

struct JobModel {
    IJob job;
    uint256 quorum;
    uint256 reward;
    uint256 bonus;
    uint256 resultSize;
    uint256 chunks;
    uint256 commitDeadline;
    uint256 allCommittedAt;
    uint256 publishWindow;
    uint256 refereeWindow;
    uint256 challengeWindow;
    Seat[] seats;
    bool[ANSWERS] isProposed;
    uint256[2][ANSWERS] publisherPlusOne; // by answer and chunk
    IJob.Ruling ruling;
    uint256 ruledAnswer;
    uint256 settledSeats;
    uint256 paid; // out of this job's escrow: to seats and to nobody
    IJob.Outcome decided; // the first decision that was seen
    uint256 decidedAnswer;
}

/// @title Model
/// @notice How a job has to be decided and settled, from the facts alone and as plainly as possible.
library Model {
    function votes(JobModel storage model, uint256 answer) internal view returns (uint256 count) {
        for (uint256 i = 0; i < model.seats.length; ++i) {
            if (model.seats[i].answer == answer) ++count;
        }
    }

    function commits(JobModel storage model) internal view returns (uint256) {
        return model.seats.length - votes(model, NONE);
    }

    function candidates(JobModel storage model) internal view returns (uint256 count) {
        for (uint256 answer = 0; answer < ANSWERS; ++answer) {
            if (model.isProposed[answer]) ++count;
        }
    }

    function isComplete(JobModel storage model, uint256 answer) internal view returns (bool) {
        for (uint256 chunk = 0; chunk < model.chunks; ++chunk) {
            if (model.publisherPlusOne[answer][chunk] == 0) return false;
        }
        return model.isProposed[answer];
    }

    function commitEnd(JobModel storage model) internal view returns (uint256) {
        return model.allCommittedAt != 0 ? model.allCommittedAt : model.commitDeadline;
    }

    function publishEnd(JobModel storage model) internal view returns (uint256) {
        return commitEnd(model) + model.publishWindow;
    }

    function refereeEnd(JobModel storage model) internal view returns (uint256) {
        return publishEnd(model) + model.refereeWindow;
    }

    function outcome(JobModel storage model) internal view returns (IJob.Outcome, uint256 answer) {
        if (model.ruling == IJob.Ruling.Accept) return (IJob.Outcome.Ruled, model.ruledAnswer);
        if (model.ruling == IJob.Ruling.Void) return (IJob.Outcome.Void, NONE);

        for (answer = 0; answer < ANSWERS; ++answer) {
            uint256 agreeing = votes(model, answer);
            if (agreeing < model.quorum || !isComplete(model, answer)) continue;
            bool challenged = block.timestamp < commitEnd(model) + model.challengeWindow;
            if (agreeing == commits(model) && !challenged) return (IJob.Outcome.Unanimous, answer);
            if (candidates(model) == 1 && block.timestamp >= publishEnd(model)) {
                return (IJob.Outcome.Uncontested, answer);
            }
            if (block.timestamp >= refereeEnd(model)) return (IJob.Outcome.Quorum, answer);
        }
        return (block.timestamp >= refereeEnd(model) ? IJob.Outcome.Failed : IJob.Outcome.Undecided, NONE);
    }

    function phase(JobModel storage model) internal view returns (IJob.Phase) {
        if (block.timestamp < commitEnd(model)) return IJob.Phase.Commit;
        (IJob.Outcome decision,) = outcome(model);
        if (decision != IJob.Outcome.Undecided) return IJob.Phase.Decided;
        return block.timestamp < publishEnd(model) ? IJob.Phase.Propose : IJob.Phase.Referee;
    }

    function isShowing(JobModel storage model) internal view returns (bool) {
        IJob.Phase now_ = phase(model);
        return now_ == IJob.Phase.Propose || now_ == IJob.Phase.Referee;
    }

    function verdict(JobModel storage model, uint256 seat) internal view returns (Verdict) {
        (IJob.Outcome decision, uint256 accepted) = outcome(model);
        uint256 answer = model.seats[seat].answer;
        if (answer == NONE) return Verdict.Absent;
        if (decision == IJob.Outcome.Void) return Verdict.Released;
        if (decision == IJob.Outcome.Failed) {
            return answer < ANSWERS && model.isProposed[answer] ? Verdict.Released : Verdict.Slashed;
        }
        return answer == accepted ? Verdict.Rewarded : Verdict.Slashed;
    }

    function share(JobModel storage model, uint256 publisherPlusOne) internal view returns (uint256 amount) {
        (, uint256 accepted) = outcome(model);
        if (accepted == NONE) return 0;
        for (uint256 chunk = 0; chunk < model.chunks; ++chunk) {
            if (model.publisherPlusOne[accepted][chunk] == publisherPlusOne) amount += model.bonus / model.chunks;
        }
    }

    function budget(JobModel storage model) internal view returns (uint256) {
        return model.seats.length * model.reward + model.bonus;
    }
}
