"""Liars and silence: a certificate shows what follows from its parts, and no word more, whoever makes it (rule 33)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.desk.test_exporting import paired
from tests.line_pair import LinePair, party, seeded
from tests.silence_cases import (
    ACKNOWLEDGE_SECONDS,
    LATE,
    certify,
    export,
    held_by,
    lie,
    listing,
    of,
    only_silence,
    refuse,
    say,
    signed,
    silence,
    verify,
    waited,
)
from watchline.core.archive import pack, unpack
from watchline.core.encoding import decode, encode
from watchline.core.entries import Direction, EntryType, Leaf
from watchline.core.keys import DeskKeys
from watchline.core.merkle import Edge
from watchline.core.outgoing import Draft
from watchline.core.records import EntryRecord
from watchline.core.silence import CLAIMED, Attempt, Claim, SignedStatus, Silence, SilenceKind
from watchline.core.statements import StatementType, Status, sign_statement
from watchline.desk.silence_grounds import Written, judge_written
from watchline.errors import PeerError, UsageError

KINDS = list(SilenceKind)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[LinePair]:
    joined = LinePair(tmp_path, line=paired()[0].line)
    yield joined
    joined.close()


def close(pair: LinePair, notice: EntryRecord, how: str) -> EntryRecord:
    """Close the notice's clock as somebody with the right does, and let it arrive."""
    if how == "cancel":
        closer = pair.a.cancel(notice.index)
    elif how == "answer":
        closer = pair.b.say("we know", re=notice.index)
    else:
        kind = EntryType.ACKNOWLEDGE if how == "acknowledge" else EntryType.DECLINE
        closer = pair.b.acknowledge(held_by(pair.b, notice), kind=kind)
    pair.settle(3)
    return closer


CLOSERS = ["acknowledge", "answer", "decline", "cancel"]


# What an honest certificate shows


def test_unanswered_is_the_peers_own_word_with_its_seconds_sizes_and_time(pair: LinePair) -> None:
    notice = say(pair)
    status = waited(pair)
    certificate = certify(pair, silence(notice, signed(status, pair)))
    report = verify(export(pair, certificate))
    told = only_silence(report)
    assert (told["kind"], told["clock"], told["said_by"]) == ("unanswered", "acknowledge", "peer")
    assert (told["seconds"], told["allowed"]) == (status.open[0].seconds, ACKNOWLEDGE_SECONDS)
    assert told["seconds"] >= LATE
    assert told["notice"] == {"log": "a-1-1", "index": notice.index, "number": None}
    assert (told["provisional"], told["size"], told["held_size"]) == (False, status.size, status.held_size)
    (fact,) = (fact for fact in report.facts if fact.startswith("silence, unanswered"))
    assert "Beijing's own status, signed with both signatures at" in fact
    assert f"as open for {told['seconds']} s where the terms allow 600 s to acknowledge it" in fact
    assert f"speaks of its own log below size {status.size}" in fact


def test_notice_carries_its_certificates_into_evidence_and_both_desks_show_the_same(pair: LinePair) -> None:
    notice = say(pair)
    certify(pair, silence(notice, signed(waited(pair), pair)))
    ours = only_silence(verify(export(pair, notice)))
    theirs = only_silence(verify(export(pair, held_by(pair.b, notice), by=pair.b)))
    assert ours == theirs


def test_content_of_the_notice_can_stay_hidden(pair: LinePair) -> None:
    notice = say(pair, exercise=True)
    certificate = certify(pair, silence(notice, signed(waited(pair), pair)))
    data = export(pair, certificate, hide_body=True)
    report = verify(data)
    assert only_silence(report)["exercise"] is None
    assert b"a balloon" not in data
    assert any("only Tokyo says that it was no exercise" in fact for fact in report.facts)


def test_exercise_is_told_as_one(pair: LinePair) -> None:
    certificate = certify(pair, silence(say(pair, exercise=True), signed(waited(pair), pair)))
    report = verify(export(pair, certificate))
    assert only_silence(report)["exercise"] is True
    assert any("is marked EXERCISE" in fact for fact in report.facts)


def test_status_with_one_signature_is_provisional(pair: LinePair) -> None:
    certificate = certify(pair, silence(say(pair), signed(waited(pair), pair, both=False)))
    report = verify(export(pair, certificate))
    assert only_silence(report)["provisional"] is True
    assert any("signed with Ed25519 alone (provisional)" in fact for fact in report.facts)


def test_certificate_without_the_notices_body_is_small(pair: LinePair) -> None:
    certificate = certify(pair, silence(say(pair), signed(waited(pair), pair)))
    parts = unpack(export(pair, certificate, hide_body=True))
    carried = sum(len(content) for name, content in parts.items() if not name.startswith("pairing/"))
    assert carried <= 20 * 1024


# About a notice that was closed


@pytest.mark.slow
@pytest.mark.parametrize("how", CLOSERS)
def test_certificate_about_a_closed_notice_is_refused(pair: LinePair, how: str) -> None:
    notice = say(pair)
    close(pair, notice, how)
    said = silence(notice, signed(waited(pair), pair))
    refuse(lie(pair, certify(pair, said), said), "closed this clock")


@pytest.mark.slow
@pytest.mark.parametrize("how", CLOSERS)
def test_honest_status_about_a_closed_notice_is_no_contradiction(pair: LinePair, how: str) -> None:
    notice = say(pair)
    close(pair, notice, how)
    said = silence(notice, signed(waited(pair), pair), SilenceKind.CONTRADICTED)
    refuse(lie(pair, certify(pair, said), said), "closed this clock")


def test_contradiction_that_hides_the_acknowledgement_is_refused(pair: LinePair) -> None:
    notice = say(pair)
    closer = close(pair, notice, "acknowledge")
    said = silence(notice, signed(waited(pair), pair), SilenceKind.CONTRADICTED)
    certificate = certify(pair, said)
    refuse(lie(pair, certificate, said, hide=(closer.index,)), "closed this clock")
    refuse(lie(pair, certificate, said, leave_out=(closer.index,)), f"leaf @{closer.index} of the peer's log, which may")


def test_peer_that_lists_what_its_own_log_had_closed_proves_no_silence(pair: LinePair) -> None:
    notice = say(pair)
    before = waited(pair)
    close(pair, notice, "acknowledge")
    after = replace(waited(pair), open=before.open)
    said = silence(notice, signed(after, pair))
    refuse(lie(pair, certify(pair, said), said), "below the size of its status, closed this clock")


def test_notice_that_was_cancelled_before_is_not_unanswered(pair: LinePair) -> None:
    notice = say(pair)
    before = waited(pair)
    close(pair, notice, "cancel")
    said = silence(notice, signed(replace(waited(pair), open=before.open), pair))
    refuse(lie(pair, certify(pair, said), said), "the notice was cancelled")


@pytest.mark.slow
@pytest.mark.parametrize("how", ["acknowledge", "answer"])
def test_acknowledgement_that_came_later_contradicts_nothing_and_is_shown(pair: LinePair, how: str) -> None:
    notice = say(pair)
    status = waited(pair)
    closer = close(pair, notice, how)
    assert closer.index >= status.size
    certificate = certify(pair, silence(notice, signed(status, pair)))
    report = verify(export(pair, certificate))
    assert only_silence(report)["size"] == status.size
    assert ("b-1-1", closer.index) in [(entry["log"], entry["index"]) for entry in report.entries]
    assert any(f"those from @{status.size} on are later than that status" in fact for fact in report.facts)


def test_withheld_reply_shows_beside_the_peers_evidence(pair: LinePair) -> None:
    notice = say(pair)
    status = waited(pair)
    said = silence(notice, signed(status, pair))
    certificate = certify(pair, said)
    closer = close(pair, notice, "acknowledge")
    ours = only_silence(verify(export(pair, certificate)))
    theirs = verify(export(pair, closer, by=pair.b))
    (reply,) = (entry for entry in theirs.entries if entry["log"] == "b-1-1" and entry["type"] == "acknowledge")
    # The certificate holds, and says below which size it looks; the reply stands above, with the receipt of who withholds it.
    assert reply["index"] >= ours["size"]
    assert reply["received"] is not None
    assert reply["re"] == ours["notice"]["index"]


def test_author_that_had_the_reply_when_it_wrote_says_so_by_its_own_leaf(pair: LinePair) -> None:
    notice = say(pair)
    status = waited(pair)
    closer = close(pair, notice, "acknowledge")
    certificate = certify(pair, silence(notice, signed(status, pair)))
    assert Leaf.decode(certificate.leaf).peer_size > closer.index
    facts = verify(export(pair, certificate)).facts
    assert any(f"Tokyo had stored {closer.index + 1} entries of Beijing's log when it wrote this" in fact for fact in facts)


# With a status that is another one


def test_status_from_before_the_notice_proves_nothing(pair: LinePair) -> None:
    early = waited(pair, 10)
    notice = say(pair)
    for kind in (SilenceKind.UNANSWERED, SilenceKind.CONTRADICTED):
        said = silence(notice, signed(early, pair), kind)
        refuse(lie(pair, certify(pair, said), said), "does not hold the notice")


def test_older_status_with_fewer_seconds_proves_nothing(pair: LinePair) -> None:
    notice = say(pair)
    early = waited(pair, ACKNOWLEDGE_SECONDS - 60)
    waited(pair, 600)
    said = silence(notice, signed(early, pair))
    refuse(lie(pair, certify(pair, said), said), f"s of {ACKNOWLEDGE_SECONDS} s")


def test_status_of_another_line_is_refused(pair: LinePair) -> None:
    notice = say(pair)
    _, sender, recipient, inc, peer_inc = pair.b.setup.outgoing
    other = Direction(bytes(32), sender, recipient, inc, peer_inc)
    made = sign_statement(StatementType.STATUS, other, waited(pair).values(), pair.b.party.keys.statement)
    said = silence(notice, of(made))
    refuse(lie(pair, certify(pair, said), said), "another line, direction or incarnation", 4)


def test_status_of_another_pair_of_incarnations_is_refused(pair: LinePair) -> None:
    notice = say(pair)
    other = pair.b.setup.outgoing._replace(inc=2)
    made = sign_statement(StatementType.STATUS, other, waited(pair).values(), pair.b.party.keys.statement)
    said = silence(notice, of(made))
    refuse(lie(pair, certify(pair, said), said), "another line, direction or incarnation", 4)


def test_status_of_the_author_itself_is_refused(pair: LinePair) -> None:
    notice = say(pair)
    said = silence(notice, signed(waited(pair), pair, by=pair.a))
    refuse(lie(pair, certify(pair, said), said), "another line, direction or incarnation", 4)
    status = waited(pair)
    made = sign_statement(StatementType.STATUS, pair.b.setup.outgoing, status.values(), pair.a.party.keys.statement)
    said = silence(notice, of(made))
    refuse(lie(pair, certify(pair, said), said), "signature does not hold", 4)


def test_status_under_a_key_that_nobody_certified_is_refused(pair: LinePair) -> None:
    notice = say(pair)
    stranger = DeskKeys.generate(seeded("stranger").randbytes).statement
    said = silence(notice, signed(waited(pair), pair, key=stranger))
    refuse(lie(pair, certify(pair, said), said), "signature does not hold", 4)


def test_statement_that_is_no_status_is_refused(pair: LinePair) -> None:
    notice = say(pair)
    key = pair.b.party.keys.statement
    routes = sign_statement(StatementType.ROUTES, pair.b.setup.outgoing, (pair.b.clock.wall, []), key)
    said = silence(notice, of(routes), SilenceKind.LINE_DOWN, claim=Claim(LATE, None))
    with pytest.raises(PeerError, match="no status") as refused:
        judge(pair, said)
    assert refused.value.rule == 25


def test_status_that_holds_another_log_than_the_authors_is_refused(pair: LinePair) -> None:
    notice = say(pair)
    said = silence(notice, signed(replace(waited(pair), held_root=bytes(32)), pair))
    refuse(lie(pair, certify(pair, said), said), "do not lead to the root", 7, "logs/a-1-1/tree.txt")


def test_status_that_names_another_log_of_its_own_shows_no_contradiction(pair: LinePair) -> None:
    notice = say(pair)
    status = replace(waited(pair), open=(), root=bytes(32))
    said = silence(notice, signed(status, pair), SilenceKind.CONTRADICTED)
    refuse(lie(pair, certify(pair, said), said), "do not lead to the root", 7, "logs/b-1-1/tree.txt")


# What the peer may try


def test_peer_that_backdates_its_status_does_not_shorten_its_silence(pair: LinePair) -> None:
    notice = say(pair)
    status = waited(pair)
    for time in (0, status.time - 10_000, status.time + 10_000):
        said = silence(notice, signed(replace(status, time=time), pair))
        assert judge(pair, said) == (SilenceKind.UNANSWERED, status.open[0].seconds)


def test_peer_that_backdates_its_acknowledgement_does_not_undo_its_status(pair: LinePair) -> None:
    notice = say(pair)
    status = waited(pair)
    pair.b.clock.jump = -LATE
    closer = close(pair, notice, "acknowledge")
    assert Leaf.decode(closer.leaf).time < status.time - ACKNOWLEDGE_SECONDS
    report = verify(export(pair, certify(pair, silence(notice, signed(status, pair)))))
    assert only_silence(report)["kind"] == "unanswered"
    assert closer.index >= only_silence(report)["size"]


def test_author_that_backdates_its_notice_lengthens_no_silence(pair: LinePair) -> None:
    pair.a.clock.jump = -10_000
    notice = say(pair)
    assert Leaf.decode(notice.leaf).time < pair.b.clock.wall - 9_000
    said = silence(notice, signed(waited(pair, 60), pair))
    refuse(lie(pair, certify(pair, said), said), f"s of {ACKNOWLEDGE_SECONDS} s")


def test_peer_that_allows_itself_more_time_contradicts_the_terms(pair: LinePair) -> None:
    notice = say(pair)
    status = listing(waited(pair), notice, allowed=100_000)
    shown = signed(status, pair)
    told = only_silence(verify(export(pair, certify(pair, silence(notice, shown, SilenceKind.CONTRADICTED)))))
    assert (told["kind"], told["allowed"], told["stated_allowed"]) == ("contradicted", ACKNOWLEDGE_SECONDS, 100_000)


def test_time_that_the_terms_do_not_know_is_refused_where_the_content_is_hidden(pair: LinePair) -> None:
    notice = say(pair)
    said = silence(notice, signed(listing(waited(pair), notice, allowed=ACKNOWLEDGE_SECONDS + 1), pair))
    with pytest.raises(PeerError, match="what its status shows is contradicted"):
        judge(pair, said)
    data = lie(pair, certify(pair, said), said)
    hidden = replace_entry(data, 0, hidden=True)
    refuse(hidden, "not that of the terms")


def test_peer_that_leaves_the_notice_out_is_contradicted_by_both_logs(pair: LinePair) -> None:
    notice = say(pair)
    pair.b.say("something else")
    pair.settle(3)
    status = replace(waited(pair), open=())
    certificate = certify(pair, silence(notice, signed(status, pair), SilenceKind.CONTRADICTED))
    report = verify(export(pair, certificate))
    told = only_silence(report)
    assert (told["kind"], told["said_by"], told["seconds"]) == ("contradicted", "peer", None)
    assert any("holds entry" in fact and "does not list it as open" in fact for fact in report.facts)
    shown = {(entry["log"], entry["index"]): entry["shown"] for entry in report.entries}
    assert shown["b-1-1", status.size - 1] is False  # its leaf counts, and its content stays hidden


def test_contradiction_needs_the_content_that_sets_a_clock(pair: LinePair) -> None:
    notice = say(pair)
    certificate = certify(pair, silence(notice, signed(replace(waited(pair), open=()), pair), SilenceKind.CONTRADICTED))
    with pytest.raises(UsageError, match="without the content of the notice this shows no silence"):
        export(pair, certificate, hide_body=True)


def test_notice_that_nobody_released_shows_no_contradiction(pair: LinePair) -> None:
    notice = say(pair, released=False)
    said = silence(notice, signed(replace(waited(pair), open=()), pair), SilenceKind.CONTRADICTED)
    refuse(lie(pair, certify(pair, said), said), "no released content")


def test_full_list_that_left_some_out_is_no_contradiction(pair: LinePair) -> None:
    notice = say(pair)
    status = waited(pair)
    others = tuple(replace(status.open[0], index=1_000 + number) for number in range(64))
    said = silence(notice, signed(replace(status, open=others, left_out=1), pair), SilenceKind.CONTRADICTED)
    refuse(lie(pair, certify(pair, said), said), "left some out")


def test_form_without_a_clock_has_no_silence(pair: LinePair) -> None:
    notice = say(pair, "free-text")
    clocked = say(pair)
    status = waited(pair)
    lying = replace(status, open=(replace(listing(status, clocked).open[0], index=notice.index),))
    for kind, shown in ((SilenceKind.UNANSWERED, lying), (SilenceKind.CONTRADICTED, status)):
        said = silence(notice, signed(shown, pair), kind)
        refuse(lie(pair, certify(pair, said), said), "the terms set no clock")


def test_clock_of_another_kind_than_the_form_has_is_refused(pair: LinePair) -> None:
    notice = say(pair)
    said = silence(notice, signed(waited(pair), pair), clock=1)
    refuse(lie(pair, certify(pair, said), said), "the terms set no clock to answer this form")


# Where it stands


def test_certificate_about_the_peers_notice_is_refused(pair: LinePair) -> None:
    pair.a.say("another")
    notice = pair.b.say("ours")
    pair.settle(3)
    leaf = Leaf.decode(notice.leaf)
    said = Silence(SilenceKind.LINE_DOWN, 0, 1, 1, leaf.index, leaf.commitment, None, (), Claim(LATE, None))
    refuse(lie(pair, certify(pair, said), replace(said, index=leaf.index)), "is not shown at that place")


def test_certificate_of_another_pair_or_about_what_comes_after_it_is_refused(pair: LinePair) -> None:
    notice = say(pair)
    good = silence(notice, signed(waited(pair), pair))
    for said in (replace(good, inc=2), replace(good, peer_inc=2)):
        refuse(lie(pair, certify(pair, said), said), "a notice before it in its own log")
    with pytest.raises(PeerError, match="a notice before it in its own log"):
        judge(pair, good, index=notice.index)


def test_certificate_with_the_commitment_of_another_notice_is_refused(pair: LinePair) -> None:
    notice, other = say(pair), say(pair)
    said = replace(silence(notice, signed(waited(pair), pair)), commitment=Leaf.decode(other.leaf).commitment)
    refuse(lie(pair, certify(pair, said), said), "is not shown at that place")


@pytest.mark.slow
def test_false_certificate_of_the_peer_does_not_spoil_our_evidence(pair: LinePair) -> None:
    notice = say(pair)
    close(pair, notice, "acknowledge")
    false = certify(pair, silence(notice, signed(waited(pair), pair)))
    junk = pair.a.line.compose(Draft(EntryType.SILENCE, b"\x80"), pair.a.clock.moment())
    pair.settle(3)
    report = verify(export(pair, by=pair.b))
    assert report.verified
    assert report.silences == ()
    shown = {(entry["log"], entry["index"]): entry["shown"] for entry in report.entries}
    assert (shown["a-1-1", false.index], shown["a-1-1", junk.index]) == (False, False)
    with pytest.raises(UsageError, match="this certificate shows no silence"):
        export(pair, held_by(pair.b, false), by=pair.b)


# Kinds, and every byte


def judge(pair: LinePair, said: Silence, *, index: int | None = None) -> tuple[SilenceKind, int | None]:
    """What follows if Tokyo wrote this now."""
    line = pair.a.line
    place = line.outgoing.edge.size if index is None else index
    judged = judge_written(
        pair.a.journal, pair.a.setup, said, Written(pair.a.setup.outgoing_log, place, line.incoming.edge.size)
    )
    return judged.kind, judged.seconds


def made(pair: LinePair, kind: SilenceKind) -> Silence:
    """A certificate of each kind that follows."""
    notice = say(pair)
    status = waited(pair)
    receipt = pair.a.journal.first_receipt_covering(pair.a.setup.outgoing_log, notice.index + 1)
    assert receipt is not None
    shown: dict[SilenceKind, Status] = {
        SilenceKind.UNMANNED: replace(status, watch=(0, 1, 5_000)),
        SilenceKind.CONTRADICTED: replace(status, open=()),
        SilenceKind.UNANSWERED: status,
    }
    if kind in shown:
        return silence(notice, signed(shown[kind], pair), kind)
    outcome = {SilenceKind.DARK: "connected", SilenceKind.TERMINAL_DOWN: "refused", SilenceKind.LINE_DOWN: "timeout"}[kind]
    attempts = (Attempt("direct 192.0.2.2:7400", pair.a.clock.wall, outcome),)
    # Who heard a status that names the notice as held may not call the peer dark: it is the terminal or the line that failed.
    last = None if kind is SilenceKind.DARK else signed(listing(status, notice, seconds=1), pair)
    return silence(notice, last, kind, claim=Claim(LATE, receipt.time), attempts=attempts)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_follows_from_its_parts_and_no_other_does(pair: LinePair, kind: SilenceKind) -> None:
    said = made(pair, kind)
    assert judge(pair, said)[0] is kind
    for other in KINDS:
        # Which of the three it claims is its author's own word, bound to its own attempts and receipt.
        claims = [said.claim] if other in CLAIMED and kind in CLAIMED else [Claim(LATE, None), Claim(LATE, 1), None]
        for claim in claims if other is not kind else []:
            with pytest.raises(PeerError):
                judge(pair, Silence.decode(replace(said, kind=other, claim=claim).encode()))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_shown_with_who_says_it(pair: LinePair, kind: SilenceKind) -> None:
    report = verify(export(pair, certify(pair, made(pair, kind))))
    told = only_silence(report)
    assert told["kind"] == kind.value
    assert told["said_by"] == ("author" if kind in (KINDS[3:]) else "peer")
    (fact,) = (fact for fact in report.facts if fact.startswith(f"silence, {kind.value}: "))
    assert ("Tokyo alone says" if told["said_by"] == "author" else "Beijing's own status") in fact


def test_unmanned_says_for_how_long_nobody_was_there(pair: LinePair) -> None:
    facts = verify(export(pair, certify(pair, made(pair, SilenceKind.UNMANNED)))).facts
    assert any("for 5000 s there had not been both a person signed in and an armed console" in fact for fact in facts)


@pytest.mark.slow
@pytest.mark.parametrize("watch", [(0, 0, 0), (0, 0, 500), (1, 1, 5_000), (1, 0, 5_000)])
def test_desk_that_has_somebody_there_or_counts_nobody_is_not_unmanned(pair: LinePair, watch: tuple[int, int, int]) -> None:
    notice = say(pair)
    status = replace(waited(pair), watch=watch)
    assert judge(pair, silence(notice, signed(status, pair)))[0] is SilenceKind.UNANSWERED


def test_claim_before_the_clock_ran_out_or_with_another_receipt_is_refused(pair: LinePair) -> None:
    good = made(pair, SilenceKind.LINE_DOWN)
    assert good.claim is not None
    with pytest.raises(PeerError, match="the clock had not run out"):
        judge(pair, replace(good, claim=replace(good.claim, seconds=ACKNOWLEDGE_SECONDS - 1)))
    for received in (0, (good.claim.received or 0) - 1):
        with pytest.raises(PeerError, match="no receipt is shown from as early"):
            judge(pair, replace(good, claim=replace(good.claim, received=received)))


def test_claim_made_before_a_receipt_came_still_holds_when_it_has(pair: LinePair) -> None:
    good = made(pair, SilenceKind.LINE_DOWN)
    said = replace(good, claim=Claim(LATE, None))
    report = verify(export(pair, certify(pair, said)))
    assert only_silence(report)["kind"] == "line_down"
    assert any("Tokyo alone says that no receipt for" in fact for fact in report.facts)
    assert report.entries[0]["received"] is not None


@pytest.mark.slow
@pytest.mark.parametrize("how", CLOSERS)
def test_claim_of_an_author_that_knew_what_closed_the_clock_is_refused(pair: LinePair, how: str) -> None:
    good = made(pair, SilenceKind.DARK)
    notice = pair.a.journal.entry(pair.a.setup.outgoing_log, good.index)
    assert notice is not None
    closer = close(pair, notice, how)
    with pytest.raises(PeerError, match=f"its author knew entry @{closer.index}"):
        judge(pair, good)
    refuse(lie(pair, certify(pair, good), good), f"its author knew entry @{closer.index}")


def test_claim_beside_a_status_that_lists_nothing_is_refused(pair: LinePair) -> None:
    good = made(pair, SilenceKind.LINE_DOWN)
    with pytest.raises(PeerError, match="does not list this clock as open"):
        judge(pair, replace(good, status=signed(replace(waited(pair), open=()), pair)))
    before = signed(replace(waited(pair), open=(), held_size=0, held_root=Edge.EMPTY.root()), pair)
    assert judge(pair, replace(good, status=before, kind=SilenceKind.DARK))[0] is SilenceKind.DARK


def test_peer_whose_status_names_the_notice_as_held_is_not_dark(pair: LinePair) -> None:
    good = made(pair, SilenceKind.TERMINAL_DOWN)
    for outcome in ("connected", "refused", "timeout"):
        attempts = tuple(replace(each, outcome=outcome) for each in good.attempts)
        with pytest.raises(PeerError, match=r"let its author claim (terminal|line)_down, not dark"):
            judge(pair, replace(good, kind=SilenceKind.DARK, attempts=attempts))
    said = replace(good, kind=SilenceKind.DARK)
    refuse(lie(pair, certify(pair, said), said), "not dark")


def test_author_that_hides_the_status_that_held_its_notice_may_call_it_dark_and_only_claims_it(pair: LinePair) -> None:
    good = made(pair, SilenceKind.TERMINAL_DOWN)
    report = verify(export(pair, certify(pair, replace(good, kind=SilenceKind.DARK, status=None))))
    assert only_silence(report)["said_by"] == "author"


@pytest.mark.slow
@pytest.mark.parametrize(("outcome", "kind"), [("refused", "line_down"), ("tls", "line_down"), ("connected", "terminal_down")])
def test_relay_that_refuses_is_no_terminal_that_does(pair: LinePair, outcome: str, kind: str) -> None:
    good = made(pair, SilenceKind.TERMINAL_DOWN)
    attempts = (Attempt("nats nats://relay.example:4222", pair.a.clock.wall, outcome),)
    said = replace(good, kind=SilenceKind(kind), attempts=attempts)
    assert judge(pair, said)[0] is said.kind


def replace_entry(data: bytes, place: int, *, hidden: bool) -> bytes:
    """The file with the content of one shown entry of Tokyo left out."""
    parts = unpack(data)
    name = next(name for name in parts if name.startswith("logs/a-1-1/entries/"))
    chunk = decode(parts[name])
    if hidden:
        chunk[place][1:] = [None, None]
    return pack({**parts, name: encode(chunk)})


def altered(status: SignedStatus, place: int) -> SignedStatus:
    """The status with one number in its signed text changed, by who has no key."""
    parts = decode(status.payload)
    parts[15][0][place] += 1
    return SignedStatus(encode(parts), status.ed, status.ml)


@pytest.mark.slow
@pytest.mark.parametrize("place", [0, 2, 3], ids=["index", "seconds", "allowed"])
def test_seconds_or_allowed_that_the_peer_did_not_sign_are_refused(pair: LinePair, place: int) -> None:
    notice = say(pair)
    said = silence(notice, altered(signed(waited(pair), pair), place))
    refuse(lie(pair, certify(pair, said), said), "signature does not hold", 4)


@pytest.mark.slow
def test_every_byte_of_a_certificate_counts(pair: LinePair) -> None:
    notice = say(pair)
    data = export(pair, certify(pair, silence(notice, signed(waited(pair), pair))))
    parts = unpack(data)
    name = next(name for name in parts if name.startswith("logs/a-1-1/entries/"))
    content = parts[name]
    assert verify(data).verified
    for place in range(0, len(content), 61):
        changed = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        assert not verify(pack({**parts, name: changed})).verified, place


def test_parts_of_a_certificate_cannot_be_left_out(pair: LinePair) -> None:
    notice = say(pair)
    parts = unpack(export(pair, certify(pair, silence(notice, signed(waited(pair), pair)))))
    for name in parts:
        assert not verify(pack({other: content for other, content in parts.items() if other != name})).verified, name


def test_names_of_the_desks_stand_in_the_words(pair: LinePair) -> None:
    report = verify(export(pair, certify(pair, made(pair, SilenceKind.UNANSWERED))))
    assert (only_silence(report)["author"], only_silence(report)["peer"]) == (
        party("Tokyo").identity.identity.desk,
        party("Beijing").identity.identity.desk,
    )
