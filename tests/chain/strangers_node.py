"""What a node of somebody else is asked, and answers that are not its own."""

import pytest

from mlchain.protocol.calls import Call
from tests.contracts.protocol_steps import STAKE

JOIN = Call("WorkerRegistry", "join", value=STAKE)
WITH_LOGS, A_HEADER = {"eth_getLogs", "eth_call"}, {"eth_chainId", "eth_getBlockByNumber"}


def glancing(value):
    """Run a test with one of the two ways alone."""
    return pytest.mark.parametrize("is_glancing", [value], indirect=True, ids=["glances" if value else "looks"])


def batches(monkeypatch, node, answer=lambda _method, _given, said: said):
    """Return the methods of every batch from now on; `answer` says what is answered in the place of the node."""
    http, asked = node.web3.provider, []
    make = http.make_batch_request

    def answered(batch):
        asked.append({method for method, _given in batch})
        return [answer(*question, said) for question, said in zip(batch, make(batch), strict=True)]

    monkeypatch.setattr(http, "make_batch_request", answered)
    return asked


def is_program(method, given):
    return method == "eth_call" and "to" not in given[0]
