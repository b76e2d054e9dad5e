"""Evidence of many kinds from a seed.

What a seed gives has the same shape each time; the signatures of ML-DSA draw randomness of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from copy import copy
from dataclasses import replace
from functools import lru_cache
from random import Random
from typing import Any

from tests.core.sample_evidence import DESK_OF, TIME, Talk, other
from tests.verifier.acts import amend, cosigned, fall_silent, machines_talk, use_again
from tests.verifier.lines import SampleLine, asserted_by, sample_line
from watchline.core.encoding import encode
from watchline.core.entries import Again, Body, Continues, EntryType, Leaf, Notice, Place, Precedence, Response
from watchline.core.evidence import build_evidence
from watchline.core.evidence_parts import (
    Bundle,
    Head,
    ShownLog,
    ShownStatus,
)
from watchline.core.persons import Roster, assertion_challenge, sign_roster
from watchline.core.release import asserted
from watchline.core.silence import Silence, SilenceKind
from watchline.core.statements import status_in
from watchline.core.terms import Terms
from watchline.errors import Malformed, PeerError

LINES = 12
VIEWS = 4  # bundles of one talk
THEMES = (fall_silent, amend, fall_silent, None)
POOL = 128  # good bundles that are kept
TEXTS = (
    "ok",
    "気球",
    "<b>&amp;</b>",
    "\u202eevil",
    "a\x00b",
    'q"\\',
    "\u2028",
    "🛟" * 9,
    "x" * 300,
    "",
    "\x7f\x80",
    "\u3000x",
    "\ufeffx\u200e",
)
ACTS = ("say", "say", "say", "respond", "respond", "cancel", "roster", "odd", "again", "twice", "amend", "silent", "test")
FORMS = (
    "statement",
    "statement",
    "airspace-object",
    "test",
    "holding-reply",
    "escalation-report",
    "free-text",
    "it; was released",
    "気球",
    "x" * 64,
)


class RandomTalk(Talk):
    """A talk on a sample line in which anything may be said, true to the rules or not; every signature is genuine."""

    def __init__(self, line: SampleLine, random: Random, incs: tuple[int, int] = (1, 1)) -> None:
        self.sample, self.random = line, random
        self.rosters = dict(line.rosters)
        self.statuses: dict[tuple[object, ...], ShownStatus] = {}
        self.agreed, self.texts = line.terms, list[Terms]()
        self.silences: dict[tuple[str, int], Silence] = {}
        self.turn = random.randrange(len(SilenceKind))
        self.hushed: set[tuple[str, int]] = set()  # certificates of which only the leaf may be shown
        self.rested: dict[str, set[int]] = {"a": set(), "b": set()}
        self.earlier: RandomTalk | None = None
        self.cosigners = line.witnesses
        super().__init__(line.line, line.files, incs)

    def sender(self, side: str) -> bytes:
        return self.sample.identities[side].identity.id

    def release(
        self, side: str, content: bytes, kind: int = EntryType.NOTICE, meant: Place | None = None, number: int = 1
    ) -> Body:
        """One to three officers stand for it: often who may, sometimes who may not, or for something else."""
        random = self.random
        if kind == EntryType.CANCEL and meant is None:
            return Body(content)
        purpose, what = asserted(kind, Body(content), meant)
        if random.random() < 0.05:
            purpose = random.choice(["release", "answer", "cancel", "acknowledge", "decline", "roster", "terms", "incarnation"])
        nonce = random.randbytes(16)
        challenge = assertion_challenge(purpose, self.line, self.sender(side), nonce, what)
        people = self.sample.rosters[side].officers
        count = random.choice([1, 1, 2, 2, 3])
        chosen = random.sample(people, count) if random.random() < 0.3 else [people[at] for at in (0, 5, 6)[:count]]
        if purpose in ("roster", "terms", "incarnation"):
            chosen = [people[1], people[2]]
        return Body(content, nonce, tuple(asserted_by(DESK_OF[side], who, challenge, random).to_value() for who in chosen))

    def anything(self) -> None:
        """One more entry of either log."""
        random, side = self.random, self.random.choice("ab")
        near, far = len(self.entries[side]), len(self.entries[other(side)])
        act = random.choice(ACTS)
        re = random.choice([None, None, random.randrange(far)])
        if act == "say":
            self._say_something(side, re)
        elif act == "respond":
            self._respond_somehow(side, random.randrange(far))
        elif act == "cancel":
            target = random.choice([None, random.randrange(near), near + 3])
            meant = None if target is None or target >= near else self.place(side, target)
            content = encode([random.choice(TEXTS)])
            self.add(side, EntryType.CANCEL, self.release(side, content, EntryType.CANCEL, meant), target)
        elif act == "amend":
            amend(self)
        elif act == "silent":
            fall_silent(self)
        elif act == "roster":
            self._change_roster(side)
        elif act == "test":
            machines_talk(self)
        elif act == "twice" and self.earlier is not None:
            use_again(self, self.earlier)
        elif act == "twice" and near > 1:
            self._repeat(side, random.randrange(near))
        elif act == "again":
            self._issue_again(side, re)
        else:
            kind = random.choice([0, 1, 2, 3, 5, 7, 8, 10, 11, 255, 2**53 - 1])
            purposed = kind in (1, 2, 3, 5, 10)
            content = random.choice([b"", b"\xff", encode({1: None}), encode([1, 2, 3]), encode(["x", 1, 3, False, "en", {}])])
            body = self.release(side, content, kind) if purposed and random.random() < 0.7 else Body(content)
            self.add(side, kind, body, re)

    def say_to_the_terms(self) -> None:
        """A notice that starts a clock, as so many people released it as the terms ask for."""
        side, form = (
            self.random.choice("ab"),
            self.random.choice(["statement", "airspace-object", "airspace-object", "free-text"]),
        )
        precedence = self.random.choice([Precedence.ROUTINE, Precedence.FLASH])
        content = Notice(form, 1, precedence, self.random.random() < 0.2, "ja", {1: "気球"}).encode()
        self.add(side, EntryType.NOTICE, self.release(side, content))

    def _notice(self) -> bytes:
        random = self.random
        values: list[Any] = [
            random.choice([*TEXTS, None, True, 2**53 - 1, -(2**53 - 1), b"\x00\xff", [], {}, [{"k": [1]}]]) for _ in range(3)
        ]
        fields = {random.choice([0, 1, 2, 23, 24, 255, 256, 65_536, 2**40]): value for value in values}
        form, precedence = random.choice(FORMS), random.choice(list(Precedence))
        return Notice(form, random.choice([1, 2, 2**40]), precedence, random.random() < 0.3, "zh-Hans", fields).encode()

    def _say_something(self, side: str, re: int | None) -> None:
        content = self._notice()
        meant = None if re is None else self.place(other(side), re)
        body = self.release(side, content, meant=meant) if self.random.random() < 0.8 else Body(content)
        self.add(side, EntryType.NOTICE, body, re)

    def _respond_somehow(self, side: str, index: int) -> None:
        random = self.random
        kind = random.choice([EntryType.ACKNOWLEDGE, EntryType.DECLINE])
        about = index if random.random() < 0.8 else random.randrange(len(self.entries[other(side)]))
        peer = self.direction(other(side))
        meant = Leaf.decode(self.entries[other(side)][about].leaf)
        reason = random.choice([None, *TEXTS]) if kind == EntryType.DECLINE else None
        named = kind if random.random() < 0.9 else EntryType.ACKNOWLEDGE
        content = Response(named, peer.inc, peer.peer_inc, meant.index, meant.commitment, "ja", reason).encode()
        self.add(side, kind, self.release(side, content, kind), index)

    def _change_roster(self, side: str) -> None:
        random, before = self.random, self.rosters[side]
        version = before.version + (1 if random.random() < 0.8 else 2)
        left = tuple(who for who in before.officers if who.number != random.choice([4, 5, 99]))
        after = Roster(version, left)
        if random.random() < 0.5:
            signed = sign_roster(self.sample.identities[side], self.line, after)
            body = Body(encode([after.encode(), signed.ed, signed.ml]))
        else:
            content = encode([after.encode(), None, None])
            nonce = random.choice([None, random.randbytes(16)])
            challenge = assertion_challenge("roster", self.line, self.sender(side), nonce, after.digest)
            admins = [who for who in before.officers if who.number in (2, 3)][: random.choice([1, 2, 2])]
            body = Body(content, nonce, tuple(asserted_by(DESK_OF[side], who, challenge, random).to_value() for who in admins))
        if version == before.version + 1:
            self.rosters[side] = after
        self.add(side, EntryType.ROSTER, body)

    def _repeat(self, side: str, index: int) -> None:
        """The same release once more, which counts only once."""
        entry = self.entries[side][index]
        leaf = Leaf.decode(entry.leaf)
        if entry.body is not None:
            self.add(side, leaf.type, Body.decode(entry.body), leaf.re)

    def _issue_again(self, side: str, re: int | None) -> None:
        random = self.random
        content = self._notice()
        meant = None if re is None else random.choice([self.place(other(side), re), Place(1, 1, re)])
        mark = Again(1, 1, random.randrange(4), random.choice([None, 1, 7]), random.choice([meant, meant, Place(1, 1, 2)]))
        self.add(side, EntryType.NOTICE, replace(self.release(side, content, meant=mark.meant), again=mark), re)

    def shown(self) -> Bundle:
        """What is shown of it: all or some, open or closed, with any receipts and statuses."""
        random = self.random
        sizes = {side: len(self.entries[side]) for side in "ab"}
        sides = random.choice(["a", "b", "ab", "ab", "ab"])
        chosen = {side: range(sizes[side]) if random.random() < 0.5 else self._some(sizes[side]) for side in sides}
        closed = {side: self._some(sizes[side]) if random.random() < 0.4 else [] for side in sides}
        if self.texts and random.random() < 0.5:  # else there is seldom enough to see what came into force
            chosen, closed = {side: range(sizes[side]) for side in "ab"}, {}
        self._show_what_silences_need(chosen, closed)
        statuses = random.choice(["", "a", "b", "ab", "ab", "ba", "aab"])
        bundle = self.bundle(chosen, statuses=statuses, closed=closed, make=self._heads)
        if self.earlier is not None and random.random() < 0.9:
            before = self.earlier.shown()
            logs = tuple(sorted((*before.logs, *bundle.logs), key=lambda log: log.name))
            bundle = replace(bundle, logs=logs, statuses=(*before.statuses, *bundle.statuses))
        incarnations = {1, *self.incs.values()}
        later = tuple(each for each in self.sample.later if 2 in incarnations or random.random() < 0.3)
        return replace(bundle, certificates=later)

    def _show_what_silences_need(self, chosen: dict[str, Any], closed: dict[str, list[int]]) -> None:
        """Mostly each certificate with its notice, and with both logs where that is needed."""
        random = self.random
        self.rested = {"a": set(), "b": set()}
        for (side, index), silence in self.silences.items():
            if (side, index) in self.hushed:
                closed.setdefault(side, []).append(index)
                continue
            if random.random() < 0.8 and side in chosen:
                chosen[side] = sorted({*chosen[side], index, min(silence.index, index)})
            if silence.kind is SilenceKind.CONTRADICTED and side in chosen and random.random() < 0.7:
                chosen.update({each: range(len(self.entries[each])) for each in "ab"})
                closed.clear()
        for (side, index), silence in self.silences.items():
            if silence.status is None or index not in chosen.get(side, ()) or index in closed.get(side, ()):
                continue
            try:
                status = status_in(silence.status.payload)
            except PeerError:  # one that was made so
                continue
            self.rested[side].add(status.held_size)
            if silence.kind is SilenceKind.CONTRADICTED:
                self.rested[other(side)].add(status.size)

    def log(
        self,
        side: str,
        shown: Collection[int] | None = None,
        *,
        closed: Collection[int] = (),
        heads: tuple[Head, ...] | None = None,
        sizes: Collection[int] = (),
    ) -> ShownLog:
        return super().log(side, shown, closed=closed, heads=heads, sizes={*sizes, *self.rested[side]})

    def hush(self) -> bool:
        """Show one more certificate without its content; False where there is none left."""
        left = sorted(self.silences.keys() - self.hushed)
        if left:
            self.hushed.add(self.random.choice(left))
        return bool(left) or (self.earlier is not None and self.earlier.hush())

    def dismiss(self) -> bool:
        """Let one witness less see the heads; False where there is none left. Those of the first terms stay longest."""
        left, self.cosigners = bool(self.cosigners), self.cosigners[:-1]
        return (self.earlier is not None and self.earlier.dismiss()) or left

    def follow(self, earlier: RandomTalk) -> None:
        """Begin anew behind another pair of the same line, mostly naming it as it is."""
        self.earlier, self.entries = earlier, {"a": [], "b": []}
        for side in "ab":
            own, held = len(earlier.entries[side]), len(earlier.entries[other(side)])
            if self.random.random() < 0.3:
                own, held = self.random.randint(0, own), self.random.randint(0, held)
            pair = self.random.choice([(1, 1)] * 9 + [(1, 2)])
            roots = earlier.root(side, own), earlier.root(other(side), held)
            said = Continues(pair, own, roots[0], held, roots[1], 7) if self.random.random() < 0.9 else Continues()
            self.add(side, EntryType.CONTINUES, Body(said.encode()))
        self.agreed = earlier.agreed

    def _some(self, size: int) -> list[int]:
        return sorted(self.random.sample(range(size), self.random.randint(1, size)))

    def _heads(self, side: str) -> tuple[Head, ...]:
        size = len(self.entries[side])
        found = []
        for at in sorted({size, *self._some(size)}):
            head = self.head(side, at, receipt=self.random.random() < 0.7, time=self.random.choice([TIME, TIME + 9, 2**53 - 1]))
            if at != size and head.receipt is not None and self.random.random() < 0.5:
                head = replace(head, signature=None)
            found.append(head if head.signature is None else cosigned(self, side, head))
        return tuple(found)

    def twin(self, random: Random) -> RandomTalk:
        """The same talk, to go on with apart from this one."""
        talk = copy(self)
        talk.random, talk.rosters = random, dict(self.rosters)
        talk.entries = {side: list(entries) for side, entries in self.entries.items()}
        talk.texts, talk.silences, talk.hushed = list(self.texts), dict(self.silences), set(self.hushed)
        talk.earlier = None if self.earlier is None else self.earlier.twin(random)
        return talk

    def status(self, side: str) -> ShownStatus:
        """The same statement for the same sizes: ML-DSA signs anew each time."""
        state = (side, *(self.root(each, len(entries)) for each, entries in self.entries.items()))
        if state not in self.statuses:
            self.statuses[state] = super().status(side)
        return self.statuses[state]


def random_talk(random: Random, theme: Callable[[RandomTalk], None] | None = None) -> RandomTalk:
    """A talk of a few entries on one of the sample lines. theme: what it does above all."""
    line = sample_line(random.randrange(LINES))
    talk = RandomTalk(line, random, random.choice([(1, 1), (1, 1), (1, 2)]))
    if talk.incs["b"] == 2 and random.random() < 0.6:
        earlier = RandomTalk(line, random)
        for _ in range(random.choice([1, 4, 8])):
            earlier.anything()
        talk.follow(earlier)
    for _ in range(random.choice([1, 2, 4, 8, 12])):
        talk.anything()
        if theme is not None and random.random() < 0.7:
            talk.say_to_the_terms()
            theme(talk)
    return talk


@lru_cache(POOL // VIEWS)
def talk_of(number: int) -> RandomTalk:
    return random_talk(Random(number), THEMES[number % len(THEMES)])


@lru_cache(POOL)
def good_bundle(seed: int) -> bytes:
    """A bundle that is verified; some show the same talk in different ways."""
    return shown_well(talk_of(seed // VIEWS).twin(Random(f"view {seed}")))


def shown_well(talk: RandomTalk) -> bytes:
    """A bundle of a talk that is verified, whatever has to be left out or to be said for it."""
    while True:
        try:
            return build_evidence(talk.shown())
        except Malformed as error:
            if "/heads/" in str(error.facts["part"]) and talk.dismiss():  # cosigned by whom no terms that are shown name
                continue
            if not talk.hush():  # a silence that does not follow, or a status of which no certificate is shown
                talk.anything()
