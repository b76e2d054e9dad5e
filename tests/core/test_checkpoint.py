"""Notes, checkpoints, cosignatures and verifier keys: C2SP's published example, our vectors, and one form of each text."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from watchline.core.checkpoint import (
    COSIGNATURE,
    ED25519,
    NOTE_BYTES_MAX,
    Checkpoint,
    Note,
    VerifierKey,
    cosignature_message,
    custody_name,
    format_note,
    origin,
    parse_note,
)
from watchline.core.limits import INTEGER_MAX, NOTE_SIGNATURES_MAX
from watchline.errors import BadSignature, Malformed

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/notes.json").read_text("utf-8"))

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(32))
PUBLIC = PRIVATE.public_key().public_bytes_raw()
LOG = VerifierKey("watchline/1/x", ED25519, PUBLIC)
CUSTODY = VerifierKey("watchline/1/x/custody", COSIGNATURE, PUBLIC)

words = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"], exclude_characters="+"), min_size=1, max_size=20).filter(
    lambda word: not any(character.isspace() for character in word)
)
keys = st.builds(VerifierKey, words, st.sampled_from([ED25519, COSIGNATURE]), st.binary(min_size=32, max_size=32))
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n"), max_size=60).map(
    lambda text: (text + "\n").encode()
)


@st.composite
def _signatures(draw: st.DrawFn) -> list[tuple[VerifierKey, bytes]]:
    signers = draw(st.lists(keys, min_size=1, max_size=NOTE_SIGNATURES_MAX))
    return [(key, draw(st.binary(min_size=(n := 72 if key.algorithm == COSIGNATURE else 64), max_size=n))) for key in signers]


def _note_bytes(case: dict[str, Any]) -> bytes:
    return bytes.fromhex(case["note_hex"]) if "note_hex" in case else case["note"].encode()


def _refused_for(why: str, call: Callable[[], object]) -> None:
    with pytest.raises(Malformed) as caught:
        call()
    assert why in caught.value.message
    assert caught.value.rule == 9


@pytest.mark.parametrize("case", VECTORS["good"], ids=lambda case: case["name"])
def test_good_note_verifies_and_is_written_back_as_it_was(case: dict[str, Any]) -> None:
    note = parse_note(case["note"].encode())
    verified = note.verify(VerifierKey.parse(text) for text in case["keys"])
    assert [[key.name, key.algorithm, time] for key, time in verified] == case["verified"]
    known = {(key.name, key.key_id): key for key, _ in verified}
    if all((name, key_id) in known for name, key_id, _ in note.signatures):
        signatures = [(known[name, key_id], blob) for name, key_id, blob in note.signatures]
        assert format_note(note.text, signatures) == case["note"].encode()


@pytest.mark.parametrize("case", VECTORS["bad"], ids=lambda case: case["name"])
def test_bad_note_is_refused_for_its_reason(case: dict[str, Any]) -> None:
    _refused_for(case["why"], lambda: parse_note(_note_bytes(case)))


@pytest.mark.parametrize("case", VECTORS["unverified"], ids=lambda case: case["name"])
def test_note_whose_signatures_do_not_count_is_refused(case: dict[str, Any]) -> None:
    note = parse_note(case["note"].encode())
    with pytest.raises(BadSignature) as caught:
        note.verify(VerifierKey.parse(text) for text in case["keys"])
    assert case["why"] in caught.value.message


@pytest.mark.parametrize("case", VECTORS["checkpoints"], ids=lambda case: case["text"][:20])
def test_good_checkpoint_comes_back(case: dict[str, Any]) -> None:
    checkpoint = Checkpoint(case["origin"], case["size"], bytes.fromhex(case["root"]))
    assert Checkpoint.parse(case["text"].encode()) == checkpoint
    assert checkpoint.text() == case["text"].encode()


@pytest.mark.parametrize("case", VECTORS["bad_checkpoints"], ids=lambda case: case["name"])
def test_bad_checkpoint_is_refused_for_its_reason(case: dict[str, Any]) -> None:
    _refused_for(case["why"], lambda: Checkpoint.parse(case["text"].encode()))


@pytest.mark.parametrize("case", VECTORS["keys"], ids=lambda case: case["name"])
def test_good_verifier_key_comes_back(case: dict[str, Any]) -> None:
    key = VerifierKey(case["name"], case["type"], bytes.fromhex(case["public"]))
    assert VerifierKey.parse(case["text"]) == key
    assert key.to_text() == case["text"]
    assert key.key_id.hex() == case["key_id"]


@pytest.mark.parametrize("case", VECTORS["bad_keys"], ids=lambda case: case["name"])
def test_bad_verifier_key_is_refused_for_its_reason(case: dict[str, Any]) -> None:
    _refused_for(case["why"], lambda: VerifierKey.parse(case["text"]))


@pytest.mark.parametrize("case", VECTORS["origins"], ids=lambda case: f"{case['inc']}-{case['peer_inc']}")
def test_origin_names_the_log_of_line_author_and_incarnations(case: dict[str, Any]) -> None:
    line, author = bytes.fromhex(case["line"]), bytes.fromhex(case["author"])
    assert origin(line, author, case["inc"], case["peer_inc"]) == case["origin"]
    assert custody_name(case["origin"]) == case["custody"]


def test_origin_differs_for_each_line_author_and_pair() -> None:
    one, two = bytes(32), bytes([1] * 32)
    cases = [(one, one, 1, 1), (two, one, 1, 1), (one, two, 1, 1), (one, one, 1, 2), (one, one, 2, 1)]
    assert len({origin(*case) for case in cases}) == len(cases)


def test_cosignature_message_is_that_of_c2sp() -> None:
    text = b"example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    assert cosignature_message(1679315147, text) == b"cosignature/v1\ntime 1679315147\n" + text


def test_note_cut_short_at_any_byte_is_refused_or_has_fewer_signatures() -> None:
    text = Checkpoint(LOG.name, 1, bytes(32)).text()
    signature = PRIVATE.sign(text)
    whole = format_note(text, [(LOG, signature), (LOG, signature)])
    first = format_note(text, [(LOG, signature)])
    for end in range(len(whole)):
        if whole[:end] == first:
            assert len(parse_note(whole[:end]).signatures) == 1
        else:
            with pytest.raises(Malformed):
                parse_note(whole[:end])


def test_note_with_any_byte_left_over_is_refused() -> None:
    text = Checkpoint(LOG.name, 1, bytes(32)).text()
    whole = format_note(text, [(LOG, PRIVATE.sign(text))])
    for byte in range(256):
        with pytest.raises(Malformed):
            parse_note(whole + bytes([byte]))


def test_note_with_any_byte_changed_is_refused_or_no_longer_verifies() -> None:
    text = Checkpoint(LOG.name, 1, bytes(32)).text()
    whole = format_note(text, [(LOG, PRIVATE.sign(text))])
    for place in range(len(whole)):
        changed = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
        with pytest.raises((Malformed, BadSignature)):
            parse_note(changed).verify([LOG])


def test_checkpoint_and_verifier_key_cut_short_at_any_byte_are_refused() -> None:
    text, key = Checkpoint(LOG.name, 1, bytes(32)).text(), LOG.to_text()
    for end in range(len(text)):
        with pytest.raises(Malformed):
            Checkpoint.parse(text[:end])
    for end in range(len(key)):
        with pytest.raises(Malformed):
            VerifierKey.parse(key[:end])


def test_note_or_checkpoint_larger_than_its_limit_is_refused_before_it_is_read() -> None:
    _refused_for("at most 65536 bytes", lambda: parse_note(b"\xff" * (NOTE_BYTES_MAX + 1)))
    _refused_for("at most 65536 bytes", lambda: Checkpoint.parse(b"\xff" * (NOTE_BYTES_MAX + 1)))


def test_note_and_checkpoint_of_the_largest_size_are_read() -> None:
    line = f"\n— {LOG.name} {b64encode(bytes(64)).decode()}\n".encode()
    note = b"t" * (NOTE_BYTES_MAX - 1 - len(line)) + b"\n" + line
    assert len(note) == NOTE_BYTES_MAX
    assert len(parse_note(note).signatures) == 1
    rest = len(Checkpoint("o", 1, bytes(32)).text()) - 1
    checkpoint = Checkpoint("o" * (NOTE_BYTES_MAX - rest), 1, bytes(32))
    assert len(checkpoint.text()) == NOTE_BYTES_MAX
    assert Checkpoint.parse(checkpoint.text()) == checkpoint


def test_checkpoint_whose_last_line_does_not_end_is_refused() -> None:
    text = Checkpoint(LOG.name, 1, bytes(32)).text()
    _refused_for("each end in a newline", lambda: Checkpoint.parse(text + b"more"))


@pytest.mark.slow
def test_two_keys_that_cannot_be_told_apart_are_refused() -> None:
    # Two public keys whose key ids under this name were searched for until they met.
    colliding = _colliding_keys()
    note = Note(b"a\n", [(colliding[0].name, colliding[0].key_id, bytes(64))])
    _refused_for("same name and key id", lambda: note.verify(colliding))


def _colliding_keys() -> list[VerifierKey]:
    seen: dict[bytes, VerifierKey] = {}
    for number in range(1_000_000):
        key = VerifierKey("x", ED25519, number.to_bytes(32, "big"))
        if key.key_id in seen:
            return [seen[key.key_id], key]
        seen[key.key_id] = key
    raise AssertionError("no two key ids met")


def test_same_key_given_twice_is_one_key() -> None:
    text = b"a\n"
    note = parse_note(format_note(text, [(LOG, PRIVATE.sign(text))]))
    assert note.verify([LOG, VerifierKey.parse(LOG.to_text())]) == [(LOG, None)]


def test_cosignature_of_key_gives_its_time() -> None:
    text = Checkpoint(LOG.name, 1, bytes(32)).text()
    blob = (77).to_bytes(8, "big") + PRIVATE.sign(cosignature_message(77, text))
    assert parse_note(format_note(text, [(CUSTODY, blob)])).verify([LOG, CUSTODY]) == [(CUSTODY, 77)]


def test_cosignature_has_a_time_below_2_to_the_53() -> None:
    text = Checkpoint(LOG.name, 1, bytes(32)).text()

    def cosigned(time: int) -> Note:
        blob = time.to_bytes(8, "big") + PRIVATE.sign(cosignature_message(time, text))
        return parse_note(format_note(text, [(CUSTODY, blob)]))

    assert cosigned(INTEGER_MAX).verify([CUSTODY]) == [(CUSTODY, INTEGER_MAX)]
    with pytest.raises(BadSignature, match=r"2\*\*53"):
        cosigned(INTEGER_MAX + 1).verify([CUSTODY])


@pytest.mark.parametrize(
    ("text", "signatures"),
    [
        (b"no newline", [(LOG, bytes(64))]),
        (b"text\n\n\xe2\x80\x94 x AAAAAAA=", [(LOG, bytes(64))]),
        (b"", [(LOG, bytes(64))]),
        (b"control\x07\n", [(LOG, bytes(64))]),
        (b"not UTF-8 \xff\n", [(LOG, bytes(64))]),
        (b"text\n", []),
        (b"text\n\nmore\n", []),
        (b"text\n", [(LOG, bytes(64))] * 17),
        (b"text\n", [(LOG, bytes(63))]),
        (b"text\n", [(CUSTODY, bytes(64))]),
        (b"text\n", [(VerifierKey("a b", ED25519, PUBLIC), bytes(64))]),
    ],
)
def test_note_that_could_not_be_read_back_is_our_bug(text: bytes, signatures: list[tuple[VerifierKey, bytes]]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the message differs, the family does not
        format_note(text, signatures)


@pytest.mark.parametrize(
    "checkpoint",
    [Checkpoint("", 1, bytes(32)), Checkpoint("a\nb", 1, bytes(32)), Checkpoint("a", -1, bytes(32)),
     Checkpoint("a", 2**53, bytes(32)), Checkpoint("a", 1, bytes(31))],
)  # fmt: skip
def test_checkpoint_that_could_not_be_read_back_is_our_bug(checkpoint: Checkpoint) -> None:
    with pytest.raises(ValueError, match="not the origin, size and root"):
        checkpoint.text()


@pytest.mark.parametrize(
    "key",
    [
        VerifierKey("", 1, PUBLIC),
        VerifierKey("a+b", 1, PUBLIC),
        VerifierKey("a\x07b", 1, PUBLIC),
        VerifierKey("a", 2, PUBLIC),
        VerifierKey("a", 1, b""),
    ],
)
def test_verifier_key_that_could_not_be_read_back_is_our_bug(key: VerifierKey) -> None:
    with pytest.raises(ValueError, match="not the name, algorithm and public key"):
        key.to_text()


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x1b"])
def test_verifier_key_whose_name_has_a_control_character_is_refused(character: str) -> None:
    name, key_id, key = LOG.to_text().split("+", 2)
    _refused_for("control character", lambda: VerifierKey.parse(f"{name}{character}+{key_id}+{key}"))


@pytest.mark.slow
@given(texts, _signatures())
def test_note_comes_back_whatever_its_text_and_signatures(text: bytes, signatures: list[tuple[VerifierKey, bytes]]) -> None:
    note = parse_note(format_note(text, signatures))
    assert note == Note(text, [(key.name, key.key_id, blob) for key, blob in signatures])


@given(words, st.integers(0, INTEGER_MAX), st.binary(min_size=32, max_size=32))
def test_checkpoint_comes_back_whatever_it_says(name: str, size: int, root: bytes) -> None:
    checkpoint = Checkpoint(name, size, root)
    assert Checkpoint.parse(checkpoint.text()) == checkpoint


@given(keys)
def test_verifier_key_comes_back_whatever_it_is(key: VerifierKey) -> None:
    assert VerifierKey.parse(key.to_text()) == key


PIECES = st.sampled_from(
    ["\n", "\n\n", "— ", "-", " ", "+", "a", "0", "5", "=", "AAAAAAA=", "AAAAAAB=", "A" * 43 + "=", "é", "\r"]
)


@given(st.lists(PIECES, max_size=14).map("".join) | st.text(max_size=40))
def test_any_text_is_refused_or_the_one_form_of_what_it_says(text: str) -> None:
    with suppress(Malformed):
        assert Checkpoint.parse(text.encode()).text() == text.encode()
    with suppress(Malformed):
        assert VerifierKey.parse(text).to_text() == text


@given(st.lists(PIECES, max_size=14).map("".join).map(str.encode) | st.binary(max_size=40))
def test_any_bytes_are_refused_or_a_note_with_text_and_signatures(data: bytes) -> None:
    try:
        note = parse_note(data)
    except Malformed:
        return
    assert data.startswith(note.text + b"\n")
    assert note.signatures
