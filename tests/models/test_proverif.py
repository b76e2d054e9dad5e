"""The ProVerif models, their recorded verdicts, and their text adapted to the present blinding belong together."""

from __future__ import annotations

import re
import tomllib

import pytest

from models.proverif.adapted import HERE, adapted

VERDICTS = tomllib.loads((HERE / "verdicts.toml").read_text("utf-8"))
NAMES = sorted(path.stem for path in HERE.glob("*.pv"))
GOAL = re.compile(r"(?:attacker\(|event\((?:Recv|EpR|Rcpt|Stat|JR|JS|JL)\()")


def queries(text: str) -> list[str]:
    """What a model asks, one text each."""
    asked = re.search(r"^query [^;]*;\n(.*?)\.\n", text, re.MULTILINE | re.DOTALL)
    assert asked is not None
    return [each.strip() for each in asked[1].split(";\n")]


def test_every_model_has_a_verdict_and_every_verdict_a_model() -> None:
    assert sorted(VERDICTS) == NAMES
    assert len(NAMES) == 40


@pytest.mark.parametrize("name", NAMES)
def test_verdict_is_of_the_options_that_the_model_was_made_with(name: str) -> None:
    first = (HERE / f"{name}.pv").read_text("utf-8").splitlines()[0]
    assert first == f"(* options: {VERDICTS[name]['options']} *)"


@pytest.mark.parametrize("name", NAMES)
def test_verdict_counts_or_names_queries_of_the_model(name: str) -> None:
    asked = queries((HERE / f"{name}.pv").read_text("utf-8"))
    assert all(GOAL.search(each) for each in asked)
    result = VERDICTS[name]["result"]
    if found := re.fullmatch(r"all (\d+) true", result):
        assert int(found[1]) == len(asked)
    elif found := re.fullmatch(r"(?:FALSE: (.+?)(?:; others true)?|reached: (.+))", result):
        goals = (found[1] or found[2]).split()
        assert len(goals) <= len(asked)
        for goal in goals:
            event = re.split(r"[_.]", goal)[0]
            asks = {"S": "attacker(sb(", "ST": "attacker(st("}.get(event, f"event({event}(")
            assert any(asks in each for each in asked), goal
    else:
        pytest.fail(result)


@pytest.mark.parametrize("name", NAMES)
def test_adapted_text_blinds_from_the_chain_and_sends_no_blinding(name: str) -> None:
    recorded = (HERE / f"{name}.pv").read_text("utf-8")
    text = adapted(recorded)
    entries = len(re.findall(r"new r\d+: bitstring", recorded))
    assert len(re.findall(r"let (r\d+) = blind\(ck\d+_\d+, h\(body\d+\)\)", text)) == 2 * entries > 0
    assert not re.search(r"new r\d|\(r\d+, body\d+\)|\(r\d+: bitstring", text.replace("com(r", ""))
    assert queries(text) == queries(recorded)


def test_text_of_another_shape_is_not_adapted() -> None:
    with pytest.raises(ValueError, match="not a recorded model"):
        adapted(adapted((HERE / "base.pv").read_text("utf-8")))
