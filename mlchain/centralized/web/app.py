"""The learning server on the web: from requests to events, the cheapest checks first.

A request passes, in this order: path and method, the length that it announces, the form of its headers, whether its
signer has joined, its nonce; only then its body is read, up to the length of an update, and its signature checked.
"""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mlchain.centralized.learning.federation import Refusal, ShareAssignment, Wait
from mlchain.centralized.service.learning_service import LearningService
from mlchain.centralized.service.signing import NotSigned, Stamp, check_signature, read_stamp
from mlchain.centralized.web.messages import LONGEST_WAIT, pack_work
from mlchain.centralized.web.openapi import describe

TICK = 0.5  # seconds after which the server looks who is overdue
BODY_TIME = 10.0  # seconds in which a body has to come in

_LOG = logging.getLogger(__name__)
_STATUS = {Refusal.NOT_JOINED: 403, Refusal.FINISHED: 410}  # of all other refusals it is 409
_Granted = TypeVar("_Granted")


class RequestRefused(HTTPException):
    """A request is answered with a refusal: its name, and a sentence."""

    def __init__(self, status: int, refusal: str, detail: str) -> None:
        super().__init__(status, detail)
        self.refusal = refusal


def create_app(
    service: LearningService, ready: Callable[[], object] = lambda: None, stopping: Callable[[], bool] = lambda: False
) -> Starlette:
    """Return the web application of a service; `ready()` is called once it serves.

    Nobody is kept waiting any longer once it is `stopping()`.
    """
    web = _Web(service, stopping)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        ticking = asyncio.create_task(web.tick_for_ever())
        ready()
        yield
        ticking.cancel()
        with suppress(asyncio.CancelledError):
            await ticking

    routes = [
        Route("/plan", web.plan, methods=["GET"]),
        Route("/status", web.status, methods=["GET"]),
        Route("/openapi.json", web.description, methods=["GET"]),
        Route("/registration", web.register, methods=["POST"]),
        Route("/work", web.work, methods=["POST"]),
        Route("/updates/{version}", web.deliver, methods=["POST"]),
    ]
    refusals = {NotSigned: _refusal, HTTPException: _refusal}
    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers=refusals)
    app.router.redirect_slashes = False  # a signature is for one path, and a redirect would go where `host` says
    return app


class _Web:
    """The handlers: one thread runs all of them, and between two `await`s nothing else happens."""

    def __init__(self, service: LearningService, stopping: Callable[[], bool]) -> None:
        self._service = service
        self._stopping = stopping
        # The one request of each worker that waits for work: whether it shall ask again, as soon as that is known.
        self._waiting: dict[str, asyncio.Future[bool]] = {}

    async def tick_for_ever(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            try:
                self._service.tick()
            except Exception:  # a full disk, say: nothing has changed, and the next tick tries again
                _LOG.exception("time could not go on")
            self._call()
            if self._stopping():
                for worker in list(self._waiting):
                    self._answer(worker, False)

    def _call(self) -> None:
        """Let those who wait for what is there now ask again."""
        for worker in self._service.to_call():
            self._answer(worker, True)

    def _answer(self, worker: str, asks_again: bool) -> None:
        waiting = self._waiting.get(worker)
        if waiting and not waiting.done():
            waiting.set_result(asks_again)

    # What everybody may ask; the docstrings are what `describe` publishes

    async def plan(self, _request: Request) -> Response:
        """
        summary: what the server is set to do
        responses:
          200: {description: settings, content: {application/json: {schema: {type: object, required: [place, plan]}}}}
        """
        return Response(self._service.settings.to_json(), media_type="application/json")

    async def status(self, _request: Request) -> Response:
        """
        summary: how far learning is
        responses:
          200: {description: ok, content: {application/json: {schema: {type: object, required: [version, finished]}}}}
        """
        return JSONResponse(self._service.status())

    async def description(self, request: Request) -> Response:
        """
        summary: this description
        responses:
          200: {description: OpenAPI, content: {application/json: {schema: {type: object, required: [openapi, paths]}}}}
        """
        return JSONResponse(describe(request.app.routes))

    # What members may ask

    async def register(self, request: Request) -> Response:
        """
        summary: say that a worker is there
        responses:
          200: {description: registered, content: {application/json: {schema: {type: object, required: [registered]}}}}
        """
        stamp, _body = await self._signed(request, 0)
        _granted(self._service.register(stamp))
        return JSONResponse({"registered": True})

    async def work(self, request: Request) -> Response:
        """
        summary: ask for weights
        responses:
          200:
            description: version and share, 4 bytes each, little-endian, and the version's weights
            content: {application/octet-stream: {schema: {type: string, format: binary}}}
          204: {description: "nothing to do yet: ask again"}
        """
        stamp, _body = await self._signed(request, 0)
        reply = self._service.ask(stamp)
        if isinstance(reply, Wait):
            reply = await self._wait(request, stamp.worker)
        if isinstance(reply, Wait):
            return Response(status_code=204)
        work = _granted(reply)
        body = pack_work(work.version, work.share, self._service.weights)
        return Response(body, media_type="application/octet-stream")

    async def _wait(self, request: Request, worker: str) -> ShareAssignment | Wait | Refusal:
        """Wait for work; a newer request of the same worker takes the place of an older one."""
        self._answer(worker, False)
        clock = asyncio.get_running_loop().time
        until = clock() + LONGEST_WAIT
        gone = asyncio.ensure_future(_is_disconnected(request))
        reply: ShareAssignment | Wait | Refusal = Wait()
        try:
            while isinstance(reply, Wait) and await self._is_called(worker, gone, until - clock()):
                reply = self._service.ask_again(worker)
            return reply
        finally:
            gone.cancel()

    async def _is_called(self, worker: str, gone: asyncio.Future[None], seconds: float) -> bool:
        """Return whether a worker is to ask again before its time is over, and is still there."""
        waiting = self._waiting[worker] = asyncio.get_running_loop().create_future()
        self._service.wait(worker)
        try:
            await asyncio.wait([waiting, gone], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            is_newest = self._waiting.get(worker) is waiting
            if is_newest:
                del self._waiting[worker]
                self._service.go(worker)
        if not is_newest or not waiting.done() or not waiting.result():
            return False
        # Weights sent to nobody would leave the worker owing a result until it is overdue.
        if gone.done():
            self._call()  # somebody else
        return not gone.done()

    async def deliver(self, request: Request) -> Response:
        """
        summary: deliver the update that is owed
        parameters:
          - {name: version, in: path, required: true, schema: {type: integer, minimum: 0, maximum: 999999999}}
        requestBody:
          description: as many bytes as the weights
          required: true
          content: {application/octet-stream: {schema: {type: string, format: binary}}}
        responses:
          200: {description: it counts, content: {application/json: {schema: {type: object, required: [weight]}}}}
        """
        written = request.path_params["version"]
        if not re.fullmatch("[0-9]{1,9}", written):
            raise RequestRefused(404, "NOT_FOUND", "a version is a number of at most nine digits")
        size = self._service.task.update_size
        stamp, update = await self._signed(request, size)
        if len(update) != size:
            raise RequestRefused(400, "WRONG_SIZE", f"an update has {size} bytes, not {len(update)}")
        before = self._service.version
        reply = self._service.deliver(stamp, int(written), update)
        if self._service.version > before:
            self._call()
        return JSONResponse({"weight": _granted(reply).weight})

    async def _signed(self, request: Request, longest: int) -> tuple[Stamp, bytes]:
        """Return who signed a request, and its body of at most `longest` bytes; raises NotSigned if nobody did."""
        _check_announced_length(request, longest)
        service = self._service
        stamp = read_stamp(request.headers, service.now())
        if not service.is_member(stamp.worker):
            _granted(Refusal.NOT_JOINED)
        if service.was_used(stamp):  # the service looks again: two with one nonce may come in at once
            raise NotSigned("this request was made before")
        body = await _read_body(request, longest)
        check_signature(stamp, service.settings.place, request.method, _target(request), body)
        return stamp, body


def _granted(reply: _Granted | Refusal) -> _Granted:
    """Return a reply of the service that is no refusal; raises RequestRefused for one that is."""
    if isinstance(reply, Refusal):
        raise RequestRefused(_STATUS.get(reply, 409), reply.name, reply.value)
    return reply


def _target(request: Request) -> str:
    """Return path and query as they were sent."""
    path, query = request.scope.get("raw_path") or request.url.path.encode(), request.scope["query_string"]
    return (path + b"?" + query if query else path).decode("latin-1")


def _check_announced_length(request: Request, longest: int) -> None:
    announced = request.headers.get("content-length", "0")
    if not re.fullmatch("[0-9]{1,18}", announced):
        raise RequestRefused(400, "MALFORMED", "the length of the body is no number")
    if int(announced) > longest:
        raise RequestRefused(413, "TOO_LONG", f"a body of {announced} bytes, at most {longest} wanted")


async def _read_body(request: Request, longest: int) -> bytes:
    async def read() -> bytes:
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > longest:  # it may not have announced its length, or not the right one
                raise RequestRefused(413, "TOO_LONG", f"a body of more than {longest} bytes")
        return bytes(body)

    try:
        return await asyncio.wait_for(read(), BODY_TIME)
    except asyncio.TimeoutError as error:
        raise RequestRefused(408, "TOO_SLOW", f"the body did not come within {BODY_TIME:.0f} seconds") from error
    except ClientDisconnect as error:
        raise RequestRefused(400, "MALFORMED", "the body ended early") from error


async def _is_disconnected(request: Request) -> None:
    """Return once nobody waits for the answer to a request, whose body has been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _refusal(_request: Request, error: Exception) -> Response:
    """Answer a request that was not signed or is refused, by this application or by Starlette."""
    refused = error if isinstance(error, HTTPException) else RequestRefused(401, "NOT_SIGNED", str(error))
    name = refused.refusal if isinstance(refused, RequestRefused) else "HTTP"
    return JSONResponse({"refusal": name, "detail": refused.detail}, refused.status_code, refused.headers)
