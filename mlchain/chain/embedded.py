"""Makes the embedded chain the same at every run; a node of its own cannot be, since its blocks carry the time."""

from collections.abc import Callable

from eth_tester.backends.pyevm.main import get_default_genesis_params, setup_tester_chain
from eth_utils import keccak

GENESIS_TIME = 4_000_000_000  # in the future (2096), or the embedded chain would stamp its blocks with today's time


def make_repeatable(provider: object, seed: bytes) -> None:
    """Replace the chain of an unused `ethereum:local:test` provider by one whose block hashes follow from `seed`.

    The embedded chain fills `mix_hash`, the beacon's random number, from the operating system: here it is a hash of the
    seed and the block number. A provider of another kind is left alone.
    """
    if provider.name != "test":
        return
    backend = provider.evm_backend
    genesis = get_default_genesis_params({"timestamp": GENESIS_TIME})
    _, chain = setup_tester_chain(genesis, backend.genesis_state)
    chain.mine_block = _with_seeded_mix_hash(chain, seed)
    backend.chain = chain


def _with_seeded_mix_hash(chain: object, seed: bytes) -> Callable:
    mine_block = chain.mine_block

    def mine(**fields: object) -> object:
        number = chain.get_block().number
        return mine_block(**{**fields, "mix_hash": keccak(seed + number.to_bytes(8, "big"))})

    return mine
