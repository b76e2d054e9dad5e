"""The report on a file of evidence: what is in it whatever was given, and what is told of a file that does not hold."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from tests.core.sample_desks import certificate, identity_key
from tests.core.sample_evidence import Talk
from watchline.core.archive import pack, unpack
from watchline.core.certificate import issue
from watchline.core.evidence import (
    MEANING,
    Report,
    ShownIdentity,
    build_and_judge,
    build_evidence,
    verify_evidence,
)
from watchline.core.evidence_parts import Bundle, Head
from watchline.core.evidence_words import CONDITION
from watchline.errors import Malformed

VECTORS = Path(__file__).parents[1] / "vectors" / "silence"
A, B = identity_key("A").identity, identity_key("B").identity


@cache
def bundle(statuses: str = "b") -> Bundle:
    """One notice, shown, with the status of the desk that received it."""
    talk = Talk()
    talk.say("a")
    return talk.bundle({"a": [1]}, statuses=statuses)


@cache
def evidence() -> bytes:
    return build_evidence(bundle())


@cache
def parts() -> MappingProxyType[str, bytes]:
    return MappingProxyType(unpack(evidence()))


def told(report: Report) -> list[tuple[str, int | None, str]]:
    return [(fault.part, fault.rule, fault.message) for fault in report.faults]


def test_report_tells_each_identity_and_whose_word_is_complete() -> None:
    report = verify_evidence(evidence(), [B])
    assert (report.verified, report.complete, report.faults, report.silences) == (True, True, (), ())
    assert report.identities == (
        ShownIdentity(A.desk, A.fingerprint, False, False),
        ShownIdentity(B.desk, B.fingerprint, True, True),
    )
    assert [(entry["log"], entry["index"]) for entry in report.entries] == [("a-1-1", 1)]


@pytest.mark.parametrize(("trusted", "conditional"), [((), True), ((A,), True), ((B,), True), ((A, B), False)])
def test_sentences_are_conditional_until_both_identities_are_trusted(trusted: tuple[Any, ...], conditional: bool) -> None:
    facts = verify_evidence(evidence(), trusted).facts
    assert facts
    assert all(fact.startswith(CONDITION) is conditional for fact in facts)
    bare = [fact.removeprefix(CONDITION) for fact in facts]
    assert bare == [fact.removeprefix(CONDITION) for fact in verify_evidence(evidence()).facts]
    assert any(fact.startswith(f"{A.desk}'s log key signed") for fact in bare)


def test_report_has_the_same_members_in_json_whatever_was_given() -> None:
    good, bad = verify_evidence(evidence(), [A]).as_json(), verify_evidence(b"junk").as_json()
    assert good.keys() == bad.keys()
    assert good == {
        "verified": True,
        "complete": True,
        "meaning": MEANING,
        "identities": [
            {"desk": A.desk, "fingerprint": A.fingerprint, "trusted": True, "complete": False},
            {"desk": B.desk, "fingerprint": B.fingerprint, "trusted": False, "complete": True},
        ],
        "facts": list(verify_evidence(evidence(), [A]).facts),
        "entries": list(verify_evidence(evidence()).entries),
        "silences": [],
        "faults": [],
    }
    assert (bad["verified"], bad["complete"], bad["identities"], bad["facts"], bad["entries"]) == (False, False, [], [], [])
    (fault,) = bad["faults"]
    assert fault == {"part": "", "rule": 41, "message": verify_evidence(b"junk").faults[0].message}


def test_meaning_says_that_verified_is_not_whose_and_provisional_is_not_complete() -> None:
    for word in ("verified: ", "Whose it is, only the identities tell", "complete: ", "ML-DSA-44", "provisional."):
        assert word in MEANING
    assert MEANING.endswith("else it is provisional.")


def test_silences_are_told_apart_from_faults() -> None:
    report = verify_evidence((VECTORS / "unanswered.zip").read_bytes())
    assert (report.verified, report.faults) == (True, ())
    assert [silence["kind"] for silence in report.silences] == ["unanswered"]
    assert report.as_json()["silences"] == list(report.silences)


# --- files that do not hold


def test_fault_of_the_archive_names_the_part_where_there_is_one() -> None:
    assert told(verify_evidence(b"junk"))[0][:2] == ("", 41)
    cut = evidence()[: evidence().index(parts()["readme.txt"]) + 5]
    assert told(verify_evidence(cut))[0][:2] == ("readme.txt", 41)


def test_parts_that_are_missing_strange_or_changed_are_each_told_in_that_order() -> None:
    changed = {name: content for name, content in parts().items() if name != "summary.json"}
    changed |= {"readme.txt": b"other words\n", "zz.txt": b"", "aa.txt": b""}
    report = verify_evidence(pack(changed), [A, B])
    assert told(report) == [
        ("summary.json", 41, "this part is missing"),
        ("aa.txt", 41, "this part belongs to nothing that is shown"),
        ("zz.txt", 41, "this part belongs to nothing that is shown"),
        ("readme.txt", 41, "this part is not what the signed parts give"),
    ]
    assert (report.identities, report.facts, report.entries, report.complete) == ((), (), (), False)


def test_file_without_its_desks_is_refused() -> None:
    name = next(name for name in parts() if name.startswith("pairing/"))
    report = verify_evidence(pack({part: content for part, content in parts().items() if part != name}))
    assert not report.verified
    assert report.faults


def test_file_whose_silence_does_not_follow_from_its_parts_is_refused() -> None:
    report = verify_evidence((VECTORS / "bad-unanswered-acknowledge-listed.zip").read_bytes())
    assert (report.verified, report.silences) == (False, ())
    assert [fault.rule for fault in report.faults] == [33]


def test_at_most_64_faults_are_told() -> None:
    strange = {f"strange/{number:03}": b"" for number in range(70)}
    assert len(verify_evidence(pack(dict(parts()) | strange)).faults) == 64


# --- what is built


def test_evidence_is_complete_if_statuses_of_one_desk_cover_it() -> None:
    assert build_and_judge(bundle()) == (evidence(), True)
    data, complete = build_and_judge(bundle(statuses=""))
    assert not complete
    assert not verify_evidence(data).complete


def test_what_would_not_verify_is_not_built_and_says_where() -> None:
    pairing, certificates, logs, statuses = (
        getattr(bundle(), name) for name in ("pairing", "certificates", "logs", "statuses")
    )
    (log,) = logs
    unsigned = Head(log.heads[0].size, log.heads[0].root, bytes(64), log.heads[0].receipt)
    forged = type(log)(log.name, log.entries, (unsigned,), log.hidden)
    with pytest.raises(Malformed, match="no evidence that would verify") as refused:
        build_evidence(Bundle(pairing, certificates, (forged,), statuses))
    assert refused.value.rule is not None
    assert str(refused.value.facts["part"]).startswith("logs/a-1-1/heads/")
    with pytest.raises(Malformed) as refused:
        build_evidence(Bundle((pairing[0], pairing[0], pairing[2]), certificates, logs, statuses))
    assert refused.value.facts["part"] == "pairing"


def test_log_of_an_incarnation_that_no_certificate_names_is_not_built() -> None:
    (log,) = bundle().logs
    later = type(log)(log.name._replace(inc=2), log.entries, log.heads, log.hidden)
    with pytest.raises(Malformed) as refused:
        build_evidence(Bundle(bundle().pairing, (), (later,), ()))
    assert (refused.value.facts["part"], refused.value.rule) == ("certificates", 2)


def test_later_certificates_are_shown_and_verified_with_the_others() -> None:
    later = issue(identity_key("B"), certificate("B", serial=2, inc=2))
    shown = Bundle(bundle().pairing, (("b", 2, later.encoded),), bundle().logs, bundle().statuses)
    assert verify_evidence(build_evidence(shown)).verified
    with pytest.raises(Malformed) as refused:
        build_evidence(Bundle(shown.pairing, (("b", 2, later.encoded[:-1]),), shown.logs, shown.statuses))
    assert str(refused.value.facts["part"]).startswith("certificates/b/")
