"""The desk that questions are asked of: in talks, with old bodies to be removed, and with a notice that nobody acknowledged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.desk.desk_pair import DeskEnd, DeskPair
from tests.desk.talking import talkers, theirs
from tests.desk.test_report import say
from tests.line_pair import START, terms
from watchline.core.entries import EntryType, Notice, Precedence
from watchline.core.keys import KemKey
from watchline.core.outgoing import Draft
from watchline.core.terms import Clocks
from watchline.desk.own import DOCUMENT

DAY_SECONDS = 86_400
BODY_DAYS = 30
PASSED_DAYS = 40  # after each of the notes
WAITED_SECONDS = 700
NOW = START + 2 * PASSED_DAYS * DAY_SECONDS
ARCHIVE = KemKey(b"a" * 32)
_NOTE = "escalation-report"  # nobody has to acknowledge one
_DATES = ["2023-04-22T01:00:00Z", "2023-04-23/2023-04-24 en=the day after; ja=翌日"]


@dataclass(frozen=True, slots=True)
class Said:
    """What the desk calls entries of its talks. digest: of the arrangement that the peer has offered.

    unacknowledged, unheard: a notice of either desk, ours and theirs, whose clock has run out.
    """

    round: str
    item: str
    commitment: str
    arrangement: str
    readout: str
    offered: str
    digest: str
    unacknowledged: str = ""
    unheard: str = ""


def asked_desk(folder: Path) -> tuple[DeskPair, Said]:
    """Tokyo and Beijing; Tokyo is asked."""
    agreed = terms()
    clocks = {**agreed.form_clocks, _NOTE: Clocks(None, None)}
    unreleased = tuple(sorted({*agreed.unreleased_forms, _NOTE}))
    pair = DeskPair(folder, agreed=replace(agreed, body_days=BODY_DAYS, form_clocks=clocks, unreleased_forms=unreleased))
    facts = replace(pair.a.desk.facts, archive=ARCHIVE.public)
    pair.a.journal.put_document(*DOCUMENT, facts.encode(), sealed=True)
    pair.a.restart()
    pair.join()
    pair.advance(5)
    said = _hold_talks(pair)
    for _ in range(2):
        _note(pair.a)
        pair.advance(2)
        _pass_days(pair)
    ours, of_peer = say(pair.a, Precedence.FLASH), say(pair.b, Precedence.FLASH)
    pair.advance(WAITED_SECONDS)
    return pair, replace(said, unacknowledged=_name(pair.a, ours), unheard=theirs(_name(pair.b, of_peer)))


def _name(end: DeskEnd, index: int) -> str:
    record = end.journal.entry(end.line.line.setup.outgoing_log, index)
    assert record is not None
    return f"ours:{record.number}"


def _hold_talks(pair: DeskPair) -> Said:
    tokyo, beijing = talkers(pair)
    proposal: dict[str, Any] = {"topic": "Airspace", "level": "director", "dates": _DATES, "mode": "video", "place": "Tokyo"}
    round_ = tokyo.say("talks-proposal", **proposal)
    pair.advance(2)
    beijing.accept(theirs(round_), date=_DATES[1])
    pair.advance(2)
    item = tokyo.say("agenda-item", meeting=round_, subject="Balloons")
    tokyo.say("agenda-item", meeting=round_, subject="Supply chains")
    pair.advance(2)
    beijing.accept(theirs(item))
    promised: dict[str, Any] = {
        "terms": "A hotline is opened.",
        "strength": "agreed_to_try",
        "due": "2023-05-01/2023-05-31 en=in May; ja=五月",
    }
    commitment = tokyo.say("commitment", item=item, meeting=round_, **promised)
    every: dict[str, Any] = {"every": "year", "first": "2023-11-01T01:00:00Z", "mode": "video", "review": True}
    arrangement = tokyo.say("arrangement", name="Yearly", level="director", **every)
    pair.advance(2)
    beijing.accept(theirs(commitment))
    beijing.accept(theirs(arrangement))
    offered = theirs(beijing.say("arrangement", name="Monthly", level="director", **{**every, "every": "month"}))
    readout: dict[str, Any] = {"event": round_, "own_text": "They met.", "publication": "published"}
    published = tokyo.say("readout", **readout, points=[{"about": [commitment]}, {"text": "Balloons.", "about": [item]}])
    pair.advance(2)
    digest = tokyo.call("resolve", line=tokyo.line, entry=offered)["digest"]
    return Said(round_, item, commitment, arrangement, published, offered, digest)


def _note(end: DeskEnd) -> None:
    content = Notice(_NOTE, 1, Precedence.ROUTINE, False, "en", {1: "a note"}).encode()
    end.desk.compose(end.line, Draft(EntryType.NOTICE, content, released=True))


def _pass_days(pair: DeskPair) -> None:
    """The clocks on the walls move on; nothing waits through it."""
    for end in (pair.a, pair.b):
        end.scheduler.wall += PASSED_DAYS * DAY_SECONDS
    pair.advance(3)
