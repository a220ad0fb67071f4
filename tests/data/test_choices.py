"""What a person chooses to learn, and by which network: a network that does not fit is named with its line."""

import pytest

from mlchain.data.dataset import fingerprint
from mlchain.data.opening import read_data
from mlchain.data.store import path_of
from mlchain.errors import UserError
from mlchain.tasks.catalogue import open_task
from mlchain.tasks.choices import Subject, prepare
from mlchain.tasks.descriptions import read_plan
from tests.data.files import csv_of, tiny

ROWS = [[number, number * number % 17, "abc"[number % 3]] for number in range(60)]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))


@pytest.fixture
def table(tmp_path):
    (tmp_path / "My Table, 2.csv").write_text(csv_of(ROWS))
    return tmp_path / "My Table, 2.csv"


@pytest.mark.parametrize("model", ["softmax", "mlp"])
def test_a_person_s_own_data_is_kept_and_found_by_its_fingerprint(table, model):
    recipe = prepare(Subject(model=model, data=table)).recipe

    assert recipe.task == "my-table-2"
    assert recipe.fingerprint == fingerprint(read_data(table))
    task = open_task(recipe.to_bytes())
    assert task.dataset.to_bytes() == path_of(recipe.fingerprint).read_bytes()
    result = task.train(task.initial_model(), bytes(32), 0)
    assert task.accuracy(task.aggregate(task.initial_model(), [result])) > 0


def test_without_its_data_a_recipe_says_what_to_bring(table):
    recipe = prepare(Subject(data=table)).recipe
    path_of(recipe.fingerprint).unlink()

    with pytest.raises(UserError, match=f"the data set {recipe.fingerprint.hex()}, named 'my-table-2', is not here"):
        open_task(recipe.to_bytes())


@pytest.mark.parametrize("name", ["fake", "digits", "mnist"])
def test_a_file_does_not_pass_for_a_task_that_needs_none(tmp_path, name):
    (tmp_path / f"{name}.csv").write_text(csv_of(ROWS))

    recipe = prepare(Subject(data=tmp_path / f"{name}.csv")).recipe

    assert recipe.task == f"my-{name}"
    assert open_task(recipe.to_bytes()).dataset.classes == ("a", "b", "c")


@pytest.mark.parametrize(
    ("choice", "sentence"),
    [
        ({"task": "nope"}, "unknown task 'nope'"),
        ({"model": "nope"}, "unknown model 'nope'"),
        ({"label": "x"}, "--label names a column of what --data names"),
    ],
)
def test_what_there_is_not_is_refused(choice, sentence):
    with pytest.raises(UserError, match=f"^{sentence}"):
        Subject(**choice)


def described(tmp_path, text):
    (tmp_path / "my.toml").write_text(text)
    return tmp_path / "my.toml"


def test_a_description_is_read_with_all_that_it_says(tmp_path):
    path = described(
        tmp_path,
        '[model]\nlayers = [\n  "dense 5",  # hidden\n  "dense",\n]\n[training]\nrate = 0.125\nbatch = 4\nsteps = 9\n'
        "bits = 2\nfirst_jobs = 1\nrate_shifts = [0, 0, 1]\n",
    )

    plan = read_plan(path, tiny())

    assert plan.layers == ("dense 5", "dense 2")
    assert (plan.rate, plan.batch, plan.local_steps, plan.bits, plan.first_jobs) == (0.125, 4, 9, 2, 1)
    assert plan.rate_shifts == (0, 0, 1)


DENSE = '[model]\nlayers = ["dense"]\n'


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", r"does not say layers = \["),
        ("[model]\n", r"does not say layers = \["),
        ("[model\n", "is not a TOML file: .*line 1"),
        (DENSE + "\n[trainings]\n", "line 4: 'trainings' is none of the sections"),
        (DENSE + "[training]\n# rate\nrates = 1\n", "line 5: 'rates' is unknown: .training. has "),
        (DENSE + "colour = 1\n", "line 3: 'colour' is unknown: .model. has layers"),
        ("model = 1\n", "line 1: 'model' is none of the sections"),
        ("[model]\nlayers = 3\n", "line 2: layers are a list of texts"),
        ("[model]\nlayers = []\n", "line 2: layers are a list of texts"),
        ('[model]\nlayers = [\n"dense 5",\n"convv 3",\n"dense"]\n', 'line 4: "convv 3" begins neither with conv'),
        ('[model]\nlayers = [\n"dense",\n"dense"]\n', 'line 3: "dense" does not say how many'),
        ('[model]\nlayers = [\n"conv 4 5x5",\n"dense"]\n', 'line 3: "conv 4 5x5" has a kernel that is larger'),
        ('[model]\nlayers = [\n"conv 4 1x1 maxpool",\n"dense"]\n', "line 3: layer 0 has kernels of 1 x 1 and pools"),
        ('[model]\nlayers = [\n"dense 3"]\n', 'line 3: the last layer is "dense 3": "dense" is wanted, for the 2'),
        (DENSE + "[training]\nrate = 0\n", "line 4: rate 0 is not a number from"),
        (DENSE + "[training]\nrate = nan\n", "line 4: rate nan is not a number from"),
        (DENSE + "[training]\nrate = true\n", "line 4: rate True is not a number from"),
        (DENSE + "[training]\nbatch = 0\n", "line 4: batch 0 is not an integer from 1 to 65535"),
        (DENSE + "[training]\nbatch = true\n", "line 4: batch True is not an integer"),
        (DENSE + "[training]\nbits = 3\n", "line 4: bits 3 is not one of 1, 2, 4, 8, 16"),
        (DENSE + "[training]\nfirst_jobs = 0\n", "line 4: first_jobs 0 is not an integer from 1 to 256"),
        (DENSE + "[training]\nrate_shifts = [16]\n", r"line 4: rate_shifts \[16\] is not a list of 1 to 255 integers"),
    ],
)
def test_what_is_wrong_in_a_description_is_one_sentence_with_its_line(tmp_path, text, sentence):
    path = described(tmp_path, text)

    with pytest.raises(UserError, match=sentence) as caught:
        read_plan(path, tiny())

    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_description_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match=r"nowhere.toml cannot be read: No such file"):
        prepare(Subject(model=str(tmp_path / "nowhere.toml")))
