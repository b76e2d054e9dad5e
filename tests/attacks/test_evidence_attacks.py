"""Evidence in which something genuine stands in a wrong place, or something false in a right one: each refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from tests.core.sample_desks import identity_key, roster, seeded, signed_certificate, terms
from tests.core.sample_evidence import DESK_OF, TIME, Talk, another_line, other, sample_talk
from watchline.core.archive import pack, unpack
from watchline.core.certificate import Certificate, issue
from watchline.core.checkpoint import Checkpoint, VerifierKey, cosignature_message, format_note, parse_note
from watchline.core.encoding import decode, encode
from watchline.core.evidence import Report, build_evidence, verify_evidence
from watchline.core.evidence_parts import Head, LogKeys, log_keys, write_head
from watchline.core.evidence_words import CONDITION
from watchline.core.keys import DeskKeys, IdentityKey
from watchline.core.pairing import accept_invitation, complete_invitation, make_invitation
from watchline.core.statements import StatementType, sign_statement

TRUSTED = (identity_key("A").identity, identity_key("B").identity)
HEAD_A, HEAD_B = "logs/a-1-1/heads/0000000000000005.txt", "logs/b-1-1/heads/0000000000000004.txt"
ENTRIES_A, ENTRIES_B = (f"logs/{side}-1-1/entries/0000000000000000.bin" for side in "ab")
TREE_A = "logs/a-1-1/tree.txt"
STATUS_A, STATUS_B = (f"statuses/{side}-1-1/0000000000000000.bin" for side in "ab")


@cache
def talk() -> Talk:
    return sample_talk()


@cache
def good() -> Mapping[str, bytes]:
    return unpack(build_evidence(talk().bundle()))


@cache
def foreign() -> Mapping[str, bytes]:
    """What the same two desks said, in the same words, on their other line."""
    return unpack(build_evidence(another_line().bundle()))


def refuse(changes: Mapping[str, bytes | None], part: str, words: str, rule: int) -> Report:
    """Verify the good evidence with some parts changed: it must be refused, by a fault with this part, reason and rule."""
    parts = {name: content for name, content in {**good(), **changes}.items() if content is not None}
    report = verify_evidence(pack(parts), TRUSTED)
    assert not report.verified
    assert (report.facts, report.entries, report.identities, report.complete) == ((), (), (), False)
    assert any(fault.part == part and words in fault.message and fault.rule == rule for fault in report.faults), report.faults
    return report


def keys_of(line: Talk, side: str = "a") -> LogKeys:
    return log_keys(line.direction(side), line.keys(side).log.public, line.keys(other(side)).custody.public)


def text_of(line: Talk, side: str = "a", size: int = 5) -> bytes:
    return Checkpoint(keys_of(line, side).log.name, size, line.root(side, size)).text()


def cosign(line: Talk, signer: DeskKeys, time: int = TIME) -> bytes:
    return time.to_bytes(8, "big") + signer.custody.sign(cosignature_message(time, text_of(line)))


def change_entry(index: int, place: int, value: object) -> bytes:
    chunk = decode(good()[ENTRIES_A])
    chunk[index][place] = value
    return encode(chunk)


# Another line


def test_note_of_another_line_is_refused() -> None:
    refuse({HEAD_A: foreign()[HEAD_A]}, HEAD_A, "the note is of another log", 9)


def test_receipt_of_another_line_under_our_note_is_refused() -> None:
    ours, theirs = talk().head("a", 5), another_line().head("a", 5)
    mixed = write_head(Head(5, ours.root, ours.signature, theirs.receipt), keys_of(talk()))
    refuse({HEAD_A: mixed}, HEAD_A, "signature does not hold", 4)


def test_checkpoint_signature_of_another_line_under_our_note_is_refused() -> None:
    ours, theirs = talk().head("a", 5), another_line().head("a", 5)
    mixed = write_head(Head(5, ours.root, theirs.signature, ours.receipt), keys_of(talk()))
    refuse({HEAD_A: mixed}, HEAD_A, "signature does not hold", 4)


def test_leaves_of_another_line_are_refused() -> None:
    refuse({ENTRIES_A: foreign()[ENTRIES_A]}, ENTRIES_A, "another line, direction or incarnation", 7)


def test_status_of_another_line_is_refused() -> None:
    refuse({STATUS_B: foreign()[STATUS_B]}, STATUS_B, "another line, direction or incarnation", 4)


def test_pairing_file_of_another_line_is_refused() -> None:
    for number in (1, 2, 3):
        name = f"pairing/{number}.bin"
        refuse({name: foreign()[name]}, "pairing", "another pairing", 5)


def test_pairing_of_another_line_leaves_nothing_in_place() -> None:
    pairing = {name: content for name, content in foreign().items() if name.startswith("pairing/")}
    report = refuse(pairing, ENTRIES_A, "another line, direction or incarnation", 7)
    assert {HEAD_A, HEAD_B, ENTRIES_A, ENTRIES_B, STATUS_A, STATUS_B} <= {fault.part for fault in report.faults}


# Another direction, incarnation or purpose


def test_logs_of_the_two_desks_swapped_are_refused() -> None:
    flip = {"logs/a-1-1": "logs/b-1-1", "logs/b-1-1": "logs/a-1-1"}
    swapped = {flip.get(name[:10], name[:10]) + name[10:]: content for name, content in good().items()}
    report = verify_evidence(pack(swapped), TRUSTED)
    assert not report.verified
    assert {fault.message for fault in report.faults} >= {
        "the note is of another log",
        "the leaf belongs to another line, direction or incarnation",
    }


def test_pairing_files_of_the_two_desks_swapped_are_refused() -> None:
    one, two, three = (good()[f"pairing/{number}.bin"] for number in (1, 2, 3))
    refuse({"pairing/1.bin": two, "pairing/2.bin": one}, "pairing", "step must be an integer", 5)
    body, ed, ml = decode(two)
    refuse({"pairing/1.bin": body, "pairing/2.bin": encode([one, ed, ml])}, "pairing", "this is file 2", 5)
    refuse({"pairing/2.bin": three, "pairing/3.bin": two}, "pairing", "this is file 3", 5)


def test_status_of_the_other_desk_is_refused() -> None:
    refuse({STATUS_A: good()[STATUS_B], STATUS_B: good()[STATUS_A]}, STATUS_A, "another line, direction or incarnation", 4)


def test_note_of_the_other_direction_is_refused() -> None:
    name = "logs/a-1-1/heads/0000000000000004.txt"
    refuse({name: good()[HEAD_B]}, name, "the note is of another log", 9)


def test_log_under_another_incarnation_is_refused() -> None:
    renamed = {name.replace("a-1-1", "a-2-1"): content for name, content in good().items() if "logs/a-1-1" in name}
    hidden = {name: None for name in good() if "logs/a-1-1" in name}
    refuse({**hidden, **renamed}, "logs/a-2-1", "no certificate that is shown names this incarnation", 2)


def test_status_of_another_incarnation_is_refused() -> None:
    early = Talk(incs=(1, 2)).status("a")
    refuse({STATUS_A: encode([early.payload, early.ed, early.ml])}, STATUS_A, "another line, direction or incarnation", 4)


def test_statement_of_another_type_in_the_place_of_a_status_is_refused() -> None:
    key = talk().keys("b").statement
    routes = sign_statement(StatementType.ROUTES, talk().direction("b"), (TIME, []), key)
    refuse({STATUS_B: encode([routes.payload, routes.ed, routes.ml])}, STATUS_B, "this statement is no status", 25)


def test_status_with_one_half_only_is_refused() -> None:
    payload, ed, ml = decode(good()[STATUS_B])
    refuse({STATUS_B: encode([payload, ed, None])}, STATUS_B, "ml must be", 39)
    refuse({STATUS_B: encode([payload, ed, bytes(len(ml))])}, STATUS_B, "ML-DSA signature does not hold", 4)
    refuse({STATUS_B: encode([payload, bytes(64), ml])}, STATUS_B, "Ed25519 signature does not hold", 4)


# Keys in wrong places


def test_receipt_by_the_author_itself_is_refused() -> None:
    keys, author = keys_of(talk()), talk().keys("a")
    signed = (keys.log, author.log.sign(text_of(talk())))
    own = VerifierKey(keys.custody.name, keys.custody.algorithm, author.custody.public)
    note = format_note(text_of(talk()), [signed, (own, cosign(talk(), author))])
    refuse({HEAD_A: note}, HEAD_A, "the author gave itself a receipt", 23)


def test_receipt_under_the_authors_log_key_is_refused() -> None:
    keys, author = keys_of(talk()), talk().keys("a")
    own = VerifierKey(keys.custody.name, keys.custody.algorithm, author.log.public)
    blob = TIME.to_bytes(8, "big") + author.log.sign(cosignature_message(TIME, text_of(talk())))
    note = format_note(text_of(talk()), [(keys.log, author.log.sign(text_of(talk()))), (own, blob)])
    refuse({HEAD_A: note}, HEAD_A, "the author gave itself a receipt", 23)


def test_receipt_by_somebody_else_is_refused() -> None:
    keys, author, stranger = keys_of(talk()), talk().keys("a"), DeskKeys.generate(seeded("stranger"))
    theirs = VerifierKey(keys.custody.name, keys.custody.algorithm, stranger.custody.public)
    note = format_note(text_of(talk()), [(keys.log, author.log.sign(text_of(talk()))), (theirs, cosign(talk(), stranger))])
    refuse({HEAD_A: note}, HEAD_A, "neither the author's nor the recipient's", 23)


def test_receipt_by_the_author_under_the_recipients_key_id_is_refused() -> None:
    keys, author = keys_of(talk()), talk().keys("a")
    note = format_note(text_of(talk()), [(keys.log, author.log.sign(text_of(talk()))), (keys.custody, cosign(talk(), author))])
    refuse({HEAD_A: note}, HEAD_A, "Ed25519 signature does not hold", 4)


def test_custody_signature_in_the_log_keys_slot_is_refused() -> None:
    keys, recipient = keys_of(talk()), talk().keys("b")
    as_log = format_note(text_of(talk()), [(keys.log, recipient.custody.sign(text_of(talk())))])
    refuse({HEAD_A: as_log}, HEAD_A, "Ed25519 signature does not hold", 4)
    named = VerifierKey(keys.log.name, keys.log.algorithm, recipient.custody.public)
    strange = format_note(text_of(talk()), [(named, recipient.custody.sign(text_of(talk())))])
    refuse({HEAD_A: strange}, HEAD_A, "a key that is neither the author's nor the recipient's", 23)


def test_log_signature_in_the_custody_keys_slot_is_refused() -> None:
    keys, author = keys_of(talk()), talk().keys("a")
    blob = TIME.to_bytes(8, "big") + author.log.sign(cosignature_message(TIME, text_of(talk())))
    refuse({HEAD_A: format_note(text_of(talk()), [(keys.custody, blob)])}, HEAD_A, "Ed25519 signature does not hold", 4)


def test_receipt_without_the_authors_checkpoint_proves_no_entry() -> None:
    head = talk().head("a", 5)
    alone = write_head(Head(5, head.root, None, head.receipt), keys_of(talk()))
    refuse({HEAD_A: alone}, TREE_A, "the author signed no tree head that covers every entry shown", 9)


def test_checkpoint_below_an_entry_does_not_prove_it() -> None:
    low = "logs/a-1-1/heads/0000000000000004.txt"
    early = write_head(talk().head("a", 4), keys_of(talk()))
    refuse({HEAD_A: None, low: early}, TREE_A, "the author signed no tree head that covers every entry shown", 9)


def test_time_of_a_receipt_that_was_changed_is_refused() -> None:
    keys, head = keys_of(talk()), talk().head("a", 5)
    assert head.receipt is not None
    later = write_head(Head(5, head.root, head.signature, (head.receipt[0] + 1, head.receipt[1])), keys)
    refuse({HEAD_A: later}, HEAD_A, "Ed25519 signature does not hold", 4)


def test_strange_signature_line_is_refused() -> None:
    note = parse_note(good()[HEAD_A])
    assert len(note.signatures) == 2
    strange = good()[HEAD_A] + good()[HEAD_A].splitlines()[-1].replace(b"watchline", b"witness") + b"\n"
    refuse({HEAD_A: strange}, HEAD_A, "a key that is neither a desk's nor a witness's", 23)


def test_verifier_key_of_somebody_else_is_refused() -> None:
    for name in ("log.vkey", "custody.vkey"):
        part = f"logs/a-1-1/{name}"
        refuse({part: good()[f"logs/b-1-1/{name}"]}, part, "not what the signed parts give", 41)


def test_certificate_of_another_identity_is_refused() -> None:
    name = "certificates/a/0000000000000002.bin"
    refuse({name: signed_certificate("B").encoded}, name, "this certificate is another desk's", 2)


def test_certificate_that_gives_an_incarnation_other_keys_is_refused() -> None:
    name = "certificates/b/0000000000000002.bin"
    own = signed_certificate("B").certificate
    stolen = DeskKeys.generate(seeded("thief")).public
    twice = issue(identity_key("B"), Certificate(own.desk, None, 2, 1, stolen, own.not_before, own.not_after))
    refuse({name: twice.encoded}, name, "other keys without a new incarnation", 2)


def test_certificate_that_stands_in_the_pairing_files_is_refused_as_a_later_one() -> None:
    name = "certificates/b/0000000000000001.bin"
    refuse({name: signed_certificate("B").encoded}, name, "this certificate is not a later one", 2)


# Leaves, bodies and paths


def test_body_of_another_entry_is_refused() -> None:
    _, blinding, body = decode(good()[ENTRIES_A])[2]
    refuse({ENTRIES_A: change_entry(1, 2, body)}, ENTRIES_A, "the body is not the one the leaf commits to", 8)
    chunk = decode(good()[ENTRIES_A])
    chunk[1][1:] = [blinding, body]
    refuse({ENTRIES_A: encode(chunk)}, ENTRIES_A, "the body is not the one the leaf commits to", 8)


def test_body_without_its_blinding_is_refused() -> None:
    refuse({ENTRIES_A: change_entry(1, 1, None)}, ENTRIES_A, "blinding must be 32 bytes", 39)


def test_entries_out_of_order_or_twice_are_refused() -> None:
    chunk = decode(good()[ENTRIES_A])
    for wrong in (chunk[::-1], [*chunk, chunk[-1]]):
        refuse({ENTRIES_A: encode(wrong)}, ENTRIES_A, "in order of their indexes", 41)


def test_leaf_of_the_other_log_is_refused() -> None:
    leaf, blinding, body = decode(good()[ENTRIES_B])[1]
    chunk = decode(good()[ENTRIES_A])
    chunk[1] = [leaf, blinding, body]
    refuse({ENTRIES_A: encode(chunk)}, ENTRIES_A, "another line, direction or incarnation", 7)


def test_leaf_that_was_never_in_the_log_is_refused() -> None:
    invented = Talk()
    for _ in range(4):
        invented.say("a", "false-alarm")
    chunk = decode(good()[ENTRIES_A])
    shown = invented.entries["a"][3]
    chunk[3] = [shown.leaf, shown.blinding, shown.body]
    refuse({ENTRIES_A: encode(chunk)}, TREE_A, "do not lead to the root that was signed", 7)


def test_inclusion_path_of_another_index_is_refused() -> None:
    first, second = (unpack(build_evidence(talk().bundle({"a": [index]}))) for index in (1, 2))
    assert first[TREE_A] != second[TREE_A]
    report = verify_evidence(pack({**first, TREE_A: second[TREE_A]}), TRUSTED)
    assert not report.verified
    assert [(fault.part, fault.rule) for fault in report.faults] == [(TREE_A, 7)]


def test_hashes_swapped_in_the_tree_are_refused() -> None:
    parts = unpack(build_evidence(talk().bundle({"a": [1]})))
    lines = [line.split(b" ") for line in parts[TREE_A].splitlines()]
    lines[0][2], lines[1][2] = lines[1][2], lines[0][2]
    swapped = b"".join(b" ".join(line) + b"\n" for line in lines)
    report = verify_evidence(pack({**parts, TREE_A: swapped}), TRUSTED)
    assert [(fault.part, fault.rule) for fault in report.faults] == [(TREE_A, 7)]


def test_status_that_signs_another_root_is_refused() -> None:
    lying = sample_talk()
    lying.entries["a"][3], lying.entries["a"][4] = lying.entries["a"][4], lying.entries["a"][3]
    false = lying.status("b")
    part = encode([false.payload, false.ed, false.ml])
    refuse({STATUS_B: part}, TREE_A, "do not lead to the root that was signed at size 5", 7)


def test_text_that_says_more_than_the_signed_parts_is_refused() -> None:
    for name in ("readme.txt", "summary.json"):
        refuse({name: good()[name].replace(b"NOT RELEASED", b"RELEASED").replace(b"false", b"true ")}, name, "not what", 41)


def test_content_left_out_shows_in_the_text() -> None:
    chunk = decode(good()[ENTRIES_A])
    chunk[1][1:] = [None, None]
    refuse({ENTRIES_A: encode(chunk)}, "readme.txt", "not what the signed parts give", 41)


# Strangers


def invent(names: Mapping[str, str]) -> Report:
    """Evidence of two desks that are nobody's, under these names, as the real desks' people verify it."""
    made = {side: IdentityKey.generate(name, seeded(f"stranger {side}")) for side, name in names.items()}
    certificates = {}
    for side, key in made.items():
        real = signed_certificate(DESK_OF[side]).certificate
        own = Certificate(key.identity.id, None, 1, 1, real.public, real.not_before, real.not_after)
        certificates[side] = issue(key, own)
    _, pending = make_invitation(made["a"], certificates["a"], roster("A"), terms(), (), seeded("s1"))
    file2, _ = accept_invitation(pending.file1, made["b"], certificates["b"], roster("B"), (), seeded("s2"))
    file3, pairing = complete_invitation(pending, file2, made["a"], seeded("s3"))

    class Invented(Talk):
        def sender(self, side: str) -> bytes:
            return made[side].identity.id

    line = sample_talk(Invented(pairing.line, (pending.file1, file2, file3)))
    return verify_evidence(build_evidence(line.bundle()), TRUSTED)


def test_evidence_of_two_desks_a_stranger_made_up_is_never_trusted() -> None:
    report = invent({"a": TRUSTED[0].desk, "b": TRUSTED[1].desk})
    assert report.verified  # it holds together, and says of itself that this is no more than that
    assert [each.desk for each in report.identities] == [identity.desk for identity in TRUSTED]
    assert not any(each.trusted for each in report.identities)
    assert all(fact.startswith(CONDITION) for fact in report.facts)


def test_two_desks_of_one_name_are_told_apart_in_every_sentence() -> None:
    report = invent({"a": "Tokyo", "b": "Tokyo"})
    assert report.verified
    assert all("Tokyo (a)" in fact or "Tokyo (b)" in fact for fact in report.facts)
    assert {entry["author"] for entry in report.entries} == {"Tokyo (a)", "Tokyo (b)"}


def test_one_true_desk_beside_a_made_up_one_leaves_every_sentence_conditional() -> None:
    report = verify_evidence(build_evidence(talk().bundle()), [TRUSTED[0], identity_key("C").identity])
    assert [each.trusted for each in report.identities] == [True, False]
    assert all(fact.startswith(CONDITION) for fact in report.facts)
