"""The packaged data files: complete in every language, strict at load, and one digest for one meaning."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.catalogue.samples import TYPED
from watchline.catalogue import Catalogue, load_catalogue
from watchline.catalogue.loading import load
from watchline.core.encoding import encode

LANGUAGES = {"en", "ja", "zh-Hans"}
FOLDER = Path(str(files("watchline.catalogue")))
FILES = {str(path.relative_to(FOLDER)): path.read_text(encoding="utf-8") for path in FOLDER.rglob("*.json")}


def changed(name: str, edit: Any) -> dict[str, str]:
    """All files, one of them after `edit` changed what it holds."""
    data = json.loads(FILES[name])
    edit(data)
    return {**FILES, name: json.dumps(data, ensure_ascii=False)}


def points(data: Any) -> Any:
    """The parts of the records of a readout."""
    return data["fields"][3]["parts"]


def every_text(data: Any) -> list[dict[str, str]]:
    if isinstance(data, dict):
        if set(data) & LANGUAGES and all(isinstance(text, str) for text in data.values()):
            return [data]
        return [found for part in data.values() for found in every_text(part)]
    return [found for part in data for found in every_text(part)] if isinstance(data, list) else []


def test_the_agreed_forms_are_there_and_no_other() -> None:
    assert set(load_catalogue().forms) == set(TYPED)


@pytest.mark.parametrize("name", [name for name in FILES if name != "catalogue.json"])
def test_every_text_is_there_in_every_language(name: str) -> None:
    texts = every_text(json.loads(FILES[name]))
    assert texts
    for text in texts:
        assert set(text) == LANGUAGES, text
        assert re.search("[\u3040-\u30ff\u4e00-\u9fff]|WGS-84", text["ja"]), text
        assert re.search("[\u4e00-\u9fff]", text["zh-Hans"]), text
        assert not re.search("[\u3040-\u30ff]", text["zh-Hans"]), text
        assert text["en"].isascii(), text


def test_no_language_but_the_source_is_called_reviewed() -> None:
    assert load_catalogue().reviews == {"en": "source", "ja": "draft", "zh-Hans": "draft"}


def test_every_form_that_waits_for_an_answer_has_forms_that_may_answer() -> None:
    forms = load_catalogue().forms
    for form in forms.values():
        assert set(form.answers) <= set(forms)
        assert form.expects in {"none", "acknowledgement", "answer"}
        assert form.answers or form.expects != "answer"
    assert [code for code, form in forms.items() if form.machine] == ["drill", "escalation-report", "test"]


def test_concepts_lists_every_form_with_what_it_expects() -> None:
    concepts = (Path(__file__).parents[2] / "docs" / "concepts.md").read_text(encoding="utf-8")
    section = concepts.partition("## Forms\n")[2].partition("\n## ")[0]
    listed = re.findall(r"^\| `([a-z-]+)` \| .+ \| (none|acknowledgement|answer) \|$", section, re.MULTILINE)
    assert sorted(listed) == sorted((code, form.expects) for code, form in load_catalogue().forms.items())


def test_field_numbers_and_names_are_unique_in_every_form() -> None:
    for form in load_catalogue().forms.values():
        assert len({field.number for field in form.fields}) == len(form.fields)
        assert len({field.name for field in form.fields}) == len(form.fields)


def test_words_that_people_see_have_all_keys_of_the_design() -> None:
    catalogue = load_catalogue()
    rungs = "composed attempted received rung acknowledged answered declined overdue"
    states = "up degraded line_down terminal_down dark unmanned unanswered contradicted declined suspended stopped"
    assert list(catalogue.words("rungs")) == rungs.split()
    assert list(catalogue.words("states")) == states.split()
    assert list(catalogue.words("precedences")) == ["ROUTINE", "PRIORITY", "IMMEDIATE", "FLASH"]
    assert {"exercise", "not_released"} <= set(catalogue.words("marks"))
    assert catalogue.word("marks", "exercise", "en") == ("EXERCISE", None)
    assert catalogue.word("marks", "not_released", "en") == ("NOT RELEASED", None)
    assert catalogue.word("marks", "exercise", "ja-JP").english == "EXERCISE"
    assert {catalogue.word("translations", key, "en").text for key in catalogue.words("translations")} == {
        "AGREED",
        "HUMAN",
        "MACHINE",
        "ORIGINAL ONLY",
    }


def test_catalogue_is_read_once() -> None:
    assert load_catalogue() is load_catalogue()


def test_digest_does_not_depend_on_the_layout_of_a_file() -> None:
    laid_out_anew = {
        name: json.dumps(dict(reversed(data.items())) if isinstance(data, dict) else data, indent=7)
        for name, data in ((name, json.loads(text)) for name, text in FILES.items())
    }
    assert Catalogue(load(laid_out_anew)).digest == load_catalogue().digest
    assert len(load_catalogue().digest) == 32


@pytest.mark.slow
@pytest.mark.parametrize(
    "files",
    [
        changed("forms/decline.json", lambda data: data.update(version=2)),
        changed("forms/decline.json", lambda data: data.update(expects="acknowledgement")),
        changed("forms/decline.json", lambda data: data["title"].update(ja="別の題")),
        changed("forms/decline.json", lambda data: data["fields"][1].update(required=True)),
        changed("forms/decline.json", lambda data: data["fields"][1].update(number=3)),
        changed("forms/decline.json", lambda data: data["fields"][1].update(at_most=999)),
        changed("forms/test.json", lambda data: data.update(machine=False)),
        changed("common.json", lambda data: data.pop()),
        changed("places.json", lambda data: data[0]["names"][0]["names"].update(en="Another")),
        changed("places.json", lambda data: data[0].update(north_east="27°00.0'N 125°01.0'E")),
        changed("words/values.json", lambda data: data["yes"].update(ja="可")),
        changed("catalogue.json", lambda data: data.update(version=3)),
        changed("forms/readout.json", lambda data: points(data).reverse()),
        changed("forms/readout.json", lambda data: points(data)[0].update(required=True)),
        changed("forms/planned-discharge.json", lambda data: data["fields"][4].pop("unique")),
        changed("forms/supply-notice.json", lambda data: data["fields"][0].update(pattern="[0-9]{6}")),
    ],
)
def test_digest_covers_everything_that_gives_meaning(files: dict[str, str]) -> None:
    assert Catalogue(load(files)).digest != load_catalogue().digest


def test_digest_does_not_change_when_a_linguist_signs() -> None:
    files = changed("catalogue.json", lambda data: data["languages"]["ja"].update(review="signed"))
    signed = Catalogue(load(files))
    assert signed.digest == load_catalogue().digest
    assert signed.word("rungs", "received", "ja").english is None


def test_everything_under_the_digest_has_an_encoding() -> None:
    assert encode(load(FILES).meaning)


def first_point(**new: Any) -> Any:
    return lambda data: points(data)[0].update(new)


def first_field(**new: Any) -> Any:
    return lambda data: data["fields"][0].update(new)


@pytest.mark.parametrize(
    ("files", "rule"),
    [
        (changed("forms/decline.json", lambda data: data.update(colour="red")), "unknown \\['colour'\\]"),
        (changed("forms/decline.json", lambda data: data.pop("help")), "missing \\['help'\\]"),
        (changed("forms/decline.json", lambda data: data.update(code="refuse")), "file's name"),
        (changed("forms/decline.json", lambda data: data.update(version=True)), "True must be"),
        (changed("forms/decline.json", lambda data: data.update(expects="reply")), "expects"),
        (changed("forms/decline.json", lambda data: data.update(expects="answer")), "has none"),
        (changed("forms/decline.json", lambda data: data.update(answers=["nothing"])), "nothing is no form"),
        (changed("forms/decline.json", lambda data: data.update(answers=["test", "test"])), "answer stands twice"),
        (changed("forms/decline.json", lambda data: data["title"].pop("ja")), "missing \\['ja'\\]"),
        (changed("forms/decline.json", lambda data: data["title"].update(en="")), "must be text"),
        (changed("forms/decline.json", first_field(number=2)), "number stands twice"),
        (changed("forms/decline.json", first_field(number=101)), "below 101"),
        (changed("forms/decline.json", first_field(name="reason")), "name stands twice"),
        (changed("forms/decline.json", first_field(name="Of")), "lower case"),
        (changed("forms/decline.json", first_field(type="colour")), "colour is not known"),
        (changed("forms/decline.json", first_field(type="list")), "list is not known"),
        (changed("forms/decline.json", first_field(type="list", of="list")), "unknown \\['of'\\]"),
        (changed("forms/decline.json", first_field(unit="m")), "unknown \\['unit'\\]"),
        (changed("forms/decline.json", first_field(type="int", unit="furlong", at_least=0, at_most=1)), "unit must be"),
        (changed("forms/decline.json", first_field(type="int", at_least=1, at_most=0)), "0 must be 1"),
        (changed("forms/decline.json", first_field(type="choice", values={})), "two values"),
        (changed("forms/decline.json", first_field(not_before="reason")), "not_before"),
        (changed("forms/decline.json", first_field(type="record", parts=[])), "unknown \\['parts'\\]|record is not known"),
        (changed("forms/decline.json", first_field(type="list", of="record", parts=[])), "part that is required"),
        (changed("forms/decline.json", first_field(type="list", of="record")), "must be a list"),
        (changed("forms/decline.json", first_field(type="code", pattern="[A-Z]{3}", example="yen")), "must match"),
        (changed("forms/decline.json", first_field(type="code", pattern="[A-Z]{3}")), "None must be text"),
        (changed("forms/readout.json", first_point(number=1)), "unknown \\['number'\\]"),
        (changed("forms/readout.json", first_point(not_before="about")), "unknown \\['not_before'\\]"),
        (changed("forms/readout.json", first_point(name="about")), "name of a part stands twice"),
        (changed("forms/readout.json", lambda data: points(data)[1].update(required=False)), "part that is required"),
        (changed("forms/readout.json", lambda data: points(data)[0]["label"].pop("ja")), "missing \\['ja'\\]"),
        (changed("forms/readout.json", lambda data: points(data)[1].update(of="list")), "unknown \\['of'\\]"),
        (
            changed(
                "forms/readout.json",
                lambda data: points(data)[1].update(of="record", parts=[{**points(data)[0], "required": True}]),
            ),
            "holds no records",
        ),
        (changed("forms/readout.json", lambda data: data["fields"][3].update(unique="about")), "unique must name"),
        (changed("forms/readout.json", lambda data: data["fields"][3].update(unique="text")), "unique must name"),
        (changed("common.json", lambda data: data[0].update(number=3)), "begin at 101"),
        (changed("places.json", lambda data: data[0]["names"].pop()), "two names"),
        (changed("places.json", lambda data: data[0].update(south_west="nowhere")), "corner"),
        (changed("places.json", lambda data: data[0].update(south_west="80.0,123.0")), "empty"),
        (changed("catalogue.json", lambda data: data["languages"]["ja"].update(review="fine")), "review"),
        (changed("catalogue.json", lambda data: data["languages"]["en"].update(review="draft")), "source"),
        (changed("words/values.json", lambda data: data.pop("yes")), "must have"),
        ({**FILES, "words/marks.json": '{"a": 1, "a": 2}'}, "key stands twice"),
        ({name: text for name, text in FILES.items() if name != "places.json"}, "is missing"),
    ],
)
def test_data_file_that_breaks_a_rule_is_refused(files: dict[str, str], rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        load(files)


@pytest.mark.slow
@given(name=st.sampled_from(sorted(FILES)), share=st.floats(0, 0.999))
def test_data_file_cut_short_is_refused(name: str, share: float) -> None:
    whole = FILES[name].rstrip()
    with pytest.raises(ValueError, match=r"line \d+ column \d+"):
        load({**FILES, name: whole[: int(len(whole) * share)]})
