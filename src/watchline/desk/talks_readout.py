"""A published readout as a page and as plain text: what one side signed, word for word, and how anyone checks that it did.

What was signed is read from the file of evidence that goes beside the page, never from what a desk tells. The facts of the
round, and the words of entries that a point only refers to, are from the desk's record, and are marked so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from watchline.catalogue import load_catalogue
from watchline.catalogue.kinds import Choice
from watchline.catalogue.texts import one_line
from watchline.catalogue.times import parse_time, show_time
from watchline.core.evidence import Report, verify_evidence
from watchline.core.evidence_parts import ACCEPTER, INVITER
from watchline.desk.columns import COLUMNS, wrapped
from watchline.errors import NegativeAnswer, UsageError
from watchline.talks.moves import PROPOSAL, READOUT
from watchline.talks.readouts import AGREED_TEXT, DIFFERENCES, OWN_TEXT, POINTS, PUBLICATION, PUBLISHED, TITLE

PAGES = Path(__file__).parent / "pages"
INDENT = "  "  # in the text, what people signed never begins a line: nothing of it can pass for a heading
LEAD_SPACES_MAX = 8
NAME_CHARACTERS_MAX = 128
_ENTRY = re.compile(r"(ours|theirs):(@?[0-9]+)")
Json = dict[str, Any]


def check_published(readout: Json) -> None:
    """Raise UsageError for a readout (as `talks_show` has it) that its side did not publish."""
    if readout["publication"] != PUBLISHED:
        raise UsageError(
            "this readout is confidential: it does not leave the two desks",
            hint="only who signed it can publish: with another readout, which says that it is published",
            id=readout["id"],
        )


@dataclass(frozen=True, slots=True)
class Signed:
    """A readout as a file of evidence shows it.

    desk, peer: who published it and the other desk, as people call them. entry: its place in the log of its author. fields: by
    their numbers, as JSON values. time: by its author's clock; received: by the other desk's signed receipt, None for none
    shown, both RFC 3339. officers: who signed, with number, role and name; empty where a machine may. complete: whether
    statements with both signatures cover it. file, size, sha256: of the evidence, in bytes and hexadecimal.
    """

    desk: str
    peer: str
    fingerprint: str
    entry: Json
    fields: Mapping[str, Any]
    language: str
    exercise: bool
    time: str
    received: str | None
    officers: tuple[Json, ...]
    complete: bool
    file: str
    size: int
    sha256: str

    @classmethod
    def read(cls, evidence: bytes, file: str, readout: Json) -> Signed:
        """The readout (as `talks_show` has it) in this evidence. file: the name under which the evidence goes beside the page.

        Raises UsageError for a readout that is not published, NegativeAnswer for evidence that does not verify, or that does
        not show this very readout as people signed it.
        """
        check_published(readout)
        report = verify_evidence(evidence)
        found = [entry for entry in report.entries if _is_shown(entry, readout)]
        if not report.verified or not found:
            raise NegativeAnswer(
                "the evidence does not show this readout as the desk tells it",
                hint="publish nothing; look with `watchline export` at what was signed",
                id=readout["id"],
            )
        entry = found[-1]  # of one that was issued again, the newest copy
        names, fingerprints = _identities(report)
        author = entry["log"][0]
        other = ACCEPTER if author == INVITER else INVITER
        return cls(
            desk=names[author],
            peer=names[other],
            fingerprint=fingerprints[author],
            entry={"number": entry["number"], "log": entry["log"], "index": entry["index"]},
            fields=entry["fields"],
            language=entry["language"],
            exercise=entry["exercise"],
            time=entry["time"],
            received=entry["received"],
            officers=tuple(entry["officers"]),
            complete=report.complete,
            file=file,
            size=len(evidence),
            sha256=sha256(evidence).hexdigest(),
        )


def page(readout: Json, round_: Json, signed: Signed, *, language: str, zone: str | None) -> str:
    """The readout as one HTML page, print-ready, without script: everything that people wrote is escaped.

    readout, round_: as `talks_show` has them; a readout that its side withdrew has `withdrawn` true. language: of the reader;
    where the catalogue has no words of it, English. zone: in which times stand beside UTC. Raises UsageError for a readout
    that is not published.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    teller = _Teller(readout, round_, signed, load_catalogue().language_for(language), zone)
    return environment.get_template("readout.html").render(told=teller.tell(), words=teller.words)


def text(readout: Json, round_: Json, signed: Signed, *, language: str, zone: str | None) -> str:
    """The same as plain text of 78 columns. Headings begin at the margin, and nothing else does."""
    teller = _Teller(readout, round_, signed, load_catalogue().language_for(language), zone)
    return "\n".join(_lines(teller.tell(), teller.words)) + "\n"


def _lines(told: Json, words: Mapping[str, str]) -> Iterator[str]:
    marks = "".join(f"  [{mark}]" for mark in told["marks"])
    yield from wrapped(words["readout"] + marks)
    yield "=" * COLUMNS
    yield from _indented(told["by"], 1)
    for since in told["since"]:
        yield from _indented(since, 1)
    yield ""
    yield from wrapped(told["heading"])
    yield "-" * COLUMNS
    for part in told["parts"]:
        if part["label"]:
            yield from wrapped(part["label"])
        for said in part["said"]:
            yield from _indented(said["text"] or "", 2)
            yield from _indented(said["about"], 1)
            for record in said["records"]:
                yield from _indented(record["label"], 3)
                yield from _indented(record["text"], 4)
            yield ""
    for heading, note, rows in (("signature", "", told["signature"]), ("talks", words["from_record"], told["facts"])):
        yield from wrapped(words[heading])
        yield "-" * COLUMNS
        yield from _indented(note, 1)
        for row in rows:
            yield from _indented(row["label"], 1)
            yield from _indented(row["text"], 2)
        yield ""
    yield from wrapped(words["check"])
    yield "-" * COLUMNS
    yield from _indented(words["not_evidence"], 1)
    for number, check in enumerate(told["checks"], 1):
        yield from _indented(f"{number}. {check['text']}", 1)
        yield from _indented(check["command"], 3)


def _indented(given: str, depth: int) -> Iterator[str]:
    """What people wrote, in lines; what they indented far, less far, so that no line is wider than the page."""
    for line in given.expandtabs(4).split("\n") if given else ():
        bare = line.lstrip(" ")
        yield from wrapped(" " * min(len(line) - len(bare), LEAD_SPACES_MAX) + bare, indent=INDENT * depth)


def _is_shown(entry: Json, readout: Json) -> bool:
    """Whether this entry of the evidence is the readout that a desk tells of, released by people."""
    if entry.get("form") != READOUT or not entry["released"]:
        return False
    fields = entry["fields"]
    told = {OWN_TEXT: readout["own_text"], AGREED_TEXT: readout["agreed_text"], DIFFERENCES: readout["differences"]}
    told |= {TITLE: readout["title"], PUBLICATION: readout["publication"]}
    points = [(words, len(about)) for words, about, *_ in fields.get(str(POINTS)) or ()]
    return points == [(point["text"], len(point["about"])) for point in readout["points"]] and all(
        (fields.get(str(number)) or "") == (value or "") for number, value in told.items()
    )


def _identities(report: Report) -> tuple[dict[str, str], dict[str, str]]:
    """How people call each side of the line, and its fingerprint: two desks that share a name are told apart."""
    sides = dict(zip((INVITER, ACCEPTER), report.identities, strict=True))
    alike = len({each.desk for each in sides.values()}) == 1
    names = {side: f"{one_line(each.desk, NAME_CHARACTERS_MAX)}{f' ({side})' * alike}" for side, each in sides.items()}
    return names, {side: each.fingerprint for side, each in sides.items()}


@dataclass(frozen=True, slots=True)
class _Teller:
    """Tells one readout to one reader. language: one of the catalogue's."""

    readout: Json
    round: Json
    signed: Signed
    language: str
    zone: str | None

    @property
    def words(self) -> Mapping[str, str]:
        return {key: texts[self.language] for key, texts in load_catalogue().words("readouts").items()}

    def tell(self) -> Json:
        check_published(self.readout)
        catalogue, words, signed = load_catalogue(), self.words, self.signed
        marks = ["exercise"] * signed.exercise + ["draft"] * (catalogue.reviews[self.language] == "draft")
        later = self._replaced_by()
        return {
            "language": self.language,
            "written": signed.language,
            "desk": signed.desk,
            "exercise": signed.exercise,
            "by": words["by"].format(desk=signed.desk, peer=signed.peer),
            "marks": [catalogue.word("marks", mark, self.language).text for mark in marks],
            "since": [
                *([words["withdrawn"].format(desk=signed.desk)] if self.readout.get("withdrawn") else []),
                *([] if later is None else [words["replaced"].format(entry=self._called(later))]),
            ],
            "heading": words["signed"].format(desk=signed.desk),
            "parts": list(self._parts(words)),
            "signature": list(self._signature(words)),
            "facts": list(self._facts(words)),
            "checks": [
                {"text": words["check_hash"], "command": ""},
                {"text": words["check_command"], "command": f"watchline verify {signed.file}"},
                {"text": words["check_page"], "command": ""},
                {"text": words["check_whose"], "command": ""},
            ],
        }

    def _parts(self, words: Mapping[str, str]) -> Iterator[Json]:
        """What was signed, in the order of the form."""
        fields = self.signed.fields
        for label, number in ((None, TITLE), ("own_text", OWN_TEXT), ("points", POINTS), ("agreed_text", AGREED_TEXT)):
            if number == POINTS and fields.get(str(number)):
                yield {"label": words["points"], "said": list(self._points(words))}
            elif fields.get(str(number)):
                yield _part(None if label is None else words[label], fields[str(number)])
        if fields.get(str(DIFFERENCES)):
            yield _part(words["differences"], fields[str(DIFFERENCES)])

    def _points(self, words: Mapping[str, str]) -> Iterator[Json]:
        record = dict(self._record())
        for (said, *_), point in zip(self.signed.fields[str(POINTS)], self.readout["points"], strict=True):
            entries = ", ".join(map(self._called, point["about"]))
            known = [(entry, *record[entry]) for entry in point["about"] if entry in record] if said is None else []
            yield {
                "text": said,
                "about": words["as_it_stands" if said is None else "about"].format(entries=entries),
                "records": [
                    {"label": words["by_reference"].format(entry=f"{words[kind]} {self._called(entry)}"), "text": stands}
                    for entry, kind, stands in known
                ],
            }

    def _record(self) -> Iterator[tuple[str, tuple[str, str]]]:
        """What a point can refer to: the kind of each entry of the round and its words."""
        for item in self.round["items"]:
            yield item["id"], ("item", item["subject"])
            for statement in item["statements"]:
                yield statement["id"], ("statement", statement["text"])
        for statement in self.round["statements"]:
            yield statement["id"], ("statement", statement["text"])
        for commitment in self.round["commitments"]:
            yield commitment["id"], ("commitment", commitment["terms"])
            for version in commitment["versions"]:
                yield version["id"], ("commitment", version["terms"])

    def _signature(self, words: Mapping[str, str]) -> Iterator[Json]:
        signed = self.signed
        officers = [
            words["officer"].format(
                number=each["number"],
                role=one_line(", ".join(filter(None, (each["role"], each["name"]))), NAME_CHARACTERS_MAX),
            )
            for each in signed.officers
        ]
        number = self.readout["id"].partition(":")[2]
        received = "no_receipt" if signed.received is None else "by_receipt"
        file = words["beside"].format(file=signed.file, size=signed.size)
        yield _row(words["entry"], words["entry_of"].format(**{**signed.entry, "number": number}, desk=signed.desk))
        yield _row(words["signers"], ", ".join(officers) or words["machine"].format(desk=signed.desk))
        yield _row(words["time"], words["by_claim"].format(time=self._time(signed.time), desk=signed.desk))
        yield _row(words["received"], words[received].format(time=self._time(signed.received or ""), desk=signed.peer))
        yield _row(words["fingerprint"].format(desk=signed.desk), signed.fingerprint)
        yield _row(words["file"], file if signed.complete else f"{file}\n{words['provisional']}")
        yield _row("SHA-256", signed.sha256)

    def _facts(self, words: Mapping[str, str]) -> Iterator[Json]:
        agreed = self.round.get("arrangement") or {}
        chosen = {name: agreed.get(name) or self.round.get(name) for name in ("level", "mode", "place")}
        facts: tuple[tuple[str, str | None], ...] = (
            ("topic", self.round["topic"]),
            ("date", self._when(agreed.get("date"))),
            ("level", self._choice("level", chosen["level"])),
            ("mode", self._choice("mode", chosen["mode"])),
            ("place", chosen["place"]),
        )
        return (_row(words[key], value) for key, value in facts if value)

    def _choice(self, field: str, value: str | None) -> str | None:
        """What a choice of the proposal's form is called; one that is not known here stands for itself."""
        form = load_catalogue().forms.get(PROPOSAL)
        kinds = [each.kind for each in form.fields if each.name == field] if form is not None else []
        known = kinds[0].values.get(value or "") if kinds and isinstance(kinds[0], Choice) else None
        return value if known is None else known[self.language]

    def _when(self, when: Json | None) -> str | None:
        if when is None:
            return None
        if "exact" in when:
            return self._time(when["exact"])
        return f"{when['words']} ({' – '.join(dict.fromkeys((when['from'], when['to'])))})"

    def _time(self, at: str) -> str:
        seconds = parse_time(at)
        return at if seconds is None else show_time(seconds, self.zone)

    def _called(self, entry: str) -> str:
        """An entry by its desk and its author's number, which mean the same to every reader; `ours` means nothing to most."""
        match = _ENTRY.fullmatch(entry)
        if match is None:
            return one_line(entry, NAME_CHARACTERS_MAX)
        return f"{self.signed.desk if match[1] == self.readout['side'] else self.signed.peer} {match[2]}"

    def _replaced_by(self) -> str | None:
        """The newest published readout of this side, where this one is not the newest."""
        published = [
            each["id"]
            for each in self.round["readouts"]
            if each["side"] == self.readout["side"] and each["publication"] == PUBLISHED
        ]
        return None if not published or published[-1] == self.readout["id"] else str(published[-1])


def _part(label: str | None, said: str) -> Json:
    return {"label": label, "said": [{"text": said, "about": "", "records": []}]}


def _row(label: str, shown: str) -> Json:
    return {"label": label, "text": shown}
