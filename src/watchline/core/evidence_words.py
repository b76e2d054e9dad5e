"""What evidence says, in words and as JSON: who signed what, and who says when.

Every sentence names the key, officer or clock that stands behind it. Both parts that are written here are told from the signed
parts alone, so a verifier writes them again and compares. Their wording is therefore part of the format: evidence outlives the
program that wrote it, so other words want another version, and the ones of this version stay (the vectors hold them).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from watchline.core.encoding import Value
from watchline.core.entries import ESCALATION_REPORT, HOLDING_REPLY, TEST, EntryType
from watchline.core.evidence_parts import LogName
from watchline.core.evidence_shown import Desk, EntryReading, Reading
from watchline.core.evidence_silences import SilenceReading
from watchline.core.pairing import line_digits
from watchline.core.persons import Signer
from watchline.core.plain_text import plain
from watchline.core.silence_words import SilenceWords
from watchline.core.statements import Status
from watchline.core.time_text import time_text

CONDITION = "if these fingerprints are theirs, "

_TYPE_NAMES = {int(kind): kind.name.lower() for kind in EntryType}
_NOUNS: dict[int, str] = {
    EntryType.ACKNOWLEDGE: "acknowledgement of",
    EntryType.DECLINE: "decline of",
    EntryType.CANCEL: "cancellation of",
}
_SIGNED: dict[int, str] = {EntryType.ACKNOWLEDGE: "signed the acknowledgement", EntryType.DECLINE: "signed the decline"}
_RELATIONS: dict[int, str] = {
    EntryType.NOTICE: "answered",
    EntryType.ACKNOWLEDGE: "acknowledged",
    EntryType.DECLINE: "declined",
    EntryType.CANCEL: "cancelled",
}

_ANSWERS = {HOLDING_REPLY: "promise of an answer to", ESCALATION_REPORT: "report about"}

Place = tuple[LogName, int]
"""An entry by its log and index."""


@dataclass(frozen=True, slots=True)
class Relation:
    """One entry that refers to another. counts: people stand behind it, and it names the very entry that its leaf refers to."""

    verb: str
    by: EntryReading
    counts: bool


class Words:
    """Tells what a reading shows."""

    def __init__(self, reading: Reading, silences: Sequence[SilenceReading] = ()) -> None:
        self._reading = reading
        self._silent = {(each.shown.name, each.shown.leaf.index): each for each in silences}
        self._names = {side: desk.offer.identity.desk for side, desk in reading.desks.desks.items()}
        if len(set(self._names.values())) == 1:  # two desks may share a name, but no sentence may leave open which is meant
            self._names = {side: f"{name} ({side})" for side, name in self._names.items()}
        self._related = _relate(reading.entries)

    def complete_for(self, side: str) -> bool:
        """Whether statuses of this desk, signed with both algorithms, cover every entry that is shown."""
        return all(side in entry.covered for entry in self._reading.entries)

    @property
    def is_complete(self) -> bool:
        """Whether at least one desk stands for every entry with both algorithms."""
        return any(map(self.complete_for, self._names))

    @cached_property
    def sentences(self) -> tuple[str, ...]:
        """Every fact as a sentence, without the condition that the fingerprints are theirs."""
        return tuple(self._sentences())

    def _sentences(self) -> Iterator[str]:
        desks = self._reading.desks
        first, second = self._names.values()
        yield (
            f"{first} and {second} paired the line with the digits {line_digits(desks.paired.line)} "
            "by three files, each signed by its identity with both algorithms"
        )
        yield from self._amended()
        if not self._reading.terms.show_third_parties:
            yield f"{first} and {second} agreed not to show evidence of this line to others"
        for side, desk in desks.desks.items():
            yield from self._remarks(side, desk)
        for entry in self._reading.entries:
            yield self._sentence(entry)
        for speaker, status in self._reading.statuses:
            yield self._status(speaker, status)
        for silence in self._told_silences:
            yield from silence.sentences()

    @cached_property
    def _told_silences(self) -> tuple[SilenceWords, ...]:
        first = self._reading.desks.paired.terms
        return tuple(
            SilenceWords(
                each,
                self._names[name.author],
                self._names[name.recipient],
                self._place(each.notice),
                (each.notice.terms or first).status_interval_seconds,
            )
            for (name, _), each in self._silent.items()
        )

    @property
    def silences(self) -> tuple[dict[str, Value], ...]:
        """What every silence certificate shows, as JSON values."""
        return tuple(silence.as_json() for silence in self._told_silences)

    def _amended(self) -> Iterator[str]:
        for log, amendment in self._reading.amendments:
            yield (
                f"version {amendment.terms.version} of the terms came into force with entry @{amendment.ours - 1} of "
                f"{self._log(log)} and entry @{amendment.theirs - 1} of {self._log(log.reverse)}; what stands "
                "above both is judged by it"
            )

    def _remarks(self, side: str, desk: Desk) -> Iterator[str]:
        revoked = desk.certificates[-1].revoked
        if revoked is not None:
            yield (
                f"{self._names[side]} revoked its incarnation {revoked[0]} from {time_text(revoked[1])}; "
                "nothing shown here dates what that incarnation signed before it"
            )
        for certificate in desk.certificates:
            yield (
                f"{self._names[side]}'s certificate {certificate.serial}, of incarnation {certificate.inc}, is dated from "
                f"{time_text(certificate.not_before)} to {time_text(certificate.not_after)}"
            )

    def _sentence(self, entry: EntryReading) -> str:
        author = self._names[entry.name.author]
        claimed = time_text(entry.leaf.time)
        clauses = [f"{author}'s log key signed {self._place(entry)} ({self._what(entry)}), by its own claim at {claimed}"]
        if release := self._release(entry):
            clauses.append(release)
        recipient = self._names[entry.name.recipient]
        if entry.received is None:
            clauses.append(f"no receipt by {recipient} is shown")
        else:
            clauses.append(f"{recipient}'s custody key receipted it at {time_text(entry.received)} by its own clock")
        clauses += [_seen(name, time) for name, time in entry.witnessed]
        clauses += [self._relation(relation) for relation in self._related.get((entry.name, entry.leaf.index), ())]
        clauses.append(self._cover(entry))
        return "; ".join(clauses)

    def _place(self, entry: EntryReading) -> str:
        called = f" (number {entry.number})" if entry.number is not None else ""
        return f"entry @{entry.leaf.index}{called} of {self._log(entry.name)}"

    def _log(self, name: LogName) -> str:
        return f"{self._names[name.author]}'s log {name.inc}-{name.peer_inc}"

    def _what(self, entry: EntryReading) -> str:
        kind = entry.leaf.type
        target = _target(entry)
        noun = _NOUNS.get(kind)
        if noun is not None and target is not None:
            said = f"{noun} entry @{target[1]} of {self._log(target[0])}"
        elif entry.notice is not None:
            notice = entry.notice
            said = f"{type_name(kind)} {plain(notice.form)}, {notice.precedence.name}"
            said += ", EXERCISE" if notice.exercise else ""
        elif silent := self._silent.get((entry.name, entry.leaf.index)):
            said = f"certificate of silence, {silent.judgement.kind}, about entry @{silent.notice.leaf.index} of the same log"
        else:
            said = type_name(kind)
        if kind == EntryType.NOTICE and target is not None:
            form = "" if entry.notice is None else entry.notice.form
            said += f", {_ANSWERS.get(form, 'answer to')} entry @{target[1]} of {self._log(target[0])}"
        return said

    def _release(self, entry: EntryReading) -> str:
        if entry.body is None:
            return "its content is not shown, so nothing can be said of who released it"
        if entry.released is None:
            return ""
        if not entry.released:
            return "NOT RELEASED: the people whom the terms ask for did not sign it"
        if entry.leaf.type == EntryType.ROSTER and not entry.signers:
            return f"the identity of {self._names[entry.name.author]} signed this change of its officers"
        if not entry.signers:
            return f"a machine of {self._names[entry.name.author]} sent it, as the terms allow"
        return f"{self._officers(entry)} {_SIGNED.get(entry.leaf.type, 'released it')}"

    def _officers(self, entry: EntryReading) -> str:
        return f"{' and '.join(map(_officer, entry.signers))} of {self._names[entry.name.author]}"

    def _relation(self, relation: Relation) -> str:
        by = relation.by
        where = f"entry @{by.leaf.index} of {self._log(by.name)}"
        if by.body is None:
            return f"{where}, the content of which is not shown, is marked as having {relation.verb} it"
        if not relation.counts:
            desk = self._names[by.name.author]
            return f"{where} is marked as having {relation.verb} it, but does not count: no people of {desk} signed that"
        who = self._officers(by) if by.signers else self._names[by.name.author]
        return f"{who} {relation.verb} it in {where}"

    def _cover(self, entry: EntryReading) -> str:
        if not entry.covered:
            return "no status with both signatures covers it yet (provisional)"
        who = " and one of ".join(self._names[side] for side in entry.covered)
        return f"it is covered by a status of {who} with both signatures (complete)"

    def _status(self, speaker: LogName, status: Status) -> str:
        mine, theirs = self._names[speaker.author], self._names[speaker.recipient]
        return (
            f"{mine} stated at {time_text(status.time)} by its own clock, with both signatures, "
            f"that its log had {status.size} entries and that it held {status.held_size} of {theirs}'s"
        )

    @cached_property
    def entries(self) -> tuple[dict[str, Value], ...]:
        """Every entry as JSON values."""
        return tuple(map(self._entry, self._reading.entries))

    def _entry(self, entry: EntryReading) -> dict[str, Value]:
        leaf, notice, response, body = entry.leaf, entry.notice, entry.response, entry.body
        told: dict[str, Value] = {
            "log": str(entry.name),
            "author": self._names[entry.name.author],
            "index": leaf.index,
            "number": entry.number,
            "type": type_name(leaf.type),
            "time": time_text(leaf.time),
            "re": leaf.re,
            "shown": body is not None,
            "received": None if entry.received is None else time_text(entry.received),
            "covered_by": list(map(self._names.__getitem__, entry.covered)),
            "released": entry.released,
            "officers": [_officer_json(signer) for signer in entry.signers],
        }
        if entry.witnessed:
            told["witnessed"] = [{"witness": name, "time": time_text(time)} for name, time in entry.witnessed]
        if notice is not None:
            told |= {
                "form": notice.form,
                "version": notice.version,
                "precedence": notice.precedence.name,
                "exercise": notice.exercise,
                "language": notice.language,
                "fields": {str(number): _json_value(value) for number, value in notice.fields.items()},
            }
        elif response is not None:
            told |= {"language": response.language, "reason": response.reason}
        elif silent := self._silent.get((entry.name, leaf.index)):
            told |= {"silence": silent.judgement.kind.value, "about": silent.notice.leaf.index}
        elif body is not None:
            told["content"] = body.content.hex()
        for relation in self._related.get((entry.name, leaf.index), ()):
            place = {"log": str(relation.by.name), "index": relation.by.leaf.index, "counts": relation.counts}
            told.setdefault(f"{relation.verb}_by", []).append(place)
        return told

    def readme(self) -> bytes:
        """The text for people who open the archive without this program."""
        identities = "".join(
            f"  {side}: {self._names[side]}\n     fingerprint {desk.offer.identity.fingerprint}\n"
            for side, desk in self._reading.desks.desks.items()
        )
        facts = "".join(f"- {sentence}.\n" for sentence in self.sentences)
        return _README.format(identities=identities, facts=facts).encode()

    def summary(self) -> bytes:
        """The same as JSON, one entry on a line."""
        desks = {
            side: {
                "desk": desk.offer.identity.desk,
                "fingerprint": desk.offer.identity.fingerprint,
                "id": desk.offer.identity.id.hex(),
                "complete": self.complete_for(side),
            }
            for side, desk in self._reading.desks.desks.items()
        }
        head = {"evidence": "watchline/1", "line": self._reading.desks.paired.line.hex(), "desks": desks}
        opening = json.dumps(head, ensure_ascii=False)[:-1]
        entries = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in self.entries)
        silences = ",\n".join(json.dumps(silence, ensure_ascii=False) for silence in self.silences)
        told = f', "silences": [\n{silences}\n]' if silences else ""
        return f'{opening}, "entries": [\n{entries}\n]{told}}}\n'.encode()


def type_name(kind: int) -> str:
    """What people call a type of entry."""
    return _TYPE_NAMES.get(kind) or f"type {kind}"


def _relate(entries: Sequence[EntryReading]) -> Mapping[Place, list[Relation]]:
    """Which shown entries refer to which."""
    by_place = {(entry.name, entry.leaf.index): entry for entry in entries}
    related: dict[Place, list[Relation]] = {}
    for entry in entries:
        target = _target(entry)
        verb = "held" if _is_holding_reply(entry) else _RELATIONS.get(entry.leaf.type)
        if entry.notice is not None and entry.notice.form == ESCALATION_REPORT:
            continue
        if target is not None and verb is not None:
            meant = by_place.get(target)
            counts = _has_people(entry, meant) and _names_its_entry(entry, meant, _first_of(meant, by_place))
            related.setdefault(target, []).append(Relation(verb, entry, counts))
    return related


def _has_people(entry: EntryReading, meant: EntryReading | None) -> bool:
    """Whether people stand behind what an entry says to another one; a test of the line is answered without them (rule 24)."""
    is_test = meant is not None and meant.notice is not None and meant.notice.form == TEST
    return bool(entry.released) and (bool(entry.signers) or is_test)


def _is_holding_reply(entry: EntryReading) -> bool:
    return entry.notice is not None and entry.notice.form == HOLDING_REPLY


def _target(entry: EntryReading) -> Place | None:
    """The entry that this one refers to: of its own log for a cancellation, else of the other one."""
    if entry.leaf.re is None:
        return None
    return (entry.name if entry.leaf.type == EntryType.CANCEL else entry.name.reverse), entry.leaf.re


def _first_of(target: EntryReading | None, by_place: Mapping[Place, EntryReading]) -> EntryReading | None:
    """The entry that this one was issued again of, if that is shown (rule 30)."""
    again = None if target is None or target.body is None else target.body.again
    if target is None or again is None:
        return None
    return by_place.get((LogName(target.name.author, again.inc, again.peer_inc), again.place))


def _names_its_entry(entry: EntryReading, *meant: EntryReading | None) -> bool:
    """Whether what an officer signed is about the entry that the leaf refers to, or about its first copy (rules 24, 30)."""
    if entry.leaf.type not in (EntryType.ACKNOWLEDGE, EntryType.DECLINE):
        return True
    said = entry.response
    return said is not None and any(each is not None and said.names(entry.leaf.type, each.leaf) for each in meant)


def _seen(witness: str, time: int) -> str:
    return f"witness {plain(witness)} saw a signed tree head that covers it, no later than {time_text(time)} by its own clock"


def _officer(signer: Signer) -> str:
    officer = signer.officer
    name = "" if officer.name is None else f", {officer.name}"
    dates = {"early": ", before the dates of the key", "expired": ", after the dates of the key"}
    remark = "" if signer.remark is None else dates.get(signer.remark.state, "")
    return f"officer {officer.number} ({officer.role}{name}{remark})"


def _officer_json(signer: Signer) -> dict[str, Value]:
    officer = signer.officer
    remark = None if signer.remark is None else signer.remark.state
    return {"number": officer.number, "role": officer.role, "name": officer.name, "remark": remark}


def _json_value(value: Value) -> Value:
    """A value of a form as JSON that can be read in one way only: bytes and maps, which JSON has not, are named."""
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, dict):
        return {"map": [[key, _json_value(item)] for key, item in value.items()]}
    if isinstance(value, list):
        return [_json_value(item) for item in value]
    return value


_README = """\
EVIDENCE OF A WATCHLINE LINE (watchline/1)

Two desks write to each other, each in a log of its own. This archive shows entries of these logs and all that is needed to
check who signed them. `watchline verify FILE` checks every byte without a network; docs/evidence.md of the project says how
to do it without that program.

Desks:
{identities}
Compare these fingerprints with what the desks published themselves. Anybody can make two desks up and let them say anything:
what follows holds if these fingerprints are theirs.

{facts}
What no time is given for by somebody else's clock, nobody but the one who says it dates. A time is always by the clock of the
desk that is named with it. "Provisional" means that the signatures shown are Ed25519 alone; a status with both signatures is
also signed with ML-DSA-44.

Parts:
  readme.txt, summary.json        this text and the contents of the entries; written from the other parts
  pairing/1.bin, 2.bin, 3.bin     the files that made the line: identities, first certificates, officers, terms
  certificates/                   later certificates of the desks
  logs/AUTHOR-INC-PEERINC/        one log: AUTHOR is a (who invited) or b, then both incarnations
    log.vkey, custody.vkey        C2SP verifier keys of the author's log key and the recipient's custody key
    heads/SIZE.txt                C2SP notes: tree heads with the author's signature and the recipient's cosignature
    entries/FIRST.bin             deterministic CBOR: [[leaf, blinding, body], ...]
    tree.txt                      START END HASH: the hashes over leaves that are not shown
  statuses/                       statements of the desks about both logs: [signed bytes, Ed25519, ML-DSA-44]
"""
