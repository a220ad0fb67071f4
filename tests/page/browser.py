"""A page in a real browser: Chromium of the system, driven by Playwright."""

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.networks.ports import free_ports
from tests.networks.programs import APE, ROOT

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((path for name in NAMES if (path := shutil.which(name))), None)
PICTURES = ROOT / "reports" / "page"  # kept by continuous integration
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
PATIENCE = 30_000  # milliseconds that something on a page is waited for
# True in the second frame from now if what the server shows has come, and every chart has been drawn.
DRAWN = """() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(
    document.querySelector('#place').textContent && !document.querySelector('main').textContent.includes('Asking for')
    && [...document.querySelectorAll('.chart:not([hidden])')].every(it => it.querySelector('canvas'))))))"""


@dataclass
class Program:
    """A program that serves a page, a process of its own."""

    arguments: tuple[object, ...]
    port: int = field(default_factory=lambda: free_ports(1))
    process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self.port}/"

    def start(self) -> None:
        """Start it, and wait for the line that says where the page is."""
        words = [str(word).replace("PORT", str(self.port)) for word in (APE, "run", *self.arguments)]
        self.process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.wait_for(f"the page is at {self.url}")

    def wait_for(self, text: str) -> None:
        """Read what it says until it says this."""
        for line in self.process.stdout:
            if text in line:
                return
        raise AssertionError(self.process.stderr.read())

    def stop(self) -> int:
        """Tell it to stop, as Ctrl-C would; return its status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=60)

    def kill(self) -> None:
        """End it, if it has not ended."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@contextmanager
def serving(*arguments: object) -> Iterator[Program]:
    """Run a program that serves a page; PORT in its arguments is a free port."""
    program = Program(arguments)
    try:
        program.start()
        yield program
    finally:
        program.kill()


class Tab:
    """A tab of the browser; `faults` are errors on its console, and scripts that failed."""

    def __init__(self, context) -> None:
        self.page = context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.faults: list[str] = []
        self.expected: list[str] = []  # parts of faults that a test brings about
        self.page.on("console", lambda it: self.faults.append(it.text) if it.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))

    def open(self, url: str, section: str = "") -> None:
        """Go to a section, and wait until it says something."""
        self.page.goto(f"{url}#/{section}")
        self.page.locator("main h1").wait_for()

    def text(self, selector: str) -> str:
        """Return what the first such element says."""
        return self.page.locator(selector).first.inner_text()

    def wait_for_text(self, selector: str, text: str) -> None:
        """Wait until such an element says this."""
        self.page.locator(selector, has_text=text).first.wait_for()

    def stat(self, name: str) -> tuple[str, str]:
        """Return a figure: as it is read, and what hovering over it says."""
        value = self.page.locator(f'.stat:has(dt:text-is("{name}")) dd')
        titles = value.evaluate("it => [it, ...it.querySelectorAll('*')].map(each => each.title).filter(Boolean)")
        return value.inner_text(), titles[0] if titles else ""

    def wait_until_drawn(self) -> None:
        """Wait until all data is there, and every chart that is shown has been drawn in the colours of now."""
        for _ in range(1_000):
            if self.page.evaluate(DRAWN):
                return
        raise AssertionError("a chart is not drawn")

    def accessibility(self) -> list[str]:
        """Return what axe-core finds that is serious or worse."""
        if not self.page.evaluate("Boolean(window.axe)"):
            # As the debugger would: a script element would be against the page's policy.
            self.page.evaluate(AXE.read_text() + "; window.axe = axe; null")
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{it['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:200]}"
            for it in found["violations"]
            if it["impact"] in ("serious", "critical")
            for node in it["nodes"]
        ]

    def is_too_wide(self) -> bool:
        """Return whether the page has to be scrolled to the side."""
        return self.page.evaluate("document.documentElement.scrollWidth > innerWidth")

    def picture(self, name: str) -> None:
        """Keep a picture of the whole page."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}.png", full_page=True)

    def unexpected(self) -> list[str]:
        """Return the faults that no test has brought about."""
        return [fault for fault in self.faults if not any(part in fault for part in self.expected)]


def summary_in(folder: Path) -> dict:
    """Return the figures of a simulation that has written its report."""
    for _ in range(600):
        try:
            return json.loads((folder / "summary.json").read_text())
        except (OSError, ValueError):
            time.sleep(0.1)
    raise AssertionError("the simulation has written no report")
