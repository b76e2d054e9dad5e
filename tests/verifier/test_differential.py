"""Two verifiers, written apart: the same verdict, the same words and the same faulted parts, whatever they are given."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.core.sample_evidence import sample_talk
from tests.vectors.make_ed25519 import vectors
from tests.verifier.__main__ import told
from tests.verifier.acts import PROMISED_SECONDS, agree, fall_silent_after_a_promise, use_again
from tests.verifier.bundles import LINES, RandomTalk, good_bundle, shown_well
from tests.verifier.damages import DAMAGES, Damage, built, damaged_bundle
from tests.verifier.lines import sample_line
from tests.verifier.verifiers import Page, compare, differences, faulted
from watchline.core.archive import pack, unpack
from watchline.core.evidence import FAULTS_SHOWN_MAX, build_evidence
from watchline.core.keys import Identity, verify_ed25519
from watchline.core.silence import SilenceKind
from watchline.errors import BadSignature

VECTORS = Path(__file__).parents[1] / "vectors"
# How many good bundles, and how many damaged ones; `make verifiers N=10000` is the long run.
COUNT_BY_DEFAULT = 90
COUNT = int(os.environ.get("WATCHLINE_VERIFIERS", COUNT_BY_DEFAULT))

pytestmark = [pytest.mark.slow, pytest.mark.needs("node")]


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with Page() as page:
        yield page


def identities(number: int) -> list[Identity]:
    return [key.identity for key in sample_line(number).identities.values()]


def names(folder: str) -> list[tuple[str, str]]:
    return [(folder, name) for name in json.loads((VECTORS / folder / "index.json").read_text())["files"]]


@pytest.mark.parametrize(
    ("folder", "name"), [*names("evidence"), *names("evidence/form-1"), *names("silence")], ids=lambda part: part
)
def test_both_verifiers_judge_the_vectors_as_their_index_says(page: Page, folder: str, name: str) -> None:
    index = json.loads((VECTORS / folder / "index.json").read_text())
    trusted = [Identity.decode(bytes.fromhex(each)) for each in index["identities"]]
    data, wanted = (VECTORS / folder / name).read_bytes(), index["files"][name]
    assert differences(page, data, trusted) == {}
    report = page.verify(data, trusted)
    assert report["verified"] == wanted["verified"]
    if wanted["verified"]:
        assert report["complete"] == wanted["complete"]
        released = [entry["released"] for entry in report["entries"] if entry["type"] == "notice"]
        assert released == wanted.get("released", released)
        assert report["silences"] == wanted.get("silences", [])
    else:
        assert faulted(report)[0] == (wanted["part"], wanted["rule"])


@dataclass
class Slice:
    """What came of the same many good and damaged bundles. differences: by bundle."""

    verified: list[bool] = field(default_factory=list)
    refused: int = 0
    shown: set[str] = field(default_factory=set)
    differences: dict[str, object] = field(default_factory=dict)


@pytest.fixture(scope="module")
def judged() -> Slice:
    found = Slice()
    with Page() as page:
        for seed in range(COUNT):
            trusted = Random(seed).sample(identities(seed % LINES), Random(seed).randint(0, 2))
            for kind, make in (("good", good_bundle), ("damaged", damaged_bundle)):
                report, differing = compare(page, make(seed), trusted)
                if differing:
                    found.differences[f"{kind} {seed}"] = differing
                if kind == "good":
                    found.verified.append(report["verified"])
                    found.shown |= told(report)
                else:
                    found.refused += not report["verified"]
    return found


@pytest.mark.slow
def test_both_verifiers_say_the_same_of_good_and_damaged_bundles(judged: Slice) -> None:
    assert judged.differences == {}
    assert judged.verified == [True] * COUNT
    assert judged.refused >= COUNT // 2
    silences = {f"a silence, {kind}" for kind in SilenceKind}
    assert judged.shown >= {"amended terms", "cosignatures", "a provisional silence", *silences}


@pytest.mark.parametrize("damage", dict.fromkeys(DAMAGES), ids=lambda damage: damage.__name__.strip("_"))
def test_each_kind_of_damage_is_refused_by_both_in_the_same_parts(page: Page, damage: Damage) -> None:
    """At least one of a few is refused: what a desk itself signs may be odd and still hold."""
    for seed in range(32):
        data = damage(Random(f"one of {seed}"), 0)
        assert differences(page, data) == {}
        if seed >= 3 and not page.verify(data)["verified"]:
            return
    pytest.fail("none was refused")


def test_both_allow_the_time_that_a_holding_reply_promised(page: Page) -> None:
    allowed = set()
    for seed in range(40):
        talk = RandomTalk(sample_line(seed % LINES), Random(f"promise {seed}"))
        for _ in range(3):
            talk.say_to_the_terms()
        fall_silent_after_a_promise(talk)
        report, differing = compare(page, built(talk))
        assert differing == {}
        allowed |= {each["allowed"] for each in report["silences"]}
    assert PROMISED_SECONDS in allowed


def test_both_date_entries_by_the_witnesses_of_the_terms_in_force(page: Page) -> None:
    """Some of the names stand in amended terms alone."""
    called = set()
    for seed in range(30):
        talk = RandomTalk(sample_line(seed % LINES), Random(f"witnesses {seed}"))
        for _ in range(3):
            talk.say_to_the_terms()
            agree(talk)
        report, differing = compare(page, shown_well(talk))
        assert differing == {}
        called |= {seen["witness"] for entry in report["entries"] for seen in entry.get("witnessed", ())}
    assert called >= {"Geneva", "Bern", "海"}


def test_both_refuse_a_cosignature_of_a_witness_that_no_shown_terms_name(page: Page) -> None:
    refused = 0
    for seed in range(20):
        talk = RandomTalk(sample_line(seed % LINES), Random(f"strangers {seed}"))
        agree(talk)
        data = built(talk)
        assert differences(page, data) == {}
        refused += [rule for _, rule in faulted(page.verify(data))][:1] == [23]
    assert refused


def test_both_count_a_release_once_over_the_pairs_of_a_line(page: Page) -> None:
    released = []
    for seed in range(40):
        random = Random(f"again {seed}")
        earlier = RandomTalk(sample_line(0), random)
        for _ in range(3):
            earlier.say_to_the_terms()
        talk = RandomTalk(sample_line(0), random, (1, 2))
        talk.follow(earlier)
        use_again(talk, earlier)
        report, differing = compare(page, built(talk))
        assert differing == {}
        released += [each["released"] for each in report["entries"] if each["log"] in ("a-1-2", "b-2-1") and each["index"] > 0]
    assert {True, False} <= set(released)


def test_bytes_that_are_no_archive_are_refused_by_both(page: Page) -> None:
    for data in (b"", b"PK", b"PK\x03\x04" + bytes(40), bytes(100), pack({}), pack({"logs": b""})):
        assert differences(page, data) == {}
        assert not page.verify(data)["verified"]


def test_both_show_no_more_faults_than_the_bound(page: Page) -> None:
    parts = unpack(build_evidence(sample_talk().bundle()))
    strange = {f"logs/a-1-1/entries/{number}.bin": b"\xff" for number in range(2 * FAULTS_SHOWN_MAX)}
    data = pack({**parts, **strange})
    assert differences(page, data) == {}
    assert len(page.verify(data)["faults"]) == FAULTS_SHOWN_MAX


@pytest.mark.parametrize("vector", json.loads((VECTORS / "ed25519.json").read_text()), ids=lambda vector: vector["case"])
def test_both_take_the_same_ed25519_signatures_where_implementations_differ(page: Page, vector: dict[str, Any]) -> None:
    given = [vector[member] for member in ("key", "signature", "message")]
    try:
        verify_ed25519(*map(bytes.fromhex, given))
        holds = True
    except BadSignature:
        holds = False
    assert holds == vector["holds"]
    assert page.verify_ed25519(*given) == vector["holds"]


def test_ed25519_vectors_are_what_their_maker_writes() -> None:
    assert json.loads((VECTORS / "ed25519.json").read_text()) == vectors()
