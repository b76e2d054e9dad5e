"""The NKey of a user: read strictly, never repeated, and signing as the NATS libraries do."""

from __future__ import annotations

import base64
import binascii

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import VerifyKey

from watchline.core.keys import Ed25519Key
from watchline.routes.nkey import UserKey

# The pair of the NATS documentation (auth_intro/nkey_auth).
SEED = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY"
PUBLIC = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4"


def test_key_of_the_documentation_has_its_public_half_and_is_not_shown() -> None:
    key = UserKey.read(SEED)
    assert key.public == PUBLIC
    assert SEED not in repr(key)


@given(st.text(min_size=1, max_size=40))
def test_signature_is_that_of_the_public_half_over_what_the_server_asks(nonce: str) -> None:
    key = UserKey.read(SEED)
    public = base64.b32decode(key.public)[1:-2]
    assert VerifyKey(public).verify(nonce.encode(), base64.b64decode(key.sign(nonce))) == nonce.encode()


@pytest.mark.parametrize("place", range(len(SEED)))
def test_seed_with_another_character_is_refused_and_not_repeated(place: int) -> None:
    changed = SEED[:place] + ("A" if SEED[place] != "A" else "B") + SEED[place + 1 :]
    with pytest.raises(ValueError, match="no seed of a user's NKey") as refused:
        UserKey.read(changed)
    assert changed not in str(refused.value)


@pytest.mark.parametrize("text", ["", PUBLIC, SEED[:-1], SEED + "A", SEED.lower(), "é" * 58, "=" * 58])
def test_text_that_is_no_seed_of_a_user_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no seed"):
        UserKey.read(text)


def test_seed_of_an_account_is_refused() -> None:
    head = bytes([18 << 3, 0])  # an account's, A
    raw = head + Ed25519Key(bytes(32)).seed
    text = base64.b32encode(raw + binascii.crc_hqx(raw, 0).to_bytes(2, "little")).decode().rstrip("=")
    with pytest.raises(ValueError, match="no seed"):
        UserKey.read(text)
