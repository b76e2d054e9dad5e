"""Evidence of many kinds from a seed: good bundles, and bundles that were damaged in one of many ways.

What a seed gives has the same shape each time; the signatures of ML-DSA draw randomness of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import replace
from functools import lru_cache
from hashlib import sha256
from random import Random
from typing import Any

from tests.core.sample_evidence import DESK_OF, TIME, Talk, other
from tests.verifier.lines import SampleLine, asserted_by, sample_line
from watchline.core.archive import pack, unpack
from watchline.core.encoding import decode, encode
from watchline.core.entries import Again, Body, EntryType, Leaf, Notice, Place, Precedence, Response, commitment
from watchline.core.evidence import build_evidence
from watchline.core.evidence_parts import Bundle, Head, LogKeys, LogName, ShownEntry, ShownStatus, log_keys, write_parts
from watchline.core.persons import Roster, assertion_challenge, sign_roster
from watchline.core.release import asserted
from watchline.core.statements import SIGNED_PREFIX
from watchline.errors import Malformed

Damage = Callable[[Random, int], bytes]
"""Makes a bundle. The number says from which thousand of good ones it takes what it damages."""

LINES = 12
VIEWS = 8  # bundles of one talk
POOL = 128  # bundles of which damaged ones are made
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
FORMS = ("statement", "airspace-object", "test", "holding-reply", "free-text", "it; was released", "気球", "x" * 64)


class RandomTalk(Talk):
    """A talk on a sample line in which anything may be said, true to the rules or not; every signature is genuine."""

    def __init__(self, line: SampleLine, random: Random, incs: tuple[int, int] = (1, 1)) -> None:
        self.sample, self.random = line, random
        self.rosters = dict(line.rosters)
        self.statuses: dict[tuple[object, ...], ShownStatus] = {}
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
        act = random.choice(["say", "say", "say", "respond", "respond", "cancel", "roster", "odd", "again", "twice"])
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
        elif act == "roster":
            self._change_roster(side)
        elif act == "twice" and near > 1:
            self._repeat(side, random.randrange(near))
        elif act == "again":
            self._issue_again(side, re)
        else:
            kind = random.choice([0, 1, 2, 3, 5, 7, 8, 9, 10, 11, 255, 2**53 - 1])
            purposed = kind in (1, 2, 3, 5, 10)
            content = random.choice([b"", b"\xff", encode({1: None}), encode([1, 2, 3]), encode(["x", 1, 3, False, "en", {}])])
            body = self.release(side, content, kind) if purposed and random.random() < 0.7 else Body(content)
            self.add(side, kind, body, re)

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
        statuses = random.choice(["", "a", "b", "ab", "ab", "ba", "aab"])
        bundle = self.bundle(chosen, statuses=statuses, closed=closed, make=self._heads)
        incarnations = {1, *self.incs.values()}
        later = tuple(each for each in self.sample.later if 2 in incarnations or random.random() < 0.3)
        return replace(bundle, certificates=later)

    def _some(self, size: int) -> list[int]:
        return sorted(self.random.sample(range(size), self.random.randint(1, size)))

    def _heads(self, side: str) -> tuple[Head, ...]:
        size = len(self.entries[side])
        found = []
        for at in sorted({size, *self._some(size)}):
            head = self.head(side, at, receipt=self.random.random() < 0.7, time=self.random.choice([TIME, TIME + 9, 2**53 - 1]))
            if at != size and head.receipt is not None and self.random.random() < 0.5:
                head = replace(head, signature=None)
            found.append(head)
        return tuple(found)

    def twin(self, random: Random) -> RandomTalk:
        """The same talk, to go on with apart from this one."""
        talk = copy(self)
        talk.random, talk.rosters = random, dict(self.rosters)
        talk.entries = {side: list(entries) for side, entries in self.entries.items()}
        return talk

    def status(self, side: str) -> ShownStatus:
        """The same statement for the same sizes: ML-DSA signs anew each time."""
        state = (side, *(self.root(each, len(entries)) for each, entries in self.entries.items()))
        if state not in self.statuses:
            self.statuses[state] = super().status(side)
        return self.statuses[state]


def random_talk(random: Random) -> RandomTalk:
    """A talk of a few entries on one of the sample lines."""
    talk = RandomTalk(sample_line(random.randrange(LINES)), random, random.choice([(1, 1), (1, 1), (1, 2)]))
    for _ in range(random.choice([1, 2, 4, 8, 12])):
        talk.anything()
    return talk


@lru_cache(POOL // VIEWS)
def _talk(number: int) -> RandomTalk:
    return random_talk(Random(number))


@lru_cache(POOL)
def good_bundle(seed: int) -> bytes:
    """A bundle that is verified; some show the same talk in different ways."""
    talk = _talk(seed // VIEWS).twin(Random(f"view {seed}"))
    while True:
        try:
            return build_evidence(talk.shown())
        except Malformed:  # such as a status that names an incarnation of which no certificate is shown
            talk.anything()


def damaged_bundle(seed: int) -> bytes:
    """A bundle that was damaged, mostly such that it is refused."""
    random = Random(f"damaged {seed}")
    return random.choice(DAMAGES)(random, seed // 1_000)


def _good(random: Random, thousand: int) -> bytes:
    return good_bundle(1_000 * thousand + random.randrange(POOL))


def _some_parts(random: Random, thousand: int) -> dict[str, bytes]:
    return dict(unpack(_good(random, thousand)))


def _flip(data: bytes, random: Random, times: int = 1) -> bytes:
    changed = bytearray(data)
    for _ in range(times):
        if changed:
            changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def _flipped_in_the_file(random: Random, thousand: int) -> bytes:
    return _flip(_good(random, thousand), random, random.choice([1, 1, 2, 8]))


def _cut_or_longer(random: Random, thousand: int) -> bytes:
    data = _good(random, thousand)
    return random.choice([data[: random.randrange(len(data))], data + b"\0", b"\0" + data, data + data, data[:-22]])


def _flipped_in_a_part(random: Random, thousand: int) -> bytes:
    parts = _some_parts(random, thousand)
    name = random.choice(list(parts))
    return pack(parts | {name: _flip(parts[name], random)})


def _part_gone_or_renamed(random: Random, thousand: int) -> bytes:
    parts = _some_parts(random, thousand)
    name = random.choice(list(parts))
    content = parts.pop(name)
    sibling = random.choice(list(parts))
    swapped = {name: parts[sibling], sibling: content}
    digits = str(random.randrange(9))
    renamed = "".join(digits if letter.isdigit() and random.random() < 0.2 else letter for letter in name)
    return _packed(
        parts, random.choice([{}, swapped, {renamed: content}, {name: content, renamed: content}, {sibling: content}])
    )


def _strange_part(random: Random, thousand: int) -> bytes:
    parts = _some_parts(random, thousand)
    folder = random.choice(list(parts)).rpartition("/")[0] or "logs"
    name = f"{folder}/{random.choice(['x', 'x.bin', 'sub/0.txt', '0000000000000009.bin'])}"
    return _packed(parts, {name: random.choice([b"", b"\x80", *parts.values()])})


def _packed(parts: dict[str, bytes], more: dict[str, bytes]) -> bytes:
    try:
        return pack(parts | more)
    except ValueError:  # a part below another one
        return pack(parts)


def _part_of_another_bundle(random: Random, thousand: int) -> bytes:
    parts, foreign = _some_parts(random, thousand), _some_parts(random, thousand)
    both = sorted(parts.keys() & foreign.keys())
    taken = {name: foreign[name] for name in random.sample(both, random.randint(1, min(3, len(both))))}
    kinds = [name for name in foreign if name.startswith(("statuses", "logs", "certificates"))]
    return _packed(parts, random.choice([taken, {name: foreign[name] for name in random.sample(kinds, 1)}]))


def _value_in_a_part(random: Random, thousand: int) -> bytes:
    parts = _some_parts(random, thousand)
    name = random.choice([part for part in parts if part.endswith(".bin") and not part.startswith("pairing")])
    return pack(parts | {name: encode(_altered(decode(parts[name]), random))})


def _text_in_a_part(random: Random, thousand: int) -> bytes:
    parts = _some_parts(random, thousand)
    name = random.choice([part for part in parts if part.endswith((".txt", ".json", ".vkey"))])
    lines = parts[name].split(b"\n")
    at = random.randrange(len(lines))
    line = lines[at]
    number = bytes(str(random.choice([0, 1, 3, 5, 2**53, 10**17])), "ascii")
    words = line.split(b" ")
    words[random.randrange(len(words))] = number
    made: list[list[bytes]] = [
        [],
        [line, line],
        [line + b" "],
        [line + b"\r"],
        [b" ".join(words)],
        [b"0" + line],
        [line + b"="],
    ]
    lines[at : at + 1] = random.choice(made)
    random_order = random.random() < 0.1
    if random_order:
        random.shuffle(lines)
    return pack(parts | {name: b"\n".join(lines)})


def _altered(value: Any, random: Random) -> Any:
    """One value somewhere inside changed; byte strings that hold values are opened now and then."""
    if isinstance(value, list | tuple) and value and random.random() < 0.85:
        items = list(value)
        at = random.randrange(len(items))
        change = random.random()
        if change < 0.06:
            del items[at]
        elif change < 0.12:
            items.insert(at, items[at])
        elif change < 0.16:
            items.reverse()
        else:
            items[at] = _altered(items[at], random)
        return items
    if isinstance(value, dict) and value and random.random() < 0.8:
        key = random.choice(list(value))
        return {**value, key: _altered(value[key], random)}
    if isinstance(value, bytes) and random.random() < 0.5:
        try:
            return encode(_altered(decode(value), random))
        except (Malformed, ValueError):
            pass
    return _another(value, random)


def _another(value: Any, random: Random) -> Any:
    if isinstance(value, bool):
        return random.choice([not value, int(value), None])
    if isinstance(value, int):
        return random.choice([min(value + 1, 2**53 - 1), max(0, value - 1), 0, 1, -1, 2**53 - 1, None, True, str(value)])
    if isinstance(value, bytes):
        return random.choice([_flip(value, random), value + b"\0", value[:-1], b"", bytes(len(value)), None, "text"])
    if isinstance(value, str):
        return random.choice([value + "x", value[:-1], value.upper(), *TEXTS, value + "\u200b ", None, b"bytes"])
    return random.choice([0, 1, b"", b"\0" * 32, "", [], {}, True])


def _talk_for(random: Random, thousand: int) -> RandomTalk:
    return _talk((1_000 * thousand + random.randrange(POOL)) // VIEWS).twin(random)


# From here on everything is signed again by the keys that it should be signed with: what only a desk itself could do.


def _signed_status(random: Random, thousand: int) -> bytes:
    talk = _talk_for(random, thousand)
    parts = _assembled(talk, talk.shown())
    names = [name for name in parts if name.startswith("statuses")]
    if names:
        name = random.choice(names)
        payload, _, _ = decode(parts[name])
        payload = encode(_altered(decode(payload), random))
        side = name.split("/")[1][0]
        signed = talk.keys(side).statement.sign(SIGNED_PREFIX + payload)
        parts[name] = encode([payload, signed.ed, signed.ml])
    return pack(parts)


def _signed_certificate(random: Random, thousand: int) -> bytes:
    talk = _talk_for(random, thousand)
    parts = _assembled(talk, replace(talk.shown(), certificates=talk.sample.later))
    name = random.choice([part for part in parts if part.startswith("certificates")])
    key = talk.sample.identities[name.split("/")[1]]
    body = encode(_altered(decode(decode(parts[name])[0]), random))
    signed = key.sign("watchline/1 certificate", body)
    parts[name] = encode([body, signed.ed, signed.ml])
    return pack(parts)


def _signed_pairing(random: Random, thousand: int) -> bytes:
    """A pairing file that its identity signed with something strange in it; the files after it name it by its new hash."""
    talk = _talk_for(random, thousand)
    parts = _assembled(talk, talk.shown())
    magic = b"watchline pairing 1\n"
    bodies = [decode(decode(parts[f"pairing/{number}.bin"][len(magic) :])[0]) for number in (1, 2, 3)]
    at = random.randrange(3)
    bodies[at] = _altered(bodies[at], random)
    files: list[bytes] = []
    for number, body in enumerate(bodies, 1):
        if number > at + 1 and random.random() < 0.9:
            for place, file in zip((-2,) if number == 2 else (-3, -2), files, strict=True):
                body[place] = sha256(file).digest()
        encoded = encode(body)
        signed = talk.sample.identities["ab"[number == 2]].sign("watchline/1 pairing", encoded)
        files.append(magic + encode([encoded, signed.ed, signed.ml]))
        parts[f"pairing/{number}.bin"] = files[-1]
    return pack(parts)


def _signed_entry(random: Random, thousand: int) -> bytes:
    """An entry with something strange in leaf or body, committed to and signed by its author."""
    talk = random_talk(random)
    side = random.choice("ab")
    index = random.randrange(len(talk.entries[side]))
    entry = talk.entries[side][index]
    leaf, body = decode(entry.leaf), entry.body or b""
    if random.random() < 0.6:
        body = encode(_altered(decode(body), random)) if random.random() < 0.8 else _flip(body, random)
        leaf[9] = commitment(entry.blinding or b"", body)
    else:
        leaf = _altered(leaf, random)
    talk.entries[side][index] = ShownEntry(index, encode(leaf), entry.blinding, body)
    bundle = talk.shown()
    try:
        return build_evidence(bundle)
    except Malformed:
        return pack(_assembled(talk, bundle))


def _assembled(talk: RandomTalk, bundle: Bundle) -> dict[str, bytes]:
    """The parts of a bundle that need not hold; the two that are told from the others are those of it if it does."""
    try:
        return dict(unpack(build_evidence(bundle)))
    except Malformed:
        pass

    def keys(name: LogName) -> LogKeys:
        author, recipient = talk.keys(name.author), talk.keys(other(name.author))
        return log_keys(talk.direction(name.author), author.log.public, recipient.custody.public)

    parts = write_parts(bundle, keys)
    return {**parts, "readme.txt": b"not told\n", "summary.json": b"{}\n"}


DAMAGES: tuple[Damage, ...] = (
    _flipped_in_the_file,
    _cut_or_longer,
    _flipped_in_a_part,
    _part_gone_or_renamed,
    _strange_part,
    _part_of_another_bundle,
    _value_in_a_part,
    _value_in_a_part,
    _text_in_a_part,
    _signed_status,
    _signed_certificate,
    _signed_pairing,
    _signed_entry,
    _signed_entry,
    _signed_entry,
)
