// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {WorkerRegistry} from "../../contracts/WorkerRegistry.sol";
import {IWorkerRegistry, Settlement, Verdict} from "../../contracts/interfaces/IWorkerRegistry.sol";
import {vm} from "./Symbolic.sol";

/// @title RegistryProofs
/// @notice The registry alone: this contract is its factory and, where a proof says so, its jobs.
contract RegistryProofs {
    uint256 private constant STAKE = 1 ether;
    uint256 private constant ABSENCE_FEE = 0.1 ether;
    uint256 private constant ESCROW = 7 ether;
    address private constant SERVER = address(0x5E);
    address private constant ANN = address(0xA1);
    address private constant BOB = address(0xA2);
    address private constant EVE = address(0xA3);

    WorkerRegistry private _registry;
    address private _job;

    /// @notice Three members, and no round yet.
    function setUp() public {
        _registry = new WorkerRegistry(SERVER, STAKE, ABSENCE_FEE, false);
        _job = address(this);
        vm.deal(address(this), ESCROW);
        vm.roll(1000);
        _join(ANN);
        _join(BOB);
        _join(EVE);
        vm.roll(1001);
    }

    function isJob(address job) external view returns (bool) {
        return job == _job;
    }

    /* SETTLEMENT */

    /// @notice A seat is settled with any verdict, pay and forfeit: its account, the escrow and what is burnt are as they
    /// must be, nobody else's account changes, and every wei is owed.
    function check_aSeatIsSettledAsItsVerdictSays(uint8 verdict, uint96 pay, uint96 forfeited) external {
        _registry.open{value: ESCROW}(1000, 1);

        _settleOne(verdict, pay, forfeited, true);
    }

    /// @notice The same when its holder has left after the draw.
    function check_aSeatWhoseHolderHasLeftIsSettled(uint8 verdict, uint96 pay, uint96 forfeited) external {
        _registry.open{value: ESCROW}(1000, 1);
        vm.prank(ANN);
        _registry.leave();

        _settleOne(verdict, pay, forfeited, false);
    }

    /// @notice The same when it has joined again.
    function check_aSeatWhoseHolderIsBackIsSettled(uint8 verdict, uint96 pay, uint96 forfeited) external {
        _registry.open{value: ESCROW}(1000, 1);
        vm.prank(ANN);
        _registry.leave();
        vm.prank(ANN);
        _registry.join();

        _settleOne(verdict, pay, forfeited, true);
    }

    function _settleOne(uint8 verdict, uint96 pay, uint96 forfeited, bool wasMember) private {
        vm.assume(verdict < 4);
        Settlement[] memory settlements = new Settlement[](1);
        settlements[0] = Settlement({seat: 0, position: 0, verdict: Verdict(verdict), pay: pay});
        uint256 paid = forfeited;
        uint256 burnt = forfeited;
        if (settlements[0].verdict == Verdict.Rewarded) paid += pay;
        if (settlements[0].verdict == Verdict.Slashed) burnt += STAKE;
        if (settlements[0].verdict == Verdict.Absent) burnt += ABSENCE_FEE;
        vm.assume(paid <= ESCROW);

        _registry.settle(settlements, forfeited);

        _assertSettled(ANN, settlements[0], wasMember);
        _assertAccount(BOB, STAKE, 0, true);
        _assertAccount(EVE, STAKE, 0, true);
        assert(_registry.burnt() == burnt);
        assert(_registry.accountOf(SERVER).credit == ESCROW - paid);
        assert(address(_registry).balance == _owed() + burnt);
        (uint256 escrow,, uint256 unsettledSeats,) = _registry.currentRound();
        assert(escrow == 0 && unsettledSeats == 0);
    }

    function _assertSettled(address worker, Settlement memory settlement, bool wasMember) private view {
        bool isRewarded = settlement.verdict == Verdict.Rewarded;
        bool stays = isRewarded || settlement.verdict == Verdict.Released;
        uint256 stake = stays ? STAKE : settlement.verdict == Verdict.Slashed ? 0 : STAKE - ABSENCE_FEE;
        _assertAccount(worker, stake, isRewarded ? settlement.pay : 0, stays && wasMember);
    }

    function _assertAccount(address worker, uint256 stake, uint256 credit, bool isMember) private view {
        IWorkerRegistry.Account memory account = _registry.accountOf(worker);
        assert(account.stake == stake);
        assert(account.credit == credit);
        assert((account.positionPlusOne != 0) == isMember);
    }

    function _owed() private view returns (uint256 owed) {
        address[4] memory owners = [ANN, BOB, EVE, SERVER];
        for (uint256 i = 0; i < 4; ++i) {
            owed += _registry.accountOf(owners[i]).stake + _registry.accountOf(owners[i]).credit;
        }
    }

    /// @notice Nobody but a job settles.
    function check_onlyAJobSettles(address caller, uint8 verdict, uint96 pay, uint96 forfeited) external {
        vm.assume(verdict < 4 && caller != _job);
        _registry.open{value: ESCROW}(1000, 2);
        Settlement[] memory settlements = new Settlement[](1);
        settlements[0] = Settlement({seat: 0, position: 0, verdict: Verdict(verdict), pay: pay});

        vm.prank(caller);
        try _registry.settle(settlements, forfeited) {
            assert(false);
        } catch {}
    }

    /* WITHDRAWALS */

    /// @notice A withdrawal pays exactly the credit, once, and changes nothing else.
    function check_aWithdrawalPaysTheCredit(uint96 pay) external {
        vm.assume(pay != 0 && pay <= ESCROW);
        _registry.open{value: ESCROW}(1000, 1);
        Settlement[] memory settlements = new Settlement[](1);
        settlements[0] = Settlement({seat: 0, position: 0, verdict: Verdict.Rewarded, pay: pay});
        _registry.settle(settlements, 0);
        uint256 before = address(_registry).balance;

        vm.prank(ANN);
        _registry.withdraw();

        assert(ANN.balance == pay);
        assert(address(_registry).balance == before - pay);
        _assertAccount(ANN, STAKE, 0, true);
        vm.prank(ANN);
        try _registry.withdraw() {
            assert(false);
        } catch {}
    }

    /// @notice A stake goes home exactly from 129 blocks after leaving on, and not under a round whose pool it was in.
    function check_aStakeUnlocksAfter129Blocks(uint32 left, uint32 opened, uint32 withdrawn, bool hasRound) external {
        vm.assume(left >= 1001 && left <= withdrawn);
        uint256 snapshotBlock = opened - 1;
        if (hasRound) {
            vm.assume(opened > 1001 && opened <= withdrawn);
            if (opened <= left) _openAt(opened);
        }
        vm.roll(left);
        vm.prank(ANN);
        _registry.leave();
        if (hasRound && opened > left) _openAt(opened);
        vm.roll(withdrawn);
        bool isFree = withdrawn >= uint256(left) + 129 && !(hasRound && snapshotBlock < left);

        vm.prank(ANN);
        try _registry.withdrawStake() {
            assert(isFree);
            assert(ANN.balance == STAKE);
            _assertAccount(ANN, 0, 0, false);
        } catch {
            assert(!isFree);
        }
    }

    function _openAt(uint256 opened) private {
        vm.roll(opened);
        _registry.open{value: ESCROW}(opened - 1, 2);
    }

    function _join(address worker) private {
        vm.deal(worker, STAKE);
        vm.prank(worker);
        _registry.join{value: STAKE}();
    }
}
