"""The browser that the tests of the page share."""

import pytest

from tests.page.browser import CHROMIUM, Tab


@pytest.fixture(scope="module")
def browser():
    """Chromium without a window."""
    if CHROMIUM is None:
        pytest.skip("no Chromium: the page was not tried in a browser")
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
