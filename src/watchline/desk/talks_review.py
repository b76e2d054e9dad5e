"""The yearly review and the calendar of a line's talks, gathered for who asks: values for people and programs."""

from __future__ import annotations

from typing import Any

from watchline.desk.clock import rfc3339
from watchline.desk.figures import Span
from watchline.desk.report import make_report
from watchline.desk.talks_shown import Teller
from watchline.errors import UsageError
from watchline.talks.moves import Move
from watchline.talks.review import Review, meeting, review
from watchline.talks.rounds import offered

Json = dict[str, Any]
YEAR_SECONDS = 366 * 86_400


def review_json(told: Teller, start: int, end: int) -> Json:
    """What the review of a period has before it; start, end: in seconds since 1970, at most a year apart, not after now."""
    if not 0 <= start < end <= told.now or end - start > YEAR_SECONDS:
        raise UsageError(
            "a review is of a period of one second to a year, that is over", hint="give --from and --to", start=start, end=end
        )
    judged = told.judged
    rounds = [meeting(judged.record, each) for each in judged.rounds if not each.proposal.exercise]
    found = review(
        start,
        end,
        commitments=judged.commitments,
        arrangements=[each for each in judged.arrangements if not each.text.exercise],
        rounds=rounds,
        open_items=[(each.move.time, each) for each in told.open],
        figures=make_report(told.view, Span(start, end)),
    )
    return {"from": rfc3339(start), "to": rfc3339(end), **_sections(told, found), "figures": dict(found.figures)}


def _sections(told: Teller, found: Review[Any]) -> Json:
    names = {each.name: each.title for each in told.judged.arrangements}
    topics = {each.name: offered(told.judged.record, each.proposal).topic for each in told.judged.rounds}

    def text(move: Move, **more: Any) -> Json:
        return {"id": told.id(move.name), "terms": told.said(move)["terms"], **more}

    return {
        "agreed": [text(each.text, at=rfc3339(each.at)) for each in found.agreed],
        "changed": [
            text(each.text, before=None if each.before is None else told.id(each.before.name), at=rfc3339(each.at))
            for each in found.changed
        ],
        "outcomes": [text(each.commitment.text, state=str(each.state), at=rfc3339(each.at)) for each in found.outcomes],
        "due": [text(each.commitment.text, due=told.when(each.due), state=each.state) for each in found.due],
        "open_items": [
            {
                "id": told.id(each.move.name),
                "subject": told.said(each.move)["subject"],
                "side": told.side(each.move.side),
                "round": told.id(each.round),
                "age_days": each.age_seconds(told.now) // 86_400,
                "remains": [str(why) for why in each.remains],
            }
            for _, each in found.open_items
        ],
        "meetings": [
            {
                "id": told.id(each.occurrence.arrangement),
                "name": names[each.occurrence.arrangement],
                "begins": rfc3339(each.occurrence.begins),
                "held": told.id(each.held),
            }
            for each in found.sittings
        ],
        "rounds": [
            {"id": told.id(each.round), "topic": topics[each.round], "date": told.when(each.when), "held": each.held}
            for each in found.rounds
        ],
    }


def calendar_text(told: Teller) -> str:
    """Every date that was agreed and stands, as one iCalendar file; exercises have none."""
    from watchline.desk.talks_calendar import arrangement_event, calendar, commitment_event, round_events

    line = told.view.row.line.hex()
    judged, language = told.judged, told.language
    events = [arrangement_event(line, each) for each in judged.arrangements if not each.text.exercise]
    events += [commitment_event(line, each, language) for each in judged.commitments if not each.text.exercise]
    for each in judged.rounds:
        if not each.proposal.exercise:
            events += round_events(line, each, offered(judged.record, each.arrangement.agreed or each.proposal))
    return calendar([event for event in events if event is not None], language)
