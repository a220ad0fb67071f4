"""G12: a version that is not what was accepted is refuted by whoever looks, and one that is never."""

from dataclasses import replace

import numpy as np
import pytest
from ape import project
from eth_utils import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from mlchain.actors import refuter
from mlchain.protocol.content import content_hash, show_piece
from mlchain.tasks.catalogue import open_recipe
from mlchain.training.recipe import Recipe
from tests.contracts.chain_control import move_to, reverts, rollback
from tests.contracts.protocol_steps import escrow_of, next_random, referee_end, schedule_round, terms_of
from tests.referee.cases import LAST_LAYER, WIDE
from tests.referee.lineages import Lineage
from tests.training.strategies import ANY_BITS, recipes


def model_of(recipe: Recipe, seed: int, reach: int = 1000) -> bytes:
    """Return a random model."""
    weights = np.random.default_rng(seed).integers(-reach, reach, recipe.weights)
    return weights.astype("<i2").tobytes()


def result_of(recipe: Recipe, seed: int) -> bytes:
    """Return random bytes of a result's size."""
    return np.random.default_rng(seed).bytes(recipe.result_size)


# 21 weights, and codes of four bits.
LAYER = replace(LAST_LAYER, outputs=3, error_shift=0)
TINY = Recipe("tiny", bytes(32), replace(WIDE.inputs, height=3, width=2), 1, 1, (LAYER,), 4)
OPENED = open_recipe(TINY.to_bytes())
FIRST = model_of(TINY, 1)
SECOND = OPENED.aggregate(FIRST, [result_of(TINY, 1)])


@pytest.fixture(scope="module")
def empty(server, members):
    """A deployment without a version."""
    return Lineage.deploy(server, members)


@pytest.fixture
def lineage(empty):
    """A deployment with two versions, whose third is to follow from the second and what its second round accepts."""
    empty.recipe = TINY.to_bytes()
    empty.announce(FIRST, 0)
    empty.play(1, [result_of(TINY, 1)])
    empty.announce(SECOND, 1)
    return empty


def next_of(results: list[bytes]) -> bytes:
    """Return what the second version becomes by some results."""
    return OPENED.aggregate(SECOND, results, FIRST)


def changed(data: bytes, weight: int, by: int = 1) -> bytes:
    """Return a model with another weight."""
    weights = np.frombuffer(data, dtype="<i2").copy()
    weights[weight] = (int(weights[weight]) + by + 2**15) % 2**16 - 2**15
    return weights.tobytes()


@st.composite
def histories(draw: st.DrawFn) -> tuple[Recipe, list[bytes], list[bytes | None]]:
    """A recipe, one model or two, and what the jobs of a round on the newest accept: any bytes, or nothing."""
    recipe = draw(recipes(ANY_BITS))
    seeds = st.integers(0, 2**32)
    reach = draw(st.sampled_from([3, 1000, 32767]))
    models = [model_of(recipe, seed, reach) for seed in draw(st.lists(seeds, min_size=1, max_size=2))]
    some = [result_of(recipe, seed) for seed in draw(st.lists(seeds, min_size=1, max_size=4))]
    return recipe, models, draw(st.permutations(some + draw(st.sampled_from([[], [None]]))))


@settings(max_examples=settings.default.max_examples // 3)
@given(histories(), st.data())
def test_any_wrong_weight_refutes_a_version_and_no_right_one_does(empty, stranger, history, data):
    recipe, models, results = history
    parent = models[-2] if len(models) > 1 else None
    right = open_recipe(recipe.to_bytes()).aggregate(models[-1], [it for it in results if it], parent)
    weight, other = (data.draw(st.integers(0, recipe.weights - 1), label=label) for label in ("weight", "other"))
    by = data.draw(st.integers(0, 2**16 - 1), label="by")

    with rollback():
        empty.recipe = recipe.to_bytes()
        empty.announce(models[0], 0)
        if parent is not None:
            empty.play(1, [result_of(recipe, 1)])
            empty.announce(models[1], 1)
        empty.play(len(models), results)
        empty.announce(changed(right, weight, by), empty.factory.latestRound())
        ledger = empty.read().view().ledger

        if not by or other != weight:
            with reverts(empty.referee.Follows):
                empty.compare(stranger, other, ledger)
        assert empty.factory.refutedVersion() == 0
        if by:
            empty.compare(stranger, weight, ledger)
            assert empty.factory.refutedVersion() == len(models) + 1


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_edges_of_codes_scales_and_weights_follow_as_python_has_them(empty, stranger, bits):
    """Least codes, greatest scales, means of half a unit, and both ends of what a weight can be."""
    recipe = replace(TINY, bits=bits)
    ends = np.array([32767, -32768, 0, -1, 1, 5, -5] * 3, dtype="<i2").tobytes()
    scales = b"" if bits == 16 else b"\xff\xff"
    least = scales + bytes([0b10000000 >> (8 - min(bits, 8))]) * (recipe.result_size - len(scales))
    results = [least, scales + b"\xff" * (recipe.result_size - len(scales)), bytes(recipe.result_size)]
    empty.recipe = recipe.to_bytes()
    empty.announce(model_of(recipe, 1, 32767), 0)
    empty.play(1, [bytes(recipe.result_size)])
    empty.announce(ends, 1)
    empty.play(2, results)
    right = open_recipe(recipe.to_bytes()).aggregate(ends, results, model_of(recipe, 1, 32767))
    empty.announce(right, 2)
    ledger = empty.read().view().ledger

    for weight in range(0, 21, 3):  # one of each, by several places in a byte of codes
        with reverts(empty.referee.Follows):
            empty.compare(stranger, weight, ledger)


def test_who_looks_finds_the_wrong_weight_and_ends_the_deployment(lineage, server, stranger):
    result = result_of(TINY, 3)
    lineage.play(2, [result])
    lineage.announce(changed(next_of([result]), 17), 2)
    reader, looks_after = lineage.read(), lineage.refuter()

    (call,) = looks_after.act(reader.view()).calls
    reader.send(stranger, call)

    assert call.arguments[1:3] == (3, 17)
    (log,) = reader.sync()
    assert (log.event.version, log.event.finder) == (3, stranger.address)
    assert looks_after.act(reader.view()).calls == []
    schedule_round(lineage.factory, server)
    terms = terms_of(modelVersion=3, seats=1, quorum=1)
    with reverts(lineage.factory.VersionIsRefuted, version=3):
        lineage.factory.deployRound(
            terms, next_random(lineage.factory), lineage.recipe, value=escrow_of(terms), sender=server
        )
    with reverts(lineage.factory.VersionIsRefuted, version=3):
        lineage.send(stranger, call)


def test_who_looks_leaves_alone_what_follows(lineage):
    result = result_of(TINY, 3)
    lineage.play(2, [result, None])
    lineage.announce(next_of([result]), 2)

    assert lineage.refuter().act(lineage.read().view()).calls == []


def test_many_results_are_added_up_by_many_transactions_whoever_sends_them(lineage, stranger, newcomers, monkeypatch):
    results = [result_of(TINY, seed) for seed in range(4)]
    lineage.play(2, [*results, None])
    lineage.announce(changed(next_of(results), 5), 2)
    ledger, looks_after = lineage.read().view().ledger, lineage.refuter()
    monkeypatch.setattr(
        refuter,
        "SHOWN_SIZE",
        2 * refuter._size(looks_after.compare(ledger, ledger.versions[2], 5)[0].arguments[-1][:2]),
    )
    by_two = looks_after.compare(ledger, ledger.versions[2], 5)
    monkeypatch.setattr(refuter, "SHOWN_SIZE", 1)
    one_by_one = looks_after.compare(ledger, ledger.versions[2], 5)
    assert [call.arguments[-2] for call in by_two] == [0, 2, 5]
    assert [call.arguments[-2] for call in one_by_one] == [0, 1, 2, 3, 5]

    for call in (*one_by_one[:3], by_two[1]):
        with reverts(lineage.referee.LeavesOut, jobs=lineage.referee.sumOf(lineage.factory, 3, 5).jobs):
            lineage.send(stranger, one_by_one[-1])
        assert lineage.factory.refutedVersion() == 0
        lineage.send(newcomers[0], call)
    with reverts(lineage.referee.AddsNothing):
        lineage.send(stranger, by_two[0])
    lineage.send(stranger, by_two[2])

    assert lineage.factory.refutedVersion() == 3


# Its round


@pytest.mark.parametrize("named", [3, 2**32 - 1])
def test_a_version_that_names_a_round_which_is_not_is_refuted(lineage, stranger, named):
    lineage.play(2, [result_of(TINY, 3)])
    lineage.announce(next_of([result_of(TINY, 3)]), named)

    (call,) = lineage.refuter().act(lineage.read().view()).calls
    lineage.send(stranger, call)

    assert (call.method, lineage.factory.refutedVersion()) == ("refuteByCount", 3)


def test_a_version_of_a_round_that_trained_another_one_is_refuted(lineage, stranger):
    (job,) = lineage.play(1, [None])
    lineage.announce(SECOND, 2)
    with reverts(lineage.referee.WrongJob):
        lineage.referee.refuteByWeight(lineage.factory, 3, 0, job, lineage.task(1), 0, [], sender=stranger)

    (call,) = lineage.refuter().act(lineage.read().view()).calls
    lineage.send(stranger, call)

    assert (call.method, lineage.factory.refutedVersion()) == ("refuteByJob", 3)


def test_a_version_that_leaves_out_what_an_earlier_round_accepted_is_refuted(lineage, stranger):
    left_out, result = result_of(TINY, 3), result_of(TINY, 4)
    lineage.play(2, [None, left_out])
    lineage.play(2, [result])
    lineage.announce(next_of([result]), 3)

    (call,) = lineage.refuter().act(lineage.read().view()).calls
    lineage.send(stranger, call)

    assert (call.method, lineage.factory.refutedVersion()) == ("refuteByJob", 3)


def test_a_version_that_is_never_published_keeps_no_later_one_from_being_looked_at(lineage, stranger):
    lineage.play(2, [result_of(TINY, 3)])
    hidden = next_of([result_of(TINY, 3)])
    lineage.models.announce(2, content_hash(hidden), len(hidden), sender=lineage.server)
    lineage.announce(model_of(TINY, 4), 3)

    (call,) = lineage.refuter().act(lineage.read().view()).calls
    lineage.send(stranger, call)

    assert (call.method, lineage.factory.refutedVersion()) == ("refuteByCount", 4)


def test_a_version_with_a_hash_that_nothing_has_is_refuted_like_any_other(lineage, stranger):
    lineage.models.announce(9, bytes(32), 42, sender=lineage.server)

    (call,) = lineage.refuter().act(lineage.read().view()).calls
    lineage.send(stranger, call)

    assert (call.method, lineage.factory.refutedVersion()) == ("refuteByCount", 3)


def test_a_round_that_is_played_on_the_parent_later_is_seen(lineage, stranger):
    looks_after = lineage.refuter()
    lineage.play(2, [result_of(TINY, 3)])
    lineage.announce(next_of([result_of(TINY, 3)]), 2)
    assert looks_after.act(lineage.read().view()).calls == []

    lineage.play(2, [result_of(TINY, 4)])
    (call,) = looks_after.act(lineage.read().view()).calls
    lineage.send(stranger, call)

    assert (call.method, lineage.factory.refutedVersion()) == ("refuteByJob", 3)


def test_what_a_round_on_another_version_accepted_is_not_left_out(lineage, stranger):
    lineage.play(2, [result_of(TINY, 3)])
    lineage.announce(next_of([result_of(TINY, 3)]), 2)
    earlier = lineage.read().view().ledger.rounds[0].jobs[0].address

    with reverts(lineage.referee.Follows):
        lineage.referee.refuteByJob(lineage.factory, 3, earlier, lineage.task(1), sender=stranger)


def test_a_round_that_accepted_nothing_leaves_nothing_out(lineage, stranger):
    failed, result = lineage.play(2, [None]), result_of(TINY, 4)
    lineage.play(2, [result])
    lineage.announce(next_of([result]), 3)

    assert lineage.refuter().act(lineage.read().view()).calls == []
    task = lineage.task(2, FIRST)
    with reverts(lineage.referee.Follows):
        lineage.referee.refuteByJob(lineage.factory, 3, failed[0], task, sender=stranger)
    with reverts(lineage.referee.WrongJob):  # whose results make the parent something else
        lineage.referee.refuteByWeight(lineage.factory, 3, 0, failed[0], task, 0, [], sender=stranger)


def test_a_version_that_is_made_of_nothing_is_refuted(lineage, stranger):
    lineage.play(2, [None, None])
    lineage.announce(SECOND, 2)

    (call,) = lineage.refuter().act(lineage.read().view()).calls
    lineage.send(stranger, call)

    assert (call.arguments[-1], lineage.factory.refutedVersion()) == ([], 3)


@pytest.mark.parametrize("size", [TINY.model_size - 2, TINY.model_size + 2])
def test_a_version_of_another_size_is_refuted(lineage, stranger, size):
    result = result_of(TINY, 3)
    lineage.play(2, [result])
    lineage.announce((next_of([result]) + b"ab")[:size], 2)

    (call,) = lineage.refuter().act(lineage.read().view()).calls
    lineage.send(stranger, call)

    assert lineage.factory.refutedVersion() == 3


def test_a_version_of_a_model_that_the_recipe_does_not_fit_is_refuted(empty, stranger):
    empty.recipe = TINY.to_bytes()
    empty.announce(b"no such model", 0)
    empty.play(1, [result_of(TINY, 3)])
    empty.announce(SECOND, 1)

    (call,) = empty.refuter().act(empty.read().view()).calls
    empty.send(stranger, call)

    assert empty.factory.refutedVersion() == 2


def test_nothing_is_said_of_a_version_whose_recipe_nobody_can_read(empty, stranger):
    empty.recipe = b"garbage"
    empty.announce(FIRST, 0)
    (job,) = empty.play(1, [result_of(TINY, 3)])
    empty.announce(SECOND, 1)

    assert empty.refuter().act(empty.read().view()).calls == []
    with reverts(project.TrainingJudge.NotARecipe):
        empty.referee.refuteByWeight(empty.factory, 2, 0, job, empty.task(1), 0, [], sender=stranger)


def test_results_of_another_size_are_nothing_to_make_a_version_of(lineage, stranger):
    lineage.play(2, [b"short"])
    lineage.announce(SECOND, 2)

    (call,) = lineage.refuter().act(lineage.read().view()).calls
    lineage.send(stranger, call)

    assert lineage.factory.refutedVersion() == 3


# What refutes nothing


@pytest.mark.parametrize("version", [0, 1, 3])
def test_the_first_version_follows_from_nothing_and_one_that_is_not_cannot_be_wrong(lineage, stranger, version):
    with reverts(lineage.referee.Follows):
        lineage.referee.refuteByCount(lineage.factory, version, sender=stranger)


def test_a_right_version_is_not_refuted_by_its_own_round(lineage, stranger):
    job, _ = lineage.play(2, [result_of(TINY, 3), None])
    task = lineage.task(2, FIRST)
    least = int(np.abs(np.frombuffer(next_of([result_of(TINY, 3)]), "<i2").astype(int)).argmin())  # is not clipped
    with reverts(lineage.referee.Follows):  # nor before it is announced
        lineage.referee.refuteByJob(lineage.factory, 3, job, task, sender=stranger)
    lineage.announce(next_of([result_of(TINY, 3)]), 2)

    with reverts(lineage.referee.Follows):
        lineage.referee.refuteByCount(lineage.factory, 3, sender=stranger)
    with reverts(lineage.referee.Follows):
        lineage.referee.refuteByJob(lineage.factory, 3, job, task, sender=stranger)
    with reverts(lineage.referee.AddsNothing):
        lineage.referee.refuteByWeight(lineage.factory, 3, 0, job, task, 0, [], sender=stranger)
    with reverts(lineage.referee.Follows):
        lineage.compare(stranger, least)


def test_nothing_is_said_of_a_version_before_its_round_is_decided(lineage, stranger):
    (job,) = lineage.play(2, [None], is_settled=False)
    lineage.announce(SECOND, 2)
    arguments = (lineage.factory, 3, 0, job, lineage.task(2, FIRST), 0, [])

    assert lineage.refuter().act(lineage.read().view()).calls == []
    with reverts(lineage.referee.NotDecided, index=0):
        lineage.referee.refuteByWeight(*arguments, sender=stranger)
    move_to(referee_end(job))
    lineage.referee.refuteByWeight(*arguments, sender=stranger)

    assert lineage.factory.refutedVersion() == 3


@pytest.mark.parametrize("wrong", ["recipe", "parent", "version", "second job", "other round", "no job"])
def test_only_the_first_job_of_the_round_and_what_it_trains_are_taken(lineage, stranger, wrong):
    jobs = lineage.play(2, [None, result_of(TINY, 3)])
    lineage.announce(changed(next_of([result_of(TINY, 3)]), 0), 2)
    ledger = lineage.read().view().ledger
    (call,) = lineage.refuter().compare(ledger, ledger.latest_version, 0)
    factory, version, weight, job, (recipe, parent, trained), *shown = call.arguments
    other = ledger.rounds[0].jobs[0].address
    at = {"second job": jobs[1].address, "other round": other, "no job": lineage.factory.address}.get(wrong, job)
    recipe = recipe[:-1] + b"\x09" if wrong == "recipe" else recipe
    task = (recipe, bytes(32) if wrong == "parent" else parent, trained - (wrong == "version"))

    with reverts(lineage.referee.WrongJob):
        lineage.referee.refuteByWeight(factory, version, weight, at, task, *shown, sender=stranger)
    lineage.send(stranger, call)


def test_a_job_of_another_factory_is_nobody_s(lineage, server, members, stranger):
    lineage.play(2, [result_of(TINY, 3)])
    lineage.announce(next_of([result_of(TINY, 3)]), 2)
    other = Lineage.deploy(server, members)
    other.recipe = lineage.recipe
    other.announce(FIRST, 0)
    (job,) = other.play(1, [result_of(TINY, 3)])

    with reverts(lineage.referee.WrongJob):
        lineage.referee.refuteByJob(lineage.factory, 3, job, lineage.task(1), sender=stranger)


def test_a_weight_is_one_of_the_model_s(lineage, stranger):
    (job,) = lineage.play(2, [result_of(TINY, 3)])
    lineage.announce(next_of([result_of(TINY, 3)]), 2)
    task = lineage.task(2, FIRST)

    with reverts(lineage.referee.UnknownWeight, weight=21, weights=21):
        lineage.referee.refuteByWeight(lineage.factory, 3, 21, job, task, 0, [], sender=stranger)


@pytest.mark.parametrize("place", range(5))
def test_only_published_bytes_are_taken(lineage, stranger, place):
    lineage.play(2, [result_of(TINY, 3)])
    lineage.announce(next_of([result_of(TINY, 3)]), 2)
    ledger = lineage.read().view().ledger
    (call,) = lineage.refuter().compare(ledger, ledger.latest_version, 3)
    *arguments, shown = call.arguments
    shown[place] = show_piece(changed(shown[place][0] + b"\0" * (len(shown[place][0]) % 2), 3), 6)

    with reverts(project.TrainingJudge.NotShown):
        lineage.referee.refuteByWeight(*arguments, shown, sender=stranger)


def test_only_the_referee_of_versions_says_that_one_is_refuted(lineage, server, stranger):
    for caller in (server, stranger):
        with reverts(lineage.factory.NotTheVersionReferee, caller=caller):
            lineage.factory.setRefuted(2, caller, sender=caller)


def test_all_rounds_learn_by_the_recipe_of_the_first(lineage):
    bound, lineage.recipe = lineage.factory.recipeHash(), b"another recipe"
    assert bound == keccak(TINY.to_bytes())

    with reverts(lineage.factory.AnotherRecipe, actual=keccak(b"another recipe"), expected=bound):
        lineage.play(2, [result_of(TINY, 3)])
