"""Audits of what was really played on a chain: nothing to find, unless the server published something else."""

import pytest

from mlchain.actors.server import LearningServer
from mlchain.audit.findings import Check
from mlchain.chain.archive import Archive
from mlchain.chain.connection import Chain
from mlchain.live.audit_report import audit_deployment, audit_lines
from mlchain.protocol.model_events import VersionAnnounced
from mlchain.simulation import simulator
from tests.simulation.runs import SMALL, simulation


class Forger(LearningServer):
    """A server that adds one to a byte of every model but the first."""

    def _next_model(self, ledger):
        model = super()._next_model(ledger)
        return bytes([(model[0] + 1) % 256]) + model[1:]


@pytest.mark.parametrize(
    "choices",
    [
        {},
        {"workers": 7, "evil": 3, "behaviour": "wrong,silent,forging", "jobs": 2},
        {"workers": 4, "evil": 2, "behaviour": "colluding", "referee": "none"},
    ],
    ids=["honest", "attacked", "failed"],
)
def test_a_simulation_is_as_the_protocol_says(choices):
    with simulation(**SMALL | choices) as run:
        report, blocks = audit_deployment(run.chain, run.played.deployment, retrains=True)

    assert report.findings == []
    assert (report.seeds, report.unseen_seeds) == (2, 0)
    last = audit_lines(report, blocks, True)[-1]
    assert last == f"{blocks:,} blocks, {report.events:,} events, everything is as the protocol says"


def test_a_server_that_publishes_another_model_than_the_results_make_is_named(monkeypatch):
    make = simulator.make_server

    def make_forger(address, task, options, numbers, proof_of):
        honest = make(address, task, options, numbers, proof_of)
        return Forger(address, honest.task, honest.plan, honest._random)

    monkeypatch.setattr(simulator, "make_server", make_forger)
    with simulation(**SMALL) as run:
        report, blocks = audit_deployment(run.chain, run.played.deployment, retrains=True)
        chain = Chain()
        chain.follow(run.played.deployment)
        announced = [log for log in chain.sync() if isinstance(log.event, VersionAnnounced)]

    assert [(finding.check, finding.block, finding.subject) for finding in report.findings] == [
        (Check.MODELS, log.block, f"version {log.event.version}") for log in announced[1:]
    ]
    assert "the mean of what round 1 accepted" in report.findings[0].problem
    lines = audit_lines(report, blocks, True)
    assert lines[-1].endswith("2 problems")
    assert sum("version 2: its hash is" in line for line in lines) == 1


def test_a_node_that_has_forgotten_old_transactions_leaves_seeds_unchecked_and_it_is_said(monkeypatch):
    monkeypatch.setattr("mlchain.chain.archive.Archive.seed_parts", lambda *_: None)
    with simulation(**SMALL) as run:
        report, blocks = audit_deployment(run.chain, run.played.deployment, retrains=False)

    lines = audit_lines(report, blocks, False)
    assert report.findings == []
    assert "2 of 2 seeds not checked: the node has no block or transaction of them" in lines
    assert any(line.endswith("not checked: --retrain computes every accepted result again") for line in lines)


def test_events_are_read_in_whatever_portions_a_node_allows(monkeypatch):
    with simulation(**SMALL | {"workers": 5, "jobs": 2}) as run:
        chain, deployment = Chain(), run.played.deployment
        chain.follow(deployment)
        logs = chain.sync()
        monkeypatch.setattr("mlchain.chain.logs.BLOCKS_PER_REQUEST", 3)

        assert Archive(deployment).logs(chain.final_block) == logs
