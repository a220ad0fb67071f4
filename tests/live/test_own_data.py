"""A person's own table, learned by workers who fetch it from an address on the chain; and what they refuse to take."""

import csv
import subprocess
import time

import pytest
from sklearn.datasets import load_iris

from mlchain.data.dataset import fingerprint
from mlchain.data.tables import read_table
from mlchain.export.model_file import read_model, save, trained_of
from mlchain.tasks.catalogue import create_task
from tests.data.files import sending, serving, tiny
from tests.live.testbed import LiveTestbed
from tests.networks.programs import APE, ROOT

PATIENCE = 240  # seconds


def write_iris(path):
    bunch = load_iris()
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["sepal length", "sepal width", "petal length", "petal width", "species"])
        writer.writerows([*row, bunch.target_names[label]] for row, label in zip(bunch.data, bunch.target, strict=True))


def wait_for(bed, name, words, after=0):
    end = time.monotonic() + PATIENCE
    while words not in bed.programs.log(name)[after:]:
        assert time.monotonic() < end, bed.programs.log(name)
        time.sleep(0.5)


def start(bed, name, **changes):
    """Start a program whose data sets are in a folder of its own."""
    command = bed._command(name, 0.5)
    if name == "server":
        place = command.index("--task")
        command[place : place + 2] = changes["what"]
    bed.programs.start(name, "env", f"DATA_DIR={bed.folder / name}-data", *command)


@pytest.mark.slow
def test_workers_fetch_a_table_and_join_only_once_it_is_the_one_that_was_announced(tmp_path, monkeypatch):
    table = tmp_path / "iris.csv"
    write_iris(table)
    data = read_table(table, "species")
    right = data.to_bytes()
    wrong = {
        "is the data set": tiny().to_bytes(),
        "is damaged": right[:-3],
        "and " + fingerprint(data).hex() + " is wanted": right[:-60] + bytes([right[-60] ^ 1]) + right[-59:],
    }
    answers = [sending(right)]

    with (
        serving(lambda handler: answers[0](handler)) as url,
        LiveTestbed(tmp_path, dict.fromkeys(("alice", "bob"), "honest"), 2) as bed,
    ):
        start(bed, "server", what=["--data", table, "--label", "species", "--data-url", url])
        wait_for(bed, "server", f"is at {url}")
        for words, body in wrong.items():
            answers[0] = sending(body)
            said = len(bed.programs.log("alice")) if "alice" in bed.programs.running else 0
            start(bed, "alice")
            wait_for(bed, "alice", "not joining: the data set", said)
            assert words in bed.programs.log("alice")[said:]
            bed.kill("alice")
        assert "joined the pool" not in bed.programs.log("server")
        assert not list((tmp_path / "alice-data").glob("*.mldata"))

        answers[0] = sending(right)
        for name in ("alice", "bob"):
            start(bed, name)
        wait_for(bed, "server", "takes the model home")
        assert (tmp_path / "bob-data" / f"{fingerprint(data).hex()}.mldata").read_bytes() == right

        place = ["--network", bed.network_choice(bed.node.url), "--address", bed.deployment.addresses["JobFactory"]]
        monkeypatch.setenv("DATA_DIR", str(tmp_path / "nobody-data"))
        plain = bed.programs.run("model", *place, "--out", tmp_path / "plain.npz")
        named = bed.programs.run("model", *place, "--data", table, "--label", "species", "--evaluate", "--version", 2)
        assert "the data set is not here, so that classes have only numbers" in plain
        assert "test accuracy" in named
        assert "virginica" in named


@pytest.mark.slow
def test_a_deployment_begins_with_a_model_of_one_s_own_and_an_audit_is_told_which(tmp_path):
    task = create_task("digits", "softmax")
    model = task.aggregate(task.initial_model(), [task.train(task.initial_model(), bytes(32), 0, None, 1)], None)
    save(tmp_path / "own.npz", trained_of(task.plan, model, 2, task.dataset))

    with LiveTestbed(tmp_path, {"alice": "honest"}, 1) as bed:
        bed.programs.start("server", *bed._command("server", 0.5), "--start-from", tmp_path / "own.npz")
        bed.start("alice")
        wait_for(bed, "server", "takes the model home")
        place = ["--network", bed.network_choice(bed.node.url), "--address", bed.deployment.addresses["JobFactory"]]
        bed.programs.run("model", *place, "--version", 1, "--out", tmp_path / "first.npz")
        audited = bed.programs.run("audit", *place, "--retrain", "--start-from", tmp_path / "own.npz")
        unaware = subprocess.run([APE, "run", "audit", *place], cwd=ROOT, capture_output=True, text=True)

    assert read_model(tmp_path / "first.npz").model == model
    assert audited.splitlines()[-1].endswith("everything is as the protocol says")
    assert unaware.returncode == 1
    assert "version 1" in unaware.stdout
