// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IJob} from "../../contracts/interfaces/IJob.sol";
import {IJobFactory} from "../../contracts/interfaces/IJobFactory.sol";
import {CARTEL, Conduct, JUNK, JobModel, LIE, NONE, RIGHT, Referee} from "./Model.sol";
import {World} from "./World.sol";
import {Vm, vm} from "./Vm.sol";

/// @title Rounds
/// @notice Scheduling and deploying rounds.
abstract contract Rounds is World {
    enum Mistake {
        None,
        WrongCaller,
        WrongNumber,
        TooFewSeats,
        WrongEscrow,
        NoMajority
    }

    mapping(uint256 round => mapping(address worker => bool drawn)) private _isDrawn;

    function _schedule(address caller) internal {
        bool isUsable = _scheduledBlock != 0 && block.number <= _scheduledBlock + SNAPSHOT_AGE;
        bool isLegal = caller == SERVER && !isUsable;
        _try(caller, address(FACTORY), 0, abi.encodeCall(IJobFactory.scheduleRound, ()), isLegal);
        if (isLegal) _scheduledBlock = block.number;
    }

    function _termsFrom(uint256 seed) internal pure returns (IJobFactory.RoundTerms memory terms) {
        terms.modelVersion = 1;
        terms.jobs = 1 + seed % 2;
        terms.seats = MIN_SEATS + (seed >> 8) % 3;
        terms.quorum = terms.seats / 2 + 1 + (seed >> 16) % (terms.seats - terms.seats / 2);
        terms.reward = 1 + (seed >> 24) % 0.01 ether;
        terms.bonus = (seed >> 88) % 0.01 ether;
        terms.resultSize = (seed >> 152) % 4 == 0 ? 24_583 : 40;
        terms.commitWindow = MIN_WINDOW + (seed >> 160) % 40;
        terms.publishWindow = MIN_WINDOW + (seed >> 168) % 40;
        terms.refereeWindow = MIN_WINDOW + (seed >> 176) % 40;
        terms.challengeWindow = (seed >> 184) % (terms.publishWindow + 1);
    }

    function _deploy(uint256 seed, Mistake mistake) internal {
        IJobFactory.RoundTerms memory terms = _termsFrom(seed);
        if (mistake == Mistake.TooFewSeats) (terms.seats, terms.quorum) = (MIN_SEATS - 1, MIN_SEATS - 1);
        if (mistake == Mistake.NoMajority) terms.quorum = terms.seats / 2;
        uint256 escrow = terms.jobs * (terms.seats * terms.reward + terms.bonus);
        bytes32 number = _randomNumbers[_randomNumbers.length - 1];
        if (mistake == Mistake.WrongNumber) number = keccak256(abi.encode(seed));
        address[] memory pool = _poolAt(_scheduledBlock);
        bool isLegal = mistake == Mistake.None && _unsettledSeats == 0 && _scheduledBlock != 0
            && _scheduledBlock >= _lastSettlementBlock && _scheduledBlock < block.number
            && block.number <= _scheduledBlock + SNAPSHOT_AGE
            && pool.length >= terms.jobs * terms.seats;

        vm.recordLogs();
        _try(
            mistake == Mistake.WrongCaller ? STRANGER : SERVER,
            address(FACTORY),
            mistake == Mistake.WrongEscrow ? escrow + 1 : escrow,
            abi.encodeCall(IJobFactory.deployRound, (terms, number, TASK)),
            isLegal
        );
        Vm.Log[] memory logs = vm.getRecordedLogs();
        if (!isLegal) return;

        _randomNumbers.pop();
        _snapshotBlock = _scheduledBlock;
        _scheduledBlock = 0;
        _latestRound += 1;
        _unsettledSeats = terms.jobs * terms.seats;
        _escrow = escrow;
        _serverPaid += escrow;
        _referee = Referee((seed >> 192) % 3);
        delete _jobs;
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] != IJobFactory.JobDeployed.selector) continue;
            _addJob(IJob(address(uint160(uint256(logs[i].topics[3])))), terms, seed);
        }
        _require(_jobs.length == terms.jobs, "a round has all of its jobs");
        _checkDraw(pool);
    }

    function _addJob(IJob job, IJobFactory.RoundTerms memory terms, uint256 seed) private {
        JobModel storage model = _jobs.push();
        model.job = job;
        model.quorum = terms.quorum;
        model.reward = terms.reward;
        model.bonus = terms.bonus;
        model.resultSize = terms.resultSize;
        model.chunks = terms.resultSize == 40 ? 1 : 2;
        model.commitDeadline = block.timestamp + terms.commitWindow;
        model.publishWindow = terms.publishWindow;
        model.refereeWindow = terms.refereeWindow;
        model.challengeWindow = terms.challengeWindow;
        model.ruledAnswer = NONE;
        address[] memory holders = job.committee();
        for (uint256 seat = 0; seat < terms.seats; ++seat) {
            model.seats.push();
            model.seats[seat].holder = holders[seat];
            model.seats[seat].conduct = _conduct(uint256(keccak256(abi.encode(seed, job, seat))), (seed >> 200) % 7);
            model.seats[seat].answer = NONE;
        }
    }

    /// @dev Committees of every kind: all honest, all of one cartel, and mixtures.
    function _conduct(uint256 seed, uint256 mixture) private pure returns (Conduct) {
        if (mixture == 0) return Conduct.Honest;
        if (mixture == 1) return seed % 4 == 0 ? Conduct.Withholding : Conduct.Cartel;
        if (mixture == 2) return seed % 4 == 0 ? Conduct.Honest : Conduct.Cartel;
        if (mixture == 3) return seed % 3 == 0 ? Conduct.Junk : Conduct.Honest;
        if (mixture == 4) return seed % 4 == 0 ? Conduct.Honest : Conduct.Withholding;
        if (mixture == 5 && seed % 3 != 0) return Conduct.Honest;
        return Conduct(seed / 3 % 6);
    }

    function _answerOf(Conduct conduct) internal pure returns (uint256) {
        if (conduct == Conduct.Honest) return RIGHT;
        if (conduct == Conduct.Liar) return LIE;
        if (conduct == Conduct.Junk) return JUNK;
        return conduct == Conduct.Silent ? NONE : CARTEL;
    }

    function _checkDraw(address[] memory pool) private {
        for (uint256 j = 0; j < _jobs.length; ++j) {
            for (uint256 seat = 0; seat < _jobs[j].seats.length; ++seat) {
                address holder = _jobs[j].seats[seat].holder;
                _require(!_isDrawn[_latestRound][holder], "no worker holds two seats of a round");
                _isDrawn[_latestRound][holder] = true;
            }
        }
        uint256 seats = _jobs[0].seats.length;
        uint256 drawn = 0;
        for (uint256 position = 0; position < pool.length; ++position) {
            uint256 roundSeat = _jobs[0].job.roundSeatOf(position);
            if (roundSeat >= seats * _jobs.length) continue;
            ++drawn;
            address holder = _jobs[roundSeat / seats].seats[roundSeat % seats].holder;
            _require(holder == pool[position], "the members at the snapshot block hold the seats");
        }
        _require(drawn == seats * _jobs.length, "every seat is held by a member");
    }
}
