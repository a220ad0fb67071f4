"""The thread that looks: trouble is told and gone on from, and questions cost a node little."""

import threading
from concurrent.futures import Future

import pytest

from mlchain.chain.node_errors import NodeError
from mlchain.errors import UserError
from mlchain.page import watcher as module
from mlchain.page.evaluation import Evaluation
from mlchain.page.models import Made
from mlchain.page.watcher import TooMany
from tests.actors.scenes import Scene
from tests.page.scenes import Page


def test_trouble_with_the_node_is_told_and_what_was_shown_stays():
    page = Page()
    before = page.values()
    page.chain.trouble = NodeError("the node does not answer")
    assert not page.watcher.look()
    troubled = page.changes(0)["set"]
    page.chain.trouble = None
    assert page.watcher.look()

    assert troubled.pop("health")["trouble"] == "the node does not answer"
    assert troubled == {key: value for key, value in before.items() if key != "health"}
    assert page.values()["health"]["trouble"] is None


def test_a_chain_that_was_reset_is_trouble_and_no_end():
    page = Page()
    page.chain.trouble = UserError("block 7 is another one than it was long ago: the chain was reset")

    assert not page.watcher.look()
    assert "the chain was reset" in page.changes(0)["set"]["health"]["trouble"]


def test_a_chain_that_was_replaced_is_shown_anew_and_said_so():
    page = Page()
    page.scene.commit(0, page.scene.right())
    page.values()
    page.chain.replacing = Scene(pool=4).stage
    page.watcher.look()
    page.watcher.look()

    now = page.values()

    assert now["health"]["replaced"] == 1
    assert now["now"]["pool"] == 4
    assert len([key for key in now if key.startswith("event/")]) == len(page.chain.stage.logs)
    assert sum(it["committed"] for key, it in now.items() if key.startswith("job/")) == 0


def test_a_hundred_questions_cost_the_node_as_much_as_one():
    page = Page()
    address = f"/job/{page.scene.job.address}"
    page.get(address)
    receipts, requests = page.receipts, page.chain.requests

    for _ in range(100):
        page.get(address)

    assert receipts > 0
    assert (page.receipts, page.chain.requests) == (receipts, requests)


def test_equal_questions_that_wait_have_one_answer():
    page = Page()

    first, second = (page.watcher.ask(("version", "1")) for _ in range(2))
    page.watcher.attend(0)

    assert first is second
    assert first.result(0)["number"] == 1


def test_what_is_asked_for_again_before_the_next_look_is_not_worked_out_again(monkeypatch):
    page, worked_out = Page(), []
    monkeypatch.setattr(page.watcher._answers, "version", lambda _view, number: worked_out.append(number))
    for _ in range(2):
        page.get("/version/1")
    assert worked_out == ["1"]
    page.watcher.look()
    page.get("/version/1")

    assert worked_out == ["1", "1"]


def test_a_receipt_is_asked_for_once():
    page = Page()
    address = f"/job/{page.scene.job.address}"
    page.get(address)
    receipts = page.receipts
    page.scene.commit(0, page.scene.right())
    page.watcher.look()
    page.get(address)

    assert page.receipts == receipts  # on paper all are of one transaction


def test_more_questions_than_can_wait_are_refused(monkeypatch):
    monkeypatch.setattr(module, "MOST_QUESTIONS", 2)
    page = Page()

    def ask_all():
        for number in range(3):
            page.watcher.ask(("version", str(number)))

    with pytest.raises(TooMany):
        ask_all()


def test_who_stopped_waiting_keeps_nobody_from_an_answer():
    page = Page()
    given_up = page.watcher.ask(("version", "1"))
    given_up.cancel()
    page.watcher.attend(0)

    assert page.get("/version/1").status_code == 200


def test_a_fault_in_an_answer_is_told_to_who_asked_and_ends_nothing(monkeypatch):
    page = Page()
    monkeypatch.setattr(page.watcher._answers, "version", lambda *_: 1 / 0)
    asked: Future = page.watcher.ask(("version", "1"))
    page.watcher.attend(0)

    with pytest.raises(ZeroDivisionError):
        asked.result(0)
    assert page.watcher.look()


class Tested:
    """A task of which every model gets nine of ten samples right."""

    def accuracy(self, _model):
        return 0.9


def evaluated(open_task):
    """Return what is known of a version once it is evaluated."""
    done = threading.Event()
    evaluation = Evaluation(open_task, done.set)
    evaluation.begin(Made(1, b"hash", b"recipe", b"model"))
    assert done.wait(20)
    return evaluation.quality_of(b"recipe", b"hash")


def test_accuracy_comes_once_it_is_worked_out():
    assert evaluated(lambda _recipe: Tested()) == (0.9, None)


def test_why_accuracy_is_not_known_is_said():
    def missing(_recipe):
        raise UserError("the data set is not here")

    class Wrong:
        def accuracy(self, _model):
            raise ValueError("a model of 5 bytes, 1300 wanted")

    class Untested:
        def accuracy(self, _model):
            return None

    assert evaluated(missing) == (None, "the data set is not here")
    assert evaluated(lambda _recipe: Wrong()) == (None, "a model of 5 bytes, 1300 wanted")
    assert evaluated(lambda _recipe: Untested()) == (None, "the task has no test set")


def test_the_page_shows_an_accuracy_as_soon_as_it_is_known():
    page = Page(open_task=lambda _recipe: Tested())
    while page.watcher._evaluation.is_busy or page.watcher._questions.empty():
        threading.Event().wait(0.01)
    page.watcher.attend(0)

    assert page.changes(0)["set"]["version/1"]["accuracy"] == 0.9


def test_what_was_read_is_kept_from_the_search_for_garbage_until_the_chain_is_replaced(monkeypatch):
    calls: list[str] = []
    for name in ("collect", "freeze", "unfreeze"):
        monkeypatch.setattr(module.gc, name, lambda name=name: calls.append(name))
    page = Page()
    assert calls == []  # of so few logs
    monkeypatch.setattr(module, "FEW", 0)
    page.watcher.look()
    page.watcher.look()
    assert calls == ["collect", "freeze"]
    for number in range(len(page.scene.stage.logs)):
        page.scene.by_server("JobFactory", "announceData", number.to_bytes(32, "big"), "nowhere")
    page.watcher.look()
    assert calls == ["collect", "freeze"] * 2
    page.chain.replacing = Scene(pool=4).stage
    page.watcher.look()
    page.watcher.look()

    assert calls == ["collect", "freeze"] * 2 + ["unfreeze", "collect", "freeze"]
