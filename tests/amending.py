"""Terms amended over two real lines: proposals as two officers sign them, and what each side makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from tests.line_pair import LinePair, Side, joined
from watchline.core.entries import Body, EntryType, Notice, Precedence
from watchline.core.outgoing import Draft
from watchline.core.persons import Roster, assertion_challenge, sign_assertion
from watchline.core.records import EntryRecord
from watchline.core.terms import Terms

QUESTION = Notice("statement", 1, Precedence.FLASH, False, "en", {1: "?"})


@contextmanager
def amending(seed: object = 0) -> Iterator[LinePair]:
    """A pair whose officers may amend the terms."""
    with joined(seed) as pair:
        for side in (pair.a, pair.b):
            let_amend(side)
        yield pair


def let_amend(side: Side) -> None:
    """Make every officer that a side knows of a releaser."""
    own, peer = releasers(side.setup.own_roster), releasers(side.setup.peer_roster)
    side.setup = replace(side.setup, own_roster=own, peer_roster=peer)
    side.line.take_setup(side.setup)


def releasers(roster: Roster) -> Roster:
    """The same officers, as releasers."""
    return Roster(roster.version, tuple(replace(officer, role="releaser") for officer in roster.officers))


def by_id(pair: LinePair) -> tuple[Side, Side]:
    """The side with the lower id, and the other."""
    low, high = sorted((pair.a, pair.b), key=lambda side: side.setup.own_id)
    return low, high


def next_text(side: Side, **changes: Any) -> Terms:
    """The next version after what is in force at a side."""
    return replace(side.line.terms, version=side.line.terms.version + 1, **changes)


def terms_draft(side: Side, text: Terms | bytes, *, people: int = 2, purpose: str = "terms") -> Draft:
    """A TERMS entry that so many officers signed."""
    content = text if isinstance(text, bytes) else text.encode()
    nonce = side.clock.random.randbytes(16)
    challenge = assertion_challenge(purpose, side.setup.line, side.setup.own_id, nonce, Body(content).digest)
    signed = [sign_assertion(n, key, challenge).to_value() for n, key in enumerate(side.party.officers[:people], start=1)]
    return Draft(EntryType.TERMS, content, nonce, tuple(signed), released=people == 2 and purpose == "terms")


def enter(side: Side, text: Terms | bytes, *, people: int = 2, purpose: str = "terms") -> EntryRecord:
    """Enter a text into a side's log: to propose it, or to accept it."""
    return side.line.compose(terms_draft(side, text, people=people, purpose=purpose), side.clock.moment())


def agree(pair: LinePair, **changes: Any) -> Terms:
    """Amend the terms: Tokyo proposes, Beijing accepts, and both have it."""
    text = next_text(pair.a, **changes)
    enter(pair.a, text)
    pair.settle(1)
    enter(pair.b, text)
    pair.settle(1)
    assert pair.a.line.terms == pair.b.line.terms == text
    return text


def ask(side: Side, people: int = 1) -> EntryRecord:
    """A FLASH that is to be acknowledged, released by so many officers, as a desk composes it."""
    content = replace(QUESTION, fields={1: str(side.clock.random.random())}).encode()
    nonce = side.clock.random.randbytes(16)
    challenge = assertion_challenge("release", side.setup.line, side.setup.own_id, nonce, Body(content).digest)
    signed = [sign_assertion(n, key, challenge).to_value() for n, key in enumerate(side.party.officers[:people], start=1)]
    released = people >= side.line.terms.people_needed("statement", Precedence.FLASH)
    draft = Draft(EntryType.NOTICE, content, nonce, tuple(signed), released=released)
    return side.line.compose(draft, side.clock.moment())


def judgements(side: Side, *, outgoing: bool) -> list[tuple[int, int, bool, int]]:
    """(type, index, released, version of the terms) of every entry of one log of the present pair, as a side judges it."""
    log = side.setup.outgoing_log if outgoing else side.setup.incoming_log
    records = side.journal.entries(log, 0, side.journal.size(log))
    return [(record.type, record.index, record.released, side.line.terms_at(record).version) for record in records]


def both_agree(pair: LinePair) -> None:
    """Both have the same terms in force, judge every entry alike, and accuse each other of nothing."""
    assert pair.a.line.terms == pair.b.line.terms
    for author, reader in ((pair.a, pair.b), (pair.b, pair.a)):
        assert judgements(author, outgoing=True) == judgements(reader, outgoing=False)
        assert author.alarms() == []
