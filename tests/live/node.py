"""An Anvil that can be killed and started again where it was, and whose chain can be pushed about."""

import shutil
import subprocess
import time
from pathlib import Path

import requests

from tests.networks.ports import free_ports

CHAIN_ID = 1337  # of a Quorum
QUORUM_RULES = ("--hardfork", "istanbul", "--gas-price", "0", "--base-fee", "0")


class Node:
    """A node that makes a block a second and keeps its chain in a folder; by a Quorum's rules if it has its id."""

    def __init__(self, folder: Path, chain_id: int = CHAIN_ID) -> None:
        self.port = free_ports(1)
        self._command = [
            *(shutil.which("anvil"), "--host", "127.0.0.1", "--port", str(self.port), "--chain-id", str(chain_id)),
            *(QUORUM_RULES if chain_id == CHAIN_ID else ()),
            *("--no-mining", "--silent", "--preserve-historical-states"),
        ]
        self._state = folder / "chain.json"
        self._genesis_time = int(time.time())
        self._process: subprocess.Popen | None = None
        self._loaded = 0  # the last block that was there when it started

    @property
    def url(self) -> str:
        """Where it is asked."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, forgets: bool = False) -> None:
        """Start it where it was, or on a new chain that it will forget, and wait until it answers.

        Anvil 1.7.1 makes a first block of its own beside the one in its file, writes both down, and may take either for
        the chain's when it next reads them: so they are made the same. Its clock begins with that block: so it makes no
        other before the clock is set to where the chain was.
        """
        state = [] if forgets else ["--state", str(self._state), "--timestamp", str(self._genesis_time)]
        silent = subprocess.DEVNULL
        self._process = subprocess.Popen([*self._command, *state], stdout=silent, stderr=silent)
        for _ in range(200):
            try:
                self._loaded = self.height()
            except requests.RequestException:
                time.sleep(0.1)
            else:
                newest = int(self.ask("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
                self.ask("evm_setTime", max(newest, int(time.time())))
                self.ask("evm_setIntervalMining", 1)
                return
        raise RuntimeError("Anvil does not start")

    def stop(self) -> None:
        """Let it write down its chain and end."""
        self._process.terminate()
        self._process.wait(30)

    def reorganise(self, depth: int) -> None:
        """Replace the last `depth` blocks by empty ones, as soon as it has made itself what it goes back to.

        Going back to a block that it has read from its file, Anvil forgets the code of all contracts.
        """
        while self.height() - depth <= self._loaded:
            time.sleep(0.2)
        self.ask("anvil_reorg", depth, [])

    def height(self) -> int:
        """Return the number of the newest block."""
        return int(self.ask("eth_blockNumber"), 16)

    def ask(self, method: str, *parameters: object) -> object:
        """Return the result of a request; raises RuntimeError where there is none."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(parameters)}
        answer = requests.post(self.url, json=request, timeout=20).json()
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]
