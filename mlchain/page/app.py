"""The page as a web application: files, what has changed as server-sent events, and answers."""

import asyncio
import re
from collections.abc import AsyncIterator
from concurrent.futures import Future
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from mlchain.errors import UserError
from mlchain.page.answers import ADDRESS, Answer, Unanswerable
from mlchain.page.board import Board
from mlchain.page.guard import Guard, names_of
from mlchain.page.odds import odds_shown
from mlchain.page.watcher import Question, TooMany

STATIC = Path(__file__).with_name("static")
CHARTS = Path(__file__).parents[2] / "node_modules" / "uplot" / "dist"
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
MOST_VIEWERS = 500  # at a time
PAUSE = 0.1  # seconds between two messages: what changes in between goes together
STILL = 15.0  # seconds after which a line without meaning shows that the connection lives
PATIENCE = 30.0  # seconds that an answer is waited for
MOST_CELLS = 256
NUMBER = re.compile("[0-9]{1,9}")


class Asked(Protocol):
    """Who answers questions."""

    def ask(self, question: Question) -> "Future[Answer]":
        """Return an answer to come; raises TooMany."""


def create_app(board: Board, asked: Asked, host: str) -> ASGIApp:
    """Return the application that shows a board, for a server that listens at a host."""
    web = _Web(board, asked)
    routes = [
        Route("/", web.index),
        Route("/static/{name}", web.static),
        Route("/changes", web.changes),
        Route("/odds", web.odds),
        Route("/events", web.events),
        Route("/sample/{key}/{place}", web.sample),
        Route("/encoded/{key}", web.encoded),
        Route("/{kind}/{key}", web.answer),
    ]
    app = Starlette(routes=routes, exception_handlers={UserError: _refuse, HTTPException: _refuse})
    app.router.redirect_slashes = False
    return Guard(app, names_of(host))


class _Web:
    """The handlers; `on_change` of the board wakes everybody who waits for changes."""

    def __init__(self, board: Board, asked: Asked) -> None:
        self._board = board
        self._asked = asked
        self._files = {path.name: path for path in STATIC.iterdir() if path.suffix in TYPES}
        for name in ("uPlot.esm.js", "uPlot.min.css"):
            if (CHARTS / name).is_file():
                self._files[name] = CHARTS / name
        self._viewers = 0
        self._changed = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        board.on_change = self._wake

    def _wake(self) -> None:
        """Wake those who wait, from the thread that looks at the chain."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake_here)

    def _wake_here(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def index(self, _request: Request) -> Response:
        """Answer with the page."""
        return self._file("index.html")

    async def static(self, request: Request) -> Response:
        """Answer with a file of the page."""
        return self._file(request.path_params["name"])

    def _file(self, name: str) -> Response:
        path = self._files.get(name)
        if path is None:
            raise HTTPException(404, "there is no such file")
        return FileResponse(path, media_type=TYPES[path.suffix])

    async def changes(self, request: Request) -> Response:
        """Send what is shown, and from then on what changes."""
        if self._viewers >= MOST_VIEWERS:
            raise HTTPException(503, "too many people watch: try again later")
        epoch, _, number = request.headers.get("last-event-id", "").partition("-")
        known = int(number) if epoch == self._board.epoch and NUMBER.fullmatch(number) else 0
        return StreamingResponse(self._messages(known), media_type="text/event-stream")

    async def _messages(self, known: int) -> AsyncIterator[str]:
        self._loop, self._viewers = asyncio.get_running_loop(), self._viewers + 1
        try:
            yield "retry: 1000\n\n"
            while True:
                changed = self._changed  # before looking, so that no change is missed
                number, text = self._board.since(known)
                if number != known:
                    known = number
                    yield f"id: {self._board.epoch}-{number}\ndata: {text}\n\n"
                    await asyncio.sleep(PAUSE)
                else:
                    try:
                        await asyncio.wait_for(changed.wait(), STILL)
                    except asyncio.TimeoutError:
                        yield ":\n\n"
        finally:
            self._viewers -= 1

    async def odds(self, request: Request) -> Response:
        """Answer with the odds of a job."""
        wanted = [request.query_params.get(name, "") for name in ("pool", "evil", "committee", "quorum", "audit")]
        if not all(map(NUMBER.fullmatch, wanted)):
            raise HTTPException(400, "pool, evil, committee, quorum and audit are whole numbers")
        return JSONResponse(await asyncio.to_thread(_odds, *map(int, wanted)))

    async def events(self, request: Request) -> Response:
        """Answer with the last events of somebody, a job or a kind."""
        worker, job, kind = (request.query_params.get(name, "") for name in ("worker", "job", "kind"))
        if not all(not it or ADDRESS.fullmatch(it) for it in (worker, job)) or len(kind) > 64:
            raise HTTPException(400, "a worker and a job are addresses")
        return JSONResponse(await self._answer("events", worker, job, kind))

    async def answer(self, request: Request) -> Response:
        """Answer about a worker, a job, a version, or with the bytes of a model or a recipe."""
        kind, key = request.path_params["kind"], request.path_params["key"]
        form = {"worker": ADDRESS, "job": ADDRESS}.get(kind, NUMBER)
        if kind not in ("worker", "job", "version", "task", "model", "recipe") or not form.fullmatch(key):
            raise HTTPException(404, "there is no such thing here")
        found = await self._answer(kind, key)
        if isinstance(found, bytes):
            return Response(found, media_type="application/octet-stream")
        return JSONResponse(found)

    async def sample(self, request: Request) -> Response:
        """Answer with a test sample."""
        key, place = request.path_params["key"], request.path_params["place"]
        if not NUMBER.fullmatch(key) or not NUMBER.fullmatch(place):
            raise HTTPException(404, "there is no such sample")
        return JSONResponse(await self._answer("sample", key, place))

    async def encoded(self, request: Request) -> Response:
        """Answer with the bytes of a row or a text."""
        cells = request.query_params.getlist("cell")
        if not NUMBER.fullmatch(request.path_params["key"]) or not 0 < len(cells) <= MOST_CELLS:
            raise HTTPException(404, "there is no such sample")
        return JSONResponse(await self._answer("encoded", request.path_params["key"], *cells))

    async def _answer(self, *question: str) -> Answer:
        try:
            return await asyncio.wait_for(asyncio.wrap_future(self._asked.ask(question)), PATIENCE)
        except asyncio.TimeoutError:
            raise HTTPException(503, "the answer takes too long: try again later") from None


@lru_cache(maxsize=256)
def _odds(pool: int, evil: int, committee: int, quorum: int, audit: int) -> object:
    return odds_shown(pool, evil, committee, quorum, audit)


async def _refuse(_request: Request, error: Exception) -> Response:
    """Answer in a sentence, as text."""
    if isinstance(error, HTTPException):
        return PlainTextResponse(error.detail, error.status_code)
    status = 503 if isinstance(error, TooMany) else 404 if isinstance(error, Unanswerable) else 400
    return PlainTextResponse(str(error), status)
