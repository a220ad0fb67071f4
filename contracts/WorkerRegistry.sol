// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {JobFactory} from "./JobFactory.sol";
import {Checkpoints, History} from "./libraries/Checkpoints.sol";

/// @title WorkerRegistry
/// @notice The pool of workers, their stakes and credits, and the escrow of the open round: all ether lives here.
/// @dev The pool is an array without gaps, readable as of the end of any past block. A worker holds at most one seat at a
/// time, because one round is open at a time and a round's seats go to distinct positions; so the stake of every holder of
/// an unsettled seat is whole: it was a member with a whole stake at snapshotBlock, no settlement came between, and what it has
/// here is locked from then on.
contract WorkerRegistry {
    using Checkpoints for History;

    enum Verdict {
        Rewarded, // opens to the accepted result
        Released, // nobody can tell who was right
        Slashed, // opens to no accepted or no proposed result
        Absent // never committed
    }

    struct Account {
        uint96 stake;
        uint96 credit;
        uint32 positionPlusOne; // position + 1, zero for a non-member
        uint32 leaveBlock; // of the last removal, zero for a member
    }

    struct Round {
        uint96 escrow;
        uint40 snapshotBlock;
        uint32 unsettledSeats;
        uint40 lastSettlementBlock;
    }

    struct Settlement {
        uint256 seat;
        uint256 position;
        Verdict verdict;
        uint256 pay;
    }

    /// @notice Announces that `worker` is now a member, at the end of the pool.
    event Joined(address indexed worker, uint256 position, uint256 paid);

    /// @notice Announces that `worker` is no longer a member; the last member has taken its position.
    event Left(address indexed worker, uint256 position);

    /// @notice Announces that the server lets `worker` join, or no longer does.
    event AdmissionSet(address indexed worker, bool admitted);

    /// @notice Announces that a round has its escrow and its seats.
    event RoundOpened(uint256 snapshotBlock, uint256 seats, uint256 escrow);

    /// @notice Announces what a seat got: its pay when rewarded, nothing when released, else what was taken from its stake.
    event SeatSettled(address indexed job, address indexed worker, uint256 seat, Verdict verdict, uint256 amount);

    /// @notice Announces that the last seat of the open round is settled; `remainder` of its escrow goes to the server.
    event RoundClosed(uint256 remainder);

    /// @notice Announces that `account` took its credit home.
    event Withdrawn(address indexed account, uint256 amount);

    /// @notice Announces that `worker` took its stake home.
    event StakeWithdrawn(address indexed worker, uint256 amount);

    error InvalidStake(uint256 stake);
    error InvalidAbsenceFee(uint256 absenceFee, uint256 stake);
    error NotTheServer(address caller);
    error NotTheFactory(address caller);
    error NotAJob(address caller);
    error NotAdmitted(address worker);
    error AlreadyMember(address worker);
    error NotAMember(address worker);
    error WrongStake(uint256 actual, uint256 expected);
    error RoundIsOpen(uint256 unsettledSeats);
    error InvalidSnapshotBlock(uint256 snapshotBlock, uint256 earliest, uint256 latest);
    error PoolTooSmall(uint256 poolSize, uint256 seats);
    error NothingToWithdraw(address account);
    error StakeInUse(address worker);
    error StakeLocked(uint256 leaveBlock, uint256 unlockBlock);

    /// @notice How many blocks a round may look back for its pool, and how long a stake stays after leaving.
    uint256 public constant MAX_SNAPSHOT_AGE = 128;

    /// @notice The stake of every member, in wei.
    uint96 public immutable STAKE;

    /// @notice What a seat that never commits pays, in wei.
    uint96 public immutable ABSENCE_FEE;

    /// @notice Whether only those may join whom the server admits, as on a chain whose coin is free.
    bool public immutable PERMISSIONED;

    /// @notice The learning server: it funds the escrow and gets what is left or taken.
    address public immutable SERVER;

    /// @notice The factory whose jobs say who is paid.
    JobFactory public immutable FACTORY;

    /// @notice The round whose seats are not all settled, or the last one.
    Round public currentRound;

    /// @notice Whether a worker may join a permissioned pool.
    mapping(address worker => bool admitted) public isAdmitted;

    mapping(address owner => Account account) private _accounts;
    mapping(uint256 position => History worker) private _workerAt;
    History private _poolSize;

    /// @notice Make the deployer the factory; reverts unless 0 < `absenceFee` < `stake`.
    constructor(address server, uint256 stake, uint256 absenceFee, bool permissioned) {
        require(stake <= type(uint96).max, InvalidStake(stake));
        require(absenceFee != 0 && absenceFee < stake, InvalidAbsenceFee(absenceFee, stake));

        // Both are at most 2^96 - 1: the two lines above.
        STAKE = uint96(stake);
        ABSENCE_FEE = uint96(absenceFee);
        PERMISSIONED = permissioned;
        SERVER = server;
        FACTORY = JobFactory(msg.sender);
    }

    /* JOIN AND LEAVE */

    /// @notice Admit `worker` to a permissioned pool, or no longer; members stay until they are removed; server only.
    function setAdmission(address worker, bool admitted) external {
        require(msg.sender == SERVER, NotTheServer(msg.sender));

        isAdmitted[worker] = admitted;
        emit AdmissionSet(worker, admitted);
    }

    /// @notice Join the pool with exactly what is missing to a whole stake, `missingStakeOf(msg.sender)`, as value.
    function join() external payable {
        Account storage account = _accounts[msg.sender];
        uint256 missing = STAKE - account.stake;
        require(!PERMISSIONED || isAdmitted[msg.sender], NotAdmitted(msg.sender));
        require(account.positionPlusOne == 0, AlreadyMember(msg.sender));
        require(msg.value == missing, WrongStake(msg.value, missing));

        uint256 position = poolSize();
        account.stake = STAKE;
        account.leaveBlock = 0;
        _seat(msg.sender, position);
        _resize(position + 1);
        emit Joined(msg.sender, position, msg.value);
    }

    /// @notice Leave the pool at once; a seat already drawn is still owed an answer.
    function leave() external {
        require(_accounts[msg.sender].positionPlusOne != 0, NotAMember(msg.sender));

        _remove(msg.sender);
    }

    /// @dev A non-member stays one: a settlement never reverts because its worker has left before.
    function _remove(address worker) private {
        Account storage account = _accounts[worker];
        if (account.positionPlusOne == 0) return;

        uint256 position = account.positionPlusOne - 1;
        uint256 last = poolSize() - 1;
        account.positionPlusOne = 0;
        account.leaveBlock = SafeCast.toUint32(block.number);
        if (position != last) _seat(address(_workerAt[last].latest.value), position);
        _workerAt[last].push(0);
        _resize(last);
        emit Left(worker, position);
    }

    function _seat(address worker, uint256 position) private {
        _accounts[worker].positionPlusOne = SafeCast.toUint32(position + 1);
        _workerAt[position].push(uint160(worker));
    }

    /// @dev A size is a position that was seated, plus one: `_seat` has bounded it by 2^32.
    function _resize(uint256 size) private {
        _poolSize.push(uint160(size));
    }

    /* ROUND */

    /// @notice Open a round of `seats` seats, drawn from the pool as of the end of `snapshotBlock`, with the value as its escrow;
    /// factory only. Returns the pool's size. Reverts while a seat of an earlier round is unsettled.
    function open(uint256 snapshotBlock, uint256 seats) external payable returns (uint256 size) {
        require(msg.sender == address(FACTORY), NotTheFactory(msg.sender));
        Round memory round = currentRound;
        // slither-disable-next-line incorrect-equality (a count that reaches zero exactly: nobody can send it past)
        require(round.unsettledSeats == 0, RoundIsOpen(round.unsettledSeats));
        // No earlier than the last settlement, or a worker slashed after snapshotBlock could be drawn without a stake.
        uint256 oldest = block.number > MAX_SNAPSHOT_AGE ? block.number - MAX_SNAPSHOT_AGE : 0;
        uint256 earliest = oldest > round.lastSettlementBlock ? oldest : round.lastSettlementBlock;
        require(
            snapshotBlock >= earliest && snapshotBlock < block.number, InvalidSnapshotBlock(snapshotBlock, earliest, block.number - 1)
        );
        size = poolSizeAt(snapshotBlock);
        require(seats <= size, PoolTooSmall(size, seats));

        round.escrow = SafeCast.toUint96(msg.value);
        round.snapshotBlock = SafeCast.toUint40(snapshotBlock);
        round.unsettledSeats = SafeCast.toUint32(seats);
        currentRound = round;
        emit RoundOpened(snapshotBlock, seats, msg.value);
    }

    /// @notice Settle seats of the open round as their job says; jobs of the factory only.
    /// @dev The caller is a job with unsettled seats, so its round is the open one. It settles a seat once.
    function settle(Settlement[] calldata settlements) external {
        require(FACTORY.isJob(msg.sender), NotAJob(msg.sender));

        Round memory round = currentRound;
        uint256 taken = 0;
        for (uint256 i = 0; i < settlements.length; ++i) {
            Settlement calldata settlement = settlements[i];
            address worker = workerAt(settlement.position, round.snapshotBlock);
            uint256 amount = _settleSeat(worker, settlement);
            if (settlement.verdict == Verdict.Rewarded) round.escrow -= SafeCast.toUint96(amount);
            else taken += amount;
            emit SeatSettled(msg.sender, worker, settlement.seat, settlement.verdict, amount);
        }

        round.unsettledSeats -= SafeCast.toUint32(settlements.length);
        round.lastSettlementBlock = SafeCast.toUint40(block.number);
        // slither-disable-next-line incorrect-equality (as in `open`)
        if (round.unsettledSeats == 0) {
            taken += round.escrow;
            emit RoundClosed(round.escrow);
            round.escrow = 0;
        }
        currentRound = round;
        if (taken != 0) _accounts[SERVER].credit += SafeCast.toUint96(taken);
    }

    /// @dev Returns what the worker gets or, on the last two verdicts, loses. Never reverts because of the worker.
    function _settleSeat(address worker, Settlement calldata settlement) private returns (uint256 amount) {
        Account storage account = _accounts[worker];
        if (settlement.verdict == Verdict.Rewarded) {
            amount = settlement.pay;
            account.credit += SafeCast.toUint96(amount);
        } else if (settlement.verdict == Verdict.Slashed) {
            amount = account.stake;
            account.stake = 0;
            _remove(worker);
        } else if (settlement.verdict == Verdict.Absent) {
            amount = ABSENCE_FEE;
            account.stake -= ABSENCE_FEE;
            _remove(worker);
        }
    }

    /* WITHDRAW */

    /// @notice Take one's credit home, at any time.
    function withdraw() external {
        uint256 amount = _accounts[msg.sender].credit;
        require(amount != 0, NothingToWithdraw(msg.sender));

        _accounts[msg.sender].credit = 0;
        emit Withdrawn(msg.sender, amount);

        Address.sendValue(payable(msg.sender), amount);
    }

    /// @notice Take one's stake home after leaving, once no round can ask for it any more.
    function withdrawStake() external {
        Account storage account = _accounts[msg.sender];
        Round memory round = currentRound;
        uint256 amount = account.stake;
        uint256 unlockBlock = account.leaveBlock + MAX_SNAPSHOT_AGE + 1;
        require(account.positionPlusOne == 0, StakeInUse(msg.sender));
        require(amount != 0, NothingToWithdraw(msg.sender));
        require(block.number >= unlockBlock, StakeLocked(account.leaveBlock, unlockBlock));
        // slither-disable-next-line incorrect-equality (as in `open`)
        require(
            round.unsettledSeats == 0 || round.snapshotBlock >= account.leaveBlock, RoundIsOpen(round.unsettledSeats)
        );

        account.stake = 0;
        emit StakeWithdrawn(msg.sender, amount);

        Address.sendValue(payable(msg.sender), amount);
    }

    /* VIEWS */

    /// @notice Return what the registry owes to `owner`, its position plus one (zero: no member) and when it last left.
    function accountOf(address owner) external view returns (Account memory) {
        return _accounts[owner];
    }

    /// @notice Return how much `worker` has to pay to join, in wei.
    function missingStakeOf(address worker) external view returns (uint256) {
        return STAKE - _accounts[worker].stake;
    }

    /// @notice Return the number of members now.
    function poolSize() public view returns (uint256) {
        return _poolSize.latest.value;
    }

    /// @notice Return the number of members at the end of block `blockNumber`.
    function poolSizeAt(uint256 blockNumber) public view returns (uint256) {
        return _poolSize.at(blockNumber);
    }

    /// @notice Return the worker at `position` at the end of block `blockNumber`, zero if there was none.
    function workerAt(uint256 position, uint256 blockNumber) public view returns (address) {
        return address(_workerAt[position].at(blockNumber));
    }
}
