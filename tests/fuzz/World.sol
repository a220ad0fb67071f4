// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {JobFactory} from "../../contracts/JobFactory.sol";
import {ModelRegistry} from "../../contracts/ModelRegistry.sol";
import {IJobFactory} from "../../contracts/interfaces/IJobFactory.sol";
import {IWorkerRegistry} from "../../contracts/interfaces/IWorkerRegistry.sol";
import {ContractWorker} from "../../contracts/mocks/ContractWorker.sol";
import {Account, JobModel, Referee} from "./Model.sol";
import {vm} from "./Vm.sol";

/// @title World
/// @notice The real contracts, who acts on them, and a model of what everybody owns and of every past pool.
abstract contract World {
    struct Past {
        uint256 until; // the last block at whose end the pool was this
        address[] pool;
    }

    uint256 internal constant WORKERS = 10;
    uint256 internal constant RANDOM_NUMBERS = 150;
    uint256 internal constant STAKE = 1 ether;
    uint256 internal constant ABSENCE_FEE = 0.1 ether;
    uint256 internal constant MIN_SEATS = 2;
    uint256 internal constant MIN_WINDOW = 20;
    uint256 internal constant SNAPSHOT_AGE = 128;
    address internal constant STRANGER = address(0xBAD);
    bytes internal constant TASK = "task";

    JobFactory public immutable FACTORY;
    IWorkerRegistry public immutable REGISTRY;
    address public immutable SERVER = address(0x5E);

    address[] public workers;
    mapping(address owner => Account account) internal _accounts;
    address[] internal _pool;
    Past[] internal _past;
    uint256 internal _firstBlock;

    uint256 internal _scheduledBlock;
    uint256 internal _latestRound;
    uint256 internal _snapshotBlock; // of the latest round
    uint256 internal _lastSettlementBlock;
    uint256 internal _unsettledSeats;
    uint256 internal _escrow;
    Referee internal _referee;
    JobModel[] internal _jobs; // of the latest round

    uint256 internal _burnt;
    uint256 internal _forced;
    uint256 internal _serverPaid;
    uint256 internal _serverGot;
    bytes32[] internal _randomNumbers; // each the hash of the one before; the last ones are used first

    /// @dev A call was refused that the model expects to succeed, or the other way round.
    error UnexpectedResult(address caller, bytes data, bool succeeded, bytes returned);
    error Broken(string property);

    constructor(bool permissioned) {
        vm.roll(1000);
        vm.warp(1_000_000);
        _firstBlock = block.number;
        bytes32 number = keccak256("the server's random numbers");
        for (uint256 i = 0; i < RANDOM_NUMBERS; ++i) {
            _randomNumbers.push(number);
            number = keccak256(abi.encode(number));
        }

        bytes memory model = "model";
        bytes32[] memory chunkHashes = new bytes32[](1);
        chunkHashes[0] = keccak256(model);
        vm.prank(SERVER);
        ModelRegistry models = new ModelRegistry();
        vm.prank(SERVER);
        models.announce(0, keccak256(abi.encodePacked(chunkHashes)), model.length);
        vm.prank(SERVER);
        models.publish(1, 0, chunkHashes, model);

        vm.prank(SERVER);
        FACTORY = new JobFactory(
            models,
            IJobFactory.Parameters({
                stake: STAKE,
                absenceFee: ABSENCE_FEE,
                minWindow: MIN_WINDOW,
                maxRoundDuration: 10_000,
                minSeats: MIN_SEATS,
                permissioned: permissioned,
                referee: address(0),
                versionReferee: address(0),
                randomAnchor: number
            })
        );
        REGISTRY = FACTORY.REGISTRY();
        for (uint256 i = 0; i + 1 < WORKERS; ++i) {
            workers.push(address(uint160(0xA0000 + i)));
        }
        // The last one calls back when it is paid.
        ContractWorker reentrant = new ContractWorker();
        reentrant.receiveBy(false, abi.encodeCall(IWorkerRegistry.withdraw, ()));
        workers.push(address(reentrant));
        for (uint256 i = 0; i < WORKERS; ++i) {
            _setAdmission(SERVER, workers[i], true);
            if (i < 8) _join(workers[i], STAKE);
        }
        _nextBlock(1, 1);
    }

    /* CALLS */

    function _try(address caller, address target, uint256 value, bytes memory data, bool isLegal) internal {
        vm.deal(caller, caller.balance + value);
        vm.prank(caller);
        // solhint-disable-next-line avoid-low-level-calls
        (bool succeeded, bytes memory returned) = target.call{value: value}(data);
        require(succeeded == isLegal, UnexpectedResult(caller, data, succeeded, returned));
    }

    function _require(bool holds, string memory property) internal pure {
        require(holds, Broken(property));
    }

    /* TIME */

    function _nextBlock(uint256 blocks, uint256 time) internal {
        uint256 until = block.number + blocks - 1;
        if (_past.length != 0 && _isPool(_past[_past.length - 1].pool)) _past[_past.length - 1].until = until;
        else _past.push(Past({until: until, pool: _pool}));
        vm.roll(until + 1);
        vm.warp(block.timestamp + time);
    }

    function _isPool(address[] memory pool) internal view returns (bool) {
        return keccak256(abi.encode(pool)) == keccak256(abi.encode(_pool));
    }

    function _poolAt(uint256 blockNumber) internal view returns (address[] memory) {
        uint256 found = _past.length;
        while (found != 0 && _past[found - 1].until >= blockNumber) --found;
        return found == _past.length ? _pool : _past[found].pool;
    }

    /* POOL */

    function _setAdmission(address caller, address worker, bool admitted) internal {
        bool isLegal = caller == SERVER;
        _try(caller, address(REGISTRY), 0, abi.encodeCall(IWorkerRegistry.setAdmission, (worker, admitted)), isLegal);
        if (isLegal) _accounts[worker].isAdmitted = admitted;
    }

    function _join(address worker, uint256 value) internal {
        Account storage account = _accounts[worker];
        bool isLegal = !account.isMember && value == STAKE - account.stake
            && (account.isAdmitted || !REGISTRY.PERMISSIONED());
        _try(worker, address(REGISTRY), value, abi.encodeCall(IWorkerRegistry.join, ()), isLegal);
        if (!isLegal) return;
        account.stake = STAKE;
        account.isMember = true;
        account.leaveBlock = 0;
        _pool.push(worker);
    }

    function _leave(address worker) internal {
        bool isLegal = _accounts[worker].isMember;
        _try(worker, address(REGISTRY), 0, abi.encodeCall(IWorkerRegistry.leave, ()), isLegal);
        if (isLegal) _remove(worker);
    }

    /// @dev The last member takes the place of the one that goes.
    function _remove(address worker) internal {
        if (!_accounts[worker].isMember) return;
        _accounts[worker].isMember = false;
        _accounts[worker].leaveBlock = block.number;
        uint256 position = 0;
        while (_pool[position] != worker) ++position;
        _pool[position] = _pool[_pool.length - 1];
        _pool.pop();
    }

    /* MONEY */

    function _withdraw(address owner) internal {
        uint256 amount = _accounts[owner].credit;
        uint256 before = owner.balance;
        _try(owner, address(REGISTRY), 0, abi.encodeCall(IWorkerRegistry.withdraw, ()), amount != 0);
        _require(owner.balance == before + amount, "a credit is paid in full, and once");
        _accounts[owner].credit = 0;
        if (owner == SERVER) _serverGot += amount;
    }

    function _withdrawStake(address worker) internal {
        Account storage account = _accounts[worker];
        uint256 amount = account.stake;
        bool isLegal = !account.isMember && amount != 0 && block.number >= account.leaveBlock + SNAPSHOT_AGE + 1
            && (_unsettledSeats == 0 || _snapshotBlock >= account.leaveBlock);
        // On receiving its stake it withdraws its credit.
        uint256 credit = worker == workers[WORKERS - 1] ? account.credit : 0;
        uint256 before = worker.balance;
        _try(worker, address(REGISTRY), 0, abi.encodeCall(IWorkerRegistry.withdrawStake, ()), isLegal);
        if (!isLegal) return;
        _require(worker.balance == before + amount + credit, "a stake is paid in full, and once");
        account.stake = 0;
        account.credit -= credit;
    }

    function _force(uint256 amount) internal {
        _forced += amount;
        vm.deal(address(REGISTRY), address(REGISTRY).balance + amount);
    }
}
