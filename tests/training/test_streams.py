import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlchain.training import streams
from tests.reference import orders as reference

KEY = bytes(range(32))
KEYS = st.binary(min_size=32, max_size=32)


def test_the_generator_gives_the_numbers_it_gave_on_the_first_day():
    words = streams.random_words(KEY, "golden", 7, 1000)
    integers = streams.random_integers(KEY, "golden", 7, 1000, 400)
    order = streams.sample_order(KEY, 1000, 2500)
    digest = hashlib.sha256(words.astype("<u8").tobytes() + integers.astype("<i8").tobytes())
    digest.update(order.astype("<i8").tobytes())

    assert digest.hexdigest() == "b3fb33cf57847df43ee3e5b29e908d4618703164c1f1cba378bff9686b98dd3b"


def test_a_stream_is_shake_256_of_its_name():
    parts = (b"mlchain", b"purpose", KEY, (3).to_bytes(8, "little"))
    name = hashlib.sha256(b"".join(len(part).to_bytes(8, "little") + part for part in parts)).digest()
    stream = hashlib.shake_256(name).digest(24)

    expected = [int.from_bytes(stream[at : at + 8], "little") for at in (0, 8, 16)]
    assert streams.random_words(KEY, "purpose", 3, 3).tolist() == expected


@given(st.lists(st.binary(max_size=3), max_size=3), st.lists(st.binary(max_size=3), max_size=3))
def test_two_keys_are_equal_only_when_their_parts_are(parts, others):
    assert (streams.derive_key("p", *parts) == streams.derive_key("p", *others)) == (parts == others)


def test_streams_of_other_names_differ():
    names = [(KEY, "a", 0), (KEY, "a", 1), (KEY, "b", 0), (bytes(32), "a", 0)]

    assert len({streams.random_words(*name, 1).item() for name in names}) == len(names)


def test_a_key_of_another_length_is_refused():
    with pytest.raises(ValueError, match="a key of 31 bytes, 32 wanted"):
        streams.random_words(bytes(31), "a", 0, 1)


@pytest.mark.parametrize("population", [*range(1, 40), 99, 100, 101, 1437, 2**14 - 1])
def test_every_epoch_visits_every_sample_once(population):
    order = streams.sample_order(KEY, population, 2 * population)

    for epoch in order[:population], order[population:]:
        assert sorted(epoch.tolist()) == list(range(population))


@given(KEYS, st.integers(1, 60), st.integers(0, 150))
def test_an_order_is_that_of_the_plain_reference(key, population, count):
    expected = [reference.sample(key, place, population) for place in range(count)]

    assert streams.sample_order(key, population, count).tolist() == expected


def test_a_place_of_a_large_order_is_that_of_the_plain_reference():
    order = streams.sample_order(KEY, 60_000, 130_000)

    for place in (0, 1, 777, 59_999, 60_000, 129_999):
        assert order[place] == reference.sample(KEY, place, 60_000)


@given(KEYS, st.integers(1, 15), st.integers(0, 40))
def test_displacements_are_those_of_the_plain_reference(key, reach, count):
    expected = [list(reference.displacement(key, place, reach)) for place in range(count)]

    assert streams.displacements(key, count, reach).tolist() == expected


def test_samples_are_displaced_everywhere_equally_often():
    moves = streams.displacements(KEY, 9000, 1)
    counts = np.bincount((moves[:, 0] + 1) * 3 + moves[:, 1] + 1, minlength=9)

    # Chi-squared with 8 degrees of freedom exceeds 26.1 once in a thousand; the numbers never change.
    assert sum((int(count) - 1000) ** 2 for count in counts) < 26_100


def test_two_epochs_have_different_orders():
    order = streams.sample_order(KEY, 100, 200)

    assert order[:100].tolist() != order[100:].tolist()


def test_every_sample_is_equally_likely_to_come_first():
    seen = [streams.sample_order(number.to_bytes(32, "big"), 10, 1).item() for number in range(5000)]

    # Chi-squared with 9 degrees of freedom exceeds 27.9 once in a thousand; the numbers never change.
    assert sum((seen.count(sample) - 500) ** 2 for sample in range(10)) < 27.9 * 500


def test_equal_words_keep_their_place(monkeypatch):
    monkeypatch.setattr(streams, "random_words", lambda *_: np.array([5, 1, 5, 1, 5] * 40, dtype=np.uint64))
    order = streams.permutation(KEY, "tie", 0, 200).tolist()

    ones = [place for place in range(200) if place % 5 in (1, 3)]
    fives = [place for place in range(200) if place % 5 not in (1, 3)]
    assert order == ones + fives


def test_every_permutation_of_three_is_equally_likely():
    seen = [tuple(streams.permutation(KEY, "fair", number, 3).tolist()) for number in range(6000)]
    counts = [seen.count(order) for order in sorted(set(seen))]

    # Chi-squared with 5 degrees of freedom exceeds 20.5 once in a thousand; the numbers never change.
    assert len(counts) == 6
    assert sum((count - 1000) ** 2 for count in counts) < 20_500


def test_random_integers_reach_both_ends_evenly():
    drawn = streams.random_integers(KEY, "even", 0, 10_000, 2)
    counts = np.bincount(drawn + 2, minlength=5)

    assert len(counts) == 5
    assert sum((int(count) - 2000) ** 2 for count in counts) < 18_500 * 2


@given(st.integers(0, 2**31 - 1))
def test_random_integers_stay_inside_their_range(greatest):
    drawn = streams.random_integers(KEY, "range", 0, 50, greatest)

    assert -greatest <= drawn.min()
    assert drawn.max() <= greatest


@pytest.mark.parametrize("greatest", [-1, 2**31])
def test_a_range_that_might_overflow_is_refused(greatest):
    with pytest.raises(ValueError, match="greatest value"):
        streams.random_integers(KEY, "range", 0, 1, greatest)
