"""What a stranger's recipe, model or data can do to a worker's program: cost it a line."""

import subprocess
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest

from mlchain.data import store
from mlchain.data.dataset import fingerprint
from mlchain.live import training
from mlchain.live.training import Interrupted, Limits, Trainers
from mlchain.live.training_child import decode, encode
from mlchain.tasks.catalogue import create_task, default_recipe, open_task, recipe_of
from mlchain.tasks.plans import Plan
from mlchain.tasks.task import CannotTrain
from mlchain.training.layers import InputKind, Inputs
from tests.data.files import sending, serving, tiny

GIB = 2**30
DIGITS = default_recipe("digits", "softmax")
# A hundred bytes that take days of a core, and ones that ask for gigabytes for the order of their samples alone.
IMAGES = Inputs(1, 28, 28, InputKind.UNSIGNED, 255)
ENDLESS = recipe_of(Plan(("dense 1500", "dense 10"), 65535, 64, 0.25), "mnist", bytes(32), IMAGES)
GREEDY = replace(DIGITS, local_steps=65535, batch=65535)


def round_of(recipe, commit_window=600):
    data = recipe if isinstance(recipe, bytes) else recipe.to_bytes()
    return SimpleNamespace(number=3, task=data, terms=SimpleNamespace(commit_window=commit_window))


SEED = bytes(range(32))


def trainers_of(memory=GIB, seconds=None):
    return Trainers(Limits(memory, seconds), threading.Event())


@pytest.fixture
def no_process(monkeypatch):
    def refuse(*_arguments, **_options):
        raise AssertionError("a process was started")

    monkeypatch.setattr(training.subprocess, "Popen", refuse)


@pytest.mark.parametrize(
    ("recipe", "limits", "sentence"),
    [
        (b"garbage", {}, r"^round 3 has a recipe that this version cannot read: a recipe of version 103, 3 wanted$"),
        (ENDLESS, {}, r"^round 3 may take .* a job, and 0:05:00 are allowed \(--max-seconds-per-job\)$"),
        (GREEDY, {}, r"^round 3 may need 160.5 GiB of memory, and 1 GiB are allowed \(--max-memory\)$"),
        (DIGITS, {"memory": 2**20}, r"^round 3 may need .* MiB of memory, and 1 MiB are allowed"),
        (DIGITS, {"seconds": 1}, r"^round 3 may take 0:00:07 a job, and 0:00:01 are allowed"),
    ],
)
def test_what_is_too_much_is_declined_before_any_process_is_started(no_process, recipe, limits, sentence):
    with pytest.raises(CannotTrain, match=sentence):
        trainers_of(**limits).open(round_of(recipe))


def test_the_recipe_that_takes_days_is_one_of_a_hundred_bytes():
    assert len(ENDLESS.to_bytes()) < 110


def test_in_a_process_of_its_own_a_job_comes_to_the_same_bytes(monkeypatch):
    monkeypatch.setenv("APE_ACCOUNTS_alice_PASSPHRASE", "secret")
    task = create_task("digits", "softmax")
    model = task.initial_model()
    trainer = trainers_of().open(round_of(DIGITS))

    assert trainer.train(model, SEED, 1, model) == task.train(model, SEED, 1, model)
    assert trainer.train(model, SEED, 2**40) == task.train(model, SEED, 2**40)
    assert not [name for name in training._environment() if name.startswith("APE_")]


def test_a_model_of_seven_bytes_is_one_sentence():
    trainer = trainers_of().open(round_of(DIGITS))

    with pytest.raises(CannotTrain, match=r"^round 3 cannot be trained here: a model of 7 bytes, 1300 wanted$"):
        trainer.train(b"7 bytes", SEED, 0)


def test_data_that_is_not_here_is_found_out_once_and_before_joining(monkeypatch):
    trainers, asked = trainers_of(), []
    ask = trainers.ask
    monkeypatch.setattr(trainers, "ask", lambda *request: asked.append(request) or ask(*request))

    for _ in range(2):
        with pytest.raises(CannotTrain, match=r"^round 3 cannot be trained here: data set digits is"):
            trainers.open(round_of(replace(DIGITS, fingerprint=bytes(32))))

    assert len(asked) == 1


def announced(*addresses):
    return SimpleNamespace(data_addresses=dict(addresses))


def before_the_first_round(recipe):
    return SimpleNamespace(data_addresses={}, rounds=[], announced_recipe=recipe and recipe.to_bytes())


@pytest.mark.parametrize(
    ("recipe", "sentence"),
    [
        (None, r"^the server has not announced yet what the rounds will train$"),
        (GREEDY, r"^the first round may need 160.5 GiB of memory"),
        (ENDLESS, r"^the first round may take .* a job, and 0:05:00 are allowed \(--max-seconds-per-job\)$"),
        (replace(DIGITS, fingerprint=bytes(32)), r"^the first round cannot be trained here: data set digits is"),
    ],
    ids=["unknown", "too large", "too slow", "without its data"],
)
def test_before_the_first_round_nobody_prepares_for_what_it_cannot_train(recipe, sentence):
    with pytest.raises(CannotTrain, match=sentence):
        trainers_of().prepare(before_the_first_round(recipe), min_window=600)


def test_what_is_announced_and_can_be_trained_here_keeps_nobody_from_joining():
    trainers_of().prepare(before_the_first_round(DIGITS), min_window=600)


def test_data_that_cannot_be_fetched_is_asked_for_once_and_then_only_after_a_while(tmp_path, monkeypatch):
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    trainers, asked = trainers_of(), []

    def refuse(failure, *request):
        asked.append(request)
        raise CannotTrain(f"{failure}: nobody answers")

    monkeypatch.setattr(trainers, "ask", refuse)
    sentence = rf"^the data set {bytes(32).hex()} is not here, and cannot be fetched: nobody answers$"

    for _ in range(3):
        with pytest.raises(CannotTrain, match=sentence):
            trainers.bring_data(announced((bytes(32), "http://a/x")))
    assert len(asked) == 1

    with pytest.raises(CannotTrain):
        trainers.bring_data(announced((bytes(32), "http://b/x")))
    assert len(asked) == 2


def test_data_that_is_here_is_not_fetched_and_of_many_announced_only_the_last_one_is(tmp_path, monkeypatch):
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    path = store.keep(tiny())
    trainers, asked = trainers_of(), []
    monkeypatch.setattr(trainers, "ask", lambda *request: asked.append(request[3]) or b"")

    trainers.bring_data(announced((bytes(32), "http://a/x"), (bytes.fromhex(path.stem), "http://a/y")))
    assert asked == []

    trainers.bring_data(announced((bytes(32), "http://a/x"), (bytes([1]) * 32, "http://a/y")))
    assert asked == [bytes([1]) * 32]


def test_what_is_announced_is_fetched_in_a_process_with_limits(tmp_path, monkeypatch):
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    data = tiny()

    with serving(sending(data.to_bytes())) as address:
        trainers_of().bring_data(announced((fingerprint(data), address)))
        assert store.find(fingerprint(data)).to_bytes() == data.to_bytes()
        with pytest.raises(CannotTrain, match=r"sends more than 1 B, all that is allowed \(--max-data\)$"):
            Trainers(Limits(GIB, data=1), threading.Event()).bring_data(announced((bytes(32), address)))


def test_what_takes_more_memory_than_it_is_given_ends_in_a_sentence():
    """Whose edge makes 518 x 518 pixels of 8 x 8, of 20 channels."""
    layers = ("conv 20 1x1 pad=255", "conv 1 1x1 stride=255", "dense 10")
    recipe = recipe_of(Plan(layers, 1, 64, 0.01), "digits", DIGITS.fingerprint, DIGITS.inputs).to_bytes()
    job = b"train", recipe, open_task(recipe).initial_model(), bytes(8), bytes(8), (1).to_bytes(8, "big")

    with pytest.raises(CannotTrain, match=r"^it cannot be: it takes more memory than it is given$"):
        trainers_of().ask("it cannot be", 60, *job)


def job_of(recipe):
    return b"train", recipe.to_bytes(), create_task("digits", "softmax").initial_model(), bytes(8), bytes(8), bytes(8)


def long_job():
    return job_of(replace(DIGITS, local_steps=65535, batch=512))


def test_what_takes_longer_than_it_may_is_ended():
    start = time.monotonic()

    with pytest.raises(CannotTrain, match=r"^it cannot be: it takes longer than it may$"):
        trainers_of().ask("it cannot be", 3, *long_job())

    assert time.monotonic() - start < 8


def test_being_told_to_stop_ends_training_within_five_seconds(monkeypatch):
    started = []

    class Child(subprocess.Popen):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            started.append(self)

    monkeypatch.setattr(training.subprocess, "Popen", Child)
    trainers = trainers_of()
    threading.Timer(2, trainers.stop.set).start()
    start = time.monotonic()

    with pytest.raises(Interrupted):
        trainers.ask("it cannot be", 600, *long_job())

    assert time.monotonic() - start < 2 + 5
    assert [child.returncode is not None for child in started] == [True]


def test_a_request_is_read_as_it_was_written():
    assert decode(encode(b"recipe", b"", bytes(300))) == [b"recipe", b"", bytes(300)]
    assert decode(encode()) == []
