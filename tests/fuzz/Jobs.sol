// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IJob} from "../../contracts/interfaces/IJob.sol";
import {Verdict} from "../../contracts/interfaces/IWorkerRegistry.sol";
import {ANSWERS, Account, Conduct, JobModel, Model, NONE, RIGHT, Referee, Seat} from "./Model.sol";
import {Rounds} from "./Rounds.sol";

/// @title Jobs
/// @notice Every call of a job: what has to come of it, and what is then true.
abstract contract Jobs is Rounds {
    using Model for JobModel;

    uint256 private constant CHUNK_SIZE = 24_576;

    uint256[7] internal _outcomes; // how often each was reached
    uint256[4] internal _verdicts;

    mapping(IJob job => mapping(uint256 answer => bytes32[] chunkHashes)) private _chunkHashes;

    /* ANSWERS */

    function _chunk(JobModel storage model, uint256 answer, uint256 index) private view returns (bytes memory chunk) {
        chunk = new bytes(index + 1 < model.chunks ? CHUNK_SIZE : model.resultSize - index * CHUNK_SIZE);
        bytes32 content = keccak256(abi.encode(model.job, answer, index));
        for (uint256 i = 0; i < 7; ++i) {
            chunk[i] = content[i];
        }
    }

    function _hashesOf(JobModel storage model, uint256 answer) private returns (bytes32[] memory) {
        bytes32[] storage hashes = _chunkHashes[model.job][answer];
        if (hashes.length == 0) {
            for (uint256 i = 0; i < model.chunks; ++i) {
                hashes.push(_rootOf(_chunk(model, answer, i)));
            }
        }
        return hashes;
    }

    /// @notice The root of a chunk's tree: of pieces of 512 bytes, paired from the left, a last one with a zero word.
    function _rootOf(bytes memory chunk) private pure returns (bytes32) {
        uint256 count = (chunk.length + 511) / 512;
        bytes32[] memory nodes = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            uint256 size = i + 1 < count ? 512 : chunk.length - i * 512;
            bytes32 node;
            assembly ("memory-safe") {
                node := keccak256(add(add(chunk, 32), mul(i, 512)), size)
            }
            nodes[i] = node;
        }
        for (; count > 1; count = (count + 1) / 2) {
            for (uint256 i = 0; i < (count + 1) / 2; ++i) {
                nodes[i] = keccak256(abi.encode(nodes[2 * i], 2 * i + 1 < count ? nodes[2 * i + 1] : bytes32(0)));
            }
        }
        return nodes[0];
    }

    function _hashOf(JobModel storage model, uint256 answer) internal returns (bytes32) {
        return keccak256(abi.encodePacked(_hashesOf(model, answer)));
    }

    /* COMMITTEE */

    function _commit(JobModel storage model, uint256 seat, address caller, uint256 answer) internal {
        bool isLegal = model.phase() == IJob.Phase.Commit && model.seats[seat].answer == NONE
            && model.seats[seat].holder == caller;
        bytes32 domain = keccak256("ml-on-blockchain.commitment.v2");
        bytes32 commitment = keccak256(abi.encode(domain, model.job, seat, _hashOf(model, answer)));
        _try(caller, address(model.job), 0, abi.encodeCall(IJob.commit, (seat, commitment)), isLegal);
        if (!isLegal) return;
        model.seats[seat].answer = answer;
        if (model.votes(NONE) == 0) model.allCommittedAt = block.timestamp;
    }

    function _propose(JobModel storage model, uint256 seat, address caller, uint256 answer) internal {
        bool isLegal = model.phase() == IJob.Phase.Propose && model.seats[seat].answer == answer && answer < ANSWERS
            && !model.isProposed[answer];
        bytes memory data = abi.encodeCall(IJob.propose, (seat, _hashOf(model, answer)));
        _try(caller, address(model.job), 0, data, isLegal);
        if (isLegal) model.isProposed[answer] = true;
    }

    function _publish(JobModel storage model, uint256 seat, address caller, uint256 answer, uint256 index) internal {
        bool isLegal = model.isShowing() && model.seats[seat].holder == caller && model.seats[seat].answer == answer
            && answer < ANSWERS && model.isProposed[answer] && model.publisherPlusOne[answer][index] == 0;
        bytes32[] memory hashes = _hashesOf(model, answer);
        bytes memory data = abi.encodeCall(
            IJob.publish, (seat, _hashOf(model, answer), index, hashes, _chunk(model, answer, index))
        );
        _try(caller, address(model.job), 0, data, isLegal);
        if (isLegal) model.publisherPlusOne[answer][index] = seat + 1;
    }

    /* REFEREE */

    function _proposeAny(JobModel storage model, address caller, uint256 answer) internal {
        bool isLegal = model.isShowing() && caller == SERVER && !model.isProposed[answer];
        bytes memory data = abi.encodeCall(IJob.proposeAny, (_hashOf(model, answer)));
        _try(caller, address(model.job), 0, data, isLegal);
        if (isLegal) model.isProposed[answer] = true;
    }

    function _publishUnpaid(JobModel storage model, address caller, uint256 answer, uint256 index) internal {
        bool isLegal = model.isShowing() && caller == SERVER && model.isProposed[answer]
            && model.publisherPlusOne[answer][index] == 0;
        bytes32[] memory hashes = _hashesOf(model, answer);
        bytes memory data = abi.encodeCall(
            IJob.publishUnpaid, (_hashOf(model, answer), index, hashes, _chunk(model, answer, index))
        );
        _try(caller, address(model.job), 0, data, isLegal);
        if (isLegal) model.publisherPlusOne[answer][index] = model.seats.length + 1;
    }

    function _rule(JobModel storage model, address caller, uint256 answer) internal {
        bool isLegal = model.isShowing() && caller == SERVER && model.isComplete(answer);
        _try(caller, address(model.job), 0, abi.encodeCall(IJob.rule, (_hashOf(model, answer))), isLegal);
        if (!isLegal) return;
        model.ruling = IJob.Ruling.Accept;
        model.ruledAnswer = answer;
    }

    function _ruleVoid(JobModel storage model, address caller) internal {
        bool isLegal = model.isShowing() && caller == SERVER;
        _try(caller, address(model.job), 0, abi.encodeCall(IJob.ruleVoid, ()), isLegal);
        if (isLegal) model.ruling = IJob.Ruling.Void;
    }

    /// @dev Whatever is missing for the right answer to be accepted.
    function _ruleRight(JobModel storage model) internal {
        if (!model.isProposed[RIGHT]) _proposeAny(model, SERVER, RIGHT);
        for (uint256 index = 0; index < model.chunks; ++index) {
            if (!model.isShowing()) return;
            if (model.publisherPlusOne[RIGHT][index] == 0) _publishUnpaid(model, SERVER, RIGHT, index);
        }
        if (model.isShowing()) _rule(model, SERVER, RIGHT);
    }

    /* SETTLE */

    function _settle(JobModel storage model, address caller, uint256[] memory seats) internal {
        bool isLegal = false;
        for (uint256 i = 0; i < seats.length; ++i) {
            if (!model.seats[seats[i]].isSettled) isLegal = model.phase() == IJob.Phase.Decided;
        }
        _try(caller, address(model.job), 0, abi.encodeCall(IJob.settle, (seats)), isLegal);
        if (!isLegal) return;
        _checkDecision(model);
        for (uint256 i = 0; i < seats.length; ++i) {
            if (!model.seats[seats[i]].isSettled) _settleSeat(model, seats[i]);
        }
        if (model.ruling != IJob.Ruling.None && model.settledSeats == model.seats.length) {
            _require(model.paid == model.budget(), "a ruling costs the server what it paid for the job");
        }
        _lastSettlementBlock = block.number;
        if (_unsettledSeats == 0) {
            _accounts[SERVER].credit += _escrow;
            _escrow = 0;
        }
    }

    function _settleSeat(JobModel storage model, uint256 seat) private {
        Verdict verdict = model.verdict(seat);
        Account storage account = _accounts[model.seats[seat].holder];
        model.seats[seat].isSettled = true;
        model.settledSeats += 1;
        _unsettledSeats -= 1;
        _verdicts[uint256(verdict)] += 1;
        _checkVerdict(model, model.seats[seat], verdict);

        uint256 reward = verdict == Verdict.Rewarded ? model.reward + model.share(seat + 1) : 0;
        account.credit += reward;
        _spend(model, reward);
        if (model.ruling != IJob.Ruling.None) {
            uint256 forfeited = verdict == Verdict.Rewarded ? 0 : model.reward;
            if (seat == 0) forfeited += model.bonus - _earned(model);
            _burnt += forfeited;
            _spend(model, forfeited);
        }
        if (verdict == Verdict.Slashed || verdict == Verdict.Absent) {
            uint256 lost = verdict == Verdict.Slashed ? account.stake : ABSENCE_FEE;
            account.stake -= lost;
            _burnt += lost;
            _remove(model.seats[seat].holder);
            if (verdict == Verdict.Slashed) account.isAdmitted = false;
        }
    }

    function _spend(JobModel storage model, uint256 amount) private {
        model.paid += amount;
        _escrow -= amount;
    }

    function _earned(JobModel storage model) private view returns (uint256 amount) {
        for (uint256 seat = 0; seat < model.seats.length; ++seat) {
            amount += model.share(seat + 1);
        }
    }

    /* WHAT IS THEN TRUE */

    function _evilSeats(JobModel storage model) private view returns (uint256 count) {
        for (uint256 seat = 0; seat < model.seats.length; ++seat) {
            if (model.seats[seat].conduct != Conduct.Honest) ++count;
        }
    }

    /// @dev The condition of G2, or that of G3.
    function _isProtected(JobModel storage model) private view returns (bool) {
        uint256 evil = _evilSeats(model);
        if (_referee == Referee.Live) return evil < model.seats.length;
        return _referee == Referee.Silent && evil < model.quorum;
    }

    /// @dev The first time that a job is seen to be decided.
    function _checkDecision(JobModel storage model) internal {
        (IJob.Outcome decision, uint256 answer) = model.outcome();
        if (decision == IJob.Outcome.Undecided) return;
        if (model.decided != IJob.Outcome.Undecided) {
            _require(decision == model.decided && answer == model.decidedAnswer, "a decision is final");
            return;
        }
        model.decided = decision;
        model.decidedAnswer = answer;
        _outcomes[uint256(decision)] += 1;
        if (!_isProtected(model)) return;
        _require(answer == RIGHT || answer == NONE, "G2, G3: no wrong result is accepted");
        if (_referee == Referee.Live) _require(answer == RIGHT, "G3: one honest seat is enough");
    }

    function _checkVerdict(JobModel storage model, Seat storage seat, Verdict verdict) private view {
        if (seat.conduct == Conduct.Honest && _isProtected(model)) {
            bool isPaid = verdict == Verdict.Rewarded;
            _require(isPaid || (verdict == Verdict.Released && model.decidedAnswer == NONE), "G4: the honest are safe");
        }
        if (seat.conduct == Conduct.Silent) _require(verdict == Verdict.Absent, "G5: silence costs");
        if (model.decided == IJob.Outcome.Void) return;
        if (seat.conduct == Conduct.Junk) _require(verdict == Verdict.Slashed, "G5: junk costs");
        if (model.decidedAnswer == RIGHT && seat.answer != RIGHT && seat.answer != NONE) {
            _require(verdict == Verdict.Slashed, "G5: lies cost");
        }
    }
}
