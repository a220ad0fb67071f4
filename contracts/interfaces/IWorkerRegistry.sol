// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice What a job decides about a seat.
enum Verdict {
    Rewarded, // its commitment opens to the accepted result
    Released, // it committed, and nobody can tell whether it was right: neither pay nor penalty
    Slashed, // its commitment opens to no accepted result or, where none is accepted, to no candidate
    Absent // it never committed
}

/// @notice How a job wants a seat settled.
struct Settlement {
    uint256 seat;
    uint256 position; // of its holder in the round's pool
    Verdict verdict;
    uint256 pay; // wei, if rewarded
}

/// @title IWorkerRegistry
/// @notice The pool of workers, their stakes and credits, and the escrow of the current round: all ether is held here.
interface IWorkerRegistry {
    struct Account {
        uint96 credit; // wei
        uint88 stake; // wei
        uint32 positionPlusOne; // in the pool, zero for a non-member
        uint40 leaveBlock; // block of the latest removal, zero for a member
    }

    struct Round {
        uint96 escrow; // wei
        uint40 snapshotBlock;
        uint32 unsettledSeats;
        uint40 lastSettlementBlock; // of this round or the one before
    }

    /// @notice Emitted when a worker becomes a member, at the end of the pool.
    /// @param worker The new member.
    /// @param position Its position in the pool.
    /// @param paid What it added to complete its stake, in wei.
    event Joined(address indexed worker, uint256 position, uint256 paid);

    /// @notice Emitted when a worker is removed from the pool; the last member moves to its position.
    /// @param worker The former member.
    /// @param position The position it held.
    event Left(address indexed worker, uint256 position);

    /// @notice Emitted when the server grants or revokes a worker's admission, or a slash revokes it.
    /// @param worker The worker.
    /// @param admitted Whether it may join from now on.
    event AdmissionSet(address indexed worker, bool admitted);

    /// @notice Emitted when a round is funded and its seats are due.
    /// @param snapshotBlock The block at whose end the pool is drawn from.
    /// @param seats The number of seats of all jobs together.
    /// @param escrow The pay of all jobs together, in wei.
    event RoundOpened(uint256 snapshotBlock, uint256 seats, uint256 escrow);

    /// @notice Emitted when a seat is settled.
    /// @param job The job it belongs to.
    /// @param worker Its holder.
    /// @param seat Its number in the job.
    /// @param verdict What the job decided.
    /// @param amount The pay if rewarded, nothing if released, otherwise what was taken from the stake; in wei.
    event SeatSettled(address indexed job, address indexed worker, uint256 seat, Verdict verdict, uint256 amount);

    /// @notice Emitted when pay that a ruling has kept from seats is burnt: the server does not get it back.
    /// @param job The job that was ruled.
    /// @param amount What leaves the escrow for nobody, in wei.
    event Forfeited(address indexed job, uint256 amount);

    /// @notice Emitted when somebody gets half of the stakes of those whose lie its claim has shown.
    /// @param job The job that was disputed.
    /// @param finder Who gets it.
    /// @param amount In wei.
    event BountyPaid(address indexed job, address indexed finder, uint256 amount);

    /// @notice Emitted when the last seat of the current round is settled.
    /// @param remainder What was left in escrow and is credited to the server, in wei.
    event RoundClosed(uint256 remainder);

    /// @notice Emitted when a credit is paid out.
    /// @param account Its owner.
    /// @param amount The credit, in wei.
    event Withdrawn(address indexed account, uint256 amount);

    /// @notice Emitted when a stake is paid out.
    /// @param worker Its owner.
    /// @param amount The stake, in wei.
    event StakeWithdrawn(address indexed worker, uint256 amount);

    /// @notice A stake must be below 2^88 wei.
    error InvalidStake(uint256 stake);
    /// @notice An absence fee must be above zero and below the stake.
    error InvalidAbsenceFee(uint256 absenceFee, uint256 stake);
    /// @notice The caller is not the job factory.
    error NotTheFactory(address caller);
    /// @notice The caller is not a job that the factory deployed.
    error NotAJob(address caller);
    /// @notice The pool is permissioned, and the server has not admitted the worker.
    error NotAdmitted(address worker);
    /// @notice The worker is in the pool already.
    error AlreadyMember(address worker);
    /// @notice The worker is not in the pool.
    error NotAMember(address worker);
    /// @notice The value is not what the worker's stake lacks.
    error WrongStake(uint256 actual, uint256 expected);
    /// @notice Seats of the current round are not settled yet.
    error RoundIsOpen(uint256 unsettledSeats);
    /// @notice The snapshot block is in the future, too old, or before the last settlement.
    error InvalidSnapshotBlock(uint256 snapshotBlock, uint256 earliest, uint256 latest);
    /// @notice The pool had fewer members at the snapshot block than the round has seats.
    error PoolTooSmall(uint256 poolSize, uint256 seats);
    /// @notice The account has nothing of this kind here.
    error NothingToWithdraw(address account);
    /// @notice A member cannot withdraw its stake.
    error StakeInUse(address worker);
    /// @notice The stake stays locked until `unlockBlock`.
    error StakeLocked(uint256 leaveBlock, uint256 unlockBlock);

    /// @notice Grant or revoke a worker's admission to a permissioned pool; members stay. Server only.
    /// @param worker The worker.
    /// @param admitted Whether it may join.
    function setAdmission(address worker, bool admitted) external;

    /// @notice Join the pool, sending exactly what the caller's stake lacks, `missingStakeOf(msg.sender)`.
    function join() external payable;

    /// @notice Leave the pool at once; a seat that the caller already holds remains due.
    function leave() external;

    /// @notice Open a round and take the value as its escrow; reverts while the one before is unsettled. Factory only.
    /// @param snapshotBlock The block at whose end the pool is drawn from.
    /// @param seats The number of seats of all jobs together.
    /// @return size The size of the pool at the snapshot block.
    function open(uint256 snapshotBlock, uint256 seats) external payable returns (uint256 size);

    /// @notice Settle seats of the current round as the calling job decided. Jobs of the factory only.
    /// @param settlements The seats, none of them settled before.
    /// @param forfeited Pay of the job that nobody gets because of a ruling, in wei.
    /// @param finder Who gets half of what is slashed; zero if nobody does.
    function settle(Settlement[] calldata settlements, uint256 forfeited, address finder) external;

    /// @notice Withdraw the caller's credit.
    function withdraw() external;

    /// @notice Withdraw the caller's stake after leaving, once no round can draw on it any more.
    function withdrawStake() external;

    /// @notice Return how many blocks ago a round's snapshot block may be; a stake stays locked one block longer.
    /// @return blocks The number of blocks.
    function MAX_SNAPSHOT_AGE() external view returns (uint256 blocks);

    /// @notice Return the stake of every member.
    /// @return amount The stake, in wei.
    function STAKE() external view returns (uint88 amount);

    /// @notice Return what a seat that never commits pays.
    /// @return amount The fee, in wei.
    function ABSENCE_FEE() external view returns (uint88 amount);

    /// @notice Return whether only workers that the server admits may join, as on a chain whose coin is free.
    /// @return permissioned Whether they need admission.
    function PERMISSIONED() external view returns (bool permissioned);

    /// @notice Return the factory whose jobs decide who is paid.
    /// @return factory Its address.
    function FACTORY() external view returns (address factory);

    /// @notice Return the latest round, which is open while seats are unsettled.
    /// @return escrow What is left of its pay, in wei.
    /// @return snapshotBlock The block at whose end the pool is drawn from.
    /// @return unsettledSeats The number of seats that are not settled yet.
    /// @return lastSettlementBlock The block of the latest settlement, of this round or the one before.
    function currentRound()
        external
        view
        returns (uint96 escrow, uint40 snapshotBlock, uint32 unsettledSeats, uint40 lastSettlementBlock);

    /// @notice Return what is burnt: slashed stakes but for bounties, absence fees and forfeited pay. It stays here,
    /// owed to nobody.
    /// @return amount The sum since deployment, in wei.
    function burnt() external view returns (uint256 amount);

    /// @notice Return whether the server has admitted a worker.
    /// @param worker The worker.
    /// @return admitted Whether it may join a permissioned pool.
    function isAdmitted(address worker) external view returns (bool admitted);

    /// @notice Return what the registry owes to `owner`, and its membership.
    /// @param owner A worker, or the server.
    /// @return account Credit, stake, position plus one and leave block.
    function accountOf(address owner) external view returns (Account memory account);

    /// @notice Return what a worker has to pay to join.
    /// @param worker The worker.
    /// @return amount The missing part of its stake, in wei.
    function missingStakeOf(address worker) external view returns (uint256 amount);

    /// @notice Return the number of members.
    /// @return size The size of the pool now.
    function poolSize() external view returns (uint256 size);

    /// @notice Return the number of members at the end of a block.
    /// @param blockNumber The block.
    /// @return size The size of the pool then.
    function poolSizeAt(uint256 blockNumber) external view returns (uint256 size);

    /// @notice Return the member at a position at the end of a block.
    /// @param position The position.
    /// @param blockNumber The block.
    /// @return worker The member, zero if there was none.
    function workerAt(uint256 position, uint256 blockNumber) external view returns (address worker);
}
