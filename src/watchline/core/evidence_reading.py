"""Read the parts of an evidence file and check all that is signed, committed to or hashed in them.

Nothing is believed: what is shown of the pairing gives both identities and LINE; certificates give the keys; notes and statuses
give signed sizes and roots; and the shown leaves must lead to every one of these roots. Each fault names its part and rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from watchline.core import shapes
from watchline.core.amendments import Entered, read_entered
from watchline.core.certificate import SignedCertificate, counts_after, parse_certificate
from watchline.core.checkpoint import Checkpoint, Note, parse_note
from watchline.core.encoding import decode, encode
from watchline.core.entries import (
    NUMBERED,
    Body,
    Continues,
    EntryType,
    Leaf,
    Notice,
    Response,
    verify_commitment,
)
from watchline.core.evidence_parts import (
    ACCEPTER,
    INVITER,
    PAIRING_NAMES,
    Bundle,
    Head,
    LogKeys,
    LogName,
    ShownEntry,
    ShownLog,
    ShownStatus,
    read_chunk,
    read_hidden,
    roots_of,
)
from watchline.core.evidence_shown import Desk, Desks, EntryReading, Reading, ShownSilence
from watchline.core.evidence_terms import ShownTerms
from watchline.core.evidence_witnesses import LogWitnesses
from watchline.core.keys import verify_ed25519
from watchline.core.limits import INTEGER_MAX
from watchline.core.merkle import leaf_hash
from watchline.core.pairing_shown import read_shown_parts
from watchline.core.persons import Signer
from watchline.core.release import PURPOSE_OF, people_needed, reference, verify_roster_entry, verify_signers
from watchline.core.silence import Silence, SilenceKind
from watchline.core.statements import Statement, StatementType, Status, read_statement, read_status
from watchline.core.terms import Terms
from watchline.errors import BadProof, BadSignature, Malformed, PeerError, WrongParty

_RULE = 41
_LOG_PART = re.compile(r"(?:logs|statuses)/([ab])-([1-9][0-9]{0,15})-([1-9][0-9]{0,15})/(?:.*/)?([^/]+)")
_CERTIFICATE_PART = re.compile(r"certificates/([ab])/([0-9]{16})\.bin")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong. part: the part or folder of it, "" for the archive as a whole; rule: its number in docs/protocol.md."""

    part: str
    rule: int
    message: str


@dataclass(slots=True)
class Faults:
    """Collects what is wrong with the parts, so that one fault does not hide the next."""

    found: list[Fault] = field(default_factory=list)

    def of(self, part: str) -> _Noting:
        """A block that ends where this part is refused; the fault is noted, and what follows the block goes on."""
        return _Noting(self.found, part)


@dataclass(frozen=True, slots=True)
class _Noting:
    found: list[Fault]
    part: str

    def __enter__(self) -> None: ...

    def __exit__(self, _: object, error: BaseException | None, __: object) -> bool:
        if not isinstance(error, PeerError):
            return False
        self.found.append(Fault(self.part, error.rule, error.message))
        return True


def read_evidence(parts: Mapping[str, bytes], faults: Faults) -> Reading | None:
    """Check the parts; None where the pairing already fails, as nothing can be checked without them.

    With any fault found, the reading must not be shown as true.
    """
    desks = read_desks(parts, faults)
    if desks is None:
        return None
    by_log = _group(parts)
    statuses = [status for name in by_log for status in _read_statuses(name, by_log[name], parts, desks, faults)]
    said_in = [(speaker, said) for speaker, _, said in statuses]
    readers = [
        _LogReader(name, names, parts, desks, faults)
        for name, names in by_log.items()
        if any(part.startswith(name.folder + "/") for part in names)
    ]
    silences = [silence for reader in readers for silence in reader.open()]
    for reader in readers:
        reader.read(said_in, silences)
    bodies = {name: body for reader in readers for name, body in reader.issued_again()}
    releases = _first_releases(readers)
    for reader in readers:
        reader.releases = releases
    terms = ShownTerms(desks.paired, readers)
    if not faults.found:  # else what came into force is not known
        for reader in readers:
            reader.take_witnesses(terms.versions(reader.name))
    logs = [reader.shown for reader in readers]
    entries = [reading for reader in readers for reading in reader.judge(bodies, terms)]
    certificates = tuple(
        (desk, signed.certificate.serial, signed.encoded) for desk in desks.desks for signed in desks.desks[desk].later
    )
    bundle = Bundle(_pairing_parts(parts), certificates, tuple(logs), tuple(shown for _, shown, _ in statuses))
    if not entries and not faults.found:
        faults.found.append(Fault("logs", _RULE, "no entry is shown"))
    return Reading(desks, bundle, tuple(entries), tuple(said_in), terms.newest, terms.amendments, tuple(silences))


def _first_releases(readers: Sequence[_LogReader]) -> dict[tuple[str, bytes], tuple[LogName, bytes]]:
    """In which log each release nonce of an author was shown first, and with what content, where it may be shown in several:
    a release counts once on a line, not once in each pair of incarnations (rule 8).
    """
    authors = [reader.name.author for reader in readers]
    firsts: dict[tuple[str, bytes], tuple[LogName, bytes]] = {}
    for reader in readers:  # the pairs of one author in their order
        if authors.count(reader.name.author) > 1:
            for body in reader.bodies():
                if body.nonce is not None:
                    firsts.setdefault((reader.name.author, body.nonce), (reader.name, body.content))
    return firsts


def _group(parts: Mapping[str, bytes]) -> dict[LogName, list[str]]:
    """The names of the parts that belong to each log, or were said by its author."""
    found: dict[LogName, list[str]] = {}
    for part in parts:
        if match := _LOG_PART.fullmatch(part):
            name = LogName(match[1], int(match[2]), int(match[3]))
            if max(name.inc, name.peer_inc) <= INTEGER_MAX:
                found.setdefault(name, []).append(part)
    return dict(sorted(found.items()))


def _pairing_parts(parts: Mapping[str, bytes]) -> tuple[bytes, bytes, bytes]:
    first, second, third = (parts.get(part, b"") for part in PAIRING_NAMES)
    return first, second, third


def read_desks(parts: Mapping[str, bytes], faults: Faults) -> Desks | None:
    """The two desks and their line; None, with a fault, where the pairing does not hold together."""
    paired = None
    with faults.of("pairing"):
        paired = read_shown_parts(_pairing_parts(parts))
    if paired is None:
        return None
    offers = {INVITER: paired.inviter, ACCEPTER: paired.accepter}
    newest = {desk: offer.certificate for desk, offer in offers.items()}
    counted: dict[str, list[SignedCertificate]] = {desk: [] for desk in offers}
    offered: list[tuple[str, str, SignedCertificate]] = []
    for part, encoded in parts.items():
        if match := _CERTIFICATE_PART.fullmatch(part):
            with faults.of(part):
                offered.append((part, match[1], parse_certificate(encoded, offers[match[1]].identity)))
    for part, desk, later in sorted(offered, key=lambda each: (each[2].certificate.inc, each[2].certificate.serial)):
        with faults.of(part):
            if not counts_after(newest[desk], later.certificate, paired.line):
                raise WrongParty("this certificate is not a later one", rule=2)
            newest[desk] = later.certificate
            counted[desk].append(later)
    return Desks(paired, {desk: Desk(offers[desk], tuple(counted[desk])) for desk in offers})


def _read_statuses(
    name: LogName, names: list[str], parts: Mapping[str, bytes], desks: Desks, faults: Faults
) -> Iterator[tuple[LogName, ShownStatus, Status]]:
    for part in names:
        if part.startswith("statuses/"):
            with faults.of(part):
                payload, ed, ml = shapes.array(decode(parts[part]), "status", length=3)
                shown = ShownStatus(
                    name,
                    shapes.octets(payload, "payload", at_most=65_536),
                    shapes.octets(ed, "ed", at_most=64),
                    shapes.octets(ml, "ml", at_most=4_096),
                )
                yield name, shown, read_status(_verify_stated(shown, desks))


def _verify_stated(shown: ShownStatus, desks: Desks) -> Statement:
    direction = desks.direction(shown.speaker)
    stated = shapes.array(decode(shown.payload), "statement")
    if encode(stated[1:6]) != encode([*direction]):  # values could be equal that are not the same, such as 1 and true
        raise WrongParty("the status belongs to another line, direction or incarnation", rule=4)
    key = desks.desks[shown.speaker.author].keys(shown.speaker.inc).statement
    statement = read_statement(shown.payload, shown.ed, shown.ml, key)
    if statement.type != StatementType.STATUS:
        raise WrongParty("this statement is no status", rule=25)
    return statement


class _LogReader:
    """Reads the parts of one log."""

    def __init__(self, name: LogName, names: list[str], parts: Mapping[str, bytes], desks: Desks, faults: Faults) -> None:
        self._name, self._names, self._parts, self._desks, self._faults = name, names, parts, desks, faults
        self._author = desks.desks[name.author].offer
        self._roster = self._author.roster  # in force for the entry at hand
        self._found: list[tuple[ShownEntry, Leaf]] = []  # as they were read; those that hold are the next
        self._entries: list[tuple[ShownEntry, Leaf]] = []
        self._heads: list[Head] = []
        self._hidden: list[tuple[int, int, bytes]] = []
        self._beside: dict[int, tuple[str, Note]] = {}  # by size: what is not by the two desks, and in which part
        self._witnesses: LogWitnesses | None = None
        self._covers: list[tuple[int, bytes, str]] = []
        self._holds = False
        self.releases: Mapping[tuple[str, bytes], tuple[LogName, bytes]] = {}

    def open(self) -> list[ShownSilence]:
        """Read the entries; give the silence certificates among them, as the sizes that they rest on count in both logs."""
        before = len(self._faults.found)
        silences: list[ShownSilence] = []
        self._found = self._read_entries(silences)
        self._holds = len(self._faults.found) == before
        return silences

    def read(self, statuses: list[tuple[LogName, Status]], silences: list[ShownSilence]) -> None:
        """Check the log."""
        name, before = self._name, len(self._faults.found)
        entries, heads = self._found, self._read_heads()
        covers = [(size, root, speaker.author) for speaker, said in statuses for size, root in _named(said, speaker, name)]
        rested = [claim for silence in silences for claim in _rested_on(silence, name)]
        hidden: list[tuple[int, int, bytes]] = []
        if self._holds and len(self._faults.found) == before:
            with self._faults.of(f"{name.folder}/tree.txt"):
                hidden = read_hidden(self._parts.get(f"{name.folder}/tree.txt", b""))
                self._check_roots(entries, heads, [(size, root) for size, root, _ in covers] + rested, hidden)
        if self._holds and len(self._faults.found) == before:
            self._entries, self._heads, self._covers, self._hidden = entries, heads, covers, hidden

    def take_witnesses(self, versions: Sequence[Terms]) -> None:
        """Take what witnesses say on the heads. versions: of the terms, as they came into force in this pair."""
        self._witnesses = LogWitnesses(versions, self._desks.keys(self._name).log.name)
        for at, head in enumerate(self._heads):
            if head.size in self._beside:
                part, note = self._beside[head.size]
                with self._faults.of(part):
                    said = self._witnesses.read(head.size, note, by_author=head.signature is not None)
                    self._heads[at] = replace(head, cosignatures=said)

    @property
    def shown(self) -> ShownLog:
        """What the log shows, if it holds together."""
        return ShownLog(self._name, tuple(entry for entry, _ in self._entries), tuple(self._heads), tuple(self._hidden))

    def _read_entries(self, silences: list[ShownSilence]) -> list[tuple[ShownEntry, Leaf]]:
        direction = self._desks.direction(self._name)
        prefix = direction.prefix()
        entries: list[tuple[ShownEntry, Leaf]] = []
        for part in self._parts_in("entries"):
            with self._faults.of(part):
                for encoded, blinding, body in read_chunk(self._parts[part]):
                    leaf = Leaf.decode(encoded)
                    if not encoded.startswith(prefix):
                        leaf.verify_direction(direction)
                    if entries and leaf.index <= entries[-1][1].index:
                        raise Malformed("entries stand in order of their indexes", rule=_RULE, index=leaf.index)
                    if blinding is not None and body is not None:
                        verify_commitment(leaf, blinding, body)
                        if leaf.type == EntryType.SILENCE:
                            silences.append(self._read_silence(part, leaf, body))
                    entries.append((ShownEntry(leaf.index, encoded, blinding, body), leaf))
        return entries

    def _read_silence(self, part: str, leaf: Leaf, body: bytes) -> ShownSilence:
        silence = Silence.decode(Body.decode(body).content)
        status = None
        if silence.status is not None:
            speaker = self._name.reverse
            key = self._desks.desks[speaker.author].keys(speaker.inc).statement
            status = silence.status.verify(self._desks.direction(speaker), key)
        return ShownSilence(part, self._name, leaf, silence, status)

    def _read_heads(self) -> list[Head]:
        heads: list[Head] = []
        keys: LogKeys | None = None
        with self._faults.of(self._name.folder):
            keys = self._desks.keys(self._name)
        if keys is None:
            return heads
        for part in self._parts_in("heads"):
            with self._faults.of(part):
                head = self._read_head(part, keys)
                if heads and head.size <= heads[-1].size:
                    raise Malformed("tree heads stand in order of their sizes", rule=_RULE, size=head.size)
                heads.append(head)
        return heads

    def _read_head(self, part: str, keys: LogKeys) -> Head:
        note = parse_note(self._parts[part])
        checkpoint = Checkpoint.parse(note.text)
        if checkpoint.origin != keys.log.name:
            raise WrongParty("the note is of another log", rule=9)
        own = [each for each in note.signatures if each[0] in (keys.log.name, keys.custody.name)]
        desks, beside = Note(note.text, own), [each for each in note.signatures if each not in own]
        self._check_signers(desks, keys)
        if own:
            desks.verify(keys)
        if beside:
            self._beside[checkpoint.size] = part, Note(note.text, beside)
        log = [blob for name, _, blob in own if name == keys.log.name]
        custody = [blob for name, _, blob in own if name == keys.custody.name]
        receipt = (int.from_bytes(custody[0][:8], "big"), custody[0][8:]) if custody else None
        return Head(checkpoint.size, checkpoint.root, log[0] if log else None, receipt)

    def _check_signers(self, note: Note, keys: LogKeys) -> None:
        """Under the two names only the two keys may sign."""
        for name, key_id, blob in note.signatures:
            wanted = keys.custody if name == keys.custody.name else keys.log
            if (name, key_id) == (wanted.name, wanted.key_id):
                continue
            if name == keys.custody.name and self._is_authors_own(note.text, blob):
                raise WrongParty("the author gave itself a receipt", rule=23)
            raise WrongParty("the note is signed by a key that is neither the author's nor the recipient's", rule=23)

    def _is_authors_own(self, text: bytes, blob: bytes) -> bool:
        own = self._desks.desks[self._name.author].keys(self._name.inc)
        message = b"cosignature/v1\ntime %d\n%b" % (int.from_bytes(blob[:8], "big"), text)
        for public in (own.custody, own.log):
            try:
                verify_ed25519(public, blob[8:], message)
            except BadSignature:
                continue
            return True
        return False

    def _check_roots(
        self,
        entries: list[tuple[ShownEntry, Leaf]],
        heads: list[Head],
        said: list[tuple[int, bytes]],
        hidden: list[tuple[int, int, bytes]],
    ) -> None:
        """Compute every signed root from the shown leaves."""
        signed = max((head.size for head in heads if head.signature is not None), default=0)
        if entries and entries[-1][1].index >= signed:
            raise BadProof("the author signed no tree head that covers every entry shown", rule=9)
        claims = [(head.size, head.root) for head in heads] + said
        hashes = {leaf.index: leaf_hash(shown.leaf) for shown, leaf in entries}
        roots = roots_of(hashes, sorted({size for size, _ in claims}), hidden)
        for size, root in claims:
            if roots[size] != root:
                raise BadProof(f"leaves and hashes do not lead to the root that was signed at size {size}", rule=7)

    def issued_again(self) -> Iterator[tuple[tuple[LogName, int], Body]]:
        """The bodies of the entries shown that were issued again (rule 30); in the first pair of a line there are none."""
        if (self._name.inc, self._name.peer_inc) == (1, 1):
            return
        for shown, leaf in self._entries:
            body = _marked(shown.body)
            if body is not None:
                yield (self._name, leaf.index), body

    def bodies(self) -> Iterator[Body]:
        """The bodies that are shown and can be read, in their order."""
        for shown, _ in self._entries:
            body = _readable(shown.body)
            if body is not None:
                yield body

    @property
    def name(self) -> LogName:
        """The log that it reads."""
        return self._name

    def _is_used(self, body: Body, nonces: set[bytes]) -> bool:
        """Whether the release of an entry counted before: in this log, or in one of an earlier pair; there only what is issued
        again, with the same content, counts once more (rules 8, 30). nonces: of this log so far; the entry's own is added.
        """
        if body.nonce is None:
            return False
        used = body.nonce in nonces
        nonces.add(body.nonce)
        log, content = self.releases.get((self._name.author, body.nonce), (self._name, body.content))
        return used or (log != self._name and (body.again is None or content != body.content))

    def continues(self) -> Continues | None:
        """What entry 0 says, where it is shown."""
        first = next(iter(self._entries), None)
        body = None if first is None or first[1].index else _readable(first[0].body)
        if body is None:
            return None
        try:
            return Continues.decode(body.content)
        except PeerError:
            return None

    def entered(self) -> tuple[Entered, ...]:
        """The texts of terms that two people of the author entered, by the roster in force before each (rule 6)."""
        found: list[Entered] = []
        nonces: set[bytes] = set()
        if all(leaf.type != EntryType.TERMS for _, leaf in self._entries):
            return ()
        for shown, leaf in self._entries:
            body = _readable(shown.body)
            if body is None:
                continue
            if leaf.type in (EntryType.TERMS, EntryType.ROSTER):
                released, _ = self._judge_release(leaf, body, None, None, self._desks.paired.terms, leaf.time)
                entered = read_entered(leaf, body.content, not self._is_used(body, nonces) and bool(released))
                if leaf.type == EntryType.TERMS and entered is not None:
                    found.append(entered)
            elif body.nonce is not None:
                nonces.add(body.nonce)
        self._roster = self._author.roster
        return tuple(found)

    def judge(self, issued_again: Mapping[tuple[LogName, int], Body], terms: ShownTerms) -> list[EntryReading]:
        """Read the entries, if the log holds together. issued_again: of all logs that are shown."""
        receipts = [(head.size, head.receipt[0]) for head in self._heads if head.receipt is not None]
        reach = {side: max((size for size, _, who in self._covers if who == side), default=0) for side in self._standing()}
        readings: list[EntryReading] = []
        nonces: set[bytes] = set()
        number: int | None = None
        at = 0
        for count, (shown, leaf) in enumerate(self._entries):
            while at < len(receipts) and receipts[at][0] <= leaf.index:
                at += 1
            received = receipts[at][1] if at < len(receipts) else None
            covered = tuple(desk for desk, size in reach.items() if size > leaf.index)
            body = None
            if shown.body is not None:
                with self._faults.of(f"{self._name.folder}/entries"):
                    body = Body.decode(shown.body)
            # Where an entry before it is not shown, not even its leaf, nobody can count.
            number = _count(number, leaf, body) if count == leaf.index else None
            said = number if leaf.type in NUMBERED else None
            if body is not None and body.again is not None:
                said = body.again.number
            target = None
            if leaf.re is not None:
                log = self._name if leaf.type == EntryType.CANCEL else self._name.reverse
                target = issued_again.get((log, leaf.re))
            agreed = terms.at(self._name, leaf)
            reading = self._read_entry(leaf, said, body, target, received, covered, nonces, agreed)
            if agreed is not self._desks.paired.terms:
                reading = replace(reading, terms=agreed)
            witnessed = self._witnesses.dating(agreed, leaf.index) if self._witnesses else ()
            readings.append(replace(reading, witnessed=witnessed) if witnessed else reading)
        return readings

    def _standing(self) -> list[str]:
        """The desks whose statuses count: not of an incarnation that was revoked, as nothing here dates them (rule 2)."""
        met = {self._name.author: self._name.inc, self._name.recipient: self._name.peer_inc}
        return [side for side, desk in self._desks.desks.items() if met[side] > desk.last_revoked]

    def _read_entry(
        self,
        leaf: Leaf,
        number: int | None,
        body: Body | None,
        target: Body | None,
        received: int | None,
        covered: tuple[str, ...],
        nonces: set[bytes],
        agreed: Terms,
    ) -> EntryReading:
        name = self._name
        if body is None:
            return EntryReading(name, leaf, number, None, None, None, None, (), received, covered)
        notice, response = _content(leaf, body)
        dated = leaf.time if received is None else received
        released, signers = self._judge_release(leaf, body, target, notice, agreed, dated)
        if self._is_used(body, nonces):
            released, signers = False, ()
        return EntryReading(name, leaf, number, body, notice, response, released, signers, received, covered)

    def _judge_release(
        self, leaf: Leaf, body: Body, target: Body | None, notice: Notice | None, agreed: Terms, now: int
    ) -> tuple[bool | None, tuple[Signer, ...]]:
        if leaf.type not in PURPOSE_OF:
            return None, ()
        line = self._desks.paired.line
        try:
            if leaf.type == EntryType.ROSTER:
                self._roster, signers = verify_roster_entry(body, self._roster, self._author.identity, line, now)
                return True, signers
            # The content was read before: to read it twice would be a fifth of all the work on a long log.
            if notice is None:
                needed = people_needed(leaf.type, body, agreed)
            else:
                needed = agreed.people_needed(notice.form, notice.precedence)
            meant = reference(leaf.type, leaf.re, leaf.direction, body, target)
            return True, verify_signers(leaf.type, needed, body, meant, leaf.direction, self._roster, now)
        except PeerError:
            return False, ()

    def _parts_in(self, folder: str) -> list[str]:
        return [part for part in self._names if part.startswith(f"{self._name.folder}/{folder}/")]


def _marked(encoded: bytes | None) -> Body | None:
    """The body of an entry that was issued again; None for one that was not, that is not shown, or that cannot be read."""
    body = _readable(encoded)
    return None if body is None or body.again is None else body


def _readable(encoded: bytes | None) -> Body | None:
    if encoded is None:
        return None
    try:
        return Body.decode(encoded)
    except PeerError:
        return None


def _named(said: Status, speaker: LogName, log: LogName) -> list[tuple[int, bytes]]:
    """What a status says of a log: its speaker's own, or the one that it hears."""
    if speaker == log:
        return [(said.size, said.root)]
    return [(said.held_size, said.held_root)] if speaker == log.reverse else []


def _rested_on(silence: ShownSilence, log: LogName) -> list[tuple[int, bytes]]:
    """What a certificate's status says of a log: of the author's always, of the peer's where that has to be seen."""
    said = silence.status
    if said is None:
        return []
    if silence.name == log:
        return [(said.held_size, said.held_root)]
    is_needed = silence.silence.kind is SilenceKind.CONTRADICTED and silence.name.reverse == log
    return [(said.size, said.root)] if is_needed else []


def _count(number: int | None, leaf: Leaf, body: Body | None) -> int | None:
    """The number after this leaf, if every leaf before it was shown: CONTINUES says where the count goes on, and what is issued
    again keeps its number (rules 30, 38). After an entry that may be such a one, and is not shown, nobody can count.
    """
    if leaf.index == 0 and body is not None and leaf.type == EntryType.CONTINUES:
        return _last_number(body)
    if number is None or leaf.type not in NUMBERED:
        return number
    if body is None and (leaf.direction.inc, leaf.direction.peer_inc) != (1, 1):
        return None
    return number + (body is None or body.again is None)


def _last_number(body: Body) -> int | None:
    try:
        return shapes.integer(shapes.array(decode(body.content), "CONTINUES", length=6)[5], "last number")
    except Malformed:
        return None


def _content(leaf: Leaf, body: Body) -> tuple[Notice | None, Response | None]:
    """The content as a notice or a response; what is neither is shown as bytes."""
    try:
        if leaf.type == EntryType.NOTICE:
            return Notice.decode(body.content), None
        if leaf.type in (EntryType.ACKNOWLEDGE, EntryType.DECLINE):
            return None, Response.decode(body.content)
    except Malformed:
        pass
    return None, None
