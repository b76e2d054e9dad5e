"""Evidence: one file with which anybody can check, offline, what was said on a line and what the other side signed (rule 41).

The file is a zip archive in one form (`archive`) of parts in plain formats; docs/evidence.md lists them. Every byte is signed,
or hashed into a signed root, or written again from what is signed and compared. So a file is verified only if it is just what
`build_evidence` writes for what it shows.

`verified` says that the file holds together. Whose it is, only the fingerprints can tell: two desks that a stranger made up
give verified evidence too, but never `trusted` identities.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from watchline.core.archive import pack, unpack
from watchline.core.evidence_parts import README_NAME, SUMMARY_NAME, Bundle, LogKeys, LogName, write_parts
from watchline.core.evidence_reading import Fault, Faults, read_desks, read_evidence
from watchline.core.evidence_shown import Reading
from watchline.core.evidence_silences import judge_silences
from watchline.core.evidence_words import CONDITION, Words
from watchline.core.keys import Identity
from watchline.errors import Malformed, PeerError

MEANING = (
    "verified: this file is consistent in itself, to the last byte. Whose it is, only the identities tell: trusted ones were "
    "given by you. complete: statuses of one desk, signed also with ML-DSA-44, cover every entry; else it is provisional."
)
FAULTS_SHOWN_MAX = 64  # a stranger's file could have a million
_RULE = 41


@dataclass(frozen=True, slots=True)
class ShownIdentity:
    """A desk that evidence names. trusted: the verifier gave the same identity. complete: its statuses cover every entry."""

    desk: str
    fingerprint: str
    trusted: bool
    complete: bool


@dataclass(frozen=True, slots=True)
class Report:
    """What a file of evidence shows. Not verified: identities, facts and entries are empty, and faults says why.

    complete: at least one desk's full statuses cover every entry, so that its word stands against a quantum computer too.
    facts: sentences. entries: what each one says, silences: what each silence certificate shows, as JSON values.
    """

    verified: bool
    complete: bool
    identities: tuple[ShownIdentity, ...]
    facts: tuple[str, ...]
    entries: tuple[dict[str, Any], ...]
    faults: tuple[Fault, ...]
    silences: tuple[dict[str, Any], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The report as JSON values: the same members whatever was given."""
        return {
            "verified": self.verified,
            "complete": self.complete,
            "meaning": MEANING,
            "identities": [
                {"desk": each.desk, "fingerprint": each.fingerprint, "trusted": each.trusted, "complete": each.complete}
                for each in self.identities
            ],
            "facts": list(self.facts),
            "entries": list(self.entries),
            "silences": list(self.silences),
            "faults": [{"part": fault.part, "rule": fault.rule, "message": fault.message} for fault in self.faults],
        }


def build_evidence(bundle: Bundle) -> bytes:
    """Write evidence. Raises Malformed if what is given would not verify; facts `part` and `rule` say where."""
    return build_and_judge(bundle)[0]


def build_and_judge(bundle: Bundle) -> tuple[bytes, bool]:
    """Write evidence, and say whether it is complete (see `Report`). Raises as `build_evidence`."""
    faults = Faults()
    desks = read_desks(_first_parts(bundle), faults)
    parts: dict[str, bytes] = {}
    if desks is not None:
        with faults.of("certificates"):  # one may be missing
            parts = write_parts(bundle, desks.keys)
    found = _read(parts, faults)
    if found is None:
        fault = faults.found[0]
        raise Malformed(f"this gives no evidence that would verify: {fault.message}", rule=fault.rule, part=fault.part)
    _, words = found
    return pack(parts | _told(words)), words.is_complete


def _first_parts(bundle: Bundle) -> dict[str, bytes]:
    """The parts that say who the desks are: without logs, no keys are asked for."""
    no_keys: dict[LogName, LogKeys] = {}
    return write_parts(Bundle(bundle.pairing, bundle.certificates, (), ()), no_keys.__getitem__)


def verify_evidence(data: bytes, trusted: Sequence[Identity] = ()) -> Report:
    """Check a file of evidence, whatever it is; every fault is in the report and none is raised. trusted: known identities."""
    faults = Faults()
    parts: Mapping[str, bytes] = {}
    try:
        parts = unpack(data)
    except PeerError as error:
        part = error.facts.get("part")
        return _refuse([Fault(part if isinstance(part, str) else "", error.rule, error.message)])
    found = _read(parts, faults)
    if found is None:
        return _refuse(faults.found)
    reading, words = found
    faults.found += _compare(parts, write_parts(reading.bundle, reading.desks.keys) | _told(words))
    return _refuse(faults.found) if faults.found else _accept(reading, words, trusted)


def _read(parts: Mapping[str, bytes], faults: Faults) -> tuple[Reading, Words] | None:
    """What the signed parts show, and the words for it; None where there are faults."""
    reading = None if faults.found else read_evidence(parts, faults)
    if reading is None or faults.found:
        return None
    words = Words(reading, judge_silences(reading, faults))
    return None if faults.found else (reading, words)


def _told(words: Words) -> dict[str, bytes]:
    return {README_NAME: words.readme(), SUMMARY_NAME: words.summary()}


def _compare(found: Mapping[str, bytes], expected: Mapping[str, bytes]) -> list[Fault]:
    missing = [Fault(part, _RULE, "this part is missing") for part in sorted(expected.keys() - found.keys())]
    strange = [
        Fault(part, _RULE, "this part belongs to nothing that is shown") for part in sorted(found.keys() - expected.keys())
    ]
    changed = [
        Fault(part, _RULE, "this part is not what the signed parts give")
        for part in sorted(found.keys() & expected.keys())
        if found[part] != expected[part]
    ]
    return missing + strange + changed


def _refuse(faults: Sequence[Fault]) -> Report:
    return Report(False, False, (), (), (), tuple(faults[:FAULTS_SHOWN_MAX]))


def _accept(reading: Reading, words: Words, trusted: Sequence[Identity]) -> Report:
    known = {identity.id for identity in trusted}
    identities = tuple(
        ShownIdentity(
            desk.offer.identity.desk,
            desk.offer.identity.fingerprint,
            desk.offer.identity.id in known,
            words.complete_for(side),
        )
        for side, desk in reading.desks.desks.items()
    )
    condition = "" if all(each.trusted for each in identities) else CONDITION
    return Report(
        True,
        words.is_complete,
        identities,
        tuple(condition + sentence for sentence in words.sentences),
        words.entries,
        (),
        words.silences,
    )
