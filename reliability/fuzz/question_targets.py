"""Questions to a desk and to its console, and what a relay's server says: JSON of others, asked of the real desk."""

from __future__ import annotations

import asyncio
import atexit
import json
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any
from unicodedata import category

from starlette.requests import Request

from reliability.fuzz.asked_desk import BODY_DAYS, NOW, PASSED_DAYS, Said, asked_desk
from reliability.fuzz.mutation import mutate_json, mutate_text
from reliability.fuzz.target import Check, Target, need
from tests.desk.desk_pair import LINE
from tests.line_pair import START
from watchline.console.app import _question, _signed, _text
from watchline.core.encoding import encode
from watchline.desk.api import METHODS, PARTS, Api
from watchline.errors import WatchlineError
from watchline.routes.nats import sequence_of
from watchline.routes.nats_client import RelayRefuses, read_answer

ARCHIVES = "archives"
TURNS_MAX = 50  # of the loop, for one question: talks are read, and bodies removed, a step a turn


@cache
def _folder() -> Path:
    """A folder in memory, where the system has one, that goes with the process."""
    stack = ExitStack()
    atexit.register(stack.close)
    memory = Path("/dev/shm")
    return Path(stack.enter_context(tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None)))


@cache
def _asked() -> tuple[Api, Said]:
    """Tokyo's, with Beijing at the other end, and what was said between them."""
    pair, said = asked_desk(_folder())
    atexit.register(pair.close)
    (_folder() / ARCHIVES).mkdir()
    return Api(pair.a.desk, live=True), said


def _api() -> Api:
    return _asked()[0]


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    atexit.register(loop.close)
    return loop


def _part_methods() -> frozenset[str]:
    """The methods that the parts of a desk bring."""
    return frozenset(name for part in PARTS for name in part(_api()))


def _check_api() -> Check:
    """A question for one of the parts' methods, as any process of this user may ask it."""
    api, asked = _api(), _part_methods()

    def check(data: bytes) -> None:
        try:
            question = json.loads(data)
        except (ValueError, RecursionError):
            return
        method, params = (question.get("method"), question.get("params")) if isinstance(question, dict) else (None, None)
        if isinstance(method, str) and method in asked and isinstance(params, dict):
            _answered(api, method, _within(params) if method == "archive" else params)

    return check


def _within(params: dict[str, Any]) -> dict[str, Any]:
    """The same question, about a folder that this process has made: no input may write elsewhere."""
    named = params.get("folder")
    if type(named) is not str or "\0" in named:
        return params
    folder = _folder() / ARCHIVES / named.encode("utf-8", "replace").decode()[:64].replace("..", "").strip("/")
    return {**params, "folder": str(folder)}


def _answered(api: Api, method: str, params: dict[str, Any]) -> None:
    """Ask, and see that the answer is JSON; one that waits for something that only time brings is left."""
    loop = _loop()
    asking = loop.create_task(api.call(method, params))
    for _ in range(TURNS_MAX):
        loop.call_soon(loop.stop)
        loop.run_forever()
        if asking.done():
            break
    if asking.done():
        json.dumps(asking.result())
    else:
        asking.cancel()


def _genuine_questions() -> Mapping[str, bytes]:
    said = _asked()[1]
    card = {"telephone": [{"number": "+81", "name": "officer", "languages": ["ja"]}], "other": []}
    assertion = encode([1, 0, bytes(64)]).hex()
    signed = {"nonce": bytes(16).hex(), "assertion": assertion}
    known: dict[str, dict[str, Any]] = {
        "watch_on": {"number": 1, "role": "duty", "until": NOW + 3_600, **signed},
        "watch_off": {"number": 1, **signed},
        "watch_handover_draft": {"leaving": 1, "relief": 2, "role": None, "until": NOW + 3_600},
        "watch_handover": {"record": "80", "nonce": signed["nonce"], "assertions": encode([]).hex()},
        "watch_handovers": {"limit": 3},
        "console_arm": {"console": "one"},
        "console_disarm": {"console": "two"},
        "console_sounded": {"console": "one", "line": "beijing", "id": said.unheard},
        "escalation_test": {"step": "sound-again"},
        "fallback": {"line": "beijing"},
        "fallback_set": {"line": "beijing", "card": card},
        "report": {"line": "beijing", "start": START, "end": NOW},
        "silence": {"line": "beijing", "id": said.unacknowledged},
        "terms_show": {"line": "beijing"},
        "bodies_due": {"line": "beijing", "older_than_days": BODY_DAYS},
        "archive": {"line": "beijing", "folder": "", "older_than_days": 2 * PASSED_DAYS - 1},
        "erase": {"line": "beijing", "older_than_days": None},
        "renewal_put": {"line": LINE.hex(), "before": bytes(32).hex(), "pairing": encode([]).hex(), "waiting": None},
    }
    talks = _questions_about_talks(said)
    asked_so = {*known, *(method for method, _ in talks.values())}
    others: dict[str, dict[str, Any]] = {name: {} for name in _part_methods() if name not in asked_so}
    asked = {**{name: (name, params) for name, params in (others | known).items()}, **talks}
    return {key: json.dumps({"method": name, "params": params}).encode() for key, (name, params) in asked.items()}


def _questions_about_talks(said: Said) -> Mapping[str, tuple[str, dict[str, Any]]]:
    """By the name of the input: the method and its parameters. Some of the steps would count, and one of them would not."""
    promised: dict[str, Any] = {"terms": "T", "strength": "agreed_to_try", "due": "2023-09-01/2023-09-30 en=x; ja=x"}
    points = [{"text": "x", "about": [said.item]}]
    steps: dict[str, tuple[str, dict[str, Any]]] = {
        "acceptance": ("acceptance", {"of": said.offered, "digest": said.digest}),
        "readout": ("readout", {"event": said.round, "own_text": "x", "publication": "published", "points": points}),
        "commitment": ("commitment", {"item": said.item, "meeting": said.round, **promised}),
        "proposal": (
            "talks-proposal",
            {"topic": "T", "level": "director", "dates": ["2023-09-01T01:00:00Z"], "mode": "video", "place": "P"},
        ),
        "own-text": ("acceptance", {"of": said.commitment, "digest": said.digest}),
    }
    questions: dict[str, dict[str, Any]] = {
        **{f"talks_{name}": {} for name in ("list", "commitments", "open", "arrangements", "calendar", "due")},
        "talks_show": {"round": said.item},
        "talks_readout": {"id": said.readout},
        "talks_review": {"start": START, "end": NOW},
    }
    checks = {
        f"talks_check-{name}": ("talks_check", {"line": "beijing", "kind": kind, "fields": fields, "exercise": False})
        for name, (kind, fields) in steps.items()
    }
    return {name: (name, {"line": "beijing", **params}) for name, params in questions.items()} | checks


def _check_console() -> Check:
    """The body of a question to the console, as a page of anyone may send it once it has a session."""

    def check(data: bytes) -> None:
        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": data, "more_body": False}

        question = _loop().run_until_complete(_question(Request({"type": "http", "method": "POST", "headers": []}, receive)))
        for text in (*_signed(question), _text(question, "reason")):
            need(all(category(character) != "Cc" or character in "\t\n" for character in text), "a control character passes")

    return check


def _genuine_bodies() -> Mapping[str, bytes]:
    said = {"line": "beijing", "id": "theirs:1", "officer": "duty", "passphrase": "pass phrase 氣球", "reason": "two\nlines"}
    armed = {"stream": "one", "armed": True}
    return {"hold": json.dumps({**said, "minutes": 10}).encode(), "armed": json.dumps(armed).encode()}


def _check_relay_answer() -> Check:
    """What the server of a relay answers, and the subject under which it hands out a frame."""

    def check(data: bytes) -> None:
        number = sequence_of(data.decode("utf-8", "replace"))
        need(0 <= number < 10**19, "a number that no stream has")
        answer = read_answer(data)
        need(answer.error is None or type(answer.error) is int, "an error without a number")

    return check


def _genuine_relay_answers() -> Mapping[str, bytes]:
    return {
        "taken": b'{"stream":"watchline-box","seq":7}',
        "box": b'{"type":"io.nats.jetstream.api.v1.stream_info_response","config":{},"state":{"messages":1,"last_seq":9}}',
        "refused": b'{"error":{"code":404,"err_code":10059,"description":"stream not found"}}',
        "subject": b"$JS.ACK.watchline-box.desk.1.7.7.1700000000000000000.0",
        "domain": b"$JS.ACK.hub.account.watchline-box.desk.1.7.7.1700000000000000000.0.token",
    }


def methods_of_parts() -> frozenset[str]:
    """For the test that no method of a part is without a question in the corpus."""
    return _part_methods() - frozenset(METHODS)


TARGETS = (
    Target("api", _check_api, _genuine_questions, mutate_json, (WatchlineError,), 200),
    Target("console-question", _check_console, _genuine_bodies, mutate_json, (WatchlineError,), 200),
    Target("relay-answer", _check_relay_answer, _genuine_relay_answers, mutate_text, (RelayRefuses,), 2_000),
)
