"""What a desk knows of itself: the document ("desk", "self") of its journal, sealed, with the secret keys of its node."""

from __future__ import annotations

from dataclasses import dataclass, field

from watchline.core import shapes
from watchline.core.certificate import CERTIFICATE_BYTES_MAX, SignedCertificate, parse_certificate
from watchline.core.encoding import decode, encode
from watchline.core.keys import KEM_PUBLIC_BYTES, DeskKeys, Identity
from watchline.core.persons import ROSTER_BYTES_MAX, Roster

DOCUMENT = ("desk", "self")


@dataclass(frozen=True, slots=True)
class OwnDesk:
    """One desk as its home keeps it.

    language: a BCP 47 tag. zone: an IANA time zone. identity_dir: the folder of the identity's medium, taken from the home's
    folder if relative. archive: public key of the medium, 1,216 bytes, to which pairings are sealed. created: seconds since
    1970.
    """

    language: str
    zone: str
    identity: Identity
    identity_dir: str
    archive: bytes = field(repr=False)
    keys: DeskKeys
    certificate: SignedCertificate
    roster: Roster
    created: int

    @property
    def name(self) -> str:
        """The desk's name, for ever."""
        return self.identity.desk

    def encode(self) -> bytes:
        """Give the document's bytes."""
        return encode({
            "desk": self.name,
            "language": self.language,
            "zone": self.zone,
            "identity": self.identity.encode(),
            "identity_dir": self.identity_dir,
            "archive": self.archive,
            "keys": self.keys.encode(),
            "certificate": self.certificate.encoded,
            "roster": self.roster.encode(),
            "created": self.created,
        })  # fmt: skip

    @classmethod
    def decode(cls, data: bytes) -> OwnDesk:
        """Read what `encode` gave; the certificate is verified again. Raises PeerError."""
        values = shapes.mapping(decode(data), "own desk")
        identity = Identity.decode(shapes.octets(values.get("identity"), "identity", at_most=4_096))
        return cls(
            shapes.text(values.get("language"), "language", at_least=2, at_most=35),
            shapes.text(values.get("zone"), "zone", at_least=1, at_most=64),
            identity,
            shapes.text(values.get("identity_dir"), "identity_dir", at_most=4_096),
            shapes.octets(values.get("archive"), "archive", length=KEM_PUBLIC_BYTES),
            DeskKeys.decode(shapes.octets(values.get("keys"), "keys", at_most=1_024)),
            parse_certificate(shapes.octets(values.get("certificate"), "certificate", at_most=CERTIFICATE_BYTES_MAX), identity),
            Roster.decode(shapes.octets(values.get("roster"), "roster", at_most=ROSTER_BYTES_MAX)),
            shapes.integer(values.get("created"), "created"),
        )
