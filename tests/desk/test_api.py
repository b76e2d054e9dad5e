"""The desk's questions and answers: what is asked wrongly is refused by name, and a node goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.desk.desk_pair import DeskPair
from tests.line_pair import terms
from watchline.core.encoding import encode
from watchline.core.entries import Notice, Precedence
from watchline.desk.api import Api
from watchline.errors import NegativeAnswer, RouteError, UsageError

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
