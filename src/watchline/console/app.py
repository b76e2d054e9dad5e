"""What the console answers: the page, the stream of its news, and what a person does there."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from watchline.catalogue.texts import is_clean
from watchline.console.guard import Guard, Refused, cookie_name
from watchline.console.live import Live, Stream
from watchline.console.screen import Screen
from watchline.console.sessions import SESSION_SECONDS, Session, Sessions
from watchline.console.signing import Signing
from watchline.console.talks import Talks
from watchline.core.setting import Moment
from watchline.desk.socket import error_value
from watchline.errors import UsageError, WatchlineError

Json = dict[str, Any]
Ask = Callable[[str, Json], Awaitable[Json]]
SOUNDED_MAX = 64
SESSIONS = ("console", "sessions")  # the document of the journal in which they are

log = structlog.get_logger()


class Console:
    """One desk's console: who is signed in, what they see, and what they do. `app` is the ASGI application.

    ask: `Api.call`. officers: the folder of the officers' keys. port: the one that browsers name.
    """

    def __init__(self, ask: Ask, officers: Path, moment: Callable[[], Moment], port: int) -> None:
        self._call = ask
        self.port = port
        self.sessions = Sessions(moment)
        self.talks = Talks(self._ask, self._ask_if_there)
        self.screen = Screen(self._ask, self._watch, self.talks.due)
        self.live = Live(self.screen.snapshot, moment)
        self.signing = Signing(self._ask, officers, moment)
        routes = [
            Route("/", self._page),
            Route("/sign-in", self._sign_in_page),
            Route("/sign-in", self._sign_in, methods=["POST"]),
            Route("/sign-out", self._sign_out, methods=["POST"]),
            Route("/events", self._events),
            Route("/armed", self._armed, methods=["POST"]),
            Route("/sounded", self._sounded, methods=["POST"]),
            Route("/acknowledge", self._acknowledge, methods=["POST"]),
            Route("/hold", self._hold, methods=["POST"]),
            Route("/decline", self._decline, methods=["POST"]),
            *self.talks.routes(),
            Mount("/static", StaticFiles(packages=[("watchline.console", "static")])),
        ]
        failures: dict[Any, Any] = {
            Refused: lambda _, refused: refused.response(),
            WatchlineError: lambda _, error: JSONResponse({"error": error_value(error)}, 400),
            HTTPException: lambda _, error: Refused(error.status_code, "there is no such page", "open /").response(),
        }
        self.app = Guard(Starlette(routes=routes, exception_handlers=failures), port, self.sessions)

    async def take_up(self) -> None:
        """Let those go on who were signed in before the node was started again."""
        stored = (await self._ask("document_get", kind=SESSIONS[0], key=SESSIONS[1]))["value"]
        if stored is not None:
            self.sessions.restore(bytes.fromhex(stored))

    async def _keep_sessions(self) -> None:
        stored = self.sessions.stored().hex()
        await self._ask("document_put", kind=SESSIONS[0], key=SESSIONS[1], value=stored, sealed=True)

    def link(self) -> str:
        """An address that signs one browser in, once, within a minute.

        The word stands behind `#`: browsers never send that part, so no log and no guesser of links sees or spends it.
        """
        return f"http://localhost:{self.port}/sign-in#{self.sessions.link()}"

    # --- asking the desk

    async def _ask(self, method: str, **params: Any) -> Json:
        return await self._call(method, params)

    async def _ask_if_there(self, method: str, **params: Any) -> Json:
        """Ask what a desk that keeps no watch, or holds no talks, has no method for: then the answer is empty."""
        try:
            return await self._call(method, params)
        except UsageError as error:
            if not error.message.startswith("there is no method"):
                raise
            return {}

    async def _watch(self) -> Json:
        """Who is on watch, and how many consoles can sound."""
        told = await self._ask_if_there("watch_who")
        return {"people": told.get("people", []), "armed": told.get("armed", self.live.armed), "known": "people" in told}

    # --- pages

    async def _page(self, _: Request) -> Response:
        return HTMLResponse(await self.screen.page("console.html", officers=self.signing.officers()))

    async def _sign_in_page(self, _: Request) -> Response:
        return HTMLResponse(await self.screen.page("sign-in.html"))

    # --- signing in and out

    async def _sign_in(self, request: Request) -> Response:
        signed_in = self.sessions.redeem(_text(await _question(request), "word"))
        if signed_in is None:
            raise Refused(401, "this link was used, or is older than a minute", "get a new one: watchline console")
        await self._keep_sessions()
        log.info("console.signed-in", session=signed_in.session.name)
        response = JSONResponse({"key": signed_in.key})
        name, cookie = cookie_name(self.port), signed_in.cookie
        response.set_cookie(name, cookie, max_age=SESSION_SECONDS, httponly=True, samesite="strict")
        return response

    async def _sign_out(self, request: Request) -> Response:
        session = _session(request)
        self.sessions.end(session)
        await self._keep_sessions()
        log.info("console.signed-out", session=session.name)
        response = JSONResponse({})
        response.delete_cookie(cookie_name(self.port), httponly=True, samesite="strict")
        return response

    # --- the stream and the sound

    async def _events(self, request: Request) -> Response:
        if not self.live.has_room:
            raise Refused(429, "too many consoles are open", "close one")
        session = _session(request)
        stream = self.live.open(session.name)
        return StreamingResponse(self._heard(stream, session), media_type="text/event-stream")

    async def _heard(self, stream: Stream, session: Session) -> Any:
        try:
            async for text in self.live.events(stream, lambda: self.sessions.lives(session)):
                yield text
        finally:
            self.live.close(stream)
            await self._ask_if_there("console_disarm", console=stream.name)

    async def _armed(self, request: Request) -> Response:
        """The page says each few seconds whether it can make noise."""
        question = await _question(request)
        stream, armed = self._stream(request, question), question.get("armed") is True
        self.live.arm(stream, armed)
        await self._ask_if_there("console_arm" if armed else "console_disarm", console=stream.name)
        self.live.touch()
        return JSONResponse({"armed": armed})

    async def _sounded(self, request: Request) -> Response:
        """The page says for which notices it has made noise; from a console that cannot make any it counts for nothing."""
        question = await _question(request)
        notices, stream = question.get("notices"), self._stream(request, question)
        if not self.live.is_armed(stream):
            raise UsageError("a console that cannot sound has sounded", hint="press a key in the console")
        if not isinstance(notices, list) or len(notices) > SOUNDED_MAX:
            raise UsageError(f"at most {SOUNDED_MAX} notices sound at a time", hint="use the console's own page")
        for notice in notices:
            match notice:
                case {"line": str(line), "id": str(reference)}:
                    await self._ask_if_there("console_sounded", console=stream.name, line=line, id=reference)
                case _:
                    raise UsageError("a notice is its line and its id", hint="use the console's own page")
        return JSONResponse({"sounded": len(notices)})

    def _stream(self, request: Request, question: Json) -> Stream:
        stream = self.live.streams.get(_text(question, "console"))
        if stream is None or stream.session != _session(request).name:
            raise UsageError("this console is not connected", hint="wait until it is live")
        return stream

    # --- what officers do

    async def _acknowledge(self, request: Request) -> Response:
        return JSONResponse(await self.signing.acknowledge(*_signed(await _question(request))))

    async def _hold(self, request: Request) -> Response:
        question = await _question(request)
        minutes = question.get("minutes")
        if type(minutes) is not int:
            raise UsageError("in how many minutes is the answer promised?", hint="give a whole number")
        return JSONResponse(await self.signing.hold(*_signed(question), _text(question, "reason"), minutes))

    async def _decline(self, request: Request) -> Response:
        question = await _question(request)
        return JSONResponse(await self.signing.decline(*_signed(question), _text(question, "reason")))


def _session(request: Request) -> Session:
    session = request.scope["session"]
    assert isinstance(session, Session)
    return session


async def _question(request: Request) -> Json:
    """The body as a JSON object. Raises UsageError."""
    try:
        question = json.loads(await request.body())
    except (ValueError, RecursionError):
        question = None
    if not isinstance(question, dict):
        raise UsageError("a question to the console is a JSON object", hint="use the console's own page")
    return question


def _signed(question: Json) -> tuple[str, str, str, str]:
    """Which notice, and who signs with what."""
    line, entry, officer, passphrase = (_text(question, name) for name in ("line", "id", "officer", "passphrase"))
    return line, entry, officer, passphrase


def _text(question: Json, name: str) -> str:
    value = question.get(name, "")
    if not isinstance(value, str) or not is_clean(value, lines=True):
        raise UsageError(f"{name} is text without control characters", hint="use the console's own page", field=name)
    return value
