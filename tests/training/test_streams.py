import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlchain.training import streams

KEY = bytes(range(32))


def test_the_generator_gives_the_numbers_it_gave_on_the_first_day():
    words = streams.random_words(KEY, "golden", 7, 1000)
    integers = streams.random_integers(KEY, "golden", 7, 1000, 400)
    order = streams.sample_order(KEY, 1000, 2500)
    digest = hashlib.sha256(words.astype("<u8").tobytes() + integers.astype("<i8").tobytes())
    digest.update(order.astype("<i8").tobytes())

    assert digest.hexdigest() == "3c8e99f2240e32b0dd74471f76788ff16a156d033cfe10bae0e3ac917d489401"


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


@given(st.integers(0, 50), st.integers(0, 200))
def test_every_epoch_of_a_sample_order_visits_every_sample_once(number, count):
    population = 7
    order = streams.sample_order(number.to_bytes(32, "little"), population, count)

    assert len(order) == count
    for start in range(0, count - population + 1, population):
        assert sorted(order[start : start + population].tolist()) == list(range(population))


def test_two_epochs_have_different_orders():
    order = streams.sample_order(KEY, 100, 200)

    assert order[:100].tolist() != order[100:].tolist()


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
