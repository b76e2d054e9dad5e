"""A release nonce counts once per author over all pairs of incarnations (rule 8), at the desk that receives as in evidence."""

from __future__ import annotations

from dataclasses import replace

from tests.line_pair import LinePair, Side, joined
from watchline.core.entries import Body, EntryType, Notice, Precedence
from watchline.core.outgoing import Draft
from watchline.core.persons import assertion_challenge, sign_assertion
from watchline.core.records import EntryRecord, Pair

QUESTION = Notice("statement", 1, Precedence.FLASH, False, "en", {1: "answer me"})


def say_again(pair: LinePair, record: EntryRecord) -> EntryRecord:
    """The very same body of Tokyo once more, in a turn of its own; gives what Beijing made of it."""
    body = Body.decode(record.body)
    draft = Draft(EntryType.NOTICE, body.content, body.nonce, body.assertions, released=True, again=body.again)
    pair.a.line.compose(draft, pair.a.clock.moment())
    pair.settle(1)
    return pair.b.arrived[-1]


def use_nonce(side: Side, nonce: bytes) -> EntryRecord:
    """A notice that an officer of this side released under this nonce."""
    content = replace(QUESTION, fields={1: "under a nonce of the other"}).encode()
    challenge = assertion_challenge("release", side.setup.line, side.setup.own_id, nonce, Body(content).digest)
    signed = sign_assertion(1, side.party.officers[0], challenge).to_value()
    return side.line.compose(Draft(EntryType.NOTICE, content, nonce, (signed,), released=True), side.clock.moment())


def test_release_that_is_said_twice_counts_once() -> None:
    with joined("twice") as pair:
        record = pair.a.notice(QUESTION)
        pair.settle(1)
        assert pair.b.arrived[-1].released
        assert not say_again(pair, record).released


def test_nonce_that_the_other_desk_used_counts_for_each_author_and_both_desks_agree() -> None:
    with joined("crossed") as pair:
        record = pair.a.notice(QUESTION)
        pair.settle(1)
        assert record.nonce is not None
        use_nonce(pair.b, record.nonce)
        pair.settle(1)
        for side in (pair.a, pair.b):
            logs = side.setup.outgoing_log, side.setup.incoming_log
            released = [each.released for log in logs for each in side.journal.entries(log, 1, side.journal.size(log))]
            assert released == [True, True]


def test_release_that_is_issued_again_counts_once_in_the_new_pair() -> None:
    with joined("open") as pair:
        pair.a.notice(QUESTION)
        pair.settle()
        pair.a.reincarnate()
        pair.settle()
        again = pair.b.arrived[-1]
        assert again.log.pair == Pair(1, 2)
        assert again.released
        assert not say_again(pair, again).released
