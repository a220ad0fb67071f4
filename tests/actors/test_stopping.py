"""A server stops once its model is good enough, or gets no better; and its first round may have fewer jobs."""

from types import SimpleNamespace

import pytest

from mlchain.actors.plan import Plan
from mlchain.actors.server import LearningServer
from mlchain.protocol.ledger import Ledger, ModelVersion
from mlchain.protocol.terms import RoundTerms


def server_of(accuracies, **plan):
    """Return a server, and a ledger of versions that are right on so much, all of them made."""
    task = SimpleNamespace(accuracy=lambda model: accuracies[model[0]], train=lambda *_: b"", result_size=1)
    server = LearningServer("0x1", task, Plan(99, **plan), lambda number: bytes(32))
    ledger = Ledger("0x1")
    for number in range(len(accuracies)):
        ledger.versions.append(ModelVersion(number + 1, number, bytes(32), 1, {0: bytes([number])}))
    return server, ledger


@pytest.mark.parametrize(
    ("accuracies", "plan", "stops"),
    [
        ([0.1, 0.9], {}, False),
        ([0.1, 0.8], {"until_accuracy": 0.9}, False),
        ([0.1, 0.9], {"until_accuracy": 0.9}, True),
        ([0.1, 0.5], {"early_stopping": 1}, False),
        ([0.1, 0.5, 0.5], {"early_stopping": 1}, True),
        ([0.1, 0.5, 0.4], {"early_stopping": 2}, False),
        ([0.1, 0.5, 0.4, 0.5], {"early_stopping": 2}, True),
        ([0.1, 0.5, 0.4, 0.6], {"early_stopping": 2}, False),
        ([None, None, None], {"until_accuracy": 0.1, "early_stopping": 1}, False),
    ],
)
def test_it_stops_when_enough_is_learned(accuracies, plan, stops):
    server, ledger = server_of(accuracies, **plan)

    assert server.is_done(ledger) == stops


@pytest.mark.parametrize(
    ("first_jobs", "version", "jobs", "seats"),
    [(None, 1, 3, 4), (1, 1, 1, 12), (1, 2, 3, 4), (9, 1, 3, 4)],
)
def test_the_first_version_is_trained_by_as_many_jobs_as_its_network_begins_with(first_jobs, version, jobs, seats):
    server, ledger = server_of([0.1] * version, jobs=3, first_jobs=first_jobs)

    terms = server.terms(ledger.versions[-1], 12)

    assert isinstance(terms, RoundTerms)
    assert (terms.jobs, terms.seats) == (jobs, seats)
