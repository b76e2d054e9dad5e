"""Silence certificates, amendments, confirmations, beginnings of pairs, what witnesses answer: foreign bytes of the core."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from reliability.fuzz.mutation import mutate_cbor, mutate_text
from reliability.fuzz.target import Check, Target, need
from reliability.parties.promises import certificate, read_certificate
from tests.core.sample_desks import terms
from watchline.core.amendments import Entered, TermsHistory, is_amendment, read_entered
from watchline.core.checkpoint import Checkpoint
from watchline.core.encoding import decode, encode
from watchline.core.entries import Confirmation, Continues, Direction, EntryType, Leaf
from watchline.core.keys import Ed25519Key
from watchline.core.silence import Attempt, Claim, Silence, SilenceKind
from watchline.core.witnessing import WitnessKey, read_cosignatures, read_known_size
from watchline.errors import PeerError

WITNESSES = tuple(WitnessKey(f"witness.example.org/{number}", Ed25519Key(bytes([number]) * 32)) for number in (1, 2))
HEAD = Checkpoint("watchline/1/log", 7, b"r" * 32)
ANYONE = Direction(bytes(32), bytes(32), bytes(31) + b"\1", 1, 1)
TEXTS_MAX = 24  # one after the other: whoever reads a whole log takes all at once


def _check_silence() -> Check:
    """A certificate is read as one thing, and judged without a crash, whatever it says."""

    def check(data: bytes) -> None:
        need(Silence.decode(data).encode() == data, "a certificate is written as other bytes")
        read_certificate(data)

    return check


def _genuine_silences() -> Mapping[str, bytes]:
    proven = certificate()
    attempts = (Attempt("direct 192.0.2.2:7400", 1, "timeout"), Attempt("relay", 2, "relayed"))
    about = proven.clock, proven.inc, proven.peer_inc, proven.index, proven.commitment
    claims = {
        kind.value: Silence(kind, *about, None, attempts, Claim(90_000, None)).encode()
        for kind in (SilenceKind.DARK, SilenceKind.TERMINAL_DOWN, SilenceKind.LINE_DOWN)
    }
    return {"unanswered": proven.encode(), **claims}


def _check_amendments() -> Check:
    """TERMS entries of both logs, [own, i, peer_size, content] each: the terms that follow are the same at both desks."""
    first = terms()

    def check(data: bytes) -> None:
        values = decode(data)
        ours, theirs = TermsHistory(first, True), TermsHistory(first, False)
        for value in values[:TEXTS_MAX] if isinstance(values, list) else ():
            entered = _entered(value)
            if entered is not None:
                ours, theirs = ours.with_entry(value[0] is True, entered), theirs.with_entry(value[0] is not True, entered)
        need(ours.latest == theirs.latest, "two desks that hold the same logs have other terms")
        versions = [each.terms.version for each in ours.amendments]
        need(versions == list(range(first.version + 1, first.version + 1 + len(versions))), "versions that do not follow")

    return check


def _entered(value: object) -> Entered | None:
    """A text, from a leaf that says where it stands; None for one that counts for nothing."""
    if not isinstance(value, list) or len(value) != 4 or not all(type(each) is int and each >= 0 for each in value[1:3]):
        return None
    _, index, peer_size, content = value
    if type(content) is not bytes:
        return None
    return read_entered(Leaf(ANYONE, index, EntryType.TERMS, 1, bytes(32), peer_size, bytes(32), None), content, True)


def _genuine_amendments() -> Mapping[str, bytes]:
    from dataclasses import replace

    first = terms()
    second, other = (replace(first, version=2, body_days=days) for days in (30, 40))
    third = replace(second, version=3, status_interval_seconds=20)
    assert is_amendment(first, second)
    agreed = [[True, 4, 0, second.encode()], [False, 3, 5, second.encode()]]
    crossed = [[True, 4, 0, second.encode()], [False, 3, 0, other.encode()], [True, 5, 4, other.encode()]]
    further = [*agreed, [True, 6, 4, third.encode()], [False, 5, 7, third.encode()]]
    return {"agreed": encode(agreed), "crossed": encode(crossed), "further": encode(further)}


def _check_beginnings() -> Check:
    """What an entry 0 says of the pair before, and what people confirm: each has one form."""

    def check(data: bytes) -> None:
        with suppress(PeerError):
            need(Continues.decode(data).encode() == data, "an entry 0 is written as other bytes")
        need(Confirmation.decode(data).encode() == data, "a confirmation is written as other bytes")

    return check


def _genuine_beginnings() -> Mapping[str, bytes]:
    continues = Continues((1, 2), 7, b"r" * 32, 5, b"R" * 32)
    return {"confirmation": Confirmation(bytes(32), 2, bytes(32)).encode(), "continues": continues.encode()}


def _check_witness_answer() -> Check:
    """What a witness answers with 200, and with 409."""
    keys = [witness.verifier for witness in WITNESSES]

    def check(data: bytes) -> None:
        with suppress(PeerError):
            need(b"%d\n" % read_known_size(data) == data, "a size is written as other bytes")
        for said in read_cosignatures(data, HEAD, keys):
            need(said.witness in keys, "a cosignature by nobody who was asked")

    return check


def _genuine_witness_answers() -> Mapping[str, bytes]:
    one, two = (witness.cosign(HEAD.text(), 1_700_000_000) for witness in WITNESSES)
    return {"one": one, "both": one + two, "twice": one + one, "conflict": b"7\n"}


TARGETS = (
    Target("silence", _check_silence, _genuine_silences, mutate_cbor),
    Target("amendments", _check_amendments, _genuine_amendments, mutate_cbor, inputs=500),
    Target("beginnings", _check_beginnings, _genuine_beginnings, mutate_cbor, inputs=3_000),
    Target("witness-answer", _check_witness_answer, _genuine_witness_answers, mutate_text, inputs=2_000),
)
