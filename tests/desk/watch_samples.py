"""Two desks on which a watch can be kept: drills and reports may be sent by machines, and people sign with real keys."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from tests.desk.desk_pair import DeskEnd
from tests.line_pair import party, terms
from watchline.core.encoding import encode
from watchline.core.entries import Body, EntryType, Leaf, Notice, Precedence, Response
from watchline.core.outgoing import Draft
from watchline.core.persons import assertion_challenge, sign_assertion
from watchline.core.records import EntryRecord
from watchline.core.terms import Clocks
from watchline.desk.api import Api
from watchline.desk.handover import off_statement, on_statement, sign_watch
from watchline.desk.officers import OfficerKey

SAMPLE = terms()
AGREED = replace(
    SAMPLE,
    form_clocks={**SAMPLE.form_clocks, "drill": Clocks(0, None), "escalation-report": Clocks(None, None)},
    unreleased_forms=("airspace-object", "drill", "escalation-report", "test"),
)


def officer_key(desk: str, number: int) -> OfficerKey:
    """The key of an officer of the sample desks: 1 and 2, both of the role duty."""
    return OfficerKey(number, f"officer-{number}", party(desk).officers[number - 1])


def say(end: DeskEnd, precedence: Precedence = Precedence.FLASH, *, exercise: bool = False) -> EntryRecord:
    """A notice that the other desk's people must acknowledge."""
    content = Notice("airspace-object", 1, precedence, exercise, "en", {1: "balloon"}).encode()
    return end.desk.compose(end.line, Draft(EntryType.NOTICE, content, released=True))


def acknowledge(end: DeskEnd, desk: str, index: int) -> None:
    """Officer 1 of this desk acknowledges entry `index` of the other one."""
    setup = end.line.line.setup
    record = end.journal.entry(setup.incoming_log, index)
    assert record is not None
    leaf = Leaf.decode(record.leaf)
    content = Response(
        EntryType.ACKNOWLEDGE, leaf.direction.inc, leaf.direction.peer_inc, index, leaf.commitment, "en"
    ).encode()
    nonce = end.scheduler.moment().random(16)
    what = Body(content).digest
    challenge = assertion_challenge("acknowledge", setup.line, setup.own_id, nonce, what)
    assertion = sign_assertion(1, party(desk).officers[0], challenge).to_value()
    end.desk.compose(end.line, Draft(EntryType.ACKNOWLEDGE, content, nonce, (assertion,), index, released=True))


def ask(end: DeskEnd, method: str, *, live: bool = True, **params: Any) -> dict[str, Any]:
    return asyncio.run(Api(end.desk, live=live).call(method, params))


def sign_on(end: DeskEnd, desk: str, number: int, *, hours: float = 8, signer: int | None = None, role: str = "duty") -> Any:
    """Ask for officer `number` to be signed in, with the signature of `signer` (else their own)."""
    until = end.scheduler.moment().wall + int(hours * 3600)
    nonce = ask(end, "watch_nonce")["nonce"]
    key = officer_key(desk, signer or number)
    assertion = sign_watch(key, end.desk.facts.identity.id, bytes.fromhex(nonce), on_statement(number, role, until))
    return ask(end, "watch_on", number=number, role=role, until=until, nonce=nonce, assertion=encode(assertion).hex())


def sign_off(end: DeskEnd, desk: str, number: int, *, signer: int) -> Any:
    nonce = ask(end, "watch_nonce")["nonce"]
    key = officer_key(desk, signer)
    assertion = sign_watch(key, end.desk.facts.identity.id, bytes.fromhex(nonce), off_statement(number))
    return ask(end, "watch_off", number=number, nonce=nonce, assertion=encode(assertion).hex())
