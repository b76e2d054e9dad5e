"""What the talks of `bundles` do beside talking: amend the terms, fall silent, and let witnesses see their heads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any, Protocol

from tests.core.sample_evidence import TIME, other
from tests.verifier.lines import WITNESSES, SampleLine
from watchline.core.checkpoint import COSIGNATURE, Checkpoint, VerifierKey, cosignature_message, custody_name, origin
from watchline.core.clocks import ANSWER
from watchline.core.encoding import encode
from watchline.core.entries import HOLDING_REPLY, TEST, Again, Body, Direction, EntryType, Leaf, Notice, Place, Precedence
from watchline.core.evidence_parts import Head, ShownEntry
from watchline.core.keys import DeskKeys
from watchline.core.reply_clocks import PROMISED_FIELD
from watchline.core.silence import CLAIMED, Attempt, Claim, SignedStatus, Silence, SilenceKind
from watchline.core.statements import SIGNED_PREFIX, OpenItem, StatementType, Status, sign_statement
from watchline.core.terms import Clocks, Terms, Witness
from watchline.core.witnessing import Cosignature, WitnessKey
from watchline.errors import Malformed

OUTCOMES = ("connected", "sent", "relayed", "refused", "tls", "timeout", "unreachable", "x\n- y", "氣")
PROMISED_SECONDS = 7  # what the terms of no line allow for an answer
REACHED, REFUSED, CUT_OFF = ("connected", "sent", "relayed"), ("refused", "tls", "timeout"), ("unreachable",)


class ActingTalk(Protocol):
    """What a talk has for these acts. agreed: the newest text that both entered. silences: certificates by side and index.

    turn: counts them, so that each kind has its turn. cosigners: witnesses that may see its heads.
    """

    sample: SampleLine
    random: Random
    entries: dict[str, list[ShownEntry]]
    agreed: Terms
    texts: list[Terms]
    silences: dict[tuple[str, int], Silence]
    turn: int
    cosigners: tuple[WitnessKey, ...]

    def release(self, side: str, content: bytes, kind: int = ..., meant: Place | None = ..., number: int = ...) -> Body: ...
    def add(self, side: str, kind: int, body: Body, re: int | None = None) -> int: ...
    def place(self, side: str, index: int) -> Place: ...
    def root(self, side: str, size: int) -> bytes: ...
    def direction(self, side: str) -> Direction: ...
    def keys(self, side: str) -> DeskKeys: ...


# --- terms


def amend(talk: ActingTalk) -> None:
    """One desk enters a text, and the other mostly the same; some break a bound, or have another number."""
    random, side = talk.random, talk.random.choice("ab")
    text = random.choice(talk.texts) if talk.texts and random.random() < 0.2 else next_text(talk, random)
    talk.texts.append(text)
    enter(talk, side, text.encode())
    if random.random() < 0.8:
        enter(talk, other(side), text.encode())
        if text.version == talk.agreed.version + 1 and text.status_interval_seconds <= 3_600:
            talk.agreed = text


def agree(talk: ActingTalk) -> None:
    """Both desks enter a text that keeps every bound, and that names witnesses anew."""
    text = replace(talk.agreed, version=talk.agreed.version + 1, witnesses=_other_witnesses(talk, talk.random))
    for side in "ab":
        body = talk.release(side, text.encode(), EntryType.TERMS)
        talk.add(side, EntryType.TERMS, body)
    talk.agreed = text


def next_text(talk: ActingTalk, random: Random) -> Terms:
    """A text that may follow, or nearly."""
    before = talk.agreed
    seconds = random.choice([60, 600, 600, 86_400, 86_401])
    flash = Clocks(random.choice([None, *[seconds] * 9]), random.choice([None, 3_600]))
    return replace(
        before,
        version=before.version + random.choice([1] * 9 + [2]),
        clocks=(*before.clocks[:3], flash),
        status_interval_seconds=random.choice([1, 60, 60, 60, 3_600, 3_601]),
        test_interval_seconds=random.choice([60, 3_600, 3_600, 604_800, 604_801]),
        release_people=tuple(random.choice([1, 1, 1, 2, 3]) for _ in range(4)),
        unreleased_forms=random.choice([("test", "test-answer"), ("statement", "test"), ()]),
        witnesses=random.choice([before.witnesses, (), _other_witnesses(talk, random), _other_witnesses(talk, random)]),
        show_third_parties=random.random() < 0.7,
    )


def _other_witnesses(talk: ActingTalk, random: Random) -> tuple[Witness, ...]:
    """Some of them, under names of their own; now and then a key of a desk among them."""
    talk.cosigners = WITNESSES
    line, sender, _, inc, peer_inc = talk.direction("a")
    receipts = VerifierKey(custody_name(origin(line, sender, inc, peer_inc)), COSIGNATURE, talk.keys("b").public.custody)
    keys = [each.verifier for each in random.sample(WITNESSES, random.randint(1, len(WITNESSES)))]
    keys += [receipts] * (random.random() < 0.1)
    return tuple(Witness(random.choice(["Geneva", "Bern", "海"]), key.to_text()) for key in keys)


def enter(talk: ActingTalk, side: str, content: bytes) -> int:
    """A TERMS entry, mostly as two people released it."""
    body = talk.release(side, content, EntryType.TERMS) if talk.random.random() < 0.93 else Body(content)
    return talk.add(side, EntryType.TERMS, body)


# --- machines, and releases that were used before


def machines_talk(talk: ActingTalk) -> None:
    """A machine asks, mostly a test of the line, and a machine of the other desk answers; nobody signs."""
    random, side = talk.random, talk.random.choice("ab")
    forms = random.choice([(TEST, "test-answer")] * 4 + [("statement", "test-answer"), (TEST, "statement")])
    asked, answer = (Body(Notice(form, 1, Precedence.ROUTINE, False, "en", {}).encode()) for form in forms)
    talk.add(other(side), EntryType.NOTICE, answer, talk.add(side, EntryType.NOTICE, asked))


def use_again(talk: ActingTalk, earlier: ActingTalk) -> None:
    """A release of the pair before once more: marked as issued again or not, sometimes for another content, or twice."""
    random, side = talk.random, talk.random.choice("ab")
    index = random.randrange(len(earlier.entries[side]))
    entry = earlier.entries[side][index]
    leaf, body = Leaf.decode(entry.leaf), Body.decode(entry.body or b"")
    if random.random() < 0.4:
        body = replace(
            body, again=Again(1, 1, index, random.choice([None, 1]), None if leaf.re is None else Place(1, 1, leaf.re))
        )
    if random.random() < 0.2:
        body = replace(body, content=talk.agreed.encode())
    for _ in range(random.choice([1, 1, 2])):
        talk.add(side, leaf.type, body, leaf.re)


# --- silence


def fall_silent(talk: ActingTalk) -> None:
    """A certificate of one desk about a notice of its own, mostly true."""
    clock = talk.random.choice([0, 0, 0, 0, 1])
    _certify(talk, clock, promises=clock == ANSWER and talk.random.random() < 0.6)


def fall_silent_after_a_promise(talk: ActingTalk) -> None:
    """A certificate about an answer, for which the other desk mostly said another time."""
    _certify(talk, ANSWER, promises=True)


def _certify(talk: ActingTalk, clock: int, *, promises: bool) -> None:
    random, side = talk.random, talk.random.choice("ab")
    timed = ((at, talk.agreed.clocks_for(each.form, each.precedence)[clock]) for at, each in _notices(talk, side))
    found = [(at, seconds) for at, seconds in timed if seconds is not None]
    if not found:
        return
    index, allowed = random.choice(found[-3:])
    talk.turn += 1
    if promises:
        allowed = random.choice([allowed, *[_promise(talk, side, index)] * 4])
    kind = [*SilenceKind][talk.turn % len(SilenceKind)]
    if kind in CLAIMED:
        silence = _claimed(talk, side, index, kind, clock, allowed)
    else:
        silence = _proven(talk, side, index, kind, clock, allowed)
    place = talk.add(side, EntryType.SILENCE, Body(silence.encode()))
    talk.silences[side, place] = silence


def _promise(talk: ActingTalk, side: str, index: int) -> int:
    """The other desk holds: within how many seconds it says that an answer comes, mostly as people released it."""
    random, peer = talk.random, other(side)
    seconds = random.choice([PROMISED_SECONDS, PROMISED_SECONDS, 2**40])
    until = random.choice([TIME + len(talk.entries[peer]) + seconds] * 9 + [None, True, 0])
    content = Notice(HOLDING_REPLY, 1, Precedence.ROUTINE, False, "en", {PROMISED_FIELD: until}).encode()
    body = talk.release(peer, content, meant=talk.place(side, index)) if random.random() < 0.9 else Body(content)
    talk.add(peer, EntryType.NOTICE, body, index)
    return seconds


def _notices(talk: ActingTalk, side: str) -> Iterator[tuple[int, Notice]]:
    for index, entry in enumerate(talk.entries[side]):
        if Leaf.decode(entry.leaf).type == EntryType.NOTICE:
            try:
                yield index, Notice.decode(Body.decode(entry.body or b"").content)
            except Malformed:  # then it cannot be said which clock it has
                continue


def _proven(talk: ActingTalk, side: str, index: int, kind: SilenceKind, clock: int, allowed: int) -> Silence:
    random = talk.random
    seconds = allowed + random.choice([0, 1, 212, 2**40, 212, 212, -1])
    watch = (
        (random.choice([0, 0, 0, 2]), random.choice([0, 1]), seconds + random.choice([0, 7]))
        if kind is SilenceKind.UNMANNED
        else (1, 1, 2**40)
    )
    listed: tuple[OpenItem, ...] = (OpenItem(index, clock, seconds, allowed),)
    if kind is SilenceKind.CONTRADICTED:
        listed = random.choice(
            [(), (OpenItem(index, 1 - clock, seconds, allowed),), (replace(listed[0], allowed=allowed + 9),)]
        )
    more = (OpenItem(0, 1, 5, 5),) * random.choice([0, 0, 1, 63])
    status = _status(talk, side, index + 1, (*listed, *more), watch)
    return _about(talk, side, index, kind, clock, signed(talk, other(side), status), (), None)


def _claimed(talk: ActingTalk, side: str, index: int, kind: SilenceKind, clock: int, allowed: int) -> Silence:
    random = talk.random
    outcomes: tuple[str, ...] = CUT_OFF if kind is SilenceKind.LINE_DOWN else REACHED + REFUSED
    if random.random() < 0.2:
        outcomes = OUTCOMES
    count = random.choice([0, 1, 2, 16]) if kind is SilenceKind.LINE_DOWN else random.choice([1, 2, 16])
    attempts = tuple(
        Attempt(random.choice(["direct x:7700", "relay 海"]), random.choice([TIME, 2**53 - 1]), random.choice(outcomes))
        for _ in range(count)
    )
    came = random.choice([TIME, TIME + 9, 2**53 - 1, 2**53 - 1])
    received = {SilenceKind.DARK: came, SilenceKind.TERMINAL_DOWN: None}.get(kind, random.choice([None, came]))
    status = None
    if random.random() < 0.4:
        open_ = (OpenItem(index, clock, allowed - 1, allowed),)
        status = signed(talk, other(side), _status(talk, side, random.choice([0, index + 1]), open_, (1, 1, 0)))
    claim = Claim(allowed + random.choice([0, 0, 1, 900, -1]), received)
    return _about(talk, side, index, kind, clock, status, attempts, claim)


def _status(talk: ActingTalk, side: str, held: int, listed: tuple[OpenItem, ...], watch: tuple[int, int, int]) -> Status:
    """What the other desk says of this side's log, of which it holds at least so many entries."""
    random, peer = talk.random, other(side)
    held, size = random.randint(held, len(talk.entries[side])), random.randint(0, len(talk.entries[peer]))
    if random.random() < 0.6:
        held, size = len(talk.entries[side]), len(talk.entries[peer])
    roots = talk.root(peer, size), talk.root(side, held)
    time, left_out = random.choice([TIME + 812, 2**53 - 1]), random.choice([0, 0, 3])
    return Status(time, size, roots[0], held, roots[1], 1, 32, 1, 1, listed, left_out, 0, watch, bytes(16), None)


def signed(talk: ActingTalk, side: str, status: Status) -> SignedStatus:
    """A status under the key of the desk that says it; one in three with Ed25519 alone."""
    both = talk.random.random() < 0.67
    made = sign_statement(StatementType.STATUS, talk.direction(side), status.values(), talk.keys(side).statement, both=both)
    return SignedStatus(made.payload, made.ed, made.ml)


def signed_anew(talk: ActingTalk, side: str, payload: Any) -> SignedStatus:
    """Any values under the statement key of a desk."""
    encoded = encode(payload)
    made = talk.keys(side).statement.sign(SIGNED_PREFIX + encoded)
    return SignedStatus(encoded, made.ed, talk.random.choice([made.ml, None]))


def _about(
    talk: ActingTalk,
    side: str,
    index: int,
    kind: SilenceKind,
    clock: int,
    status: SignedStatus | None,
    attempts: tuple[Attempt, ...],
    claim: Claim | None,
) -> Silence:
    leaf = Leaf.decode(talk.entries[side][index].leaf)
    inc, peer_inc = leaf.direction.inc, leaf.direction.peer_inc
    return Silence(kind, clock, inc, peer_inc, index, leaf.commitment, status, attempts, claim)


# --- witnesses


def cosigned(talk: ActingTalk, side: str, head: Head) -> Head:
    """The head as some of the witnesses saw it."""
    line, sender, _, inc, peer_inc = talk.direction(side)
    text = Checkpoint(origin(line, sender, inc, peer_inc), head.size, head.root).text()
    seen = [key for key in talk.cosigners if talk.random.random() < 0.5]
    times = [talk.random.choice([0, TIME + 3, 2**53 - 1]) for _ in seen]
    made = (
        Cosignature(key.verifier, time, key.key.sign(cosignature_message(time, text)))
        for key, time in zip(seen, times, strict=True)
    )
    return replace(head, cosignatures=tuple(made))
