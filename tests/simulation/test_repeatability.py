"""On the embedded chain a simulation is a function of its options; it runs there whatever network the tests run on."""

import json

from tests.chain.embedded_chains import embedded_chain
from tests.simulation.runs import simulate

CHOICES = {"task": "fake", "workers": 3, "evil": 1, "rounds": 1, "behaviour": "wrong"}


def summary_of(folder, **choices):
    seed = choices.get("seed", 1)
    with embedded_chain(seed.to_bytes(8, "big")) as chain:
        simulate(chain, **CHOICES | choices).summary.save(folder)
    return json.loads((folder / "summary.json").read_text())


def test_the_same_seed_gives_the_same_summary(tmp_path):
    assert summary_of(tmp_path) == summary_of(tmp_path)


def test_another_seed_gives_other_keys_other_jobs_and_another_model(tmp_path):
    one, other = summary_of(tmp_path, seed=1), summary_of(tmp_path, seed=2)

    assert {pay["address"] for pay in one["pay"]}.isdisjoint(pay["address"] for pay in other["pay"])
    assert one["rounds"][0]["jobs"][0]["address"] != other["rounds"][0]["jobs"][0]["address"]
    assert one["model_hash"] != other["model_hash"]
