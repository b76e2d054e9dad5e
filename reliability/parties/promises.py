"""Silence certificates with the status that they rest on, and what officers sign of their watch: each with its reader, and made
for something else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from hashlib import sha256
from itertools import product

from reliability.parties.attempts import Attempt, ReaderSlot, of
from tests.core.sample_desks import BEGIN, desk_keys, identity_key, officer, officer_key, terms
from watchline.core import shapes
from watchline.core.encoding import Value, decode, encode
from watchline.core.entries import Direction, EntryType, Leaf, Notice, Precedence
from watchline.core.persons import PURPOSES, Assertion, Roster, assertion_challenge, sign_assertion, verify_people
from watchline.core.silence import Grounds, SignedStatus, Silence, SilenceKind, judge_silence
from watchline.core.silence_logs import Ends, LeavesAtHand, LogAtHand
from watchline.core.statements import OpenItem, StatementType, Status, sign_statement
from watchline.desk.handover import NO_LINE, off_statement, on_statement

NOW = BEGIN + 1_000
LINE = sha256(b"the line of A and B").digest()  # the same in every process, as no pairing is
NOTICE = Notice("statement", 1, Precedence.FLASH, False, "ja", {1: "気球"})
COMMITMENT = sha256(b"the notice").digest()
NONCE = bytes(range(16))
ROSTER = Roster(1, tuple(officer("A", number, role) for number, role in enumerate(("duty", "releaser", "auditor", "admin"), 1)))
STATEMENTS = {
    "on": on_statement(1, "duty", NOW + 3_600),
    "off": off_statement(1),
    "handover": encode(["handover", NOW, 1, 2, "duty", NOW + 3_600, [], []]),
}
"""What people sign of a watch: coming, going, and the record with which one hands it to another."""


# --- silence


def direction(author: str = "A", peer: str = "B", line: bytes | None = None, incs: tuple[int, int] = (1, 1)) -> Direction:
    """The log of one desk to another on the line of A and B."""
    return Direction(line or LINE, identity_key(author).identity.id, identity_key(peer).identity.id, *incs)


def notice_leaf() -> Leaf:
    """The notice that was not acknowledged, entry 3 of A's log."""
    return Leaf(direction(), 3, EntryType.NOTICE, NOW, COMMITMENT, 2, bytes(32), None)


def status(*items: OpenItem) -> Status:
    """B's status: it holds the notice, and lists it as open for longer than is allowed."""
    allowed = terms().clocks_for(NOTICE.form, NOTICE.precedence).acknowledge
    assert allowed is not None
    listed = items or (OpenItem(3, 0, allowed + 5, allowed),)
    return Status(
        NOW, 4, bytes(32), 6, bytes(32), 1, 50, 1, 1, listed, 0, 0, (1, 1, 0), bytes(16), bytes(16),
    )  # fmt: skip


def signed(said: Status, speaker: Direction, keys_of: str = "B", number: int = 1) -> SignedStatus:
    """A status as a desk signs it."""
    made = sign_statement(StatementType.STATUS, speaker, said.values(), desk_keys(keys_of, number).statement)
    return SignedStatus(made.payload, made.ed, made.ml)


def certificate(rests_on: SignedStatus | None = None) -> Silence:
    """A's certificate about its entry 3."""
    return Silence(SilenceKind.UNANSWERED, 0, 1, 1, 3, COMMITMENT, rests_on or genuine_status())


@cache
def genuine_status() -> SignedStatus:
    """What B said."""
    return signed(status(), direction("B", "A"))


def read_certificate(data: Value) -> object:
    """How whoever holds both logs judges a certificate at entry 9 of A's log."""
    silence = Silence.decode(data)
    said = None
    if silence.status is not None:
        said = silence.status.verify(direction("B", "A"), desk_keys("B").statement.public)
    nothing = LogAtHand(LeavesAtHand(), Ends())
    return judge_silence(
        silence, Grounds(direction(), 9, 5, notice_leaf(), NOTICE, True, terms(), said, None, nothing, nothing)
    )


def wrong_certificates_of_silence() -> Iterator[Attempt]:
    """Certificates that rest on a status of another desk, line, direction, incarnation or type, or on one that proves less."""
    slot, (allowed, held) = ReaderSlot(read_certificate), (status().open[0].allowed, status().held_size)
    back, other = direction("B", "A"), sha256(b"another line").digest()
    wrong_party, forged, refuted = of("wrong-party 4"), of("bad-signature 4"), of("wrong-party 33")
    left_out = of("bad-proof 33", "wrong-party 33")
    said = {
        "of another line": (signed(status(), direction("B", "A", other)), wrong_party),
        "of the author itself": (signed(status(), direction(), "A"), wrong_party),
        "of a third desk": (signed(status(), direction("C", "A"), "C"), wrong_party),
        "to a third desk": (signed(status(), direction("B", "C")), wrong_party),
        "of an earlier incarnation": (signed(status(), direction("B", "A", None, (2, 1))), wrong_party),
        "to an earlier incarnation": (signed(status(), direction("B", "A", None, (1, 2))), wrong_party),
        "signed by the author": (signed(status(), back, "A"), forged),
        "signed by a third desk": (signed(status(), back, "C"), forged),
        "signed by other keys of the desk": (signed(status(), back, "B", 2), forged),
        "that lists it for less": (signed(status(OpenItem(3, 0, allowed - 1, allowed)), back), refuted),
        "that lists its answer": (signed(status(OpenItem(3, 1, allowed + 5, allowed)), back), left_out),
        "that lists another": (signed(status(OpenItem(2, 0, allowed + 5, allowed)), back), left_out),
        "that does not hold it": (signed(replace(status(), held_size=3), back), refuted),
        "that shows nobody there": (signed(replace(status(), watch=(0, 0, allowed + 5)), back), refuted),
    }  # fmt: skip
    assert held > notice_leaf().index
    for about, (rests_on, outcomes) in said.items():
        yield Attempt(f"silence on a status {about}", slot, certificate(rests_on).encode(), outcomes)
    routes = sign_statement(StatementType.ROUTES, back, (NOW, []), desk_keys("B").statement)
    no_status = SignedStatus(routes.payload, routes.ed, routes.ml)
    yield Attempt("silence on routes", slot, certificate(no_status).encode(), of("wrong-party 25"))
    for kind in SilenceKind:
        if kind is not SilenceKind.UNANSWERED:
            made = replace(certificate(), kind=kind).encode()
            yield Attempt(f"silence said to be {kind}", slot, made, of("wrong-party 33", "malformed 33"))
    halves = {"ed": replace(genuine_status(), ed=bytes(64)), "ml": replace(genuine_status(), ml=bytes(2_420))}
    for half, rests_on in halves.items():
        yield Attempt(f"silence on a status without its {half}", slot, certificate(rests_on).encode(), forged)


# --- the watch


def sworn(
    statement: bytes, *, purpose: str = "watch", line: bytes = NO_LINE, desk: str = "A", nonce: bytes = NONCE,
    keys_of: str = "A", number: int = 1,
) -> bytes:  # fmt: skip
    """A statement of a watch with one officer's assertion of it."""
    challenge = assertion_challenge(purpose, line, identity_key(desk).identity.id, nonce, sha256(statement).digest())
    return encode([statement, sign_assertion(number, officer_key(keys_of, number), challenge).to_value()])


def read_sworn(data: Value) -> object:
    """How a desk judges what one of its officers signed under a nonce of its own."""
    statement, assertion = shapes.array(decode(data), "words of a watch", length=2)
    what = sha256(shapes.octets(statement, "statement")).digest()
    return verify_people(
        [Assertion.from_value(assertion)], ROSTER,
        purpose="watch", line=NO_LINE, sender_id=identity_key("A").identity.id, nonce=NONCE, what=what, now=NOW, needed=1,
    )  # fmt: skip


def wrong_words_of_a_watch() -> Iterator[Attempt]:
    """Each word of a watch signed for another purpose, line, desk or nonce, as another word, or by others than may."""
    slot, forged, may_not = ReaderSlot(read_sworn), of("bad-signature 3"), of("wrong-party 3")
    for name, statement in STATEMENTS.items():
        wrong = {
            "on a line": (sworn(statement, line=LINE), forged),
            "for another desk": (sworn(statement, desk="B"), forged),
            "by an officer of another desk": (sworn(statement, keys_of="B"), forged),
            "under another nonce": (sworn(statement, nonce=bytes(16)), forged),
            "by an auditor": (sworn(statement, number=3), may_not),
            "by an administrator": (sworn(statement, number=4), may_not),
            "by a number that nobody has": (sworn(statement, number=9), may_not),
        }
        wrong |= {f"for {other}": (sworn(statement, purpose=other), forged) for other in PURPOSES if other != "watch"}
        for about, (value, outcomes) in wrong.items():
            yield Attempt(f"{name} of a watch, signed {about}", slot, value, outcomes, sworn(statement))
    for one, other in product(STATEMENTS, repeat=2):
        if one != other:
            value = encode([STATEMENTS[one], decode(sworn(STATEMENTS[other]))[1]])
            yield Attempt(f"{one} of a watch with the signature of {other}", slot, value, forged)
