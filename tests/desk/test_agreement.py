from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from watchline.catalogue import load_catalogue
from watchline.core.terms import BY_PRECEDENCE, Clocks, Terms
from watchline.desk.agreement import amended_terms, proposed_terms
from watchline.desk.config import Config
from watchline.errors import UsageError


def terms_of(folder: Path, text: str) -> Terms:
    (folder / "terms.toml").write_text(text)
    return proposed_terms("ja", Config(), folder / "terms.toml")


def test_default_terms_follow_catalogue_and_settings() -> None:
    terms = proposed_terms("ja", Config(status_interval_seconds=5, test_interval_seconds=7))

    assert terms.languages == ("ja", "en")
    assert terms.catalogue_digest == load_catalogue().digest
    assert (terms.status_interval_seconds, terms.test_interval_seconds) == (5, 7)
    assert terms.unreleased_forms == ("drill", "escalation-report", "test")
    assert set(terms.form_clocks) == set(load_catalogue().forms)
    assert terms.form_clocks["airspace-object"] == Clocks(BY_PRECEDENCE, BY_PRECEDENCE)
    assert terms.form_clocks["test"] == Clocks(None, None)


def test_default_terms_of_an_english_desk_name_english_once() -> None:
    assert proposed_terms("en", Config()).languages == ("en",)


def test_terms_file_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    text = """
        languages = ["ja", "zh-hans", "en"]
        body_days = 30
        show_third_parties = false
        [clocks.FLASH]
        acknowledge_seconds = 300
        [clocks.ROUTINE]
        answer_seconds = "none"
        [forms.statement]
        answer_seconds = "by-precedence"
        [release_people]
        FLASH = 2
        [[witnesses]]
        name = "Geneva"
        vkey = "geneva+00000000+AAAA"
    """

    terms, default = terms_of(tmp_path, text), proposed_terms("ja", Config())

    assert terms.languages == ("ja", "zh-Hans", "en")
    assert (terms.body_days, terms.show_third_parties) == (30, False)
    assert terms.clocks[3] == Clocks(300, default.clocks[3].answer)
    assert terms.clocks[0] == Clocks(default.clocks[0].acknowledge, None)
    assert terms.clocks[1:3] == default.clocks[1:3]
    assert terms.form_clocks["statement"] == Clocks(BY_PRECEDENCE, BY_PRECEDENCE)
    assert terms.release_people == (1, 1, 1, 2)
    assert [witness.name for witness in terms.witnesses] == ["Geneva"]
    assert Terms.decode(terms.encode()) == terms


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("body_day = 3", "body_day"),
        ("body_days = 0", "body days"),
        ("body_days = '30'", "body_days"),
        ("languages = []", "languages"),
        ("languages = ['japanese!']", "japanese!"),
        ("languages = 'ja'", "languages"),
        ("[clocks.URGENT]\nanswer_seconds = 1", "URGENT"),
        ("[clocks.FLASH]\nanswer = 1", "clocks.FLASH"),
        ("[clocks.FLASH]\nanswer_seconds = 0", "clocks.FLASH"),
        ("[clocks.FLASH]\nanswer_seconds = [1]", "clocks.FLASH"),
        ("[clocks.FLASH]\nanswer_seconds = 'by-precedence'", "clocks.FLASH"),
        ("[clocks]\nFLASH = 1", "clocks"),
        ("[forms.weather]\nanswer_seconds = 1", "weather"),
        ("[release_people]\nFLASH = 0", "release"),
        ("[release_people]\nFLASH = 'two'", "release"),
        ("release_people = 2", "release_people"),
        ("unreleased_forms = ['statement']", "statement"),
        ("witnesses = ['Geneva']", "witnesses"),
        ("lower_id_tests_even_hours = 1", "lower_id_tests_even_hours"),
        ("catalogue = 2", "catalogue"),
        ("catalogue = 'newest'", "current"),
    ],
)
def test_terms_file_with_a_mistake_is_refused_by_name(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(UsageError) as caught:
        terms_of(tmp_path, text)

    assert named in caught.value.message
    assert caught.value.hint


def of_an_earlier_version() -> Terms:
    """Terms that a version agreed on which had neither talks nor notices of exercises."""
    terms = proposed_terms("ja", Config())
    known = {form: clocks for form, clocks in terms.form_clocks.items() if form not in ("talks-proposal", "exercise-notice")}
    return replace(terms, catalogue_digest=bytes(32), form_clocks={**known, "statement": Clocks(7, 7), "weather": Clocks(1, 1)})


def test_line_of_an_earlier_version_takes_over_the_catalogue_of_this_one_with_the_clocks_of_its_new_forms() -> None:
    before = of_an_earlier_version()
    after = amended_terms(before, None, ["catalogue=current"])

    new = {"talks-proposal": Clocks(BY_PRECEDENCE, BY_PRECEDENCE), "exercise-notice": Clocks(BY_PRECEDENCE, None)}
    clocks = {**before.form_clocks, **new}
    assert after == replace(before, version=2, catalogue_digest=load_catalogue().digest, form_clocks=clocks)
    with pytest.raises(UsageError, match="changes nothing"):
        amended_terms(after, None, ["catalogue=current"])


def test_form_that_a_line_has_not_had_yet_can_be_given_a_clock() -> None:
    before = of_an_earlier_version()
    after = amended_terms(before, None, ["forms.talks-proposal.answer_seconds=600"])

    assert after.form_clocks == {**before.form_clocks, "talks-proposal": Clocks(BY_PRECEDENCE, 600)}
    both = amended_terms(before, None, ["catalogue=current", "forms.talks-proposal.answer_seconds=600"])
    assert both.form_clocks == {**after.form_clocks, "exercise-notice": Clocks(BY_PRECEDENCE, None)}


def test_setting_that_is_nested_by_the_thousand_is_refused_as_any_other_wrong_value() -> None:
    before = proposed_terms("ja", Config())
    with pytest.raises(UsageError, match="body_days"):
        amended_terms(before, None, [f"body_days={'[' * 5_000}{']' * 5_000}"])
