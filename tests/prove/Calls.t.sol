// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {WorkerRegistry} from "../../contracts/WorkerRegistry.sol";
import {IWorkerRegistry} from "../../contracts/interfaces/IWorkerRegistry.sol";
import {svm, vm} from "./Symbolic.sol";

/// @title CallProofs
/// @notice Conservation over one call of the registry, whatever its storage holds. All that is assumed is that without
/// a round there is no escrow, which each call keeps, that the factory opens rounds of one seat or more, and that the
/// pool's size has changed twice at most when it does.
/// @custom:halmos --solver-timeout-branching 10
contract CallProofs {
    bytes32 private constant POOL_SIZE = bytes32(uint256(5)); // its slot: the size, since when, and how many before

    WorkerRegistry private _registry;

    function setUp() public {
        _registry = new WorkerRegistry(address(0x5E), 1 ether, 0.1 ether, true);
        svm.enableSymbolicStorage(address(_registry));
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
        vm.assume(uint256(vm.load(address(_registry), POOL_SIZE)) >> 208 <= 2);
        uint256 burnt = _registry.burnt();

        uint256 received = _call(address(this), other, abi.encodeCall(IWorkerRegistry.open, (snapshotBlock, seats)));

        (uint256 escrow, uint256 unsettledSeats) = _round();
        assert(escrow == received);
        assert(unsettledSeats == seats);
        assert(_registry.burnt() == burnt);
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
        IWorkerRegistry.Account memory accountAfter = _registry.accountOf(other);
        assert(accountAfter.stake == account.stake);
        assert(accountAfter.credit == account.credit);
        unchecked {
            return address(_registry).balance - balance;
        }
    }

    function _round() private view returns (uint256 escrow, uint256 unsettledSeats) {
        (escrow,, unsettledSeats,) = _registry.currentRound();
    }

    function _isClosedWithoutEscrow() private view returns (bool) {
        (uint256 escrow, uint256 unsettledSeats) = _round();
        return escrow == 0 || unsettledSeats != 0;
    }
}
