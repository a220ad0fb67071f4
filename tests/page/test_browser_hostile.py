"""What strangers write is text in the browser, and a server or a chain that is gone for a while ends nothing."""

import pytest
from eth_abi import encode
from eth_utils import function_signature_to_4byte_selector

from mlchain.chain.node_errors import NodeError
from mlchain.data.dataset import fingerprint
from mlchain.errors import UserError
from mlchain.page.serving import serve
from mlchain.protocol.content import content_hash
from mlchain.tasks.catalogue import create_task, recipe_of
from mlchain.tasks.plans import Plan
from mlchain.tasks.task import with_dataset
from tests.actors.scenes import Scene
from tests.actors.stage import chunk_of
from tests.live.testbed import LiveTestbed
from tests.page.browser import Program
from tests.page.scenes import Answering, Page, table_of

SCRIPT = "<script>window.hurt=1</script><img src=x onerror='window.hurt=1'>"
SHORT_SCRIPT = "<img src=x onerror=hurt=1>"


def hostile_page(monkeypatch) -> Page:
    """A deployment of that table on a network, behind an explorer and by a node of strangers."""
    dataset = table_of(SCRIPT)
    recipe = recipe_of(Plan(("dense 2",), 1, 1, 0.5), "x", fingerprint(dataset), dataset.inputs)
    task = with_dataset(recipe, dataset)
    scene = Scene()
    monkeypatch.setattr("tests.page.scenes.Scene", lambda: scene)
    page = Page(open_task=lambda _recipe: task, explorer="https://explorer.example")
    monkeypatch.setattr("mlchain.page.answers.recipes_of", lambda _ledger: lambda _number: recipe.to_bytes())
    monkeypatch.setattr(page.watcher._evaluation, "dataset_of", lambda _recipe: dataset)
    page.watcher._forget()
    scene.stage.ledger.versions[0].chunks = {0: task.initial_model()}
    scene.by_server("JobFactory", "announceData", bytes(32), SCRIPT)
    page.chain._read = 0
    page.watcher.look()
    return page


def assert_unhurt(tab) -> None:
    """Assert that nothing of a stranger was taken for markup."""
    assert tab.page.evaluate("window.hurt") is None
    assert tab.page.locator("main script, main img, #trouble script, #trouble img").count() == 0


def test_names_of_a_stranger_are_text_in_every_section(monkeypatch, tab):
    page = hostile_page(monkeypatch)
    values = page.changes(0)["set"]
    values["place"]["network"] = SCRIPT
    values["version/1"]["note"] = SCRIPT
    values["now"]["next"] = SCRIPT
    monkeypatch.setattr(page.watcher, "_see", lambda: None)
    page.watcher._values = values
    page.board.show(values)
    url = serve(page.board, Answering(page.watcher), "127.0.0.1", 0)

    tab.open(url, "try")
    tab.page.get_by_role("button", name="Ask the model").click()
    tab.page.locator(".verdict").wait_for()
    tab.page.locator("#take").click()
    assert SCRIPT in tab.text(".bars")
    assert SCRIPT in tab.text("form")
    assert_unhurt(tab)
    tab.open(url, "events")
    tab.wait_for_text(".says", SCRIPT)
    assert_unhurt(tab)
    tab.open(url)
    tab.wait_for_text(".next", SCRIPT)
    tab.wait_for_text("#place", SCRIPT)
    assert_unhurt(tab)
    tab.open(url, "model")
    tab.wait_for_text("main p", SCRIPT)
    assert_unhurt(tab)


def test_what_a_node_says_is_text_and_so_is_an_address_that_is_none(tab):
    page = Page()
    page.chain.trouble = UserError(SCRIPT)
    page.watcher.look()
    url = serve(page.board, Answering(page.watcher), "127.0.0.1", 0)
    tab.expected += ["404", "Failed to load resource"]

    tab.open(url)
    tab.wait_for_text("#trouble", SCRIPT)
    assert_unhurt(tab)
    for section in ("worker", "job"):
        tab.page.goto(f"{url}#/{section}/{SHORT_SCRIPT}")
        tab.page.reload()
        tab.wait_for_text("main p", "there is no such thing here")
        assert_unhurt(tab)
    tab.page.goto(f"{url}#/events/worker/{SHORT_SCRIPT}")
    tab.page.reload()
    tab.wait_for_text("main p", "An address has 0x and 40 digits")
    assert_unhurt(tab)


def test_a_script_that_got_into_the_page_would_not_run(tab):
    page = Page()
    url = serve(page.board, Answering(page.watcher), "127.0.0.1", 0)
    tab.open(url)
    tab.expected += ["Content Security Policy", "404"]  # the picture is asked for, of this server

    with tab.page.expect_response("**/x"):
        tab.page.evaluate("html => { document.querySelector('main').innerHTML = html; }", SCRIPT)
    tab.page.evaluate(
        "() => { const it = document.createElement('script'); it.text = 'window.hurt=1'; document.body.append(it); }"
    )
    tab.page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")

    assert tab.page.evaluate("window.hurt") is None


def test_trouble_with_the_chain_is_said_and_goes_away(tab):
    page = Page()
    url = serve(page.board, Answering(page.watcher), "127.0.0.1", 0)
    tab.open(url)
    tab.wait_for_text(".stat dd", "3 workers")
    page.chain.trouble = NodeError("the node does not answer")
    page.watcher.look()
    tab.wait_for_text("#trouble", "Trouble with the chain: the node does not answer. What is shown may be old")
    assert tab.text(".stat dd") == "3 workers"
    page.chain.trouble, page.chain.replacing = None, Scene(pool=4).stage
    page.watcher.look()
    page.watcher.look()

    tab.wait_for_text("#trouble", "The chain was replaced since this page began: everything was read again.")
    tab.wait_for_text(".stat dd", "4 workers")


def test_an_empty_deployment_says_what_comes_next(tab):
    page = Page(jobs=0, pool=0)
    url = serve(page.board, Answering(page.watcher), "127.0.0.1", 0)
    for section, text in {
        "": "Workers can join the pool now",
        "try": "There is nothing to try yet",
        "money": "The books balance to the wei: 0 ether held",
        "events": "2 events",
    }.items():
        tab.open(url, section)
        tab.wait_for_text("main p", text)


def by_server(testbed: LiveTestbed, function: str, *arguments: object) -> None:
    """Let the server of a network send a transaction to the registry of models."""
    node, server = testbed.node, testbed.deployment.server
    data = function_signature_to_4byte_selector(function) + encode(
        function[:-1].partition("(")[2].split(","), arguments
    )
    node.ask("anvil_impersonateAccount", server)
    registry = testbed.deployment.addresses["ModelRegistry"]
    transaction = {"from": server, "to": registry, "data": "0x" + data.hex(), "gasPrice": "0x0"}
    node.ask("eth_sendTransaction", transaction)


@pytest.fixture(scope="module")
def network(browser, tmp_path_factory):
    """A deployment on Anvil with nobody in it, and the program that shows it."""
    with LiveTestbed(tmp_path_factory.mktemp("network"), {"worker": "honest"}, rounds=1) as testbed:
        choice = testbed.network_choice(testbed.node.url)
        place = ("--network", choice, "--address", testbed.deployment.addresses["JobFactory"])
        program = Program(("page", *place, "--port", "PORT", "--poll-interval", "0.5s"))
        try:
            program.start()
            yield testbed, program
        finally:
            program.kill()


def test_the_page_goes_on_when_its_server_is_stopped_and_started_again(network, tab):
    _testbed, program = network
    tab.expected += ["net::ERR_"]  # however an answer ends that was under way, and every question after it
    tab.open(program.url)
    tab.wait_for_text(".next", "Nothing has happened yet: the learning server announces a model first")
    assert program.stop() == 0
    tab.wait_for_text("#trouble", "The page's server does not answer")
    program.start()

    tab.page.locator("#trouble").wait_for(state="hidden")
    tab.wait_for_text(".next", "Nothing has happened yet")


def test_what_happens_on_a_network_is_seen_without_a_reload(network, tab):
    testbed, program = network
    model = create_task("digits", "softmax").initial_model()
    tab.open(program.url)
    tab.wait_for_text(".next", "Nothing has happened yet")
    by_server(testbed, "announce(uint32,bytes32,uint256)", 0, content_hash(model), len(model))
    tab.wait_for_text(".next", "The learning server is publishing version 1 of the model")
    by_server(testbed, "publish(uint256,uint256,bytes32[],bytes)", 1, *chunk_of(model)[1:])

    tab.wait_for_text(".next", "Workers can join the pool now")
    tab.open(program.url, "events")
    tab.wait_for_text(".says", "model version 1: chunk 0, 1,300 bytes")
