"""Write line.json: `PYTHONPATH=src:. python tests/vectors/make_line.py`.

Made from docs/protocol.md with the encoding and the primitives alone, so that the code of the line is checked by something else
than itself. What HPKE and ML-DSA draw is that of one run (`Drawn`); all the rest follows from it, and comes out the same every
time. What must be refused is written here by hand, with the kind of the error and the rule it names.
"""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV, ChaCha20Poly1305

from tests.vectors.make import notation
from watchline.core.encoding import Value, encode
from watchline.core.keys import Ed25519Key, KemKey, StatementKey, hkdf_expand, hkdf_extract, hmac256, seal_to
from watchline.core.limits import INTEGER_MAX
from watchline.core.merkle import leaf_hash, root_of

FILE = Path(__file__).parent / "line.json"

Json = dict[str, Any]
Refused = tuple[str, int]  # kind of the error, rule

MALFORMED: Refused = ("malformed", 39)
LINE, AUTHOR, RECIPIENT = bytes(range(32)), b"\xa1" * 32, b"\xb2" * 32
DIRECTION: list[Value] = [LINE, AUTHOR, RECIPIENT, 1, 2]
PS, CHAIN_KEY, HEDGE_KEY, FRAME_NONCE = b"\x07" * 32, b"\x41" * 32, b"\x15" * 32, bytes(range(12))
STATEMENT_KEY = StatementKey(b"\x11" * 32, b"\x12" * 32)
LOG_KEY, CUSTODY_KEY, OFFICER_KEY = Ed25519Key(b"\x13" * 32), Ed25519Key(b"\x14" * 32), Ed25519Key(b"\x31" * 32)
PREKEYS = (KemKey(b"\x20" * 32), KemKey(b"\x21" * 32))
SEEDS = (b"\x51" * 32, b"\x52" * 32)
TIME, NONCE = 1_680_220_800, bytes(range(16))
EMPTY_ROOT = sha256(b"").digest()
RP_ID, ORIGIN = "desk.example", "https://desk.example:7443"


@dataclass(frozen=True)
class Drawn:
    """What no two runs have the same: the sealed seeds of the epochs, and the ML-DSA halves of the statements by name."""

    sealed_seeds: tuple[bytes, ...]
    ml: dict[str, bytes]


def draw() -> Drawn:
    """Seal and sign anew."""
    seeds = zip(PREKEYS, SEEDS, strict=True)
    sealed = tuple(seal_to(key.public, seed, _context(at)) for at, (key, seed) in enumerate(seeds))
    said = (*_said(sealed), *_said_wrongly())
    return Drawn(sealed, {name: STATEMENT_KEY.sign(_signed(kind, values)).ml for name, kind, values in said})


def drawn_in(content: Json) -> Drawn:
    """What the run drew that wrote this file."""
    statements = (*content["statements"]["good"], *content["statements"]["wrong_values"])
    return Drawn(
        tuple(bytes.fromhex(epoch["ct"]) for epoch in content["epochs"]["good"]),
        {statement["name"]: bytes.fromhex(statement["ml"]) for statement in statements if statement["ml"]},
    )


def line(drawn: Drawn) -> Json:
    """The content of line.json."""
    content = {
        "about": "One direction of a line, docs/protocol.md. Refused: kind of this project's error, and the rule it names.",
        "direction": _parties() | {"prefix": _prefix()},
        "keys": _keys(),
        "leaves": _leaves(),
        "bodies": _bodies(),
        "notices": _notices(),
        "responses": _responses(),
        "chain": _chain(),
        "epochs": _epochs(drawn),
        "hedged_seed": _hedged_seed(),
        "outer": _outer(),
        "frames": _frames(),
        "statements": _statements(drawn),
        "checkpoint": _checkpoint(),
        "people": _people(),
    }
    plain: Json = _plain(content)
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _parties() -> Json:
    return dict(zip(("line", "from", "to", "inc", "peer_inc"), DIRECTION, strict=True))


def _changed(values: list[Value], at: int, value: Value) -> list[Value]:
    return [*values[:at], value, *values[at + 1 :]]


def _refusals(*cases: tuple[str, bytes, Refused]) -> list[Json]:
    return [{"name": name, "hex": data, "kind": kind, "rule": rule} for name, data, (kind, rule) in cases]


def _keys() -> Json:
    statement = {"ed_seed": STATEMENT_KEY.ed_seed, "ml_seed": STATEMENT_KEY.ml_seed}
    statement |= {"ed": STATEMENT_KEY.public.ed, "ml": STATEMENT_KEY.public.ml}
    named = {"log": LOG_KEY, "custody": CUSTODY_KEY, "officer": OFFICER_KEY}
    return {"ps": PS, "statement": statement} | {name: {"seed": key.seed, "public": key.public} for name, key in named.items()}


# Leaves, bodies, contents (rules 7, 8, 24)

NOTICE: list[Value] = ["airspace-object", 1, 3, True, "ja", {1: "緊急", 2: [35_600_000, 139_700_000], 10: None}]
TYPES = (0, 1, 2, 4, 4_711)  # continues, notice, acknowledgement, cancel, and one that nobody knows
RE = (None, None, 1, 1, None)
HELD = (0, 0, 2, 2, 3)


def _contents() -> list[bytes]:
    acknowledged: list[Value] = [2, 2, 1, 1, b"\x61" * 32, "zh-Hans", None]
    notice, cancel = encode(NOTICE), encode(["free-text", 1, 0, False, "en", {1: "cancelled"}])
    return [encode([None, 0, None, 0, None, 0]), notice, encode(acknowledged), cancel, b""]


PURPOSES = (None, "release", "acknowledge", "cancel", None)
CANCELLED: list[Value] = [1, 2, 1]  # what the cancel refers to, as the author of the log names it
ISSUED_AGAIN: tuple[tuple[str, int, list[Value]], ...] = (  # purpose, which content of the log, mark
    ("release", 1, [1, 1, 4, 2, None]),
    ("answer", 1, [1, 1, 5, 3, [1, 1, 2]]),
    ("acknowledge", 2, [1, 1, 6, None, None]),
    ("cancel", 3, [1, 1, 7, 4, [1, 1, 4]]),
)


def _what(content: bytes, meant: list[Value] | None) -> bytes:
    """What people stand for; meant: where what is answered or cancelled stood first."""
    return sha256(content if meant is None else encode([*meant, content])).digest()


def _released(content: bytes, purpose: str, meant: list[Value] | None) -> list[Value]:
    """A body's parts, with one officer's assertion."""
    return [content, NONCE, [[1, 0, OFFICER_KEY.sign(_challenge(purpose, NONCE, _what(content, meant)))]]]


def _bodies_said() -> list[bytes]:
    return [
        encode([content, None, []] if purpose is None else _released(content, purpose, CANCELLED if at == 3 else None))
        for at, (content, purpose) in enumerate(zip(_contents(), PURPOSES, strict=True))
    ]


def _bodies_said_again() -> list[Json]:
    found = []
    for purpose, at, mark in ISSUED_AGAIN:
        content, meant = _contents()[at], mark[4]
        body = encode([*_released(content, purpose, meant), mark])
        found.append({"content": content, "digest": sha256(content).digest(), "nonce": NONCE, "again": mark, "hex": body})
    return found


def _steps() -> list[Json]:
    """Each entry of the log: its body and leaf, and the chain on its way."""
    steps, key = [], CHAIN_KEY
    for index, body in enumerate(_bodies_said()):
        blinding = hmac256(key, b"\x03" + sha256(body).digest())
        peer_root = EMPTY_ROOT if HELD[index] == 0 else b"\x62" * 32
        commitment = hmac256(blinding, body)
        changing: list[Value] = [index, TYPES[index], TIME + index, commitment, HELD[index], peer_root, RE[index]]
        leaf = encode([1, *DIRECTION, *changing])
        message_key, following = hmac256(key, b"\x01" + sha256(leaf).digest()), hmac256(key, b"\x02")
        sealed = ChaCha20Poly1305(message_key).encrypt(bytes(12), body, leaf)
        names = ("ck", "body", "blinding", "commitment", "changing", "leaf", "mk", "C", "next_ck")
        values = (key, body, blinding, commitment, changing, leaf, message_key, sealed, following)
        steps.append(dict(zip(names, values, strict=True)))
        key = following
    return steps


def _prefix() -> bytes:
    return encode([1, *DIRECTION, 0, 0, 0, 0, 0, 0, 0])[:-7]


def _leaf_of(changing: list[Value]) -> Json:
    names = ("i", "type", "t_claim", "commitment", "peer_size", "peer_root", "re")
    encoded = encode([1, *DIRECTION, *changing])
    return dict(zip(names, changing, strict=True)) | {"hex": encoded, "hash": leaf_hash(encoded)}


def _leaves() -> Json:
    largest: list[Value] = [INTEGER_MAX, INTEGER_MAX, INTEGER_MAX, bytes(32), INTEGER_MAX, bytes(32), INTEGER_MAX]
    changing = _steps()[1]["changing"]
    whole: list[Value] = [1, *DIRECTION, *changing]
    good = encode(whole)

    def other(at: int, value: Value) -> bytes:
        return encode(_changed(whole, at, value))

    wrong: Refused = ("wrong-party", 7)
    return {
        "good": [_leaf_of(step["changing"]) for step in _steps()] + [_leaf_of(largest)],
        "bad": _refusals(
            ("nothing", b"", MALFORMED),
            ("cut short", good[:-1], MALFORMED),
            ("a byte left over", good + b"\0", MALFORMED),
            ("513 bytes", bytes(513), MALFORMED),
            ("index in two bytes", _prefix() + b"\x18\x01" + encode(changing)[2:], MALFORMED),
            ("another version", other(0, 2), MALFORMED),
            ("twelve elements", encode(whole[:-1]), MALFORMED),
            ("LINE of 31 bytes", other(1, bytes(31)), MALFORMED),
            ("inc below 0", other(4, -1), MALFORMED),
            ("index as true", other(6, True), MALFORMED),
            ("commitment of 33 bytes", other(9, bytes(33)), MALFORMED),
            ("no peer root", other(11, None), MALFORMED),
            ("re as text", other(12, "1"), MALFORMED),
            ("another line", other(1, bytes(32)), wrong),
            ("from and to turned round", encode([1, LINE, RECIPIENT, AUTHOR, *whole[4:]]), wrong),
            ("incarnations turned round", encode([*whole[:4], 2, 1, *whole[6:]]), wrong),
        ),
    }


def _bodies() -> Json:
    good = _bodies_said()[1]
    assertion: Value = [1, 0, bytes(64)]
    said = [
        {"content": content, "digest": sha256(content).digest(), "nonce": purpose and NONCE, "again": None, "hex": body}
        for content, purpose, body in zip(_contents(), PURPOSES, _bodies_said(), strict=True)
    ]

    def marked(*mark: Value) -> bytes:
        return encode([b"", None, [], list(mark)])

    return {
        "good": said + _bodies_said_again(),
        "bad": _refusals(
            ("cut short", good[:-1], MALFORMED),
            ("a byte left over", good + b"\0", MALFORMED),
            ("two elements", encode([b"", None]), MALFORMED),
            ("content as text", encode(["", None, []]), MALFORMED),
            ("no content", encode([None, None, []]), MALFORMED),
            ("nonce of 15 bytes", encode([b"", bytes(15), []]), MALFORMED),
            ("17 assertions", encode([b"", NONCE, [assertion] * 17]), MALFORMED),
            ("assertions null", encode([b"", None, None]), MALFORMED),
            ("five elements", encode([b"", None, [], [1, 1, 1, 1, None], None]), MALFORMED),
            ("mark null", encode([b"", None, [], None]), MALFORMED),
            ("mark without a reference", marked(1, 1, 1, 1), MALFORMED),
            ("mark with incarnation 0", marked(0, 1, 1, 1, None), MALFORMED),
            ("mark with number 0", marked(1, 1, 1, 0, None), MALFORMED),
            ("reference of two elements", marked(1, 1, 1, 1, [1, 1]), MALFORMED),
            ("reference with incarnation 0", marked(1, 1, 1, 1, [1, 0, 1]), MALFORMED),
            ("reference with index below 0", marked(1, 1, 1, 1, [1, 1, -1]), MALFORMED),
        ),
    }


def _notices() -> Json:
    good = encode(NOTICE)
    wrong: list[tuple[str, int, Value]] = [
        ("form without a name", 0, ""),
        ("form of 65 bytes", 0, "x" * 65),
        ("version 0", 1, 0),
        ("precedence 4", 2, 4),
        ("exercise as a number", 3, 0),
        ("language of one letter", 4, "j"),
        ("fields as an array", 5, []),
        ("field number as text", 5, {"1": "x"}),
        ("field number below 0", 5, {-1: "x"}),
    ]
    names = ("form", "version", "precedence", "exercise", "language", "fields")
    return {
        "good": [dict(zip(names, map(notation, NOTICE), strict=True)) | {"hex": good}],
        "bad": _refusals(
            *((name, encode(_changed(NOTICE, at, value)), MALFORMED) for name, at, value in wrong),
            ("five elements", encode(NOTICE[:-1]), MALFORMED),
            ("cut short", good[:-1], MALFORMED),
            ("a byte left over", good + b"\0", MALFORMED),
        ),
    }


def _responses() -> Json:
    said: list[list[Value]] = [
        [2, 1, 2, 1, b"\x61" * 32, "ja", None],
        [3, 1, 2, 1, b"\x61" * 32, "ja", None],
        [3, 1, 2, 1, b"\x61" * 32, "zh-Hans", "担当外"],
    ]
    wrong: list[tuple[str, int, Value]] = [
        ("a notice", 0, 1),
        ("a cancel", 0, 4),
        ("index below 0", 3, -1),
        ("commitment of 31 bytes", 4, bytes(31)),
        ("no language", 5, None),
        ("reason as a number", 6, 1),
        ("reason of 4,097 bytes", 6, "x" * 4_097),
    ]
    names = ("type", "inc", "peer_inc", "i", "commitment", "language", "reason")
    return {
        "good": [dict(zip(names, values, strict=True)) | {"hex": encode(values)} for values in said],
        "bad": _refusals(
            *((name, encode(_changed(said[2], at, value)), MALFORMED) for name, at, value in wrong),
            ("six elements", encode(said[2][:-1]), MALFORMED),
            ("cut short", encode(said[2])[:-1], MALFORMED),
        ),
    }


def _chain() -> Json:
    steps = _steps()
    first, second = steps[:2]
    sealed, unsealed = second["C"], ("bad-signature", 17)
    cases = (
        ("one bit changed", second["ck"], second["leaf"], bytes((sealed[0] ^ 1,)) + sealed[1:], unsealed),
        ("cut short", second["ck"], second["leaf"], sealed[:-1], unsealed),
        ("under another leaf", second["ck"], first["leaf"], sealed, unsealed),
        ("under the key before", first["ck"], second["leaf"], sealed, unsealed),
        ("shorter than a tag", second["ck"], second["leaf"], sealed[:15], ("malformed", 17)),
    )
    return {
        "good": [{name: value for name, value in step.items() if name != "changing"} for step in steps],
        "bad": [
            {"name": name, "ck": key, "leaf": leaf, "C": data, "kind": kind, "rule": rule}
            for name, key, leaf, data, (kind, rule) in cases
        ],
    }


# Epochs (rules 11-13)


def _context(at: int) -> bytes:
    """Of the epoch at this place: the first under number 0, the second under the single-use prekey 1."""
    return encode(["EPOCH", *DIRECTION, at + 1, at, sha256(PREKEYS[at].public).digest()])


def _epochs(drawn: Drawn) -> Json:
    good: list[Json] = []
    root_key = bytes(32)
    for at, sealed in enumerate(drawn.sealed_seeds):
        context = _context(at)
        transcript = sha256(context + sealed).digest()
        extracted = hkdf_extract(root_key, SEEDS[at] + PS)
        made: Json = {
            "e": at + 1,
            "pre_id": at,
            "prekey_seed": PREKEYS[at].seed,
            "pk": PREKEYS[at].public,
            "pk_hash": sha256(PREKEYS[at].public).digest(),
            "seed": SEEDS[at],
            "rk_before": root_key,
            "ctx": context,
            "ct": sealed,
            "T": transcript,
            "prk": extracted,
            "rk": hkdf_expand(extracted, b"watchline/1 rk" + transcript, 32),
            "ck": hkdf_expand(extracted, b"watchline/1 ck" + transcript, 32),
        }
        root_key = made["rk"]
        good.append(made)
    sealed = drawn.sealed_seeds[0]
    unopened: Refused = ("bad-signature", 12)
    cases: tuple[tuple[str, Json, Refused], ...] = (
        ("another line", {"line": bytes(32)}, unopened),
        ("from and to turned round", {"from": RECIPIENT, "to": AUTHOR}, unopened),
        ("another incarnation", {"inc": 2}, unopened),
        ("another peer incarnation", {"peer_inc": 1}, unopened),
        ("another epoch", {"e": 2}, unopened),
        ("another number of the prekey", {"pre_id": 1}, unopened),
        ("another prekey", {"prekey_seed": PREKEYS[1].seed}, unopened),
        ("another hash of the prekey", {"pk_hash": bytes(32)}, unopened),
        ("one bit of ct changed", {"ct": sealed[:-1] + bytes((sealed[-1] ^ 1,))}, unopened),
        ("ct too short to be sealed", {"ct": sealed[:1_135]}, ("malformed", 12)),
    )
    bad = [{"name": name, "changes": changes, "kind": kind, "rule": rule} for name, changes, (kind, rule) in cases]
    return {"good": good, "bad": bad}


def _hedged_seed() -> Json:
    random, epoch, size, root = b"\x16" * 32, 2, 5, _root()
    where = encode([LINE, AUTHOR, 1, 2, epoch, size, root])
    seed = hmac256(HEDGE_KEY, b"\x01" + random + sha256(where).digest())
    return {"hedge_key": HEDGE_KEY, "random": random, "e": epoch, "size": size, "root": root, "seed": seed}


def _outer_key(sender: bytes, recipient: bytes) -> bytes:
    return hkdf_expand(PS, b"watchline outer" + sender + recipient, 32)


def _outer() -> Json:
    return {
        "ok": _outer_key(AUTHOR, RECIPIENT),
        "ok_back": _outer_key(RECIPIENT, AUTHOR),
        "door_word": hkdf_expand(PS, b"watchline box" + min(AUTHOR, RECIPIENT) + max(AUTHOR, RECIPIENT), 16).hex(),
    }


# Frames (rule 19)


def _seal(payload: bytes, key: bytes | None = None) -> bytes:
    return FRAME_NONCE + AESGCMSIV(key or _outer_key(AUTHOR, RECIPIENT)).encrypt(FRAME_NONCE, payload, None)


def _frame(*items: Value) -> bytes:
    return _seal(encode([1, *items]) + b"\x80")


def _padded(frame_bytes: int, *items: Value) -> bytes:
    payload = encode([1, *items]) + b"\x80"
    return _seal(payload + bytes(frame_bytes - 28 - len(payload)))


def _entries_item() -> list[Value]:
    sent: list[Value] = []
    for step in _steps()[1:3]:
        _, kind, time, commitment, held, _, re = step["changing"]
        sent.append([kind, time, commitment, held, re, step["C"]])
    return [1, 1, 2, 1, 1, sent, LOG_KEY.sign(_checkpoint_text(3))]


def _cosigned_item(count: int = 2) -> list[Value]:
    text = _checkpoint_text(3)
    said: list[Value] = []
    for number in range(1, count + 1):
        witness = Ed25519Key(bytes((number,)) * 32)
        key_id = sha256(b"witness.example/w\n\x04" + witness.public).digest()[:4]
        said.append([key_id, TIME + number, witness.sign(b"cosignature/v1\ntime %d\n%b" % (TIME + number, text))])
    return [7, 1, 2, 3, _root(3), LOG_KEY.sign(text), said]


def _frames() -> Json:
    signature, probe = bytes(64), [0, 7, None, 0]
    full: list[Value] = [4, 1, _steps()[1]["leaf"], _steps()[1]["C"], _root(2), LOG_KEY.sign(_checkpoint_text(2))]
    shown: list[Value] = [8, 2, 1, 3, bytes(32), signature]
    good: list[tuple[str, int, list[Value]]] = [
        ("no item", 512, []),
        ("probe and its answer", 512, [probe, [0, None, 7, 250]]),
        ("two entries", 512, [_entries_item()]),
        ("receipt, refusal and request", 512, [[2, 2, 1, 5, TIME, signature], [6, 8, 1, 4], [6, 22, 1, 4]]),
        ("full entry", 512, [full]),
        ("status with one half, between what belongs to it", 512, [shown, [3, b"\x81\x03", signature, None], [6, 26, 1, 5]]),
        ("certificate that leaves no room for zeros", 512, [[9, bytes(476)]]),
        ("certificate one byte longer", 1_024, [[9, bytes(477)]]),
        ("recovered entries, the second without its body", 1_024, [_recovered([None, None])]),
        ("cosignatures of two witnesses on one head", 512, [_cosigned_item()]),
        ("cosignatures of sixteen witnesses", 2_048, [_cosigned_item(16)]),
        ("an item that is not known, counted", 512, [[77, "news", [1]], probe]),
    ]
    return {
        "key": _outer_key(AUTHOR, RECIPIENT),
        "nonce": FRAME_NONCE,
        "good": [
            {
                "name": name,
                "items": [notation(item) for item in items],
                "short": _frame(*items),
                "padded": _padded(size, *items),
            }
            for name, size, items in good
        ],
        "bad": _refusals(*_bad_frames(probe, full)),
    }


def _recovered(proof: list[Value]) -> list[Value]:
    """Two entries of an earlier pair, whole up to the head; proof: blinding and body of the second."""
    leaves = [step["leaf"] for step in _steps()[:2]]
    entries: list[Value] = [[leaves[0], bytes(32), b"body"], [leaves[1], *proof]]
    return [11, True, 1, 2, 0, entries, [2, _root(2), LOG_KEY.sign(_checkpoint_text(2))], []]


def _bad_frames(probe: list[Value], full: list[Value]) -> list[tuple[str, bytes, Refused]]:
    payload = encode([1, probe])
    form, tag = ("malformed", 19), ("bad-signature", 19)
    entries = _entries_item()
    whole, cosigned = _frame(probe), _cosigned_item()
    key_id, time, cosignature = cosigned[6][0]
    return [
        ("28 bytes", bytes(28), form),
        ("one bit of the tag changed", whole[:-1] + bytes((whole[-1] ^ 1,)), tag),
        ("one bit of the nonce changed", bytes((whole[0] ^ 1,)) + whole[1:], tag),
        ("a byte left over", whole + b"\0", tag),
        ("under the key of the other direction", _seal(payload + b"\x80", _outer_key(RECIPIENT, AUTHOR)), tag),
        ("no padding", _seal(payload), form),
        ("zeros and nothing else", _seal(bytes(484)), form),
        ("another byte behind the padding", _seal(payload + b"\x80\0\x01"), form),
        ("another version", _seal(encode([2, probe]) + b"\x80"), ("malformed", 37)),
        ("version as true", _seal(encode([True, probe]) + b"\x80"), ("malformed", 37)),
        ("no version", _seal(encode([]) + b"\x80"), ("malformed", 37)),
        ("a payload that is no array", _seal(encode({1: 1}) + b"\x80"), MALFORMED),
        ("a payload cut short", _seal(payload[:-1] + b"\x80"), MALFORMED),
        ("65 items", _frame(*[probe] * 65), MALFORMED),
        ("an item without a kind", _frame([]), form),
        ("an item with one part too many", _frame([*probe, 0]), form),
        ("an unknown item of 17 parts", _frame([77] * 17), MALFORMED),
        ("no entries", _frame(_changed(entries, 5, [])), form),
        ("entries of epoch 0", _frame(_changed(entries, 3, 0)), MALFORMED),
        ("a signature of 63 bytes", _frame(_changed(entries, 6, bytes(63))), MALFORMED),
        ("a leaf of 513 bytes", _frame(_changed(full, 2, bytes(513))), MALFORMED),
        ("a recovered entry with a body and no blinding", _frame(_recovered([None, b"body"])), MALFORMED),
        ("a recovered entry with a blinding and no body", _frame(_recovered([bytes(32), None])), MALFORMED),
        ("no cosignature", _frame(_changed(cosigned, 6, [])), form),
        ("cosignatures of seventeen witnesses", _frame(_cosigned_item(17)), MALFORMED),
        ("cosignatures of a head of nothing", _frame(_changed(cosigned, 3, 0)), MALFORMED),
        ("a key id of three bytes", _frame(_changed(cosigned, 6, [[key_id[:3], time, cosignature]])), MALFORMED),
        ("a cosignature without a time", _frame(_changed(cosigned, 6, [[key_id, None, cosignature]])), MALFORMED),
        (
            "a cosignature with its time in front",
            _frame(_changed(cosigned, 6, [[key_id, time, bytes(8) + cosignature]])),
            MALFORMED,
        ),
        ("a receipt for nothing", _frame([2, 2, 1, 0, TIME, bytes(64)]), MALFORMED),
    ]


# Statements (rules 4, 10, 12, 19, 25)

Said = tuple[str, int, list[Value]]
STATUS: list[Value] = [
    TIME, 5, b"\x71" * 32, 3, b"\x72" * 32, 2, 30, 1, 1, [[1, 0, 12, 60], [1, 1, 12, 600]], 0, 2, [2, 1, 3_600], NONCE, None,
]  # fmt: skip


def _said(sealed: tuple[bytes, ...]) -> list[Said]:
    return [
        ("epoch", 1, [2, 1, sha256(PREKEYS[1].public).digest(), sealed[1]]),
        ("prekeys", 2, [1, [PREKEYS[1].public]]),
        ("status", 3, STATUS),
        ("routes", 4, _routes()),
    ]


def _routes() -> list[Value]:
    return [TIME, [["direct", "192.0.2.1:7443"], ["direct", "[2001:db8::1]:7443"]]]


def _said_wrongly() -> list[Said]:
    """Signed by both halves, and yet refused: the values break rule 39."""
    return [
        ("epoch 0", 1, [0, 1, bytes(32), bytes(1_168)]),
        ("epoch with a short ct", 1, [2, 1, bytes(32), bytes(1_167)]),
        ("prekeys from number 0", 2, [0, []]),
        ("prekey of 1,215 bytes", 2, [1, [bytes(1_215)]]),
        ("status with a part too many", 3, [*STATUS, None]),
        ("status with a third kind of clock", 3, _changed(STATUS, 9, [[1, 2, 12, 60]])),
        ("status with 65 open clocks", 3, _changed(STATUS, 9, [[1, 0, 12, 60]] * 65)),
        ("routes, 17 of them", 4, [TIME, [["direct", "192.0.2.1:7443"]] * 17]),
    ]


def _payload(kind: int, values: list[Value]) -> bytes:
    return encode([kind, *DIRECTION, *values])


def _signed(kind: int, values: list[Value]) -> bytes:
    return b"watchline/1 statement\0" + _payload(kind, values)


def _statement(said: Said, ml: bytes | None) -> Json:
    name, kind, values = said
    ed = STATEMENT_KEY.sign_ed(_signed(kind, values))
    return {"name": name, "spoken": encode([kind, 1, 2, *values]), "ed": ed, "ml": ml}


def _statements(drawn: Drawn) -> Json:
    said = _said(drawn.sealed_seeds)
    good = [_statement(one, drawn.ml[one[0]]) | {"payload": _payload(one[1], one[2])} for one in said]
    good.append(_statement(("status with one half, provisional", 3, STATUS), None) | {"payload": _payload(3, STATUS)})
    wrong = [_statement(one, drawn.ml[one[0]]) | {"kind": "malformed", "rule": 39} for one in _said_wrongly()]
    return {"good": good, "wrong_values": wrong, "bad": _bad_statements({one["name"]: one for one in good})}


def _bad_statements(good: dict[str, Json]) -> list[Json]:
    """Good statements with changes: to the parties of whoever hears it, to the signatures or to what is spoken."""
    routes, status = good["routes"], good["status"]
    unsigned: Refused = ("bad-signature", 4)
    cases: list[tuple[str, Json, Json, Refused]] = [
        ("heard on another line", routes, {"line": bytes(32)}, unsigned),
        ("heard by who made it", routes, {"from": RECIPIENT, "to": AUTHOR}, unsigned),
        ("heard from another desk", routes, {"from": b"\xc3" * 32}, unsigned),
        ("heard in another incarnation", routes, {"inc": 2}, ("wrong-party", 20)),
        ("heard in another incarnation of the hearer", routes, {"peer_inc": 1}, ("wrong-party", 20)),
        ("made to fit the incarnation", routes, {"inc": 2, "spoken": encode([4, 2, 2, *_routes()])}, unsigned),
        ("no ML-DSA half", routes, {"ml": None}, unsigned),
        ("ML-DSA half of another statement", routes, {"ml": status["ml"]}, unsigned),
        ("Ed25519 half of another statement", routes, {"ed": status["ed"]}, unsigned),
        ("status with the ML-DSA half of another", status, {"ml": routes["ml"]}, unsigned),
        ("status with an ML-DSA half of no bytes", status, {"ml": b""}, unsigned),
        ("as a statement of another type", routes, {"spoken": encode([2, 1, 2, *_routes()])}, unsigned),
        ("of a type that is not known", routes, {"spoken": encode([9, 1, 2, *_routes()])}, ("malformed", 4)),
        ("without incarnations", routes, {"spoken": encode([4, 1])}, ("malformed", 4)),
        ("cut short", routes, {"spoken": routes["spoken"][:-1]}, MALFORMED),
        ("a byte left over", routes, {"spoken": routes["spoken"] + b"\0"}, MALFORMED),
    ]
    return [
        {"name": name, "of": base["name"], "changes": changes, "kind": kind, "rule": rule}
        for name, base, changes, (kind, rule) in cases
    ]


# Checkpoint and receipt (rules 9, 23)


def _root(size: int = 5) -> bytes:
    return root_of([leaf_hash(step["leaf"]) for step in _steps()[:size]])


def _origin(sender: bytes = AUTHOR) -> str:
    return "watchline/1/" + sha256(encode(["origin", LINE, sender, 1, 2])).hexdigest()[:32]


def _checkpoint_text(size: int, origin: str | None = None) -> bytes:
    return f"{origin or _origin()}\n{size}\n{b64encode(_root(size)).decode()}\n".encode()


def _signature_line(name: str, algorithm: int, public: bytes, signature: bytes) -> str:
    kind = bytes((algorithm,))
    key_id = sha256(name.encode() + b"\n" + kind + public).digest()[:4]
    return f"— {name} {b64encode(key_id + signature).decode()}\n"


def _checkpoint() -> Json:
    text, name = _checkpoint_text(5), _origin()
    receipt = f"cosignature/v1\ntime {TIME + 9}\n".encode() + text
    head, cosigned = LOG_KEY.sign(text), CUSTODY_KEY.sign(receipt)
    lines = _signature_line(name, 1, LOG_KEY.public, head)
    lines += _signature_line(f"{name}/custody", 4, CUSTODY_KEY.public, (TIME + 9).to_bytes(8, "big") + cosigned)
    another_time = f"cosignature/v1\ntime {TIME + 8}\n".encode() + text
    cases = (
        ("head of another size", "log", _checkpoint_text(4), head),
        ("head of the other direction", "log", _checkpoint_text(5, _origin(RECIPIENT)), head),
        ("receipt in the place of a head", "log", text, cosigned),
        ("head in the place of a receipt", "custody", receipt, head),
        ("receipt by the author of the log", "custody", receipt, LOG_KEY.sign(receipt)),
        ("receipt of another time", "custody", another_time, cosigned),
        ("one bit changed", "log", text, bytes((head[0] ^ 1,)) + head[1:]),
    )
    return {
        "about": "The log of the first five leaves.",
        "origin": name,
        "size": 5,
        "root": _root(),
        "text": text.decode(),
        "signature": head,
        "receipt": {"time": TIME + 9, "message": receipt.decode(), "signature": cosigned},
        "note": text.decode() + "\n" + lines,
        "bad": [
            {"name": name, "key": key, "message": message.decode(), "signature": signature, "kind": "bad-signature", "rule": 4}
            for name, key, message, signature in cases
        ],
    }


# People (rule 3)


def _challenge(purpose: str, nonce: bytes | None, what: bytes) -> bytes:
    return sha256(encode(["watchline/1 person", purpose, LINE, AUTHOR, nonce, what])).digest()


def _passkey(appended: bytes | None, *, flags: int = 5, counter: int = 9) -> Json:
    challenge = _challenge("release", NONCE, b"\x81" * 32)
    encoded = urlsafe_b64encode(challenge).rstrip(b"=")
    client_data = b'{"type":"webauthn.get","challenge":"%b","origin":"%b","crossOrigin":false}' % (encoded, ORIGIN.encode())
    if appended is not None:
        client_data = client_data[:-1] + appended
    signed = sha256(RP_ID.encode()).digest() + bytes((flags,)) + counter.to_bytes(4, "big") + sha256(client_data).digest()
    proof: list[Value] = [flags, counter, OFFICER_KEY.sign(signed), *([] if appended is None else [appended])]
    return {"client_data": client_data.decode(), "signed": signed, "encoded": encode([7, 2, proof])}


def _people() -> Json:
    what, members = b"\x81" * 32, b',"other_keys_can_be_added_here":"do not compare"}'
    purposes = ("release", "answer", "cancel", "acknowledge", "decline", "roster", "terms", "incarnation")
    said = [(purpose, NONCE) for purpose in purposes]
    notice, acknowledged, cancel = _contents()[1:4]
    stood_for: list[tuple[int, bytes, list[Value] | None, str]] = [
        (1, notice, None, "release"),
        (1, notice, [2, 1, 1], "answer"),
        (1, notice, [2, 1, 2], "answer"),
        (2, acknowledged, None, "acknowledge"),
        (4, cancel, CANCELLED, "cancel"),
        (4, notice, [2, 1, 1], "cancel"),
    ]
    challenge = _challenge("release", NONCE, what)
    signature = OFFICER_KEY.sign(challenge)
    unsigned: Refused = ("bad-signature", 3)
    return {
        "from": AUTHOR,
        "what": what,
        "challenges": [
            {"purpose": purpose, "nonce": nonce, "challenge": _challenge(purpose, nonce, what)}
            for purpose, nonce in (*said, ("release", None))
        ],
        "stood_for": [
            {"type": kind, "content": content, "meant": meant, "purpose": purpose, "what": _what(content, meant)}
            for kind, content, meant, purpose in stood_for
        ],
        "assertion": {"challenge": challenge, "encoded": encode([1, 0, signature])},
        "passkey": {"number": 7, "kind": 2, "rp_id": RP_ID, "origin": ORIGIN},
        "passkeys": [_passkey(None), _passkey(members), _passkey(None, flags=0x1D, counter=2**32 - 1)],
        "bad": _refusals(
            ("signature of no officer's key", encode([1, 0, bytes(64)]), unsigned),
            ("unknown officer", encode([2, 0, signature]), ("wrong-party", 3)),
            ("key of another kind", encode([7, 0, signature]), ("wrong-party", 3)),
            ("user not verified", _passkey(None, flags=1)["encoded"], unsigned),
            ("attestation", _passkey(None, flags=0x45)["encoded"], ("malformed", 3)),
            ("extensions", _passkey(None, flags=0x85)["encoded"], ("malformed", 3)),
            ("signature over the challenge itself", encode([7, 2, [5, 9, signature]]), unsigned),
            ("appended members that were not signed", encode([7, 2, [5, 9, signature, members]]), unsigned),
            ("appended members without a comma", _passkey(members[1:])["encoded"], ("malformed", 3)),
            ("appended members without a brace", _passkey(members[:-1])["encoded"], ("malformed", 3)),
            ("no appended members", _passkey(b"")["encoded"], ("malformed", 3)),
            ("appended members of 1,025 bytes", _passkey(b"," + b" " * 1_023 + b"}")["encoded"], MALFORMED),
        ),
    }


def text(content: Json) -> str:
    """The file as it is written."""
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(line(draw())), "utf-8")
