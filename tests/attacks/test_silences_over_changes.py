"""A silence is judged by the terms in force at the notice and by what the peer has promised since; and no witness, true or
false, changes which silence it was (rules 24, 27, 33).
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.amending import agree, amending
from tests.attacks.test_silence_certificates import judge
from tests.core.sample_desks import terms
from tests.core.sample_evidence import Talk
from tests.core.test_evidence_terms import enter
from tests.core.test_evidence_witnessed import FIRST, STRANGER
from tests.core.test_evidence_witnessed import talk as witnessed_talk
from tests.desk.test_exporting import paired
from tests.line_pair import LinePair
from tests.silence_cases import (
    certify,
    export,
    held_by,
    lie,
    listing,
    only_silence,
    refuse,
    say,
    signed,
    silence,
    verify,
    waited,
)
from tests.vectors.make_silence import SECONDS, as_it_is, certificate, sign, status_of
from watchline.core.archive import pack, unpack
from watchline.core.checkpoint import Checkpoint, cosignature_message, origin, parse_note
from watchline.core.entries import Body, EntryType, Notice, Precedence
from watchline.core.evidence import Report, build_evidence, verify_evidence
from watchline.core.evidence_parts import Bundle
from watchline.core.records import EntryRecord
from watchline.core.silence import SilenceKind
from watchline.core.statements import OpenItem, Status
from watchline.core.terms import Clocks, Terms
from watchline.core.witnessing import Cosignature, WitnessKey
from watchline.errors import PeerError

ANSWER_SECONDS, PROMISED_SECONDS = 3_600, 900
SHORTER = 60


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[LinePair]:
    joined = LinePair(tmp_path, line=paired()[0].line)
    yield joined
    joined.close()


# An amendment of the clocks


def amended_clocks(text: Terms) -> tuple[Clocks, ...]:
    """The FLASH of these terms, with SHORTER seconds to acknowledge."""
    flash = text.clocks[Precedence.FLASH]
    return (*text.clocks[: Precedence.FLASH], Clocks(SHORTER, flash.answer))


def allowed_by(text: Terms) -> int:
    allowed = text.clocks_for("statement", Precedence.FLASH)[0]
    assert allowed is not None
    return allowed


def over_an_amendment() -> tuple[Talk, int, int]:
    """A's notice before an amendment of the clocks, and its notice after it."""
    talk = Talk()
    before = talk.say("a")
    amended = replace(terms(), version=2, clocks=amended_clocks(terms()))
    assert allowed_by(amended) == SHORTER != allowed_by(terms())
    enter(talk, "a", amended)
    enter(talk, "b", amended)
    return talk, before, talk.say("a")


def shown_over_an_amendment(which: str, allowed: int, kind: SilenceKind = SilenceKind.UNANSWERED) -> Report:
    """What anybody finds in a certificate about one of the two, where the status says that so much is allowed."""
    talk, before, after = over_an_amendment()
    notice = before if which == "before" else after
    status = replace(status_of(talk, notice), open=(OpenItem(notice, 0, SECONDS, allowed),))
    said = certificate(talk, notice, kind, sign(talk, status))
    talk.add("a", EntryType.SILENCE, Body(said.encode()))
    sizes = {"a": {len(talk.entries["a"]), status.held_size}, "b": {status.size}}
    logs = tuple(talk.log(side, sizes=sizes[side]) for side in "ab")
    shown = Bundle(talk.pairing, (), logs, (talk.status("b"),))
    try:
        return verify_evidence(build_evidence(shown))
    except PeerError:
        return verify_evidence(as_it_is(shown))


@pytest.mark.parametrize("which", ["before", "after"])
def test_certificate_is_judged_by_the_terms_in_force_at_its_notice(which: str) -> None:
    right, wrong = allowed_by(terms()), SHORTER
    if which == "after":
        right, wrong = wrong, right
    report = shown_over_an_amendment(which, right)
    assert report.faults == ()
    (told,) = report.silences
    assert (told["kind"], told["allowed"]) == ("unanswered", right)
    other = shown_over_an_amendment(which, wrong)
    assert not other.verified
    assert (33, "what its status shows is contradicted, not unanswered") in [
        (fault.rule, fault.message) for fault in other.faults
    ]
    (told,) = shown_over_an_amendment(which, wrong, SilenceKind.CONTRADICTED).silences
    assert (told["allowed"], told["stated_allowed"]) == (right, wrong)


def test_desk_judges_a_certificate_by_the_terms_in_force_at_its_notice() -> None:
    with amending() as pair:
        first = say(pair)
        agree(pair, clocks=amended_clocks(pair.a.line.terms))
        second = say(pair)
        status = waited(pair)
        allowed = {item.index: item.allowed for item in status.open}
        assert allowed == {first.index: 600, second.index: SHORTER}
        other = {600: SHORTER, SHORTER: 600}
        swapped = replace(status, open=tuple(replace(item, allowed=other[item.allowed]) for item in status.open))
        for notice in (first, second):
            assert judge(pair, silence(notice, signed(status, pair)))[0] is SilenceKind.UNANSWERED
            with pytest.raises(PeerError, match="what its status shows is contradicted"):
                judge(pair, silence(notice, signed(swapped, pair)))
            assert judge(pair, silence(notice, signed(swapped, pair), SilenceKind.CONTRADICTED))[0] is SilenceKind.CONTRADICTED


# A promise restarts the clock to answer


def promise(pair: LinePair, notice: EntryRecord, seconds: int = PROMISED_SECONDS) -> EntryRecord:
    """Beijing's officer promises an answer within so many seconds."""
    fields = {1: [1, 1, notice.index], 2: pair.b.clock.wall + seconds}
    reply = pair.b.notice(Notice("holding-reply", 1, Precedence.FLASH, False, "en", fields), re=notice.index)
    pair.settle(3)
    return reply


def promised(pair: LinePair) -> tuple[EntryRecord, EntryRecord, Status]:
    """A notice that Beijing promised to answer and did not, the promise, and its honest status."""
    notice = say(pair, "airspace-object")
    reply = promise(pair, notice)
    status = waited(pair, PROMISED_SECONDS + 60)
    (item,) = status.open
    assert (item.kind, item.allowed) == (1, PROMISED_SECONDS)
    return notice, reply, status


def test_promise_that_was_not_kept_is_unanswered_within_the_time_that_was_promised(pair: LinePair) -> None:
    notice, reply, status = promised(pair)
    report = verify(export(pair, certify(pair, silence(notice, signed(status, pair), clock=1))))
    told = only_silence(report)
    assert (told["kind"], told["clock"], told["allowed"]) == ("unanswered", "answer", PROMISED_SECONDS)
    assert ("b-1-1", reply.index) in [(entry["log"], entry["index"]) for entry in report.entries]


def test_author_that_hides_the_promise_makes_no_liar_of_the_peer(pair: LinePair) -> None:
    notice, reply, status = promised(pair)
    said = silence(notice, signed(status, pair), SilenceKind.CONTRADICTED, clock=1)
    with pytest.raises(PeerError, match="what its status shows is unanswered, not contradicted"):
        judge(pair, said)
    made = certify(pair, said)
    refuse(lie(pair, made, said), "not contradicted")
    refuse(lie(pair, made, said, hide=(reply.index,)), f"entry @{reply.index} of the peer's log closed this clock")
    refuse(lie(pair, made, said, leave_out=(reply.index,)), f"leaf @{reply.index} of the peer's log, which may have closed")


def test_peer_that_goes_on_with_the_old_time_after_its_promise_is_contradicted(pair: LinePair) -> None:
    notice, _, status = promised(pair)
    lying = listing(status, notice, allowed=ANSWER_SECONDS)
    said = silence(notice, signed(lying, pair), SilenceKind.CONTRADICTED, clock=1)
    told = only_silence(verify(export(pair, certify(pair, said))))
    assert (told["allowed"], told["stated_allowed"]) == (PROMISED_SECONDS, ANSWER_SECONDS)


def test_status_from_before_the_promise_counts_by_the_terms(pair: LinePair) -> None:
    notice = say(pair, "airspace-object")
    status = waited(pair, ANSWER_SECONDS + 60)
    promise(pair, notice)
    said = silence(notice, signed(status, pair), clock=1)
    assert only_silence(verify(export(pair, certify(pair, said))))["allowed"] == ANSWER_SECONDS


def test_report_of_an_escalation_answers_nothing(pair: LinePair) -> None:
    notice = say(pair)
    pair.b.notice(Notice("escalation-report", 1, Precedence.FLASH, False, "en", {1: "nobody came"}), re=notice.index)
    pair.settle(3)
    said = silence(notice, signed(waited(pair), pair))
    assert only_silence(verify(export(pair, certify(pair, said))))["kind"] == "unanswered"
    assert held_by(pair.b, notice).index == notice.index


# Witnesses


def with_a_witness(key: WitnessKey, time: int) -> bytes:
    """Evidence of a silence, whose author's head a witness cosigned so."""
    talk = _copy(witnessed_talk())
    notice = talk.say("a")
    status = status_of(talk, notice)
    said = certificate(talk, notice, SilenceKind.UNANSWERED, sign(talk, status))
    place = talk.add("a", EntryType.SILENCE, Body(said.encode()))
    size = len(talk.entries["a"])
    line, sender, _, inc, peer_inc = talk.direction("a")
    text = Checkpoint(origin(line, sender, inc, peer_inc), size, talk.root("a", size)).text()
    cosigned = Cosignature(FIRST.verifier, time, key.key.sign(cosignature_message(time, text)))
    head = replace(talk.head("a", size), cosignatures=(cosigned,))
    shown = talk.log("a", {notice, place}, heads=(head,), sizes={size, status.held_size})
    bundle = Bundle(talk.pairing, (), (shown,), (talk.status("b"),))
    return build_evidence(bundle) if key is FIRST else as_it_is(bundle)


def test_witness_of_the_terms_dates_a_certificate_and_changes_no_kind() -> None:
    kinds = set()
    for time in (1_700_000_000, 1_900_000_000):
        report = verify_evidence(with_a_witness(FIRST, time))
        assert report.faults == ()
        assert any("witness Geneva saw" in fact for fact in report.facts)
        kinds.add(tuple((told["kind"], told["seconds"], told["said_by"]) for told in report.silences))
    assert kinds == {(("unanswered", SECONDS, "peer"),)}


def test_forged_cosignature_on_the_head_over_a_silence_is_refused() -> None:
    report = verify_evidence(with_a_witness(STRANGER, 1_900_000_000))
    assert not report.verified
    assert report.silences == ()
    assert [fault.part.rpartition("/")[0] for fault in report.faults] == ["logs/a-1-1/heads"]


def test_time_of_a_witness_that_was_altered_is_refused() -> None:
    parts = unpack(with_a_witness(FIRST, 1_900_000_000))
    (name,) = (name for name in parts if name.startswith("logs/a-1-1/heads/"))
    note = parse_note(parts[name])
    (blob,) = (blob for signer, _, blob in note.signatures if signer == FIRST.verifier.name)
    later = (int.from_bytes(blob[:8], "big") + 86_400).to_bytes(8, "big") + blob[8:]
    changed = replace_blob(parts[name], blob, later)
    report = verify_evidence(pack({**parts, name: changed}))
    assert not report.verified
    assert report.silences == ()


def replace_blob(note: bytes, blob: bytes, other: bytes) -> bytes:
    """The note with the bytes of one signature replaced; four bytes of key stand before them."""
    lines = note.splitlines(keepends=True)
    for at, line in enumerate(lines):
        head, _, encoded = line.rstrip(b"\n").rpartition(b" ")
        if line.startswith("— ".encode()) and b64decode(encoded)[4:] == blob:
            lines[at] = head + b" " + b64encode(b64decode(encoded)[:4] + other) + b"\n"
    changed = b"".join(lines)
    assert changed != note
    return changed


def _copy(talk: Talk) -> Talk:
    again = Talk(talk.line, talk.files)
    again.entries = {side: list(entries) for side, entries in talk.entries.items()}
    return again
