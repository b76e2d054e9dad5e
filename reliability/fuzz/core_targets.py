"""The parsers of core: encoding, frames, statements, entries, certificates, people, terms, notes.

Each input that is taken must be written again as the same bytes: signed objects have one form only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import cbor2

from reliability.fuzz.corpus import inputs
from reliability.fuzz.mutation import mutate_text
from reliability.fuzz.target import Broken, Check, Target, need
from reliability.fuzz.unchecked import unchecked
from tests.core.sample_desks import (
    BEGIN,
    certificate,
    identity_key,
    officer,
    officer_key,
    roster,
    seeded,
    signed_certificate,
    terms,
)
from tests.core.sample_evidence import sample_talk
from watchline.core import release, statements
from watchline.core.certificate import issue, parse_certificate
from watchline.core.checkpoint import COSIGNATURE, ED25519, Checkpoint, VerifierKey, cosignature_message, parse_note
from watchline.core.encoding import decode, encode
from watchline.core.entries import Body, Continues, Direction, EntryType, Leaf, Notice, Response
from watchline.core.evidence_parts import write_head
from watchline.core.frames import (
    Cosigned,
    Entries,
    FrameKey,
    FullEntry,
    OfferedCertificate,
    Probe,
    Receipt,
    Refusal,
    ShownCheckpoint,
    Stated,
    UnknownItem,
    WireEntry,
)
from watchline.core.keys import Ed25519Key, Identity, StatementKey
from watchline.core.persons import (
    PASSKEY_ED25519,
    PASSKEY_ES256,
    Assertion,
    Officer,
    PasskeyProof,
    Roster,
    sign_roster,
)
from watchline.core.statements import OpenItem, StatementType, Status
from watchline.core.terms import Terms
from watchline.core.witnessing import Accept, AddCheckpoint, Refuse, TreeHead, add, read_request
from watchline.errors import Malformed, PeerError

VECTORS = Path(__file__).parents[2] / "tests" / "vectors"
LINE = bytes(range(32))
FRAME_KEY, FRAME_NONCE = bytes(32), bytes(12)
DIRECTION = Direction(LINE, b"a" * 32, b"b" * 32, 1, 2)


@cache
def vectors(name: str) -> dict[str, Any]:
    """A file of tests/vectors."""
    read: dict[str, Any] = json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))
    return read


def hexed(value: object) -> list[bytes]:
    """Every text of hex digits in a JSON value, as bytes."""
    if isinstance(value, str):
        try:
            return [bytes.fromhex(value)]
        except ValueError:
            return []
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [found for part in parts for found in hexed(part)]


def numbered(values: list[bytes], prefix: str = "vector") -> dict[str, bytes]:
    """Different values by name, at most thirty of them, spread over all."""
    distinct = list(dict.fromkeys(value for value in values if value))
    step = max(1, -(-len(distinct) // 30))
    return {f"{prefix}-{number:03d}": value for number, value in enumerate(distinct[::step])}


# --- encoding


def _check_encoding() -> Check:
    def check(data: bytes) -> None:
        value = decode(data)
        need(encode(value) == data, "what was decoded is encoded as other bytes")
        try:
            theirs = cbor2.loads(data)
        except Exception as error:  # noqa: BLE001 - cbor2 has no family of its own for what it refuses
            raise Broken(f"cbor2 refuses what we took: {error}") from None
        need(_same(value, theirs), "cbor2 reads another value")

    return check


def _same(ours: Any, theirs: Any) -> bool:
    if type(ours) is not type(theirs):
        return False
    if type(ours) is list:
        return len(ours) == len(theirs) and all(map(_same, ours, theirs))
    if type(ours) is dict:
        return list(ours) == list(theirs) and all(_same(ours[key], theirs[key]) for key in ours)
    return bool(ours == theirs)


def _genuine_encoding() -> Mapping[str, bytes]:
    both = [bytes.fromhex(each["hex"]) for part in ("good", "bad") for each in vectors("encoding")[part]]
    return numbered([data for data in both if len(data) <= 4_096])


# --- frames


def _check_frame() -> Check:
    key = FrameKey(FRAME_KEY)

    def check(data: bytes) -> None:
        key.open(data)

    return check


def _genuine_frames() -> Mapping[str, bytes]:
    key = FrameKey(FRAME_KEY)
    return {name: key.seal([item], FRAME_NONCE, padded=n % 2 == 0) for n, (name, item) in enumerate(_items().items())}


def _items() -> dict[str, Any]:
    sig, root = b"s" * 64, b"r" * 32
    wire = WireEntry(1, BEGIN, root, 3, None, b"c" * 40)
    return {
        "probe": Probe(1, None, 0),
        "answer": Probe(None, 2**52, 17),
        "entries": Entries(1, 2, 1, 0, (wire, WireEntry(2, BEGIN, root, 3, 0, b"d" * 300)), sig),
        "receipt": Receipt(1, 2, 3, BEGIN, sig),
        "status": Stated(encode([3, 1, 2, *_status().values()]), sig, None),
        "epoch": Stated(encode([1, 1, 2, 1, 0, root, b"x" * 1168]), sig, b"m" * 2420),
        "full": FullEntry(1, _leaf().encode(), b"c" * 40, root, sig),
        "refusal": Refusal(22, 1, 7),
        "cosigned": Cosigned(1, 2, 3, root, sig, ((b"w" * 4, BEGIN, sig), (b"v" * 4, BEGIN + 1, sig))),
        "shown": ShownCheckpoint(1, 2, 3, root, sig),
        "certificate": OfferedCertificate(signed_certificate("A").encoded),
    }


def _check_payload() -> Check:
    key = FrameKey(FRAME_KEY)
    cipher = key._cipher

    def check(data: bytes) -> None:
        sealed = FRAME_NONCE + cipher.encrypt(FRAME_NONCE, data + b"\x80", None)
        items = key.open(sealed)
        if not any(isinstance(item, UnknownItem) for item in items):
            need(key.seal(items, FRAME_NONCE, padded=False) == sealed, "the items are written as another payload")

    return check


def _genuine_payloads() -> Mapping[str, bytes]:
    key = FrameKey(FRAME_KEY)
    plain = {name: _payload(key, [item]) for name, item in _items().items() if name != "certificate"}
    return {**plain, "many": _payload(key, [item for name, item in _items().items() if name != "certificate"])}


def _payload(key: FrameKey, items: list[Any]) -> bytes:
    frame = key.seal(items, FRAME_NONCE, padded=False)
    return key._cipher.decrypt(FRAME_NONCE, frame[12:], None)[:-1]


# --- statements


def _status() -> Status:
    opened = (OpenItem(3, 0, 12, 600), OpenItem(2, 1, 12, 3_600))
    return Status(BEGIN, 9, b"r" * 32, 4, b"h" * 32, 2, 30, 1, 1, opened, 0, 4, (2, 1, 0), b"n" * 16, b"e" * 16)


def _check_statement() -> Check:
    key = StatementKey(bytes(32), bytes(32)).public
    reads: dict[StatementType, Any] = {
        StatementType.EPOCH: statements.read_epoch,
        StatementType.PREKEYS: statements.read_prekeys,
        StatementType.STATUS: statements.read_status,
        StatementType.ROUTES: statements.read_routes,
    }

    def check(data: bytes) -> None:
        stated = Stated(data, b"e" * 64, b"m" * 2_420)
        statements.preview(stated)
        with unchecked():
            statement = statements.verify_statement(stated, DIRECTION, key)
            need(statement.stated() == stated, "a statement is spoken as other bytes")
            whole = statements.read_statement(statement.payload, stated.ed, stated.ml, key)
        need(whole == statement, "the whole form says something else")
        read = reads[statement.type](statement)
        if isinstance(read, Status):
            need(encode([3, 1, 2, *read.values()]) == data, "a status is written as other bytes")
        try:
            statements.verify_statement(stated, DIRECTION, key)
        except PeerError:
            return
        raise Broken("a signature that nobody made holds")

    return check


def _genuine_statements() -> Mapping[str, bytes]:
    root = b"r" * 32
    return {
        "status": encode([3, 1, 2, *_status().values()]),
        "epoch": encode([1, 1, 2, 5, 3, root, b"x" * 1_168]),
        "prekeys": encode([2, 1, 2, 1, [b"k" * 1_216, b"l" * 1_216]]),
        "routes": encode([4, 1, 2, BEGIN, [["direct", "192.0.2.1:7700"], ["direct", "[2001:db8::1]:7700"]]]),
    }


# --- entries


def _leaf() -> Leaf:
    return Leaf(DIRECTION, 4, 1, BEGIN, b"c" * 32, 3, b"r" * 32, None)


def _check_leaf() -> Check:
    def check(data: bytes) -> None:
        leaf = Leaf.decode(data)
        need(leaf.encode() == data, "a leaf is written as other bytes")
        leaf.verify_direction(leaf.direction)

    return check


def _genuine_leaves() -> Mapping[str, bytes]:
    return {"made": _leaf().encode(), **numbered([data for data in hexed(vectors("line")["leaves"]) if 150 < len(data) < 600])}


def _check_body() -> Check:
    """A body with its assertions, and whether people stand behind it, judged as the receiver does."""
    agreed, people = terms(), roster("A")
    direction = Direction(LINE, identity_key("A").identity.id, identity_key("B").identity.id, 1, 1)

    def check(data: bytes) -> None:
        body = Body.decode(data)
        need(body.encode() == data, "a body is written as other bytes")
        for kind in (EntryType.NOTICE, EntryType.CANCEL, EntryType.ACKNOWLEDGE, EntryType.TERMS, EntryType.ROSTER):
            for re in (None, 1):
                with suppress(PeerError):
                    meant = release.reference(kind, re, direction, body, body)
                    release.verify_release(kind, body, meant, direction, people, agreed, BEGIN)
        for value in body.assertions:
            need(encode(Assertion.from_value(value).to_value()) == encode(value), "an assertion is written as another value")

    return check


def _genuine_bodies() -> Mapping[str, bytes]:
    talk = sample_talk()
    said = [entry.body for side in "ab" for entry in talk.entries[side] if entry.body is not None]
    passkey = Assertion(3, PASSKEY_ES256, b"s" * 64, PasskeyProof(5, 7, b',"x":1}')).to_value()
    return {**numbered(said, "talk"), "passkey": Body(b"content", b"n" * 16, (passkey, passkey)).encode()}


def _check_response() -> Check:
    def check(data: bytes) -> None:
        response = Response.decode(data)
        need(response.encode() == data, "a response is written as other bytes")

    return check


def _genuine_responses() -> Mapping[str, bytes]:
    plain = Response(EntryType.ACKNOWLEDGE, 1, 2, 3, b"c" * 32, "zh-Hans")
    reasoned = Response(EntryType.DECLINE, 1, 2, 3, b"c" * 32, "en", "not ours")
    return {"acknowledge": plain.encode(), "decline": reasoned.encode(), "continues": Continues().encode()}


def _check_notice() -> Check:
    def check(data: bytes) -> None:
        notice = Notice.decode(data)
        need(notice.encode() == data, "a notice is written as other bytes")

    return check


def _genuine_notices() -> Mapping[str, bytes]:
    talk = sample_talk()
    bodies = [Body.decode(entry.body) for side in "ab" for entry in talk.entries[side] if entry.body is not None]
    return numbered([body.content for body in bodies], "talk")


# --- certificates, people, terms


def _check_certificate() -> Check:
    identity = identity_key("A").identity
    genuine = set(inputs("certificate"))  # a signature of the sample desks is another one in each process

    def check(data: bytes) -> None:
        with unchecked():
            signed = parse_certificate(data, identity)
        need(encode([signed.certificate.encode(), *decode(data)[1:]]) == data, "a certificate is written as other bytes")
        if data not in genuine:
            _refused(lambda: parse_certificate(data, identity), "a certificate holds that the identity never signed")

    return check


def _refused(call: Any, promise: str) -> None:
    try:
        call()
    except PeerError:
        return
    raise Broken(promise)


def _genuine_certificates() -> Mapping[str, bytes]:
    other = issue(identity_key("A"), certificate("A", serial=2, inc=2, line=LINE))
    return {"signed": signed_certificate("A").encoded, "of-a-line": other.encoded, "peer": signed_certificate("B").encoded}


def _wide_roster() -> Roster:
    """A roster with every kind of key. Both passkeys are the Ed25519 generator's and the P-256 generator's own encodings."""
    point = bytes.fromhex("036b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296")
    end = BEGIN + 1_000
    ed = Ed25519Key(seeded("passkey")(32)).public
    return Roster(
        2,
        (
            officer("A", 1, "duty", "Sato"),
            officer("A", 2, "admin"),
            Officer(3, PASSKEY_ES256, point, "releaser", "佐藤", BEGIN, end, "desk.example", "https://desk.example"),
            Officer(4, PASSKEY_ED25519, ed, "auditor", None, BEGIN, end, "desk.example", "https://desk.example"),
        ),
    )


def _check_roster() -> Check:
    def check(data: bytes) -> None:
        need(Roster.decode(data).encode() == data, "a roster is written as other bytes")

    return check


def _genuine_rosters() -> Mapping[str, bytes]:
    return {"plain": roster("A").encode(), "wide": _wide_roster().encode(), "empty": Roster(1, ()).encode()}


def _check_roster_entry() -> Check:
    """The content of a ROSTER entry; who signed it is not looked at, only whether it may follow."""
    identity = identity_key("A").identity
    current = roster("A")

    def check(data: bytes) -> None:
        with unchecked():
            following, _ = release.verify_roster_entry(Body(data, b"n" * 16), current, identity, LINE, BEGIN)
        need(following.version == current.version + 1, "a roster follows that is not the next version")

    return check


def _genuine_roster_entries() -> Mapping[str, bytes]:
    following = Roster(2, (*roster("A").officers, officer_in_addition()))
    signature = sign_roster(identity_key("A"), LINE, following)
    return {
        "signed": encode([following.encode(), signature.ed, signature.ml]),
        "asserted": encode([following.encode(), None, None]),
    }


def officer_in_addition() -> Officer:
    """One who is not in the sample roster."""
    return Officer(9, 0, officer_key("A", 9).public, "duty", "新人", BEGIN, BEGIN + 1_000)


def _check_identity() -> Check:
    def check(data: bytes) -> None:
        need(Identity.decode(data).encode() == data, "an identity is written as other bytes")

    return check


def _genuine_identities() -> Mapping[str, bytes]:
    return {desk: identity_key(desk).identity.encode() for desk in ("A", "B")}


def _check_terms() -> Check:
    def check(data: bytes) -> None:
        agreed = Terms.decode(data)
        need(agreed.encode() == data, "terms are written as other bytes")
        for form in (*agreed.form_clocks, "no-such-form"):
            for precedence in range(4):
                agreed.clocks_for(form, precedence)
                agreed.people_needed(form, precedence)

    return check


def _genuine_terms() -> Mapping[str, bytes]:
    return {"sample": terms().encode(), **numbered([bytes.fromhex(vectors("keys")["terms"]["encoded"])])}


# --- notes


def _note_keys() -> tuple[VerifierKey, VerifierKey]:
    log, custody = Ed25519Key(bytes([1]) * 32), Ed25519Key(bytes([2]) * 32)
    return VerifierKey("origin", ED25519, log.public), VerifierKey("origin/custody", COSIGNATURE, custody.public)


def _check_note() -> Check:
    keys = _note_keys()

    def check(data: bytes) -> None:
        note = parse_note(data)
        lines = [f"— {name} {_base64(key_id + blob)}\n".encode() for name, key_id, blob in note.signatures]
        need(note.text + b"\n" + b"".join(lines) == data, "a note is written as other bytes")
        checkpoint = Checkpoint.parse(note.text)
        need(checkpoint.text() == note.text, "a checkpoint is written as other bytes")
        note.verify(keys)
        need(checkpoint == Checkpoint("origin", 7, b"r" * 32), "a signature holds for another checkpoint")

    return check


def _base64(data: bytes) -> str:
    from base64 import b64encode

    return b64encode(data).decode()


def _genuine_notes() -> Mapping[str, bytes]:
    from watchline.core.evidence_parts import Head, LogKeys

    log, custody = _note_keys()
    text = Checkpoint("origin", 7, b"r" * 32).text()
    signature = Ed25519Key(bytes([1]) * 32).sign(text)
    receipt = (BEGIN, Ed25519Key(bytes([2]) * 32).sign(cosignature_message(BEGIN, text)))
    head = write_head(Head(7, b"r" * 32, signature, receipt), LogKeys(log, custody))
    found = [each["note"].encode() for part in ("good", "bad") for each in vectors("notes")[part] if "note" in each]
    return {"head": head, **numbered(found)}


def _check_verifier_key() -> Check:
    def check(data: bytes) -> None:
        text = data.decode("utf-8", "replace")
        need(VerifierKey.parse(text).to_text() == text, "a verifier key is written as other text")

    return check


def _genuine_verifier_keys() -> Mapping[str, bytes]:
    return {"log": _note_keys()[0].to_text().encode(), "custody": _note_keys()[1].to_text().encode()}


def _check_witness_request() -> Check:
    key = _note_keys()[0]

    def check(data: bytes) -> None:
        read = read_request(data)
        need(not isinstance(read, Refuse) or read.status == 400, "a request that is none has another answer")
        if isinstance(read, Refuse):
            raise Malformed(read.message, rule=27)
        request, note, head = read
        need(request.to_bytes() == data, "a request is written as other bytes")
        for known in (None, TreeHead(7, b"r" * 32), TreeHead(3, b"r" * 32)):
            decided = add(known, key, request, note, head)
            grown = isinstance(decided, Accept) and decided.head.size >= (0 if known is None else known.size)
            need(grown or not isinstance(decided, Accept), "a witness signs a log that shrinks")

    return check


def _genuine_witness_requests() -> Mapping[str, bytes]:
    note = _genuine_notes()["head"]
    proof = (b"r" * 32, bytes(32))
    return {str(old): AddCheckpoint(old, proof[: old % 3], note).to_bytes() for old in (0, 1, 2, 7)}


TARGETS = (
    Target("encoding", _check_encoding, _genuine_encoding, inputs=6_000),
    Target("frame", _check_frame, _genuine_frames, inputs=3_000),
    Target("payload", _check_payload, _genuine_payloads, inputs=3_000),
    Target("statement", _check_statement, _genuine_statements, inputs=2_000),
    Target("leaf", _check_leaf, _genuine_leaves, inputs=6_000),
    Target("body", _check_body, _genuine_bodies, inputs=2_000),
    Target("response", _check_response, _genuine_responses, inputs=6_000),
    Target("notice", _check_notice, _genuine_notices, inputs=4_000),
    Target("certificate", _check_certificate, _genuine_certificates),
    Target("roster", _check_roster, _genuine_rosters, inputs=3_000),
    Target("roster-entry", _check_roster_entry, _genuine_roster_entries),
    Target("identity", _check_identity, _genuine_identities, inputs=3_000),
    Target("terms", _check_terms, _genuine_terms),
    Target("note", _check_note, _genuine_notes, mutate_text, inputs=3_000),
    Target("witness-request", _check_witness_request, _genuine_witness_requests, mutate_text, inputs=3_000),
    Target("verifier-key", _check_verifier_key, _genuine_verifier_keys, mutate_text, inputs=4_000),
)
