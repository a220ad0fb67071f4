"""Requests made up from the service's own description, legal and not: none breaks it, none unsigned changes it."""

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from mlchain.centralized.web import app
from tests.centralized.scenes import MEMBERS, ZEROS, Scene

PATHS = ("/plan", "/status", "/openapi.json", "/registration", "/work", "/updates/{version}")
EXAMPLES = settings(max_examples=2 * settings().max_examples, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """A server in the midst of learning: one member owes a result, one has registered, one has only joined."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "LONGEST_WAIT", 0.001)
        scene = Scene(tmp_path_factory.mktemp("fuzzed"))
        scene.post(0, "/registration"), scene.post(1, "/registration")
        scene.post(0, "/work")
        yield scene
        scene.store.close()


@pytest.fixture(scope="module")
def operations(scene):
    """What the service's description says can be done, by path."""
    schema = schemathesis.openapi.from_dict(scene.web.get("/openapi.json").json())
    return {it.ok().path: it.ok() for it in schema.get_all_operations()}


def send(scene, case, headers=()):
    """Make a request that was made up, perhaps with headers that were not."""
    made = case.as_transport_kwargs(base_url="http://testserver")
    kept = {name: value for name, value in made["headers"].items() if name.lower() != "content-length"}
    body = made.get("data", b"")
    sent = {name: value.encode("latin-1", "replace") for name, value in (kept | dict(headers)).items()}
    return scene.web.request(
        made["method"],
        made["url"],
        params=made.get("params"),
        headers=sent,
        content=body if isinstance(body, bytes) else str(body).encode("utf-8", "replace"),
    )


def check_described(operation, reply):
    """Check that the description knows this answer."""
    assert str(reply.status_code) in operation.definition.raw["responses"]
    operation.validate_response(reply)


def test_every_path_is_described(scene, operations):
    assert set(operations) == set(PATHS)
    assert {route.path for route in scene.web.app.routes} == set(PATHS)


@pytest.mark.parametrize("path", PATHS)
@EXAMPLES
@given(data=st.data())
def test_no_unsigned_request_breaks_or_changes_anything(scene, operations, path, data):
    mode = data.draw(st.sampled_from(list(GenerationMode)))
    case = data.draw(operations[path].as_strategy(generation_mode=mode))
    a_member_s = {"worker": MEMBERS[1], "expires": f"{scene.time + 30:.0f}"}  # gets as far as the signature
    before = scene.state()

    reply = send(scene, case, data.draw(st.sampled_from([{}, a_member_s])).items())

    assert reply.status_code < 500
    assert scene.state() == before
    check_described(operations[path], reply)


@pytest.mark.parametrize("path", [path for path in PATHS if path not in ("/plan", "/status", "/openapi.json")])
@EXAMPLES
@given(data=st.data())
def test_no_signed_request_breaks_anything(scene, operations, path, data):
    case = data.draw(operations[path].as_strategy(generation_mode=data.draw(st.sampled_from(list(GenerationMode)))))
    body = data.draw(st.sampled_from([b"", ZEROS, ZEROS[:-1], b"x"]))
    target = path.format(version=data.draw(st.integers(0, 3)))
    headers = scene.headers(data.draw(st.integers(0, 2)), target, body)

    reply = scene.web.post(target, headers=headers, content=body)
    mixed = send(scene, case, scene.headers(0, target, body).items())

    assert reply.status_code < 500
    assert mixed.status_code < 500
    check_described(operations[path], reply)
