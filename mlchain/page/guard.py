"""What every request passes, and every answer carries: nothing but GET, by a name of this machine, of a small size.

A page of a stranger can let a browser ask a name that the stranger points at this machine (DNS rebinding): so the
`Host` has to be one by which this page is reached. Scripts, styles and data come from here alone.
"""

from collections.abc import Callable
from ipaddress import ip_address

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LONGEST_TARGET = 8_192  # bytes of a path and its query
LONGEST_HEADERS = 8_192  # bytes of their names and values
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
ANYWHERE = {"0.0.0.0", "::"}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def names_of(host: str) -> Callable[[str], bool]:
    """Return which names a page is reached by that listens at a host: no name is, that somebody else can give it."""
    if host in LOOPBACK:
        return LOOPBACK.__contains__
    if host in ANYWHERE:
        return lambda name: name == "localhost" or _is_address(name)
    return {host.lower()}.__contains__


class Guard:
    """Lets through what may ask `app`; `is_own` tells whether a name is one of this page's."""

    def __init__(self, app: ASGIApp, is_own: Callable[[str], bool]) -> None:
        self._app = app
        self._is_own = is_own

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        refusal = self._refusal(scope)
        await (refusal or self._app)(scope, receive, send_guarded)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        headers = Headers(scope=scope)
        if scope["method"] != "GET":
            return PlainTextResponse("this page can only be read", 405, {"Allow": "GET"})
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._is_own(_name(hosts[0])):
            return PlainTextResponse("this page has another name", 421)
        if headers.get("content-length", "0") != "0" or "transfer-encoding" in headers:
            return PlainTextResponse("a question has no body", 413)
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > LONGEST_TARGET:
            return PlainTextResponse("the address is too long", 414)
        if sum(len(name) + len(value) for name, value in scope["headers"]) > LONGEST_HEADERS:
            return PlainTextResponse("the headers are too long", 431)
        return None


def _name(host: str) -> str:
    """Return the name in a `Host` header, without port and brackets."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() and not host.endswith("]") else host
    return name.strip("[]").lower()


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
