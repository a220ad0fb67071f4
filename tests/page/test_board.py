"""What has changed, and only that, goes to who watches."""

import json

from hypothesis import given
from hypothesis import strategies as st

from mlchain.page import board as module
from mlchain.page.board import Board

VALUES = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 2), max_size=4)


def changes(board, since):
    return json.loads(board.since(since)[1])


def test_only_what_has_changed_is_sent():
    board = Board()
    board.show({"a": 1, "b": [2]})
    seen = board.number
    board.show({"a": 1, "b": [3], "c": None})

    assert changes(board, seen) == {"all": False, "set": {"b": [3], "c": None}, "gone": []}


def test_what_is_shown_no_more_is_gone():
    board = Board()
    board.show({"a": 1, "b": 2})
    seen = board.number
    board.show({"b": 2})

    assert changes(board, seen) == {"all": False, "set": {}, "gone": ["a"]}


def test_nothing_new_changes_nothing_and_wakes_nobody():
    board, woken = Board(), []
    board.on_change = lambda: woken.append(True)
    board.show({"a": 1})
    board.show({"a": 1})

    assert (board.number, len(woken)) == (1, 1)


@given(st.lists(VALUES, min_size=1, max_size=12), st.data())
def test_who_follows_the_changes_from_anywhere_ends_with_what_is_shown(history, data):
    board, mine, seen = Board(), {}, 0
    for values in history:
        board.show(values)
        if data.draw(st.booleans()):
            told = changes(board, seen)
            mine = {} if told["all"] else mine
            mine = {key: value for key, value in (mine | told["set"]).items() if key not in told["gone"]}
            seen = board.number
            assert mine == values


def test_who_was_away_for_long_is_sent_everything(monkeypatch):
    monkeypatch.setattr(module, "MOST_GONE", 2)
    board = Board()
    board.show({"a": 1, "b": 2, "c": 3})
    seen = board.number
    for values in ({"a": 1, "b": 2}, {"a": 1}, {}):
        board.show(values)

    assert changes(board, seen) == {"all": True, "set": {}, "gone": []}
    assert len(board._gone) == 2


def test_who_knows_a_later_change_than_there_is_is_sent_everything():
    board = Board()
    board.show({"a": 1})

    assert changes(board, 7)["all"]


def test_two_runs_are_told_apart():
    assert Board().epoch != Board().epoch
