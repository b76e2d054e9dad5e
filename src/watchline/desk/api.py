"""What people and programs ask of a desk: one method a question, JSON values in and out.

The node answers it on its socket, and a command that finds no node answers itself from the journal, under the home's lock: the
same code, so the same words. Private keys never come here: who signs does so before, and brings signatures.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from watchline.core.confirmations import Confirmed
from watchline.core.encoding import decode
from watchline.core.entries import Body, EntryType, Leaf, Place, first_place
from watchline.core.outgoing import Draft
from watchline.core.pairing import Pairing
from watchline.core.records import EntryRecord
from watchline.core.release import reference, verify_release, verify_roster_entry
from watchline.desk import (
    escalation_methods,
    fallback,
    relay_api,
    removal_methods,
    renewal_methods,
    report_questions,
    screen,
    silences,
    talks,
    terms_questions,
    watch_methods,
)
from watchline.desk.bringing import own_logs
from watchline.desk.desk import Desk
from watchline.desk.figures import Span
from watchline.desk.lines import OpenLine, Waiter
from watchline.desk.listing import PAGE_ENTRIES_MAX, mark_of, marked, newest_page
from watchline.desk.parameters import check_parameters
from watchline.desk.past import late_entries
from watchline.desk.references import reference_to
from watchline.desk.rungs import read_notice
from watchline.desk.views import LineView, line_status, line_summary, rung_of
from watchline.errors import NegativeAnswer, PeerError, RouteError, UsageError, WrongParty
from watchline.journal import LineRecord

Json = dict[str, Any]
SAYABLE = frozenset(
    {
        EntryType.NOTICE,
        EntryType.ACKNOWLEDGE,
        EntryType.DECLINE,
        EntryType.CANCEL,
        EntryType.ROSTER,
        EntryType.TERMS,
        EntryType.CONFIRM,
    }
)
WAITABLE = ("received", "acknowledged", "answered")
Method = Callable[..., Awaitable[Json]]

PARTS: tuple[Callable[[Api], dict[str, Method]], ...] = (
    watch_methods.methods,
    escalation_methods.methods,
    fallback.methods,
    terms_questions.methods,
    report_questions.methods,
    relay_api.methods,
    removal_methods.methods,
    renewal_methods.methods,
    silences.methods,
    screen.methods,
    talks.methods,
)
"""What other subjects answer: each gives its methods by name."""


class Api:
    """The questions one desk answers. `live`: a node runs its lines, so that it can also say things."""

    def __init__(self, desk: Desk, *, live: bool = False) -> None:
        self.desk = desk
        self.live = live
        self.on_routes_changed: Callable[[], Awaitable[None]] | None = None
        self._methods: dict[str, Method] = {name: getattr(self, f"_{name}") for name in METHODS}
        for part in PARTS:
            self._methods |= part(self)

    def offer(self, methods: dict[str, Method]) -> None:
        """Answer these methods too: what runs beside the desk in its node brings its own."""
        self._methods |= methods

    async def call(self, method: str, params: Json) -> Json:
        """Answer one question. Raises WatchlineError; UsageError for a method or parameters there are not."""
        answer = self._methods.get(method)
        if answer is None:
            raise UsageError(f"there is no method {method[:64]!r}", hint="use the commands of the same version as the node")
        check_parameters(method, answer, params)
        return await answer(**params)

    # --- the desk and its documents

    async def _desk(self) -> Json:
        facts = self.desk.facts
        return {
            "desk": facts.name,
            "id": facts.identity.id.hex(),
            "fingerprint": facts.identity.fingerprint,
            "language": facts.language,
            "zone": facts.zone,
            "pid": os.getpid(),
            "live": self.live,
        }

    async def _document_get(self, kind: str, key: str) -> Json:
        value = self.desk.journal.document(kind, key)
        return {"value": None if value is None else value.hex()}

    async def _document_put(self, kind: str, key: str, value: str | None, sealed: bool) -> Json:
        self.desk.journal.put_document(kind, key, None if value is None else _octets(value), sealed)
        return {}

    async def _reload(self) -> Json:
        self.desk.reload()
        return {}

    async def _documents(self, kind: str) -> Json:
        return {"values": {key: value.hex() for key, value in self.desk.journal.documents(kind).items()}}

    # --- lines

    async def _lines(self) -> Json:
        return {"lines": [line_summary(self.desk, row) for row in self.desk.journal.lines()]}

    async def _witness_logs(self) -> Json:
        return {"logs": own_logs(self.desk)}

    async def _line_rows(self) -> Json:
        return {
            "lines": [
                {
                    "line": row.line.hex(),
                    "name": row.name,
                    "created": row.created,
                    "confirmed": row.confirmed,
                    "pairing": row.pairing.hex(),
                }
                for row in self.desk.journal.lines()
            ]
        }

    async def _line_put(self, line: str, name: str, created: int, confirmed: bool, pairing: str) -> Json:
        row = LineRecord(_octets(line), name, created, confirmed, _octets(pairing))
        peer = Pairing.decode(row.pairing).peer.id
        for other in self.desk.journal.lines():
            if other.confirmed and other.line != row.line and Pairing.decode(other.pairing).peer.id == peer:
                raise UsageError(
                    f"there is a line with this desk already: {other.name}",
                    hint="one line joins two desks; new keys on it need no new pairing",
                    line=other.name,
                )
        known = self.desk.journal.line(row.line)
        begins = confirmed and (known is None or not known.confirmed)
        # The digits cover both certificates of the pairing files: what two people compared is confirmed with them.
        paired = [Confirmed.paired(self.desk.setup_of(row)[0].pair).record(row.line)] if begins else []
        self.desk.journal.put_line(row, paired)
        if confirmed and self.live and row.line not in self.desk.lines:
            self.desk.open_line(row)
        return {}

    async def _line_drop(self, line: str) -> Json:
        self.desk.journal.drop_line(_octets(line))
        self.desk.journal.compact()
        return {}

    async def _status(self, line: str | None = None) -> Json:
        rows = self.desk.journal.lines() if line is None else [self.row(line)]
        return {"lines": [line_status(self.desk, row) for row in rows]}

    async def _routes_changed(self) -> Json:
        self.need_node()
        self.desk.announce_routes()
        if self.on_routes_changed is not None:
            await self.on_routes_changed()
        return {}

    async def _test(self, line: str, wait: bool = True, wait_seconds: float = 30.0) -> Json:
        opened = self.open(line)
        _need_confirmed(opened)
        test = self.desk.tests.start(opened)
        if not wait:
            return {"ok": None, "round_trip_seconds": None}
        deadline = asyncio.get_running_loop().time() + wait_seconds
        await self._wait(opened, test.index, "answered", deadline)
        self.desk.flush()
        if not test.ok:
            raise NegativeAnswer(
                f"no answer to the test within {wait_seconds:g} s",
                hint="see `watchline status`",
                ok=False,
                round_trip_seconds=None,
            )
        return {"ok": True, "round_trip_seconds": test.round_trip_seconds}

    # --- saying something

    async def _line_facts(self, line: str) -> Json:
        view = self.view(line)
        setup = view.setup
        return {
            "name": view.row.name,
            "line": setup.line.hex(),
            "own_id": setup.own_id.hex(),
            "peer_id": setup.peer_identity.id.hex(),
            "peer": setup.peer_identity.desk,
            "our_inc": setup.pair.ours,
            "their_inc": setup.pair.theirs,
            "language": self.desk.facts.language,
            "zone": self.desk.facts.zone,
            "incarnations": view.incarnations(),
            "terms": view.terms_of(setup.pair).latest.encode().hex(),
            "own_roster": setup.own_roster.encode().hex(),
        }

    async def _resolve(self, line: str, entry: str) -> Json:
        view = self.view(line)
        record = view.find(entry)
        leaf, body = Leaf.decode(record.leaf), Body.decode(record.body)
        notice = read_notice(record)
        return {
            "id": reference_to(record),
            "own": record.log.outgoing,
            "inc": leaf.direction.inc,
            "peer_inc": leaf.direction.peer_inc,
            "index": record.index,
            "first": list(first_place(leaf.direction, record.index, body)),
            "commitment": leaf.commitment.hex(),
            "digest": body.digest.hex(),
            "number": record.number,
            "type": record.type,
            "form": None if notice is None else notice.form,
            "exercise": notice is not None and notice.exercise,
            "precedence": None if notice is None else int(notice.precedence),
            "desk": view.author(record),
        }

    async def _compose(
        self,
        line: str,
        type: int,
        content: str,
        nonce: str | None = None,
        assertions: str | None = None,
        re: int | None = None,
        once: str | None = None,
        wait: str | None = None,
        wait_seconds: float = 30.0,
        unconfirmed: bool = False,
    ) -> Json:
        opened = self.open(line)
        if not unconfirmed and type != EntryType.CONFIRM:
            _need_confirmed(opened)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_seconds
        if wait is not None and wait not in WAITABLE:
            raise UsageError(f"nobody can wait for {wait[:32]!r}", hint="wait for " + ", ".join(WAITABLE))
        record = self._known(opened, once)
        if record is None:
            body = Body(_octets(content), None if nonce is None else _octets(nonce), _assertions(assertions))
            record = self._append(opened, _sayable(type), body, re, once)
        if wait is not None:
            await self._reached(opened, record, wait, deadline)
        else:
            self.desk.flush()
        return self._outcome(opened, record)

    def _known(self, opened: OpenLine, once: str | None) -> EntryRecord | None:
        if once is None:
            return None
        self.desk.flush()
        journal, line = self.desk.journal, opened.record.line
        place = journal.by_once(line, once)
        record = None if place is None else journal.entry(*place)
        if record is not None and record.number is not None:  # where it stands now, if it was issued again
            place = journal.by_number(line, True, record.number)
            record = record if place is None else journal.entry(*place)
        return record

    def _append(self, opened: OpenLine, kind: EntryType, body: Body, re: int | None, once: str | None) -> EntryRecord:
        setup, now = opened.line.setup, self.desk.moment().wall
        if kind == EntryType.TERMS:
            terms_questions.check_text(opened.line.terms, body.content)
        try:
            if kind == EntryType.ROSTER:
                verify_roster_entry(body, setup.own_roster, self.desk.facts.identity, setup.line, now)
            else:
                meant = self._meant(opened, kind, body, re)
                verify_release(kind, body, meant, setup.outgoing, setup.own_roster, opened.line.terms, now)
        except PeerError as error:
            raise UsageError(
                f"nobody who may has released this: {error.message}",
                hint="sign with --as an officer of this desk",
                rule=error.rule,
            ) from None
        if body.nonce is not None and self.desk.journal.by_nonce(setup.line, body.nonce, True) is not None:
            raise UsageError("this release was used before", hint="release it again: each release counts once")
        try:
            draft = Draft(kind, body.content, body.nonce, body.assertions, re, once, released=True)
            return self.desk.compose(opened, draft)
        except WrongParty as error:
            raise UsageError(error.message, hint="see `watchline keys show`", rule=error.rule) from None
        except ValueError:
            raise UsageError("this is longer than an entry can be (65,536 bytes)", hint="shorten it") from None

    def _meant(self, opened: OpenLine, kind: EntryType, body: Body, re: int | None) -> Place | None:
        """Where the entry that is answered or cancelled stood first: its release names that."""
        if re is None:
            return None
        setup = opened.line.setup
        target = self.desk.journal.entry(setup.outgoing_log if kind == EntryType.CANCEL else setup.incoming_log, re)
        return reference(kind, re, setup.outgoing, body, None if target is None else Body.decode(target.body))

    async def _reached(self, opened: OpenLine, record: EntryRecord, rung: str, deadline: float) -> None:
        """Wait until an entry of ours has reached a rung; what is not reached in time is an answer too, and it is no."""
        self.desk.flush()
        view = LineView(self.desk, opened.record)
        if not _has_reached(view.rungs(record), rung):
            await self._wait(opened, record.index, rung, deadline)
            self.desk.flush()
        if _has_reached(view.rungs(record), rung):
            return
        outcome = self._outcome(opened, record)
        hint = "it stays queued and is delivered when the line is up; the same --once key asks again"
        if opened.link is None and rung == "received":
            raise RouteError(f"{outcome['id']} is not yet {rung}: the peer cannot be reached", hint=hint, **_flat(outcome))
        raise NegativeAnswer(f"{outcome['id']} is not {rung} in time", hint=hint, **_flat(outcome))

    async def _wait(self, opened: OpenLine, index: int, rung: str, deadline: float) -> None:
        """Wait until entry `index` of ours has reached a rung, or until the deadline; who asks looks which it was."""
        loop = asyncio.get_running_loop()
        waiter = Waiter(index, rung, loop.create_future())
        opened.waiters.append(waiter)
        try:
            await asyncio.wait([waiter.done], timeout=max(0.0, deadline - loop.time()))
        finally:
            waiter.done.cancel()
            opened.waiters = [each for each in opened.waiters if each is not waiter]

    def _outcome(self, opened: OpenLine, record: EntryRecord) -> Json:
        rungs = LineView(self.desk, opened.record).rungs(record)
        return {"line": opened.record.name, "id": reference_to(record), "rung": rung_of(rungs), "times": rungs}

    # --- reading

    async def _entries(
        self,
        line: str | None = None,
        direction: str = "both",
        entry: str | None = None,
        limit: int = PAGE_ENTRIES_MAX,
        before: str | None = None,
    ) -> Json:
        self.desk.flush()
        rows = [row for row in self.desk.journal.lines() if row.confirmed] if line is None else [self.row(line)]
        if entry is not None:
            views = [LineView(self.desk, row) for row in rows]
            return {"entries": [view.entry(view.find(entry)) for view in views], "earlier": []}
        if before is not None and line is None:
            raise UsageError("an entry to begin before is one of a line", hint="name the line, too", before=before[:80])
        entries: list[Json] = []
        earlier: list[Json] = []
        for row in rows:
            view = LineView(self.desk, row)
            stop = None if before is None else marked(self.desk.journal, row.line, before) or view.find(before)
            page = newest_page(self.desk.journal, row.line, direction, max(1, min(limit, PAGE_ENTRIES_MAX)), stop)
            entries += [view.entry(record) for record in page.entries]
            if page.has_earlier:
                earlier.append({"line": row.name, "before": mark_of(page.entries[0])})
        return {"entries": entries, "earlier": earlier}

    async def _late(self, line: str) -> Json:
        """What came late of incarnations that are over, and stands apart from the log."""
        self.desk.flush()
        view = self.view(line)
        return {"entries": [view.entry(record) for record in late_entries(self.desk.journal, view.row.line)]}

    async def _export(
        self,
        line: str,
        out: str,
        ids: list[str] | None = None,
        silence: str | None = None,
        hide_body: bool = False,
        period: list[int] | None = None,
    ) -> Json:
        """period: (start, end) in seconds since 1970; what was composed or received in it is shown too."""
        from watchline.desk.exporting import entries_of_period, export_aside, silences_named

        self.desk.flush()
        view = self.view(line)
        chosen = [(record.log, record.index) for record in map(view.find, ids or [])]
        if silence is not None:
            chosen += silences_named(self.desk.journal, view.find(silence))
        beside = [] if period is None else entries_of_period(self.desk.journal, view.row.line, _span(period))
        data, complete = await export_aside(
            self.desk.journal, view.row, view.setup, chosen or None, beside=beside, hide_body=hide_body
        )
        _write_whole(Path(out), data)
        return {"file": out, "sha256": hashlib.sha256(data).hexdigest(), "complete": complete}

    async def _copy_journal(self, path: str) -> Json:
        """Copy the journal for a backup, step by step: the lines go on meanwhile."""
        for _ in self.desk.journal.copy(Path(path)):
            await asyncio.sleep(0)
        return {}

    async def _peers(self) -> Json:
        """What is known on each line beyond its pairing: the peer's roster and addresses, both desks' certificates."""
        peers = []
        for row in self.desk.journal.lines():
            setup, pairing = self.desk.setup_of(row)
            records = [(own, each) for own in (True, False) for each in self.desk.journal.certificates(row.line, own)]
            peers.append({
                "line": row.line.hex(),
                "roster": setup.peer_roster.encode().hex(),
                "routes": [list(route) for route in self.desk.peer_routes(row, pairing)],
                "certificates": [[own, each.encoded.hex()] for own, each in records],
            })  # fmt: skip
        return {"peers": peers}

    # --- finding lines

    def need_node(self) -> None:
        """Raise RouteError unless a node serves this home."""
        if not self.live:
            raise RouteError("no node serves this home", hint="start one with `watchline serve`")

    def row(self, name: str) -> LineRecord:
        """The line of this local name, paired or not. Raises UsageError."""
        row = self.desk.journal.line(name)
        if row is None:
            names = [each.name for each in self.desk.journal.lines()]
            raise UsageError(f"there is no line {name[:80]!r}", hint="`watchline lines` lists them", lines=names)
        return row

    def view(self, name: str) -> LineView:
        """The entries of one line, for readers. Raises UsageError."""
        return LineView(self.desk, self.row(name))

    def open(self, name: str) -> OpenLine:
        """The running line of this name. Raises UsageError if it is not confirmed, RouteError if no node serves this home."""
        row = self.row(name)
        if not row.confirmed:
            raise UsageError(
                f"line {name} is not confirmed: nothing is sent on it",
                hint="compare the digits with the other desk, then `watchline confirm`",
            )
        self.need_node()
        return self.desk.line_named(row.name)


def _need_confirmed(opened: OpenLine) -> None:
    """Raise UsageError for saying something to an incarnation of the peer that nobody of this desk stands for (rule 29)."""
    if "theirs" not in opened.line.unconfirmed:
        return
    name, peer = opened.record.name, opened.line.setup.peer_identity.desk
    raise UsageError(
        f"nobody here has confirmed incarnation {opened.line.setup.pair.theirs} of {peer}",
        hint=f"call the other desk, then two officers: watchline keys confirm {name}; or say it knowing that: --unconfirmed",
        inc=opened.line.setup.pair.theirs,
    )


def _span(period: list[int]) -> Span:
    """A period as a question names it: [start, end], in seconds since 1970."""
    if len(period) != 2 or not 0 <= period[0] < period[1]:
        raise UsageError("a period is its start and its later end, in seconds since 1970", hint="give --from and --to")
    return Span(*period)


def _octets(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except (ValueError, TypeError):
        raise UsageError("bytes are asked for in hexadecimal") from None


def _sayable(kind: int) -> EntryType:
    """The type of an entry that people may add to a log; the others are the machine's own."""
    if kind not in SAYABLE:
        raise UsageError(
            "an entry of this type is not for people to say", hint="one of " + ", ".join(map(str, sorted(SAYABLE)))
        )
    return EntryType(kind)


def _write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as written:
            written.write(data)
        Path(written.name).replace(path)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}", hint="choose another --out") from None


METHODS = frozenset(
    {
        "desk",
        "document_get",
        "document_put",
        "documents",
        "reload",
        "lines",
        "line_rows",
        "witness_logs",
        "line_put",
        "line_drop",
        "status",
        "routes_changed",
        "test",
        "line_facts",
        "resolve",
        "compose",
        "entries",
        "export",
        "copy_journal",
        "late",
        "peers",
    }
)


def _assertions(encoded: str | None) -> tuple[object, ...]:
    if encoded is None:
        return ()
    try:
        value = decode(_octets(encoded))
    except PeerError as error:
        raise UsageError(f"assertions are {error.message}") from None
    if not isinstance(value, list):
        raise UsageError("assertions are a list")
    return tuple(value)


def _has_reached(rungs: dict[str, str], rung: str) -> bool:
    """An answer or a decline stands above an acknowledgement, and everything above a receipt."""
    higher = {"received": (), "acknowledged": ("answered", "declined"), "answered": ("declined",)}[rung]
    return any(each in rungs for each in (rung, *higher))


def _flat(outcome: Json) -> dict[str, Any]:
    return {"line": outcome["line"], "id": outcome["id"], "rung": outcome["rung"], "times": outcome["times"]}
