"""What every step costs: as recorded, and, G10, no more for a worker in a large pool."""

import json
from pathlib import Path

import pytest

from benchmarks.gas_steps import GROWTH, SIZES, measure_flatness, measure_steps, per_seat
from mlchain.chain.connection import Chain
from tests.contracts.chain_control import rollback

RECORD = Path(__file__).with_name("gas.json")
TOLERANCE = 0.01
POOLS = {1: 16, 4: 64}  # squares, in which every draw takes one step: so the seed changes nothing
AGAIN = "if that is meant, record it anew: ape test tests/contracts/test_gas.py --record-gas"


@pytest.mark.parametrize("jobs", [pytest.param(jobs, marks=pytest.mark.slow if jobs > 1 else ()) for jobs in POOLS])
def test_every_step_costs_what_is_recorded(jobs, request):
    with rollback():
        gas = measure_steps(Chain(), jobs, POOLS[jobs])
    gas["per seat and job"] = round(sum(per_seat(gas, jobs).values()))
    record = json.loads(RECORD.read_text())
    if request.config.getoption("--record-gas"):
        RECORD.write_text(json.dumps(record | {f"{jobs} x 10 seats": gas}, indent=2) + "\n")
        return

    recorded = record[f"{jobs} x 10 seats"]

    moved = {
        step: f"from {recorded.get(step)} to {gas.get(step)}"
        for step in recorded.keys() | gas.keys()
        if abs(gas.get(step, 0) - recorded.get(step, 0)) > TOLERANCE * recorded.get(step, 0)
    }
    assert not moved, AGAIN


STEPS = ("commit, whole pool", "settle, whole pool", "commit, three seats", "settle, three seats", "leave", "join")


@pytest.fixture(scope="module")
def flatness():
    """The gas of a worker's steps in pools of growing size."""
    with rollback():
        return measure_flatness(Chain(), SIZES[:-1], rollback)  # `make results` plays the largest one too


@pytest.mark.parametrize("step", STEPS)
def test_g10_what_one_worker_pays_does_not_grow_with_the_number_of_workers(flatness, step):
    gas = {size: steps[step] for size, steps in flatness.items()}

    assert max(gas.values()) <= GROWTH * min(gas.values()), gas
