"""What a peer of a newer version may put on the wire: kept where it is an entry, left alone where it is not, never guessed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest

from tests.dishonest import goes_on, only
from tests.line_pair import LinePair, Side, joined
from watchline.core.encoding import Value, encode
from watchline.core.entries import Body, EntryType, Notice, Precedence
from watchline.core.frames import FrameKey, Probe, Receipt, Refusal
from watchline.core.line import Phase
from watchline.core.outgoing import Draft
from watchline.core.statements import StatementType, sign_statement

LATER = cast(EntryType, 99)


@pytest.fixture
def pair() -> Iterator[LinePair]:
    with joined() as made:
        yield made


def payload(side: Side, *parts: Value) -> bytes:
    """A frame of a desk with any payload."""
    nonce = side.clock.random.randbytes(12)
    return nonce + FrameKey(side.setup.outer_keys()[0])._cipher.encrypt(nonce, encode(list(parts)) + b"\x80", None)


def hear(side: Side, frame: bytes) -> None:
    side.line.receive(frame, side.clock.moment())
    side.turn()


def later_statement(side: Side) -> list[Value]:
    """A statement of a type that nobody knows, with good signatures, as an item."""
    kind: Any = 99
    made = sign_statement(cast(StatementType, kind), side.setup.outgoing, (1, "news"), side.setup.own_keys.statement)
    return [3, encode([99, *side.setup.pair, 1, "news"]), made.ed, made.ml]


def test_entry_of_a_later_type_is_stored_receipted_and_follows_the_log_over_a_restart(pair: LinePair) -> None:
    content = encode(["what a later version says", {1: b"\x00"}])
    pair.a.line.compose(Draft(LATER, content, re=0), pair.a.clock.moment())
    pair.a.say("and what everyone says")
    pair.settle()
    pair.b.restart(connected=True)
    pair.settle()
    log = pair.b.setup.incoming_log
    kept = [entry for entry in pair.b.journal.entries(log, 0, pair.b.journal.size(log)) if entry.type == LATER]
    assert [(Body.decode(entry.body).content, entry.re, entry.number) for entry in kept] == [(content, 0, None)]
    receipt = pair.a.journal.latest_receipt(pair.a.setup.outgoing_log)
    assert receipt is not None
    assert receipt.size == pair.a.line.outgoing.edge.size
    assert pair.b.texts() == ["and what everyone says"]
    assert pair.a.alarms() == pair.b.alarms() == []
    assert goes_on(pair)


def test_form_and_form_version_that_are_not_known_are_released_and_wait_for_people_as_others_do(pair: LinePair) -> None:
    for form, version in (("deep-sea-cable", 1), ("airspace-object", 2)):
        pair.a.notice(Notice(form, version, Precedence.FLASH, False, "en", {1: "?", 99: [b"\x01"]}))
    pair.settle()
    assert [record.released for record in pair.b.arrived[-2:]] == [True, True]
    assert pair.b.line.unacknowledged == 2
    assert pair.a.alarms() == pair.b.alarms() == []


def test_item_of_a_later_kind_is_counted_and_the_rest_of_its_frame_is_heard(pair: LinePair) -> None:
    junk = pair.b.line.junk
    hear(pair.b, payload(pair.a, 1, [77, "news", b"\x01"], [0, 4_711, None, 0]))
    assert pair.b.line.junk == junk + 1
    assert only(Probe, pair.b.sent()).echo == 4_711
    pair.b.out.clear()
    assert pair.b.alarms() == []
    assert goes_on(pair)


@pytest.mark.slow
@pytest.mark.parametrize("part", ["a later statement", "a part more"])
def test_statement_of_a_later_type_and_item_with_a_part_more_are_counted(pair: LinePair, part: str) -> None:
    junk = pair.b.line.junk
    hear(pair.b, payload(pair.a, 1, later_statement(pair.a) if part == "a later statement" else [0, 4_711, None, 0, "more"]))
    assert pair.b.line.junk == junk + 1
    assert pair.b.line.phase is Phase.OPEN
    assert pair.b.alarms() == []
    assert goes_on(pair)


def test_payload_of_a_later_version_is_refused_by_37_and_alarms_people_on_both_sides_once(pair: LinePair) -> None:
    for _ in range(5):
        hear(pair.b, payload(pair.a, 2, [0, 4_711, None, 0]))
        assert [item.rule for item in pair.b.sent() if isinstance(item, Refusal)] == [37]
        assert not any(isinstance(item, Probe | Receipt) for item in pair.b.sent())
        pair.deliver_one(pair.b, pair.a)
        pair.clock.advance(1)
    assert [(alarm.rule, alarm.kind) for alarm in pair.b.alarms()] == [(37, "malformed")]
    assert "another version" in pair.b.alarms()[0].message
    assert [alarm.rule for alarm in pair.a.alarms()] == [37]
    pair.a.say("still here")
    pair.settle()
    assert pair.b.texts() == ["still here"]
