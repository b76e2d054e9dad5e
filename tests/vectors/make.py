"""Write the test vectors beside this file: `PYTHONPATH=src python tests/vectors/make.py`. They come out the same every time.

What must be refused is written here by hand, with the reason; `why` is a part of our own message, another implementation may
say it otherwise. `ours` marks what this project refuses and C2SP leaves to the reader.
"""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from watchline.core.checkpoint import (
    COSIGNATURE,
    ED25519,
    Checkpoint,
    VerifierKey,
    cosignature_message,
    custody_name,
    format_note,
    origin,
)
from watchline.core.encoding import Value, encode
from watchline.core.merkle import consistency_path, inclusion_path, leaf_hash, root_of

Json = dict[str, Any]

LONG = "a number longer than needed"
RESERVED = "an indefinite or reserved length"
SHORT = "input cut short"
RANGE = "an integer of magnitude 2**53 or more"
SIMPLE = "a tag, a float or another simple value"
UTF8 = "text that is not UTF-8"
ORDER = "map keys out of order or twice"
KEY = "a map key that is neither integer nor text"
DEPTH = "nesting beyond 8"
ELEMENTS = "more than 4096 elements"
REST = "bytes left over after the value"


def vectors() -> dict[str, str]:
    """The content of each file, by name."""
    return {
        name: json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        for name, content in (("encoding.json", _encoding()), ("merkle.json", _merkle()), ("notes.json", _notes()))
    }


# encoding.json


def notation(value: Value) -> Any:
    """A value as JSON can hold it: bytes are {"bytes": hex}, maps {"map": [[key, value], ...]}, all else is itself."""
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, list):
        return [notation(item) for item in value]
    if isinstance(value, dict):
        return {"map": [[key, notation(item)] for key, item in value.items()]}
    return value


def _encoding() -> Json:
    edges = [0, 1, 23, 24, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**53 - 1]
    values: list[Value] = [*edges, *(-1 - edge for edge in edges[:-1]), -(2**53 - 1)]
    values += [False, True, None]
    values += [bytes(length) for length in (0, 1, 23, 24, 255, 256)]
    values += ["", "a", "IETF", "\x00", '"\\', "é", "e\u0301", "水", "緊急連絡", "紧急通知", "\U0001f6a8", "x" * 23, "x" * 24]
    values += [[], [1, 2, 3], [1, [2, 3], [4, 5]], list(range(24)), [None, False, b"\x00", "", [], {}]]
    values += [{}, {0: 0}, {1: 2, 3: 4}, {"a": 1, "b": [2, 3]}, {10: 1, 100: 2, -1: 3, "z": 4, "aa": 5}, {"": None, 0: None}]
    values += [_nested(8, []), _nested(8, {})]
    return {
        "about": "Deterministic CBOR within the bounds of docs/protocol.md, rule 39. good: value and encoding. bad: refused.",
        "good": [{"value": notation(value), "hex": encode(value).hex()} for value in values],
        "bad": [{"name": name, "hex": data.replace(" ", ""), "why": why} for name, data, why in _bad_encodings()],
    }


def _nested(depth: int, innermost: Value) -> Value:
    value = innermost
    for _ in range(depth - 1):
        value = [value] if isinstance(innermost, list) else {0: value}
    return value


def _bad_encodings() -> list[tuple[str, str, str]]:
    return [
        ("0 in two bytes", "18 00", LONG),
        ("23 in two bytes", "18 17", LONG),
        ("0 in three bytes", "19 0000", LONG),
        ("255 in three bytes", "19 00ff", LONG),
        ("65535 in five bytes", "1a 0000ffff", LONG),
        ("2**32 - 1 in nine bytes", "1b 00000000ffffffff", LONG),
        ("-1 in two bytes", "38 00", LONG),
        ("-24 in two bytes", "38 17", LONG),
        ("-256 in three bytes", "39 00ff", LONG),
        ("-65536 in five bytes", "3a 0000ffff", LONG),
        ("-2**32 in nine bytes", "3b 00000000ffffffff", LONG),
        ("empty bytes, length in two bytes", "58 00", LONG),
        ("one byte, length in two bytes", "58 01 aa", LONG),
        ("one byte, length in three bytes", "59 0001 aa", LONG),
        ("one byte, length in five bytes", "5a 00000001 aa", LONG),
        ("one byte, length in nine bytes", "5b 0000000000000001 aa", LONG),
        ("empty text, length in two bytes", "78 00", LONG),
        ("one letter, length in three bytes", "79 0001 61", LONG),
        ("empty array, length in two bytes", "98 00", LONG),
        ("array of one, length in three bytes", "99 0001 00", LONG),
        ("empty map, length in two bytes", "b8 00", LONG),
        ("map of one, length in nine bytes", "bb 0000000000000001 00 00", LONG),
        ("a map key in long form", "a1 1801 00", LONG),
        ("an element in long form", "82 00 1800", LONG),
        ("2**53", "1b 0020000000000000", RANGE),
        ("2**64 - 1", "1b ffffffffffffffff", RANGE),
        ("-2**53", "3b 001fffffffffffff", RANGE),
        ("-2**64", "3b ffffffffffffffff", RANGE),
        ("integer, reserved 28", "1c", RESERVED),
        ("integer, indefinite", "1f", RESERVED),
        ("negative integer, reserved 29", "3d", RESERVED),
        ("bytes, reserved 30", "5e", RESERVED),
        ("text, reserved 28", "7c", RESERVED),
        ("array, reserved 29", "9d", RESERVED),
        ("map, reserved 30", "be", RESERVED),
        ("indefinite bytes, empty", "5f ff", RESERVED),
        ("indefinite bytes, one chunk", "5f 41aa ff", RESERVED),
        ("indefinite text, one chunk", "7f 6161 ff", RESERVED),
        ("indefinite array, empty", "9f ff", RESERVED),
        ("indefinite array of one", "9f 00 ff", RESERVED),
        ("indefinite map, empty", "bf ff", RESERVED),
        ("indefinite map of one", "bf 00 00 ff", RESERVED),
        ("half float 0", "f9 0000", SIMPLE),
        ("half float not a number", "f9 7e00", SIMPLE),
        ("single float 1.5", "fa 3fc00000", SIMPLE),
        ("double float 1.1", "fb 3ff199999999999a", SIMPLE),
        ("tag 0, a date", "c0 60", SIMPLE),
        ("tag 1, a time", "c1 00", SIMPLE),
        ("tag 2, a large integer", "c2 41 01", SIMPLE),
        ("tag 24, encoded CBOR", "d818 41 00", SIMPLE),
        ("tag 55799, self-described CBOR", "d9d9f7 00", SIMPLE),
        ("tag inside an array", "81 c1 00", SIMPLE),
        ("undefined", "f7", SIMPLE),
        ("simple value 0", "e0", SIMPLE),
        ("simple value 19", "f3", SIMPLE),
        ("simple value 32", "f8 20", SIMPLE),
        ("false as a two-byte simple value", "f8 14", SIMPLE),
        ("a break alone", "ff", SIMPLE),
        ("integer keys falling", "a2 01 00 00 00", ORDER),
        ("text keys falling", "a2 6162 00 6161 00", ORDER),
        ("text key before integer key", "a2 6161 00 00 00", ORDER),
        ("negative key before positive key", "a2 20 00 01 00", ORDER),
        ("keys by length first, as RFC 7049 had it", "a2 20 00 1818 00", ORDER),
        ("longer text key first", "a2 626161 00 6162 00", ORDER),
        ("integer key twice", "a2 00 00 00 00", ORDER),
        ("text key twice", "a2 6161 00 6161 01", ORDER),
        ("keys falling in an inner map", "81 a2 01 00 00 00", ORDER),
        ("bytes as key", "a1 41 61 00", KEY),
        ("array as key", "a1 80 00", KEY),
        ("map as key", "a1 a0 00", KEY),
        ("true as key", "a1 f5 00", KEY),
        ("null as key", "a1 f6 00", KEY),
        ("UTF-8: byte that begins nothing", "61 ff", UTF8),
        ("UTF-8: continuation alone", "61 80", UTF8),
        ("UTF-8: beginning without continuation", "62 c328", UTF8),
        ("UTF-8: longer than needed", "62 c080", UTF8),
        ("UTF-8: surrogate", "63 eda080", UTF8),
        ("UTF-8: above U+10FFFF", "64 f4908080", UTF8),
        ("UTF-8: character cut short", "62 e282", UTF8),
        ("UTF-8: in a map key", "a1 61ff 00", UTF8),
        ("nothing", "", SHORT),
        ("two-byte number without its number", "18", SHORT),
        ("three-byte number cut short", "19 01", SHORT),
        ("five-byte number cut short", "1a 000100", SHORT),
        ("nine-byte number cut short", "1b 00000001000000", SHORT),
        ("bytes cut short", "42 aa", SHORT),
        ("bytes of length 2**64 - 1", "5b ffffffffffffffff aa", SHORT),
        ("text cut short", "62 61", SHORT),
        ("text of length 2**32 - 1", "7a ffffffff 61", SHORT),
        ("array cut short", "82 01", SHORT),
        ("map without its value", "a1 01", SHORT),
        ("map without its second key", "a2 01 02", SHORT),
        ("array of 4097", "99 1001" + "00" * 4097, ELEMENTS),
        ("array of 2**64 - 1, by its head alone", "9b ffffffffffffffff", ELEMENTS),
        ("map of 4097, by its head alone", "b9 1001", ELEMENTS),
        ("map of 2**64 - 1, by its head alone", "bb ffffffffffffffff", ELEMENTS),
        ("arrays 9 deep", "81" * 8 + "80", DEPTH),
        ("maps 9 deep", "a100" * 8 + "a0", DEPTH),
        ("arrays 1000 deep", "81" * 1000, DEPTH),
        ("two integers", "00 00", REST),
        ("null and a byte", "f6 00", REST),
        ("empty text and a byte", "60 00", REST),
        ("array and a byte", "80 00", REST),
        ("map and a byte", "a0 00", REST),
    ]


# merkle.json


def _merkle() -> Json:
    # The leaves that RFC 6962 implementations have been tested with since the first one.
    leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    hashes = [leaf_hash(bytes.fromhex(leaf)) for leaf in leaves]

    def subtree(start: int, end: int) -> bytes:
        return root_of(hashes[start:end])

    inclusion = [
        {
            "index": index,
            "size": size,
            "leaf_hash": hashes[index].hex(),
            "path": [each.hex() for each in inclusion_path(index, size, subtree)],
            "root": root_of(hashes[:size]).hex(),
        }
        for size in range(1, 9)
        for index in range(size)
    ]
    consistency = [
        {
            "old_size": old_size,
            "old_root": root_of(hashes[:old_size]).hex(),
            "new_size": new_size,
            "new_root": root_of(hashes[:new_size]).hex(),
            "path": [each.hex() for each in consistency_path(old_size, new_size, subtree)],
        }
        for new_size in range(9)
        for old_size in range(new_size + 1)
    ]
    return {
        "about": "Trees of RFC 6962. roots: over the first 0, 1, ... 8 leaves. Paths and roots in hex. bad: must be refused.",
        "leaves": leaves,
        "roots": [root_of(hashes[:size]).hex() for size in range(9)],
        "inclusion": inclusion,
        "consistency": consistency,
        "bad_inclusion": [
            bad
            for case in inclusion
            if (case["index"], case["size"]) in {(0, 1), (0, 8), (5, 8), (7, 8), (4, 5), (6, 7)}
            for bad in _bad_inclusion(case)
        ],
        "bad_consistency": [
            bad
            for case in consistency
            if (case["old_size"], case["new_size"]) in {(1, 8), (4, 7), (6, 8), (7, 8), (3, 7), (5, 5), (0, 3), (0, 0)}
            for bad in _bad_consistency(case)
        ],
    }


def _flipped(text: str) -> str:
    return f"{int(text[:2], 16) ^ 1:02x}{text[2:]}"


def _bad_paths(path: list[str]) -> list[tuple[str, list[str]]]:
    other = "5a" * 32
    bad = [("a hash more at the end", [*path, other]), ("64 hashes", (path + [other] * 64)[:64])]
    bad += [(f"hash {step} changed", [*path[:step], _flipped(path[step]), *path[step + 1 :]]) for step in range(len(path))]
    if path:
        bad += [("last hash missing", path[:-1]), ("first hash missing", path[1:]), ("no hashes", [])]
        bad += [("hash one byte short", [path[0][:-2], *path[1:]]), ("hash one byte long", [path[0] + "00", *path[1:]])]
    if len(path) > 1:
        bad += [("path turned round", path[::-1])]
    unique = {json.dumps(each): name for name, each in reversed(bad)}
    return [(name, each) for name, each in bad if unique[json.dumps(each)] == name]


def _bad_inclusion(case: Json) -> list[Json]:
    index, size = case["index"], case["size"]
    changes: list[tuple[str, Json]] = [(name, {"path": path}) for name, path in _bad_paths(case["path"])]
    changes += [
        ("another leaf", {"leaf_hash": _flipped(case["leaf_hash"])}),
        ("another root", {"root": _flipped(case["root"])}),
        ("root one byte short", {"root": case["root"][:-2]}),
        ("index beyond the tree", {"index": size}),
        ("index below zero", {"index": index - size}),
        ("size zero", {"size": 0}),
        ("a tree of twice the size", {"size": 2 * size}),
    ]
    if (index, size) == (7, 8):  # where every step goes to the left, a smaller tree would climb the same way
        changes += [(f"as leaf {low - 1} of {low}", {"index": low - 1, "size": low}) for low in (1, 2, 4)]
    if size > 1:
        changes += [("another index", {"index": index ^ 1 if index ^ 1 < size else index - 1})]
    return [case | change | {"name": f"leaf {index} of {size}: {name}"} for name, change in changes]


def _bad_consistency(case: Json) -> list[Json]:
    old_size, new_size = case["old_size"], case["new_size"]
    changes: list[tuple[str, Json]] = [(name, {"path": path}) for name, path in _bad_paths(case["path"])]
    changes += [
        ("another old root", {"old_root": _flipped(case["old_root"])}),
        ("new root one byte long", {"new_root": case["new_root"] + "00"}),
        ("sizes swapped", {"old_size": new_size + 1}),
        ("old size below zero", {"old_size": -1}),
    ]
    if old_size:  # an empty tree is the beginning of any other
        changes += [("a new tree of twice the size", {"new_size": 2 * new_size})]
    if (old_size, new_size) == (7, 8):  # as above
        changes += [(f"as {low - 1} to {low}", {"old_size": low - 1, "new_size": low}) for low in (2, 4)]
    if old_size or not new_size:
        changes += [("another new root", {"new_root": _flipped(case["new_root"])})]
    return [case | change | {"name": f"{old_size} to {new_size}: {name}"} for name, change in changes]


# notes.json

LINE, AUTHOR = bytes(range(32)), bytes(range(32, 64))
TIME = 1_767_225_600
C2SP_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
C2SP_NOTE = (
    "This is an example message.\n\n— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)


class _Signer:
    def __init__(self, name: str, algorithm: int, seed: int) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        self.key = VerifierKey(name, algorithm, self._private.public_key().public_bytes_raw())

    def sign(self, text: bytes, time: int = TIME) -> tuple[VerifierKey, bytes]:
        if self.key.algorithm == ED25519:
            return self.key, self._private.sign(text)
        return self.key, time.to_bytes(8, "big") + self._private.sign(cosignature_message(time, text))


def _notes() -> Json:
    name = origin(LINE, AUTHOR, 1, 1)
    log, custody = _Signer(name, ED25519, 1), _Signer(custody_name(name), COSIGNATURE, 2)
    witness, stranger = _Signer("witness.example/w1", COSIGNATURE, 3), _Signer("stranger.example", ED25519, 4)
    leaves = [leaf_hash(bytes([index])) for index in range(5)]
    checkpoint = Checkpoint(name, 5, root_of(leaves))
    text = checkpoint.text()
    keys = [log.key, custody.key, witness.key]
    return {
        "about": "C2SP notes, checkpoints and verifier keys. seeds: the signers' Ed25519 private keys, as 32 times this byte. "
        "verified: [key name, type, time or null] of each signature that holds. "
        "ours: refused here, left to the reader by C2SP.",
        "origins": [
            {
                "line": LINE.hex(),
                "author": AUTHOR.hex(),
                "inc": inc,
                "peer_inc": peer_inc,
                "origin": origin(LINE, AUTHOR, inc, peer_inc),
                "custody": custody_name(origin(LINE, AUTHOR, inc, peer_inc)),
            }
            for inc, peer_inc in ((1, 1), (1, 2), (2, 1), (300, 70_000))
        ],
        "seeds": {log.key.name: 1, custody.key.name: 2, witness.key.name: 3, stranger.key.name: 4},
        "good": _good_notes(text, log, custody, witness, stranger),
        "bad": _bad_notes(text, log, custody, stranger),
        "unverified": _unverified_notes(text, log, custody, stranger),
        "checkpoints": [
            {"text": each.text().decode(), "origin": each.origin, "size": each.size, "root": each.root.hex()}
            for each in (Checkpoint(name, 0, root_of([])), checkpoint, Checkpoint("example.com/log 1", 2**53 - 1, bytes(32)))
        ],
        "bad_checkpoints": _bad_checkpoints(text.decode(), checkpoint),
        "keys": [
            {
                "text": key.to_text(),
                "name": key.name,
                "type": key.algorithm,
                "public": key.public.hex(),
                "key_id": key.key_id.hex(),
            }
            for key in [VerifierKey.parse(C2SP_KEY), *keys]
        ],
        "bad_keys": _bad_keys(log.key),
    }


def _good_notes(text: bytes, log: _Signer, custody: _Signer, witness: _Signer, stranger: _Signer) -> list[Json]:
    keys = [log.key.to_text(), custody.key.to_text(), witness.key.to_text()]
    lines = text.decode() + "\n"
    later = TIME + 60
    cases: list[tuple[str, str, list[str], list[list[Any]]]] = [
        ("the example that C2SP publishes", C2SP_NOTE, [C2SP_KEY], [["example.com/foo", ED25519, None]]),
    ]
    signed = format_note(text, [log.sign(text)]).decode()
    by_log, by_custody = [log.key.name, ED25519, None], [custody.key.name, COSIGNATURE, TIME]
    cases.append(("a checkpoint", signed, keys, [by_log]))
    receipted = format_note(text, [log.sign(text), custody.sign(text)]).decode()
    cases.append(("a checkpoint with its receipt", receipted, keys, [by_log, by_custody]))
    three = [witness.sign(text, later), stranger.sign(text), custody.sign(text), log.sign(text)]
    by_witness = [witness.key.name, COSIGNATURE, later]
    cases.append(
        ("a stranger among them, in another order", format_note(text, three).decode(), keys, [by_witness, by_custody, by_log])
    )
    cases.append(("the receipt alone", format_note(text, [custody.sign(text)]).decode(), keys, [by_custody]))
    junk = f"— {log.key.name} {b64encode(b'junk!').decode()}\n"
    cases.append(("a line with the name of a known key and another key id", signed + junk, keys, [by_log]))
    sixteen = f"{lines}{junk * 15}{signed.rpartition(lines)[2]}"
    cases.append(("16 signatures", sixteen, keys, [by_log]))
    poem = "水\n\nempty lines\n\n\nin the text\n".encode()
    cases.append(("text with empty lines", format_note(poem, [log.sign(poem)]).decode(), keys, [by_log]))
    return [{"name": name, "note": note, "keys": known, "verified": verified} for name, note, known, verified in cases]


def _bad_notes(text: bytes, log: _Signer, custody: _Signer, stranger: _Signer) -> list[Json]:
    lines = text.decode()
    good = format_note(text, [log.sign(text)]).decode()
    signature_line = good.removeprefix(lines + "\n")
    name = log.key.name
    encoded = signature_line.split(" ")[2].rstrip("\n")
    one_form = "is not in the one form of base64"
    # 68 bytes end in one = and two bits that carry nothing.
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    trailing_bits = encoded[:-2] + alphabet[alphabet.index(encoded[-2]) | 1] + "="
    line_form = "a signature line is an em dash, a key name and a signature"
    cases: list[tuple[str, str, str]] = [
        ("nothing", "", "a note ends in a newline"),
        ("a newline", "\n", "an empty line before its signatures"),
        ("text alone", lines, "an empty line before its signatures"),
        ("no signature after the empty line", lines + "\n", "an empty line before its signatures"),
        ("no signature after two empty lines", lines + "\n\n", "at least one signature"),
        ("no newline at the end", good[:-1], "a note ends in a newline"),
        ("two newlines at the end", good + "\n", line_form),
        ("no empty line", lines + signature_line, "an empty line before its signatures"),
        ("no text", "\n" + signature_line, "an empty line before its signatures"),
        ("carriage returns", good.replace("\n", "\r\n"), "control characters"),
        ("tab in the text", "a\tb\n\n" + signature_line, "control characters"),
        ("zero byte", "a\x00b\n\n" + signature_line, "control characters"),
        ("escape character", "a\x1b[31mb\n\n" + signature_line, "control characters"),
        ("hyphen for em dash", good.replace("—", "-"), line_form),
        ("en dash for em dash", good.replace("—", "–"), line_form),
        ("no dash", good.replace("— ", ""), line_form),
        ("no space after the dash", good.replace("— ", "—"), line_form),
        ("no signature on the line", f"{lines}\n— {name}\n", line_form),
        ("two spaces before the signature", good.replace(f"{name} ", f"{name}  "), "is not base64"),
        ("a word after the signature", good[:-1] + " more\n", "is not base64"),
        ("space at the end of the line", good[:-1] + " \n", "is not base64"),
        ("no key name", good.replace(f"— {name} ", "—  "), "a key name is empty"),
        ("plus in the key name", good.replace(f"— {name} ", "— a+b "), "a key name has a space, a plus"),
        ("no-break space in the key name", good.replace(f"— {name} ", "— a\u00a0b "), "a key name has a space, a plus"),
        ("ideographic space in the key name", good.replace(f"— {name} ", "— a\u3000b "), "a key name has a space, a plus"),
        ("base64 without padding", good.replace(encoded, encoded[:-1]), "is not base64"),
        ("base64 with more padding", good.replace(encoded, encoded + "="), "is not base64"),
        ("base64 for web addresses", good.replace(encoded, "_-" + encoded[2:]), "is not base64"),
        ("base64 of other letters", good.replace(encoded, "水" + encoded[1:]), "is not base64"),
        ("key id alone", good.replace(encoded, b64encode(log.key.key_id).decode()), "more bytes than its key id"),
        ("three bytes", good.replace(encoded, "AAAA"), "more bytes than its key id"),
        ("second line damaged", good + "— \n", line_form),
    ]
    ours: list[tuple[str, str, str]] = [
        ("17 signatures", f"{lines}\n{signature_line * 17}", "at most 16 signatures"),
        ("bits that carry nothing are not zero", good.replace(encoded, trailing_bits), one_form),
    ]
    return (
        [{"name": name, "note": note, "why": why} for name, note, why in cases]
        + [{"name": name, "note": note, "why": why, "ours": True} for name, note, why in ours]
        + [
            {"name": f"not UTF-8: {name}", "note_hex": (data + good.encode()).hex(), "why": "not UTF-8"}
            for name, data in (("ff", b"\xff"), ("a surrogate", b"\xed\xa0\x80"), ("longer than needed", b"\xc0\xaf"))
        ]
    )


def _unverified_notes(text: bytes, log: _Signer, custody: _Signer, stranger: _Signer) -> list[Json]:
    keys = [log.key.to_text(), custody.key.to_text()]
    other = text.replace(b"\n5\n", b"\n6\n")
    none, does_not_hold = "no signature by a known key", "does not hold"
    key, signature = log.sign(text)
    custody_key, cosignature = custody.sign(text)
    forged = VerifierKey(key.name, COSIGNATURE, key.public)
    short = (
        format_note(text, [log.sign(text)])
        .decode()
        .replace(b64encode(key.key_id + signature).decode(), b64encode(key.key_id + signature[:-1]).decode())
    )
    late = (2**53).to_bytes(8, "big") + cosignature[8:]
    cases: list[tuple[str, bytes, list[str], str]] = [
        ("by a stranger only", format_note(text, [stranger.sign(text)]), keys, none),
        ("no key is known", format_note(text, [log.sign(text)]), [], none),
        ("the text of another checkpoint", format_note(other, [log.sign(text)]), keys, does_not_hold),
        (
            "a signature changed",
            format_note(text, [(key, signature[:5] + bytes([signature[5] ^ 1]) + signature[6:])]),
            keys,
            does_not_hold,
        ),
        ("the stranger's signature under our name", format_note(text, [(key, stranger.sign(text)[1])]), keys, does_not_hold),
        ("one holds and one does not", format_note(text, [log.sign(text), custody.sign(other)]), keys, does_not_hold),
        ("a signature one byte short", short.encode(), keys, "a length that its type does not have"),
        (
            "a cosignature with another time",
            format_note(text, [(custody_key, bytes(8) + cosignature[8:])]),
            keys,
            does_not_hold,
        ),
        ("a cosignature dated 2**53", format_note(text, [(custody_key, late)]), keys, "2**53 or more"),
        (
            "a signature offered as cosignature",
            format_note(text, [(forged, bytes(8) + signature)]),
            [forged.to_text()],
            does_not_hold,
        ),
        (
            "a cosignature offered as signature",
            format_note(text, [(VerifierKey(custody_key.name, ED25519, custody_key.public), cosignature[8:])]),
            [VerifierKey(custody_key.name, ED25519, custody_key.public).to_text()],
            does_not_hold,
        ),
        (
            "the same key under another name",
            format_note(text, [log.sign(text)]),
            [VerifierKey("x", ED25519, key.public).to_text()],
            none,
        ),
    ]
    return [{"name": name, "note": note.decode(), "keys": known, "why": why} for name, note, known, why in cases]


def _bad_checkpoints(text: str, checkpoint: Checkpoint) -> list[Json]:
    root = b64encode(checkpoint.root).decode()
    name = checkpoint.origin
    decimal, one_form = "a decimal number in its shortest form", "is not in the one form of base64"
    three_lines = "three lines that each end in a newline"
    cases = [
        ("nothing", "", three_lines),
        ("one line", f"{name}\n", three_lines),
        ("two lines", f"{name}\n5\n", three_lines),
        ("no newline at the end", text[:-1], three_lines),
        ("an extension line", text + "extension\n", "no extension lines"),
        ("an empty line at the end", text + "\n", "no extension lines"),
        ("empty origin", f"\n5\n{root}\n", "the origin is empty"),
        ("control character in the origin", f"a\tb\n5\n{root}\n", "control characters"),
        ("empty size", f"{name}\n\n{root}\n", decimal),
        ("size with leading zero", f"{name}\n05\n{root}\n", decimal),
        ("size 00", f"{name}\n00\n{root}\n", decimal),
        ("size below zero", f"{name}\n-5\n{root}\n", decimal),
        ("size with plus", f"{name}\n+5\n{root}\n", decimal),
        ("size with space", f"{name}\n 5\n{root}\n", decimal),
        ("size with underscore", f"{name}\n1_0\n{root}\n", decimal),
        ("size in other digits", f"{name}\n５\n{root}\n", decimal),
        ("size in hexadecimal", f"{name}\n0x5\n{root}\n", decimal),
        ("size with point", f"{name}\n5.0\n{root}\n", decimal),
        ("size 2**53", f"{name}\n{2**53}\n{root}\n", "2**53 or more"),
        ("size of 40 digits", f"{name}\n{'9' * 40}\n{root}\n", decimal),
        ("root of 31 bytes", f"{name}\n5\n{b64encode(bytes(31)).decode()}\n", "the root has 32 bytes"),
        ("root of 33 bytes", f"{name}\n5\n{b64encode(bytes(33)).decode()}\n", "the root has 32 bytes"),
        ("empty root", f"{name}\n5\n\n", "the root has 32 bytes"),
        ("root without padding", f"{name}\n5\n{root.rstrip('=')}\n", "the root is not base64"),
        ("root in hexadecimal", f"{name}\n5\n{checkpoint.root.hex()}\n", "the root has 32 bytes"),
        ("root with a space", f"{name}\n5\n{root[:4]} {root[4:]}\n", "the root is not base64"),
        ("root with bits that carry nothing", f"{name}\n5\n{b64encode(bytes(32)).decode()[:-2]}B=\n", one_form),
    ]
    return [{"name": name, "text": each, "why": why} for name, each, why in cases]


def _bad_keys(key: VerifierKey) -> list[Json]:
    name, key_id, encoded = key.to_text().split("+", 2)
    parts, form, not_its_id = "name+key id+key", "one byte of algorithm, 1 or 4", "the key id is not that of this name and key"

    def with_key(data: bytes) -> str:
        return f"{name}+{key_id}+{b64encode(data).decode()}"

    cases = [
        ("nothing", "", parts),
        ("name alone", name, parts),
        ("no key", f"{name}+{key_id}", parts),
        ("empty name", f"+{key_id}+{encoded}", "a key name is empty"),
        ("space in the name", f"a b+{key_id}+{encoded}", "a key name has a space, a plus"),
        ("newline in the name", f"a\nb+{key_id}+{encoded}", "a key name has a space, a plus"),
        ("another key id", f"{name}+00000000+{encoded}", not_its_id),
        ("key id in capitals", f"{name}+{key_id.upper()}+{encoded}", not_its_id),
        ("key id cut short", f"{name}+{key_id[:-1]}+{encoded}", not_its_id),
        ("empty key id", f"{name}++{encoded}", not_its_id),
        ("another name", f"{name}x+{key_id}+{encoded}", not_its_id),
        ("empty key", f"{name}+{key_id}+", form),
        ("key of 31 bytes", with_key(b"\x01" + key.public[:-1]), form),
        ("key of 33 bytes", with_key(b"\x01" + key.public + b"\x00"), form),
        ("type 0", with_key(b"\x00" + key.public), form),
        ("type 2, ECDSA", with_key(b"\x02" + key.public), form),
        ("type 6, ML-DSA", with_key(b"\x06" + key.public), form),
        ("another key", with_key(b"\x01" + bytes(32)), not_its_id),
        ("another type", with_key(b"\x04" + key.public), not_its_id),
        ("key is not base64", f"{name}+{key_id}+{encoded[:-1]}!", "the verifier key is not base64"),
        ("newline at the end", f"{name}+{key_id}+{encoded}\n", "the verifier key is not base64"),
    ]
    return [{"name": name, "text": text, "why": why} for name, text, why in cases]


if __name__ == "__main__":
    for file, content in vectors().items():
        (Path(__file__).parent / file).write_text(content, encoding="utf-8")
