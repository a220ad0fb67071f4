"""A browser that looks at a page, and the many who only listen to what changes."""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

from mlchain.errors import UserError

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
# Resolves with the time, in seconds, at which so many elements with that text are there and have been painted.
AWAITED = """([selector, count, text]) => { window.sign = new Promise((done) => {
    const isThere = () => {
        const found = [...document.querySelectorAll(selector)];
        return found.length === count && found.every((it) => it.textContent.includes(text));
    };
    const tellNow = () => done((performance.timeOrigin + performance.now()) / 1000);
    const tell = () => requestAnimationFrame(() => setTimeout(tellNow));
    const watching = new MutationObserver(() => isThere() && (watching.disconnect(), tell()));
    if (isThere()) tell();
    else watching.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
}); }"""


class Browser:
    """A tab of Chromium on a page."""

    def __init__(self, tab: Any, url: str) -> None:
        self._tab = tab
        self._tools = tab.context.new_cdp_session(tab)
        self._url = url

    def paint(self, *sign: object) -> tuple[float, float]:
        """Open the page; return the seconds to its first paint, and until a sign was seen."""
        self._tab.add_init_script(f"({AWAITED})({list(sign)!r})")
        self._tab.goto(self._url, wait_until="commit")
        started = self._tab.evaluate("performance.timeOrigin / 1000")
        seen = self.sign_seen() - started
        first = self._tab.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime / 1000")
        return float(first), seen

    def await_sign(self, selector: str, count: int, text: str) -> None:
        """Begin to wait until so many elements with that text are there."""
        self._tab.evaluate(AWAITED, [selector, count, text])

    def sign_seen(self) -> float:
        """Wait for the sign; return when it was painted, in seconds on the clock."""
        return float(self._tab.evaluate("window.sign"))

    def memory(self) -> tuple[float, int]:
        """Return the MiB that the page's scripts hold, rubbish left out, and how many nodes there are."""
        for _ in range(2):
            self._tools.send("HeapProfiler.collectGarbage")
        found = {it["name"]: it["value"] for it in self._tools.send("Performance.getMetrics")["metrics"]}
        return found["JSHeapUsedSize"] / 2**20, int(found["Nodes"])

    def start_counting(self) -> None:
        """Let the browser count what it holds."""
        self._tools.send("Performance.enable")


@contextmanager
def opened(url: str) -> Iterator[Browser]:
    """Open a browser; raises UserError where there is none, or nothing to drive it by."""
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        path = None
    if path is None:
        raise UserError("the page is measured in Chromium, which make test-page installs")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield Browser(browser.new_page(viewport={"width": 1280, "height": 900}), url)
        browser.close()


class Viewers:
    """Many who follow a page, each by a connection of its own, and ask it for some paths each."""

    def __init__(self, url: str, count: int, paths: list[str]) -> None:
        self._place = urlsplit(url)
        self._paths = paths
        self.answers = [0] * count  # how often each has been told of something and got what it then asked for
        self._over = Event()
        self._thread = Thread(target=lambda: asyncio.run(self._follow_all()))

    def __enter__(self) -> "Viewers":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join()

    async def _follow_all(self) -> None:
        following = [asyncio.ensure_future(self._follow(place)) for place in range(len(self.answers))]
        await asyncio.to_thread(self._over.wait)
        for it in following:
            it.cancel()
        await asyncio.gather(*following, return_exceptions=True)

    async def _follow(self, place: int) -> None:
        reader, writer = await self._asked("/changes", "keep-alive")
        try:
            while line := await reader.readuntil(b"\n"):
                if line.startswith(b"id:"):
                    for path in self._paths:
                        answer, asking = await self._asked(path, "close")
                        await answer.read()
                        asking.close()
                    self.answers[place] += 1
        finally:
            writer.close()

    async def _asked(self, path: str, connection: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(self._place.hostname, self._place.port, limit=2**26)
        request = f"GET {path} HTTP/1.1\r\nHost: {self._place.netloc}\r\nConnection: {connection}\r\n\r\n"
        writer.write(request.encode())
        return reader, writer
