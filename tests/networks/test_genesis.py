"""The first block names its validators as each client reads them, and gives ether to whom it should."""

import rlp
from eth_utils import to_bytes

from networks.genesis import FORKS, QBFT_MIX_HASH, clique_genesis, qbft_genesis

# Of GoQuorum's own quickstart.
VALIDATORS = [
    "0x93917cadbace5dfce132b991732c6cda9bcc5b8a",
    "0x27a97c9aaf04f18f3014c32e036dd0ac76da5f18",
    "0xce412f988377e31f4d0ff12d74df73b51c42d0ca",
    "0x98c1334496614aed49d2e81526d089f7264fed9c",
]
QUICKSTART = (
    "0xf87aa00000000000000000000000000000000000000000000000000000000000000000f8549493917cadbace5dfce132b991732c6cda9bcc5b8a"
    "9427a97c9aaf04f18f3014c32e036dd0ac76da5f1894ce412f988377e31f4d0ff12d74df73b51c42d0ca9498c1334496614aed49d2e81526d089"
    "f7264fed9cc080c0"
)
SOMEBODY = "0x" + 40 * "1"


def test_qbft_validators_are_written_as_the_quickstart_has_them():
    genesis = qbft_genesis(1337, VALIDATORS, 2, {})

    assert genesis["extraData"] == QUICKSTART
    assert rlp.decode(to_bytes(hexstr=genesis["extraData"]))[1] == [to_bytes(hexstr=it) for it in VALIDATORS]
    assert genesis["mixHash"] == QBFT_MIX_HASH
    assert genesis["config"]["qbft"]["blockperiodseconds"] == 2


def test_clique_validators_stand_in_order_between_vanity_and_seal():
    extra = to_bytes(hexstr=clique_genesis(1338, VALIDATORS, 1, {})["extraData"])

    assert extra == bytes(32) + b"".join(sorted(to_bytes(hexstr=it) for it in VALIDATORS)) + bytes(65)


def test_the_rules_are_those_of_berlin_and_of_no_later_fork():
    for genesis in (qbft_genesis(1337, VALIDATORS, 2, {}), clique_genesis(1337, VALIDATORS, 2, {})):
        blocks = {name for name in genesis["config"] if name.endswith("Block")}

        assert blocks == {f"{fork}Block" for fork in FORKS}
        assert FORKS[-1] == "berlin"
        assert genesis["config"]["chainId"] == 1337


def test_ether_is_given_in_wei():
    genesis = qbft_genesis(1337, VALIDATORS, 2, {SOMEBODY: 10**18})

    assert genesis["alloc"] == {SOMEBODY: {"balance": "0xde0b6b3a7640000"}}
