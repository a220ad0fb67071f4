"""The worker program: what it does with odd answers."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mlchain.centralized.learning.behaviours import honest, silent
from mlchain.centralized.service.signing import signer_of
from mlchain.centralized.web.messages import pack_work
from mlchain.centralized.web.worker import FederatedWorker, RefusedReply, ServiceClient
from mlchain.errors import UserError
from tests.centralized.scenes import KEYS, MEMBERS, SIZE, settings


@contextmanager
def answering(*answers):
    """Run a server that gives these answers, (status, body) in turn, the last one for ever; yields its address."""
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.rfile.read(int(self.headers.get("content-length", 0)))
            status, body = left.pop(0) if len(left) > 1 else left[0]
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - the name that http.server looks for

        def log_message(self, *_):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr("mlchain.centralized.web.worker.PATIENCE", 0.0)
    monkeypatch.setattr("mlchain.centralized.web.worker.RETRY_INTERVAL", 0.0)


PLAN = (200, settings().to_json().encode())
DONE = (200, b"{}")
FINISHED = (410, b'{"refusal": "FINISHED", "detail": "learning is finished"}')


def run(url, behaviour=honest):
    worker = FederatedWorker(ServiceClient(url, MEMBERS[0], signer_of(KEYS[0])), behaviour)
    worker.run()
    return worker.delivered


def test_it_works_until_learning_is_finished():
    work = (200, pack_work(0, 1, bytes(SIZE)))

    with answering(PLAN, DONE, work, DONE, (204, b""), work, DONE, FINISHED) as url:
        assert run(url) == 2


def test_a_silent_one_vanishes_with_the_weights():
    with answering(PLAN, DONE, (200, pack_work(0, 1, bytes(SIZE))), (500, b"")) as url:
        assert run(url, silent) == 0


def test_it_registers_again_when_it_owes_what_it_has_lost():
    owes = (409, b'{"refusal": "OWES", "detail": ""}')

    with answering(PLAN, DONE, owes, DONE, FINISHED) as url:
        assert run(url) == 0


@pytest.mark.parametrize(
    "work",
    [b"", b"1234567", pack_work(0, 2, bytes(SIZE)), pack_work(0, 0, bytes(SIZE - 1)), pack_work(0, 2**32 - 1, b"")],
)
def test_work_that_cannot_be_done_is_one_sentence(work):
    with answering(PLAN, DONE, (200, work)) as url, pytest.raises(UserError, match="hands out work that"):
        run(url)


@pytest.mark.parametrize(
    "plan", [b"", b"[]", b"{}", b"\xff", b"null", PLAN[1].replace(b'"recipe": "', b'"recipe": "x')]
)
def test_a_plan_that_cannot_be_read_is_one_sentence(plan):
    with answering((200, plan)) as url, pytest.raises(UserError, match="this is no learning server"):
        run(url)


def test_a_recipe_that_cannot_be_followed_is_one_sentence():
    plan = PLAN[1].replace(b'"recipe": "03', b'"recipe": "02')

    with answering((200, plan)) as url, pytest.raises(UserError, match="the recipe cannot be followed"):
        run(url)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"<html>"])
def test_an_answer_that_is_no_refusal_either_is_one_sentence(body):
    with answering(PLAN, (404, body)) as url, pytest.raises(UserError, match="does not answer as a learning server"):
        run(url)


def test_another_refusal_ends_it_with_the_server_s_sentence():
    refused = (401, b'{"refusal": "NOT_SIGNED", "detail": "the signature has expired"}')

    with answering(PLAN, DONE, refused) as url, pytest.raises(UserError, match="the signature has expired"):
        run(url)


def test_a_server_in_trouble_is_asked_again():
    with answering(PLAN, (503, b""), DONE) as url:
        client = ServiceClient(url, MEMBERS[0], signer_of(KEYS[0]))
        client.settings()
        with pytest.raises(UserError, match="does not answer: status 503"):
            client.post("/registration")
        assert not isinstance(client.post("/registration"), RefusedReply)


def test_a_signature_that_expired_under_way_is_made_anew(monkeypatch):
    """With hundreds of workers on a busy machine one gave up, and with it all."""
    monkeypatch.setattr("mlchain.centralized.web.worker.PATIENCE", 60.0)
    expired = (401, b'{"refusal": "NOT_SIGNED", "detail": "the signature has expired"}')

    with answering(PLAN, expired, DONE, expired, expired, FINISHED) as url:
        assert run(url) == 0
