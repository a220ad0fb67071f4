"""The rules against their definitions, written out for small cases, and against implementations of others."""

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.stats import trim_mean

from mlchain.centralized.learning.aggregation import RULES, aggregate, krum_scores, rule_named
from mlchain.errors import UserError


@st.composite
def rounds(draw, rule):
    """Updates of integers, weights, and as many evil ones as the rule stands up to."""
    evil = draw(st.integers(0, 2))
    count = draw(st.integers(RULES[rule].least_updates(evil), 9))
    shape = (count, draw(st.integers(1, 4)))
    updates = draw(arrays.arrays(np.int16, shape, elements=st.integers(-1000, 1000)))
    weights = draw(st.lists(st.integers(1, 500), min_size=count, max_size=count))
    return updates, np.array(weights), evil


def krum_score_by_definition(updates, chosen, evil):
    """Return the sum of the squared distances to the n - f - 2 closest others, as the paper writes it."""
    distances = sorted(
        sum((int(a) - int(b)) ** 2 for a, b in zip(updates[chosen], other, strict=True))
        for number, other in enumerate(updates)
        if number != chosen
    )
    return sum(distances[: len(updates) - evil - 2])


@given(rounds("average"))
def test_an_average_is_the_weighted_mean(case):
    updates, weights, evil = case

    combined = aggregate("average", updates, weights, evil)

    for column, value in zip(updates.T, combined, strict=True):
        exact = Fraction(sum(int(w) * int(x) for w, x in zip(weights, column, strict=True)), int(weights.sum()))
        assert value == pytest.approx(float(exact), abs=1e-9)


@given(rounds("median"))
def test_a_median_has_as_many_values_below_as_above(case):
    updates, weights, evil = case

    combined = aggregate("median", updates, weights, evil)

    for column, value in zip(updates.T, combined, strict=True):
        ordered = sorted(column.tolist())
        assert value == (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


@given(rounds("trimmed-mean"))
def test_a_trimmed_mean_is_that_of_scipy(case):
    updates, weights, evil = case

    combined = aggregate("trimmed-mean", updates, weights, evil)

    share = (evil + 0.5) / len(updates)  # scipy cuts off the whole part of share * n at both ends
    assert combined == pytest.approx(trim_mean(updates.astype(float), share, axis=0))


@given(rounds("krum"))
def test_krum_is_an_update_with_the_least_score(case):
    updates, weights, evil = case
    scores = [krum_score_by_definition(updates, number, evil) for number in range(len(updates))]

    combined = aggregate("krum", updates, weights, evil)

    best = [tuple(update) for update, score in zip(updates, scores, strict=True) if score == min(scores)]
    assert krum_scores(updates.astype(float), evil).tolist() == scores
    assert tuple(combined) in best


@given(rounds("multi-krum"))
def test_multi_krum_is_the_mean_of_the_updates_with_the_least_scores(case):
    updates, weights, evil = case
    scores = [krum_score_by_definition(updates, number, evil) for number in range(len(updates))]

    combined = aggregate("multi-krum", updates, weights, evil)

    chosen = len(updates) - evil
    least = sorted(scores)[:chosen]
    candidates = [
        np.mean(updates[list(group)].astype(float), axis=0)
        for group in combinations(range(len(updates)), chosen)
        if sorted(scores[number] for number in group) == least
    ]
    assert any(combined == pytest.approx(candidate) for candidate in candidates)


@pytest.mark.parametrize("rule", [name for name in RULES if name != "average"])
@given(data=st.data())
def test_a_robust_rule_stays_within_what_honest_workers_sent(rule, data):
    evil = data.draw(st.integers(1, 2))
    honest = data.draw(arrays.arrays(np.int16, (evil + 5, 3), elements=st.integers(-100, 100)))
    lies = np.full((evil, 3), data.draw(st.sampled_from([-32768, 32767])))
    updates = data.draw(st.permutations([*honest.tolist(), *lies.tolist()]))

    combined = aggregate(rule, np.array(updates), np.ones(len(updates)), evil)

    assert (combined >= honest.min(axis=0)).all()
    assert (combined <= honest.max(axis=0)).all()


def test_one_liar_moves_an_average_as_far_as_it_likes():
    updates = np.array([[1], [1], [1], [32767]])

    assert aggregate("average", updates, np.ones(4), 0) > 8000


@pytest.mark.parametrize("rule", RULES)
@given(data=st.data())
def test_the_order_of_the_updates_does_not_matter(rule, data):
    updates, weights, evil = data.draw(rounds(rule))
    scores = krum_scores(updates.astype(float), evil) if "krum" in rule else range(len(updates))
    order = np.array(data.draw(st.permutations(range(len(updates)))))

    if len(set(scores)) == len(updates):  # among equals the first is taken
        before, after = (
            aggregate(rule, updates, weights, evil),
            aggregate(rule, updates[order], weights[order], evil),
        )
        assert before == pytest.approx(after)


@pytest.mark.parametrize(
    ("rule", "evil", "updates", "sentence"),
    [
        ("mean", 0, 3, "unknown aggregation rule 'mean'"),
        ("average", 0, 0, "average needs at least 1"),
        ("median", 2, 4, "median needs at least 5"),
        ("trimmed-mean", 2, 4, "trimmed-mean needs at least 5"),
        ("krum", 2, 6, "krum needs at least 7"),
        ("multi-krum", 0, 2, "multi-krum needs at least 3"),
        ("median", -1, 4, "cannot be -1"),
    ],
)
def test_a_rule_that_cannot_be_applied_is_one_sentence(rule, evil, updates, sentence):
    with pytest.raises(UserError, match=sentence):
        rule_named(rule, evil, updates)


@pytest.mark.parametrize("weights", [[1, 0], [1, -1], [1, np.nan], [1, np.inf], [1], [1, 1, 1]])
def test_weights_that_are_none_are_refused(weights):
    with pytest.raises(ValueError, match="one number above 0 each"):
        aggregate("average", np.ones((2, 2)), np.array(weights, dtype=float), 0)
