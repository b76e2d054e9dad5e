"""The fallback card: what people wrote is kept as it is, faults are named, and it is shown when a clock has run out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desk.desk_pair import DeskPair
from tests.desk.watch_samples import AGREED, ask, say
from watchline.desk.fallback import check_card, read_card
from watchline.errors import UsageError

CARD = """
[[telephone]]
number = "+86 10 0000 0000"
name = "值班员"
languages = ["zh-Hans", "en"]
[[telephone]]
number = "+86 10 0000 0001"
name = "Embassy"
[[other]]
name = "Attaché"
how = "radio, 121.5 MHz"
"""
AS_JSON = {
    "telephone": [
        {"number": "+86 10 0000 0000", "name": "值班员", "languages": ["zh-Hans", "en"]},
        {"number": "+86 10 0000 0001", "name": "Embassy", "languages": []},
    ],
    "other": [{"name": "Attaché", "how": "radio, 121.5 MHz"}],
}


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[DeskPair]:
    joined = DeskPair(tmp_path, agreed=AGREED)
    joined.join()
    joined.advance(3)
    yield joined
    joined.close()


def test_card_is_kept_over_a_restart_and_taken_away(pair: DeskPair, tmp_path: Path) -> None:
    (tmp_path / "card.toml").write_text(CARD)
    card = read_card(tmp_path / "card.toml")
    assert card == AS_JSON
    assert ask(pair.a, "fallback", line="beijing")["card"] is None
    ask(pair.a, "fallback_set", line="beijing", card=card)
    pair.cut()
    pair.a.restart()
    assert ask(pair.a, "fallback", line="beijing") == {"line": "beijing", "wanted": False, "card": AS_JSON}
    assert ask(pair.a, "fallback_set", line="beijing", card=None)["card"] is None


@pytest.mark.slow
def test_card_stands_in_the_status_once_a_clock_of_ours_has_run_out(pair: DeskPair) -> None:
    ask(pair.a, "fallback_set", line="beijing", card=AS_JSON)
    say(pair.a)
    say(pair.b)
    pair.advance(590)
    assert ask(pair.a, "status")["lines"][0]["fallback"] is None
    pair.advance(20)
    assert ask(pair.a, "status")["lines"][0]["fallback"] == AS_JSON
    assert ask(pair.a, "fallback", line="beijing")["wanted"] is True
    assert ask(pair.b, "status")["lines"][0]["fallback"] is None


@pytest.mark.parametrize(
    "card",
    [
        "",
        "telephone = 1",
        "[[telephone]]\nnumber = '1'",
        "[[telephone]]\nnumber = 1\nname = 'a'",
        "[[telephone]]\nnumber = ''\nname = 'a'",
        "[[telephone]]\nnumber = '1'\nname = \"a\\u001b[2J\"",
        "[[telephone]]\nnumber = '1'\nname = 'a'\nlanguages = 'ja'",
        "[[telephone]]\nnumber = '1'\nname = 'a'\nlanguages = ['not a tag']",
        "[[telephone]]\nnumber = '1'\nname = 'a'\nfax = '2'",
        "[[other]]\nname = 'a'",
        "[[others]]\nname = 'a'\nhow = 'b'",
        "[[other]]\nname = 'a'\nhow = '" + "b" * 201 + "'",
        "[[other]]\nname = 'a'\nhow = 'b'\n" * 17,
        "not toml",
    ],
)
def test_card_that_cannot_be_read_is_refused(tmp_path: Path, card: str) -> None:
    (tmp_path / "card.toml").write_text(card)
    with pytest.raises(UsageError) as caught:
        read_card(tmp_path / "card.toml")
    assert caught.value.hint


def test_card_from_another_program_is_checked_as_well(pair: DeskPair) -> None:
    for card in (7, {"telephone": [{"number": "\ud800", "name": "a", "languages": []}]}, {"other": [7]}):
        with pytest.raises(UsageError):
            ask(pair.a, "fallback_set", line="beijing", card=card)
    assert check_card(AS_JSON) == AS_JSON
