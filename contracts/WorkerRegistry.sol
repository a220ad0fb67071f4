// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ServerOwned} from "./ServerOwned.sol";
import {IJobFactory} from "./interfaces/IJobFactory.sol";
import {IWorkerRegistry, Settlement, Verdict} from "./interfaces/IWorkerRegistry.sol";
import {Checkpoints, History} from "./libraries/Checkpoints.sol";

/// @title WorkerRegistry
/// @notice The pool of workers, their stakes and credits, and the escrow of the current round: all ether is held here.
/// @dev The pool is an array without gaps, readable as of the end of any past block. A worker holds at most one
/// unsettled seat, because one round is open at a time and its seats go to distinct positions. So the stake behind
/// every unsettled seat is whole: its holder was a member with a whole stake at snapshotBlock, no settlement came in
/// between, and what it has here is locked from then on.
contract WorkerRegistry is IWorkerRegistry, ServerOwned {
    using Checkpoints for History;

    /// @inheritdoc IWorkerRegistry
    uint256 public constant MAX_SNAPSHOT_AGE = 128;

    /// @inheritdoc IWorkerRegistry
    uint88 public immutable STAKE;

    /// @inheritdoc IWorkerRegistry
    uint88 public immutable ABSENCE_FEE;

    /// @inheritdoc IWorkerRegistry
    bool public immutable PERMISSIONED;

    /// @inheritdoc IWorkerRegistry
    address public immutable FACTORY;

    /// @inheritdoc IWorkerRegistry
    Round public currentRound;

    /// @inheritdoc IWorkerRegistry
    uint256 public burnt;

    /// @inheritdoc IWorkerRegistry
    mapping(address worker => bool admitted) public isAdmitted;

    mapping(address owner => Account account) private _accounts;
    mapping(uint256 position => History worker) private _workerAt;
    History private _poolSize;

    modifier onlyFactory() {
        require(msg.sender == FACTORY, NotTheFactory(msg.sender));
        _;
    }

    modifier onlyJob() {
        require(IJobFactory(FACTORY).isJob(msg.sender), NotAJob(msg.sender));
        _;
    }

    /// @notice Make the deployer the factory; reverts unless 0 < `absenceFee` < `stake` < 2^88.
    /// @param server The learning server: it gets what is left of escrow, and nothing of what is taken from stakes.
    /// @param stake The stake of every member, in wei.
    /// @param absenceFee What a seat that never commits pays, in wei.
    /// @param permissioned Whether only workers that the server admits may join.
    constructor(address server, uint256 stake, uint256 absenceFee, bool permissioned)
        ServerOwned(server)
    {
        require(stake <= type(uint88).max, InvalidStake(stake));
        require(absenceFee != 0 && absenceFee < stake, InvalidAbsenceFee(absenceFee, stake));

        // Both are below 2^88: the two guards above.
        STAKE = uint88(stake);
        ABSENCE_FEE = uint88(absenceFee);
        PERMISSIONED = permissioned;
        FACTORY = msg.sender;
    }

    /* JOIN AND LEAVE */

    /// @inheritdoc IWorkerRegistry
    function setAdmission(address worker, bool admitted) external onlyServer {
        _setAdmission(worker, admitted);
    }

    function _setAdmission(address worker, bool admitted) private {
        isAdmitted[worker] = admitted;
        emit AdmissionSet(worker, admitted);
    }

    /// @inheritdoc IWorkerRegistry
    function join() external payable {
        Account storage account = _accounts[msg.sender];
        uint256 missing = STAKE - account.stake;
        require(!PERMISSIONED || isAdmitted[msg.sender], NotAdmitted(msg.sender));
        require(account.positionPlusOne == 0, AlreadyMember(msg.sender));
        require(msg.value == missing, WrongStake(msg.value, missing));

        uint256 position = poolSize();
        account.stake = STAKE;
        account.leaveBlock = 0;
        _setWorkerAt(position, msg.sender);
        _resize(position + 1);
        emit Joined(msg.sender, position, msg.value);
    }

    /// @inheritdoc IWorkerRegistry
    function leave() external {
        require(_accounts[msg.sender].positionPlusOne != 0, NotAMember(msg.sender));

        _remove(msg.sender);
    }

    /// @dev Does nothing for a non-member: no settlement reverts because its worker has left before.
    function _remove(address worker) private {
        Account storage account = _accounts[worker];
        if (account.positionPlusOne == 0) return;

        uint256 position = account.positionPlusOne - 1;
        uint256 last = poolSize() - 1;
        account.positionPlusOne = 0;
        account.leaveBlock = SafeCast.toUint40(block.number);
        if (position != last) _setWorkerAt(position, address(_workerAt[last].latest.value));
        _workerAt[last].push(0);
        _resize(last);
        emit Left(worker, position);
    }

    function _setWorkerAt(uint256 position, address worker) private {
        _accounts[worker].positionPlusOne = SafeCast.toUint32(position + 1);
        _workerAt[position].push(uint160(worker));
    }

    /// @dev A size is at most a position that was filled, plus one: `_setWorkerAt` has bounded that by 2^32.
    function _resize(uint256 size) private {
        _poolSize.push(uint160(size));
    }

    /* ROUND */

    /// @inheritdoc IWorkerRegistry
    function open(uint256 snapshotBlock, uint256 seats) external payable onlyFactory returns (uint256 size) {
        Round memory round = currentRound;
        require(!_isOpen(round), RoundIsOpen(round.unsettledSeats));
        // No earlier than the last settlement, or a worker slashed after snapshotBlock could be drawn without a stake.
        uint256 oldest = block.number > MAX_SNAPSHOT_AGE ? block.number - MAX_SNAPSHOT_AGE : 0;
        uint256 earliest = oldest > round.lastSettlementBlock ? oldest : round.lastSettlementBlock;
        require(
            snapshotBlock >= earliest && snapshotBlock < block.number,
            InvalidSnapshotBlock(snapshotBlock, earliest, block.number - 1)
        );
        size = poolSizeAt(snapshotBlock);
        require(seats <= size, PoolTooSmall(size, seats));

        round.escrow = SafeCast.toUint96(msg.value);
        round.snapshotBlock = SafeCast.toUint40(snapshotBlock);
        round.unsettledSeats = SafeCast.toUint32(seats);
        currentRound = round;
        emit RoundOpened(snapshotBlock, seats, msg.value);
    }

    /// @inheritdoc IWorkerRegistry
    /// @dev A job calls this for seats it has not settled before, so its round is the current one. What is taken is
    /// burnt, and so is what a ruling keeps from seats: whatever the server rules, a job costs it the same. The finder
    /// gets half of a slashed stake: less than all, or liars could show their lies at no loss; and never the server.
    function settle(Settlement[] calldata settlements, uint256 forfeited, address finder) external onlyJob {
        Round memory round = currentRound;
        uint256 lost = forfeited;
        uint256 bounty = 0;
        bool isFound = finder != address(0) && finder != SERVER;
        for (uint256 i = 0; i < settlements.length; ++i) {
            Settlement calldata settlement = settlements[i];
            address worker = workerAt(settlement.position, round.snapshotBlock);
            uint256 amount = _settleSeat(worker, settlement);
            if (settlement.verdict == Verdict.Rewarded) {
                round.escrow -= SafeCast.toUint96(amount);
            } else {
                lost += amount;
                if (isFound && settlement.verdict == Verdict.Slashed) bounty += amount / 2;
            }
            emit SeatSettled(msg.sender, worker, settlement.seat, settlement.verdict, amount);
        }

        if (forfeited != 0) {
            round.escrow -= SafeCast.toUint96(forfeited);
            emit Forfeited(msg.sender, forfeited);
        }

        if (bounty != 0) {
            lost -= bounty;
            _accounts[finder].credit += SafeCast.toUint96(bounty);
            emit BountyPaid(msg.sender, finder, bounty);
        }

        round.unsettledSeats -= SafeCast.toUint32(settlements.length);
        round.lastSettlementBlock = SafeCast.toUint40(block.number);
        if (!_isOpen(round)) {
            if (round.escrow != 0) _accounts[SERVER].credit += round.escrow;
            emit RoundClosed(round.escrow);
            round.escrow = 0;
        }
        currentRound = round;
        if (lost != 0) burnt += lost;
    }

    /// @dev Returns what the worker gets or, on the last two verdicts, loses. No worker can make it revert.
    function _settleSeat(address worker, Settlement calldata settlement) private returns (uint256 amount) {
        Account storage account = _accounts[worker];
        if (settlement.verdict == Verdict.Rewarded) {
            amount = settlement.pay;
            account.credit += SafeCast.toUint96(amount);
        } else if (settlement.verdict == Verdict.Slashed) {
            amount = account.stake;
            account.stake = 0;
            _remove(worker);
            if (isAdmitted[worker]) _setAdmission(worker, false);
        } else if (settlement.verdict == Verdict.Absent) {
            amount = ABSENCE_FEE;
            account.stake -= ABSENCE_FEE;
            _remove(worker);
        }
    }

    function _isOpen(Round memory round) private pure returns (bool) {
        return round.unsettledSeats != 0;
    }

    /* WITHDRAW */

    /// @inheritdoc IWorkerRegistry
    function withdraw() external {
        uint256 amount = _accounts[msg.sender].credit;
        require(amount != 0, NothingToWithdraw(msg.sender));

        _accounts[msg.sender].credit = 0;
        emit Withdrawn(msg.sender, amount);

        Address.sendValue(payable(msg.sender), amount);
    }

    /// @inheritdoc IWorkerRegistry
    function withdrawStake() external {
        Account storage account = _accounts[msg.sender];
        Round memory round = currentRound;
        uint256 amount = account.stake;
        uint256 unlockBlock = account.leaveBlock + MAX_SNAPSHOT_AGE + 1;
        require(account.positionPlusOne == 0, StakeInUse(msg.sender));
        require(amount != 0, NothingToWithdraw(msg.sender));
        require(block.number >= unlockBlock, StakeLocked(account.leaveBlock, unlockBlock));
        require(!_isOpen(round) || round.snapshotBlock >= account.leaveBlock, RoundIsOpen(round.unsettledSeats));

        account.stake = 0;
        emit StakeWithdrawn(msg.sender, amount);

        Address.sendValue(payable(msg.sender), amount);
    }

    /* VIEWS */

    /// @inheritdoc IWorkerRegistry
    function accountOf(address owner) external view returns (Account memory) {
        return _accounts[owner];
    }

    /// @inheritdoc IWorkerRegistry
    function missingStakeOf(address worker) external view returns (uint256) {
        return STAKE - _accounts[worker].stake;
    }

    /// @inheritdoc IWorkerRegistry
    function poolSize() public view returns (uint256) {
        return _poolSize.latest.value;
    }

    /// @inheritdoc IWorkerRegistry
    function poolSizeAt(uint256 blockNumber) public view returns (uint256) {
        return _poolSize.at(blockNumber);
    }

    /// @inheritdoc IWorkerRegistry
    function workerAt(uint256 position, uint256 blockNumber) public view returns (address) {
        return address(_workerAt[position].at(blockNumber));
    }
}
