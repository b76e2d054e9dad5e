"""A console on a real desk, under a clock that the test advances, and a browser of few words that asks it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from tests.desk.desk_pair import DeskEnd, DeskPair
from tests.line_pair import party
from watchline.console.app import Console
from watchline.core.encoding import encode
from watchline.core.entries import NONCE_BYTES, EntryType, Notice, Precedence
from watchline.desk.api import Api
from watchline.desk.officers import OfficerKey, write_officer_key
from watchline.desk.secrets import Cost

PORT = 8787
ORIGIN = f"http://localhost:{PORT}"
PASSPHRASE = "an officer's passphrase"
_NUMBERS = itertools.count(1)
PAGE = {"origin": ORIGIN, "sec-fetch-site": "same-origin"}


class Room:
    """Tokyo's console, and Beijing at the other end of the line."""

    def __init__(self, pair: DeskPair, folder: Path) -> None:
        self.pair = pair
        self.api = Api(pair.a.desk, live=True)
        folder.mkdir()
        write_officer_key(folder, officer(pair.a), PASSPHRASE, Cost(64, 1, 1))
        self.console = Console(self.api.call, folder, pair.a.scheduler.moment, PORT)

    def peer_says(self, form: str, fields: Mapping[int, Any], precedence: Precedence, *, exercise: bool = False) -> None:
        """A notice of Beijing's, released by an officer there, and here once this returns."""
        end = self.pair.b
        content = Notice(form, 1, precedence, exercise, "ja", dict(fields)).encode()
        setup, nonce = end.line.line.setup, next(_NUMBERS).to_bytes(NONCE_BYTES, "big")
        signed = officer(end).sign(EntryType.NOTICE, setup.line, setup.own_id, nonce, content)
        params = {"type": int(EntryType.NOTICE), "content": content.hex(), "nonce": nonce.hex()}
        assertions = encode([signed]).hex()
        asyncio.run(Api(end.desk, live=True).call("compose", {"line": "tokyo", "assertions": assertions, **params}))
        self.pair.advance(1)


def balloon(room: Room) -> dict[int, Any]:
    """The fields of a notice that expects an answer."""
    form = room.pair.a.desk.catalogue.form("airspace-object")
    return form.parse({"object": "balloon", "seen": "2023-02-15T01:00:00Z", "ours": "asking"}, lambda _: ())


def officer(end: DeskEnd) -> OfficerKey:
    return OfficerKey(1, "duty", party(end.desk.facts.name).officers[0])


class Browser:
    """Asks as a browser on this machine does; what it signed in with it keeps."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.cookies: dict[str, str] = {}
        self.key = ""

    def sign_in(self, word: str | None = None) -> httpx.Response:
        answer = self.post("/sign-in", {"word": self.console.link().rpartition("#")[2] if word is None else word})
        if answer.is_success:
            self.cookies, self.key = dict(answer.cookies), answer.json()["key"]
        return answer

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.request("GET", path, headers={"x-watchline-key": self.key, **_named(headers)})

    def post(self, path: str, question: object, **headers: str) -> httpx.Response:
        return self.request("POST", path, json=question, headers={**PAGE, "x-watchline-key": self.key, **_named(headers)})

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.console.app)
            async with httpx.AsyncClient(transport=transport, base_url=ORIGIN, cookies=self.cookies) as client:
                return await client.request(method, path, **more)

        return asyncio.run(ask())


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


async def heard(events: AsyncIterator[str], count: int) -> list[str]:
    """The names of the first events of a stream."""
    names: list[str] = []
    while len(names) < count:
        names.append((await anext(events)).split("\n")[0].removeprefix("event: "))
    return names
