"""What logs and witnesses say to each other: strict forms, a decision that lets a log only grow, cosignatures that hold."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.line_pair import terms
from watchline.core.checkpoint import (
    COSIGNATURE,
    ED25519,
    NOTE_BYTES_MAX,
    Checkpoint,
    Note,
    VerifierKey,
    format_note,
    parse_note,
)
from watchline.core.keys import Ed25519Key
from watchline.core.limits import INTEGER_MAX, PROOF_HASHES_MAX
from watchline.core.merkle import EMPTY_ROOT, consistency_path, leaf_hash, root_of
from watchline.core.terms import Witness
from watchline.core.witnessing import (
    ANSWER_BYTES_MAX,
    CLOCK_SLACK_SECONDS,
    REQUEST_BYTES_MAX,
    Accept,
    AddCheckpoint,
    Cosignature,
    Refuse,
    TreeHead,
    WitnessKey,
    add,
    bound_nonce,
    judge_time,
    parse_log_keys,
    read_cosignatures,
    read_known_size,
    read_request,
    verify_cosignature,
    witness_keys,
)
from watchline.errors import BadSignature, Malformed

LOG = Ed25519Key(bytes(range(32)))
ORIGIN = "watchline/1/0123456789abcdef0123456789abcdef"
LOG_KEY = VerifierKey(ORIGIN, ED25519, LOG.public)
WITNESS = WitnessKey("witness.example.org/w1", Ed25519Key(bytes(32)))
OTHER = WitnessKey("witness.example.org/w2", Ed25519Key(b"2" * 32))
NOW = 1_700_000_000

LEAVES = [leaf_hash(b"%d" % index) for index in range(40)]
FORKED = [*LEAVES[:5], *(leaf_hash(b"other %d" % index) for index in range(35))]


def subtree(leaves: list[bytes], start: int, stop: int) -> bytes:
    return root_of(leaves[start:stop])


def head(size: int, leaves: list[bytes] = LEAVES) -> TreeHead:
    return TreeHead(size, root_of(leaves[:size]))


def checkpoint(size: int, leaves: list[bytes] = LEAVES, origin: str = ORIGIN) -> Checkpoint:
    return Checkpoint(origin, size, root_of(leaves[:size]))


def signed(size: int, leaves: list[bytes] = LEAVES, key: Ed25519Key = LOG) -> bytes:
    text = checkpoint(size, leaves).text()
    return format_note(text, [(replace(LOG_KEY, public=key.public), key.sign(text))])


def request(old: int, size: int, leaves: list[bytes] = LEAVES) -> AddCheckpoint:
    proof = consistency_path(old, size, lambda start, stop: subtree(leaves, start, stop))
    return AddCheckpoint(old, tuple(proof), signed(size, leaves))


def decide(known: TreeHead | None, asked: AddCheckpoint, key: VerifierKey | None = LOG_KEY) -> Accept | Refuse:
    read = read_request(asked.to_bytes())
    assert not isinstance(read, Refuse)
    return add(known, key, *read)


def status(decided: Accept | Refuse) -> int:
    return decided.status if isinstance(decided, Refuse) else 200


HASHES = st.binary(min_size=32, max_size=32)


@given(st.integers(0, INTEGER_MAX), st.lists(HASHES, max_size=PROOF_HASHES_MAX).map(tuple), st.binary(max_size=200))
def test_request_comes_out_as_it_went_in(old: int, proof: tuple[bytes, ...], note: bytes) -> None:
    asked = AddCheckpoint(old, proof, note)

    assert AddCheckpoint.parse(asked.to_bytes()) == asked


@given(st.binary(max_size=300) | st.text(alphabet="old 0123=A\n", max_size=200).map(str.encode))
def test_any_bytes_are_a_request_in_its_one_form_or_are_refused(data: bytes) -> None:
    try:
        asked = AddCheckpoint.parse(data)
    except Malformed as refused:
        assert refused.rule == 27
        return
    assert asked.to_bytes() == data


def test_request_is_the_one_of_the_specification() -> None:
    asked = request(3, 7)
    lines = asked.to_bytes().decode().split("\n")

    assert lines[0] == "old 3"
    assert lines[1 : 1 + len(asked.proof)] == [b64encode(each).decode() for each in asked.proof]
    assert lines[1 + len(asked.proof)] == ""
    assert "\n".join(lines[2 + len(asked.proof) :]).encode() == signed(7)


HASH = b64encode(bytes(32))


@pytest.mark.parametrize(
    "head_lines",
    [
        b"", b"old", b"old ", b"old 01", b"old -1", b"old +1", b"old  1", b"Old 1", b" old 1", b"old 1 ",
        b"old 9007199254740992", b"old 99999999999999999", b"old 1\n" + HASH[:-1], b"old 1\n" + HASH + b"=",
        b"old 1\n" + b64encode(bytes(31)), b"old 1\n" + b64encode(bytes(33)), b"old 1\n" + b" " + HASH[1:], b"old 1\r",
        b"old 1\n" + HASH[:42] + b"B=", b"old 1\n" + b"\n".join([HASH] * (PROOF_HASHES_MAX + 1)), b"old \xd9\xa1",
    ],
)  # fmt: skip
def test_request_of_another_form_is_refused(head_lines: bytes) -> None:
    assert not isinstance(read_request(b"old 1\n\n" + signed(1)), Refuse)

    refused = read_request(head_lines + b"\n\n" + signed(1))

    assert isinstance(refused, Refuse)
    assert (refused.status, refused.content_type) == (400, "text/plain; charset=utf-8")


def test_request_beyond_its_bounds_is_refused() -> None:
    assert status(read_request(b"old 0\n\n" + b"x" * REQUEST_BYTES_MAX)) == 400  # type: ignore[arg-type]
    assert status(read_request(b"old 0\n" + signed(3))) == 400  # type: ignore[arg-type]
    assert status(read_request(b"old 0\n\n" + signed(3) + b"\n" + signed(4))) == 400  # type: ignore[arg-type]
    assert status(read_request(b"old 0\n\n")) == 400  # type: ignore[arg-type]


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 40))
def test_log_is_signed_only_where_it_goes_on_from_what_is_known(known: int, old: int, size: int) -> None:
    asked = request(min(old, size), size)
    asked = replace(asked, old_size=old)

    decided = decide(head(known) if known else None, asked)

    if old > size:
        assert status(decided) == 400
    elif old != known:
        assert isinstance(decided, Refuse)
        assert (decided.status, decided.body, decided.content_type) == (409, b"%d\n" % known, "text/x.tlog.size")
    else:
        assert decided == Accept(head(size), checkpoint(size).text())


@given(st.integers(6, 40), st.integers(6, 40))
def test_log_that_forked_is_never_signed(known: int, size: int) -> None:
    decided = decide(head(known), request(min(known, size), size, FORKED))

    assert isinstance(decided, Refuse)
    assert decided.status in (409, 422)
    assert decided.suspect == (size >= known)


def test_another_root_of_the_known_size_is_a_conflict() -> None:
    decided = decide(head(7), request(7, 7, FORKED))

    assert isinstance(decided, Refuse)
    assert (decided.status, decided.known_size, decided.suspect) == (409, 7, True)


def test_proof_with_a_hash_too_many_or_too_few_is_refused() -> None:
    good = request(5, 12)
    for proof in (good.proof[:-1], (*good.proof, bytes(32)), ()):
        assert status(decide(head(5), replace(good, proof=proof))) == 422
    assert status(decide(None, replace(request(0, 3), proof=(bytes(32),)))) == 422


def test_empty_log_has_the_empty_root() -> None:
    assert decide(None, request(0, 0)) == Accept(TreeHead(0, EMPTY_ROOT), checkpoint(0).text())
    text = Checkpoint(ORIGIN, 0, bytes(32)).text()
    asked = AddCheckpoint(0, (), format_note(text, [(LOG_KEY, LOG.sign(text))]))
    assert status(decide(None, asked)) == 409


def test_log_without_a_key_is_not_served_and_another_key_signs_nothing() -> None:
    assert status(decide(None, request(0, 3), None)) == 404
    stranger = Ed25519Key(b"s" * 32)
    assert status(decide(None, AddCheckpoint(0, (), signed(3, key=stranger)))) == 403
    broken = parse_note(signed(3))
    blob = bytearray(broken.signatures[0][2])
    blob[0] ^= 1
    refused = add(None, LOG_KEY, request(0, 3), Note(broken.text, [(ORIGIN, LOG_KEY.key_id, bytes(blob))]), checkpoint(3))
    assert status(refused) == 403


# -- cosignatures


@given(st.integers(0, 40), st.integers(0, INTEGER_MAX))
def test_cosignature_is_read_and_verified_as_it_was_given(size: int, time: int) -> None:
    line = WITNESS.cosign(checkpoint(size).text(), time)

    (found,) = read_cosignatures(line, checkpoint(size), [WITNESS.verifier])

    assert (found.witness, found.time) == (WITNESS.verifier, time)
    verify_cosignature(found, checkpoint(size))
    with pytest.raises(BadSignature):
        verify_cosignature(found._replace(time=time ^ 1), checkpoint(size))
    with pytest.raises(BadSignature):
        verify_cosignature(found, checkpoint(size + 1, [*LEAVES, bytes(32)]))


def test_cosignature_on_another_root_or_by_another_key_is_refused() -> None:
    for line in (WITNESS.cosign(checkpoint(9, FORKED).text(), NOW), OTHER.cosign(checkpoint(9).text(), NOW)):
        with pytest.raises(BadSignature):
            read_cosignatures(line, checkpoint(9), [WITNESS.verifier])


def test_cosignatures_of_unknown_keys_are_ignored_and_each_keeps_its_own_time() -> None:
    text = checkpoint(9).text()
    body = OTHER.cosign(text, 5) + WITNESS.cosign(text, 6) + WITNESS.cosign(text, 7)

    found = read_cosignatures(body, checkpoint(9), [WITNESS.verifier])

    assert [each.time for each in found] == [6, 7]
    for each in found:
        verify_cosignature(each, checkpoint(9))


@pytest.mark.parametrize(
    "body", [b"", b"\n", b"news\n", b"x" * (ANSWER_BYTES_MAX + 1), b"more text\n\n" + WITNESS.cosign(checkpoint(9).text(), NOW)]
)
def test_answer_that_is_no_signature_lines_is_refused(body: bytes) -> None:
    with pytest.raises((Malformed, BadSignature)):
        read_cosignatures(body, checkpoint(9), [WITNESS.verifier])


@pytest.mark.slow
@given(st.binary(max_size=400))
def test_any_answer_is_read_or_refused(body: bytes) -> None:
    with pytest.raises((Malformed, BadSignature)):
        read_cosignatures(body, checkpoint(9), [WITNESS.verifier])


def test_known_size_of_a_conflict_is_read_in_its_one_form() -> None:
    assert [read_known_size(body) for body in (b"0\n", b"7\n", b"9007199254740991\n")] == [0, 7, INTEGER_MAX]
    for body in (b"", b"7", b"07\n", b"-1\n", b"7\n\n", b"9007199254740992\n", b"seven\n", b" 7\n", b"\n"):
        with pytest.raises(Malformed):
            read_known_size(body)


def test_time_far_from_ours_is_refused_in_both_directions() -> None:
    assert judge_time(NOW + CLOCK_SLACK_SECONDS, NOW) is None
    assert judge_time(NOW - CLOCK_SLACK_SECONDS, NOW) is None
    ahead, behind = (judge_time(NOW + sign * (CLOCK_SLACK_SECONDS + 1), NOW) for sign in (1, -1))
    assert ahead is not None
    assert behind is not None
    assert "ahead of" in ahead.message
    assert "behind" in behind.message


def test_witnesses_whose_keys_cannot_be_used_are_left_out() -> None:
    good = Witness("good", WITNESS.verifier.to_text())
    agreed = replace(terms(), witnesses=(Witness("odd", "mldsa+1234+xyz"), Witness("log", LOG_KEY.to_text()), good))

    assert witness_keys(agreed) == {good.vkey: WITNESS.verifier}


def test_list_of_logs_is_read_with_comments() -> None:
    text = f"# ours\n\n  {LOG_KEY.to_text()}  # tokyo\n{LOG_KEY.to_text()}\n"

    assert parse_log_keys(text) == {ORIGIN: LOG_KEY}


@pytest.mark.parametrize(
    "line",
    [
        "news",
        WITNESS.verifier.to_text(),
        VerifierKey(ORIGIN, ED25519, WITNESS.key.public).to_text(),
        LOG_KEY.to_text() + " more",
    ],
)
def test_list_of_logs_with_a_line_that_is_no_key_of_a_log_is_refused(line: str) -> None:
    with pytest.raises(Malformed, match="line 2"):
        parse_log_keys(f"{LOG_KEY.to_text()}\n{line}\n")


def test_nonce_is_bound_to_chance_and_cosignature() -> None:
    said = Cosignature(WITNESS.verifier, NOW, bytes(64))
    nonce = bound_nonce(bytes(16), said.blob)
    assert len(nonce) == 16
    assert len({nonce, bound_nonce(b"1" * 16, said.blob), bound_nonce(bytes(16), said._replace(time=1).blob)}) == 3
    assert WITNESS.verifier.algorithm == COSIGNATURE


def test_request_of_the_largest_size_is_looked_at() -> None:
    assert REQUEST_BYTES_MAX == NOTE_BYTES_MAX + 32 + 64 * 45
    head = b"old 0\n\n"
    assert len(AddCheckpoint.parse(head + b"x" * (REQUEST_BYTES_MAX - len(head))).note) == REQUEST_BYTES_MAX - len(head)
    with pytest.raises(Malformed):
        AddCheckpoint.parse(head + b"x" * (REQUEST_BYTES_MAX - len(head) + 1))


def test_clocks_may_be_ten_minutes_apart() -> None:
    assert [judge_time(NOW + seconds, NOW) is None for seconds in (-601, -600, 600, 601)] == [False, True, True, False]


def test_cosignature_stands_in_a_note_as_its_time_and_signature() -> None:
    assert Cosignature(WITNESS.verifier, NOW, b"s" * 64).blob == NOW.to_bytes(8, "big") + b"s" * 64


def test_secret_of_a_witness_fills_no_log() -> None:
    assert repr(WITNESS) == f"WitnessKey(name={WITNESS.name!r})"
