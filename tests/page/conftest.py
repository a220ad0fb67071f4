"""The browser and the simulation that the tests of the page share."""

from pathlib import Path

import pytest

from tests.page.browser import CHROMIUM, Tab, serving, summary_in

HERE = Path(__file__).parent
PACE = "0.05s"


def pytest_collection_modifyitems(items):
    """Let the tests that need a simulation to be over come last: it goes on while the others run."""
    places = [place for place, it in enumerate(items) if it.path.parent == HERE]
    ordered = sorted((items[place] for place in places), key=lambda it: "played" in it.fixturenames)
    for place, it in zip(places, ordered, strict=True):
        items[place] = it


def require_chromium():
    if CHROMIUM is None:
        pytest.skip("no Chromium: the page was not tried in a browser")


@pytest.fixture(scope="module")
def browser():
    """Chromium without a window; while it is there, no other test can have an event loop."""
    require_chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Without its sandbox, which needs rights that containers withhold: it opens nothing but the page.
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def new_tab(browser):
    """Open tabs, of any size and theme; no test may leave a fault on a console."""
    contexts, tabs = [], []

    def open_tab(width: int = 1280, theme: str = "light", **choices) -> Tab:
        viewport = {"width": width, "height": 900}
        context = browser.new_context(viewport=viewport, color_scheme=theme, **choices)
        contexts.append(context)
        tabs.append(Tab(context))
        return tabs[-1]

    yield open_tab
    faults = [fault for tab in tabs for fault in tab.unexpected()]
    for context in contexts:
        context.close()
    assert not faults


@pytest.fixture
def tab(new_tab):
    """A tab of usual size."""
    return new_tab()


@pytest.fixture(scope="session")
def simulation(tmp_path_factory):
    """A simulation with two evil workers in ten that goes on while the tests watch it, and its folder."""
    require_chromium()
    folder = tmp_path_factory.mktemp("report")
    choices = ("--evil", 2, "--rounds", 3, "--jobs", 2, "--report", folder)
    with serving("simulate", "--page", "PORT", "--pace", PACE, *choices) as program:
        yield program, folder


@pytest.fixture(scope="session")
def played(simulation):
    """The same once it is over: where its page is, and its summary."""
    program, folder = simulation
    summary = summary_in(folder)
    program.wait_for("its page stays until Ctrl-C")
    return program.url, summary
