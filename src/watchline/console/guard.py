"""What stands before every request: who may ask at all, in which shape, and with which headers every answer goes out.

A page of any site in the same browser can reach a port of this machine, and so can every program on it. So being on
loopback is worth nothing: the Host names us (no DNS rebinding), Origin and Sec-Fetch-Site say that our own page asks (no
forged request), and a session says that whoever may use the home's socket let this browser in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from watchline.console.sessions import Session, Sessions

BODY_BYTES_MAX = 16_384
BODY_SECONDS = 5.0
KEY_HEADER = "x-watchline-key"
WITHOUT_SESSION = frozenset({"/sign-in", "/static/sign-in.js", "/static/console.css", "/static/icon.svg"})
PAGES = frozenset({"/", "/talks"})  # the pages themselves, which hold no word of any line
WITHOUT_KEY = ("/static/", "/talks/")  # files of the package, and further pages: the same frame for any line and round
RESPONSE_HEADERS: Mapping[str, str] = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "cache-control": "no-store",
}


class Refused(Exception):
    """A request that goes no further. status: of HTTP. message: what is wrong. hint: what to do."""

    def __init__(self, status: int, message: str, hint: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.hint = hint

    def response(self) -> JSONResponse:
        """The answer, in the shape that errors have everywhere."""
        error = {"kind": "refused", "message": self.message, "hint": self.hint, "facts": {}}
        return JSONResponse({"error": error}, self.status)


class Guard:
    """Lets a request through to the app, or refuses it. Afterwards `scope["session"]` is the Session, None on the way in."""

    def __init__(self, app: ASGIApp, port: int, sessions: Sessions) -> None:
        self._app = app
        self._host = f"localhost:{port}"
        self._origin = f"http://{self._host}"
        self._cookie = cookie_name(port)
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        guarded = _with_headers(send)
        try:
            headers = Headers(scope=scope)
            self._check_origin(scope["method"], headers)
            scope["session"] = self._session(scope["path"], headers)
            if scope["method"] == "POST":
                receive = _once(await _body(headers, receive))
        except Refused as refused:
            await refused.response()(scope, receive, guarded)
            return
        await self._app(scope, receive, guarded)

    def _check_origin(self, method: str, headers: Headers) -> None:
        if headers.getlist("host") != [self._host]:
            raise Refused(421, "this host is not the console", f"open {self._origin}")
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if origin is not None and origin != self._origin:
            raise Refused(403, "another site asks", f"open {self._origin} by itself")
        if site not in (None, "same-origin", "none"):
            raise Refused(403, "another site asks", f"type {self._origin} into the browser's own address bar")
        if method == "POST" and (origin is None or site == "none"):
            raise Refused(403, "no page of the console asks", "use the console's own page")
        if method == "POST" and headers.get("content-type") != "application/json":
            raise Refused(415, "a question to the console is JSON", "use the console's own page")
        if method not in ("GET", "HEAD", "POST"):
            raise Refused(405, "there is no such method", "use the console's own page")

    def _session(self, path: str, headers: Headers) -> Session | None:
        session = self._sessions.find(_cookie(headers, self._cookie))
        if session is None:
            if path in WITHOUT_SESSION:
                return None
            raise Refused(401, "nobody is signed in here", "get a link: watchline console")
        open_to_cookie = path in PAGES or path in WITHOUT_SESSION or path.startswith(WITHOUT_KEY)
        if not open_to_cookie and not session.has_key(headers.get(KEY_HEADER, "")):
            raise Refused(401, "this page is not the one that signed in", "get a new link: watchline console")
        return session


def cookie_name(port: int) -> str:
    """The cookie's name: cookies know no ports, and two desks may have their consoles on one machine."""
    return f"watchline-{port}"


def _cookie(headers: Headers, name: str) -> str:
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return "" if morsel is None else morsel.value


def _with_headers(send: Send) -> Send:
    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in RESPONSE_HEADERS.items():
                headers[name] = value
        await send(message)

    return guarded


async def _body(headers: Headers, receive: Receive) -> bytes:
    """The whole body, which is small and comes at once, or Refused."""
    told = headers.get("content-length", "0")
    if not (told.isascii() and told.isdigit() and len(told) < 10 and int(told) <= BODY_BYTES_MAX):
        raise _too_long()
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Refused(400, "the request broke off", "ask again")
                body += message.get("body", b"")
                if len(body) > BODY_BYTES_MAX:
                    raise _too_long()
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        raise Refused(408, "the request came too slowly", "ask again") from None


def _too_long() -> Refused:
    return Refused(413, f"a question to the console has at most {BODY_BYTES_MAX} bytes", "shorten it")


def _once(body: bytes) -> Receive:
    """Give the body to the app; what it asks for after that never comes."""
    left = [body]

    async def receive() -> Message:
        if left:
            return {"type": "http.request", "body": left.pop(), "more_body": False}
        never: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        return await never

    return receive
