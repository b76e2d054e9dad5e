r"""Spares: incarnations that the identity signed ahead, each whole enough to start the desk on an empty machine (rule 28).

    file    = "watchline spare 1\n" || u32 length of lock || lock || segments of content (`segments`)
    lock    = the file key, sealed by a passphrase (`secrets`)
    content = dCBOR: keys and certificate, who the desk is, its roster, addresses, lines and officers' key files

When nothing else is left, one officer with one passphrase and no identity starts the spare machine. A spare knows the lines,
but nothing of what was said on them: the peer holds that.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

from watchline.core import shapes
from watchline.core.certificate import CERTIFICATE_BYTES_MAX, SignedCertificate, parse_certificate
from watchline.core.encoding import Value, decode, encode
from watchline.core.incoming import ROSTER_PART
from watchline.core.keys import Identity
from watchline.core.limits import ARRAY_MAX
from watchline.core.pairing import Pairing
from watchline.core.persons import ROSTER_BYTES_MAX, Roster
from watchline.core.records import CertificateRecord, StateRecord
from watchline.desk.ceremony import own_routes
from watchline.desk.config import default_text
from watchline.desk.home import OFFICERS, Home, build_home, check_free
from watchline.desk.incarnation import Incarnation, put_incarnation
from watchline.desk.kept_secrets import restored
from watchline.desk.local import Caller
from watchline.desk.medium import read_route
from watchline.desk.officers import check_officer_name
from watchline.desk.own import OwnDesk
from watchline.desk.secrets import COST, SEALED_BYTES_MAX, Cost, read_secret_file, seal, unseal, write_private_file
from watchline.desk.segments import KEY_BYTES, SEGMENT_BYTES, open_segments, seal_segments
from watchline.errors import PeerError, UsageError
from watchline.journal import LineRecord

MAGIC = b"watchline spare 1\n"
NUMBER = 2  # made at once: if the machine with the first is lost, too, there is a second
DOCUMENT = "spares"  # the kind of the documents in which a home remembers what it gave out
_ANY_VERSION = b"watchline spare "
_CONTENT_BYTES_MAX = 64 * 1024 * 1024
_PAIRING_BYTES_MAX = 4 * 65_536
_OFFICERS_MAX = 1_024
_KIND, _WHAT = "watchline spare", "the spare"


@dataclass(frozen=True, slots=True)
class SpareLine:
    """One line as a spare knows it: what the home had, and what was known beyond the pairing.

    roster, routes: the peer's. certificates: both desks', (ours, as signed).
    """

    record: LineRecord
    roster: Roster
    routes: tuple[tuple[str, str], ...]
    certificates: tuple[tuple[bool, SignedCertificate], ...]


@dataclass(frozen=True, slots=True)
class Spare:
    """What is in a spare's file. officers: the sealed key files by name. routes: the addresses that peers know of us."""

    own: OwnDesk
    routes: tuple[tuple[str, str], ...]
    lines: tuple[SpareLine, ...]
    officers: dict[str, bytes] = field(repr=False)

    def encode(self) -> bytes:
        """Give it as bytes, to be sealed."""
        lines: list[Value] = [
            [
                each.record.line,
                each.record.name,
                each.record.created,
                each.record.pairing,
                each.roster.encode(),
                [list(route) for route in each.routes],
                [[ours, signed.encoded] for ours, signed in each.certificates],
            ]
            for each in self.lines
        ]
        officers: list[Value] = [[name, data] for name, data in self.officers.items()]
        return encode([self.own.encode(), [list(route) for route in self.routes], lines, officers])

    @classmethod
    def decode(cls, data: bytes) -> Spare:
        """Read what `encode` gave. Raises PeerError, or UsageError for an officer's name that no file can have."""
        encoded, routes, lines, officers = shapes.array(decode(data), "spare", length=4)
        own = OwnDesk.decode(shapes.octets(encoded, "own desk", at_most=_PAIRING_BYTES_MAX))
        return cls(
            own,
            tuple(read_route(route) for route in shapes.array(routes, "routes")),
            tuple(_read_line(line, own.identity) for line in shapes.array(lines, "lines")),
            dict(_read_officer(officer) for officer in shapes.array(officers, "officers", at_most=_OFFICERS_MAX)),
        )


@dataclass(frozen=True, slots=True)
class GivenOut:
    """What a home remembers of a spare: enough to say later whether it still fits. lines: those that it knows."""

    inc: int
    serial: int
    made: int
    not_after: int
    roster: int
    lines: tuple[bytes, ...]

    def encode(self) -> bytes:
        """Give the document's bytes."""
        return encode([self.inc, self.serial, self.made, self.not_after, self.roster, list(self.lines)])

    @classmethod
    def decode(cls, data: bytes) -> GivenOut:
        """Read what `encode` gave. Raises Malformed."""
        *numbers, lines = shapes.array(decode(data), "spare given out", length=6)
        inc, serial, made, not_after, roster = (shapes.integer(number, "number") for number in numbers)
        known = tuple(shapes.octets(line, "line", length=32) for line in shapes.array(lines, "lines"))
        return cls(inc, serial, made, not_after, roster, known)


def gather(caller: Caller, home: Home, own: OwnDesk) -> Spare:
    """What a spare of this desk has to hold, still with the home's own keys."""
    known = {peer["line"]: peer for peer in caller.call("peers")["peers"]}
    rows = [row for row in caller.call("line_rows")["lines"] if row["confirmed"]]
    lines = tuple(_gathered_line(row, known[row["line"]], own.identity) for row in rows)
    officers = {
        path.stem: read_secret_file(path, what=f"the key of officer {path.stem}")
        for path in sorted(home.officers.glob("*.key"))
    }
    if len(lines) > ARRAY_MAX or len(officers) > _OFFICERS_MAX:
        raise UsageError("this desk has more lines or officers than a spare takes", hint="move away the keys of those who left")
    return Spare(own, tuple((route.kind, route.address) for route in own_routes(caller)), lines, officers)


def write_spare(path: Path, spare: Spare, given: Incarnation, passphrase: str, cost: Cost = COST) -> None:
    """Write the file of one spare, whole or not at all, durable. Raises UsageError if it is there, SecretError."""
    own = replace(spare.own, keys=given.keys, certificate=given.certificate)
    content = replace(spare, own=own).encode()
    key = os.urandom(KEY_BYTES)
    lock = seal(_KIND, key, passphrase, cost)
    pieces = (content[start : start + SEGMENT_BYTES] for start in range(0, len(content), SEGMENT_BYTES))
    sealed = b"".join(seal_segments(key, pieces))
    write_private_file(path, MAGIC + len(lock).to_bytes(4, "big") + lock + sealed)


def remember(caller: Caller, spare: Spare, given: Incarnation, now: int) -> None:
    """Have the home remember that this spare was given out."""
    certificate = given.certificate.certificate
    lines = tuple(each.record.line for each in spare.lines)
    document = GivenOut(certificate.inc, certificate.serial, now, certificate.not_after, spare.own.roster.version, lines)
    caller.call("document_put", kind=DOCUMENT, key=str(certificate.inc), value=document.encode().hex(), sealed=False)


def given_out(caller: Caller) -> list[GivenOut]:
    """What this home remembers, in the order of the incarnations."""
    values = caller.call("documents", kind=DOCUMENT)["values"].values()
    return sorted((GivenOut.decode(bytes.fromhex(value)) for value in values), key=lambda each: each.inc)


def outdate(caller: Caller, line: bytes) -> None:
    """Have the home remember that no spare knows this line any more: its secret was renewed."""
    for each in given_out(caller):
        if line in each.lines:
            known = replace(each, lines=tuple(other for other in each.lines if other != line))
            caller.call("document_put", kind=DOCUMENT, key=str(each.inc), value=known.encode().hex(), sealed=False)


def check_spare(path: Path) -> None:
    """Raise UsageError for a file that cannot be one, before anybody types a passphrase."""
    with _opened(path):
        pass


def read_spare(path: Path, passphrase: str) -> Spare:
    """Open a spare's file. Raises SecretError for a wrong passphrase, UsageError for a file that is none or damaged."""
    with _opened(path) as file:
        length = int.from_bytes(file.read(4), "big")
        key = unseal(_KIND, file.read(min(length, SEALED_BYTES_MAX)), passphrase, what=_WHAT)
        content = bytearray()
        for piece in open_segments(key, file, what=_WHAT):
            content += piece
            if len(content) > _CONTENT_BYTES_MAX:
                raise _damaged()
    try:
        return Spare.decode(bytes(content))
    except (PeerError, UsageError):
        raise _damaged() from None


def start_spare(path: Path, spare: Spare, listen: tuple[str, ...]) -> Home:
    """Make the home of a spare, whole or not at all; `watchline serve` then runs it.

    listen: where this machine listens; nowhere if empty, it then only dials. Raises UsageError for a home that is there.
    """
    path = path.absolute()
    check_free(path)
    with build_home(path) as building:
        node_key = building.new_node_key()
        for name, data in spare.officers.items():
            write_private_file(building.folder / OFFICERS / f"{name}.key", data)
        building.write_config(_settings(listen))
        with building.journal(node_key, create=True) as journal:
            for each in spare.lines:
                line, known = each.record.line, each.certificates
                records = [CertificateRecord(line, own, one.certificate.serial, one.encoded) for own, one in known]
                record = replace(each.record, pairing=restored(Pairing.decode(each.record.pairing)).encode())
                journal.put_line(record, [*records, StateRecord(line, ROSTER_PART, each.roster.encode())])
                routes = encode([0, [list(route) for route in each.routes]])
                journal.put_document("peer-routes", line.hex(), routes, False)
            journal.put_document("own-routes", "self", encode([list(route) for route in _told(spare, listen)]), False)
            put_incarnation(journal, spare.own, ())
    return Home.open(path)


def _told(spare: Spare, listen: tuple[str, ...]) -> list[tuple[str, str]]:
    """The addresses to tell the peers: where we listen, unless that is every address of a machine."""
    here = [("direct", address) for address in listen if not address.startswith(("0.0.0.0:", "[::]:"))]
    return here or list(spare.routes)


def _settings(listen: tuple[str, ...]) -> str:
    shown = ", ".join(f'"{address}"' for address in listen)
    chosen = f"listen = [{shown}]" if listen else "dial_only = true"
    return f"# Set when this spare was started.\n{chosen}\n\n" + default_text()


def _gathered_line(row: dict[str, Any], peer: dict[str, Any], own: Identity) -> SpareLine:
    record = LineRecord(bytes.fromhex(row["line"]), row["name"], row["created"], True, bytes.fromhex(row["pairing"]))
    certificates: list[Value] = [[ours, bytes.fromhex(encoded)] for ours, encoded in peer["certificates"]]
    return _spare_line(record, bytes.fromhex(peer["roster"]), peer["routes"], certificates, own)


def _read_line(value: Value, own: Identity) -> SpareLine:
    line, name, created, pairing, roster, routes, certificates = shapes.array(value, "line", length=7)
    record = LineRecord(
        shapes.octets(line, "line", length=32),
        shapes.text(name, "name", at_least=1, at_most=160),
        shapes.integer(created, "created"),
        True,
        shapes.octets(pairing, "pairing", at_most=_PAIRING_BYTES_MAX),
    )
    return _spare_line(record, shapes.octets(roster, "roster", at_most=ROSTER_BYTES_MAX), routes, certificates, own)


def _spare_line(record: LineRecord, roster: bytes, routes: Value, certificates: Value, own: Identity) -> SpareLine:
    peer = Pairing.decode(record.pairing).peer
    return SpareLine(
        record,
        Roster.decode(roster),
        tuple(read_route(route) for route in shapes.array(routes, "routes")),
        tuple(_read_certificate(each, own, peer) for each in shapes.array(certificates, "certificates")),
    )


def _read_certificate(value: Value, own: Identity, peer: Identity) -> tuple[bool, SignedCertificate]:
    ours, encoded = shapes.array(value, "certificate", length=2)
    encoded = shapes.octets(encoded, "certificate", at_most=CERTIFICATE_BYTES_MAX)
    return shapes.boolean(ours, "ours"), parse_certificate(encoded, own if ours else peer)


def _read_officer(value: Value) -> tuple[str, bytes]:
    name, data = shapes.array(value, "officer", length=2)
    name = shapes.text(name, "officer's name", at_most=64)
    check_officer_name(name)
    return name, shapes.octets(data, "officer's key", at_most=SEALED_BYTES_MAX)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """The file, read up to what follows its first line."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", hint="check the path", path=str(path)) from error
    with file:
        magic = file.read(len(MAGIC))
        if magic != MAGIC:
            newer = magic.startswith(_ANY_VERSION)
            raise UsageError(
                "a newer version of Watchline wrote this spare" if newer else "this is no spare",
                hint="use that version, or a later one" if newer else "give a file that watchline keys spare wrote",
            )
        yield file


def _damaged() -> UsageError:
    return UsageError(f"{_WHAT} is damaged", hint="use the other one, or another copy of the file")
