"""A cover page for a file of evidence: what it shows, in the reader's language, to be read on a screen or printed.

It is told from that very file, as `verify_evidence` reads it: whoever has the file can make the page again, in any language of
the catalogue, without a desk. The page proves nothing itself and says so. No script, nothing loaded; a file that is not too
large goes within the page, as a link that saves it.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from watchline.catalogue import NameReference, load_catalogue
from watchline.core.archive import unpack
from watchline.core.entries import Notice
from watchline.core.evidence import Report, verify_evidence
from watchline.core.evidence_parts import ACCEPTER, INVITER
from watchline.core.evidence_reading import Faults, read_evidence
from watchline.core.silence import SilenceKind
from watchline.core.time_text import time_text
from watchline.errors import NegativeAnswer

if TYPE_CHECKING:
    from watchline.core.evidence_shown import EntryReading, Reading

PAGES = Path(__file__).parent / "pages"
EMBEDDED_BYTES_MAX = 16 * 1024 * 1024  # browsers refuse longer links
NOTICES_MAX = 1_000  # beyond, a page is no cover any more
TEST = "test"
_BY_ENTRIES = ("acknowledged", "held", "answered", "declined", "cancelled")
_NO_RUNGS = frozenset({"witnessed", "held", "cancelled"})  # they stand between the rungs; the catalogue has words for these
Json = dict[str, Any]
Words = Mapping[str, str]


class Rung(NamedTuple):
    """One rung of a ladder. time: RFC 3339. vouched: who stands behind it, and what is to be said about that."""

    word: str
    time: str
    vouched: tuple[str, ...]


def render_cover(evidence: bytes, name: str, language: str, zone: str | None = None) -> str:
    """The page for a file of evidence of this name, in this language, or in English where there are no words of it.

    zone: in which times within notices are shown beside UTC. Raises NegativeAnswer for a file that is not verified.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    report = verify_evidence(evidence)
    reading = read_evidence(unpack(evidence), Faults()) if report.verified else None
    if reading is None:
        raise NegativeAnswer(
            "this file is not verified: it gets no cover", hint="`watchline verify FILE` says what is at fault"
        )
    texts = json.loads((PAGES / "cover.json").read_text(encoding="utf-8"))
    chosen = load_catalogue().language_for(language)
    words = {key: text[chosen] for key, text in texts.items()}
    cover = _Teller(report, reading, words, chosen, zone).tell()
    cover |= {"file": name, "size": len(evidence), "sha256": sha256(evidence).hexdigest()}
    environment = Environment(
        loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    embedded = b64encode(evidence).decode("ascii") if len(evidence) <= EMBEDDED_BYTES_MAX else ""
    return environment.get_template("cover.html").render(cover=cover, words=words, embedded=embedded)


@dataclass(frozen=True, slots=True)
class _Teller:
    """Tells what one file shows. language: one of the catalogue's."""

    report: Report
    reading: Reading
    words: Words
    language: str
    zone: str | None

    def tell(self) -> Json:
        told = {_place(entry): entry for entry in self.report.entries}
        notices = [entry for entry in self.reading.entries if entry.notice is not None and entry.notice.form != TEST]
        return {
            "language": self.language,
            "complete": self.report.complete,
            "desks": [
                {"desk": self._called(side), "fingerprint": each.fingerprint}
                for side, each in zip((INVITER, ACCEPTER), self.report.identities, strict=True)
            ],
            "notices": [self._notice(entry, entry.notice, told) for entry in notices[:NOTICES_MAX] if entry.notice is not None],
            "further": max(0, len(notices) - NOTICES_MAX),
            "tests": sum(entry.notice is not None and entry.notice.form == TEST for entry in self.reading.entries),
            "silences": [self._silence(silence, told) for silence in self.report.silences],
            "types": dict(
                sorted(
                    Counter(entry["type"] for entry in self.report.entries if entry["shown"] and "form" not in entry).items()
                )
            ),
            "closed": sum(not entry["shown"] for entry in self.report.entries),
            "hidden": list(self._hidden()),
        }

    def _notice(self, entry: EntryReading, notice: Notice, told: Mapping[tuple[str, int], Json]) -> Json:
        catalogue = load_catalogue()
        own = told[str(entry.name), entry.leaf.index]
        marks = ["exercise"] * notice.exercise + ["not_released"] * (entry.released is False)
        return {
            "name": self._name(own),
            "precedence": catalogue.word("precedences", notice.precedence.name, self.language).text,
            "exercise": notice.exercise,
            "marks": [catalogue.word("marks", mark, self.language).text for mark in marks],
            "language": notice.language,
            "readings": list(self._readings(notice, told, entry)),
            "ladder": list(self._ladder(entry, own, told)),
            "unreceipted": self.words["no_receipt"].format(desk=self._called(entry.name.recipient))
            if entry.received is None
            else "",
        }

    def _readings(self, notice: Notice, told: Mapping[tuple[str, int], Json], entry: EntryReading) -> Iterator[Json]:
        """The reader's words, and the author's beside them; for a draft without another language, the English."""
        catalogue = load_catalogue()
        beside, heading = catalogue.language_for(notice.language), "written_in"
        if beside == self.language and catalogue.reviews[beside] == "draft":
            beside, heading = "en", "in_english"
        for language in dict.fromkeys((self.language, beside)):
            read = catalogue.read(
                notice.form,
                notice.version,
                notice.fields,
                language=language,
                zone=self.zone,
                precedence=notice.precedence,
                name_reference=self._name_reference(entry, told),
            )
            yield {
                "language": language,
                "heading": self.words[heading],
                "title": read.title.text,
                "finding": None if read.finding is None else read.finding.text,
                "rows": [
                    {"label": row.label, "text": row.text, "original": row.translation == "original" or read.form is None}
                    for row in read.rows
                ],
            }

    def _name_reference(self, entry: EntryReading, told: Mapping[tuple[str, int], Json]) -> NameReference:
        """How to name the references inside a form: see `catalogue.kinds.Reference`."""

        def name(value: Sequence[int]) -> str:
            inc, peer_inc, index, *own = value
            author = entry.name.author if own else entry.name.recipient
            meant = told.get((str(entry.name._replace(author=author, inc=inc, peer_inc=peer_inc)), index))
            return "/".join(map(str, value)) if meant is None else self._name(meant)

        return name

    def _ladder(self, entry: EntryReading, own: Json, told: Mapping[tuple[str, int], Json]) -> Iterator[Rung]:
        author, peer = self._called(entry.name.author), self._called(entry.name.recipient)
        released = (self._signed_by(own),) if entry.released else ()
        yield Rung(self._word("composed"), own["time"], (self.words["by_claim"].format(desk=author), *released))
        for seen in own.get("witnessed", ()):
            yield Rung(self._word("witnessed"), seen["time"], (self.words["by_witness"].format(desk=seen["witness"]),))
        if own["received"] is not None:
            yield Rung(self._word("received"), own["received"], (self.words["by_receipt"].format(desk=peer),))
        sounded = [
            status.time
            for speaker, status in self.reading.statuses
            if speaker == entry.name.reverse and status.rung > entry.leaf.index
        ]
        if sounded:
            yield Rung(self._word("rung"), time_text(min(sounded)), (self.words["by_status"].format(desk=peer),))
        for verb in _BY_ENTRIES:
            for related in own.get(f"{verb}_by", ()):
                yield self._related(verb, told[_place(related)], counts=related["counts"])

    def _related(self, verb: str, by: Json, *, counts: bool) -> Rung:
        """A rung that an entry of one of the desks is."""
        vouched = [self._name(by)]
        if counts:
            vouched.append(self._signed_by(by))
        else:
            vouched.append(self.words["does_not_count" if by["shown"] else "hidden_content"])
        if by.get("reason"):
            vouched.append(by["reason"])
        author = by["log"][0]
        if by["received"] is None:
            vouched.append(self.words["claimed_at"].format(desk=self._called(author)))
        else:
            receiver = ACCEPTER if author == INVITER else INVITER
            vouched.append(self.words["received_at"].format(desk=self._called(receiver)))
        return Rung(self._word(verb), by["received"] or by["time"], tuple(vouched))

    def _signed_by(self, entry: Json) -> str:
        named = [
            (officer["number"], ", ".join(filter(None, (officer["role"], officer["name"])))) for officer in entry["officers"]
        ]
        who = ", ".join(self.words["officer"].format(number=number, role=role) for number, role in named)
        return self.words["by_people" if who else "by_machine"].format(who=who, desk=entry["author"])

    def _silence(self, silence: Json, told: Mapping[tuple[str, int], Json]) -> Json:
        said_by = "author" if silence["said_by"] == "author" else "peer"
        if silence["kind"] == SilenceKind.CONTRADICTED.value:
            said_by = "both"
        word = load_catalogue().word
        marks = ["exercise"] * bool(silence["exercise"]) + ["provisional"] * silence["provisional"]
        return {
            "kind": word("states", silence["kind"], self.language).text,
            "exercise": bool(silence["exercise"]),
            "marks": [word("marks", mark, self.language).text for mark in marks],
            "about": self._name(told[_place(silence["notice"])]),
            "clock": self.words[f"to_{silence['clock']}"],
            "seconds": silence["seconds"],
            "allowed": silence["allowed"],
            "said_by": self.words[f"said_by_{said_by}"].format(**silence),
        }

    def _hidden(self) -> Iterator[str]:
        """Of each log, how many entries below the sizes that somebody signed are no part of the file."""
        sizes: Counter[str] = Counter()
        logs = [log.name for log in self.reading.bundle.logs]
        for log in self.reading.bundle.logs:
            sizes[str(log.name)] = max(head.size for head in log.heads)
        for speaker, status in self.reading.statuses:
            for name, size in ((speaker, status.size), (speaker.reverse, status.held_size)):
                if name in logs:
                    sizes[str(name)] = max(sizes[str(name)], size)
        shown = Counter(entry["log"] for entry in self.report.entries)
        for name in logs:
            if hidden := sizes[str(name)] - shown[str(name)]:
                numbers = f"{name.inc}-{name.peer_inc}"
                called = self.words["log_of"].format(desk=self._called(name.author), numbers=numbers)
                yield self.words["stay_hidden"].format(number=hidden, log=called)

    def _name(self, entry: Json) -> str:
        """An entry as a reader calls it: its author's number where it has one, else its place."""
        number = f"@{entry['index']}" if entry["number"] is None else str(entry["number"])
        return f"{entry['author']}/{entry['log'].split('-')[1]}/{number}"

    def _called(self, side: str) -> str:
        """A desk as sentences call it: two that share a name are told apart."""
        names = {each: desk.offer.identity.desk for each, desk in self.reading.desks.desks.items()}
        return f"{names[side]} ({side})" if names[INVITER] == names[ACCEPTER] else names[side]

    def _word(self, rung: str) -> str:
        return self.words[rung] if rung in _NO_RUNGS else load_catalogue().word("rungs", rung, self.language).text


def _place(entry: Json) -> tuple[str, int]:
    return entry["log"], entry["index"]
