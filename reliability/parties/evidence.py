"""The matrix of evidence: each part in the place of each other, of another line, direction and incarnation, and with each
change; with the archive written right again, so that no checksum refuses anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from reliability.parties.alterations import changes, encoded_array, flipped
from reliability.parties.attempts import TAKEN, Attempt, of
from tests.core.sample_evidence import Talk, another_line, sample_talk
from watchline.core.archive import pack, unpack
from watchline.core.encoding import Value, encode
from watchline.core.evidence import build_evidence, verify_evidence
from watchline.core.evidence_parts import README_NAME, SUMMARY_NAME

RULES = {
    "pairing": (5,),
    "certificates": (2, 39, 41),
    "heads": (4, 7, 9, 23, 41),
    "entries": (7, 8, 9, 39, 41),
    "tree.txt": (7, 41),
    "log.vkey": (9, 41),
    "custody.vkey": (9, 41),
    "statuses": (4, 7, 20, 25, 26, 39, 41),
    README_NAME: (41,),
    SUMMARY_NAME: (41,),
}
"""The rules by which a part of this kind is refused; kinds are told by the names of parts (docs/evidence.md)."""


@cache
def good() -> Mapping[str, bytes]:
    """The parts of a file that verifies."""
    return unpack(build_evidence(sample_talk().bundle()))


@cache
def foreign() -> dict[str, Mapping[str, bytes]]:
    """Parts of other files that verify: of another line, and of this one with less shown."""
    return {
        "another line": unpack(build_evidence(another_line().bundle())),
        "one entry of it": unpack(build_evidence(sample_talk().bundle({"a": [1]}))),
    }


def kind_of(part: str) -> str:
    """What a part is; KeyError for one that the matrix does not know."""
    words = part.split("/")
    found = next((word for word in words if word in RULES), None)
    if found is None:
        raise KeyError(f"the matrix does not know the part {part} of evidence")
    return found


@dataclass(frozen=True, slots=True)
class PartSlot:
    """One part of evidence, in a file that is right otherwise."""

    part: str

    def offer(self, value: Value) -> str:
        report = verify_evidence(pack({**good(), self.part: value}))
        if report.verified:
            return TAKEN
        if report.identities or report.facts or report.entries:
            return "refused, and shown all the same"
        faults = [fault for fault in report.faults if fault.part in (self.part, self.part.split("/")[0])]
        return f"fault {(faults or report.faults)[0].rule}"

    def renew(self) -> None:
        pass


def outcomes_of(part: str) -> frozenset[str]:
    """The faults that a part of this kind can have."""
    return of(*(f"fault {rule}" for rule in RULES[kind_of(part)]))


def all_of_evidence() -> Iterator[Attempt]:
    """Each part with each change of a value in it or of a byte, and each part in each other place."""
    for part, data in good().items():
        slot = PartSlot(part)
        inside = encoded_array(data)
        if inside is not None:
            for change in changes(inside):
                yield Attempt(f"{part}, {change.name}", slot, encode(change.value), outcomes_of(part), data)
        for bit in range(0, 8 * len(data), 8 * max(1, len(data) // 8) + 1):
            yield Attempt(f"{part}, bit {bit}", slot, flipped(data, bit), outcomes_of(part), data)
        for about, other in (("cut", data[:-1]), ("longer", data + b"\n"), ("empty", b"")):
            if other != data:
                yield Attempt(f"{part}, {about}", slot, other, outcomes_of(part), data)
    yield from parts_in_other_places()
    yield from parts_of_others()


def parts_in_other_places() -> Iterator[Attempt]:
    """Each part in the place of each other one."""
    for part in good():
        for name, data in good().items():
            if data != good()[part]:
                yield Attempt(f"{name} in the place of {part}", PartSlot(part), data, outcomes_of(part), good()[part])


def parts_of_others() -> Iterator[Attempt]:
    """The same part out of another file; and what was signed on the line in other incarnations."""
    for about, parts in foreign().items():
        for part, data in parts.items():
            again = part.startswith("statuses/") and about != "another line"  # the same status, signed once more
            if part in good() and data != good()[part] and not again:
                yield Attempt(f"{part} of {about}", PartSlot(part), data, outcomes_of(part), good()[part])
    for incs in ((2, 1), (1, 2), (2, 2)):
        for side in "ab":
            said = Talk(incs=incs).status(side)
            part = f"statuses/{side}-1-1/0000000000000000.bin"
            value = encode([said.payload, said.ed, said.ml])
            yield Attempt(f"{part} of incarnations {incs}", PartSlot(part), value, of("fault 4"))
