"""Bundles that were damaged in one of many ways, mostly such that both verifiers must refuse them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from random import Random
from typing import Any

from tests.core.sample_evidence import other
from tests.core.sample_form1 import MAGIC
from tests.verifier.acts import enter, signed_anew
from tests.verifier.bundles import POOL, TEXTS, VIEWS, RandomTalk, good_bundle, random_talk, talk_of
from watchline.core.archive import pack, unpack
from watchline.core.encoding import Value, decode, encode
from watchline.core.entries import Body, commitment
from watchline.core.evidence import build_evidence
from watchline.core.evidence_parts import Bundle, LogKeys, LogName, ShownEntry, log_keys, write_parts
from watchline.core.silence import SilenceKind
from watchline.core.statements import SIGNED_PREFIX
from watchline.errors import Malformed

Damage = Callable[[Random, int], bytes]
"""Makes a bundle. The number says from which thousand of good ones it takes what it damages."""


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
    return talk_of((1_000 * thousand + random.randrange(POOL)) // VIEWS).twin(random)


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
    form1 = parts["pairing/1.bin"].startswith(MAGIC)
    purpose, magic = ("watchline/1 pairing", MAGIC) if form1 else ("watchline/2 pairing", b"")
    bodies = [_pairing_body(parts[f"pairing/{number}.bin"], number, form1) for number in (1, 2, 3)]
    at = random.randrange(3)
    bodies[at] = _altered(bodies[at], random)
    named: list[bytes] = []
    for number, body in enumerate(bodies, 1):
        if number > at + 1 and random.random() < 0.9:
            places = {2: (-2,), 3: (-3, -2)} if form1 else {2: (-1,), 3: (-2, -1)}
            for place, before in zip(places[number], named, strict=True):
                body[place] = sha256(before).digest()
        encoded = encode(body)
        signed = talk.sample.identities["ab"[number == 2]].sign(purpose, encoded)
        whole = magic + encode([encoded, signed.ed, signed.ml])
        parts[f"pairing/{number}.bin"] = whole if form1 or number > 1 else encoded
        named.append(whole if form1 else encoded)
    return pack(parts)


def _pairing_body(part: bytes, number: int, form1: bool) -> list[Value]:
    encoded = decode(part[len(MAGIC) :])[0] if form1 else part if number == 1 else decode(part)[0]
    body: list[Value] = decode(encoded)
    return body


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
    return built(talk)


def _signed_silence(random: Random, thousand: int) -> bytes:
    """A certificate with something strange in it, mostly one value, or in its status, which the peer signed."""
    talk = random_talk(random)
    while not talk.silences:
        talk.anything()
    (side, index), silence = random.choice(list(talk.silences.items()))
    if silence.status is not None and random.random() < 0.5:
        said = _altered(decode(silence.status.payload), random)
        silence = replace(silence, status=signed_anew(talk, random.choice([other(side)] * 9 + [side]), said))
    content = silence.encode()
    if random.random() < 0.6:
        content = encode(_altered(decode(content), random))
    if random.random() < 0.2:
        content = replace(silence, kind=random.choice([*SilenceKind])).encode()
    entry = talk.entries[side][index]
    leaf, body = decode(entry.leaf), Body(content).encode()
    leaf[9] = commitment(entry.blinding or b"", body)
    talk.entries[side][index] = ShownEntry(index, encode(leaf), entry.blinding, body)
    talk.silences[side, index] = silence
    return built(talk)


def _signed_terms(random: Random, thousand: int) -> bytes:
    """A text with something strange in it that both desks entered."""
    talk = random_talk(random)
    text = replace(talk.agreed, version=talk.agreed.version + 1)
    content = encode(_altered(decode(text.encode()), random))
    for side in random.choice(["ab", "ba"]):
        enter(talk, side, content)
    talk.anything()
    return built(talk)


def _cosigned_otherwise(random: Random, thousand: int) -> bytes:
    """Lines of signatures gone, twice, in another order, or from another head."""
    talk = _talk_for(random, thousand)
    parts = _assembled(talk, talk.shown())
    notes = [name for name in parts if "/heads/" in name]
    if not notes:
        return pack(parts)
    name, foreign = random.choice(notes), random.choice(notes)
    text, _, lines = parts[name].rpartition(b"\n\n")
    signed, more = lines.splitlines(keepends=True), parts[foreign].rpartition(b"\n\n")[2].splitlines(keepends=True)
    signed += random.choice([[], signed[-1:], more[-1:], more])
    change = random.random()
    if change < 0.4:
        random.shuffle(signed)
    elif change < 0.8 and len(signed) > 1:
        del signed[random.randrange(len(signed))]
    return pack(parts | {name: text + b"\n\n" + b"".join(signed)})


def built(talk: RandomTalk) -> bytes:
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
        of = talk if (name.inc, name.peer_inc) == (talk.incs[name.author], talk.incs[other(name.author)]) else talk.earlier
        assert of is not None
        author, recipient = of.keys(name.author), of.keys(other(name.author))
        return log_keys(of.direction(name.author), author.log.public, recipient.custody.public)

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
    _signed_silence,
    _signed_silence,
    _signed_terms,
    _cosigned_otherwise,
)
