"""Whether a step of talks would count if it was taken now, asked before anybody signs it; and if not, whose move it is.

The step is judged by the very rules that judge what is in the logs: it is added to the record, as its author would make it.
What the other side says meanwhile may still cross with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from watchline.core.encoding import Value
from watchline.core.entries import Body, Notice, Precedence
from watchline.desk.talks_judged import Judged
from watchline.desk.talks_shown import Teller
from watchline.errors import UsageError
from watchline.talks.agreement import Why
from watchline.talks.moves import (
    ACCEPTANCE,
    ARRANGEMENT,
    CLOSE,
    COMMITMENT,
    COUNTER,
    DECLINE,
    ITEM,
    KINDS,
    NOTED,
    PROPOSAL,
    READOUT,
    REPORT,
    STATEMENT,
    WITHDRAWAL,
    Move,
    Name,
    Record,
)
from watchline.talks.rounds import Round, why_not

DECLINE_OF, DECLINE_REASON = 1, 2

_WORDS: Mapping[Why, str] = {
    Why.UNKNOWN: "nothing that can be answered so",
    Why.OWN_TEXT: "nobody accepts or declines their own word",
    Why.NOT_YOURS: "only who said it can withdraw it",
    Why.WRONG_DIGEST: "the text that it names is not the one that stands there",
    Why.EXERCISE: "an exercise and the real thing do not answer each other",
    Why.WITHDRAWN: "it was withdrawn",
    Why.SUPERSEDED: "its author has put another text in its place",
    Why.DECLINED: "it was declined",
    Why.SETTLED: "this is agreed already",
    Why.NO_SUCH_DATE: "it has to name one of the dates offered",
    Why.CROSSED: "the other side has settled it meanwhile",
    Why.NOT_IN_THIS_PHASE: "this is not for this phase of the talks",
    Why.AFTER_THE_CLOSE: "these talks are over",
    Why.UNKNOWN_ROUND: "it names no talks",
}
# What a person types to make a move of each kind: `watchline talks ...`.
STEPS: Mapping[str, str] = {
    PROPOSAL: "propose",
    COUNTER: "counter",
    ACCEPTANCE: "accept",
    DECLINE: "decline",
    ITEM: "item",
    NOTED: "note",
    STATEMENT: "say",
    COMMITMENT: "commit",
    REPORT: "report",
    READOUT: "readout",
    CLOSE: "close",
    ARRANGEMENT: "arrange",
    WITHDRAWAL: "withdraw",
}


def check(
    told: Teller, kind: str, fields: Mapping[str, Any], resolve: Callable[[str], Sequence[int]], *, exercise: bool
) -> None:
    """Raise UsageError if a move of this kind with these typed fields would not count now; FieldError for a wrong field."""
    if kind not in KINDS:
        raise UsageError(f"{kind[:64]!r} is no step of talks", hint="one of " + ", ".join(sorted(KINDS)), kind=kind[:64])
    move = _move(told, kind, fields, resolve, exercise)
    after = Judged(_with(told.judged.record, move), told.view.desk.catalogue)
    why = why_not(told.judged.record, move) or after.refused.get(move.name) or _without_effect(after, move)
    if why is not None:
        rounds = {each.name: each for each in told.judged.rounds}
        about = (told.judged.round_of.get(name) for name in after.references(move))
        raise _refusal(told, why, next((rounds[name] for name in about if name in rounds), None))


def _without_effect(after: Judged, move: Move) -> Why | None:
    """Why a move would change nothing although no rule of a round or of an agreement refuses it."""
    named = [after.record.get(name) for name in after.references(move)]
    if move.kind in (ACCEPTANCE, NOTED, DECLINE, WITHDRAWAL):
        target = named[0] if named else None
        if target is None:
            return None if move.kind == WITHDRAWAL else Why.UNKNOWN  # any notice can be withdrawn
        own = target.side == move.side
        return None if own == (move.kind == WITHDRAWAL) else Why.OWN_TEXT if own else Why.NOT_YOURS
    if move.kind == REPORT:
        known = any(report.move.name == move.name for each in after.commitments for report in each.reports)
        return None if known else Why.UNKNOWN
    if move.kind in (COMMITMENT, ARRANGEMENT) and after.reference_in(move, "replaces") is not None:
        things = (*(each.history for each in after.commitments), *(each.history for each in after.arrangements))
        texts = {text.move.name for history in things for slot in history.slots for text in slot.texts}
        return None if move.name in texts else Why.UNKNOWN
    if move.kind in (STATEMENT, READOUT, COMMITMENT, ARRANGEMENT) and any(after.references(move)):
        return None if move.name in after.round_of else Why.UNKNOWN_ROUND
    return None


def _refusal(told: Teller, why: Why, round_: Round | None) -> UsageError:
    """What would be in vain, whose move it is, and what may be done instead."""
    line = told.view.row.name
    message = f"this step would not count: {_WORDS[why]}"
    if round_ is None:
        return UsageError(message, hint=f"see what there is: watchline talks list {line}", why=str(why))
    waits = told.sides(round_.waits_for)
    name = told.talks.id_of(round_.name)
    possible = sorted(told.judged.possible(round_, told.talks.own_side))
    steps = ", ".join(STEPS[kind] for kind in possible)
    whose: dict[tuple[str, ...], str] = {
        ("ours",): "it is this desk's move",
        ("theirs",): f"it is the move of {told.view.setup.peer_identity.desk}",
    }
    state = whose.get(tuple(waits), "either side may go on" if waits else "nobody is waited for")
    return UsageError(
        f"{message}; the talks {name} are {round_.at(told.now)}, and {state}",
        hint=f"possible now: {steps}; see watchline talks show {line} {name}" if steps else f"see watchline talks list {line}",
        why=str(why),
        round=name,
        waits_for=waits,
        possible=possible,
    )


def _with(record: Record, move: Move) -> Record:
    return Record({**record.moves, move.name: move}, record.aliases, record.horizon)


def _move(told: Teller, kind: str, fields: Mapping[str, Any], resolve: Callable[[str], Sequence[int]], exercise: bool) -> Move:
    """The move as it would stand next in our log, with all that this desk holds of the other."""
    view, talks = told.view, told.talks
    form = view.desk.catalogue.form(kind)
    if any(field.name == "language" and field.type == "language" for field in form.fields):
        fields = {"language": told.language, **fields}
    parsed = form.parse(fields, resolve)
    content = Notice(kind, form.version, Precedence.ROUTINE, exercise, told.language, parsed).encode()
    ours, theirs = view.current_logs()
    at, seen = view.journal.size(ours), view.journal.size(theirs)
    said: Mapping[int, Value] = parsed
    of: Name | None = None
    if kind == DECLINE:
        said = {1: parsed[DECLINE_REASON]} if DECLINE_REASON in parsed else {}
    name = Name(talks.own_side, *ours.pair, at)
    move = Move(name, kind, parsed, sum(ours.pair), at, seen, told.now, Body(content).digest, exercise, told.language, of)
    if kind in (DECLINE, WITHDRAWAL):
        of = told.judged.record.named(move, DECLINE_OF)
        return Move(name, kind, said, move.pair, at, seen, told.now, move.digest, exercise, told.language, of)
    return move
