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

from reliability.fuzz.mutation import mutate_json, mutate_text
from reliability.fuzz.target import Check, Target, need
from tests.desk.desk_pair import DeskPair
from tests.line_pair import START
from watchline.console.app import _question, _signed, _text
from watchline.core.encoding import encode
from watchline.desk.api import METHODS, PARTS, Api
from watchline.errors import WatchlineError
from watchline.routes.nats import sequence_of
from watchline.routes.nats_client import RelayRefuses, read_answer


@cache
def _api() -> Api:
    """Tokyo's, with Beijing at the other end and a notice of it that nobody has acknowledged."""
    stack = ExitStack()
    atexit.register(stack.close)
    memory = Path("/dev/shm")
    folder = stack.enter_context(tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None))
    pair = DeskPair(Path(folder))
    stack.callback(pair.close)
    pair.join()
    pair.advance(5)
    return Api(pair.a.desk, live=True)


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
            _answered(api, method, params)

    return check


def _answered(api: Api, method: str, params: dict[str, Any]) -> None:
    """Ask, and see that the answer is JSON; one that waits for something that only time brings is left."""
    loop = _loop()
    asking = loop.create_task(api.call(method, params))
    for _ in range(3):
        loop.call_soon(loop.stop)
        loop.run_forever()
    if asking.done():
        json.dumps(asking.result())
    else:
        asking.cancel()


def _genuine_questions() -> Mapping[str, bytes]:
    card = {"telephone": [{"number": "+81", "name": "officer", "languages": ["ja"]}], "other": []}
    assertion = encode([1, 0, bytes(64)]).hex()
    signed = {"nonce": bytes(16).hex(), "assertion": assertion}
    known: dict[str, dict[str, Any]] = {
        "watch_on": {"number": 1, "role": "duty", "until": START + 3_600, **signed},
        "watch_off": {"number": 1, **signed},
        "watch_handover_draft": {"leaving": 1, "relief": 2, "role": None, "until": START + 3_600},
        "watch_handover": {"record": "80", "nonce": signed["nonce"], "assertions": encode([]).hex()},
        "watch_handovers": {"limit": 3},
        "console_arm": {"console": "one"},
        "console_disarm": {"console": "one"},
        "console_sounded": {"console": "one", "line": "beijing", "id": "theirs:1"},
        "escalation_test": {"step": "sound-again"},
        "fallback": {"line": "beijing"},
        "fallback_set": {"line": "beijing", "card": card},
        "terms_show": {"line": "beijing"},
    }
    others: dict[str, dict[str, Any]] = {name: {} for name in _part_methods() if name not in known}
    lined = {f"{name}-line": (name, {"line": "beijing", "id": "ours:1"}) for name in others}
    asked = {**{name: (name, params) for name, params in (known | others).items()}, **lined}
    return {key: json.dumps({"method": name, "params": params}).encode() for key, (name, params) in asked.items()}


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
