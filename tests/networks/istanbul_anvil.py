"""An Anvil with the rules, the chain id and the free gas of a Quorum, that makes a block every second."""

import shutil
import subprocess
import time
from contextlib import contextmanager

import requests

from tests.networks.ports import free_ports

CHAIN_ID = 1337


def ask(url: str, method: str, *parameters: object) -> object:
    """Ask a node something."""
    question = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
    return requests.post(url, json=question, timeout=30).json()["result"]


@contextmanager
def istanbul_anvil():
    """Start the node, yield its address, and end it."""
    port = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    rules = "--hardfork istanbul --gas-price 0 --base-fee 0 --block-time 1 --silent --host 127.0.0.1"
    command = [shutil.which("anvil"), "--port", str(port), "--chain-id", str(CHAIN_ID), *rules.split()]
    process = subprocess.Popen(command)
    try:
        _wait_for(url, process)
        yield url
    finally:
        process.terminate()
        process.wait()


def _wait_for(url: str, process: subprocess.Popen) -> None:
    for _ in range(300):
        assert process.poll() is None, "Anvil has ended"
        try:
            ask(url, "eth_chainId")
            return
        except requests.ConnectionError:
            time.sleep(0.1)
    raise TimeoutError("Anvil does not answer")
