"""Splits: everything is dealt out, once, and to everybody."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlchain.centralized.learning.partition import Split, deal
from mlchain.errors import UserError

SKEWS = st.none() | st.floats(0.01, 1000)


@st.composite
def cases(draw):
    labels = np.array(draw(st.lists(st.integers(0, 9), min_size=1, max_size=200)))
    split = Split(draw(st.integers(1, len(labels))), draw(SKEWS), draw(st.integers(0, 2**64 - 1)))
    return split, labels


def kinds_in_a_share(split, labels):
    return np.mean([len(np.unique(labels[share])) for share in deal(split, labels)])


@given(cases())
def test_every_sample_is_in_exactly_one_share_and_no_share_is_empty(case):
    split, labels = case

    shares = deal(split, labels)

    assert len(shares) == split.shares
    assert min(len(share) for share in shares) >= 1
    assert sorted(np.concatenate(shares).tolist()) == list(range(len(labels)))


@given(cases())
def test_everybody_deals_alike(case):
    split, labels = case

    for one, other in zip(deal(split, labels), deal(split, labels), strict=True):
        assert one.tolist() == other.tolist()


def test_another_seed_deals_otherwise():
    labels = np.arange(100) % 10

    for dirichlet_alpha in (None, 1.0):
        assert (
            deal(Split(4, dirichlet_alpha, 1), labels)[0].tolist()
            != deal(Split(4, dirichlet_alpha, 2), labels)[0].tolist()
        )


@given(st.integers(1, 50), st.integers(0, 50))
def test_even_shares_differ_by_one_sample_at_most(shares, more):
    sizes = {len(share) for share in deal(Split(shares), np.zeros(shares + more, dtype=int))}

    assert max(sizes) - min(sizes) <= 1


def test_the_smaller_the_skew_the_fewer_kinds_of_labels_a_share_has():
    labels = np.arange(2000) % 10

    kinds = [kinds_in_a_share(Split(10, dirichlet_alpha), labels) for dirichlet_alpha in (0.05, 0.5, 50)]

    assert kinds[0] < 4 < kinds[1] < kinds[2] == 10


@pytest.mark.parametrize(
    ("choices", "sentence"),
    [
        ({"shares": 0}, "at least one share"),
        ({"shares": 2, "dirichlet_alpha": 0}, "Dirichlet alpha"),
        ({"shares": 2, "dirichlet_alpha": float("nan")}, "Dirichlet alpha"),
        ({"shares": 2, "seed": -1}, "seed"),
    ],
)
def test_a_split_that_cannot_be_is_one_sentence(choices, sentence):
    with pytest.raises(UserError, match=sentence):
        Split(**choices)


def test_fewer_samples_than_shares_are_one_sentence():
    with pytest.raises(UserError, match="3 samples cannot be split into 4 shares"):
        deal(Split(4), np.zeros(3, dtype=int))
