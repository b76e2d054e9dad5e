"""Evidence: what it tells, in which form, and that every byte of it counts."""

from __future__ import annotations

import io
import json
import zipfile
from base64 import b64encode
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.core.sample_desks import (
    ROUTES,
    accept,
    certificate,
    identity_key,
    officer,
    roster,
    seeded,
    signed_certificate,
    terms,
)
from tests.core.sample_evidence import TIME, Talk, sample_talk
from watchline.core.archive import pack, unpack
from watchline.core.certificate import issue
from watchline.core.checkpoint import VerifierKey, parse_note
from watchline.core.encoding import decode, encode
from watchline.core.entries import Body, Continues, EntryType, Precedence
from watchline.core.evidence import FAULTS_SHOWN_MAX, Report, build_and_judge, build_evidence, verify_evidence
from watchline.core.evidence_parts import CHUNK_ENTRIES, Bundle, hidden_spans, read_hidden, roots_of
from watchline.core.evidence_words import CONDITION
from watchline.core.keys import Identity
from watchline.core.merkle import root_of
from watchline.core.pairing import complete_invitation, make_invitation
from watchline.core.persons import Roster, sign_roster
from watchline.core.time_text import time_text
from watchline.errors import BadProof, Malformed

A, B = identity_key("A").identity, identity_key("B").identity


@cache
def talk() -> Talk:
    return sample_talk()


@cache
def whole() -> bytes:
    return build_evidence(talk().bundle())


@cache
def small() -> bytes:
    return build_evidence(talk().bundle({"a": [1]}, statuses="b"))


def sentence(report: Report, start: str) -> str:
    found = [fact for fact in report.facts if fact.startswith(start)]
    assert len(found) == 1, report.facts
    return found[0]


def test_evidence_of_all_entries_is_verified_and_complete() -> None:
    report = verify_evidence(whole(), [A, B])
    assert report.verified
    assert report.complete
    assert report.faults == ()
    assert [(each.desk, each.trusted, each.complete) for each in report.identities] == [
        (A.desk, True, True),
        (B.desk, True, True),
    ]
    assert [(entry["log"], entry["index"]) for entry in report.entries] == [
        *(("a-1-1", index) for index in range(5)),
        *(("b-1-1", index) for index in range(4)),
    ]


def test_notice_is_told_with_who_released_receipted_acknowledged_and_answered_it() -> None:
    fact = sentence(verify_evidence(whole(), [A, B]), f"{A.desk}'s log key signed entry @1 (number 1)")
    assert "(notice airspace-object, FLASH)" in fact
    assert f"officer 1 (duty, Sato) of {A.desk} released it" in fact
    assert f"{B.desk}'s custody key receipted it at {time_text(TIME + 500)} by its own clock" in fact
    assert f"of {B.desk} acknowledged it in entry @1 of {B.desk}'s log" in fact
    assert f"of {B.desk} answered it in entry @2 of {B.desk}'s log" in fact
    assert "(complete)" in fact


def test_decline_exercise_missing_release_and_machine_are_told() -> None:
    report = verify_evidence(whole(), [A, B])
    declined = sentence(report, f"{A.desk}'s log key signed entry @2")
    assert "EXERCISE" in declined
    assert f"of {B.desk} declined it" in declined
    assert "NOT RELEASED" in sentence(report, f"{A.desk}'s log key signed entry @3")
    assert f"a machine of {A.desk} sent it, as the terms allow" in sentence(report, f"{A.desk}'s log key signed entry @4")


def test_content_is_told_by_form_code_and_field_numbers() -> None:
    entry = verify_evidence(whole()).entries[1]
    assert (entry["form"], entry["precedence"], entry["language"]) == ("airspace-object", "FLASH", "ja")
    assert entry["fields"] == {"1": "気球", "2": [{"bytes": "01"}, {"map": [[3, True]]}]}
    assert entry["acknowledged_by"] == [{"log": "b-1-1", "index": 1, "counts": True}]


@pytest.mark.parametrize("trusted", [(), (A,), (B,), (A, A)])
def test_without_both_identities_every_sentence_is_conditional(trusted: tuple[object, ...]) -> None:
    report = verify_evidence(whole(), trusted)  # type: ignore[arg-type]
    assert report.verified
    assert report.facts
    assert all(fact.startswith(CONDITION) for fact in report.facts)
    assert not all(each.trusted for each in report.identities)


def test_with_both_identities_no_sentence_is_conditional() -> None:
    assert not any(CONDITION in fact for fact in verify_evidence(whole(), [B, A]).facts)


def test_one_entry_is_shown_and_the_others_stay_hidden() -> None:
    report = verify_evidence(small(), [A, B])
    assert report.verified
    assert [(entry["log"], entry["index"]) for entry in report.entries] == [("a-1-1", 1)]
    for index in (0, 2, 3, 4):
        hidden = talk().entries["a"][index]
        assert hidden.leaf not in small()
        assert hidden.blinding is not None
        assert hidden.blinding not in small()


def test_leaf_without_content_tells_neither_form_nor_release() -> None:
    report = verify_evidence(build_evidence(talk().bundle({"a": [1]}, closed={"a": [1]})), [A, B])
    assert report.verified
    assert not report.entries[0]["shown"]
    assert report.entries[0]["released"] is None
    fact = sentence(report, f"{A.desk}'s log key")
    assert "its content is not shown" in fact
    assert "airspace-object" not in fact
    assert "released it" not in fact.split("; ")[0]


def test_evidence_without_full_status_is_provisional() -> None:
    data, complete = build_and_judge(talk().bundle(statuses=""))
    report = verify_evidence(data, [A, B])
    assert report.verified
    assert not report.complete
    assert not complete
    assert "(provisional)" in sentence(report, f"{A.desk}'s log key signed entry @1")


def test_evidence_with_one_desks_status_is_complete_for_that_desk_only() -> None:
    report = verify_evidence(small(), [A, B])
    assert report.complete
    assert [each.complete for each in report.identities] == [False, True]


def test_status_that_covers_only_some_entries_leaves_it_provisional() -> None:
    grown = sample_talk()
    early = grown.status("b")
    sizes = {side: len(grown.entries[side]) for side in "ab"}
    grown.say("a")
    logs = tuple(grown.log(side, sizes=[sizes[side]]) for side in "ab")
    report = verify_evidence(build_evidence(Bundle(grown.pairing, (), logs, (early,))))
    assert report.verified
    assert not report.complete
    assert [bool(entry["covered_by"]) for entry in report.entries if entry["log"] == "a-1-1"] == [True] * 5 + [False]


def test_entry_without_receipt_says_so() -> None:
    bundle = talk().bundle({"a": [1]}, make=lambda side: (talk().head(side, 5, receipt=False),))
    report = verify_evidence(build_evidence(bundle), [A, B])
    assert f"no receipt by {B.desk} is shown" in sentence(report, f"{A.desk}'s log key")
    assert report.entries[0]["received"] is None


def test_entry_is_dated_by_the_first_receipt_that_covers_it() -> None:
    heads = tuple(talk().head("a", size, time=TIME + 10 * size) for size in (2, 4, 5))
    report = verify_evidence(build_evidence(talk().bundle({"a": range(5)}, make=lambda _: heads)))
    assert [entry["received"] for entry in report.entries] == [time_text(TIME + 10 * size) for size in (2, 2, 4, 4, 5)]


def test_acknowledgement_that_names_another_entry_does_not_count() -> None:
    other = Talk()
    for _ in range(2):
        other.say("a")
    other.respond("b", 1, about=2)
    report = verify_evidence(build_evidence(other.bundle()), [A, B])
    assert report.entries[1]["acknowledged_by"] == [{"log": "b-1-1", "index": 1, "counts": False}]
    assert "but does not count" in sentence(report, f"{A.desk}'s log key signed entry @1")
    assert "acknowledged_by" not in report.entries[2]


def test_acknowledgement_without_an_officer_does_not_count() -> None:
    other = Talk()
    other.respond("b", other.say("a"))
    signed = Body.decode(other.entries["b"].pop().body or b"")
    other.add("b", EntryType.ACKNOWLEDGE, Body(signed.content, signed.nonce), 1)
    report = verify_evidence(build_evidence(other.bundle()))
    assert report.entries[1]["acknowledged_by"] == [{"log": "b-1-1", "index": 1, "counts": False}]


def test_acknowledgement_that_signs_no_response_does_not_count() -> None:
    other = Talk()
    other.add("b", EntryType.ACKNOWLEDGE, other.release("b", b"\xff no response", EntryType.ACKNOWLEDGE), other.say("a"))
    report = verify_evidence(build_evidence(other.bundle()))
    assert report.verified
    assert report.entries[1]["acknowledged_by"] == [{"log": "b-1-1", "index": 1, "counts": False}]


def test_acknowledgement_without_its_content_is_told_as_a_mark_only() -> None:
    report = verify_evidence(build_evidence(talk().bundle(closed={"b": [1]})), [A, B])
    fact = sentence(report, f"{A.desk}'s log key signed entry @1")
    marked = f"entry @1 of {B.desk}'s log 1-1, the content of which is not shown, is marked as having acknowledged it"
    assert marked in fact
    assert report.entries[1]["acknowledged_by"] == [{"log": "b-1-1", "index": 1, "counts": False}]


def test_release_by_a_role_that_may_not_is_not_released() -> None:
    other = Talk()
    content = Body.decode(talk().entries["a"][1].body or b"").content
    other.add("a", EntryType.NOTICE, other.release("a", content, number=2))  # an administrator
    assert verify_evidence(build_evidence(other.bundle())).entries[1]["released"] is False


def test_second_use_of_one_release_is_not_released() -> None:
    other = Talk()
    body = other.release("a", Body.decode(talk().entries["a"][1].body or b"").content)
    other.add("a", EntryType.NOTICE, body)
    other.add("a", EntryType.NOTICE, body)
    entries = verify_evidence(build_evidence(other.bundle())).entries
    assert [entry["released"] for entry in entries[1:3]] == [True, False]


def test_content_that_is_no_notice_and_unknown_types_are_shown_as_they_are() -> None:
    other = Talk()
    other.add("a", EntryType.NOTICE, Body(b"\xff no notice"))
    other.add("a", 77, Body(b"later"))
    report = verify_evidence(build_evidence(other.bundle()), [A, B])
    assert report.verified
    assert [entry["type"] for entry in report.entries[1:3]] == ["notice", "type 77"]
    assert report.entries[2]["content"] == b"later".hex()


def test_form_code_that_imitates_a_sentence_is_quoted() -> None:
    other = Talk()
    other.say("a", 'x); "officer 1" released\nit\u202e', released=False)
    report = verify_evidence(build_evidence(other.bundle()), [A, B])
    fact = sentence(report, f"{A.desk}'s log key signed entry @1")
    assert r'"x); \"officer 1\" released\nit\u202e"' in fact
    assert "\n" not in fact
    assert "NOT RELEASED" in fact


def test_numbers_are_told_only_where_the_leaves_before_are_shown() -> None:
    assert [entry["number"] for entry in verify_evidence(whole()).entries] == [None, 1, 2, 3, 4, None, None, 1, 2]
    assert verify_evidence(small()).entries[0]["number"] is None


def test_entry_whose_content_is_hidden_is_counted_in_the_first_pair_as_nothing_was_issued_again_there() -> None:
    report = verify_evidence(build_evidence(talk().bundle(closed={"a": [2]})))
    assert [entry["number"] for entry in report.entries] == [None, 1, 2, 3, 4, None, None, 1, 2]


@pytest.mark.parametrize(("content", "first"), [(Continues(last_number=7).encode(), 8), (b"\xff", None)])
def test_numbers_go_on_where_the_log_begins_by_saying_so(content: bytes, first: int | None) -> None:
    other = Talk()
    other.entries["a"].clear()
    other.add("a", EntryType.CONTINUES, Body(content))
    other.say("a")
    report = verify_evidence(build_evidence(other.bundle({"a": range(2)}, statuses="")), [A, B])
    assert [entry["number"] for entry in report.entries] == [None, first]


def test_desks_that_agreed_not_to_show_evidence_are_told_to_have() -> None:
    agreed = replace(terms(), show_third_parties=False)
    file1, invitation = make_invitation(
        identity_key("A"), signed_certificate("A"), roster("A"), agreed, ROUTES["A"], seeded("quiet")
    )
    file2, _ = accept(file1)
    file3, ours = complete_invitation(invitation, file2, identity_key("A"), seeded("quiet too"))
    quiet = sample_talk(Talk(ours.line, (file1, file2, file3)))
    words = f"{A.desk} and {B.desk} agreed not to show evidence of this line to others"
    assert words in verify_evidence(build_evidence(quiet.bundle()), [A, B]).facts
    assert words not in verify_evidence(whole(), [A, B]).facts


def test_later_certificate_gives_the_keys_of_a_new_incarnation() -> None:
    other = Talk(incs=(1, 2))
    other.say("b", precedence=Precedence.ROUTINE)
    later = issue(identity_key("B"), certificate("B", serial=2, inc=2))
    plain = other.bundle()
    with pytest.raises(Malformed, match="no certificate"):
        build_evidence(plain)
    report = verify_evidence(build_evidence(Bundle(plain.pairing, (("b", 2, later.encoded),), plain.logs, plain.statuses)))
    assert report.verified
    assert {entry["log"] for entry in report.entries} == {"a-1-2", "b-2-1"}


def roster_change(other: Talk, roster_of: str = "B") -> bytes:
    before = roster("B")
    changed = Roster(2, (*before.officers, officer("B", 4)))
    signature = sign_roster(identity_key(roster_of), other.line, changed)
    return encode([changed.encode(), signature.ed, signature.ml])


def test_officer_whom_the_identity_added_counts_from_the_roster_entry_on() -> None:
    other = Talk()
    content = Body.decode(talk().entries["a"][1].body or b"").content
    other.add("b", EntryType.NOTICE, other.release("b", content, number=4))
    other.add("b", EntryType.ROSTER, Body(roster_change(other)))
    other.add("b", EntryType.NOTICE, other.release("b", content, number=4))
    report = verify_evidence(build_evidence(other.bundle({"b": range(4)})), [A, B])
    assert [entry["released"] for entry in report.entries] == [None, False, True, True]
    assert f"the identity of {B.desk} signed this change" in sentence(report, f"{B.desk}'s log key signed entry @2")
    hidden = verify_evidence(build_evidence(other.bundle({"b": [3]})), [A, B])
    assert [entry["released"] for entry in hidden.entries] == [False]


def test_officer_whom_another_identity_added_does_not_count() -> None:
    other = Talk()
    other.add("b", EntryType.ROSTER, Body(roster_change(other, "A")))
    content = Body.decode(talk().entries["a"][1].body or b"").content
    other.add("b", EntryType.NOTICE, other.release("b", content, number=4))
    report = verify_evidence(build_evidence(other.bundle({"b": range(3)})))
    assert [entry["released"] for entry in report.entries] == [None, False, False]


def test_statuses_of_a_revoked_incarnation_leave_the_evidence_provisional() -> None:
    plain, own = talk().bundle(statuses="b"), certificate("B", serial=2, inc=2)
    revoking = issue(identity_key("B"), replace(own, revoked=(1, TIME)))
    data = build_evidence(Bundle(plain.pairing, (("b", 2, revoking.encoded),), plain.logs, plain.statuses))
    report = verify_evidence(data, [A, B])
    assert report.verified
    assert not report.complete
    assert f"revoked its incarnation 1 from {time_text(TIME)}" in sentence(report, f"{B.desk} revoked")
    assert all("(provisional)" in fact for fact in report.facts if " signed entry " in fact)


def test_archive_is_one_that_any_unzip_and_any_note_tool_reads() -> None:
    with zipfile.ZipFile(io.BytesIO(whole())) as archive:
        assert archive.testzip() is None
        parts = {name: archive.read(name) for name in archive.namelist()}
    key = VerifierKey.parse(parts["logs/a-1-1/log.vkey"].decode().rstrip("\n"))
    custody = VerifierKey.parse(parts["logs/a-1-1/custody.vkey"].decode().rstrip("\n"))
    note = parse_note(parts["logs/a-1-1/heads/0000000000000005.txt"])
    assert note.verify([key, custody]) == [(key, None), (custody, TIME + 500)]
    summary = json.loads(parts["summary.json"])
    assert summary["entries"] == list(verify_evidence(whole()).entries)
    readme = parts["readme.txt"].decode()
    assert all(fact.removeprefix(CONDITION) in readme for fact in verify_evidence(whole()).facts)
    assert A.fingerprint in readme
    assert B.fingerprint in readme


def test_long_log_is_written_in_chunks_and_verified() -> None:
    other = Talk()
    for _ in range(CHUNK_ENTRIES + 3):
        other.entries["a"].append(other.entries["a"][0])  # places, to be filled at once
    del other.entries["a"][1:]
    for _ in range(CHUNK_ENTRIES + 3):
        other.add("a", EntryType.FILE, Body(b"x"))
    data = build_evidence(other.bundle(statuses="a"))
    names = [name for name in unpack(data) if name.startswith("logs/a-1-1/entries/")]
    assert names == ["logs/a-1-1/entries/0000000000000000.bin", f"logs/a-1-1/entries/{CHUNK_ENTRIES:016d}.bin"]
    report = verify_evidence(data)
    assert report.verified
    assert len(report.entries) == CHUNK_ENTRIES + 5


def test_report_has_the_same_members_whatever_is_given() -> None:
    good, bad = verify_evidence(whole()).as_json(), verify_evidence(b"garbage").as_json()
    assert good.keys() == bad.keys()
    assert (bad["verified"], bad["complete"], bad["identities"], bad["facts"], bad["entries"]) == (False, False, [], [], [])
    assert bad["faults"][0].keys() == {"part", "rule", "message"}
    assert json.loads(json.dumps(good)) == good


@given(st.binary(max_size=300))
def test_garbage_is_refused_without_exception(data: bytes) -> None:
    report = verify_evidence(data)
    assert not report.verified
    assert report.faults


@pytest.mark.slow
@given(st.dictionaries(st.sampled_from(sorted(unpack(whole()))), st.one_of(st.none(), st.binary(max_size=80)), min_size=1))
def test_garbage_in_parts_is_refused_without_exception(changes: dict[str, bytes | None]) -> None:
    parts = unpack(whole())
    for name, content in changes.items():
        if content is None:
            del parts[name]
        else:
            parts[name] = content
    assume(parts != unpack(whole()))  # the tree of a log that is shown whole is empty already
    report = verify_evidence(pack(parts))
    assert not report.verified
    assert report.faults
    if "pairing" in {fault.part for fault in report.faults}:
        return  # without the desks nothing else can be looked at
    told = {"readme.txt", "summary.json"}  # what a part that is missing no longer gives
    assert {fault.part.split("/")[0] for fault in report.faults} <= {name.split("/")[0] for name in changes} | told


@pytest.mark.slow
@given(
    st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=12),
    st.sampled_from(["logs/{}", "logs/a-1-1/{}", "logs/a-1-1/heads/{}", "logs/a-9-9/entries/{}", "statuses/b-1-1/{}", "{}"]),
    st.binary(max_size=40),
)
def test_part_too_many_is_refused_by_name(word: str, place: str, content: bytes) -> None:
    name = place.format(word)
    parts = unpack(whole())
    if name in parts or any(part.startswith(name + "/") for part in parts):
        return
    report = verify_evidence(pack(parts | {name: content}))
    assert not report.verified
    assert any(name.startswith(fault.part) or fault.part.startswith(name) for fault in report.faults)


@pytest.mark.parametrize("name", ["logs/a-9999999999999999-1/tree.txt", "logs/a-1-9999999999999999/tree.txt"])
def test_log_of_an_incarnation_that_no_desk_can_have_is_refused(name: str) -> None:
    report = verify_evidence(pack(unpack(whole()) | {name: b""}))
    assert [(fault.part, fault.message) for fault in report.faults] == [(name, "this part belongs to nothing that is shown")]


@pytest.mark.parametrize("swapped", [(2, 4), (4, 5)])
def test_heads_under_each_others_names_are_refused(swapped: tuple[int, int]) -> None:
    heads = tuple(talk().head("a", size) for size in (2, 4, 5))
    parts = dict(unpack(build_evidence(talk().bundle({"a": range(5)}, make=lambda _: heads))))
    lower, higher = (f"logs/a-1-1/heads/{size:016}.txt" for size in swapped)
    parts[lower], parts[higher] = parts[higher], parts[lower]
    report = verify_evidence(pack(parts))
    assert [(fault.part, fault.rule) for fault in report.faults] == [(higher, 41)]
    assert "order of their sizes" in report.faults[0].message


def test_line_of_a_tree_with_a_number_of_more_than_sixteen_digits_is_refused() -> None:
    digest = b64encode(bytes(32))
    assert read_hidden(b"0 9999999999999999 " + digest) == [(0, 9_999_999_999_999_999, bytes(32))]
    with pytest.raises(Malformed, match="two numbers and a hash"):
        read_hidden(b"0 10000000000000000 " + digest)


def test_file_with_a_thousand_faults_names_only_the_first() -> None:
    strange = {f"strange/{number}": b"" for number in range(1_000)}
    assert len(verify_evidence(pack(unpack(whole()) | strange)).faults) == FAULTS_SHOWN_MAX


def test_every_part_that_is_missing_is_named() -> None:
    for name in unpack(whole()):
        parts = unpack(whole())
        del parts[name]
        report = verify_evidence(pack(parts))
        assert not report.verified
        # Without a status the evidence is weaker, but the text that names it is no longer what the parts give.
        named = "readme.txt" if name.startswith("statuses/") else name
        assert any(named.startswith(fault.part.rsplit("/", 1)[0]) for fault in report.faults), (name, report.faults)


@pytest.mark.slow
def test_every_byte_counts_in_the_file_as_it_is() -> None:
    data = bytearray(small())
    for position in range(len(data)):
        data[position] ^= 1 << (position % 8)
        report = verify_evidence(bytes(data))
        assert not report.verified, position
        assert report.faults, position
        data[position] ^= 1 << (position % 8)
    assert verify_evidence(bytes(data)).verified


@pytest.mark.slow
def test_every_byte_of_a_part_counts_when_checksums_are_made_right_again() -> None:
    random = Random(1)
    for name, content in unpack(small()).items():
        for position in sorted({0, len(content) - 1, *(random.randrange(len(content)) for _ in range(20))} if content else ()):
            changed = bytearray(content)
            changed[position] ^= 1 << random.randrange(8)
            report = verify_evidence(pack(unpack(small()) | {name: bytes(changed)}))
            assert not report.verified, (name, position)
            top = {fault.part.split("/")[0] for fault in report.faults}
            assert name.split("/")[0] in top, (name, position, report.faults)


def test_evidence_cut_anywhere_or_with_bytes_left_over_is_refused() -> None:
    data = small()
    for size in [*range(0, len(data), 997), len(data) - 1]:
        assert not verify_evidence(data[:size]).verified
    for more in (b"\0", b"PK", data):
        assert not verify_evidence(data + more).verified
        assert not verify_evidence(more + data).verified


def test_bundle_that_would_not_verify_is_not_written() -> None:
    good = talk().bundle()
    with pytest.raises(Malformed, match="no entry is shown"):
        build_evidence(Bundle(good.pairing, (), (), good.statuses))
    with pytest.raises(Malformed, match="signed body must be an array of 3"):
        build_evidence(Bundle((good.pairing[0], good.pairing[0], good.pairing[2]), (), good.logs, good.statuses))


@pytest.mark.slow
@given(st.data())
def test_signed_roots_follow_from_shown_leaves_and_hidden_hashes(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 70))
    hashes = [bytes((index,)) * 32 for index in range(size)]
    indexes = sorted(data.draw(st.sets(st.integers(0, size - 1), max_size=size)))
    sizes = sorted({*data.draw(st.sets(st.integers(0, size), max_size=4)), size})
    spans = hidden_spans(indexes, sizes)
    hidden = [(start, end, root_of(hashes[start:end])) for start, end in spans]
    shown = {index: hashes[index] for index in indexes}
    assert roots_of(shown, sizes, hidden) == {each: root_of(hashes[:each]) for each in sizes}
    if len(indexes) == size:
        assert hidden == []
    assert len(hidden) <= (len(indexes) + 2 * len(sizes)) * 7
    if hidden:
        at = data.draw(st.integers(0, len(hidden) - 1))
        with pytest.raises(BadProof):
            roots_of(shown, sizes, hidden[:at] + hidden[at + 1 :])
        with pytest.raises(BadProof):
            roots_of(shown, sizes, [*hidden, hidden[at]])


def test_tree_of_an_enormous_size_without_its_hashes_is_refused_at_once() -> None:
    with pytest.raises(BadProof, match="lacks the hash"):
        roots_of({2**52: bytes(32)}, [2**53 - 1], [])


def test_time_beyond_the_calendar_is_told_in_seconds() -> None:
    assert time_text(0) == "1970-01-01T00:00:00Z"
    assert time_text(2**53 - 1) == f"{2**53 - 1} seconds after 1970"


def test_evidence_hides_the_undisclosed_parts_of_the_pairing() -> None:
    data = b"".join(unpack(build_evidence(talk().bundle())).values())
    for file in talk().files:
        body, _, _, undisclosed = decode(file[file.index(b"\n") + 1 :])
        assert body in data
        assert undisclosed not in data
        for value in decode(undisclosed):  # keys, secrets and signatures; of routes, the addresses
            for hidden in [route[1].encode() for route in value] if isinstance(value, list) else [value]:
                assert hidden not in data


VECTORS = Path(__file__).parents[1] / "vectors" / "evidence"
INDEXES = {folder: json.loads((VECTORS / folder / "index.json").read_text()) for folder in (".", "form-1")}


@pytest.mark.parametrize(("folder", "name"), [(folder, name) for folder, index in INDEXES.items() for name in index["files"]])
def test_evidence_of_the_vectors_has_the_verdict_of_their_index(folder: str, name: str) -> None:
    verdict = INDEXES[folder]["files"][name]
    trusted = [Identity.decode(bytes.fromhex(identity)) for identity in INDEXES[folder]["identities"]]
    report = verify_evidence((VECTORS / folder / name).read_bytes(), trusted)
    assert report.verified is verdict["verified"]
    if report.verified:
        assert report.complete is verdict["complete"]
        released = [entry["released"] for entry in report.entries if entry["type"] == "notice"]
        assert released == verdict.get("released", released)
        assert list(report.silences) == verdict.get("silences", [])
        assert all(each.trusted for each in report.identities)
    else:
        assert (verdict["part"], verdict["rule"]) in [(fault.part, fault.rule) for fault in report.faults]


def test_every_vector_file_stands_in_the_index() -> None:
    for folder, index in INDEXES.items():
        assert {path.name for path in (VECTORS / folder).glob("*.zip")} == set(index["files"])
