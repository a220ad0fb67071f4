// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Handler} from "./Handler.sol";
import {Properties} from "./Properties.sol";

/// @title Invariants
/// @notice Random calls by everybody, with the properties checked after each of them.
abstract contract Invariants {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    Properties private _properties;

    function setUp() public {
        _properties = new Properties(_isPermissioned());
    }

    function _isPermissioned() internal pure virtual returns (bool);

    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector({addr: address(_properties), selectors: new bytes4[](8)});
        targets[0].selectors[0] = Handler.pool.selector;
        targets[0].selectors[1] = Handler.money.selector;
        targets[0].selectors[2] = Handler.open.selector;
        targets[0].selectors[3] = Handler.answer.selector;
        targets[0].selectors[4] = Handler.referee.selector;
        targets[0].selectors[5] = Handler.advance.selector;
        targets[0].selectors[6] = Handler.settle.selector;
        targets[0].selectors[7] = Handler.attack.selector;
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_properties);
    }

    function invariant_everyPropertyHolds() public {
        _properties.checkBooks();
        _properties.checkServer();
        _properties.checkPools();
        _properties.checkJobs();
    }

    function afterInvariant() public {
        _properties.finish();
        _properties.record(".build/forge/reached");
    }
}

contract OpenPool is Invariants {
    function _isPermissioned() internal pure override returns (bool) {
        return false;
    }
}

contract PermissionedPool is Invariants {
    function _isPermissioned() internal pure override returns (bool) {
        return true;
    }
}
