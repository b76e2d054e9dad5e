"""What people carry between desks: pairing files, and the documents that pairing leaves in a journal or on a medium."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Mapping
from functools import partial

from reliability.fuzz.core_targets import VECTORS, vectors
from reliability.fuzz.mutation import behind, mutate_cbor
from reliability.fuzz.target import Broken, Check, Target, need
from reliability.fuzz.unchecked import unchecked
from tests.core.sample_desks import accept, desk_keys, identity_key, invite, paired, roster, seeded, signed_certificate
from watchline.core import pairing
from watchline.core.archive import unpack
from watchline.core.encoding import encode
from watchline.core.evidence_parts import PAIRING_NAMES
from watchline.core.keys import DeskKeys, IdentityKey, KemKey
from watchline.core.pairing import Pairing, PendingAcceptance, PendingInvitation
from watchline.core.pairing_shown import Parts, read_shown_parts, shown_parts
from watchline.desk.medium import Medium
from watchline.desk.own import OwnDesk
from watchline.errors import PeerError

FILE_NAMES = ("1", "2", "3")
_mutate_file = behind(pairing.MAGIC, mutate_cbor)


def _check_file(step: int) -> Check:
    """A pairing file, read with every signature good; what is taken and not genuine must fall once signatures count."""
    files = _vector_files()
    key = IdentityKey.decode(bytes.fromhex(vectors("keys")["identities"][0]["secret"]))
    invitation = PendingInvitation.decode(b64decode(vectors("pairing")["pending_invitation"]))
    acceptance = PendingAcceptance.decode(b64decode(vectors("pairing")["pending_acceptance"]))
    readers: dict[int, Callable[[bytes], object]] = {
        1: pairing.read_invitation,
        2: lambda file: pairing.complete_invitation(invitation, file, key, seeded("fuzz")),
        3: lambda file: pairing.complete_acceptance(acceptance, file),
    }
    read = readers[step]

    def check(data: bytes) -> None:
        with unchecked():
            read(data)
        if data in files:
            return
        try:
            read(data)
        except PeerError:
            return
        raise Broken("a pairing file holds that nobody signed")

    return check


def _check_three(parts: Callable[[], Parts]) -> Check:
    """A pairing as a stranger reads it in evidence: 0x00 to 0x02 names the part that the rest of the input replaces."""
    genuine = parts()
    known = read_shown_parts(genuine)

    def check(data: bytes) -> None:
        place = data[0] % 3 if data else 0
        shown = [*genuine[:place], data[1:], *genuine[place + 1 :]]
        given = (shown[0], shown[1], shown[2])
        with unchecked():
            read = read_shown_parts(given)
        if given == genuine:
            return
        # Of form 2, signatures are beside what LINE covers.
        need(read.line != known.line or read == known, "another pairing gives the same line")
        try:
            read_shown_parts(given)
        except PeerError:
            return
        raise Broken("a pairing holds that nobody signed")

    return check


def _vector_files() -> tuple[bytes, bytes, bytes]:
    """Always the same: a signature of the sample desks is another one in each process."""
    first, second, third = (b64decode(file) for file in vectors("pairing")["files"])
    return first, second, third


def _genuine_files() -> Mapping[str, bytes]:
    return dict(zip(FILE_NAMES, _vector_files(), strict=True))


def _vector_parts() -> Parts:
    return shown_parts(_vector_files())


def _form_1_parts() -> Parts:
    archive = unpack((VECTORS / "evidence" / "form-1" / "all.zip").read_bytes())
    first, second, third = (archive[name] for name in PAIRING_NAMES)
    return first, second, third


def _genuine_three(parts: Callable[[], Parts]) -> Mapping[str, bytes]:
    return {name: bytes([number]) + part for number, (name, part) in enumerate(zip(FILE_NAMES, parts(), strict=True))}


def _check_offer_key() -> Check:
    """Sealing to an X-Wing key that another desk chose: 1,216 bytes of anything."""

    def check(data: bytes) -> None:
        from watchline.core.keys import seal_to

        seal_to(data, b"s" * 32, b"info")

    return check


def _genuine_offer_keys() -> Mapping[str, bytes]:
    return {"good": KemKey(bytes(32)).public, "zeros": bytes(1_216), "ones": b"\xff" * 1_216}


def _check_sealed_to() -> Check:
    key = KemKey(bytes(32))

    def check(data: bytes) -> None:
        need(key.open(data, b"info") == b"s" * 32, "something else was sealed")

    return check


def _genuine_sealed_to() -> Mapping[str, bytes]:
    from watchline.core.keys import seal_to

    return {"sealed": seal_to(KemKey(bytes(32)).public, b"s" * 32, b"info"), "zeros": bytes(1_168)}


# --- documents that a journal or a medium gives back

_DOCUMENTS: dict[str, Callable[[bytes], object]] = {
    "own-desk": OwnDesk.decode,
    "pairing": Pairing.decode,
    "pending-invitation": PendingInvitation.decode,
    "pending-acceptance": PendingAcceptance.decode,
    "desk-keys": DeskKeys.decode,
    "identity-key": IdentityKey.decode,
    "medium": Medium.decode,
}


def _check_document(name: str) -> Check:
    decode = _DOCUMENTS[name]

    def check(data: bytes) -> None:
        with unchecked():
            read = decode(data)
        written: bytes = read.encode()  # type: ignore[attr-defined]
        # Of an own desk, what a later version added is left out.
        need(name == "own-desk" or written == data, "a document is written as other bytes")

    return check


def _genuine_document(name: str) -> Mapping[str, bytes]:
    files, ours, _ = paired()
    key = identity_key("A")
    archive = KemKey(bytes(32))
    own = OwnDesk(
        "ja", "Asia/Tokyo", key.identity, "identity", archive.public, desk_keys("A"), signed_certificate("A"), roster("A"), 1
    )
    made = {
        "own-desk": own.encode,
        "pairing": ours.encode,
        "pending-invitation": invite()[1].encode,
        "pending-acceptance": accept(files[0])[1].encode,
        "desk-keys": desk_keys("A").encode,
        "identity-key": key.encode,
        "medium": Medium(key, archive, 1, 1).encode,
    }
    return {"sample": made[name](), "empty": encode([])}


_INPUTS = {"desk-keys": 100, "identity-key": 300, "medium": 100, "own-desk": 100, "pairing": 500}

TARGETS = (
    *(
        Target(f"pairing-{step}", partial(_check_file, step), _genuine_files, _mutate_file, inputs=inputs)
        for step, inputs in ((1, 500), (2, 100), (3, 200))
    ),
    Target("pairing-shown", partial(_check_three, _vector_parts), partial(_genuine_three, _vector_parts), inputs=500),
    Target("pairing-form-1", partial(_check_three, _form_1_parts), partial(_genuine_three, _form_1_parts), inputs=200),
    Target("kem-key", _check_offer_key, _genuine_offer_keys, inputs=500),
    Target("kem-sealed", _check_sealed_to, _genuine_sealed_to, inputs=500),
    *(
        Target(name, partial(_check_document, name), partial(_genuine_document, name), inputs=_INPUTS.get(name, 3_000))
        for name in _DOCUMENTS
    ),
)
