"""Epochs and the chain: both sides derive the same, nobody else does, and no key seals two contents."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from hypothesis import given
from hypothesis import strategies as st

from tests.line_pair import SECRET, party, setup_of
from watchline.core.entries import commitment
from watchline.core.epochs import NO_ROOT_KEY, Chain, accept_epoch, box_name, hedged_seed, open_epoch, outer_key
from watchline.core.keys import KemKey
from watchline.errors import BadSignature, Malformed, PeerError

SETUP = setup_of(party("Tokyo"), party("Beijing"))
DIRECTION = SETUP.outgoing
PREKEY = KemKey(bytes(32))
CHAIN = Chain(1, bytes(32), bytes(range(32)))


def test_both_sides_derive_the_same_chain() -> None:
    opening, chain = open_epoch(DIRECTION, 1, 0, PREKEY.public, bytes(32), SECRET, NO_ROOT_KEY)
    assert accept_epoch(DIRECTION, opening, PREKEY, SECRET, NO_ROOT_KEY) == chain
    following, later = open_epoch(DIRECTION, 2, 1, PREKEY.public, bytes(32), SECRET, chain.root_key)
    assert accept_epoch(DIRECTION, following, PREKEY, SECRET, chain.root_key) == later
    assert {later.root_key, later.chain_key}.isdisjoint({chain.root_key, chain.chain_key})


def test_another_pairing_secret_or_root_key_derives_another_chain() -> None:
    opening, chain = open_epoch(DIRECTION, 1, 0, PREKEY.public, bytes(32), SECRET, NO_ROOT_KEY)
    for secret, root in ((bytes(32), NO_ROOT_KEY), (SECRET, bytes(31) + b"\1")):
        assert accept_epoch(DIRECTION, opening, PREKEY, secret, root).chain_key != chain.chain_key


@pytest.mark.parametrize("field", ["line", "sender", "recipient", "inc", "peer_inc"])
def test_epoch_of_another_direction_does_not_open(field: str) -> None:
    opening, _ = open_epoch(DIRECTION, 1, 0, PREKEY.public, bytes(32), SECRET, NO_ROOT_KEY)
    changed: dict[str, Any] = {field: 2 if "inc" in field else bytes(32)}
    other = DIRECTION._replace(**changed)
    with pytest.raises(BadSignature):
        accept_epoch(other, opening, PREKEY, SECRET, NO_ROOT_KEY)


@pytest.mark.parametrize("changed", [{"epoch": 2}, {"pre_id": 1}, {"prekey_hash": bytes(32)}, {"sealed_seed": bytes(1168)}])
def test_epoch_with_a_changed_part_does_not_open(changed: dict[str, Any]) -> None:
    opening, _ = open_epoch(DIRECTION, 1, 0, PREKEY.public, bytes(32), SECRET, NO_ROOT_KEY)
    with pytest.raises(BadSignature):
        accept_epoch(DIRECTION, replace(opening, **changed), PREKEY, SECRET, NO_ROOT_KEY)


@pytest.mark.parametrize(("marked", "taken"), [(b"one", b"other"), (b"one", b""), (b"", b"one")])
def test_epoch_marked_for_another_secret_of_the_line_does_not_open(marked: bytes, taken: bytes) -> None:
    opening, chain = open_epoch(DIRECTION, 1, 0, PREKEY.public, bytes(32), SECRET, NO_ROOT_KEY, mark=marked)
    with pytest.raises(BadSignature):
        accept_epoch(DIRECTION, opening, PREKEY, SECRET, NO_ROOT_KEY, mark=taken)
    assert accept_epoch(DIRECTION, opening, PREKEY, SECRET, NO_ROOT_KEY, mark=marked) == chain


def test_epoch_for_another_prekey_than_its_number_says_is_told_so() -> None:
    opening, _ = open_epoch(DIRECTION, 1, 0, PREKEY.public, bytes(32), SECRET, NO_ROOT_KEY)
    with pytest.raises(BadSignature, match="another key than its number says") as refused:
        accept_epoch(DIRECTION, opening, KemKey(bytes(31) + b"\1"), SECRET, NO_ROOT_KEY)
    assert refused.value.rule == 12


def test_first_epoch_has_a_root_key_of_32_zero_bytes_before_it() -> None:
    assert bytes(32) == NO_ROOT_KEY


def test_chain_moves_on_within_its_epoch() -> None:
    following = CHAIN.next()
    assert (following.epoch, following.root_key) == (CHAIN.epoch, CHAIN.root_key)
    assert following.chain_key not in {CHAIN.chain_key, following.next().chain_key}


def test_seed_of_another_length_is_refused() -> None:
    opening, _ = open_epoch(DIRECTION, 1, 0, PREKEY.public, bytes(31), SECRET, NO_ROOT_KEY)
    with pytest.raises(Malformed) as refused:
        accept_epoch(DIRECTION, opening, PREKEY, SECRET, NO_ROOT_KEY)
    assert refused.value.rule == 11


@given(st.binary(min_size=1, max_size=300), st.binary(max_size=300), st.data())
def test_sealed_entry_opens_under_its_own_leaf_and_chain_only(leaf: bytes, body: bytes, data: st.DataObject) -> None:
    sealed = CHAIN.seal(leaf, body)
    assert CHAIN.open(leaf, sealed) == body
    for chain, aad in ((CHAIN.next(), leaf), (CHAIN, leaf + b"\0"), (CHAIN, leaf[:-1])):
        with pytest.raises(BadSignature):
            chain.open(aad, sealed)
    at = data.draw(st.integers(0, len(sealed) - 1))
    with pytest.raises(PeerError):
        CHAIN.open(leaf, sealed[:at])
    with pytest.raises(PeerError):
        CHAIN.open(leaf, sealed + b"\0")


class WrongProcessor:
    """The cipher on a machine that computes wrongly: while it seals, or while it opens."""

    sealing = True

    def __init__(self, key: bytes) -> None:
        self._right = ChaCha20Poly1305(key)

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes:
        sealed = self._right.encrypt(nonce, data, associated_data)
        return bytes((sealed[0] ^ 1,)) + sealed[1:] if self.sealing else sealed

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes:
        return self._right.decrypt(nonce, data, associated_data)[:-1]


@pytest.mark.parametrize("sealing", [True, False])
def test_entry_that_a_wrong_processor_sealed_is_never_sent(monkeypatch: pytest.MonkeyPatch, sealing: bool) -> None:
    monkeypatch.setattr(WrongProcessor, "sealing", sealing)
    monkeypatch.setattr("watchline.core.epochs.ChaCha20Poly1305", WrongProcessor)
    with pytest.raises(RuntimeError, match="computes wrongly"):
        CHAIN.seal(b"leaf", b"body")


def test_machine_that_was_set_back_seals_another_content_under_another_key() -> None:
    """The leaf commits to the body and the message key depends on the leaf, so the two keystreams differ."""
    one, other = b"we shoot", b"we don't"
    streams = []
    for body in (one, other):
        leaf = CHAIN.commit(body)[1]
        sealed = CHAIN.seal(leaf, body)
        streams.append(bytes(a ^ b for a, b in zip(sealed, body, strict=False)))
    assert streams[0] != streams[1]


def test_blinding_depends_on_chain_and_body() -> None:
    blinding, committed = CHAIN.commit(b"one")
    assert committed == commitment(blinding, b"one")
    assert len({blinding, CHAIN.blinding(b"two"), CHAIN.next().blinding(b"one")}) == 3


def test_seed_differs_with_the_random_bytes_and_with_the_state_of_the_log() -> None:
    seeds = {
        hedged_seed(bytes(32), random, DIRECTION, epoch, size, root)
        for random in (bytes(32), bytes(31) + b"\1")
        for epoch, size, root in ((1, 0, bytes(32)), (2, 0, bytes(32)), (1, 1, bytes(32)), (1, 0, bytes(31) + b"\1"))
    }
    assert len(seeds) == 8


def test_each_direction_has_its_own_frame_key_and_box() -> None:
    a, b = SETUP.own_id, SETUP.peer_identity.id
    assert outer_key(SECRET, a, b) != outer_key(SECRET, b, a)
    assert box_name(SECRET, a, b) != box_name(SECRET, b, a)
    assert len(box_name(SECRET, a, b)) == 32
