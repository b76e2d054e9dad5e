"""One renewal of the line of A and B, whole: A asks. And files of it that are made wrongly."""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path

from tests.core.sample_desks import identity_key, seeded
from watchline.core.encoding import Value, decode, encode
from watchline.core.keys import IdentityKey
from watchline.core.line_secrets import LineSecrets
from watchline.core.renewal import (
    MAGIC,
    PURPOSE,
    BegunRenewal,
    RenewalLine,
    RenewedSecret,
    answer_renewal,
    ask_renewal,
    complete_renewal,
    take_renewal,
)

PS = bytes(32 * [7])
LINE = bytes(range(32))


def at(desk: str = "A", peer: str = "B", *, line: bytes = LINE, secrets: LineSecrets | None = None) -> RenewalLine:
    own, other = identity_key(desk).identity, identity_key(peer).identity
    return RenewalLine(line, own, other, secrets or LineSecrets(PS))


@dataclass(frozen=True)
class Run:
    """One whole renewal: A asks."""

    files: tuple[bytes, bytes, bytes]
    asked: BegunRenewal
    answered: BegunRenewal
    ours: RenewedSecret
    theirs: RenewedSecret


def run(a: RenewalLine | None = None, b: RenewalLine | None = None, label: str = "run") -> Run:
    a, b, random = a or at("A"), b or at("B", "A"), seeded(label)
    file1, asked = ask_renewal(a, identity_key("A"), random)
    file2, answered = answer_renewal(b, None, file1, identity_key("B"), random)
    file3, ours = complete_renewal(a, asked, file2, identity_key("A"), random)
    return Run((file1, file2, file3), asked, answered, ours, take_renewal(b, answered, file3))


def signed(key: IdentityKey, body: list[Value], purpose: str = PURPOSE) -> bytes:
    encoded = encode(body)
    signature = key.sign(purpose, encoded)
    return MAGIC + encode([encoded, signature.ed, signature.ml])


def changed(file: bytes, place: int, value: Value, key: IdentityKey) -> bytes:
    """The file with another value in its body, signed anew by that identity."""
    body = decode(decode(file[len(MAGIC) :])[0])
    return signed(key, [*body[:place], value, *body[place + 1 :]])


def vector() -> Run:
    """The run of tests/vectors/renewal.json: the same in every process, as signatures and sealed secrets are drawn anew."""
    kept = json.loads((Path(__file__).parents[1] / "vectors" / "renewal.json").read_text())
    file1, file2, file3 = (b64decode(file) for file in kept["files"])
    asked, answered = (BegunRenewal.decode(b64decode(kept[name])) for name in ("asked", "answered"))
    renewed = RenewedSecret(bytes.fromhex(kept["renewed"]), bytes.fromhex(kept["run"]))
    return Run((file1, file2, file3), asked, answered, renewed, renewed)
