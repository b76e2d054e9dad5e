"""Write keys.json and pairing.json: `PYTHONPATH=src:. python tests/vectors/make_keys.py`.

Keys, ids, encodings and Ed25519 signatures come out the same every time. ML-DSA signatures and HPKE ciphertexts draw their own
randomness: the files hold those of one run, and pairing files, LINE and PS with them; whoever reads them verifies and opens.
"""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.core.sample_desks import (
    accept,
    certificate,
    desk_keys,
    identity_key,
    invite,
    officer_key,
    roster,
    seeded,
    signed_certificate,
    terms,
)
from watchline.core.encoding import encode
from watchline.core.keys import HybridSignature, seal_to
from watchline.core.pairing import complete_acceptance, complete_invitation
from watchline.core.persons import assertion_challenge, sign_assertion

Json = dict[str, Any]
MESSAGE, PURPOSE = "watchline test vector", "watchline/1 certificate"


def _signature(signature: HybridSignature) -> Json:
    return {"ed": signature.ed.hex(), "ml": signature.ml.hex()}


def _desk(desk: str) -> Json:
    keys = desk_keys(desk)
    public = keys.public
    return {
        "secret": keys.encode().hex(),
        "statement_ed": public.statement.ed.hex(),
        "statement_ml_sha256": sha256(public.statement.ml).hexdigest(),
        "log": public.log.hex(),
        "custody": public.custody.hex(),
        "kem_sha256": sha256(public.kem).hexdigest(),
        "tls_fingerprint": public.tls_fingerprint.hex(),
        "message": MESSAGE,
        "signature": _signature(keys.statement.sign(MESSAGE.encode())),
        "sealed": seal_to(public.kem, b"secret", b"info").hex(),
    }


def _identity(desk: str) -> Json:
    key = identity_key(desk)
    return {
        "secret": key.encode().hex(),
        "public": key.identity.encode().hex(),
        "id": key.identity.id.hex(),
        "fingerprint": key.identity.fingerprint,
        "purpose": PURPOSE,
        "message": MESSAGE,
        "signature": _signature(key.sign(PURPOSE, MESSAGE.encode())),
    }


def _assertion() -> Json:
    line, nonce, what = bytes(32), bytes(range(16)), sha256(MESSAGE.encode()).digest()
    challenge = assertion_challenge("release", line, identity_key("A").identity.id, nonce, what)
    assertion = sign_assertion(1, officer_key("A", 1), challenge)
    return {
        "purpose": "release",
        "line": line.hex(),
        "nonce": nonce.hex(),
        "what": what.hex(),
        "challenge": challenge.hex(),
        "encoded": encode(assertion.to_value()).hex(),
    }


def keys() -> Json:
    return {
        "desks": [_desk("A"), _desk("B")],
        "identities": [_identity("A"), _identity("B")],
        "certificate": {"body": certificate("A").encode().hex(), "encoded": signed_certificate("A").encoded.hex()},
        "roster": {"encoded": roster("A").encode().hex(), "digest": roster("A").digest.hex()},
        "assertion": _assertion(),
        "terms": {"encoded": terms().encode().hex(), "digest": terms().digest.hex()},
    }


def pairing() -> Json:
    file1, invitation = invite()
    file2, acceptance = accept(file1)
    file3, ours = complete_invitation(invitation, file2, identity_key("A"), seeded("complete"))
    theirs = complete_acceptance(acceptance, file3)
    return {
        "files": [b64encode(file).decode() for file in (file1, file2, file3)],
        "pending_invitation": b64encode(invitation.encode()).decode(),
        "pending_acceptance": b64encode(acceptance.encode()).decode(),
        "line": ours.line.hex(),
        "ps": ours.ps.hex(),
        "digits": theirs.digits,
    }


if __name__ == "__main__":
    for name, content in (("keys.json", keys()), ("pairing.json", pairing())):
        (Path(__file__).parent / name).write_text(json.dumps(content, indent=1) + "\n")
