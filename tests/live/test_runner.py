"""What the commands of a live network have in common."""

import errno
import os
import signal
import time
from threading import Timer
from types import SimpleNamespace

import pytest

from mlchain.live import runner
from mlchain.live.loop import ActorLoop
from mlchain.live.options import ProgramOptions
from mlchain.live.runner import StopSignals, run_program
from mlchain.live.training import Interrupted
from mlchain.protocol.ledger import Ledger


def test_a_full_disk_under_the_log_ends_nobody(monkeypatch):
    def echo(_line):
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr(runner.click, "echo", echo)

    runner.say("a line that is lost")


@pytest.fixture
def own_handlers():
    """Set the tests' own handlers of signals again afterwards."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.fixture
def signals(own_handlers):
    """A program's, instead of the tests' own."""
    return StopSignals()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_program_that_is_told_to_stop_before_its_key_is_unlocked_says_that_it_has(
    own_handlers, number, monkeypatch, capsys
):
    def unlock(_alias):
        signal.raise_signal(number)
        pytest.fail("it was told to stop")

    monkeypatch.setattr(runner, "_find", lambda _place: (None, None))
    monkeypatch.setattr(runner, "load_unattended", unlock)

    run_program(None, None, ProgramOptions(None, "alice", 4, 120))

    assert capsys.readouterr().out == "stopped\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_program_that_catches_up_ends_when_it_is_told_to(signals, number):
    """It went on, for a minute or an hour, until all was read."""
    read = []

    def sync(_anew):
        Timer(0.1, os.kill, (os.getpid(), number)).start()
        for block in range(100):
            time.sleep(0.1)
            read.append(block)

    chain = SimpleNamespace(sync=sync, ledger=Ledger("0x1"))
    loop = ActorLoop(chain, SimpleNamespace(address="0x1"), None, print, lambda _view: True, reading=signals.ending)

    assert loop.run(signals.stop) is False
    assert len(read) < 90


def test_a_signal_between_two_steps_ends_the_next_reading_and_no_sending(signals):
    os.kill(os.getpid(), signal.SIGTERM)
    assert signals.stop.is_set()

    with pytest.raises(Interrupted), signals.ending():
        pytest.fail("it was told to stop before")
    signal.raise_signal(signal.SIGTERM)  # raises nothing


def test_nobody_takes_being_told_to_stop_for_an_error():
    assert not issubclass(Interrupted, Exception)
