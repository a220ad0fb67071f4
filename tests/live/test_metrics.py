"""The figures of a running program: what they say, and that nothing that goes wrong with them stops it."""

import errno
import json
import os
import re
from contextlib import closing
from dataclasses import asdict
from types import SimpleNamespace

import pytest
import requests

from mlchain.actors.plan import Plan
from mlchain.actors.server import LearningServer
from mlchain.chain.node_errors import NodeError
from mlchain.chain.receipts import Receipt
from mlchain.errors import UserError
from mlchain.live import metrics
from mlchain.live.metrics import Metrics, RowFile, Standing, open_sinks, prometheus_text
from mlchain.live.usage import Usage
from tests.actors.scenes import Scene
from tests.actors.stage import ABSENCE_FEE, SERVER, STAKE
from tests.networks.ports import free_ports

REWARD = BONUS = 10**16
SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*) (-?[0-9.e+-]+)")


def parsed(text):
    """Read Prometheus' text format, version 0.0.4: each figure has its help, its type and one sample, in this order."""
    assert text.endswith("\n")
    lines, found = text.splitlines(), {}
    for told, typed, sample in zip(lines[::3], lines[1::3], lines[2::3], strict=True):
        name, value = SAMPLE.fullmatch(sample).groups()
        assert re.fullmatch(rf"# HELP {name} [^\\]+", told)
        kind = typed.removeprefix(f"# TYPE {name} ")
        assert kind == ("counter" if name.endswith("_total") else "gauge")
        assert name not in found
        found[name.removeprefix("mlchain_")] = float(value)
    return found


class Chain:
    def __init__(self, scene):
        self.ledger, self.read_to, self.traffic = scene.stage.ledger, 7, (10, 5_000)


class Kept:
    """A sink that keeps everything; it raises its `trouble` instead, if it has one."""

    def __init__(self, trouble=None):
        self.rows, self.shown, self.trouble = [], [], trouble

    def show(self, values):
        self.shown.append([asdict(it) for it in values])

    def add_round(self, row):
        if self.trouble:
            raise self.trouble
        self.rows.append(row)


def cost_of(transaction):
    return "0xsender", Receipt(100, 300, int(transaction[2:]))


def metrics_of(scene, who, *sinks, used=None, said=None, costs=cost_of):
    said = [] if said is None else said
    actor = who if isinstance(who, LearningServer) else SimpleNamespace(address=who)
    return Metrics(sinks, actor, Chain(scene), costs, used or Usage(), said.append)


def five():
    return Scene(pool=5, seats=5, quorum=3)


def play(scene):
    """Let the first seat be absent, the second be slashed and the others be paid."""
    scene.commit_all(None, scene.wrong(), *[scene.right()] * 3)
    scene.propose(2, scene.right())
    scene.publish(2, scene.right())
    scene.stage.advance_to(scene.job.referee_end)
    scene.settle()


def test_a_settled_round_is_one_row_with_what_it_brought_and_used():
    scene, kept, used = five(), [Kept() for _ in range(5)], Usage()
    watching = [metrics_of(scene, scene.job.committee[seat], kept[seat], used=used) for seat in range(5)]
    for it in watching:
        it.look()
        it.sent("0x12"), it.sent("0x13")
    used.training_seconds += 2.5
    assert [it.rows for it in kept] == [[]] * 5
    play(scene)
    for it in watching:
        it.look(), it.look()

    rows = [row for it in kept for row in it.rows]
    assert [row["earned_wei"] for row in rows] == [0, 0, REWARD + BONUS, REWARD, REWARD]
    assert [row["lost_wei"] for row in rows] == [ABSENCE_FEE, STAKE, 0, 0, 0]
    verdicts = ("seats_rewarded", "seats_slashed", "seats_absent")
    assert [tuple(row[name] for name in verdicts) for row in rows] == [(0, 0, 1), (0, 1, 0), *[(1, 0, 0)] * 3]
    for row in rows:
        assert (row["round"], row["version"], row["latest_version"], row["block"]) == (1, 1, 1, 7)
        assert (row["seats"], row["seats_settled"], row["escrow_wei"]) == (1, 1, 0)
        json.dumps(row)
    assert (rows[0]["transactions"], rows[0]["gas"], rows[0]["fees_wei"]) == (2, 200, 600)
    assert (rows[0]["training_seconds"], rows[0]["node_requests"], rows[0]["node_bytes"]) == (2.5, 10, 5_000)
    assert (rows[1]["stake_wei"], rows[3]["stake_wei"], rows[3]["credit_wei"]) == (0, STAKE, REWARD)


def test_while_a_round_is_open_its_figures_are_shown_and_used_is_counted_from_the_beginning():
    scene, kept = Scene(), Kept()
    watching = metrics_of(scene, scene.job.committee[0], kept)

    watching.look()
    scene.commit_all(scene.right(), scene.right(), scene.right())
    watching._chain.traffic = (12, 6_000)
    watching.look()

    (standing, _), (later, used) = kept.shown
    assert (standing["round"], standing["seats"], standing["seats_settled"]) == (1, 1, 0)
    assert standing["escrow_wei"] == later["escrow_wei"] > 0
    assert (used["node_requests"], used["node_bytes"]) == (12, 6_000)


def test_a_round_that_was_over_when_the_program_began_is_not_told_of_again():
    scene, kept = five(), Kept()
    play(scene)

    metrics_of(scene, SERVER, kept).look()

    assert (kept.rows, len(kept.shown)) == ([], 1)


def test_of_a_server_the_accuracy_is_shown_that_it_has_worked_out_last():
    scene, kept = Scene(), Kept()
    server = LearningServer(SERVER, scene.task, Plan(1), lambda _round: bytes(32))

    metrics_of(scene, server, kept).look()
    server.accuracies = {1: 0.5, 2: 0.75, 3: None}
    metrics_of(scene, server, kept).look()

    assert [shown[0]["accuracy"] for shown in kept.shown] == [None, 0.75]


def test_what_a_transaction_cost_is_asked_for_again_where_the_node_did_not_say():
    scene, kept, known = five(), Kept(), {}

    def costs(transaction):
        answer = known.get(transaction)
        if isinstance(answer, Exception):
            raise answer
        return answer

    watching = metrics_of(scene, SERVER, kept, costs=costs)
    watching.look()
    for number in (1, 2, 3):
        watching.sent(f"0x{number}")
    known |= {"0x1": cost_of("0x1"), "0x2": NodeError("gone"), "0x3": cost_of("0x3")}
    play(scene)
    watching.look()
    known["0x2"] = cost_of("0x2")
    watching._count_costs()

    assert kept.rows[0]["transactions"] == 1
    assert watching._used.transactions == 3


def test_a_full_disk_is_one_line_and_the_next_round_is_a_whole_row(tmp_path, monkeypatch):
    scene, said, file = five(), [], RowFile(str(tmp_path / "rows"))
    watching = metrics_of(scene, SERVER, file, Kept(OSError(errno.ENOSPC, "no space left")), said=said)
    watching.look()
    write = os.write
    monkeypatch.setattr(metrics.os, "write", lambda file, line: write(file, line[:9]))
    play(scene)
    watching.look()
    monkeypatch.undo()

    assert len(said) == 1
    assert said[0] == f"metrics: {tmp_path / 'rows'} took only a part of a line"
    file.add_round({"round": 2})
    assert (tmp_path / "rows").read_text().splitlines()[1:] == ['{"round": 2}']


def test_a_pipe_that_nobody_empties_does_not_hold_up_a_program(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="pipe cannot be written: No such device"):
        RowFile(str(tmp_path / "pipe"))
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    file = RowFile(str(tmp_path / "pipe"))

    with pytest.raises(OSError, match="took only a part of a line"):
        file.add_round({"round": 1, "more": "x" * 1_000_000})
    with pytest.raises(BlockingIOError):
        file.add_round({"round": 2})
    os.close(reader)


def test_figures_are_served_on_this_machine_alone_as_prometheus_reads_them():
    scene, said = Scene(), []
    (endpoint,) = sinks = open_sinks(["0"], said.append)
    watching = metrics_of(scene, scene.job.committee[0], *sinks, used=Usage(training_seconds=1.5))
    watching.look()

    with closing(requests.Session()) as session:
        session.trust_env = False
        reply = session.get(endpoint.url, timeout=10)
        others = [session.get(endpoint.url + "s", timeout=10), session.post(endpoint.url, timeout=10)]

    assert said == [f"metrics at {endpoint.url}"]
    assert endpoint.url.startswith("http://127.0.0.1:")
    assert reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    figures = parsed(reply.text)
    assert (figures["round"], figures["seats"], figures["stake_wei"]) == (1, 1, STAKE)
    assert figures["training_seconds_total"] == 1.5
    assert "accuracy" not in figures, "it is not known"
    assert [it.status_code for it in others] == [404, 501]


def test_every_figure_has_a_name_and_a_help_of_its_own():
    names = [*Standing.__dataclass_fields__, *(f"{it}_total" for it in Usage.__dataclass_fields__)]
    everything = Standing(*range(len(Standing.__dataclass_fields__)))

    assert list(parsed(prometheus_text([everything, Usage()]))) == names


def test_where_figures_cannot_go_is_one_sentence(tmp_path):
    port, said = free_ports(1), []
    open_sinks([str(port)], said.append)

    for wrong, sentence in {
        str(port): f"cannot serve metrics on port {port} of 127.0.0.1: Address already in use",
        "65536": "there is no port 65536 for --metrics",
        str(tmp_path): f"{tmp_path} cannot be written: Is a directory",
        f"{tmp_path}/no/rows": f"{tmp_path}/no/rows cannot be written: No such file or directory",
    }.items():
        with pytest.raises(UserError) as refusal:
            open_sinks([wrong], said.append)
        assert str(refusal.value) == sentence
