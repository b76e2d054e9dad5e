"""How a line stands, as people and programs are shown it: the state, what proves it, and four lamps, in the desk's language."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from watchline.core.lamps import UNKNOWN, Lamp, Lamps
from watchline.core.line_parts import PHASE_PART
from watchline.core.line_state import Standing, State
from watchline.core.phases import Phase
from watchline.desk.clock import rfc3339
from watchline.desk.desk import Desk
from watchline.journal import LineRecord

Json = dict[str, Any]
PAIRING = "pairing"  # before the digits are compared a line is in no state


def line_standing(desk: Desk, row: LineRecord) -> Json:
    """State, side, since, proof, strength and lamps of one line. A line that no node runs is down by our own doing."""
    opened = desk.lines.get(row.line)
    if opened is not None:
        moment = desk.moment()
        return _shown(desk, opened.standing(moment), opened.lamps(moment))
    standing = Standing(State.LINE_DOWN, "ours", None, "no_node", "weak", 0)
    if not row.confirmed:
        return {**_shown(desk, replace(standing, side=None, proof="not_confirmed"), UNKNOWN), "state": PAIRING}
    part = desk.setup_of(row)[0].part(PHASE_PART)
    if desk.journal.state(row.line, part) == Phase.STOPPED.value.encode():
        standing = Standing(State.STOPPED, None, None, "kept_alarm", "strong", 0)
    return _shown(desk, standing, UNKNOWN)


def _shown(desk: Desk, standing: Standing, lamps: Lamps) -> Json:
    def word(topic: str, key: str | None) -> str | None:
        return None if key is None else desk.catalogue.word(topic, key, desk.facts.language).text

    def lamp(each: Lamp) -> Json:
        return {"colour": each.colour, "word": word("lamps", each.code), "text": word("lamp-texts", each.code)}

    return {
        "state": standing.state.value,
        "side": standing.side,
        "since": None if standing.since is None else rfc3339(standing.since),
        "proof": standing.proof,
        "strength": standing.strength,
        "words": {
            "state": word("states", standing.state.value),
            "side": word("sides", standing.side),
            "proof": word("proofs", standing.proof),
            "strength": word("strengths", standing.strength),
        },
        "lamps": {name: lamp(getattr(lamps, name)) for name in ("line", "machine", "human", "test")},
    }
