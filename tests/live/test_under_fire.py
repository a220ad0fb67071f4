"""Whatever is killed, lost, doubled or undone while a server and its workers learn, it comes to the same in the end."""

import os
import time
from collections import Counter
from contextlib import contextmanager, suppress

import pytest
from ape import networks
from ape.exceptions import ApeException
from requests import RequestException
from web3.exceptions import Web3Exception

from mlchain.chain.connection import Chain
from mlchain.chain.node_errors import NodeError
from mlchain.protocol.rounds import Phase, Verdict, phase
from mlchain.simulation.attackers import BEHAVIOURS
from tests.live.faults import Faults, phase_of
from tests.live.testbed import NETWORKS, WINDOW, LiveTestbed
from tests.networks.learning import learned

CALM = 12  # seconds without event and fault after which everybody is up and has done what can be done
TROUBLE = (ApeException, NodeError, RequestException, Web3Exception)
PATIENCE = 240  # seconds without any event after which something is wrong


@contextmanager
def reader(network):
    """Read the chain of a network, past its proxy."""
    with networks.parse_network_choice(network.network_choice(network.node.url)):
        chain = Chain()
        chain.follow(network.deployment)
        yield chain


def play(network, chain, faults, wanted):
    """Let the network learn under fire until the server is done; skip the time that everybody honest waits for."""
    network.start_all()
    last_event, seen, next_fault = time.monotonic(), 0, 0.0
    share = -(
        -wanted // (3 * network.rounds + 1)
    )  # of the faults for each phase of each round, and for the time before
    met = Counter()
    while not network.has_ended("server"):
        now = time.monotonic()
        network.start_again()
        with suppress(*TROUBLE):
            view = chain.view()
            events = count_of(view)
            if events != seen:
                seen, last_event = events, now
            place = (len(view.ledger.rounds), phase_of(view))
            if faults.count < wanted and met[place] < share and now >= next_fault:
                faults.inject(view)
                met[place] += 1
                next_fault = time.monotonic() + 1
            elif now - max(last_event, next_fault) > CALM and (idle := idle_time(network, view)):
                network.node.ask("evm_increaseTime", idle)
                last_event = time.monotonic()
        assert now - last_event < PATIENCE, "nothing happens any more:\n" + network.programs.log("server")[-2000:]
        time.sleep(0.3)
    while True:
        with suppress(*TROUBLE):
            return chain.view()


def count_of(view):
    """Return a number that grows with every event of a round or a model."""
    jobs = [job for current in view.ledger.rounds for job in current.jobs]
    parts = [len(job.commitments) + len(job.candidates) + len(job.settlements) for job in jobs]
    return sum(parts) + len(view.ledger.pool.members) + sum(1 + len(it.chunks) for it in view.ledger.versions)


def idle_time(network, view):
    """Return how long nobody honest has anything to do: the evil are waited for, a turn to come, or a window to end."""
    honest = {
        network.address_of(name) for name, behaviour in network.workers.items() if BEHAVIOURS[behaviour].is_honest
    }
    current = view.ledger.open_round
    if current is None:
        return 0
    for job in current.jobs:
        seats = {seat for seat, worker in enumerate(job.committee) if worker in honest}
        if not seats <= set(job.commitments) or phase(job, view.now) in (Phase.REFEREE, Phase.DECIDED):
            return 0
    is_proposing = any(phase(job, view.now) is Phase.PROPOSE and not job.candidates for job in current.jobs)
    return WINDOW // 10 if is_proposing else WINDOW


def assert_nothing_is_lost(network, chain, view, rounds, jobs):
    """Assert that the model is the one of undisturbed learning, and that nobody honest lost anything: G1 to G8."""
    ledger = view.ledger
    assert [version.data() for version in ledger.versions] == learned(ledger, network.task)
    assert [len(current.jobs) for current in ledger.rounds] == [jobs] * rounds
    assert chain.balance_of(network.deployment.addresses["WorkerRegistry"]) == ledger.owed + ledger.burnt
    behaviour_of = {network.address_of(name): BEHAVIOURS[behaviour] for name, behaviour in network.workers.items()}
    for current in ledger.rounds:
        for job in current.jobs:
            assert len(set(job.committee)) == len(job.committee)
            for seat, worker in enumerate(job.committee):
                if behaviour_of[worker].is_honest:
                    assert job.settlements[seat].verdict is Verdict.REWARDED, (current.number, seat)
                elif behaviour_of[worker].name in ("wrong", "colluding"):  # whose answer nobody waits for
                    assert job.settlements[seat].verdict in (Verdict.SLASHED, Verdict.ABSENT)


def under_fire(folder, workers, rounds, wanted, seed, chain_id=1337, jobs=1):
    with LiveTestbed(folder, workers, rounds, chain_id, seed, jobs) as network, reader(network) as chain:
        faults = Faults(network, seed)
        view = play(network, chain, faults, wanted)
        print(faults.table())
        assert_nothing_is_lost(network, chain, view, rounds, jobs)
    return faults


def crowd(*behaviours):
    return {f"worker{number}": behaviour for number, behaviour in enumerate(behaviours)}


@pytest.mark.slow
def test_a_server_and_workers_learn_under_fire(tmp_path):
    faults = under_fire(tmp_path, crowd("honest", "honest", "wrong"), rounds=2, wanted=16, seed=1)

    assert len(faults.done) >= 10


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, int(os.environ.get("FIRES", "6"))))
def test_they_learn_under_fire_for_long(tmp_path, seed):
    workers = crowd("honest", "honest", "honest", "colluding", "colluding")
    chain_id = list(NETWORKS)[seed % 2]  # with blocks that are final at once, or after two more

    faults = under_fire(tmp_path, workers, 6, wanted=60, seed=seed, chain_id=chain_id)

    assert faults.count == 60
