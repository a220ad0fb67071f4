"""Many questions are one request where the node takes that, and answers come in the order of the questions."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
from web3 import Web3
from web3.exceptions import BadResponseFormat, ContractLogicError, Web3RPCError

from mlchain.chain.prompt_node import PromptHTTP
from mlchain.chain.questions import Questions, number

ASKED = [("double", [value]) for value in range(250)]
DOUBLED = [2 * value for _, (value,) in ASKED]


@contextmanager
def node(answer):
    """Yield questions to a node that gives `answer` to what it is asked, and the bodies of the requests so far."""
    bodies = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(answer(bodies[-1])).encode())

        def log_message(self, *_arguments):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield Questions(SimpleNamespace(web3=Web3(PromptHTTP(url, {}), middleware=[]))), bodies
    finally:
        server.shutdown()
        server.server_close()


def double(request):
    """Answer a single request."""
    return {"jsonrpc": "2.0", "id": request["id"], "result": 2 * request["params"][0]}


def test_answers_come_in_the_order_of_the_questions_whatever_that_of_the_node():
    with node(lambda body: [double(it) for it in reversed(body)]) as (questions, bodies):
        assert questions.ask(ASKED) == DOUBLED
        assert [len(body) for body in bodies] == [100, 100, 50]


@pytest.mark.parametrize("takes_batches", [True, False])
def test_what_is_asked_as_needed_comes_after_the_first_answer_and_may_be_refused_without_need(takes_batches):
    refusal = {"jsonrpc": "2.0", "error": {"code": -32000, "message": "no"}}

    def answer(body):
        if isinstance(body, list):
            return list(map(answer, body)) if takes_batches else {"error": {"code": -32600, "message": "no batches"}}
        return double(body) if body["params"][0] < 10 else refusal | {"id": body["id"]}

    with node(answer) as (questions, bodies):
        first, *others = ASKED[1:3]
        assert questions.ask_as_needed(first, others, lambda said: said == 2) == (2, [4])
        asked = [it for body in bodies[not takes_batches :] for it in (body if takes_batches else [body])]
        assert [it["params"] for it in asked] == [[1], [2]]
        bodies.clear()

        assert questions.ask_as_needed(first, ASKED[10:12], lambda said: said != 2) == (2, [])
        assert len(bodies) == 1
        with pytest.raises(Web3RPCError, match="no"):
            questions.ask_as_needed(first, ASKED[10:12], lambda said: said == 2)


def test_a_node_that_takes_no_batches_is_asked_one_by_one_and_never_for_a_batch_again():
    refusal = {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "no batches"}}
    with node(lambda body: refusal if isinstance(body, list) else double(body)) as (questions, bodies):
        assert questions.ask(ASKED) == DOUBLED
        assert questions.ask(ASKED[:2]) == DOUBLED[:2]
        assert [type(body) for body in bodies] == [list] + 252 * [dict]


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"error": {"code": 3, "message": "execution reverted"}}, ContractLogicError),
        ({"error": {"code": -32000, "message": "header not found"}}, Web3RPCError),
        ({}, (Web3RPCError, BadResponseFormat)),
    ],
)
@pytest.mark.parametrize("count", [1, 2])
def test_a_question_without_an_answer_is_an_error(wrong, error, count):
    def answer(body):
        if count == 1:
            return {"jsonrpc": "2.0", "id": body["id"]} | wrong
        return [double(body[0]), {"jsonrpc": "2.0", "id": body[1]["id"]} | wrong]

    with node(answer) as (questions, _), pytest.raises(error):
        questions.ask(ASKED[:count])


@pytest.mark.parametrize("answer", [[1, 2], ["x", None], [None]])
def test_an_answer_that_is_none_is_trouble_with_the_node(answer):
    with node(lambda _body: answer) as (questions, _), pytest.raises(BadResponseFormat):
        questions.ask(ASKED[:2])


def test_a_number_is_read_in_hex_and_as_it_is():
    assert number("0x1f") == number(31) == 31
