"""The terms of a line as people ask for them: which are in force, who proposed others, and in what those differ (rule 6)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from watchline.core.amendments import Amendment, TermsHistory, check_amendment
from watchline.core.entries import Body, EntryType
from watchline.core.records import EntryRecord, Log
from watchline.core.terms import BY_PRECEDENCE, PRECEDENCES, Clocks, Terms
from watchline.desk.clock import rfc3339
from watchline.desk.references import reference_to
from watchline.desk.views import LineView
from watchline.errors import PeerError, UsageError

if TYPE_CHECKING:
    from watchline.desk.api import Api, Method

Json = dict[str, Any]


def methods(api: Api) -> dict[str, Method]:
    """What a desk answers about terms."""

    async def terms_show(line: str) -> Json:
        """The terms in force on a line, and every text that was proposed for it."""
        api.desk.flush()
        return show_terms(api.view(line))

    return {"terms_show": terms_show}


def check_text(before: Terms, content: bytes) -> None:
    """Raise UsageError (rule 6) unless a text may follow the terms in force."""
    try:
        check_amendment(before, Terms.decode(content))
    except PeerError as error:
        raise UsageError(error.message, hint="start from the terms in force: watchline terms propose", rule=6) from None


def show_terms(view: LineView) -> Json:
    """The terms of the line as `terms show` gives them.

    in_force: the terms, with `since`. entries: every TERMS entry of either log, oldest first. state: of an entry, one of
    proposed, accepted (its text came into force), superseded, not_released, unreadable, refused (by rule 6), ended (with
    its pair). waits_for: whose people bring a proposed text into force: ours or theirs. encoded: the terms as bytes in hex.
    """
    now = view.terms_of(view.setup.pair).latest
    entries = [_entry(view, record, now) for record in _stored(view)]
    in_force = {
        **terms_document(now),
        "digest": now.digest.hex(),
        "encoded": now.encode().hex(),
        "since": _since(view, now),
    }
    return {"line": view.row.name, "peer": view.setup.peer_identity.desk, "in_force": in_force, "entries": entries}


def _stored(view: LineView) -> list[EntryRecord]:
    """Every TERMS entry of the line, oldest first."""
    found = []
    for log in view.journal.logs(view.row.line):
        leaves = enumerate(view.journal.leaves(log, 0, view.journal.size(log)))
        found += [view.journal.entry(log, index) for index, (_, kind, _) in leaves if kind == EntryType.TERMS]
    records = [record for record in found if record is not None]
    return sorted(records, key=lambda record: (record.time, not record.log.outgoing, record.index))


def _entry(view: LineView, record: EntryRecord, now: Terms) -> Json:
    text = _text(record)
    state = _state(view, record, text, now)
    shown: Json = {
        "id": reference_to(record),
        "by": view.author(record),
        "own": record.log.outgoing,
        "at": rfc3339(record.time),
        "state": state,
        "officers": view.entry(record)["officers"],
        "version": None if text is None else text.version,
        "digest": None if text is None else text.digest.hex(),
        "encoded": None if text is None else text.encode().hex(),
        "differs": [] if text is None or state != "proposed" else differences(now, text),
        "waits_for": None,
    }
    if state == "proposed" and text is not None:
        shown["waits_for"] = _waits_for(view, text)
    return shown


def _text(record: EntryRecord) -> Terms | None:
    try:
        return Terms.decode(Body.decode(record.body).content)
    except PeerError:
        return None


def _state(view: LineView, record: EntryRecord, text: Terms | None, now: Terms) -> str:
    if not record.released:
        return "not_released"
    if text is None:
        return "unreadable"
    history = view.terms_of(record.log.pair)
    if any(amendment.terms == text for amendment in history.amendments):
        return "accepted"
    if text.version <= now.version:
        return "superseded"
    if record.log.pair != view.setup.pair:
        return "ended"
    try:
        check_amendment(now, text)
    except PeerError:
        return "refused"
    return "proposed"


def _waits_for(view: LineView, text: Terms) -> str:
    """The side whose people bring the text into force by entering it: ours or theirs.

    Where both entered it already, after texts that crossed, it is the desk with the higher id (rule 6).
    """
    history = view.terms_of(view.setup.pair)
    ours = any(entered.terms == text for entered in history.ours)
    theirs = any(entered.terms == text for entered in history.theirs)
    if ours and theirs:
        return "theirs" if history.lower else "ours"
    return "theirs" if ours else "ours"


def _since(view: LineView, now: Terms) -> Json:
    """The two entries that brought the terms into force, and when the second was here; of version 1, when the line was made."""
    for pair in sorted({log.pair for log in view.journal.logs(view.row.line)}, reverse=True):
        amendment = _amendment(view.terms_of(pair), now)
        if amendment is not None:
            places = (Log(view.row.line, pair, True), amendment.ours), (Log(view.row.line, pair, False), amendment.theirs)
            records = [view.journal.entry(log, size - 1) for log, size in places]
            found = [record for record in records if record is not None]
            return {
                "at": rfc3339(max(record.time for record in found)),
                "entries": [reference_to(record) for record in found],
            }
    return {"at": rfc3339(view.row.created), "entries": []}


def _amendment(history: TermsHistory, now: Terms) -> Amendment | None:
    return next((amendment for amendment in history.amendments if amendment.terms == now), None)


# --- terms as values


def terms_document(terms: Terms) -> Json:
    """Terms as JSON values, named as in the file of people."""
    return {"version": terms.version, **{name: value(terms) for name, value in _VALUES.items()}}


def differences(before: Terms, after: Terms) -> list[Json]:
    """In what two texts differ: each value by its name in the file of people, with both values."""
    found = []
    for name, value in _VALUES.items():
        was, will = value(before), value(after)
        if was != will:
            found += list(_parts(name, was, will))
    return found


def _parts(name: str, was: Any, will: Any) -> Iterator[Json]:
    if isinstance(was, dict) and isinstance(will, dict):
        for key in sorted({*was, *will}, key=lambda key: (list(PRECEDENCES).index(key) if key in PRECEDENCES else 0, key)):
            if was.get(key) != will.get(key):
                yield from _parts(f"{name}.{key}", was.get(key), will.get(key))
    else:
        yield {"setting": name, "before": was, "after": will}


def _clocks(clocks: Clocks) -> Json:
    words: dict[int | None, Any] = {None: "none", BY_PRECEDENCE: "by-precedence"}
    return {f"{name}_seconds": words.get(seconds, seconds) for name, seconds in clocks._asdict().items()}


_VALUES: dict[str, Callable[[Terms], Any]] = {
    "languages": lambda terms: list(terms.languages),
    "catalogue": lambda terms: terms.catalogue_digest.hex(),
    "clocks": lambda terms: {name: _clocks(each) for name, each in zip(PRECEDENCES, terms.clocks, strict=True)},
    "forms": lambda terms: {form: _clocks(each) for form, each in sorted(terms.form_clocks.items())},
    "status_interval_seconds": lambda terms: terms.status_interval_seconds,
    "test_interval_seconds": lambda terms: terms.test_interval_seconds,
    "lower_id_tests_even_hours": lambda terms: terms.lower_id_tests_even_hours,
    "release_people": lambda terms: dict(zip(PRECEDENCES, terms.release_people, strict=True)),
    "unreleased_forms": lambda terms: list(terms.unreleased_forms),
    "witnesses": lambda terms: [{"name": witness.name, "vkey": witness.vkey} for witness in terms.witnesses],
    "body_days": lambda terms: terms.body_days,
    "show_third_parties": lambda terms: terms.show_third_parties,
}
