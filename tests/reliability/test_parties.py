"""The wrong party matrix: it is whole, every attempt is refused by the rule for it, and it would see what it looks for."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import pytest

from reliability.parties import CONTROLS, World, inventory, is_refusal, judge, run, world
from reliability.parties.alterations import KEEPS_FORM
from reliability.parties.attempts import Attempt, ReaderSlot, of
from reliability.parties.evidence import all_of_evidence
from reliability.parties.file_matrix import all_of_files, wrong_certificates, wrong_identities, wrong_pairing_files
from reliability.parties.files import changed_files
from reliability.parties.line_matrix import all_of_line, changed_items, items_of_wrong_parties, items_with_other_keys
from reliability.parties.medium_files import all_of_medium_files
from reliability.parties.objects import MAKERS
from reliability.parties.promises import wrong_certificates_of_silence, wrong_words_of_a_watch
from reliability.parties.sealed import all_of_sealed
from watchline.core.frames import _READERS, Refusal
from watchline.core.keys import verify_ed25519

pytestmark = pytest.mark.slow

EVIDENCE_STRIDE = 25  # verifying one file of evidence takes some 20 ms; a soak goes through all of them


@pytest.fixture(scope="module")
def made() -> Iterator[World]:
    with world() as made:
        yield made


# --- the matrix knows all there is


@pytest.mark.parametrize("compare", [inventory.item_kinds, inventory.item_classes], ids=lambda each: each.__name__)
def test_matrix_knows_every_item_of_a_frame(compare: Callable[..., inventory.Compared], made: World) -> None:
    has, knows = compare(made.hearer)
    assert has == knows


@pytest.mark.parametrize(
    "compare",
    [
        inventory.statement_types, inventory.purposes_of_people, inventory.entry_types, inventory.keys_of_a_certificate,
        inventory.labels, inventory.identity_purposes, inventory.sealed_kinds, inventory.journal_places,
    ],
    ids=lambda each: each.__name__,
)  # fmt: skip
def test_matrix_knows_every_kind_that_core_has(compare: Callable[[], inventory.Compared]) -> None:
    has, knows = compare()
    assert has == knows


def test_new_kind_of_item_is_unknown_to_the_matrix(made: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_READERS, 50, (2, lambda _: Refusal(0, 0, 0)))
    has, knows = inventory.item_kinds(made.hearer)
    assert has != knows


# --- every attempt is refused


def faults(attempts: Iterable[Attempt]) -> list[str]:
    return [fault for attempt in attempts if (fault := judge(attempt))]


def test_every_wrong_object_in_a_frame_is_refused_by_its_rule_and_changes_nothing(made: World) -> None:
    attempts = list(all_of_line(made.hearer, made.facts, made.elsewhere))
    assert len(attempts) > 2_000
    assert faults(attempts) == []
    assert made.controls(full=False) == []
    made.hearer.renew()


def test_every_wrong_file_or_body_is_refused_by_its_rule() -> None:
    attempts = list(all_of_files())
    assert len(attempts) > 3_000
    assert faults(attempts) == []


def test_every_value_sealed_for_something_else_stays_closed() -> None:
    attempts = list(all_of_sealed())
    assert len(attempts) > 1_000
    assert faults(attempts) == []


def test_every_wrong_backup_or_archive_is_refused_as_what_it_is() -> None:
    attempts = list(all_of_medium_files())
    assert len(attempts) > 500
    assert faults(attempts) == []


def test_wrong_parts_of_evidence_are_refused_by_their_rules() -> None:
    assert faults(islice(all_of_evidence(), 0, None, EVIDENCE_STRIDE)) == []


def test_slices_of_the_matrix_are_counted_and_hold() -> None:
    found = run(range(3, 5))
    assert found.failures == ()
    assert found.counts == {"attempts": 100, "genuine taken": 32}


# --- none by luck


def test_each_field_of_each_object_is_covered_by_what_signs_or_seals_it(made: World) -> None:
    """For each field there is a value of its own form that only a signature, a proof, a cipher or a comparison refuses."""
    refused = defaultdict(set)
    for attempt in [*changed_items(made.hearer, made.facts), *changed_files()]:
        about, _, kind = attempt.name.rpartition(": ")
        if kind in KEEPS_FORM:
            refused[about].add(attempt.slot.offer(attempt.value).split(" ")[0])
    assert len(refused) > 300
    holders = {about.rpartition(".*")[0] for about in refused}  # byte strings with an encoding in them: their fields stand here
    by_form_alone = {about for about, kinds in refused.items() if kinds <= {"malformed"}} - holders
    assert [about for about in sorted(by_form_alone) if not ONE_VALUE_ONLY.search(about)] == []


ONE_VALUE_ONLY = re.compile(
    r"full entry, 2\.\*\.0$"  # the version of a leaf
    r"|roster by identity, 0\.\*\.1\.\d\.[01]$"  # numbers are in order, and kinds are those of the keys
    r"|body of ROSTER, 0\.\*\.0\.\*\.1\.\d\.[01]$"
    r"|body of \w+, 2\.\d\.1$|of a watch, 1\.1$"  # the kind of an assertion, by its signature
    r"|renewal file 1, 0\.\*\.0$"  # the step: files 2 and 3 have more values
    r"|silence certificate, 0$"  # a word of a few: each other one is offered by `wrong_certificates_of_silence`
)
"""Fields that can have no other value, given all the others."""


# --- the harness sees what it looks for


@pytest.mark.parametrize(
    ("broken", "seen_in"),
    [
        ("watchline.core.incoming.verify_ed25519", lambda made: items_with_other_keys(made.hearer, made.facts)),
        ("watchline.core.outgoing.verify_ed25519", lambda made: items_of_wrong_parties(made.hearer, made.facts)),
        ("watchline.core.keys.StatementPublic.verify", lambda made: changed_items(made.hearer, made.facts)),
        ("watchline.core.entries.Leaf.verify_direction", lambda made: items_of_wrong_parties(made.hearer, made.facts)),
        ("watchline.core.certificate._check_succession", lambda _: wrong_certificates()),
        ("watchline.core.keys.Identity.verify", lambda _: wrong_identities()),
        ("watchline.core.pairing_shown.check_answers", lambda _: wrong_pairing_files()),
        ("watchline.core.pairing_form1.check_answers", lambda _: wrong_pairing_files()),
        ("watchline.core.witnessed.verify_ed25519", lambda made: items_with_other_keys(made.hearer, made.facts)),
        ("watchline.core.witnessed.verify_cosignature", lambda made: items_with_other_keys(made.hearer, made.facts)),
        ("watchline.core.statements.StatementPublic.verify", lambda _: wrong_certificates_of_silence()),
        ("watchline.core.persons.verify_ed25519", lambda _: wrong_words_of_a_watch()),
        ("watchline.desk.body_archive.verify_commitment", lambda _: all_of_medium_files()),
    ],
)
def test_check_that_is_left_out_is_found(
    broken: str, seen_in: Callable[[World], Iterator[Attempt]], made: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broken, lambda *_: None)
    assert any(judge(attempt) for attempt in seen_in(made))
    made.hearer.renew()


def test_state_that_changes_in_spite_of_a_refusal_is_found(made: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that remembers what it refuses: not what was taken, and yet not what it was."""
    verify = verify_ed25519

    def remember(public: bytes, signature: bytes, message: bytes) -> None:
        made.hearer.line.incoming.claimed += 1
        verify(public, signature, message)

    monkeypatch.setattr("watchline.core.incoming.verify_ed25519", remember)
    assert any("changed after" in judge(attempt) for attempt in items_with_other_keys(made.hearer, made.facts))
    made.hearer.renew()


def test_refusal_without_a_rule_or_by_another_rule_is_a_fault() -> None:
    def refuse(_: object) -> None:
        raise ValueError("a crash")

    assert not is_refusal("bad-signature 0")
    assert not is_refusal("bad-signature 42")
    assert not is_refusal("taken")
    assert not is_refusal("usage -")
    assert is_refusal("wrong-party 20")
    assert judge(Attempt("nothing refuses it", ReaderSlot(lambda _: None), b"", of("malformed 39")))
    with pytest.raises(ValueError, match="a crash"):
        judge(Attempt("refused by a crash", ReaderSlot(refuse), b"", of("malformed 39")))


def test_every_genuine_object_is_taken_at_the_end(made: World) -> None:
    assert {"entries", "full entry", *CONTROLS} == set(MAKERS)
    assert made.controls(full=True) == []
    made.hearer.renew()
