"""What people of a desk do besides writing: they amend the terms of a line, sign in and out, and let a console sound."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

from watchline.core.amendments import JournalSource, is_amendment
from watchline.core.clocks import ACKNOWLEDGE
from watchline.core.entries import Body, EntryType
from watchline.core.line import Phase
from watchline.core.outgoing import Draft
from watchline.core.persons import assertion_challenge, sign_assertion
from watchline.core.release import asserted
from watchline.core.terms import Terms
from watchline.desk.handover import off_statement, on_statement, sign_watch
from watchline.desk.lines import OpenLine
from watchline.desk.officers import OfficerKey

if TYPE_CHECKING:
    from reliability.simulator.machine import Machine

WATCH_SECONDS = 8 * 3_600
CONSOLE = "console"
SOUNDED_MAX = 64  # notices for which one console sounds at a time: the most urgent of those that wait


def amend(machine: Machine, opened: OpenLine, source: random.Random, eagerness: float) -> bool:
    """Two officers agree to terms that the peer proposed, or, as eager as they are, propose others; whether they did."""
    desk, line = machine.desk, opened.line
    if line.phase is Phase.STOPPED or not desk.has_room or line.unconfirmed:
        return False
    before = line.terms
    proposed = [each.terms for each in JournalSource(line.setup, machine.journal).entered(line.setup.pair)[1]]
    waiting = [text for text in proposed if is_amendment(before, text)]
    if source.random() >= (0.9 if waiting else eagerness):
        return False
    text = source.choice(waiting) if waiting else changed(before, source)
    content, nonce, setup = text.encode(), source.randbytes(16), line.setup
    purpose, what = asserted(EntryType.TERMS, Body(content), None)
    challenge = assertion_challenge(purpose, setup.line, setup.own_id, nonce, what)
    signed = tuple(sign_assertion(number, key, challenge).to_value() for number, key in enumerate(machine.party.officers, 1))
    desk.compose(opened, Draft(EntryType.TERMS, content, nonce, signed, released=True))
    return True


def changed(before: Terms, source: random.Random) -> Terms:
    """The next version of these terms, with another interval and other clocks."""
    clocks = list(before.clocks)
    rank = source.randrange(len(clocks))
    clocks[rank] = clocks[rank]._replace(acknowledge=source.randint(2, 90))
    return replace(before, version=before.version + 1, clocks=tuple(clocks), status_interval_seconds=source.choice((5, 20, 60)))


def keep_watch(machine: Machine, opened: OpenLine, source: random.Random) -> None:
    """An officer signs in or out with a key, a console is armed or falls silent, or it sounds for what waits for people."""
    desk = machine.desk
    moment, watch = desk.moment(), desk.watch
    what = source.choice(("people", "console", "sound", "sound"))
    if what == "people":
        number = source.choice((1, 2))
        until = moment.wall + WATCH_SECONDS
        on = all(person.number != number for person in watch.people)
        statement = on_statement(number, "duty", until) if on else off_statement(number)
        nonce = desk.watch_signatures.ask()
        officer = OfficerKey(number, "duty", machine.party.officers[number - 1])
        signed = sign_watch(officer, desk.facts.identity.id, nonce, statement)
        desk.watch_signatures.verify(nonce, statement, [signed], 1)
        if on:
            watch.sign_in(number, "duty", moment.wall, until)
        else:
            watch.sign_out(number)
    elif what == "console" and watch.is_armed(CONSOLE, moment):
        watch.disarm(CONSOLE)
    else:
        watch.arm(CONSOLE, moment)
    if what == "sound":
        waiting = [clock for clock in opened.running_clocks(False, moment) if clock.kind == ACKNOWLEDGE]
        for clock in waiting[:SOUNDED_MAX]:
            watch.sounded(opened, clock.index, moment)
