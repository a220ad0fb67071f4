"""The commands as a person starts them: results on stdout, one sentence on stderr when something is wrong."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress

import pytest
import requests

from tests.networks.ports import free_ports
from tests.networks.programs import APE, ROOT

QUICK_RUN = ("simulate", "--task", "fake", "--workers", "1", "--rounds", "1")


def command(*arguments: object, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [APE, "run", *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def refusal_of(*arguments: object, **environment: str) -> str:
    """Return the one sentence that a command ends with."""
    done = command(*arguments, **environment)

    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = [line for line in done.stderr.splitlines() if line.strip()]
    assert line.startswith("error: ")
    return line.removeprefix("error: ")


def test_a_simulation_prints_its_result_and_writes_its_report(tmp_path):
    folder = tmp_path / "new" / "report"

    done = command(*QUICK_RUN, "--report", folder)

    assert done.returncode == 0
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["model_hash"] in done.stdout
    assert "wrong results accepted: 0" in done.stdout
    assert done.stdout.startswith("0 of 1 workers are evil; odds of a job if they all tell the same lie: right 100 %")
    assert "honest seats paid" in done.stdout
    assert sorted(path.name for path in folder.iterdir()) == ["accuracy.png", "gas.png", "pay.png", "summary.json"]
    assert "Traceback" not in done.stderr


def test_what_cannot_be_played_is_one_sentence():
    assert refusal_of("simulate", "--workers", 3, "--evil", 4) == "4 of 3 workers cannot be evil"


def test_learning_with_a_trusted_server_prints_its_result():
    done = command("simulate", "--mode", "centralized", "--workers", 2, "--rounds", 1)

    assert done.returncode == 0
    assert "test accuracy" in done.stdout
    assert "bytes moved: 2,600 of weights, 2,600 of updates" in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_trusted_server_learns_a_table_too(tmp_path):
    done = command("simulate", "--mode", "centralized", "--workers", 3, "--rounds", 2, "--data", table_in(tmp_path))

    assert done.returncode == 0, done.stderr
    assert "bytes moved: 72 of weights" in done.stdout  # six times two classes of two columns and a constant


def table_in(folder):
    """Write a table of two columns and a label to a folder, and return its path."""
    rows = "".join(f"{number},{number % 7},{'low' if number < 50 else 'high'}\n" for number in range(100))
    path = folder / "table.csv"
    path.write_text("size,rest,kind\n" + rows)
    return path


def test_an_option_of_the_other_mode_is_one_sentence():
    assert refusal_of("simulate", "--mode", "centralized", "--jobs", 2) == (
        "--jobs cannot be combined with --mode centralized"
    )
    assert refusal_of("simulate", "--rule", "krum") == "--rule cannot be combined with --mode contracts"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("odds", "--stake", "1 kilo"), "'1 kilo' is not an amount: write 1 ether, 0.01 ether, 5 gwei or plain wei"),
        (("server", "--commit-window", "soon"), "'soon' is not a time: write 90s, 10m, 24h, 7d or plain seconds"),
        (("server", "--committ", "3"), "No such option: --committ"),
        (("status", "--network", "nowhere"), "No ecosystem named 'nowhere'."),
    ],
)
def test_an_option_that_cannot_be_read_is_one_sentence(arguments, sentence):
    done = command(*arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert sentence in done.stderr


def test_the_default_network_is_that_of_ape_but_a_simulation_stays_on_its_own_chain():
    elsewhere = {"APE_ETHEREUM_DEFAULT_NETWORK": "quorum"}  # as `ethereum: default_network` in ape-config.yaml

    assert "embedded chain" in refusal_of("status")
    assert "embedded chain" not in refusal_of("status", **elsewhere)
    done = command(*QUICK_RUN, **elsewhere)

    assert done.returncode == 0, done.stderr


def test_odds_are_printed_and_drawn(tmp_path):
    plot = tmp_path / "new" / "odds.png"

    done = command("odds", "--pool", 100, "--evil", 30, "--committee", 7, "--quorum", 5, "--plot", plot)

    assert (done.returncode, done.stderr) == (0, "")
    assert "P(reward | correct)" in done.stdout
    assert f"the plot is {plot}" in done.stdout
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_odds_of_what_cannot_be_are_one_sentence():
    assert refusal_of("odds", "--pool", 3, "--evil", 4) == "4 of 3 workers cannot be evil"


def test_an_interrupted_simulation_ends_without_a_trace():
    running = subprocess.Popen(
        [APE, "run", "simulate", "--task", "fake", "--rounds", "1000"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stdout.readline()  # it has begun

    running.send_signal(signal.SIGINT)
    output, errors = running.communicate(timeout=60)

    assert running.returncode not in (0, None)
    assert "Traceback" not in output + errors


@pytest.mark.slow
def test_a_server_and_its_workers_meet_on_a_chain_of_their_own_and_learn_a_table(tmp_path):
    port, chain_port = free_ports(1), free_ports(1)
    network = ("--network", f"ethereum:local:http://127.0.0.1:{chain_port}")
    here = (*network, "--deployments", tmp_path)
    anvil = APE.with_name("anvil")
    with (
        started(anvil, "--chain-id", "1337", "--port", chain_port, "--silent"),
        started(APE, "run", "deploy", *network, "--deployments", tmp_path) as deploying,
    ):
        assert deploying.wait(60) == 0
        serve = ("centralized", "serve", *here, "--folder", tmp_path, "--port", port, "--shares", 2, "--timeout", 1)
        data = ("--data", table_in(tmp_path))
        serving = (APE, "run", *serve, *data, "--quorum", 2)
        work = ("centralized", "work", *here, *data, "--url", f"http://127.0.0.1:{port}", "--account")
        with started(*serving), started(APE, "run", *work, "TEST::4"):
            wait_for_weights_from(port)  # one worker joins and takes its share; then both are killed
        with started(*serving), started(APE, "run", *work, "TEST::3") as other:
            again = command(*work, "TEST::4")
            assert other.wait(60) == 0
        unknown = refusal_of(*work, "nobody")

    assert "had joined before as number 1" in again.stdout
    assert "learning is finished" in again.stdout
    assert "there is no account 'nobody'" in unknown


def wait_for_weights_from(port):
    """Wait until a learning server has handed out weights."""
    for _ in range(240):
        with suppress(requests.ConnectionError):
            if requests.get(f"http://127.0.0.1:{port}/status", timeout=5).json()["bytes"]["weights_sent"]:
                return
        time.sleep(0.5)
    pytest.fail("nobody was given weights")


@contextmanager
def started(*arguments):
    """Run a program in the background, and kill it at the end."""
    running = subprocess.Popen([*map(str, arguments)], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield running
    finally:
        running.kill()
        running.wait()


@pytest.mark.slow
def test_nobody_is_served_on_the_embedded_chain(tmp_path):
    assert "embedded chain ends with this process" in refusal_of("centralized", "serve", "--folder", tmp_path)


@pytest.mark.slow
def test_a_report_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")

    assert "file/below: Not a directory" in refusal_of(*QUICK_RUN, "--report", tmp_path / "file" / "below")
    done = command(*QUICK_RUN, "--report", tmp_path / "file")
    assert done.returncode == 2
    assert "is a file" in done.stderr


@pytest.mark.slow
def test_mnist_that_is_missing_or_corrupt_is_one_sentence(tmp_path):
    arguments = ("simulate", "--task", "mnist")
    assert "does not exist: set MNIST_DIR" in refusal_of(*arguments, MNIST_DIR=str(tmp_path))

    for name in ("train-images", "t10k-images"):
        (tmp_path / f"{name}-idx3-ubyte.gz").write_bytes(b"not gzip")
    assert "cannot be read or is truncated" in refusal_of(*arguments, MNIST_DIR=str(tmp_path))


@pytest.mark.slow
def test_where_no_node_answers_it_is_one_sentence():
    assert "127.0.0.1:" in refusal_of(*QUICK_RUN, "--network", f"ethereum:quorum:http://127.0.0.1:{free_ports(1)}")


@pytest.mark.slow
def test_where_something_else_than_a_node_answers_it_is_one_sentence():
    port = free_ports(1)
    listener = subprocess.Popen(
        [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        time.sleep(2)
        assert "127.0.0.1:" in refusal_of(*QUICK_RUN, "--network", f"ethereum:quorum:http://127.0.0.1:{port}")
    finally:
        listener.terminate()
        listener.wait()


@pytest.mark.slow
def test_deploying_with_parameters_that_cannot_be_is_one_sentence(tmp_path):
    for arguments, status, said in (
        (("--stake", -1), 2, "'-1' is not an amount"),
        (("--stake", 10**90), 2, "is more than the contracts can hold"),
        (("--absence-fee", "10 ether"), 1, "the absence fee, 10 ether, has to be above 0"),
        (("--min-window", 0), 1, "the shortest window, 0s, has to be above 0"),
    ):
        done = command("deploy", "--deployments", tmp_path, *arguments)

        assert (done.returncode, done.stdout) == (status, "")
        assert done.stderr.startswith("error: ")
        assert len(done.stderr.splitlines()) == 1
        assert said in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_deployment_writes_its_record_and_an_unknown_account_is_one_sentence(tmp_path):
    done = command("deploy", "--deployments", tmp_path)

    assert done.returncode == 0
    assert "deployed and checked" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["ethereum-local-test.json"]
    assert "no account 'nobody'" in refusal_of("deploy", "--deployments", tmp_path, "--account", "nobody")
