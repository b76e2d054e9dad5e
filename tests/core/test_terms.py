from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.sample_desks import terms
from watchline.core.encoding import decode, encode
from watchline.core.terms import BY_PRECEDENCE, PRECEDENCES, Clocks, Terms, Witness, default_terms
from watchline.errors import Malformed, PeerError

ROUTINE, PRIORITY, IMMEDIATE, FLASH = range(4)
LATIN = "abcdefghijklmnopqrstuvwxyz"
seconds = st.none() | st.integers(1, 366 * 24 * 3600)
clocks = st.builds(Clocks, seconds, seconds)
own = st.none() | st.integers(0, 1_000_000)
forms = st.from_regex(r"[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,4})?", fullmatch=True)


@st.composite
def any_terms(draw: st.DrawFn) -> Terms:
    vkeys = draw(st.lists(st.text("abc+/0", min_size=1, max_size=20), max_size=4, unique=True))
    return Terms(
        version=draw(st.integers(1, 2**53 - 1)),
        languages=tuple(draw(st.lists(st.text(LATIN, min_size=2, max_size=8), min_size=1, max_size=4, unique=True))),
        catalogue_digest=draw(st.binary(min_size=32, max_size=32)),
        clocks=tuple(draw(st.lists(clocks, min_size=4, max_size=4))),
        form_clocks=draw(st.dictionaries(forms, st.builds(Clocks, own, own), max_size=5)),
        status_interval_seconds=draw(st.integers(1, 1_000)),
        test_interval_seconds=draw(st.integers(1, 1_000)),
        lower_id_tests_even_hours=draw(st.booleans()),
        release_people=tuple(draw(st.lists(st.integers(1, 16), min_size=4, max_size=4))),
        unreleased_forms=tuple(sorted(draw(st.sets(forms, max_size=4)))),
        witnesses=tuple(Witness(f"witness {vkey}", vkey) for vkey in vkeys),
        body_days=draw(st.integers(1, 36_525)),
        show_third_parties=draw(st.booleans()),
    )


@pytest.mark.slow
@given(any_terms())
def test_terms_come_back_from_their_one_encoding(made: Terms) -> None:
    again = Terms.decode(made.encode())
    assert again == made
    assert again.encode() == made.encode()
    assert again.digest == made.digest
    assert hash(again) == hash(made)


def test_default_terms_want_a_flash_acknowledged_in_ten_minutes() -> None:
    assert PRECEDENCES[FLASH] == "FLASH"
    acknowledge = [terms().clocks_for("statement", precedence).acknowledge for precedence in range(4)]
    assert acknowledge == [86_400, 10_800, 1_800, 600]


def test_each_form_has_the_clocks_of_what_it_expects() -> None:
    made = default_terms(("en",), bytes(32), {"query": "answer", "statement": "acknowledgement", "test": "none"})
    assert made.clocks_for("query", FLASH) == Clocks(600, 3_600)
    assert made.clocks_for("query", ROUTINE) == Clocks(86_400, 259_200)
    assert made.clocks_for("statement", PRIORITY) == Clocks(10_800, None)
    assert made.clocks_for("test", FLASH) == Clocks(None, None)


def test_unknown_form_is_to_be_acknowledged_by_precedence() -> None:
    assert terms().clocks_for("something-new", IMMEDIATE) == Clocks(1_800, None)


def test_form_can_have_seconds_of_its_own() -> None:
    made = replace(terms(), form_clocks={"false-alarm": Clocks(60, BY_PRECEDENCE)})
    assert made.clocks_for("false-alarm", ROUTINE) == Clocks(60, 259_200)


def test_precedences_have_these_names_in_this_order() -> None:
    assert PRECEDENCES == ("ROUTINE", "PRIORITY", "IMMEDIATE", "FLASH")


@pytest.mark.parametrize("name", ["status", "test"])
def test_interval_that_cannot_be_is_refused_by_its_name(name: str) -> None:
    change: dict[str, Any] = {f"{name}_interval_seconds": 0}
    with pytest.raises(Malformed) as refused:
        replace(terms(), **change)
    assert refused.value.facts["field"] == f"{name} interval"


def test_precedence_without_a_clock_gives_none_to_forms_that_follow_it() -> None:
    made = replace(terms(), clocks=(Clocks(None, None), *terms().clocks[1:]))
    assert made.clocks_for("statement", ROUTINE) == Clocks(None, None)


def test_machine_sends_only_the_forms_that_the_terms_name() -> None:
    made = replace(terms(), release_people=(1, 1, 2, 3))
    assert [made.people_needed("statement", precedence) for precedence in range(4)] == [1, 1, 2, 3]
    assert made.people_needed("test", FLASH) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"version": 0},
        {"languages": ()},
        {"languages": ("en", "en")},
        {"languages": ("e",)},
        {"languages": ("en_GB",)},
        {"languages": ("en\n",)},
        {"languages": tuple(f"aa-{number:02}" for number in range(17))},
        {"catalogue_digest": bytes(31)},
        {"clocks": (Clocks(1, 1),) * 3},
        {"clocks": (Clocks(1, 1),) * 5},
        {"clocks": (Clocks(0, 1),) * 4},
        {"clocks": (Clocks(1, -1),) * 4},
        {"clocks": (Clocks(1, 367 * 24 * 3600),) * 4},
        {"form_clocks": {"Statement": Clocks(1, 1)}},
        {"form_clocks": {"a" * 65: Clocks(1, 1)}},
        {"form_clocks": {"statement": Clocks(-1, 1)}},
        {"form_clocks": {f"form{number}": Clocks(1, 1) for number in range(257)}},
        {"status_interval_seconds": 0},
        {"test_interval_seconds": 0},
        {"release_people": (1, 1, 1)},
        {"release_people": (0, 1, 1, 1)},
        {"release_people": (1, 1, 1, 17)},
        {"unreleased_forms": ("test", "a")},
        {"unreleased_forms": ("test", "test")},
        {"unreleased_forms": ("",)},
        {"witnesses": (Witness("w", "key"), Witness("v", "key"))},
        {"witnesses": (Witness("w", "two words"),)},
        {"witnesses": (Witness("w", ""),)},
        {"witnesses": (Witness("a\nb", "key"),)},
        {"witnesses": tuple(Witness("w", f"key{number}") for number in range(17))},
        {"body_days": 0},
    ],
)
def test_terms_with_an_impossible_value_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        replace(terms(), **change)


YEAR = 366 * 24 * 3600  # the longest clock, in seconds
LONGEST = "a" * 64


@pytest.mark.parametrize(
    "change",
    [
        {"languages": tuple(f"aa-{number:02}" for number in range(16))},
        {"clocks": (Clocks(1, YEAR),) * 4},
        {"form_clocks": {LONGEST: Clocks(0, YEAR)}},
        {"form_clocks": {f"form{number}": Clocks(1, 1) for number in range(256)}},
        {"unreleased_forms": tuple(sorted(f"form{number}" for number in range(256)))},
        {"unreleased_forms": (LONGEST,)},
        {"status_interval_seconds": 1, "test_interval_seconds": 1, "body_days": 1},
        {"status_interval_seconds": YEAR, "test_interval_seconds": YEAR, "body_days": 36_525},
        {"release_people": (1, 16, 1, 1)},
        {"witnesses": (Witness("w" * 16, "k" * 512),)},
        {"witnesses": tuple(Witness("w", f"key{number}") for number in range(16))},
    ],
)
def test_terms_with_a_value_at_its_bound_are_read_back(change: dict[str, Any]) -> None:
    made = replace(terms(), **change)
    assert Terms.decode(made.encode()) == made


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"clocks": (Clocks(1, YEAR + 1),) * 4}, 39),
        ({"form_clocks": {"statement": Clocks(YEAR + 1, 0)}}, 39),
        ({"status_interval_seconds": YEAR + 1}, 39),
        ({"test_interval_seconds": YEAR + 1}, 39),
        ({"body_days": 36_526}, 39),
        ({"unreleased_forms": tuple(sorted(f"form{number}" for number in range(257)))}, 6),
        ({"unreleased_forms": (LONGEST + "a",)}, 6),
        ({"witnesses": (Witness("w", "k" * 513),)}, 6),
        ({"languages": ()}, 6),
        ({"languages": ("e",)}, 6),
        ({"clocks": (Clocks(1, 1),) * 3}, 6),
        ({"release_people": (1, 1, 1)}, 6),
        ({"form_clocks": {"Statement": Clocks(1, 1)}}, 6),
        ({"witnesses": (Witness("w", "key"), Witness("v", "key"))}, 6),
        ({"witnesses": (Witness("a\nb", "key"),)}, 6),
        ({"witnesses": tuple(Witness("w", f"key{number}") for number in range(17))}, 6),
    ],
)
def test_refusal_of_terms_names_its_rule(change: dict[str, Any], rule: int) -> None:
    with pytest.raises(Malformed) as refused:
        replace(terms(), **change)
    assert refused.value.rule == rule


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, -1),
        (2, bytes(31)),
        (3, [[1, 1]] * 3),
        (3, [[1]] * 4),
        (3, [[1, 1, 1]] * 4),
        (3, [[YEAR + 1, 1]] * 4),
        (4, {"a": [1, 2, 3]}),
        (6, [1]),
        (6, [1, True, 3]),
        (7, [-1] * 4),
        (9, [["name"]]),
        (9, [["name", "key", "?"]]),
        (10, -1),
        (1, ["e" * 1_025]),
    ],
)
def test_encoded_terms_with_a_value_of_another_shape_are_refused(place: int, value: object) -> None:
    values = decode(terms().encode())
    values[place] = value
    with pytest.raises(Malformed) as refused:
        Terms.decode(encode(values))
    assert refused.value.rule == 39


def test_encoded_terms_with_fewer_or_more_values_are_refused() -> None:
    values = decode(terms().encode())
    for other in (values[:-1], [*values, None]):
        with pytest.raises(Malformed):
            Terms.decode(encode(other))


def test_terms_of_the_largest_size_are_read_and_larger_ones_are_not() -> None:
    def padded(count: int) -> Terms:
        """Witnesses of so many more bytes than the shortest keys take."""
        each, rest = divmod(count, 16)
        keys = (f"{number:02}" + "k" * (300 + each + (rest if number == 0 else 0)) for number in range(16))
        forms = {f"{'form' * 15}-{number:03}": Clocks(300_000, 300_000) for number in range(256)}
        witnesses = tuple(Witness("w", key) for key in keys)
        return replace(terms(), witnesses=witnesses, form_clocks=forms, unreleased_forms=tuple(sorted(forms)[:100]))

    least = len(padded(0).encode())
    largest = padded(32_768 - least)
    assert len(largest.encode()) == 32_768
    assert Terms.decode(largest.encode()) == largest
    with pytest.raises(Malformed) as refused:
        padded(32_769 - least)
    assert refused.value.rule == 6
    with pytest.raises(Malformed) as refused:
        Terms.decode(largest.encode() + b"\0")
    assert refused.value.rule == 6


def test_terms_to_begin_with_are_these() -> None:
    made = default_terms(("en",), bytes(32), {}, ("test", "a", "test"))
    assert (made.version, made.status_interval_seconds, made.test_interval_seconds) == (1, 60, 3_600)
    assert (made.lower_id_tests_even_hours, made.show_third_parties) == (True, True)
    assert (made.release_people, made.witnesses, made.body_days) == ((1, 1, 1, 1), (), 90)
    assert made.unreleased_forms == ("a", "test")
    assert default_terms(("en",), bytes(32), {}).unreleased_forms == ("test", "test-answer")
    assert made.clocks == (Clocks(86_400, 259_200), Clocks(10_800, 43_200), Clocks(1_800, 7_200), Clocks(600, 3_600))


def test_terms_above_their_size_are_refused() -> None:
    long = {f"{'form' * 15}{number}": Clocks(300_000, 300_000) for number in range(256)}
    with pytest.raises(Malformed, match="at most 32768 bytes"):
        replace(terms(), form_clocks=long, unreleased_forms=tuple(sorted(long)))
    with pytest.raises(Malformed, match="at most 32768 bytes"):
        Terms.decode(bytes(32_769))


def test_terms_cut_short_or_with_bytes_left_over_are_refused() -> None:
    encoded = terms().encode()
    for bad in [encoded[:end] for end in range(len(encoded))] + [encoded + b"\x00"]:
        with pytest.raises(Malformed):
            Terms.decode(bad)


@pytest.mark.parametrize("place", range(12))
def test_terms_with_a_value_of_the_wrong_kind_are_refused(place: int) -> None:
    wrong: Any
    for wrong in (None, -1, "", b"", [[]], {"a": 1}, [None] * 4):
        values = decode(terms().encode())
        values[place] = wrong
        with pytest.raises(Malformed):
            Terms.decode(encode(values))


@given(st.binary(max_size=60))
def test_any_bytes_are_terms_or_refused(data: bytes) -> None:
    with pytest.raises(PeerError):
        Terms.decode(data)


def test_vector_of_terms_holds() -> None:
    vectors = json.loads((Path(__file__).parents[1] / "vectors" / "keys.json").read_text())
    assert terms().encode().hex() == vectors["terms"]["encoded"]
    assert terms().digest.hex() == vectors["terms"]["digest"]
