// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IJob} from "../../contracts/interfaces/IJob.sol";
import {IWorkerRegistry} from "../../contracts/interfaces/IWorkerRegistry.sol";
import {ANSWERS, Account, JobModel, Model, Seat} from "./Model.sol";
import {Handler} from "./Handler.sol";
import {World} from "./World.sol";
import {vm} from "./Vm.sol";

/// @title Properties
/// @notice What holds after every call, and at the end.
contract Properties is Handler {
    using Model for JobModel;

    constructor(bool permissioned) World(permissioned) {}

    /* AFTER EVERY CALL */

    function checkBooks() external view {
        uint256 owed = _forced + REGISTRY.burnt();
        for (uint256 i = 0; i < WORKERS; ++i) {
            owed += _checkAccount(workers[i]);
        }
        owed += _checkAccount(SERVER) + _checkAccount(STRANGER);
        (uint256 escrow, uint256 snapshotBlock, uint256 unsettledSeats,) = REGISTRY.currentRound();
        _require(address(REGISTRY).balance == owed + escrow, "G1: every wei is owed to exactly one party");
        _require(escrow == _escrow, "the escrow is what is left to pay");
        _require(REGISTRY.burnt() == _burnt, "what is taken is burnt");
        _require(unsettledSeats == _unsettledSeats && snapshotBlock == _snapshotBlock, "one round is open at a time");
        _require(FACTORY.latestRound() == _latestRound && FACTORY.scheduledBlock() == _scheduledBlock, "a schedule");
    }

    function _checkAccount(address owner) private view returns (uint256) {
        IWorkerRegistry.Account memory actual = REGISTRY.accountOf(owner);
        Account storage expected = _accounts[owner];
        _require(actual.stake == expected.stake, "a stake changes by its owner and by settlements");
        _require(actual.credit == expected.credit, "a credit is what was earned");
        _require(actual.leaveBlock == expected.leaveBlock, "the block of leaving is kept");
        _require(REGISTRY.isAdmitted(owner) == expected.isAdmitted, "a slash takes the admission");
        _require((actual.positionPlusOne != 0) == expected.isMember, "members are those who joined last");
        if (expected.isMember) _require(_pool[actual.positionPlusOne - 1] == owner, "a member knows its position");
        return actual.stake + actual.credit;
    }

    function checkServer() external view {
        _require(
            _serverGot + REGISTRY.accountOf(SERVER).credit <= _serverPaid,
            "the server gets no more out of the registry than it paid into escrow"
        );
    }

    function checkPools() external view {
        if (_calls % 3 == 0) _checkPool(block.number - 1);
        else if (_calls % 3 == 1 && _latestRound != 0) _checkPool(_snapshotBlock);
        else _checkPool(_firstBlock + uint256(keccak256(abi.encode(_calls))) % (block.number - _firstBlock));
    }

    function _checkPool(uint256 blockNumber) private view {
        address[] memory pool = _poolAt(blockNumber);
        _require(REGISTRY.poolSizeAt(blockNumber) == pool.length, "a past pool keeps its size");
        for (uint256 position = 0; position <= WORKERS; ++position) {
            address expected = position < pool.length ? pool[position] : address(0);
            _require(REGISTRY.workerAt(position, blockNumber) == expected, "a past pool keeps its members");
        }
    }

    function checkJobs() external {
        for (uint256 j = 0; j < _jobs.length; ++j) {
            JobModel storage model = _jobs[j];
            _require(model.job.phase() == model.phase(), "a phase follows from facts and time");
            (IJob.Outcome expected, uint256 answer) = model.outcome();
            (IJob.Outcome actual, bytes32 acceptedHash) = model.job.outcome();
            _require(actual == expected, "an outcome follows from facts and time");
            _require(
                acceptedHash == (answer < ANSWERS ? _hashOf(model, answer) : bytes32(0)), "the right answer is accepted"
            );
            for (uint256 i = 0; i < model.seats.length; ++i) {
                Seat storage seat = model.seats[i];
                _require(model.job.isSettled(i) == seat.isSettled, "a seat is settled once");
                if (seat.isSettled) continue;
                _require(
                    REGISTRY.accountOf(seat.holder).stake == STAKE, "the stake behind every unsettled seat is whole"
                );
            }
        }
    }

    /* AT THE END */

    /// @notice Strangers end the round, with a silent server; everybody leaves and takes what is owed.
    function finish() external observed {
        while (_nextBoundary() != 0) {
            _pass(1, _nextBoundary() - block.timestamp);
            for (uint256 j = 0; j < _jobs.length; ++j) {
                _checkDecision(_jobs[j]);
            }
        }
        for (uint256 j = 0; j < _jobs.length; ++j) {
            if (_jobs[j].settledSeats == _jobs[j].seats.length) continue;
            uint256[] memory seats = new uint256[](_jobs[j].seats.length);
            for (uint256 i = 0; i < seats.length; ++i) {
                seats[i] = i;
            }
            _settle(_jobs[j], STRANGER, seats);
        }
        for (uint256 i = 0; i < WORKERS; ++i) {
            if (_accounts[workers[i]].isMember) _leave(workers[i]);
        }
        _pass(SNAPSHOT_AGE + 1, 1);
        for (uint256 i = 0; i < WORKERS; ++i) {
            if (_accounts[workers[i]].stake != 0) _withdrawStake(workers[i]);
            if (_accounts[workers[i]].credit != 0) _withdraw(workers[i]);
        }
        if (_accounts[SERVER].credit != 0) _withdraw(SERVER);
        _require(address(REGISTRY).balance == _burnt + _forced, "G6: everybody goes home with what is owed");
    }

    /// @notice Append a line to a file: how often a round, and each outcome and verdict, was reached.
    function record(string calldata path) external {
        string memory line = vm.toString(_latestRound);
        for (uint256 i = 0; i < _outcomes.length; ++i) {
            line = string.concat(line, " ", vm.toString(_outcomes[i]));
        }
        for (uint256 i = 0; i < _verdicts.length; ++i) {
            line = string.concat(line, " ", vm.toString(_verdicts[i]));
        }
        vm.writeLine(path, line);
    }
}
