// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {WorkerRegistry} from "../../contracts/WorkerRegistry.sol";
import {IWorkerRegistry, Settlement, Verdict} from "../../contracts/interfaces/IWorkerRegistry.sol";
import {svm, vm} from "./Symbolic.sol";

/// @title CallProofs
/// @notice Conservation over one call of the registry, whatever its storage holds. All that is assumed is that without a
/// round there is no escrow, which each call keeps, that the factory opens rounds of one seat or more, and that
/// histories are short.
contract CallProofs {
    uint256 private constant STAKE = 1 ether;
    uint256 private constant ABSENCE_FEE = 0.1 ether;
    uint256 private constant MAX_CHANGES = 2;
    uint256 private constant WORKER_AT = 4; // storage slots of the registry
    uint256 private constant POOL_SIZE = 5;
    address private constant SERVER = address(0x5E);

    WorkerRegistry private _registry;

    function setUp() public {
        _registry = new WorkerRegistry(SERVER, STAKE, ABSENCE_FEE, true);
        svm.enableSymbolicStorage(address(_registry));
    }

    function isJob(address job) external view returns (bool) {
        return job == address(this);
    }

    /// @notice Any call by anybody but the factory and its jobs: the balance changes by what the caller's account does,
    /// and only a withdrawal lowers a stake or a credit.
    function check_aCallMovesItsCallersMoneyOnly(address caller, address other) external {
        vm.assume(caller != other && caller != address(this) && caller != address(_registry));
        bytes memory data = svm.createCalldata("WorkerRegistry");
        bytes4 selector = bytes4(data);
        vm.assume(selector != IWorkerRegistry.settle.selector);
        IWorkerRegistry.Account memory own = _registry.accountOf(caller);
        (uint256 escrow,) = _round();
        uint256 burnt = _registry.burnt();

        uint256 received = _call(caller, other, data);

        IWorkerRegistry.Account memory ownAfter = _registry.accountOf(caller);
        unchecked {
            assert(received == uint256(ownAfter.stake) + ownAfter.credit - own.stake - own.credit);
        }
        if (selector != IWorkerRegistry.withdrawStake.selector) assert(ownAfter.stake >= own.stake);
        if (selector != IWorkerRegistry.withdraw.selector) assert(ownAfter.credit >= own.credit);
        (uint256 escrowAfter,) = _round();
        assert(escrowAfter == escrow);
        assert(_registry.burnt() == burnt);
    }

    /// @notice What the factory opens a round with is its escrow.
    function check_openingARoundMovesItsValueIntoEscrow(address other, uint256 snapshotBlock, uint256 seats) external {
        vm.assume(seats != 0);
        _assumeShort(bytes32(POOL_SIZE));
        uint256 burnt = _registry.burnt();

        uint256 received = _call(address(this), other, abi.encodeCall(IWorkerRegistry.open, (snapshotBlock, seats)));

        (uint256 escrow, uint256 unsettledSeats) = _round();
        assert(escrow == received);
        assert(unsettledSeats == seats);
        assert(_registry.burnt() == burnt);
    }

    /// @notice A settled seat changes its holder's account as its verdict says; escrow pays for it, what is taken is burnt,
    /// and with the last seat the server gets what is left.
    function checkSlowly_aSeatIsSettledAsItsVerdictSays(
        address other,
        uint32 position,
        uint8 verdict,
        uint96 pay,
        uint96 forfeited
    ) external {
        vm.assume(verdict < 4);
        _assumeShort(keccak256(abi.encode(position, WORKER_AT)));
        (, uint256 snapshotBlock,,) = _registry.currentRound();
        address worker = _registry.workerAt(position, snapshotBlock);
        vm.assume(worker != SERVER && other != SERVER && other != worker);
        Settlement[] memory settlements = new Settlement[](1);
        settlements[0] = Settlement({seat: 0, position: position, verdict: Verdict(verdict), pay: pay});
        IWorkerRegistry.Account memory own = _registry.accountOf(worker);
        IWorkerRegistry.Account memory server = _registry.accountOf(SERVER);
        (uint256 escrow, uint256 unsettledSeats) = _round();
        uint256 burnt = _registry.burnt();

        uint256 received = _call(address(this), other, abi.encodeCall(IWorkerRegistry.settle, (settlements, forfeited)));

        unchecked {
            uint256 paid = verdict == uint8(Verdict.Rewarded) ? pay : 0;
            uint256 lost = verdict == uint8(Verdict.Slashed) ? own.stake : 0;
            if (verdict == uint8(Verdict.Absent)) lost = ABSENCE_FEE;
            uint256 left = escrow - paid - forfeited;
            _assertAccount(worker, own.stake - lost, own.credit + paid);
            _assertAccount(SERVER, server.stake, server.credit + (unsettledSeats == 1 ? left : 0));
            (uint256 escrowAfter, uint256 unsettledSeatsAfter) = _round();
            assert(escrowAfter == (unsettledSeats == 1 ? 0 : left));
            assert(unsettledSeatsAfter == unsettledSeats - 1);
            assert(_registry.burnt() == burnt + lost + forfeited);
            assert(received == 0);
        }
    }

    /// @dev Returns by how much the balance changes. Another account never does.
    function _call(address caller, address other, bytes memory data) private returns (uint256 received) {
        uint256 value = svm.createUint(96, "value");
        uint256 balance = svm.createUint(96, "balance");
        vm.deal(caller, value);
        vm.deal(address(_registry), balance);
        vm.roll(svm.createUint(40, "block number"));
        vm.assume(_isClosedWithoutEscrow());
        IWorkerRegistry.Account memory account = _registry.accountOf(other);

        vm.prank(caller);
        (bool succeeded,) = address(_registry).call{value: value}(data);
        vm.assume(succeeded);

        assert(_isClosedWithoutEscrow());
        _assertAccount(other, account.stake, account.credit);
        unchecked {
            return address(_registry).balance - balance;
        }
    }

    function _assertAccount(address owner, uint256 stake, uint256 credit) private view {
        IWorkerRegistry.Account memory account = _registry.accountOf(owner);
        assert(account.stake == stake);
        assert(account.credit == credit);
    }

    function _round() private view returns (uint256 escrow, uint256 unsettledSeats) {
        (escrow,, unsettledSeats,) = _registry.currentRound();
    }

    function _isClosedWithoutEscrow() private view returns (bool) {
        (uint256 escrow, uint256 unsettledSeats) = _round();
        return escrow == 0 || unsettledSeats != 0;
    }

    /// @dev The number of changes is in the highest bits of a history's slot.
    function _assumeShort(bytes32 slot) private {
        vm.assume(uint256(vm.load(address(_registry), slot)) >> 208 <= MAX_CHANGES);
    }
}
