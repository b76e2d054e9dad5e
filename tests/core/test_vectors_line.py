"""The vectors of one direction of a line: what line.json says is what this code makes, reads and refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from tests.vectors import make_line
from tests.vectors.make import notation
from watchline.core.checkpoint import (
    COSIGNATURE,
    ED25519,
    Checkpoint,
    VerifierKey,
    cosignature_message,
    custody_name,
    format_note,
    origin,
    parse_note,
)
from watchline.core.encoding import decode, encode
from watchline.core.entries import (
    Body,
    Direction,
    EntryType,
    Leaf,
    Notice,
    Place,
    Precedence,
    Response,
    commitment,
    verify_commitment,
)
from watchline.core.epochs import Chain, EpochOpening, accept_epoch, box_name, hedged_seed, outer_key
from watchline.core.frames import FrameKey, Stated, UnknownItem, _to_wire
from watchline.core.keys import Ed25519Key, KemKey, StatementPublic, verify_ed25519
from watchline.core.merkle import leaf_hash, root_of
from watchline.core.persons import (
    ED25519 as PERSON_ED25519,
)
from watchline.core.persons import (
    PASSKEY_ED25519,
    Assertion,
    Officer,
    Roster,
    assertion_challenge,
    client_data_json,
    verify_assertion,
)
from watchline.core.release import asserted
from watchline.core.statements import (
    Statement,
    StatementType,
    epoch_values,
    read_epoch,
    read_prekeys,
    read_routes,
    read_status,
    verify_statement,
)
from watchline.errors import PeerError

Json = dict[str, Any]

TEXT = make_line.FILE.read_text("utf-8")
VECTORS: Json = json.loads(TEXT)


def octets(value: str) -> bytes:
    return bytes.fromhex(value)


def direction_of(parties: Json) -> Direction:
    line, sender, recipient = (octets(parties[name]) for name in ("line", "from", "to"))
    return Direction(line, sender, recipient, parties["inc"], parties["peer_inc"])


PARTIES = {name: value for name, value in VECTORS["direction"].items() if name != "prefix"}
DIRECTION = direction_of(PARTIES)
PS = octets(VECTORS["keys"]["ps"])
STATEMENT_KEY = StatementPublic(*(octets(VECTORS["keys"]["statement"][half]) for half in ("ed", "ml")))
PUBLIC = {name: octets(VECTORS["keys"][name]["public"]) for name in ("log", "custody", "officer")}


def named(cases: list[Json]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("vector", cases, ids=[case["name"] for case in cases])


def refused(vector: Json, read: Callable[[], object]) -> None:
    with pytest.raises(PeerError) as error:
        read()
    assert (error.value.kind, error.value.rule) == (vector["kind"], vector["rule"])


def test_line_vectors_are_what_their_script_makes_of_what_was_drawn() -> None:
    made = make_line.text(make_line.line(make_line.drawn_in(VECTORS)))
    assert made == TEXT, "run tests/vectors/make_line.py"


def test_vector_keys_come_from_their_seeds() -> None:
    for name, public in PUBLIC.items():
        assert Ed25519Key(octets(VECTORS["keys"][name]["seed"])).public == public


# Leaves, bodies, contents


def test_vector_prefix_is_that_of_every_leaf() -> None:
    prefix = octets(VECTORS["direction"]["prefix"])
    assert DIRECTION.prefix() == prefix
    assert all(octets(leaf["hex"]).startswith(prefix) for leaf in VECTORS["leaves"]["good"])


@pytest.mark.parametrize("vector", VECTORS["leaves"]["good"])
def test_vector_leaf_is_read_and_written(vector: Json) -> None:
    leaf = Leaf(
        DIRECTION,
        vector["i"],
        vector["type"],
        vector["t_claim"],
        octets(vector["commitment"]),
        vector["peer_size"],
        octets(vector["peer_root"]),
        vector["re"],
    )
    assert leaf.encode() == octets(vector["hex"])
    assert Leaf.decode(octets(vector["hex"])) == leaf
    assert leaf_hash(octets(vector["hex"])) == octets(vector["hash"])
    leaf.verify_direction(DIRECTION)


@named(VECTORS["leaves"]["bad"])
def test_bad_vector_leaf_is_refused(vector: Json) -> None:
    refused(vector, lambda: Leaf.decode(octets(vector["hex"])).verify_direction(DIRECTION))


@pytest.mark.parametrize("vector", VECTORS["bodies"]["good"])
def test_vector_body_is_read_and_written(vector: Json) -> None:
    body = Body.decode(octets(vector["hex"]))
    assert body.content == octets(vector["content"])
    assert body.nonce == (None if vector["nonce"] is None else octets(vector["nonce"]))
    assert len(body.assertions) == (vector["nonce"] is not None)
    assert body.digest == octets(vector["digest"])
    assert (None if body.again is None else body.again.to_value()) == vector["again"]
    assert body.encode() == octets(vector["hex"])


@named(VECTORS["bodies"]["bad"])
def test_bad_vector_body_is_refused(vector: Json) -> None:
    refused(vector, lambda: Body.decode(octets(vector["hex"])))


@pytest.mark.parametrize("vector", VECTORS["notices"]["good"])
def test_vector_notice_is_read_and_written(vector: Json) -> None:
    notice = Notice.decode(octets(vector["hex"]))
    assert [notice.form, notice.version, notice.precedence, notice.exercise, notice.language] == [
        vector[name] for name in ("form", "version", "precedence", "exercise", "language")
    ]
    assert isinstance(notice.precedence, Precedence)
    assert notation(dict(notice.fields)) == vector["fields"]
    assert notice.encode() == octets(vector["hex"])


@named(VECTORS["notices"]["bad"])
def test_bad_vector_notice_is_refused(vector: Json) -> None:
    refused(vector, lambda: Notice.decode(octets(vector["hex"])))


@pytest.mark.parametrize("vector", VECTORS["responses"]["good"])
def test_vector_response_is_read_and_written(vector: Json) -> None:
    response = Response(
        EntryType(vector["type"]),
        vector["inc"],
        vector["peer_inc"],
        vector["i"],
        octets(vector["commitment"]),
        vector["language"],
        vector["reason"],
    )
    assert response.encode() == octets(vector["hex"])
    assert Response.decode(octets(vector["hex"])) == response


@named(VECTORS["responses"]["bad"])
def test_bad_vector_response_is_refused(vector: Json) -> None:
    refused(vector, lambda: Response.decode(octets(vector["hex"])))


# Chain and epochs


def chain(key: str) -> Chain:
    return Chain(1, bytes(32), octets(key))


@pytest.mark.parametrize("vector", VECTORS["chain"]["good"])
def test_vector_entry_is_sealed_and_opened_and_moves_the_chain(vector: Json) -> None:
    at, body, leaf, sealed = chain(vector["ck"]), *(octets(vector[name]) for name in ("body", "leaf", "C"))
    assert at.commit(body) == (octets(vector["blinding"]), octets(vector["commitment"]))
    assert commitment(octets(vector["blinding"]), body) == octets(vector["commitment"])
    verify_commitment(Leaf.decode(leaf), octets(vector["blinding"]), body)
    assert at.seal(leaf, body) == sealed
    assert at.open(leaf, sealed) == body
    assert ChaCha20Poly1305(octets(vector["mk"])).decrypt(bytes(12), sealed, leaf) == body
    assert at.next().chain_key == octets(vector["next_ck"])


def test_vector_entries_follow_one_another_on_one_chain() -> None:
    steps = VECTORS["chain"]["good"]
    assert [step["ck"] for step in steps[1:]] == [step["next_ck"] for step in steps[:-1]]


@named(VECTORS["chain"]["bad"])
def test_bad_vector_entry_does_not_open(vector: Json) -> None:
    refused(vector, lambda: chain(vector["ck"]).open(octets(vector["leaf"]), octets(vector["C"])))


def follow(vector: Json, parties: Json) -> Chain:
    opening = EpochOpening(vector["e"], vector["pre_id"], octets(vector["pk_hash"]), octets(vector["ct"]))
    key = KemKey(octets(vector["prekey_seed"]))
    return accept_epoch(direction_of(parties), opening, key, PS, octets(vector["rk_before"]))


@pytest.mark.parametrize("vector", VECTORS["epochs"]["good"])
def test_vector_epoch_opens_and_gives_its_keys(vector: Json) -> None:
    key = KemKey(octets(vector["prekey_seed"]))
    assert key.public == octets(vector["pk"])
    assert key.open(octets(vector["ct"]), octets(vector["ctx"])) == octets(vector["seed"])
    assert follow(vector, PARTIES) == Chain(vector["e"], octets(vector["rk"]), octets(vector["ck"]))


def test_vector_epochs_follow_one_another() -> None:
    first, second = VECTORS["epochs"]["good"]
    assert first["rk_before"] == bytes(32).hex()
    assert second["rk_before"] == first["rk"]


@named(VECTORS["epochs"]["bad"])
def test_bad_vector_epoch_does_not_open(vector: Json) -> None:
    changed = VECTORS["epochs"]["good"][0] | PARTIES | vector["changes"]
    refused(vector, lambda: follow(changed, {name: changed[name] for name in PARTIES}))


def test_vector_seed_is_hedged() -> None:
    vector = VECTORS["hedged_seed"]
    key, random, root = (octets(vector[name]) for name in ("hedge_key", "random", "root"))
    assert hedged_seed(key, random, DIRECTION, vector["e"], vector["size"], root) == octets(vector["seed"])


def test_vector_outer_keys_and_door_word_come_from_the_pairing_secret() -> None:
    vector, (near, far) = VECTORS["outer"], DIRECTION[1:3]
    assert outer_key(PS, near, far) == octets(vector["ok"]) == octets(VECTORS["frames"]["key"])
    assert outer_key(PS, far, near) == octets(vector["ok_back"])
    assert box_name(PS, *sorted((near, far))) == vector["door_word"]


# Frames

FRAME_KEY = FrameKey(octets(VECTORS["frames"]["key"]))


@named(VECTORS["frames"]["good"])
def test_vector_frame_is_opened_and_sealed(vector: Json) -> None:
    short, padded, nonce = (octets(value) for value in (vector["short"], vector["padded"], VECTORS["frames"]["nonce"]))
    items = FRAME_KEY.open(padded)
    assert FRAME_KEY.open(short) == items
    unknown = [item for item in items if isinstance(item, UnknownItem)]
    assert [item.kind for item in unknown] == [item[0] for item in vector["items"] if item[0] == 77]
    known = [item for item in items if item not in unknown]
    assert [notation(_to_wire(item)) for item in known] == [item for item in vector["items"] if item[0] != 77]
    if not unknown:
        assert FRAME_KEY.seal(items, nonce, padded=False) == short
        assert FRAME_KEY.seal(items, nonce) == padded


@named(VECTORS["frames"]["bad"])
def test_bad_vector_frame_is_refused(vector: Json) -> None:
    refused(vector, lambda: FRAME_KEY.open(octets(vector["hex"])))


# Statements

READERS: dict[StatementType, Callable[[Statement], object]] = {
    StatementType.EPOCH: read_epoch,
    StatementType.PREKEYS: read_prekeys,
    StatementType.STATUS: read_status,
    StatementType.ROUTES: read_routes,
}
GOOD_STATEMENTS = {vector["name"]: vector for vector in VECTORS["statements"]["good"]}


def hear(vector: Json, parties: Json = PARTIES) -> Statement:
    ml = None if vector["ml"] is None else octets(vector["ml"])
    stated = Stated(octets(vector["spoken"]), octets(vector["ed"]), ml)
    return verify_statement(stated, direction_of(parties), STATEMENT_KEY)


def written_again(statement: Statement) -> list[Any]:
    """The values, as what was read of them says."""
    if statement.type == StatementType.EPOCH:
        return list(epoch_values(read_epoch(statement)))
    if statement.type == StatementType.PREKEYS:
        keys = read_prekeys(statement)
        return [min(keys), list(keys.values())]
    if statement.type == StatementType.STATUS:
        return list(read_status(statement).values())
    time, routes = read_routes(statement)
    return [time, [list(route) for route in routes]]


@named(VECTORS["statements"]["good"])
def test_vector_statement_verifies_and_is_read(vector: Json) -> None:
    statement = hear(vector)
    assert statement.payload == octets(vector["payload"])
    assert statement.stated().spoken == octets(vector["spoken"])
    assert written_again(statement) == list(statement.values) == decode(octets(vector["payload"]))[6:]


def test_vector_statements_are_of_every_type() -> None:
    assert {hear(vector).type for vector in VECTORS["statements"]["good"]} == set(StatementType)


@named(VECTORS["statements"]["wrong_values"])
def test_signed_vector_statement_with_wrong_values_is_refused(vector: Json) -> None:
    statement = hear(vector)
    refused(vector, lambda: READERS[statement.type](statement))


@named(VECTORS["statements"]["bad"])
def test_bad_vector_statement_is_refused(vector: Json) -> None:
    changed = GOOD_STATEMENTS[vector["of"]] | PARTIES | vector["changes"]
    refused(vector, lambda: hear(changed, {name: changed[name] for name in PARTIES}))


# Checkpoint and receipt


def test_vector_checkpoint_and_receipt_are_those_of_the_log() -> None:
    vector, leaves = VECTORS["checkpoint"], VECTORS["leaves"]["good"]
    head = Checkpoint(origin(DIRECTION.line, DIRECTION.sender, 1, 2), vector["size"], octets(vector["root"]))
    assert head.origin == vector["origin"]
    assert head.text() == vector["text"].encode()
    assert head.root == root_of([octets(leaf["hash"]) for leaf in leaves[: head.size]])
    verify_ed25519(PUBLIC["log"], octets(vector["signature"]), head.text())
    time, signature = vector["receipt"]["time"], octets(vector["receipt"]["signature"])
    assert cosignature_message(time, head.text()) == vector["receipt"]["message"].encode()
    verify_ed25519(PUBLIC["custody"], signature, vector["receipt"]["message"].encode())
    log = VerifierKey(head.origin, ED25519, PUBLIC["log"])
    custody = VerifierKey(custody_name(head.origin), COSIGNATURE, PUBLIC["custody"])
    signatures = [(log, octets(vector["signature"])), (custody, time.to_bytes(8, "big") + signature)]
    assert format_note(head.text(), signatures) == vector["note"].encode()
    assert parse_note(vector["note"].encode()).verify([log, custody]) == [(log, None), (custody, time)]


@named(VECTORS["checkpoint"]["bad"])
def test_bad_vector_head_or_receipt_does_not_hold(vector: Json) -> None:
    public, signature, message = PUBLIC[vector["key"]], octets(vector["signature"]), vector["message"].encode()
    refused(vector, lambda: verify_ed25519(public, signature, message))


# People

PEOPLE = VECTORS["people"]
PASSKEY = PEOPLE["passkey"]


def known(number: int, kind: int, **more: str) -> Roster:
    return Roster(1, (Officer(number, kind, PUBLIC["officer"], "duty", None, 0, 1, **more),))


AT_A_DESK = known(1, PERSON_ED25519)
IN_A_BROWSER = known(PASSKEY["number"], PASSKEY["kind"], rp_id=PASSKEY["rp_id"], origin=PASSKEY["origin"])
CHALLENGE = octets(PEOPLE["assertion"]["challenge"])


def check_person(encoded: str) -> None:
    assertion = Assertion.from_value(decode(octets(encoded)))
    assert encode(assertion.to_value()) == octets(encoded)
    verify_assertion(assertion, IN_A_BROWSER if assertion.number == PASSKEY["number"] else AT_A_DESK, CHALLENGE, 0)


@pytest.mark.parametrize("vector", PEOPLE["challenges"])
def test_vector_challenge_is_what_an_officer_signs(vector: Json) -> None:
    nonce = None if vector["nonce"] is None else octets(vector["nonce"])
    sender, what = octets(PEOPLE["from"]), octets(PEOPLE["what"])
    assert assertion_challenge(vector["purpose"], DIRECTION.line, sender, nonce, what) == octets(vector["challenge"])


@pytest.mark.parametrize("vector", PEOPLE["stood_for"])
def test_vector_release_stands_for_one_type_content_and_reference(vector: Json) -> None:
    meant = None if vector["meant"] is None else Place(*vector["meant"])
    stood_for = asserted(vector["type"], Body(octets(vector["content"])), meant)
    assert stood_for == (vector["purpose"], octets(vector["what"]))


def test_vector_assertions_hold() -> None:
    assert PASSKEY["kind"] == PASSKEY_ED25519
    for vector in (PEOPLE["assertion"], *PEOPLE["passkeys"]):
        check_person(vector["encoded"])


@pytest.mark.parametrize("vector", PEOPLE["passkeys"])
def test_vector_passkey_signed_what_is_rebuilt_and_appended(vector: Json) -> None:
    proof = Assertion.from_value(decode(octets(vector["encoded"])))
    assert proof.passkey is not None
    rebuilt = client_data_json(CHALLENGE, PASSKEY["origin"])
    assert vector["client_data"].encode() == rebuilt[:-1] + (proof.passkey.appended or b"}")
    verify_ed25519(PUBLIC["officer"], proof.signature, octets(vector["signed"]))


@named(PEOPLE["bad"])
def test_bad_vector_assertion_is_refused(vector: Json) -> None:
    refused(vector, lambda: check_person(vector["hex"]))
