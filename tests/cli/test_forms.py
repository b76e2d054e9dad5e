from __future__ import annotations

import shlex

import pytest

from tests.cli.commands import Shell
from watchline.catalogue import load_catalogue
from watchline.cli.messages import _chosen_form


def test_forms_are_listed_without_a_home(shell: Shell) -> None:
    listed = shell("forms", "--json").document["forms"]

    assert [each["form"] for each in listed] == list(load_catalogue().forms)


@pytest.mark.parametrize("code", load_catalogue().forms)
def test_example_of_a_form_is_a_form_that_may_be_sent(shell: Shell, code: str) -> None:
    words = shlex.split(shell("forms", code, "--json").document["example"])
    form, assignments = _chosen_form(code, words[words.index(code) + 1 :], None)
    for field in form.fields:
        if (field.name, field.type) == ("of", "reference"):
            assignments["of"] = "theirs:1"
        if (field.name, field.type) == ("language", "language"):
            assignments["language"] = "en"

    assert form.parse(assignments, lambda _: (1, 1, 1))


def test_form_is_described_in_the_desks_language(shell: Shell) -> None:
    shell.make("tokyo")

    assert "空域内の物体 (Object in airspace)" in shell.at("tokyo", "forms", "airspace-object").out


def test_parts_of_a_record_are_described_in_the_readers_language(shell: Shell) -> None:
    described = shell("forms", "planned-discharge", "--lang", "ja", "--json").document["fields"][4]

    assert [(part["field"], part["label"], part["unit"]) for part in described["parts"]] == [
        ("name", "核種", None),
        ("activity", "放射能濃度", "Bq/L"),
    ]
    assert "activity: 放射能濃度" in shell("forms", "planned-discharge", "--lang", "ja").out


def test_form_that_names_a_message_but_answers_none_is_sent_and_not_a_reply(shell: Shell) -> None:
    examples = {code: shell("forms", code, "--json").document["example"] for code in ("acceptance", "close", "correction")}

    assert examples["acceptance"].startswith("watchline reply LINE theirs:1 acceptance digest=0")
    assert examples["close"] == "watchline send LINE close of=theirs:1 outcome=concluded"
    assert examples["correction"] == 'watchline send LINE correction of=ours:1 reason="..."'


def test_unknown_form_is_refused_with_near_ones(shell: Shell) -> None:
    done = shell("forms", "air-object", "--json")

    assert done.code == 2
    assert "airspace-object" in done.error["hint"]
