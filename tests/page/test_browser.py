"""The page as people see it: a simulation watched to its end in a real browser, and the deployment of a network."""

import re

import numpy as np
import pytest

from mlchain.page.serving import serve
from mlchain.protocol.game_events import Decided, GameTurn, Opened
from mlchain.tasks.catalogue import create_task
from mlchain.training.encoding import decode_model
from mlchain.training.networks import Network
from mlchain.training.recipe import Recipe
from tests.live.test_game_figures import NODES, disputed, tell
from tests.page.scenes import Answering, Page

SECTIONS = ("", "model", "try", "money", "events", "odds")
PICTURED = (375, 1280, 1920)  # widths of which pictures are kept
EXAMINED = 1280  # the width of what axe-core looks at


def values_of(tab, url):
    """Return what the server shows by key."""
    return tab.page.evaluate(
        """url => new Promise(done => {
            const source = new EventSource(url + 'changes');
            source.onmessage = message => { source.close(); done(JSON.parse(message.data).set); };
        })""",
        url,
    )


def draw(tab, *points):
    """Draw a line with the mouse, through points in shares of the canvas."""
    box = tab.page.locator(".pad").bounding_box()
    places = [(box["x"] + box["width"] * across, box["y"] + box["height"] * down) for across, down in points]
    tab.page.mouse.move(*places[0])
    tab.page.mouse.down()
    for place in places[1:]:
        tab.page.mouse.move(*place, steps=8)
    tab.page.mouse.up()


def said_by_model(tab, url):
    """Return the sample that the page has shown to the model, what it says, and what Python says of the same."""
    code = tab.page.locator(".logits")
    sample = [int(byte) for byte in code.get_attribute("data-sample").split()]
    version = code.get_attribute("data-version")
    fetch = "async url => Array.from(new Uint8Array(await (await fetch(url)).arrayBuffer()))"
    recipe = Recipe.from_bytes(bytes(tab.page.evaluate(fetch, f"{url}recipe/{version}")))
    model = decode_model(recipe, bytes(tab.page.evaluate(fetch, f"{url}model/{version}")))
    expected = Network(recipe.inputs, recipe.layers, model).logits(np.array([sample], np.uint8))[0].tolist()
    return sample, [int(it) for it in code.text_content().split()], expected


def test_a_dispute_is_watched_with_its_moves_and_clocks(new_tab):
    scene, _finder, _liar = disputed()
    page, tab = Page(scene), new_tab(375, "dark")
    url = serve(page.board, Answering(page.watcher), "127.0.0.1", 0)
    tab.open(url)
    tab.wait_for_text(".dispute", "Disputed: 2 claims (1 refuted), 2 challenges (1 over), claim's turn, 4 h 4")
    tell(scene, Opened(1, NODES))
    page.watcher.look()
    tab.wait_for_text(".dispute", "challenger's turn, 4 h 4")
    tab.open(url, f"job/{scene.job.address}")
    tab.wait_for_text(".running .turn", "Challenger's turn, 4 h 4")
    tab.wait_for_text(".running .turn", "left; the claim has 4 h 4")
    assert tab.page.locator(".claim").all_inner_texts()[0].startswith("Claim 0 refuted\n")
    assert tab.page.locator(".running .moves li").all_inner_texts() == ["node 0 challenged", "2 nodes below it opened"]
    tell(scene, Decided(1, 1, GameTurn.UPHELD))
    page.watcher.look()
    tab.wait_for_text(".upheld .turn", "It has failed: the claim stands against it.")

    assert not tab.accessibility()
    assert not tab.is_too_wide()


# In the order in which a simulation goes


def test_seats_change_while_a_simulation_is_played_and_a_reload_in_the_middle_loses_nothing(simulation, tab):
    url = simulation[0].url
    tab.open(url)
    tab.page.evaluate(
        """() => {
            window.seen = new Set();
            const seats = () => document.querySelectorAll('.jobs .seat');
            const look = () => seats().forEach(seat => window.seen.add(seat.className));
            new MutationObserver(look).observe(document.body, {subtree: true, childList: true, attributes: true});
        }"""
    )
    tab.page.locator(".seat.committed").first.wait_for()
    tab.page.locator(".seat.paid, .seat.slashed").first.wait_for()
    seen = set(tab.page.evaluate("[...window.seen]"))
    tab.page.reload()
    tab.page.locator(".jobs .seat").first.wait_for()

    assert {"seat drawn", "seat committed"} <= seen
    assert {"seat paid", "seat slashed", "seat agrees", "seat proposed", "seat published"} & seen
    assert tab.page.locator(".jobs .job").count() == 2
    assert tab.page.locator(".jobs .seat").count() == 10
    assert re.fullmatch(r"[123], (open|settled)", tab.stat("Round")[0])


def test_what_a_simulation_came_to_is_what_its_summary_says(played, tab):
    url, summary = played
    tab.open(url)
    tab.wait_for_text(".stat dd", "3, settled")
    shown = values_of(tab, url)

    versions = {it["hash"]: it["accuracy"] for key, it in shown.items() if key.startswith("version/")}
    assert {it["content_hash"]: it["accuracy"] for it in summary["rounds"]}.items() <= versions.items()
    money = shown["money"]
    for name in ("paid_in", "paid_out", "held", "burnt"):
        assert money[name][1] == str(summary["wei"][name])
    for pay in summary["pay"]:
        worker = shown[f"worker/{pay['address']}"]
        assert (worker["earned"][1], worker["lost"][1]) == (str(pay["earned"]), str(pay["slashed"]))
    for job in summary["rounds"][-1]["jobs"]:
        assert shown[f"job/{job['address']}"]["accepted"] == job["accepted_hash"]


def test_money_is_shown_to_the_wei(played, tab):
    url, summary = played
    tab.open(url, "money")
    tab.wait_for_text(".balance", "The books balance to the wei")

    assert tab.stat("Held by the registry")[1] == f"{summary['wei']['held']} wei"
    assert tab.stat("Paid in, ever")[1] == f"{summary['wei']['paid_in']} wei"
    assert tab.page.locator(".wide tbody tr").count() == 10
    assert tab.page.locator(".charts canvas").count() == 2


def test_accuracy_is_shown_by_version_and_the_first_layer_in_pictures(played, tab):
    url, summary = played
    tab.open(url, "model")
    tab.page.locator(".pictures canvas").first.wait_for()
    tab.wait_for_text("td", f"{100 * summary['accuracy']:.2f} %")
    tab.page.get_by_role("button", name="Jobs and gas of version 4").click()
    tab.wait_for_text(".details", "Differs from version 3 by the average of 2 results")

    assert tab.page.locator(".wide tbody > tr:not([hidden])").count() == 5  # four versions, and what was opened
    assert tab.page.locator(".pictures canvas").count() == 10


def test_a_drawn_digit_is_named_and_its_logits_are_those_of_python(played, tab):
    url, _summary = played
    tab.open(url, "try")
    draw(tab, (0.3, 0.2), (0.7, 0.2), (0.45, 0.85))
    tab.page.locator(".verdict").wait_for()
    sample, said, expected = said_by_model(tab, url)

    assert said == expected
    assert sum(sample) > 0
    assert tab.text(".verdict").startswith(f"It is {np.argmax(expected)}, with ")


def test_a_finger_draws_too(played, new_tab):
    tab = new_tab(375, has_touch=True)
    tab.open(played[0], "try")
    box = tab.page.locator(".pad").bounding_box()
    tab.page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tab.page.locator(".verdict").wait_for()
    _sample, said, expected = said_by_model(tab, played[0])

    assert said == expected


def test_a_test_sample_is_taken_and_said_to_be_right_or_wrong(played, tab):
    url, _summary = played
    tab.open(url, "try")
    tab.page.locator("#take").click()
    tab.page.locator(".verdict").wait_for()
    sample, said, expected = said_by_model(tab, url)
    dataset = create_task("digits", "softmax").dataset

    assert said == expected
    (places,) = np.nonzero((dataset.test_samples == sample).all(axis=1))
    label = dataset.classes[dataset.test_labels[places[0]]]
    is_right = str(np.argmax(expected)) == label
    assert tab.text(".verdict").endswith("; right." if is_right else f"; wrong, it is {label}.")


def test_a_worker_that_was_slashed_sees_why(played, tab):
    url, summary = played
    pay = next(it for it in summary["pay"] if it["behaviour"] != "honest")
    tab.open(url, f"worker/{pay['address']}")
    tab.wait_for_text("td", "and loses its stake")

    assert tab.stat("Lost")[1] == f"{pay['slashed']} wei"
    assert tab.stat("Earned")[1] == f"{pay['earned']} wei"
    assert tab.page.locator(".wide tbody tr").count() == 3


def test_a_job_has_every_transaction(played, tab):
    url, summary = played
    job = summary["rounds"][0]["jobs"][0]
    tab.open(url, f"job/{job['address']}")
    tab.wait_for_text("h1", "Round 1, job 0")
    tab.wait_for_text("td", "5 seats settled")

    assert tab.page.locator("td", has_text="committed").count() == 5
    assert tab.text(".how").startswith("Decided: ")


def test_events_are_filtered(played, tab):
    url, summary = played
    worker = summary["pay"][0]["address"]
    tab.open(url, "events")
    tab.wait_for_text("main p", "100 events")
    tab.page.get_by_label("Worker").fill(worker)
    tab.page.get_by_label("Kind").select_option("Committed")
    tab.wait_for_text("main p", "3 events")

    assert all(f"({worker[:6]}…{worker[-4:]})" in it for it in tab.page.locator(".says").all_inner_texts())


def test_odds_follow_the_sliders(played, tab):
    tab.open(played[0], "odds")
    tab.wait_for_text("td", "P(wrong accepted)")
    tab.page.get_by_label("Workers in the pool").fill("100")
    tab.page.get_by_label("Seats of the committee").fill("5")
    tab.page.get_by_label("Quorum").fill("3")
    tab.page.get_by_label("Evil, in percent").fill("20")
    tab.wait_for_text("td", "5.3 %")

    assert tab.page.locator(".charts canvas").count() == 4


def test_all_can_be_done_by_the_keyboard_alone(played, tab):
    url, _summary = played
    tab.open(url)
    tab.page.keyboard.press("Tab")
    assert tab.page.evaluate("document.activeElement.textContent") == "Skip to the content"
    for _ in range(4):
        tab.page.keyboard.press("Tab")
    assert tab.page.evaluate("document.activeElement.textContent") == "Try it"
    tab.page.keyboard.press("Enter")
    tab.wait_for_text("h1", "Try it")
    tab.page.locator(".pad").wait_for()
    for _ in range(20):
        tab.page.keyboard.press("Tab")
        if tab.page.evaluate("document.activeElement.className") == "pad":
            break
    for key in ("Space", *["ArrowDown"] * 8, "Space"):
        tab.page.keyboard.press(key)
    tab.page.locator(".verdict").wait_for()
    _sample, said, expected = said_by_model(tab, url)

    assert said == expected
    assert tab.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"


@pytest.mark.parametrize("width", [360, 375, 1280, 1920, 2560])
def test_every_section_fits_every_width_and_nothing_serious_is_in_the_way_of_who_cannot_see_well(
    played, new_tab, width
):
    url, summary = played
    tab = new_tab(width)
    worker, job = summary["pay"][0]["address"], summary["rounds"][0]["jobs"][0]["address"]
    too_wide, found = [], {}
    for section in (*SECTIONS, f"worker/{worker}", f"job/{job}"):
        tab.page.emulate_media(color_scheme="light")
        tab.open(url, section)
        if section == "try":
            draw(tab, (0.3, 0.2), (0.7, 0.2), (0.45, 0.85))
        if section == "odds":
            tab.page.locator("tbody td").first.wait_for()  # its numbers are asked for when it is there
        for theme in ("light", "dark"):
            tab.page.emulate_media(color_scheme=theme)
            tab.wait_until_drawn()
            too_wide += [(section, theme)] if tab.is_too_wide() else []
            if width in PICTURED:
                tab.picture(f"{section.split('/')[0] or 'now'}-{width}-{theme}")
            if width == EXAMINED:
                found[section, theme] = tab.accessibility()

    assert not too_wide
    assert not {where: its for where, its in found.items() if its}


def test_the_program_ends_when_it_is_told_to(played, simulation):
    assert simulation[0].stop() == 0
