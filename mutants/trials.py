"""Runs the tests against changed contracts, in copies of one process in which everything is imported and collected.

Nothing is written to the working tree: a copy exchanges the contracts' code in its memory. Nor is it read while they
run, so that it can be worked on: the tests see the files as they were at the start.
"""

import json
import os
import shutil
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TextIO

import pytest

from mutants.compiler import Code
from mutants.questions import Heard, Question, listen
from setup.standard_json import ROOT

# Those that run the contracts. Left out are three that only read their text or code and could kill a mutant without
# noticing what it does, and two that take long to measure what wrong code seldom changes: gas, and chances.
TESTS = ["tests/contracts", "tests/protocol", "tests/referee"] + [
    f"--ignore=tests/contracts/test_{name}.py" for name in ("contract_docs", "errors", "gas", "odds", "opcodes")
]
FIRST = 12  # tests that have killed most are tried one by one before all others
PATIENCE = 60  # seconds over three times what the longest test takes, before one counts as hanging


@dataclass(frozen=True, slots=True)
class Trial:
    """How the tests took to some code: the first that failed or hung, None if all passed, and how long each took.

    And what they asked of the rules, if somebody listened.
    """

    failed: str | None
    hung: bool
    seconds: dict[str, float]
    questions: list[Question] = field(default_factory=list)


@dataclass(slots=True)
class Laboratory:
    """Tries out code in a copy of this process, the tests that are likely to fail first."""

    items: list[pytest.Item]
    limit: int = 600  # seconds of computing that a test may take, however busy the machine is
    seconds: dict[str, float] = field(default_factory=dict)

    def control(self, codes: dict[str, Code]) -> Trial:
        """Try out the code of the contracts as they are, learn how long each test takes, and hear what they ask."""
        trial = self._run(codes, self.items, listening=True)
        self.seconds = trial.seconds
        self.limit = PATIENCE + 3 * round(max(trial.seconds.values(), default=0))
        return trial

    def try_out(self, codes: dict[str, Code], kills: Counter[str]) -> Trial:
        """Run the tests against this code until one fails; `kills` says how often each has."""
        return self._run(codes, self._ordered(kills))

    def try_first(self, codes: dict[str, Code], kills: Counter[str]) -> Trial:
        """Run only those that are tried one by one."""
        return self._run(codes, self._ordered(kills)[:FIRST])

    def _ordered(self, kills: Counter[str]) -> list[pytest.Item]:
        leaders = {test: rank for rank, (test, _) in enumerate(kills.most_common(FIRST))}
        kills_of, seconds_of = Counter(), Counter()
        for item in self.items:
            kills_of[item.path] += kills[item.nodeid]
            seconds_of[item.path] += self.seconds.get(item.nodeid, 0)
        # A file's tests stay together and in their order, because they share what the file deploys.
        return sorted(
            self.items,
            key=lambda item: (
                leaders.get(item.nodeid, FIRST),
                -kills_of[item.path],
                seconds_of[item.path],
                str(item.path),
            ),
        )

    def _run(self, codes: dict[str, Code], items: list[pytest.Item], listening: bool = False) -> Trial:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            status = 1
            try:
                os.close(reading)
                _be_silent()
                _exchange(codes)
                with os.fdopen(writing, "w") as pipe:
                    self._run_here(items, pipe, listen() if listening else [])
                status = 0
            finally:
                os._exit(status)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            reports = [json.loads(line) for line in pipe]
        _, status = os.waitpid(child, 0)
        hung = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGPROF
        if status and not hung:
            raise ChildProcessError(f"a copy of the process broke down in {items[len(reports)].nodeid}")
        seconds = {report["test"]: report["seconds"] for report in reports}
        failed = next((report["test"] for report in reports if report["failed"]), None)
        if hung:
            failed = items[len(reports)].nodeid
        questions = [Question(*asked, report["test"]) for report in reports for asked in report["heard"]]
        return Trial(failed, hung, seconds, questions)

    def _run_here(self, items: list[pytest.Item], pipe: TextIO, heard: Heard) -> None:
        for item, following in zip(items, [*items[1:], None], strict=True):
            signal.setitimer(signal.ITIMER_PROF, self.limit)  # ends the process
            recorder = _Recorder()
            item.config.pluginmanager.register(recorder)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            item.config.pluginmanager.unregister(recorder)
            seconds = round(recorder.seconds, 3)
            report = {"test": item.nodeid, "failed": recorder.failed, "seconds": seconds, "heard": heard}
            pipe.write(json.dumps(report) + "\n")
            pipe.flush()
            heard.clear()
            if recorder.failed:
                return


class _Recorder:
    """Adds up the parts of one test: set-up, call and tear-down."""

    def __init__(self) -> None:
        self.failed, self.seconds = False, 0.0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.failed |= report.failed
        self.seconds += report.duration


def _be_silent() -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)


def _exchange(codes: dict[str, Code]) -> None:
    from ape import project

    for name, code in codes.items():
        contract = getattr(project, name).contract_type
        contract.deployment_bytecode.bytecode = "0x" + code.creation
        contract.runtime_bytecode.bytecode = "0x" + code.runtime


class _Plugin:
    """Gives the collected tests to the campaign instead of running them."""

    def __init__(self, campaign: Callable[[Laboratory], None]) -> None:
        self.campaign = campaign

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed:
            raise session.Failed("the tests cannot be collected")
        self.campaign(Laboratory(session.items))
        return True


def with_laboratory(campaign: Callable[[Laboratory], None]) -> int:
    """Collect the tests, let the campaign try out code with them, and return pytest's exit status."""
    os.environ["HYPOTHESIS_PROFILE"] = "mutants"
    options = ["-q", "-s", "--no-header", "--tb=no", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", "not slow"]
    with TemporaryDirectory() as folder:
        os.chdir(_copy(Path(folder)))
        try:
            return pytest.main([*TESTS, *options], plugins=["ape_test", _Plugin(campaign)])
        finally:
            os.chdir(ROOT)


def _copy(folder: Path) -> Path:
    copy = folder / ROOT.name
    shutil.copytree(ROOT, copy, ignore=_left_out)
    (copy / "node_modules").symlink_to(ROOT / "node_modules")
    return copy


def _left_out(folder: str, names: list[str]) -> set[str]:
    made = {"data", "reports"} if Path(folder) == ROOT else set()  # the package has a folder for data, too
    return made | shutil.ignore_patterns(".git", ".venv*", "node_modules", "__pycache__")(folder, names)
