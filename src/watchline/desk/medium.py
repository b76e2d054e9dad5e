"""The identity's medium: the folder, best on removable media, with what a running node never has (rules 1 and 5).

`identity.key` is the identity's secret, sealed by its passphrase, with the incarnation and serial that were given out last, so
that a restored backup of the home never counts again what was counted. `line-*.pairing` is each line's pairing, sealed to the
archive key, whose secret half is in `identity.key`: keeping a pairing needs no passphrase, reading it does. Beside it
`line-*.newest` says in clear which secret of the line the home had last, by a mark that gives nothing of it away: so a home
that is an old copy is found out. `desk.kept` is what else a machine has to know to be this desk, sealed in the same way, as it
was when the medium was in use last.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from watchline.core import shapes
from watchline.core.certificate import CERTIFICATE_BYTES_MAX, SignedCertificate, parse_certificate
from watchline.core.encoding import Value, decode, encode
from watchline.core.keys import SEED_BYTES, Identity, IdentityKey, KemKey, seal_to
from watchline.core.pairing import Pairing
from watchline.core.persons import ROSTER_BYTES_MAX, Roster
from watchline.desk.secrets import COST, Cost, read_secret_file, seal, sealed_cost, sync_folder, unseal, write_private_file
from watchline.errors import Malformed, PeerError, SecretError, UsageError
from watchline.journal import LineRecord

if TYPE_CHECKING:
    from watchline.desk.own import OwnDesk

KEY_FILE, DESK_FILE = "identity.key", "desk.kept"
CERTIFICATES_KEPT = 64  # one for each incarnation and renewal; older ones only prove what is very old
_LINE_DIGITS = re.compile(r"line-([0-9a-f]{64})\.pairing")
_KIND = "watchline identity"
_WHAT = "the identity"
_INFO, _DESK_INFO = b"watchline/1 kept pairing", b"watchline/1 kept desk"


@dataclass(frozen=True, slots=True)
class Medium:
    """What `identity.key` holds. inc, serial: the last that the identity gave to a certificate of the desk."""

    key: IdentityKey
    archive: KemKey = field(repr=False)
    inc: int
    serial: int

    def encode(self) -> bytes:
        """Give the secrets as bytes, to be sealed."""
        return encode([self.key.encode(), self.archive.seed, self.inc, self.serial])

    @classmethod
    def decode(cls, data: bytes) -> Medium:
        """Read what `encode` gave. Raises Malformed (rule 39)."""
        key, archive, inc, serial = shapes.array(decode(data), "identity's medium", length=4)
        return cls(
            IdentityKey.decode(shapes.octets(key, "identity key", at_most=1_024)),
            KemKey(shapes.octets(archive, "archive key", length=SEED_BYTES)),
            shapes.integer(inc, "inc", at_least=1),
            shapes.integer(serial, "serial", at_least=1),
        )


@dataclass(frozen=True, slots=True)
class KeptDesk:
    """What `desk.kept` holds: the desk as it was when its medium was in use last.

    certificates: those that the identity gave to homes, as far as this one knew them, the newest last; it also says what was
    revoked. routes: our own addresses, (kind, address). lines: those that two people had confirmed, with their names here.
    """

    language: str
    zone: str
    roster: Roster
    certificates: tuple[SignedCertificate, ...]
    routes: tuple[tuple[str, str], ...]
    lines: dict[bytes, str]

    @property
    def certificate(self) -> SignedCertificate:
        """The newest."""
        return self.certificates[-1]

    def encode(self) -> bytes:
        """Give it as bytes, to be sealed to the archive key."""
        lines: list[Value] = [[line, name] for line, name in self.lines.items()]
        routes: list[Value] = [list(route) for route in self.routes]
        certificates: list[Value] = [each.encoded for each in self.certificates]
        return encode([self.language, self.zone, self.roster.encode(), certificates, routes, lines])

    @classmethod
    def decode(cls, data: bytes, identity: Identity) -> KeptDesk:
        """Read what `encode` gave; the certificate is verified again. Raises PeerError."""
        language, zone, roster, certificates, routes, lines = shapes.array(decode(data), "kept desk", length=6)
        if not shapes.array(certificates, "certificates", at_most=CERTIFICATES_KEPT):
            raise Malformed("a kept desk has a certificate", rule=39)
        return cls(
            shapes.text(language, "language", at_least=2, at_most=35),
            shapes.text(zone, "zone", at_least=1, at_most=64),
            Roster.decode(shapes.octets(roster, "roster", at_most=ROSTER_BYTES_MAX)),
            tuple(_read_certificate(each, identity) for each in shapes.array(certificates, "certificates")),
            tuple(read_route(route) for route in shapes.array(routes, "routes")),
            dict(_read_line(line) for line in shapes.array(lines, "lines")),
        )


def read_route(value: Value) -> tuple[str, str]:
    """One address as it is kept: its kind and its text. Raises Malformed."""
    kind, address = shapes.array(value, "route", length=2)
    return shapes.text(kind, "route kind", at_most=16), shapes.text(address, "route address", at_most=256)


def _read_certificate(value: Value, identity: Identity) -> SignedCertificate:
    return parse_certificate(shapes.octets(value, "certificate", at_most=CERTIFICATE_BYTES_MAX), identity)


def _read_line(value: Value) -> tuple[bytes, str]:
    line, name = shapes.array(value, "line", length=2)
    return shapes.octets(line, "line", length=32), shapes.text(name, "name", at_least=1, at_most=160)


def create_medium(folder: Path, medium: Medium, passphrase: str, cost: Cost = COST) -> None:
    """Write `identity.key`; the folder is made if need be. Raises UsageError if an identity is there already."""
    refuse_second_identity(folder)
    sealed = seal(_KIND, medium.encode(), passphrase, cost)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"the folder of the identity cannot be made: {error.strerror}", hint="check --identity-dir", path=str(folder)
        ) from error
    write_private_file(folder / KEY_FILE, sealed)


def refuse_second_identity(folder: Path) -> None:
    """Raise UsageError if an identity is in this folder already: two would be taken for one another."""
    if (folder / KEY_FILE).exists():
        raise UsageError(
            "this folder holds an identity already", hint="give each desk a medium of its own", path=str(folder / KEY_FILE)
        )


def open_medium(folder: Path, passphrase: str) -> Medium:
    """Open `identity.key`. Raises SecretError if it is not there, damaged, or the passphrase is wrong."""
    data = read_medium(folder)
    try:
        return Medium.decode(unseal(_KIND, data, passphrase, what=_WHAT))
    except Malformed as error:
        raise SecretError(f"{_WHAT} cannot be read: {error.message}", hint="use the version that wrote it") from None


@dataclass(frozen=True, slots=True)
class Unlocked:
    """A medium that is open for one command: where it is, what opens it, and what it holds."""

    folder: Path
    passphrase: str = field(repr=False)
    medium: Medium

    @classmethod
    def open(cls, folder: Path, passphrase: str) -> Unlocked:
        """Open it. Raises as `open_medium`."""
        return cls(folder, passphrase, open_medium(folder, passphrase))

    def count(self, *, incarnations: int, serials: int) -> Medium:
        """Count on the medium, durably, what the identity is about to give out; give what it holds now.

        A number that was counted and then not used is lost, which harms nothing; one that was used twice would.
        """
        inc, serial = self.medium.inc + incarnations, self.medium.serial + serials
        counted = replace(self.medium, inc=inc, serial=serial)
        cost = sealed_cost(_KIND, read_medium(self.folder), what=_WHAT)
        write_private_file(self.folder / KEY_FILE, seal(_KIND, counted.encode(), self.passphrase, cost), replace=True)
        return counted


def hand_over(folder: Path, medium: Medium, target: Path, passphrase: str, cost: Cost = COST) -> None:
    """Seal the identity by another passphrase, in the same folder or in `target`, and destroy what the old one opens.

    Nothing of the old is touched before the new is durable and was read back. What was interrupted can be made again.
    Raises UsageError if the other folder holds another identity, or one that counted further.
    """
    moves = target.resolve() != folder.resolve()
    kept = [folder / DESK_FILE, *folder.glob("line-*.pairing"), *folder.glob("line-*.newest")] if moves else []
    if moves:
        _check_target(target, medium, passphrase)
        for path in filter(Path.exists, kept):
            write_private_file(target / path.name, path.read_bytes(), replace=True)
    with (folder / KEY_FILE).open("r+b") as before:
        write_private_file(target / KEY_FILE, seal(_KIND, medium.encode(), passphrase, cost), replace=True)
        if open_medium(target, passphrase) != medium:
            raise SecretError("the new file does not hold what was written", hint="use another medium", path=str(target))
        # As much as can be done where the medium does not move blocks by itself.
        os.pwrite(before.fileno(), bytes(os.fstat(before.fileno()).st_size), 0)
        os.fsync(before.fileno())
    if moves:
        for path in (*kept, folder / KEY_FILE):
            path.unlink(missing_ok=True)
        sync_folder(folder)


def _check_target(target: Path, medium: Medium, passphrase: str) -> None:
    try:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"the folder cannot be made: {error.strerror}", hint="check --to", path=str(target)) from error
    if not (target / KEY_FILE).exists():
        return
    there = open_medium(target, passphrase)  # an earlier attempt may have been interrupted
    if there.key.identity != medium.key.identity or there.inc > medium.inc or there.serial > medium.serial:
        raise UsageError(
            "this folder holds another identity, or a later state of this one",
            hint="give --to an empty folder",
            path=str(target / KEY_FILE),
        )


def read_medium(folder: Path) -> bytes:
    """The sealed bytes of `identity.key`, to know that the medium is there before anybody types. Raises SecretError."""
    if not (folder / KEY_FILE).exists():
        raise SecretError(
            "the identity's medium is not there",
            hint="put it in, or give the folder it is in now with --identity-dir",
            path=str(folder / KEY_FILE),
        )
    return read_secret_file(folder / KEY_FILE, what=_WHAT)


def keep_pairing(folder: Path, archive: bytes, line: bytes, pairing: bytes) -> None:
    """Keep a line's pairing, sealed to the archive key (1,216 bytes, public). Raises SecretError or UsageError."""
    read_medium(folder)
    write_private_file(_pairing_path(folder, line), seal_to(archive, pairing, _INFO + line), replace=True)


def read_pairing(folder: Path, medium: Medium, line: bytes) -> bytes:
    """What `keep_pairing` kept. Raises SecretError if it is not there, BadSignature if it was changed."""
    path = _pairing_path(folder, line)
    sealed = read_secret_file(path if path.exists() else _old_path(folder, line), what="the kept pairing")
    return medium.archive.open(sealed, _INFO + line)


def kept_pairings(folder: Path, medium: Medium) -> list[Pairing]:
    """Every pairing on this medium that says which line it is; a name of 32 digits, of an older version, does not.

    Raises SecretError, with the file's path, for one that was changed or is another desk's.
    """
    found = []
    for path in sorted(folder.glob("line-*.pairing")):
        digits = _LINE_DIGITS.fullmatch(path.name)
        if digits is not None:
            found.append(_open_kept(path, medium, bytes.fromhex(digits[1])))
    return found


def _open_kept(path: Path, medium: Medium, line: bytes) -> Pairing:
    try:
        pairing: Pairing | None = Pairing.decode(
            medium.archive.open(read_secret_file(path, what="the kept pairing"), _INFO + line)
        )
    except PeerError:
        pairing = None
    if pairing is None or (pairing.line, pairing.own_id) != (line, medium.key.identity.id):
        raise SecretError(
            "a kept pairing is damaged, or another desk's",
            hint="bring the file back from a copy; or move it away, and pair that line anew",
            path=str(path),
        )
    return pairing


def keep_desk(
    folder: Path,
    own: OwnDesk,
    routes: Iterable[tuple[str, str]],
    lines: Iterable[LineRecord],
    past: Iterable[bytes] = (),
) -> None:
    """Keep what another machine has to know to be this desk; nothing happens where the medium is not there.

    routes: our own addresses. lines: those of the journal. past: our certificates, encoded, that they keep. No passphrase is
    needed.
    """
    if not (folder / KEY_FILE).exists():
        return
    confirmed = [row for row in lines if row.confirmed]
    for row in confirmed:
        if not _pairing_path(folder, row.line).exists():  # on a medium of an older version
            keep_pairing(folder, own.archive, row.line, row.pairing)
            _old_path(folder, row.line).unlink(missing_ok=True)
    names = {row.line: row.name for row in confirmed}
    known = {parse_certificate(encoded, own.identity) for encoded in past} | {own.certificate}
    certificates = sorted(known, key=lambda each: (each.certificate.inc, each.certificate.serial))[-CERTIFICATES_KEPT:]
    kept = KeptDesk(own.language, own.zone, own.roster, tuple(certificates), tuple(routes), names)
    write_private_file(folder / DESK_FILE, seal_to(own.archive, kept.encode(), _DESK_INFO), replace=True)


def kept_desk(folder: Path, medium: Medium) -> KeptDesk | None:
    """What `keep_desk` kept; None on a medium without it, of an older version. Raises SecretError if it was changed."""
    if not (folder / DESK_FILE).exists():
        return None
    sealed = read_secret_file(folder / DESK_FILE, what="the kept desk")
    try:
        return KeptDesk.decode(medium.archive.open(sealed, _DESK_INFO), medium.key.identity)
    except PeerError:
        raise SecretError(
            "the kept desk is damaged, or another desk's",
            hint="bring the file back from a copy, or move it away: then more has to be typed",
            path=str(folder / DESK_FILE),
        ) from None


def note_newest(folder: Path, line: bytes, mark: bytes | None) -> None:
    """Note, in clear, the mark of the newest secret of a line that a home is known to have stored; None while that is open.

    Raises UsageError.
    """
    path = _newest_path(folder, line)
    if mark is not None:
        return write_private_file(path, mark, replace=True)
    try:
        return path.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(
            f"the identity's medium cannot be written: {error.strerror}", hint="check it and its rights", path=str(path)
        ) from error


def noted_newest(folder: Path, line: bytes) -> bytes | None:
    """What `note_newest` noted last; None if nothing is known."""
    try:
        return _newest_path(folder, line).read_bytes()
    except OSError:
        return None


def drop_pairing(folder: Path, line: bytes) -> None:
    """Forget the pairing of a line that never came to be; nothing happens where the medium is not there."""
    for path in (_pairing_path(folder, line), _old_path(folder, line), _newest_path(folder, line)):
        with suppress(OSError):
            path.unlink()


def _pairing_path(folder: Path, line: bytes) -> Path:
    return folder / f"line-{line.hex()}.pairing"


def _newest_path(folder: Path, line: bytes) -> Path:
    return folder / f"line-{line.hex()}.newest"


def _old_path(folder: Path, line: bytes) -> Path:
    """The name before lines could be restored from the medium alone."""
    return folder / f"line-{line.hex()[:32]}.pairing"
