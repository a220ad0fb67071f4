"""A trial tells a failing test from one that hangs, and leaves this process as it is."""

import os
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

from mutants.trials import Laboratory, Trial, _left_out
from setup.standard_json import ROOT


def passes():
    return False


def fails():
    return True


def hangs():
    while True:
        pass


class Config:
    """As much of pytest as a trial needs: it runs a test and reports to whoever has registered."""

    def __init__(self):
        self.pluginmanager = self.hook = self
        self.recorders = []

    def register(self, recorder):
        self.recorders.append(recorder)

    def unregister(self, recorder):
        self.recorders.remove(recorder)

    def pytest_runtest_protocol(self, item, nextitem):
        report = SimpleNamespace(failed=item.behave(), duration=0.5)
        for recorder in self.recorders:
            recorder.pytest_runtest_logreport(report)


def laboratory(*behaviours, files="aaaaaaaa") -> Laboratory:
    items = [
        SimpleNamespace(nodeid=f"{file}::{number}", path=Path(file), behave=behave, config=Config())
        for number, (file, behave) in enumerate(zip(files, behaviours, strict=False))
    ]
    return Laboratory(items, limit=1)


def order_of(laboratory: Laboratory, **kills: int) -> list[str]:
    trial = laboratory.try_out({}, Counter({name.replace("_", "::"): count for name, count in kills.items()}))
    return list(trial.seconds)


def test_code_that_passes_every_test_survives():
    trial = laboratory(passes, passes).try_out({}, Counter())

    assert trial == Trial(None, False, {"a::0": 0.5, "a::1": 0.5})


def test_the_first_failure_ends_a_trial():
    trial = laboratory(passes, fails, fails).try_out({}, Counter())

    assert (trial.failed, trial.hung) == ("a::1", False)
    assert len(trial.seconds) == 2


def test_a_test_that_hangs_is_ended_and_named():
    trial = laboratory(passes, hangs, fails).try_out({}, Counter())

    assert (trial.failed, trial.hung) == ("a::1", True)


def test_a_process_that_breaks_down_is_no_kill():
    with pytest.raises(ChildProcessError, match="a::1"):
        laboratory(passes, lambda: os._exit(3)).try_out({}, Counter())


def test_what_has_killed_most_is_tried_first():
    assert order_of(laboratory(passes, passes, passes), a_2=3, a_1=1) == ["a::2", "a::1", "a::0"]


def test_a_file_whose_tests_kill_comes_before_one_whose_tests_do_not():
    tests = laboratory(passes, passes, passes, passes, files="aabb")

    assert order_of(tests, b_3=1) == ["b::3", "b::2", "a::0", "a::1"]


def test_of_two_files_the_quick_one_comes_first():
    tests = laboratory(passes, passes, passes, files="aab")

    assert tests.control({}).failed is None
    assert order_of(tests) == ["b::2", "a::0", "a::1"]


def test_a_trial_leaves_this_process_as_it_is():
    seen = []

    laboratory(lambda: bool(seen.append(1))).try_out({}, Counter())

    assert not seen


def test_what_runs_write_is_not_copied_but_every_folder_of_the_package_is():
    assert {"data", "node_modules"} <= _left_out(str(ROOT), ["data", "mlchain", "node_modules"])
    assert not _left_out(str(ROOT / "mlchain"), ["data", "chain"])
