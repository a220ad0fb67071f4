"""Which version of a deployment's model somebody takes home."""

from dataclasses import fields

import pytest

from mlchain.errors import UserError
from mlchain.live.versions import version_in
from mlchain.protocol.events import Log
from mlchain.protocol.ledger import Ledger
from mlchain.protocol.model_events import ModelChunkPublished, VersionAnnounced, VersionRefuted
from mlchain.protocol.rounds import Round
from mlchain.protocol.terms import RoundTerms
from mlchain.tasks.catalogue import create_task


@pytest.fixture
def ledger():
    """A ledger with three versions, the last of which is refuted."""
    task, ledger = create_task("digits", "softmax"), Ledger("server")
    for number in (1, 2, 3):
        model = bytes([number]) * task.model_size
        for event in (
            VersionAnnounced(number, number - 1, bytes(32), len(model)),
            ModelChunkPublished(number, 0, model),
        ):
            ledger.fold(Log(event, "models", number, 0, number))
    terms = RoundTerms(*[1] * len(fields(RoundTerms)))
    ledger.rounds.append(Round(1, terms, 0, bytes(32), 1, 1, task.recipe))
    ledger.refuted = VersionRefuted(3, "somebody")
    return ledger


def test_the_newest_that_is_not_refuted_is_taken(ledger):
    assert version_in(ledger, None)[2] == 2
    assert version_in(ledger, 1)[1][:1] == b"\1"


def test_a_refuted_version_is_not_given_away(ledger):
    with pytest.raises(UserError, match="version 3 of the model was refuted: take an earlier one"):
        version_in(ledger, 3)


def test_what_is_not_there_is_said(ledger):
    ledger.refuted = None

    with pytest.raises(UserError, match="version 4 of the model is not on the chain: 1 to 3 are"):
        version_in(ledger, 4)
