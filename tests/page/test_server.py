"""What the page's server answers, and what it refuses to whom."""

import asyncio
import json
import re
import socket
from concurrent.futures import Future
from urllib.parse import urlsplit

import pytest
from starlette.testclient import TestClient

from mlchain.data.dataset import fingerprint
from mlchain.errors import UserError
from mlchain.page import app
from mlchain.page.app import create_app
from mlchain.page.board import Board
from mlchain.page.serving import serve
from mlchain.page.watcher import TooMany
from mlchain.tasks.catalogue import recipe_of
from mlchain.tasks.plans import Plan
from mlchain.tasks.task import with_dataset
from tests.page.scenes import HOST, Page, table_of

SCRIPT = "<script>alert(1)</script>"
PATHS = ["/", "/static/style.css", "/nothing", "/odds?pool=3&evil=1&committee=3&quorum=2&audit=0", "/model/1"]


@pytest.fixture
def page():
    return Page()


class Refusing:
    """Answers with one error."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def ask(self, _question):
        """Return a future that fails."""
        future = Future()
        future.set_exception(self.error)
        return future


def messages(board, headers=(), count=2, changing=lambda: None):
    """Return the first messages of the stream, as they are sent; `changing` is called after each."""

    async def listen():
        found, done = [], asyncio.Event()

        async def receive():
            await done.wait()
            return {"type": "http.disconnect"}

        async def send(message):
            for part in message.get("body", b"").decode().split("\n\n"):
                if part.startswith("id:"):
                    found.append(part)
                    changing()
            if len(found) >= count:
                done.set()

        scope = scope_of("/changes", (b"host", HOST.encode()), *headers)
        await asyncio.wait_for(create_app(board, Refusing(UserError("")), HOST)(scope, receive, send), 20)
        return found

    return asyncio.run(listen())


def scope_of(path, *headers):
    """Return what a server hands an application of a request with these headers and no others."""
    scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b""}
    return scope | {"headers": headers, "scheme": "http", "server": (HOST, 80), "http_version": "1.1", "app": None}


def status_of(path, *headers, asked=None):
    """Return the status of an answer that may never end, to a request with these headers and no others."""
    web = create_app(Board(), asked or Refusing(UserError("")), HOST)

    async def ask():
        began = asyncio.get_running_loop().create_future()

        async def send(message):
            if message["type"] == "http.response.start":
                began.set_result(message["status"])

        answering = asyncio.ensure_future(web(scope_of(path, *headers), asyncio.Event().wait, send))
        await asyncio.wait({answering, began}, timeout=20, return_when=asyncio.FIRST_COMPLETED)
        answering.cancel()
        return began.result()

    return asyncio.run(ask())


def data_of(message: str) -> dict:
    return json.loads(message.split("data: ", 1)[1])


# What is served


def test_the_page_and_its_files_are_served_from_here_alone(page):
    index = page.get("/")

    assert index.headers["content-type"].startswith("text/html")
    names = set(re.findall(r'(?:src|href)="([^"#]+)"', index.text))
    assert "/static/main.js" in names
    for name in names:
        assert name.startswith("/static/")
        assert page.get(name).status_code == 200


def test_every_module_that_a_module_imports_is_served(page):
    names = {path.name for path in app.STATIC.glob("*.js")}
    for name in names:
        source = page.get(f"/static/{name}").text
        imported = set(re.findall(r'from "\./([^"]+)"', source))
        assert imported <= names
        assert not re.search(r"https?://(?!www\.w3\.org)", source)


def test_a_watcher_is_sent_everything_and_then_what_changes():
    board = Board()
    board.show({"a": 1, "b": 2})

    first, second = messages(board, changing=lambda: board.show({"a": 1, "b": 3}))

    assert data_of(first) == {"all": True, "set": {"a": 1, "b": 2}, "gone": []}
    assert data_of(second) == {"all": False, "set": {"b": 3}, "gone": []}


def test_who_comes_again_is_sent_what_has_changed_since():
    board = Board()
    board.show({"a": 1, "b": 2})
    last = f"{board.epoch}-{board.number}".encode()
    board.show({"a": 1, "b": 3})

    (message,) = messages(board, [(b"last-event-id", last)], 1)

    assert data_of(message) == {"all": False, "set": {"b": 3}, "gone": []}


def test_who_comes_again_to_another_run_is_sent_everything():
    board = Board()
    board.show({"a": 1})

    (message,) = messages(board, [(b"last-event-id", b"00000000-1")], 1)

    assert data_of(message)["all"]


def test_odds_are_those_of_the_command(page):
    found = page.get("/odds?pool=100&evil=20&committee=5&quorum=3&audit=0").json()

    assert ["P(wrong accepted)", "5.3 %", "0.021 %"] in found["rows"]
    assert [panel["logarithmic"] for panel in found["panels"]] == [True, True, False, False]
    assert len(found["panels"][0]["curves"]) == 5


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("pool=3&evil=4&committee=3&quorum=2&audit=0", "4 of 3 workers cannot be evil"),
        ("pool=3&evil=1&committee=4&quorum=3&audit=0", "a committee of 4 cannot be drawn from 3 workers"),
        ("pool=3&evil=1&committee=3&quorum=1&audit=0", "the quorum of 3 seats has to be from 2 to 3, not 1"),
        ("pool=999999999&evil=1&committee=3&quorum=2&audit=0", "up to 100,000 workers"),
        ("pool=3&evil=1&committee=3&quorum=2&audit=101", "the audit rate has to be from 0 to 1"),
        ("pool=-3&evil=1&committee=3&quorum=2&audit=0", "whole numbers"),
        ("pool=3", "whole numbers"),
    ],
)
def test_odds_that_cannot_be_are_refused_in_a_sentence(page, query, reason):
    answer = page.get(f"/odds?{query}")

    assert answer.status_code == 400
    assert reason in answer.text


def test_a_worker_has_a_pay_slip_with_every_reason(page):
    worker = page.scene.job.committee[0]
    page.scene.commit(0, page.scene.right())
    page.watcher.look()

    slip = page.get(f"/worker/{worker}").json()

    assert slip["jobs"][0]["why"] == "it waits for the others"
    assert slip["jobs"][0]["address"] == page.scene.job.address
    assert slip["stake"] == ["1 ether", str(10**18)]


def test_a_job_has_every_transaction(page):
    page.scene.commit(1, page.scene.right())
    page.watcher.look()

    found = page.get(f"/job/{page.scene.job.address}").json()

    said = [line for it in found["transactions"] for line in it["says"]]
    assert said[0] == f"round 1 job 0 is at {page.scene.job.address}"
    assert "seat 1 committed" in said[1]
    assert found["transactions"][0]["gas"] == 21_000


def test_a_model_and_its_recipe_are_served_as_they_are_on_the_chain(page):
    assert page.get("/model/1").content == page.scene.task.initial_model()
    assert page.get("/recipe/1").content == page.scene.task.recipe
    assert page.get("/model/1").headers["content-type"] == "application/octet-stream"


def test_events_are_filtered_by_worker_job_and_kind(page):
    worker = page.scene.job.committee[0]
    page.scene.commit(0, page.scene.right())
    page.watcher.look()

    kinds = [it["kind"] for _, it in page.get(f"/events?worker={worker}").json()]
    assert kinds == ["Committed", "Joined"]
    assert len(page.get("/events?kind=Joined").json()) == 3
    assert {it["job"] for _, it in page.get(f"/events?job={page.scene.job.address}").json()} == {page.scene.job.address}
    assert page.get(f"/events?worker={worker}&kind=Left").json() == []


@pytest.mark.parametrize(
    "path",
    [
        "/worker/0x" + "0" * 39,
        "/worker/" + SCRIPT.replace("/", "%2F"),
        "/job/0x" + "0" * 40,
        "/version/0",
        "/version/2",
        "/version/-1",
        "/model/99999999999",
        "/sample/1/0",
        "/encoded/1?cell=3",
        "/encoded/1",
        "/static/../app.py",
        "/static/%2e%2e%2fapp.py",
        "/static/app.py",
        "/__init__/1",
        "/_version/1",
        "/events/1",
        "/encoded/1?" + "&".join(["cell=1"] * 300),
    ],
)
def test_what_is_not_there_is_not_found(page, path):
    assert page.get(path).status_code in (400, 404)
    assert "Traceback" not in page.get(path).text


# What is refused


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8780",
        "127.0.0.1.evil.example",
        "localhost.evil.example:8780",
        "",
        "[::1].evil.example",
    ],
)
def test_a_name_that_a_stranger_points_at_this_machine_is_refused(page, path, host):
    answer = page.get(path, headers={"Host": host})

    assert answer.status_code == 421
    assert answer.text == "this page has another name"


def test_a_request_with_two_names_or_none_is_refused():
    own, foreign = (b"host", HOST.encode()), (b"host", b"evil.example")

    assert status_of("/", own) == 200
    assert {status_of("/"), status_of("/", own, foreign), status_of("/", foreign, own)} == {421}


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8780", "localhost:8780", "localhost", "LOCALHOST:1", "[::1]:8780", "[::1]"]
)
def test_the_names_of_this_machine_are_its_own(page, host):
    assert page.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("listens_at", "host", "status"),
    [
        ("0.0.0.0", "192.0.2.7:8780", 200),
        ("0.0.0.0", "[2001:db8::7]:8780", 200),
        ("0.0.0.0", "evil.example:8780", 421),
        ("page.example", "page.example:8780", 200),
        ("page.example", "127.0.0.1:8780", 421),
        ("192.0.2.7", "192.0.2.8:8780", 421),
    ],
)
def test_elsewhere_the_page_is_reached_by_the_name_that_it_was_given(listens_at, host, status):
    web = TestClient(create_app(Board(), Refusing(UserError("")), listens_at))

    assert web.get("/", headers={"Host": host}).status_code == status


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE"])
def test_the_page_can_only_be_read(page, path, method):
    answer = page.web.request(method, path)

    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET"


def test_a_question_has_no_body_and_is_short(page):
    assert page.web.request("GET", "/", content=b"x").status_code == 413
    assert page.web.request("GET", "/", content=iter([b"x"])).status_code == 413
    assert page.get("/?" + "x" * 9_000).status_code == 414
    assert page.get("/", headers={"Padding": "x" * 9_000}).status_code == 431
    assert page.get("/", headers={"Padding": "x" * 7_000}).status_code == 200


def test_headers_of_100_kilobytes_are_refused_and_the_server_goes_on():
    address = urlsplit(serve(Board(), Refusing(UserError("")), port=0))

    def status(*headers, end="\r\n\r\n"):
        request = "\r\n".join(("GET / HTTP/1.1", f"Host: {address.netloc}", "Connection: close", *headers)) + end
        with socket.create_connection((address.hostname, address.port), 5) as connection:
            connection.sendall(request.encode())
            return int(connection.recv(2**16).split()[1])

    assert status() == 200
    for headers in ([f"Padding: {'x' * 100_000}"], [f"Padding-{number}: {'x' * 1_000}" for number in range(100)]):
        assert status(*headers) in (400, 431)  # in pieces, or at once
    assert status(f"Padding: {'x' * 40_000}", end="") == 400
    assert status() == 200


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_lets_the_browser_take_nothing_from_elsewhere(page, path):
    for answer in (page.get(path), page.get(path, headers={"Host": "evil.example"})):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "*" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "set-cookie" not in answer.headers
        assert "access-control-allow-origin" not in answer.headers


def test_the_page_itself_has_no_script_or_style_within():
    index = (app.STATIC / "index.html").read_text()

    assert not re.search(r"<script(?![^>]*src=)|<style|\son\w+=|\sstyle=|javascript:", index)
    for module in app.STATIC.glob("*.js"):
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|new Function", module.read_text()
        )


def test_no_more_watch_than_can_be_served(monkeypatch):
    assert status_of("/changes", (b"host", HOST.encode())) == 200
    monkeypatch.setattr(app, "MOST_VIEWERS", 0)

    assert status_of("/changes", (b"host", HOST.encode())) == 503


def test_who_asks_too_much_is_told_to_come_again():
    class Full:
        def ask(self, _question):
            raise TooMany("too many questions at a time: ask again later")

    answer = TestClient(create_app(Board(), Full(), HOST), base_url=f"http://{HOST}").get("/version/1")

    assert (answer.status_code, answer.text) == (503, "too many questions at a time: ask again later")


def test_a_row_of_more_cells_than_a_table_has_is_not_even_looked_at():
    class Encoding:
        def ask(self, question):
            future = Future()
            future.set_result([len(question) - 2])
            return future

    web = TestClient(create_app(Board(), Encoding(), HOST), base_url=f"http://{HOST}")

    assert web.get("/encoded/1?" + "&".join(["cell=1"] * 256)).json() == [256]
    assert web.get("/encoded/1?" + "&".join(["cell=1"] * 257)).status_code == 404


def test_an_answer_that_does_not_come_is_given_up(monkeypatch):
    monkeypatch.setattr(app, "PATIENCE", 0.05)

    class Silent:
        def ask(self, _question):
            return Future()

    assert status_of("/version/1", (b"host", HOST.encode()), asked=Silent()) == 503


# Words of strangers


def test_what_strangers_say_is_never_an_answer_that_a_browser_takes_for_a_page(page):
    page.scene.by_server("JobFactory", "announceData", bytes(32), SCRIPT)
    page.chain.trouble = UserError(f"the node says {SCRIPT}")
    page.watcher.look()
    refused = TestClient(create_app(Board(), Refusing(UserError(SCRIPT)), HOST), base_url=f"http://{HOST}")

    for answer in (page.get(f"/events?kind={SCRIPT}"), page.get(f"/{SCRIPT}"), refused.get("/version/1")):
        assert not answer.headers["content-type"].startswith("text/html")
    assert page.changes(0)["set"]["health"]["trouble"] == f"the node says {SCRIPT}"


def test_a_word_of_a_stranger_does_not_end_a_message():
    board = Board()
    board.show({"a": "x\n\nid: 9\ndata: {}\r\n\u2028"})

    (message,) = messages(board, count=1)

    assert data_of(message)["set"]["a"] == "x\n\nid: 9\ndata: {}\r\n\u2028"
    assert message.count("\n") == 1


def test_a_form_has_the_columns_of_a_table_as_its_data_set_names_them(monkeypatch):
    dataset = table_of(SCRIPT)
    recipe = recipe_of(Plan(("dense 2",), 1, 1, 0.5), "x", fingerprint(dataset), dataset.inputs)
    task = with_dataset(recipe, dataset)
    page = Page(open_task=lambda _recipe: task)
    monkeypatch.setattr("mlchain.page.answers.recipes_of", lambda _ledger: lambda _number: recipe.to_bytes())
    monkeypatch.setattr(page.watcher._evaluation, "dataset_of", lambda _recipe: dataset)
    page.watcher._forget()

    found = page.get("/task/1").json()

    assert found["classes"] == [SCRIPT, "b"]
    assert found["columns"] == [
        {"name": SCRIPT, "low": "0", "high": "10", "categories": []},
        {"name": "kind", "low": None, "high": None, "categories": [SCRIPT, "b"]},
    ]
    assert not found["image"]
    assert page.get("/encoded/1", params={"cell": ["5", SCRIPT]}).json() == [128, 255, 0]
    assert page.get("/encoded/1", params={"cell": ["five", "b"]}).status_code == 404
    assert page.get("/encoded/1", params={"cell": ["1e999999999", "b"]}).status_code in (200, 404)
    assert page.get("/encoded/1", params={"cell": ["5"]}).status_code == 404
    assert page.get("/sample/1/0").json()["label"] in (SCRIPT, "b")
    assert page.get("/sample/1/4").status_code == 404
