// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {WorkerRegistry} from "../../contracts/WorkerRegistry.sol";
import {IWorkerRegistry, Settlement, Verdict} from "../../contracts/interfaces/IWorkerRegistry.sol";
import {vm} from "./Symbolic.sol";

/// @title RegistryProofs
/// @notice The registry alone: this contract is its factory and, where a proof says so, its jobs.
/// @custom:halmos --solver-timeout-branching 10
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

    /// @notice The two seats of a round are settled as their verdicts say, with any pays and forfeit: escrow, what is
    /// burnt and what the server gets back follow, and nobody else's account changes.
    function check_twoSeatsAreSettledAsTheirVerdictsSay(
        uint8[2] memory verdicts,
        uint96[2] memory pays,
        uint96 forfeited
    ) external {
        _open(2);

        _settle(verdicts, pays, forfeited, true, address(0));
    }

    /// @notice The same with a finder: it gets half of each slashed stake, and the server, which cannot be one, none.
    function check_aFinderGetsHalfOfWhatIsSlashed(
        uint8[2] memory verdicts,
        uint96[2] memory pays,
        uint96 forfeited,
        bool isServer
    ) external {
        _open(2);

        _settle(verdicts, pays, forfeited, true, isServer ? SERVER : EVE);
    }

    /// @notice The same when a holder left after the draw, or left and joined again.
    function check_aSeatWhoseHolderLeftIsSettled(
        uint8[2] memory verdicts,
        uint96[2] memory pays,
        uint96 forfeited,
        bool isBack
    ) external {
        _open(2);
        vm.prank(ANN);
        _registry.leave();
        if (isBack) {
            vm.prank(ANN);
            _registry.join();
        }

        _settle(verdicts, pays, forfeited, isBack, address(0));
    }

    function _settle(
        uint8[2] memory verdicts,
        uint96[2] memory pays,
        uint96 forfeited,
        bool annIsMember,
        address finder
    ) private {
        Settlement[] memory settlements = new Settlement[](2);
        uint256 paid = forfeited;
        uint256 burnt = forfeited;
        uint256 bounty = 0;
        for (uint256 i = 0; i < 2; ++i) {
            vm.assume(verdicts[i] < 4 && pays[i] <= ESCROW);
            Verdict verdict = Verdict(verdicts[i]);
            settlements[i] = Settlement({seat: i, position: i, verdict: verdict, pay: pays[i]});
            unchecked {
                if (verdict == Verdict.Rewarded) paid += pays[i];
                if (verdict == Verdict.Slashed) burnt += STAKE;
                if (verdict == Verdict.Slashed && finder == EVE) bounty += STAKE / 2;
                if (verdict == Verdict.Absent) burnt += ABSENCE_FEE;
            }
        }
        vm.assume(forfeited <= ESCROW && paid <= ESCROW);

        _registry.settle(settlements, forfeited, finder);

        _assertSettled(ANN, settlements[0], annIsMember);
        _assertSettled(BOB, settlements[1], true);
        _assertAccount(EVE, STAKE, bounty, true);
        (uint256 escrow,, uint256 unsettledSeats,) = _registry.currentRound();
        unchecked {
            assert(_registry.accountOf(SERVER).credit == ESCROW - paid);
        }
        assert(_registry.burnt() == burnt - bounty);
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

    /// @notice Nobody but a job settles.
    function check_onlyAJobSettles(address caller, uint8 verdict, uint96 pay, uint96 forfeited) external {
        vm.assume(verdict < 4 && caller != _job);
        _open(2);
        Settlement[] memory settlements = new Settlement[](1);
        settlements[0] = Settlement({seat: 0, position: 0, verdict: Verdict(verdict), pay: pay});

        vm.prank(caller);
        try _registry.settle(settlements, forfeited, caller) {
            assert(false);
        } catch {}
    }

    /* WITHDRAWALS */

    /// @notice A withdrawal pays exactly the credit, once, and changes nothing else.
    function check_aWithdrawalPaysTheCredit(uint96 pay) external {
        vm.assume(pay != 0 && pay <= ESCROW);
        _open(1);
        Settlement[] memory settlements = new Settlement[](1);
        settlements[0] = Settlement({seat: 0, position: 0, verdict: Verdict.Rewarded, pay: pay});
        _registry.settle(settlements, 0, address(0));
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
        _open(2);
    }

    function _open(uint256 seats) private {
        _registry.open{value: ESCROW}(block.number - 1, seats);
    }

    function _join(address worker) private {
        vm.deal(worker, STAKE);
        vm.prank(worker);
        _registry.join{value: STAKE}();
    }
}
