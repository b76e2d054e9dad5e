"""The desk's questions and answers: what is asked wrongly is refused by name, and a node goes on."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.desk.desk_pair import DeskPair
from tests.line_pair import terms
from watchline.core.encoding import encode
from watchline.core.entries import Notice, Precedence
from watchline.desk.api import Api
from watchline.errors import NegativeAnswer, RouteError, UsageError, WatchlineError

CONTENT = Notice("free-text", 1, Precedence.ROUTINE, False, "en", {1: "said"}).encode().hex()


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[DeskPair]:
    joined = DeskPair(tmp_path, agreed=replace(terms(), unreleased_forms=("free-text", "test")))
    joined.join()
    joined.advance(3)
    yield joined
    joined.close()


def ask(pair: DeskPair, method: str, *, live: bool = True, **params: Any) -> dict[str, Any]:
    return asyncio.run(Api(pair.a.desk, live=live).call(method, params))


@pytest.mark.slow
@pytest.mark.parametrize(
    "wrong",
    [
        {"content": "not hex"},
        {"content": 7},
        {"nonce": "zz"},
        {"assertions": "zz"},
        {"assertions": "ff"},
        {"assertions": encode(7).hex()},
        {"type": 0},
        {"type": 77},
        {"type": "1"},
        {"line": "nobody"},
        {"wait": "for ever"},
        {"unknown": 1},
        {"content": "00" * 70_000},
    ],
    ids=str,
)
def test_what_is_asked_wrongly_is_refused_and_nothing_is_said(pair: DeskPair, wrong: dict[str, Any]) -> None:
    size = pair.a.line.line.outgoing.edge.size
    with pytest.raises(UsageError):
        ask(pair, "compose", **{"line": "beijing", "type": 1, "content": CONTENT, **wrong})
    assert pair.a.line.line.outgoing.edge.size == size


def test_a_method_that_there_is_not_is_refused(pair: DeskPair) -> None:
    for method in ("", "call", "_compose", "__init__", "compose\n"):
        with pytest.raises(UsageError):
            ask(pair, method)


def test_without_a_node_nothing_is_said(pair: DeskPair) -> None:
    with pytest.raises(RouteError):
        ask(pair, "compose", live=False, line="beijing", type=1, content=CONTENT)


def test_the_same_once_key_is_the_same_entry(pair: DeskPair) -> None:
    first = ask(pair, "compose", line="beijing", type=1, content=CONTENT, once="shift 3, item 1")
    again = ask(pair, "compose", line="beijing", type=1, content=CONTENT, once="shift 3, item 1")
    other = ask(pair, "compose", line="beijing", type=1, content=CONTENT, once="shift 3, item 2")
    assert first["id"] == again["id"] != other["id"]


def test_a_notice_that_nobody_released_is_refused_before_it_is_said(pair: DeskPair) -> None:
    content = Notice("statement", 1, Precedence.ROUTINE, False, "en", {1: "said"}).encode().hex()
    with pytest.raises(UsageError, match="released"):
        ask(pair, "compose", line="beijing", type=1, content=content)


def test_a_reference_names_one_entry_or_is_refused(pair: DeskPair) -> None:
    said = ask(pair, "compose", line="beijing", type=1, content=CONTENT)["id"]
    assert ask(pair, "resolve", line="beijing", entry=said)["form"] == "free-text"
    assert ask(pair, "resolve", line="beijing", entry="Tokyo/1/1")["id"] == said
    assert ask(pair, "resolve", line="beijing", entry="1")["id"] == said
    for wrong in ("ours:2", "theirs:1", "Tokyo/2/1", "Seoul/1/1", "ours:", "ours:1 ", "-1", "0x1", "ours:1" * 50, ""):
        with pytest.raises(UsageError):
            ask(pair, "resolve", line="beijing", entry=wrong)


def test_who_waited_in_vain_is_told_no_and_is_not_remembered(pair: DeskPair) -> None:
    with pytest.raises(NegativeAnswer):
        ask(pair, "compose", line="beijing", type=1, content=CONTENT, wait="acknowledged", wait_seconds=0.01)
    assert pair.a.line.waiters == []


VALUES: tuple[Any, ...] = (
    None, True, 0, 1, -1, 2**60, 10**400, 1.5, float("nan"), float("inf"), "", "beijing", "\ud800", "a\0b", "zz", "00",
    "x" * 999, [], [1], ["beijing"], {}, {"a": 1}, {"telephone": [{"name": 1}]},
)  # fmt: skip
CHANGES_THE_HOME = ("line_drop", "reload")


@pytest.mark.slow
def test_whatever_a_program_asks_of_any_method_is_answered_or_refused_in_words(
    pair: DeskPair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each parameter in turn takes every kind of JSON value; the others are good. No method trips over one."""
    monkeypatch.chdir(tmp_path)  # some values are names of files
    good = {
        "line": "beijing", "entry": "1", "id": "1", "type": 1, "content": CONTENT, "kind": "own-routes", "key": "self",
        "value": None, "sealed": False, "out": str(tmp_path / "out"), "path": str(tmp_path / "copy"), "number": 1,
        "role": "duty", "until": 1_700_000_000, "nonce": "00" * 16, "assertion": "00", "assertions": "80", "record": "80",
        "leaving": 1, "relief": 2, "console": "desk",
        "step": "bell", "start": 0, "end": 86_400, "card": None, "name": "beijing", "created": 1,
        "confirmed": True, "pairing": "80", "wait_seconds": 0.0,
    }  # fmt: skip
    api = Api(pair.a.desk, live=True)
    for method in sorted(set(api._methods) - set(CHANGES_THE_HOME)):
        names = list(inspect.signature(api._methods[method]).parameters)
        for changed in (*names, None):
            for value in VALUES:
                params: dict[str, Any] = {name: good[name] for name in names if name in good}
                params |= {"wait": False} if method == "test" else {}  # there is no time to wait in
                if changed is not None:
                    params[changed] = value
                with suppress(WatchlineError):
                    asyncio.run(api.call(method, params))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "wrong"),
    [
        ("status", {"line": 7}),
        ("compose", {"re": True}),
        ("compose", {"type": 10**400}),
        ("compose", {"wait_seconds": float("nan")}),
        ("export", {"ids": [1]}),
        ("fallback_set", {"card": []}),
        ("report", {"start": "yesterday"}),
        ("alarms", {"line": "beijing"}),
        ("entries", {"line": "\ud800"}),
    ],
    ids=str,
)
def test_a_parameter_of_another_type_is_refused_by_its_name(pair: DeskPair, method: str, wrong: dict[str, Any]) -> None:
    good: dict[str, Any] = {"line": "beijing", "type": 1, "content": CONTENT, "out": "x", "start": 0, "end": 1}
    names = inspect.signature(Api(pair.a.desk)._methods[method]).parameters
    (name,) = wrong
    with pytest.raises(UsageError, match=f"{method}: {name} is|other parameters than it takes"):
        ask(pair, method, **{each: good[each] for each in names if each in good} | wrong)
