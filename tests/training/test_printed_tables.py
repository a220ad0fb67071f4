"""The tables for docs/training.md are printed from what the code says."""

import hashlib
import sys

import pytest

from mlchain.tasks import __main__ as tables
from mlchain.tasks.catalogue import create_task
from mlchain.training.jobs import stated_seed

MLP = ["sums", "gradient", "weights", "errors"]


def test_every_sum_of_every_default_recipe_is_printed_with_its_room(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["tasks", "bounds"])
    monkeypatch.setattr(tables, "MODELS", ("softmax", "mlp"))
    monkeypatch.setattr(tables, "TASKS", ("fake", "digits"))  # MNIST would have to be fetched

    tables.main()

    lines = capsys.readouterr().out.splitlines()
    for task in "fake", "digits":
        printed = [line.split() for line in lines if line.startswith(task)]
        assert [words[2] for words in printed if words[1] == "softmax"] == ["sums", "gradient", "weights"]
        assert [words[2] for words in printed if words[1] == "mlp"] == [*MLP, *MLP[:3]]
    assert all(line.endswith(" of 2**53") and "1/0 " not in line for line in lines)


def test_costs_are_printed_beside_measurements_that_they_exceed(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["tasks", "cost", "--model", "softmax"])
    monkeypatch.setattr(tables, "TASKS", ("digits",))

    tables.main()

    (line,) = capsys.readouterr().out.splitlines()
    task, model, _, _, _, estimated, _, _, _, _, memory, _ = line.split()
    assert (task, model) == ("digits", "softmax")
    assert 50 < int(memory) < int(estimated)


def test_a_measurement_prints_every_round_and_the_model_it_ends_with(capsys):
    task = create_task("fake", "softmax")
    model = task.initial_model()
    for number in range(2):
        model = task.aggregate(
            model, [task.train(model, stated_seed(number), index, None, number + 1) for index in range(3)]
        )

    tables.measure("fake", "softmax", rounds=2, jobs=3)

    printed = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in printed[1:]] == ["round 0", "round 1", "SHA-256 of the model"]
    assert printed[-1].endswith(hashlib.sha256(model).hexdigest())


def test_a_model_that_there_is_not_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["tasks", "measure", "digits", "forest"])

    with pytest.raises(SystemExit):
        tables.main()

    assert "invalid choice: 'forest'" in capsys.readouterr().err
