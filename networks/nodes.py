"""Starts and stops the validators of a written network; their process ids are in their folders."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

import requests

from networks.plan import HOST, Network, NetworkError, Validator

PATIENCE = 60.0  # seconds until the first blocks have to be there
GRACE = 20.0  # seconds that a validator gets to write its state
POLL_INTERVAL = 0.2  # seconds
SETTLED = 2  # blocks: with Clique the first may be a validator's own, before it knows of others
HEAD_START = 10  # seconds from the start of a new chain until its first block is due


def start(network: Network, geth: str, only: Sequence[int], say: Callable[[str], None]) -> None:
    """Start the validators that are not running, and wait until each has a block that the others have, too.

    One after the other: two that dial each other at the same moment may both hang up, and try again half a minute
    later. Raises NetworkError when one exits or does not get that far; then all that were started are stopped again.
    """
    members = _chosen(network, only)
    sleeping = [it for it in members if process_of(network, it) is None]
    _delay_first_block(network)
    for member in sleeping:
        _initialise(network, member, geth)
    started = []
    try:
        for member in sleeping:
            _launch(network, member, geth)
            started.append(member)
            _wait_for(network, [member], height=0)
            say(f"validator {member.number} of {len(network.validators)} started: {member.url}")
        _wait_for(network, members, SETTLED)
    except BaseException:
        for member in started:
            _end(network, member)
        raise
    say(f"{network.client} on chain {network.chain_id}: all running validators have blocks")


def stop(network: Network, only: Sequence[int], say: Callable[[str], None]) -> None:
    """Stop the validators that are running."""
    for member in _chosen(network, only):
        if _end(network, member):
            say(f"validator {member.number} of {len(network.validators)} stopped")


def process_of(network: Network, member: Validator) -> int | None:
    """Return the id of a validator's process, None if it is not running: its old id may be another program's now."""
    try:
        pid = int((network.home_of(member) / "pid").read_text())
    except (OSError, ValueError):
        return None
    command = subprocess.run(["ps", "-ww", "-o", "stat=,args=", "-p", str(pid)], capture_output=True, text=True).stdout
    is_zombie = command.startswith("Z")
    return pid if str(network.home_of(member)) in command and not is_zombie else None


def height_of(member: Validator) -> int | None:
    """Return the number of a validator's head block, None if it does not answer."""
    try:
        answer = _ask(member, "eth_blockNumber")
    except (requests.RequestException, ValueError, KeyError):
        return None
    return int(answer, 16)


def _chosen(network: Network, only: Sequence[int]) -> list[Validator]:
    unknown = set(only) - {it.number for it in network.validators}
    if unknown:
        raise NetworkError(f"there is no validator {min(unknown)}: they are numbered 1 to {len(network.validators)}")
    return [it for it in network.validators if not only or it.number in only]


def _delay_first_block(network: Network) -> None:
    """Make the first block of a Clique chain that nobody has yet due when its validators know each other.

    Otherwise each seals its own while they connect, which nobody may ever hear of: then all have signed recently, and
    wait for the others for ever.
    """
    if network.client != "geth" or any(_has_chain(network, it) for it in network.validators):
        return
    path = network.folder / "genesis.json"
    genesis = json.loads(path.read_text()) | {"timestamp": hex(int(time.time()) + HEAD_START)}
    path.write_text(json.dumps(genesis, indent=2) + "\n")


def _has_chain(network: Network, member: Validator) -> bool:
    return (network.home_of(member) / "data" / "geth" / "chaindata").exists()


def _initialise(network: Network, member: Validator, geth: str) -> None:
    home = network.home_of(member)
    if _has_chain(network, member):
        return
    command = [geth, "--datadir", str(home / "data"), "init", str(network.folder / "genesis.json")]
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=_environment())
    except OSError as error:
        raise NetworkError(f"{geth} cannot be run: {error.strerror}") from error
    if done.returncode:
        raise NetworkError(f"{geth} does not take the genesis block: {_last_line(done.stderr)}")


def _launch(network: Network, member: Validator, geth: str) -> None:
    home = network.home_of(member)
    with (home / "log").open("ab") as log:
        process = subprocess.Popen(
            [geth, *arguments(network, member)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=_environment(),
            start_new_session=True,
        )
    (home / "pid").write_text(str(process.pid))


def arguments(network: Network, member: Validator) -> list[str]:
    """Return what a validator's program is started with."""
    home = network.home_of(member)
    options = {
        "config": home / "config.toml",
        "datadir": home / "data",
        "nodekey": home / "nodekey",
        "networkid": network.chain_id,
        "nat": "none",
        "syncmode": "full",
        "http.addr": HOST,
        "http.port": member.rpc_port,
        "http.vhosts": f"localhost,{HOST}",
    }
    switches = ["--nodiscover", "--ipcdisable", "--mine", "--http"]
    if network.client == "goquorum":
        options |= {"miner.threads": 1, "miner.gasprice": 0, "http.api": "eth,net,web3,txpool,istanbul"}
        switches += ["--emitcheckpoints"]
    else:
        # It seals with an account. For less than 1 wei its pool takes nothing from other validators.
        options |= {"miner.etherbase": member.address, "unlock": member.address, "password": home / "passphrase"}
        options |= {"miner.gasprice": 1, "authrpc.port": 0, "http.api": "eth,net,web3,txpool,clique"}
        switches += ["--allow-insecure-unlock"]
    return [*switches, *(text for name, value in options.items() for text in (f"--{name}", str(value)))]


def _environment() -> dict[str, str]:
    return os.environ | {"PRIVATE_CONFIG": "ignore"}  # GoQuorum: no private transactions


def _wait_for(network: Network, members: Sequence[Validator], height: int) -> None:
    """Wait until each answers that its head block is at this height or above."""
    deadline = time.monotonic() + PATIENCE
    while True:
        for member in members:
            if process_of(network, member) is None:
                log = (network.home_of(member) / "log").read_text(errors="replace")
                raise NetworkError(f"validator {member.number} has exited: {_last_line(log)}")
        heights = {member.number: height_of(member) for member in members}
        if all(found is not None and found >= height for found in heights.values()):
            return
        if time.monotonic() > deadline:
            found = ", ".join(f"{number} at {'no' if it is None else it}" for number, it in heights.items())
            raise NetworkError(
                f"after {PATIENCE:.0f} s not all are at block {height}: validator {found}; see {network.folder}"
            )
        time.sleep(POLL_INTERVAL)


def _end(network: Network, member: Validator) -> bool:
    """Stop a validator's process, by force if it takes too long; return whether there was one."""
    pid = process_of(network, member)
    if pid is None:
        return False
    _signal(pid, signal.SIGTERM)
    deadline = time.monotonic() + GRACE
    while process_of(network, member) is not None:
        if time.monotonic() > deadline:
            _signal(pid, signal.SIGKILL)
        _reap(pid)
        time.sleep(POLL_INTERVAL)
    (network.home_of(member) / "pid").unlink()
    return True


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _reap(pid: int) -> None:
    """Collect an exited child; the validator may have been started by another program."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def _ask(member: Validator, method: str) -> str:
    question = {"jsonrpc": "2.0", "id": 1, "method": method, "params": []}
    return requests.post(member.url, json=question, timeout=5).json()["result"]


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "no output"
