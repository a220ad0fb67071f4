"""Requests to the service: signed ones follow the rules, all others change nothing."""

import asyncio
import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from mlchain.centralized.service.signing import LONGEST_LIFE, NotSigned, Place, Stamp, check_signature, read_stamp
from mlchain.centralized.web import app
from mlchain.centralized.web.messages import unpack_work
from tests.centralized.scenes import MEMBERS, PLACE, SIZE, ZEROS, Scene, refusal


@pytest.fixture
def scene(tmp_path, monkeypatch):
    monkeypatch.setattr(app, "LONGEST_WAIT", 0.05)
    scene = Scene(tmp_path)
    yield scene
    scene.store.close()


@pytest.fixture
def signed(scene):
    """A registration that would be granted."""
    return scene.headers(0, "/registration")


def registering(scene, headers, **more):
    """Ask for a registration that is refused, and return why; nothing may change."""
    before = scene.state()
    reply = scene.web.post("/registration", headers=headers, **more)
    assert scene.state() == before
    return refusal(reply)


def test_a_member_registers_is_given_weights_delivers_and_is_given_the_next(scene):
    for number in (0, 1):
        assert scene.post(number, "/registration").json() == {"registered": True}
        version, share, weights = unpack_work(scene.post(number, "/work").content)
        assert (version, share, len(weights)) == (0, number, SIZE)
    for number in (0, 1):
        assert scene.post(number, "/updates/0", ZEROS).json() == {"weight": 1.0}

    assert scene.service.version == 1
    assert unpack_work(scene.post(0, "/work").content)[0] == 1


def test_weights_go_to_nobody_who_owes_a_result(scene):
    scene.post(0, "/registration")
    scene.post(0, "/work")

    assert refusal(scene.post(0, "/work")) == (409, "OWES")
    assert refusal(scene.post(0, "/registration")) == (409, "OWES")
    assert refusal(scene.post(1, "/work")) == (409, "NOT_REGISTERED")


def test_who_has_nothing_to_do_waits_and_is_told(scene):
    for number in range(3):
        scene.post(number, "/registration")
    scene.post(0, "/work"), scene.post(1, "/work")

    assert scene.post(2, "/work").status_code == 204


def test_after_the_last_version_there_is_no_more_work(scene):
    for version in (0, 1):
        for number in (0, 1):
            scene.post(number, "/registration")
            scene.post(number, "/work")
        for number in (0, 1):
            scene.post(number, f"/updates/{version}", ZEROS)

    assert refusal(scene.post(0, "/work")) == (410, "FINISHED")
    assert scene.web.get("/status").json()["finished"] is True


def test_what_was_not_handed_out_cannot_be_delivered(scene):
    scene.post(0, "/registration")
    scene.post(0, "/work")

    assert refusal(scene.post(0, "/updates/1", ZEROS)) == (409, "NOTHING_OWED")
    assert refusal(scene.post(1, "/updates/0", ZEROS)) == (409, "NOTHING_OWED")
    assert refusal(scene.post(0, "/updates/0", ZEROS[1:])) == (400, "WRONG_SIZE")
    assert refusal(scene.post(0, "/updates/0", ZEROS + b"x")) == (413, "TOO_LONG")
    assert scene.post(0, "/updates/0", ZEROS).status_code == 200


def test_a_stranger_is_told_to_join(scene):
    reply = scene.post(3, "/registration")

    assert refusal(reply) == (403, "NOT_JOINED")
    assert "Counter.increment()" in reply.json()["detail"]


@pytest.mark.parametrize("missing", ["worker", "nonce", "expires", "signature"])
def test_an_unsigned_request_is_refused(scene, signed, missing):
    del signed[missing]

    assert registering(scene, signed) == (401, "NOT_SIGNED")


def test_a_replayed_request_is_refused_after_a_restart_too(scene, signed):
    assert scene.web.post("/registration", headers=signed).status_code == 200

    assert registering(scene, signed) == (401, "NOT_SIGNED")
    scene.start()
    assert registering(scene, signed) == (401, "NOT_SIGNED")


def test_a_request_that_was_refused_cannot_be_made_again_either(scene):
    scene.post(0, "/registration")
    again = scene.headers(0, "/registration")
    assert refusal(scene.web.post("/registration", headers=again)) == (409, "REGISTERED")
    scene.post(0, "/work")
    scene.time += 60

    assert registering(scene, again) == (401, "NOT_SIGNED")


def test_a_nonce_is_remembered_for_as_long_as_its_signature_is_good(scene, signed):
    scene.web.post("/registration", headers=signed)

    for _ in range(LONGEST_LIFE):
        scene.time += 1
        scene.service.tick()
        assert registering(scene, signed) == (401, "NOT_SIGNED")
    assert "INSERT INTO nonces" not in re.sub('"', "", scene.state())


@pytest.mark.parametrize("seconds", [-LONGEST_LIFE, 30, 31, 10_000])
def test_a_stale_request_is_refused(scene, signed, seconds):
    scene.time += seconds

    assert registering(scene, signed) == (401, "NOT_SIGNED")


def test_a_signature_that_ends_while_the_body_comes_in_is_refused(scene, signed):
    stamp = read_stamp(signed, scene.time)
    scene.time += LONGEST_LIFE
    scene.service.tick()

    with pytest.raises(NotSigned, match="expired"):
        scene.service.register(stamp)


@pytest.mark.parametrize("place", [Place(1, PLACE.counter), Place(1337, "0x" + "22" * 20)], ids=["chain", "counter"])
def test_a_signature_for_another_chain_or_server_is_refused(scene, place):
    assert registering(scene, scene.headers(0, "/registration", place=place)) == (401, "NOT_SIGNED")


def test_a_signature_is_for_one_path_query_method_and_body(scene):
    for other in (
        scene.headers(0, "/work"),
        scene.headers(0, "/registration?"),
        scene.headers(0, "/registration?x=1"),
        scene.headers(0, "/registration", method="GET"),
        scene.headers(0, "/registration", b"x"),
    ):
        assert registering(scene, other) == (401, "NOT_SIGNED")
    assert registering(scene, scene.headers(0, "/registration"), params={"x": "1"}) == (401, "NOT_SIGNED")


def test_another_member_s_name_on_a_request_is_refused(scene, signed):
    assert registering(scene, signed | {"worker": MEMBERS[1]}) == (401, "NOT_SIGNED")
    assert registering(scene, signed | {"worker": MEMBERS[0].lower()}) == (401, "NOT_SIGNED")


@given(place=st.integers(0, 64), bit=st.integers(0, 7))
@example(place=64, bit=5)  # 59 instead of 27, or 60 instead of 28: of another chain, to eth-account
def test_a_signature_with_any_bit_changed_is_refused(place, bit):
    stamp = _a_stamp()
    changed = bytearray(stamp.signature)
    changed[place] ^= 1 << bit

    with pytest.raises(NotSigned):
        check_signature(Stamp(stamp.worker, stamp.nonce, stamp.expires, bytes(changed)), PLACE, "POST", "/work", b"")


@given(body=st.binary(min_size=1, max_size=50))
def test_a_signature_with_another_body_is_refused(body):
    with pytest.raises(NotSigned):
        check_signature(_a_stamp(), PLACE, "POST", "/work", body)


def _a_stamp():
    scene = Scene.__new__(Scene)
    scene.time = 1_000.0
    stamp = read_stamp(scene.headers(0, "/work"), 1_000.0)
    check_signature(stamp, PLACE, "POST", "/work", b"")
    return stamp


def test_a_body_is_not_read_before_its_sender_is_known(scene, signed):
    def body():
        pytest.fail("the body of a request is read that nobody may make")
        yield

    stranger = scene.headers(3, "/registration")
    assert scene.web.post("/registration", headers=signed).status_code == 200

    assert registering(scene, {}, content=body()) == (401, "NOT_SIGNED")
    assert registering(scene, stranger, content=body()) == (403, "NOT_JOINED")
    assert registering(scene, signed, content=body()) == (401, "NOT_SIGNED")


def test_of_two_equal_requests_that_come_in_at_once_the_service_takes_one(scene, signed):
    stamp = read_stamp(signed, scene.time)
    scene.service.register(stamp)
    before = scene.state()

    with pytest.raises(NotSigned, match="made before"):
        scene.service.ask(stamp)
    assert scene.state() == before


def test_a_body_that_is_longer_than_it_says_or_does_not_say_is_cut_off(scene):
    headers = scene.headers(0, "/updates/0", ZEROS)

    reply = scene.web.post("/updates/0", headers=headers, content=iter([ZEROS, ZEROS]))

    assert refusal(reply) == (413, "TOO_LONG")


@pytest.mark.parametrize("length", ["-1", "1e3", "x", "9" * 19])
def test_a_length_that_is_no_number_is_refused(scene, signed, length):
    assert registering(scene, signed | {"content-length": length})[0] == 400


@pytest.mark.parametrize("version", ["x", "-1", "1.0", "1" * 10, "9" * 5000, "%00", "٣"])
def test_a_version_that_is_none_is_not_found(scene, version):
    assert refusal(scene.post(0, f"/updates/{version}", ZEROS)) == (404, "NOT_FOUND")


def test_time_goes_on_after_a_tick_that_failed(scene, monkeypatch, caplog):
    monkeypatch.setattr(app, "TICK", 0.01)
    ticks = []

    def tick():
        ticks.append(len(ticks))
        raise OSError("the disk is full")

    monkeypatch.setattr(scene.service, "tick", tick)
    with scene.web as web:
        while len(ticks) < 3:
            assert web.get("/status").status_code == 200

    assert "the disk is full" in caplog.text


@pytest.mark.parametrize("path", ["/work/", "//work", "/", "/models/0", "/updates/", "/updates/0/"])
def test_there_are_no_other_paths(scene, path):
    assert refusal(scene.post(0, path))[0] == 404


@pytest.mark.parametrize(("method", "path"), [("GET", "/work"), ("PUT", "/updates/0"), ("POST", "/status")])
def test_a_path_knows_its_methods(scene, method, path):
    assert refusal(scene.web.request(method, path))[0] == 405


def test_a_worker_whose_request_waits_is_given_work_that_comes_up(scene, monkeypatch):
    monkeypatch.setattr(app, "LONGEST_WAIT", 30.0)
    monkeypatch.setattr(app, "TICK", 0.01)
    for number in range(3):
        scene.post(number, "/registration")
    scene.post(0, "/work"), scene.post(1, "/work")

    with scene.web as web, ThreadPoolExecutor() as pool:
        waiting = pool.submit(web.post, "/work", headers=scene.headers(2, "/work"))
        time.sleep(0.1)
        assert not waiting.done()
        scene.time += 60
        version, share, _weights = unpack_work(waiting.result(10).content)

    assert (version, share) == (0, 0)


@pytest.fixture
def asked_again(scene, monkeypatch):
    """The workers that were let ask again; two others work, and looks at the time are frequent."""
    monkeypatch.setattr(app, "LONGEST_WAIT", 30.0)
    monkeypatch.setattr(app, "TICK", 0.01)
    ask_again, asked = scene.service.ask_again, []
    monkeypatch.setattr(scene.service, "ask_again", lambda worker: asked.append(worker) or ask_again(worker))
    for number in range(3):
        scene.post(number, "/registration")
    scene.post(0, "/work"), scene.post(1, "/work")
    return asked


def test_who_waits_is_woken_only_by_what_it_waits_for(scene, asked_again, monkeypatch):
    ticks, tick = [], scene.service.tick
    monkeypatch.setattr(scene.service, "tick", lambda: ticks.append(1) or tick())
    scene.post(0, "/updates/0", ZEROS)

    with scene.web as web, ThreadPoolExecutor() as pool:
        waiting = [pool.submit(web.post, "/work", headers=scene.headers(number, "/work")) for number in (0, 2)]
        while len(ticks) < 20:
            time.sleep(0.01)
        assert asked_again == []
        scene.time += 60
        assert unpack_work(waiting[1].result(10).content)[:2] == (0, 1)
        assert asked_again == [MEMBERS[2]]
        assert web.post("/updates/0", content=ZEROS, headers=scene.headers(2, "/updates/0", ZEROS)).status_code == 200
        assert unpack_work(waiting[0].result(10).content)[:2] == (1, 0)

    assert asked_again == [MEMBERS[2], MEMBERS[0]]


def test_nobody_is_kept_waiting_when_the_service_stops(scene, asked_again):
    stopping = []
    with (
        TestClient(app.create_app(scene.service, stopping=lambda: bool(stopping))) as web,
        ThreadPoolExecutor() as pool,
    ):
        waiting = pool.submit(web.post, "/work", headers=scene.headers(2, "/work"))
        time.sleep(0.1)
        assert not waiting.done()
        stopping.append(True)
        assert waiting.result(10).status_code == 204

    assert asked_again == []


def test_a_newer_request_of_a_worker_takes_the_place_of_the_older_one(scene, asked_again):
    with scene.web as web, ThreadPoolExecutor() as pool:
        waiting = []
        for _ in range(2):
            waiting.append(pool.submit(web.post, "/work", headers=scene.headers(2, "/work")))
            time.sleep(0.1)
        assert waiting[0].result(10).status_code == 204
        scene.time += 60
        assert waiting[1].result(10).status_code == 200

    assert asked_again == [MEMBERS[2]]


def test_who_has_gone_while_it_waited_gets_no_weights(scene, asked_again):
    """They would be lost, and its share with them until its deadline has passed."""
    sent = []

    async def ask_and_go():
        messages = iter([{"type": "http.request", "body": b""}, {"type": "http.disconnect"}])
        headers = [(name.encode(), value.encode()) for name, value in scene.headers(2, "/work").items()]
        target = {"path": "/work", "raw_path": b"/work", "query_string": b"", "headers": headers}
        web = app.create_app(scene.service)

        async def receive():
            return next(messages)

        async def send(message):
            sent.append(message)

        await asyncio.wait_for(web({"type": "http", "method": "POST", **target}, receive, send), 10)

    asyncio.run(ask_and_go())

    assert asked_again == []
    assert sent[0]["status"] == 204
    assert scene.service.to_call() == []


def test_a_broken_store_changes_nothing_in_memory_either(scene, monkeypatch):
    scene.post(0, "/registration")
    before = scene.web.get("/status").json()
    monkeypatch.setattr(type(scene.store), "count", lambda *_: 1 / 0)

    assert scene.post(0, "/work").status_code == 500
    monkeypatch.undo()
    assert scene.web.get("/status").json() == before
    assert scene.post(0, "/work").status_code == 200
