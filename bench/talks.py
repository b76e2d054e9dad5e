"""Talks: how long a desk takes to show a round of 50 items and 500 statements: in a process that has just started, in a node
that runs, and as a page of its console.

Two real nodes hold the round; then the one's journal is read as a node reads it that has just started.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator, Sequence
from typing import Any

from starlette.requests import Request

from bench.bench import Bench
from bench.footprint import serving
from bench.homes import OFFICER, OFFICER_PASSPHRASE, make_pair
from bench.processes import PATIENCE_SECONDS
from bench.report import Figure, Target, median
from watchline.catalogue import load_catalogue
from watchline.console.talks import Talks
from watchline.core.entries import NONCE_BYTES
from watchline.desk import saying
from watchline.desk.api import Api
from watchline.desk.desk import Desk
from watchline.desk.home import Home
from watchline.desk.officers import OfficerKey, open_officer_key
from watchline.desk.socket import call

ITEMS, STATEMENTS = 50, 500
DATE = "2023-02-22T01:00:00Z"
PROPOSAL = {"topic": "Airspace", "level": "director", "dates": [DATE], "mode": "video"}
Json = dict[str, Any]


def measure(bench: Bench) -> Iterator[Figure]:
    """Hold the round, then show it."""
    homes = make_pair(bench.new_folder())
    near, far = (Home.open(home) for home in homes)
    with serving(homes[0]), serving(homes[1]):
        _hold(_Speaker(near), _Speaker(far))
    first, again, pages = [], [], []
    for _ in range(bench.scale.starts):
        desk = Desk(near.open_journal(), near.config)
        load_catalogue()
        first.append(_shown_seconds(desk))
        again += [_shown_seconds(desk) for _ in range(bench.scale.starts)]
        _page_seconds(desk)  # the templates are compiled once in the life of a node
        pages += [_page_seconds(desk) for _ in range(bench.scale.starts)]
        desk.journal.close()
    name = f"round of {ITEMS} items and {STATEMENTS} statements"
    yield Figure(f"{name}: told by a process that has read nothing yet", median(first) * 1e3, "ms", target=Target(100.0))
    yield Figure("  told by a running node, which reads ahead", median(again) * 1e3, "ms", target=Target(100.0))
    yield Figure("  its page in the console, told and rendered there", median(pages) * 1e3, "ms", target=Target(100.0))


class _Speaker:
    """One desk's officer, who says things through the node's socket."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._key: OfficerKey = open_officer_key(home.officers, OFFICER, OFFICER_PASSPHRASE)
        self._facts = self.ask("line_facts", line="peer")

    def ask(self, method: str, **params: Any) -> Json:
        answer: Json = call(self._home.socket, method, params)
        return answer

    def say(self, form: str, *, wait: str | None = None, **fields: Any) -> str:
        """Give what it is called here."""
        made = saying.notice(self._facts, load_catalogue().form(form), fields, self._resolve, precedence=0, exercise=False)
        nonce = os.urandom(NONCE_BYTES)
        signed = [saying.signature(self._key, self._facts, made, nonce)[1]]
        done = self.ask("compose", **saying.compose_parameters(self._facts, made, nonce, signed), wait=wait)
        return str(done["id"])

    def digest(self, name: str) -> str:
        return str(self.ask("resolve", line="peer", entry=name)["digest"])

    def _resolve(self, text: str) -> Sequence[int]:
        entry = self.ask("resolve", line="peer", entry=text)
        place = entry["inc"], entry["peer_inc"], entry["index"]
        return (*place, 1) if entry["own"] else place


def _hold(near: _Speaker, far: _Speaker) -> None:
    meeting = near.say("talks-proposal", wait="received", **PROPOSAL)
    there = _theirs(meeting)
    far.say("acceptance", wait="received", of=there, digest=far.digest(there), date=DATE)
    items = [near.say("agenda-item", meeting=meeting, subject=f"Item {number}") for number in range(ITEMS - 1)]
    items.append(near.say("agenda-item", wait="received", meeting=meeting, subject="The last item"))
    speakers = (near, far)
    for number in range(STATEMENTS):
        speaker, item = speakers[number % 2], items[number % ITEMS]
        under = item if speaker is near else _theirs(item)
        speaker.say("statement", speaker_role="director", text=f"Statement {number}", language="en", under=under)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while _statements(near) < STATEMENTS:
        if time.monotonic() > deadline:
            raise RuntimeError("the statements do not arrive")
        time.sleep(0.05)


def _statements(near: _Speaker) -> int:
    return int(near.ask("talks_list", line="peer")["rounds"][0]["statements"])


def _theirs(name: str) -> str:
    return name.replace("ours", "theirs")


def _shown_seconds(desk: Desk) -> float:
    api = Api(desk)
    started = time.perf_counter()
    shown = asyncio.run(api.call("talks_show", {"line": "peer"}))["round"]
    seconds = time.perf_counter() - started
    counted = len(shown["items"]), sum(len(item["statements"]) for item in shown["items"])
    if counted != (ITEMS, STATEMENTS):
        raise RuntimeError(f"the round shows {counted[0]} items and {counted[1]} statements")
    return seconds


def _page_seconds(desk: Desk) -> float:
    api = Api(desk)

    async def ask(method: str, **params: Any) -> Json:
        return await api.call(method, params)

    request = Request({"type": "http", "headers": [], "query_string": b"", "path_params": {"line": "peer", "round": ""}})
    endpoint = next(route.endpoint for route in Talks(ask, ask).routes() if route.path == "/parts/talks/{line}/{round}")
    started = time.perf_counter()
    page = asyncio.run(endpoint(request))
    seconds = time.perf_counter() - started
    if page.status_code != 200 or bytes(page.body).count(b"Statement ") < STATEMENTS:
        raise RuntimeError("the page does not show the round")
    return seconds
