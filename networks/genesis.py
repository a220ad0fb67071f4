"""The first block of a network, as each client wants it: Berlin rules, free gas, validators named in `extraData`."""

from collections.abc import Mapping, Sequence

import rlp
from eth_utils import to_bytes, to_hex

GAS_LIMIT = 30_000_000
EPOCH = 30_000  # blocks after which votes on validators are forgotten
REQUEST_TIMEOUT = 4  # seconds that QBFT waits for a proposal
LARGEST = 64  # KiB of a transaction and of a contract, GoQuorum's own defaults for a new network
QBFT_MIX_HASH = "0x63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365"
FORKS = (
    "homestead",
    "eip150",
    "eip155",
    "eip158",
    "byzantium",
    "constantinople",
    "petersburg",
    "istanbul",
    "berlin",
)


def qbft_genesis(chain_id: int, validators: Sequence[str], period: int, balances: Mapping[str, int]) -> dict:
    """Return GoQuorum's genesis: QBFT with a block every `period` seconds; addresses in hex, balances in wei."""
    config = {
        "isQuorum": True,
        "qbft": {
            "epochlength": EPOCH,
            "blockperiodseconds": period,
            "requesttimeoutseconds": max(REQUEST_TIMEOUT, 2 * period),
            "policy": 0,
            "ceil2Nby3Block": 0,
        },
        "transitions": [{"block": 0, "transactionSizeLimit": LARGEST, "contractSizeLimit": LARGEST}],
    }
    addresses = [to_bytes(hexstr=it) for it in validators]
    extra = rlp.encode([bytes(32), addresses, [], b"", []])  # vanity, validators, votes, round, seals
    return _genesis(chain_id, config, extra, balances) | {"mixHash": QBFT_MIX_HASH}


def clique_genesis(chain_id: int, validators: Sequence[str], period: int, balances: Mapping[str, int]) -> dict:
    """Return upstream Geth's genesis: Clique with a block every `period` seconds; addresses in hex, balances in wei."""
    config = {"clique": {"period": period, "epoch": EPOCH}}
    addresses = sorted(to_bytes(hexstr=it) for it in validators)
    extra = bytes(32) + b"".join(addresses) + bytes(65)  # vanity, validators, seal
    return _genesis(chain_id, config, extra, balances)


def _genesis(chain_id: int, config: dict, extra: bytes, balances: Mapping[str, int]) -> dict:
    return {
        "config": {"chainId": chain_id, **{f"{fork}Block": 0 for fork in FORKS}, **config},
        "nonce": "0x0",
        "timestamp": "0x0",
        "extraData": to_hex(extra),
        "gasLimit": hex(GAS_LIMIT),
        "difficulty": "0x1",
        "coinbase": "0x" + 40 * "0",
        "alloc": {address: {"balance": hex(balance)} for address, balance in balances.items()},
    }
