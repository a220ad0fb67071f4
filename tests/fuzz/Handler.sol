// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {IJob} from "../../contracts/interfaces/IJob.sol";
import {IWorkerRegistry, Settlement, Verdict} from "../../contracts/interfaces/IWorkerRegistry.sol";
import {ANSWERS, Account, Conduct, JUNK, JobModel, Model, NONE, Referee} from "./Model.sol";
import {Jobs} from "./Jobs.sol";

/// @title Handler
/// @notice What the fuzzer calls. Each function does something that is mostly legal now, and some things that are not.
/// @dev Time passes in `_pass` only, where whoever has a duty acts just before it is too late.
abstract contract Handler is Jobs {
    using Model for JobModel;

    uint256 internal _calls;

    modifier observed() {
        ++_calls;
        _;
        for (uint256 j = 0; j < _jobs.length; ++j) {
            _checkDecision(_jobs[j]);
        }
    }

    /* WHAT THE FUZZER CALLS */

    function pool(uint256 choice) external observed {
        uint256 seed = _spread(choice);
        address worker = workers[seed % WORKERS];
        uint256 what = (seed >> 8) % 16;
        if (what == 0) _setAdmission(SERVER, worker, (seed >> 16) % 4 != 0);
        if (!_accounts[worker].isMember) {
            if (what == 1) _leave(worker);
            if (what == 2) _join(worker, STAKE - _accounts[worker].stake + 1);
            if (what > 2) {
                if (!_accounts[worker].isAdmitted && what > 4) _setAdmission(SERVER, worker, true);
                _join(worker, STAKE - _accounts[worker].stake);
            }
        } else {
            if (what == 1) _join(worker, 0);
            if (what > 1 && what < 9) _leave(worker);
            if (what > 5 && what < 9) _join(worker, STAKE - _accounts[worker].stake);
            if (what == 8) _leave(worker);
        }
    }

    function money(uint256 choice) external observed {
        uint256 seed = _spread(choice);
        uint256 what = (seed >> 8) % 8;
        if (what < 2) _withdrawWhenUnlocked(workers[seed % WORKERS], (seed >> 16) % 2);
        else if (what < 4) _withdrawStake(workers[seed % WORKERS]);
        else if (what < 6) _withdraw(workers[seed % WORKERS]);
        else if (what == 6) _withdraw(SERVER);
        else _force(seed >> 128);
    }

    function open(uint256 choice) external observed {
        uint256 seed = _spread(choice);
        uint256 what = (seed >> 248) % 16;
        if (what == 0) _schedule(STRANGER);
        if (what == 1) _schedule(SERVER);
        if (what == 2) _deploy(seed, Mistake((seed >> 240) % 6));
        if (what == 3) {
            _passUntil(_scheduledBlock + SNAPSHOT_AGE + (seed >> 240) % 2);
            if ((seed >> 232) % 2 == 0) _deploy(seed, Mistake.None);
            _schedule(SERVER);
        }
        _goOn(seed);
    }

    function answer(uint256 choice) external observed {
        uint256 seed = _spread(choice);
        if (_unsettledSeats == 0) return _goOn(seed);
        JobModel storage model = _jobs[seed % _jobs.length];
        uint256 seat = (seed >> 8) % model.seats.length;
        address holder = model.seats[seat].holder;
        uint256 what = (seed >> 16) % 8;
        if (what == 0) {
            address other = workers[(seed >> 24) % WORKERS];
            return _commit(model, seat, other == holder ? STRANGER : other, (seed >> 32) % (JUNK + 1));
        }
        if (what == 1) return _propose(model, seat, STRANGER, (seed >> 32) % ANSWERS);
        if (what == 2) {
            return _publish(
                model, seat, workers[(seed >> 24) % WORKERS], (seed >> 32) % ANSWERS, (seed >> 40) % model.chunks
            );
        }
        if (model.phase() == IJob.Phase.Commit) return _commitAs(model, seat);
        uint256 own = model.seats[seat].answer;
        if (own >= ANSWERS || !model.isShowing()) return;
        if (!model.isProposed[own]) _propose(model, seat, holder, own);
        else _publish(model, seat, holder, own, (seed >> 40) % model.chunks);
    }

    function referee(uint256 choice) external observed {
        uint256 seed = _spread(choice);
        if (_unsettledSeats == 0) return _goOn(seed);
        JobModel storage model = _jobs[seed % _jobs.length];
        uint256 what = (seed >> 8) % 8;
        address caller = (seed >> 16) % 8 == 0 ? workers[(seed >> 24) % WORKERS] : SERVER;
        if (caller == SERVER) {
            if (_referee == Referee.Silent) return;
            if (_referee == Referee.Live) {
                if (what == 0 && model.isShowing()) _ruleRight(model);
                return;
            }
        }
        uint256 ruled = (seed >> 32) % ANSWERS;
        if (what < 2) _proposeAny(model, caller, ruled);
        else if (what < 5) _publishUnpaid(model, caller, ruled, (seed >> 40) % model.chunks);
        else if (what < 7) _rule(model, caller, ruled);
        else _ruleVoid(model, caller);
    }

    function advance(uint256 choice) external observed {
        uint256 seed = _spread(choice);
        uint256 what = (seed >> 8) % 16;
        uint256 blocks = what < 11 ? 1 + what % 3 : what < 13 ? 40 : 126 + (seed >> 16) % 5;
        for (uint256 i = 0; i <= (seed >> 32) % 3; ++i) {
            uint256 next = _nextBoundary();
            uint256 target = next + (seed >> 24) % 3;
            _pass(blocks, next != 0 && target > block.timestamp + 1 ? target - 1 - block.timestamp : 1);
        }
    }

    function settle(uint256 choice) external observed {
        uint256 seed = _spread(choice);
        if (_unsettledSeats == 0) return _goOn(seed);
        if ((seed >> 8) % 8 != 0) return _settleSome(seed);
        JobModel storage model = _jobs[seed % _jobs.length];
        _settle(model, STRANGER, _seatsFrom(model, seed));
    }

    function attack(uint256 choice) external observed {
        uint256 seed = _spread(choice);
        address caller = (seed >> 8) % 2 == 0 ? STRANGER : workers[(seed >> 16) % WORKERS];
        uint256 what = seed % 8;
        Settlement[] memory settlements = new Settlement[](1);
        settlements[0] = Settlement({seat: 0, position: (seed >> 24) % 8, verdict: Verdict((seed >> 32) % 4), pay: 1});
        bytes memory settling = abi.encodeCall(IWorkerRegistry.settle, (settlements, (seed >> 40) % 3, STRANGER));
        if (what == 0) _try(caller, address(REGISTRY), 0, settling, false);
        if (what == 1) _try(SERVER, address(REGISTRY), 0, settling, false);
        if (what == 2) _try(address(FACTORY), address(REGISTRY), 0, settling, false);
        if (what == 3) _try(address(FACTORY.IMPLEMENTATION()), address(REGISTRY), 0, settling, false);
        if (what == 4) {
            bytes memory opening = abi.encodeCall(IWorkerRegistry.open, (block.number - 1, 1));
            _try((seed >> 8) % 3 == 0 ? SERVER : caller, address(REGISTRY), 1, opening, false);
        }
        if (what == 5) _setAdmission(caller, caller, true);
        if (what > 5 && _jobs.length != 0) _forge(what == 6, settling);
    }

    /// @dev A clone of a true job with its terms, but by another deployer: a stranger to the registry.
    function _forge(bool settlesItself, bytes memory settling) private {
        address model = address(_jobs[0].job);
        bytes memory terms = Clones.fetchCloneArgs(model);
        address implementation = address(FACTORY.IMPLEMENTATION());
        bytes32 salt = bytes32(_calls);
        address forged = Clones.cloneDeterministicWithImmutableArgs(implementation, terms, salt);
        _require(!FACTORY.isJob(forged), "only the factory makes jobs");
        _require(FACTORY.isJob(model), "a job remains one");
        uint256[] memory seats = new uint256[](1);
        if (settlesItself) _try(STRANGER, forged, 0, abi.encodeCall(IJob.settle, (seats)), false);
        else _try(forged, address(REGISTRY), 0, settling, false);
    }

    /// @dev In the first block in which it is legal unless a round holds the stake, or in the one before.
    function _withdrawWhenUnlocked(address worker, uint256 early) private {
        Account storage account = _accounts[worker];
        if (account.isMember || account.stake == 0) return;
        _passUntil(account.leaveBlock + SNAPSHOT_AGE + 1 - early);
        _withdrawStake(worker);
    }

    /// @dev The bits of neighbouring choices have nothing in common, nor have those of the two kinds of pool.
    function _spread(uint256 choice) private view returns (uint256) {
        return uint256(keccak256(abi.encode(choice, REGISTRY.PERMISSIONED())));
    }

    /// @dev The next step of a round: a settlement, or else, when none is open, schedule, block, refused and real
    /// deployment.
    function _goOn(uint256 seed) private {
        if (_unsettledSeats != 0) return _settleSome(seed);
        if (_scheduledBlock == 0 || block.number > _scheduledBlock + SNAPSHOT_AGE) _schedule(SERVER);
        if (block.number == _scheduledBlock) {
            _deploy(seed, Mistake.None);
            _pass(1, 1);
        }
        _deploy(seed, Mistake(1 + (seed >> 224) % 5));
        if ((seed >> 232) % 4 != 0) _deploy(seed, Mistake.None);
    }

    function _settleSome(uint256 seed) private {
        for (uint256 i = 0; i < _jobs.length; ++i) {
            JobModel storage model = _jobs[(seed % _jobs.length + i) % _jobs.length];
            if (model.phase() != IJob.Phase.Decided || model.settledSeats == model.seats.length) continue;
            return _settle(model, workers[(seed >> 16) % WORKERS], _seatsFrom(model, seed));
        }
    }

    /// @dev All seats, or any list, with repetitions.
    function _seatsFrom(JobModel storage model, uint256 seed) private view returns (uint256[] memory seats) {
        bool isAll = (seed >> 32) % 2 == 0;
        seats = new uint256[](isAll ? model.seats.length : (seed >> 40) % 4);
        for (uint256 i = 0; i < seats.length; ++i) {
            seats[i] = isAll ? i : (seed >> (48 + 8 * i)) % model.seats.length;
        }
    }

    /* TIME AND DUTIES */

    function _nextBoundary() internal view returns (uint256 next) {
        for (uint256 j = 0; j < _jobs.length; ++j) {
            JobModel storage model = _jobs[j];
            uint256[4] memory ends = [
                model.commitEnd(),
                model.commitEnd() + model.challengeWindow,
                model.publishEnd(),
                model.refereeEnd()
            ];
            for (uint256 i = 0; i < 4; ++i) {
                if (ends[i] > block.timestamp && (next == 0 || ends[i] < next)) next = ends[i];
            }
        }
    }

    function _pass(uint256 blocks, uint256 time) internal {
        uint256 target = block.timestamp + time;
        for (uint256 j = 0; j < _jobs.length; ++j) {
            JobModel storage model = _jobs[j];
            if (model.phase() == IJob.Phase.Commit && model.commitEnd() <= target) _commitAll(model);
            if (model.phase() == IJob.Phase.Propose && model.publishEnd() <= target) _showAll(model);
            if (_referee == Referee.Live && model.isShowing() && model.refereeEnd() <= target) _ruleRight(model);
        }
        _nextBlock(blocks, time);
    }

    function _passUntil(uint256 blockNumber) private {
        if (block.number < blockNumber) _pass(blockNumber - block.number, 1);
    }

    function _commitAs(JobModel storage model, uint256 seat) private {
        uint256 own = _answerOf(model.seats[seat].conduct);
        if (own != NONE) _commit(model, seat, model.seats[seat].holder, own);
    }

    function _commitAll(JobModel storage model) private {
        for (uint256 seat = 0; seat < model.seats.length; ++seat) {
            if (model.seats[seat].answer == NONE) _commitAs(model, seat);
        }
    }

    function _showAll(JobModel storage model) private {
        for (uint256 seat = 0; seat < model.seats.length; ++seat) {
            uint256 own = model.seats[seat].answer;
            if (own >= ANSWERS) continue;
            address holder = model.seats[seat].holder;
            if (!model.isProposed[own]) _propose(model, seat, holder, own);
            if (model.seats[seat].conduct == Conduct.Withholding) continue;
            for (uint256 index = 0; index < model.chunks; ++index) {
                if (!model.isShowing()) return;
                if (model.publisherPlusOne[own][index] == 0) _publish(model, seat, holder, own, index);
            }
        }
    }
}
