"""The embedded chain: the same at every run, as no node can be, whose blocks carry the time; it refuses as nodes do."""

from collections.abc import Iterator
from contextlib import contextmanager

from ape.api import ProviderAPI
from ape_test.config import ApeTestConfig
from ape_test.provider import ApeEVMBackend, LocalProvider
from eth_tester.backends.pyevm.main import ZERO_ADDRESS, setup_tester_chain
from eth_tester.backends.pyevm.serializers import serialize_transaction_receipt
from eth_tester.exceptions import TransactionFailed
from eth_utils import keccak, to_tuple
from web3.exceptions import ContractLogicError

GENESIS_TIME = 4_000_000_000  # in the future (2096), or the embedded chain would stamp its blocks with today's time


class RepeatableBackend(ApeEVMBackend):
    """An unused chain in memory whose block hashes follow from `seed`.

    The one that Ape comes with begins today, and fills `mix_hash`, the beacon's random number, from the operating
    system: here it is a hash of the seed and the block number.
    """

    def __init__(self, config: ApeTestConfig, chain_id: int, seed: bytes) -> None:
        super().__init__(config, chain_id)
        self._seed = seed
        self._block_of: dict[bytes, int] = {}  # by the hash of a transaction; blocks may have been rolled back since
        _keys, self.chain = setup_tester_chain(
            self.generate_genesis_params({"timestamp": GENESIS_TIME}), self.genesis_state
        )

    @to_tuple
    def mine_blocks(self, num_blocks: int = 1, coinbase: bytes = ZERO_ADDRESS) -> Iterator[bytes]:
        """Add blocks and return their hashes; no transaction of ours carries a blob."""
        for _ in range(num_blocks):
            mix_hash = keccak(self._seed + self.chain.get_block().number.to_bytes(8, "big"))
            block = self.chain.mine_block(coinbase=coinbase, mix_hash=mix_hash, blob_gas_used=0)
            self._block_of |= {transaction.hash: block.number for transaction in block.transactions}
            yield block.hash

    def get_transaction_receipt(self, transaction_hash: bytes) -> object:
        """Return a receipt; eth-tester walks back from the newest block for each."""
        number = self._block_of.get(transaction_hash, self.chain.get_block().number)
        if number < self.chain.get_block().number:
            block = self.chain.get_canonical_block_by_number(number)
            for index, transaction in enumerate(block.transactions):
                if transaction.hash == transaction_hash:
                    receipts, vm = block.get_receipts(self.chain.chaindb), self.chain.get_vm()
                    return serialize_transaction_receipt(block, receipts, transaction, index, False, vm)
        return super().get_transaction_receipt(transaction_hash)


@contextmanager
def refusals_named() -> Iterator[None]:
    """Let the embedded chain refuse a call inside as nodes do: by an error of web3."""
    try:
        yield
    except TransactionFailed as error:
        raise ContractLogicError(str(error)) from error


def make_repeatable(provider: ProviderAPI, seed: bytes) -> None:
    """Give an unused `ethereum:local:test` provider a chain that follows from `seed`; leave any other one alone."""
    if isinstance(provider, LocalProvider):
        provider.tester.backend = RepeatableBackend(provider.config, provider.settings.chain_id, seed)
