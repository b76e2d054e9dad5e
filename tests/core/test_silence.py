"""Silence certificates: their form, and the files of the vectors."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchline.core.encoding import decode, encode
from watchline.core.evidence import verify_evidence
from watchline.core.keys import Identity
from watchline.core.limits import BODY_BYTES_MAX
from watchline.core.silence import ATTEMPTS_MAX, CLAIMED, Attempt, Claim, SignedStatus, Silence, SilenceKind, claimed_kind
from watchline.errors import Malformed, PeerError

STATUS = SignedStatus(b"\x80", bytes(64), bytes(2_420))
VECTORS = Path(__file__).parents[1] / "vectors" / "silence"
INDEX = json.loads((VECTORS / "index.json").read_text())


def plain(kind: SilenceKind = SilenceKind.UNANSWERED) -> Silence:
    claim = Claim(812, None) if kind in CLAIMED else None
    return Silence(kind, 0, 1, 2, 7, bytes(32), STATUS, (Attempt("direct 192.0.2.2:7400", 1, "timeout"),), claim)


@pytest.mark.parametrize("kind", list(SilenceKind))
def test_content_is_read_as_it_was_written(kind: SilenceKind) -> None:
    assert Silence.decode(plain(kind).encode()) == plain(kind)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, "ignored"),
        (0, 1),
        (1, 2),
        (2, 0),
        (4, -1),
        (5, bytes(31)),
        (6, None),
        (6, [b"", bytes(64)]),
        (6, [b"", bytes(65), None]),
        (7, [["route", 1]]),
        (7, [["route", 1, "timeout"]] * (ATTEMPTS_MAX + 1)),
        (7, [["r" * 301, 1, "timeout"]]),
        (8, [812, None]),
        (8, 812),
    ],
)
def test_content_of_another_form_is_refused(place: int, value: object) -> None:
    parts = decode(plain().encode())
    parts[place] = value
    with pytest.raises(Malformed):
        Silence.decode(encode(parts))


def test_claimed_kind_without_a_claim_is_refused() -> None:
    parts = decode(plain(SilenceKind.DARK).encode())
    parts[8] = None
    with pytest.raises(Malformed, match="the author claims says so"):
        Silence.decode(encode(parts))


@given(st.binary(max_size=200))
def test_bytes_of_a_stranger_are_refused_by_a_rule(data: bytes) -> None:
    with pytest.raises(PeerError):
        Silence.decode(data)


@given(st.sampled_from(list(SilenceKind)), st.data())
def test_damaged_content_is_refused_or_is_the_encoding_of_what_was_read(kind: SilenceKind, data: st.DataObject) -> None:
    content = bytearray(plain(kind).encode())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        read = Silence.decode(bytes(content))
    except PeerError:
        return
    assert read.encode() == content


def test_largest_certificate_is_far_below_what_a_body_may_have() -> None:
    attempt = Attempt("r" * 300, 2**53 - 1, "o" * 32)
    largest = replace(plain(), status=SignedStatus(bytes(4_096), bytes(64), bytes(2_420)), attempts=(attempt,) * ATTEMPTS_MAX)
    assert Silence.decode(largest.encode()) == largest
    assert len(largest.encode()) <= BODY_BYTES_MAX // 4


@pytest.mark.parametrize(
    ("outcomes", "received", "kind"),
    [
        ([], None, SilenceKind.LINE_DOWN),
        ([], 5, SilenceKind.LINE_DOWN),
        (["unreachable"], 5, SilenceKind.LINE_DOWN),
        (["timeout", "unreachable"], 5, SilenceKind.DARK),
        (["timeout", "unreachable"], None, SilenceKind.LINE_DOWN),
        (["timeout", "refused"], None, SilenceKind.TERMINAL_DOWN),
        (["tls"], None, SilenceKind.TERMINAL_DOWN),
        (["connected"], None, SilenceKind.TERMINAL_DOWN),
        (["sent"], None, SilenceKind.TERMINAL_DOWN),
        (["refused", "sent"], 5, SilenceKind.DARK),
        (["refused", "connected"], 5, SilenceKind.DARK),
        (["relayed"], None, SilenceKind.TERMINAL_DOWN),
        (["timeout", "closed"], None, SilenceKind.LINE_DOWN),
        (["timeout", "closed"], 5, SilenceKind.DARK),
    ],
)
def test_attempts_and_receipt_say_what_may_be_claimed(outcomes: list[str], received: int | None, kind: SilenceKind) -> None:
    attempts = tuple(Attempt(f"direct {number}", number, outcome) for number, outcome in enumerate(outcomes))
    assert claimed_kind(attempts, received, stated=False) is kind


def test_newest_attempt_on_a_route_counts() -> None:
    attempts = (Attempt("nats one", 1, "connected"), Attempt("direct two", 2, "refused"), Attempt("nats one", 3, "timeout"))
    assert claimed_kind(attempts, None, stated=False) is SilenceKind.TERMINAL_DOWN
    assert claimed_kind((*attempts, Attempt("direct two", 4, "timeout")), None, stated=False) is SilenceKind.LINE_DOWN


@pytest.mark.parametrize("outcome", ["refused", "tls"])
def test_relay_that_refuses_says_nothing_of_the_peers_terminal(outcome: str) -> None:
    assert claimed_kind((Attempt("nats relay.example", 1, outcome),), None, stated=True) is SilenceKind.LINE_DOWN
    assert claimed_kind((Attempt("direct 192.0.2.2:7400", 1, outcome),), None, stated=True) is SilenceKind.TERMINAL_DOWN


def test_peer_that_stated_that_it_held_the_notice_is_not_dark() -> None:
    reached, nothing = Attempt("one", 1, "connected"), Attempt("one", 1, "timeout")
    assert claimed_kind((reached,), 5, stated=True) is SilenceKind.TERMINAL_DOWN
    assert claimed_kind((nothing,), 5, stated=True) is SilenceKind.LINE_DOWN


@pytest.mark.parametrize("name", INDEX["files"])
def test_silence_of_the_vectors_has_the_verdict_of_their_index(name: str) -> None:
    verdict = INDEX["files"][name]
    trusted = [Identity.decode(bytes.fromhex(identity)) for identity in INDEX["identities"]]
    report = verify_evidence((VECTORS / name).read_bytes(), trusted)
    assert report.verified is verdict["verified"]
    if report.verified:
        assert report.complete is verdict["complete"]
        assert list(report.silences) == verdict["silences"]
        assert report.silences
    else:
        assert (verdict["part"], verdict["rule"]) in [(fault.part, fault.rule) for fault in report.faults], report.faults


def test_every_vector_of_silence_stands_in_the_index() -> None:
    assert {path.name for path in VECTORS.glob("*.zip")} == set(INDEX["files"])


def test_vectors_show_every_kind_of_silence() -> None:
    shown = {silence["kind"] for verdict in INDEX["files"].values() for silence in verdict.get("silences", ())}
    assert shown == {kind.value for kind in SilenceKind}
