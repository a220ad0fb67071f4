"""Simulations that are measured: each on a chain of its own, and of whatever recipe."""

from dataclasses import replace

from benchmarks.contracts import play
from mlchain.simulation.options import Options
from mlchain.tasks.catalogue import default_recipe, open_task

OPTIONS = Options(workers=2, rounds=1, task="fake")


def test_every_simulation_starts_on_a_chain_of_its_own():
    one, other = play(OPTIONS), play(OPTIONS)

    assert one.network == "ethereum:local:test"
    assert one.gas == other.gas
    assert [job.address for job in one.rounds[0].jobs] == [job.address for job in other.rounds[0].jobs]


def test_what_is_learned_is_what_the_recipe_says():
    recipe = replace(default_recipe("fake", "softmax"), local_steps=7)
    task = open_task(recipe.to_bytes())

    run = play(OPTIONS, recipe.to_bytes())

    assert run.bytes["updates_received"] == task.result_size
    (job,) = run.rounds[0].jobs
    assert job.accepted_hash == job.honest_hash
