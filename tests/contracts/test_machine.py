"""The contracts and the reference model of the protocol do the same, whatever anybody does."""

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.chain.embedded_chains import embedded_chain
from tests.contracts.machine import ProtocolMachine
from tests.contracts.side_by_side import Deployment

WORKERS = 9


def test_the_contracts_do_what_the_reference_model_does_and_keep_every_guarantee(server):
    with embedded_chain(b"side by side"):
        deployment = Deployment.build(server, WORKERS)

        run_state_machine_as_test(
            lambda: ProtocolMachine(deployment),
            settings=settings(max_examples=settings().max_examples * 2 // 5, stateful_step_count=40),
        )
