"""The pages of the talks: who may see them, what stands on them in the reader's words, and every text as text."""

from __future__ import annotations

import asyncio
import random
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest

from tests.console.browsers import PORT, Browser
from tests.console.sample_talks import FOLLOWING, LINE, LONG, TALKS, SampleDesk, following, talks
from watchline.catalogue import load_catalogue
from watchline.console import screen as console_screen
from watchline.console.app import Console
from watchline.console.talks import COUNT_SECONDS, Talks, texts
from watchline.console.talks_steps import COMMANDS, steps
from watchline.core.setting import Moment
from watchline.errors import JournalError

LANGUAGES = ["en", "ja", "zh-Hans"]
HOSTILE = '<script>alert("1")</script><img src=x onerror=alert(1)> &amp; {{ 7 * 7 }} \'"` </span></title>'
VOID = {"meta", "link", "img", "br", "input"}
PAGES = ["", f"/{LINE}", f"/{LINE}/{quote(TALKS)}", f"/{LINE}/{quote(FOLLOWING)}", "/nowhere"]


WRITTEN = {
    "topic",
    "subject",
    "detail",
    "remark",
    "text",
    "terms",
    "facts",
    "title",
    "own_text",
    "agreed_text",
    "differences",
    "speaker_role",
    "place",
    "reason",
    "ours",
    "theirs",
    "language",
    "phase",
    "state",
    "words",
    "form",
    "kind",
    "why",
}


class Page(HTMLParser):
    """What a page holds: its elements as (tag, attributes, text), in order. A tag that is not closed fails the test."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str], list[str]]] = []
        self._open: list[int] = []
        self.feed(re.sub("(</d[dt]>)", r"\1 ", html))  # which stand apart on the screen
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}, []))
        if tag not in VOID:
            self._open.append(len(self.elements) - 1)

    def handle_endtag(self, tag: str) -> None:
        assert self.elements[self._open.pop()][0] == tag

    def handle_data(self, data: str) -> None:
        for place in self._open:
            self.elements[place][2].append(data)

    def all(self, tag: str = "", **attributes: str) -> list[str]:
        """The text of each element of this tag with these attributes; `data_x` stands for `data-x`, `class_` for one class."""
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        return [
            " ".join("".join(text).split())
            for name, has, text in self.elements
            if tag in ("", name) and all(value in has.get(each, "").split(" ") for each, value in wanted.items())
        ]

    def attributes(self, name: str, tag: str = "") -> list[str]:
        return [has[name] for found, has, _ in self.elements if name in has and tag in ("", found)]


class Reader(Browser):
    """A browser that is signed in at a console, and the desk behind it."""

    def __init__(self, folder: Path, language: str = "en") -> None:
        self.desk = SampleDesk(language)
        super().__init__(
            Console(self.desk.ask, folder, lambda: Moment(1_700_000_000, 1_000.0, random.Random(3).randbytes), PORT)
        )
        assert self.sign_in().status_code == 200

    def part(self, path: str) -> str:
        return self.get(f"/parts/talks{path}").text

    def round(self, name: str = TALKS) -> Page:
        return Page(self.part(f"/{LINE}/{quote(name)}"))


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(tmp_path)


# --- who may see what


@pytest.mark.parametrize(
    "path", ["/talks", "/talks/beijing", "/talks/beijing/ours%3A4", "/parts/talks", "/parts/talks/beijing"]
)
def test_talks_are_shown_to_nobody_without_a_session(reader: Reader, path: str) -> None:
    assert Browser(reader.console).get(path).status_code == 401


@pytest.mark.parametrize("path", PAGES)
def test_stolen_cookie_without_the_pages_key_sees_no_word_of_the_talks(reader: Reader, path: str) -> None:
    reader.key = ""
    reader.desk.asked.clear()
    frame = reader.get(f"/talks{path}")
    assert frame.status_code == 200
    assert {method for method, _ in reader.desk.asked} == {"desk"}
    assert "beijing" not in frame.text.lower()
    assert reader.get(f"/parts/talks{path}").status_code == 401


@pytest.mark.parametrize(
    "path", ["/nowhere", "/nowhere/ours%3A4", "/beijing/ours%3A9", "/beijing/nonsense", "/beijing/%3Cb%3E"]
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_line_or_round_that_is_not_there_is_a_404_in_the_readers_words(tmp_path: Path, language: str, path: str) -> None:
    answer = Reader(tmp_path, language).get(f"/parts/talks{path}")
    assert answer.status_code == 404
    assert Page(answer.text).all("h1") == [load_catalogue().word("talks", "no_such", language).text]
    assert "<b>" not in answer.text


def test_failure_of_the_desk_is_no_page_that_says_there_is_no_such_round(reader: Reader) -> None:
    async def ask(method: str, params: dict[str, Any]) -> dict[str, Any]:
        raise JournalError("the journal cannot be read", hint="see the disk")

    reader.console._call = ask
    assert reader.get("/parts/talks").status_code == 400
    assert reader.get(f"/parts/talks/{LINE}/ours%3A4").status_code == 400


@pytest.mark.parametrize("path", PAGES)
def test_page_of_the_talks_has_no_script_and_no_style_of_its_own(reader: Reader, path: str) -> None:
    frame, part = reader.get(f"/talks{path}").text, reader.part(path)
    assert frame.count("<script") == frame.count('<script type="module" src="/static/talks.js">') == 1
    assert "<script" not in part
    for page in (frame, part):
        assert "<style" not in page
        assert " style=" not in page
        assert re.search(r"<[^>]* on[a-z]+=", page) is None


# --- every text as text


def hostile(value: Any, text: str) -> Any:
    """The same answer with every text in it that a person wrote, and every name that a peer chose, replaced."""
    if isinstance(value, dict):
        return {
            name: text if name in WRITTEN and isinstance(each, str) else hostile(each, text) for name, each in value.items()
        }
    return [hostile(each, text) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("path", ["", f"/{LINE}/{quote(TALKS)}", f"/{LINE}/{quote(FOLLOWING)}"])
def test_hostile_text_in_talks_is_shown_as_text(reader: Reader, path: str) -> None:
    reader.desk.rounds = hostile(reader.desk.rounds, HOSTILE)
    part = reader.part(path)
    page = Page(part)

    assert "&lt;script&gt;alert(&#34;1&#34;)&lt;/script&gt;" in part
    assert "{{ 7 * 7 }}" in part
    assert not {"script", "img", "title"} & {tag for tag, _, _ in page.elements}
    assert not any(name.startswith("on") for _, has, _ in page.elements for name in has)


def test_text_in_talks_that_turns_the_reading_order_is_shown_with_what_turns_it_made_visible(reader: Reader) -> None:
    reader.desk.rounds = hostile(reader.desk.rounds, "pay \u202eeht\u202c desk")
    for path in ("", f"/{LINE}/{quote(TALKS)}"):
        part = reader.part(path)
        assert "pay \\u202eeht\\u202c desk" in part
        assert "\u202e" not in part


def test_names_in_addresses_are_encoded(reader: Reader) -> None:
    links = [link for link in Page(reader.part("")).attributes("href") if link.count("/") == 3]
    assert {unquote(link.split("/")[3].split("#")[0]) for link in links} == {TALKS, FOLLOWING}
    assert all(re.fullmatch(r"/talks/beijing/[a-z]+%3A\d+(#[a-z]+%3A\d+)?", link) for link in links)


# --- what stands there


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", PAGES)
def test_page_is_whole_in_each_language_with_headings_in_order_and_tables_with_scope(
    tmp_path: Path, language: str, path: str
) -> None:
    page = Page(Reader(tmp_path, language).part(path))
    levels = [int(tag[1]) for tag, _, _ in page.elements if re.fullmatch("h[1-6]", tag)]

    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))
    assert all(has.get("scope") in ("col", "row") for tag, has, _ in page.elements if tag == "th")
    named = page.attributes("aria-labelledby")
    assert set(named) <= set(page.attributes("id"))
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_of_the_templates_is_in_the_catalogue(language: str) -> None:
    folder = Path(console_screen.__file__).parent / "templates"
    templates = "".join(path.read_text("utf-8") for path in folder.glob("talks*.html"))
    asked = set(re.findall(r'\bt\("([\w-]+)"\)', templates))
    groups = set(re.findall(r'(?:\bof|state)\("([\w-]+)", ', templates))
    words = load_catalogue().words("talks")

    assert len(asked) > 50
    assert asked <= set(words)
    assert groups == {key.partition("_")[0] for key in words if key.partition("_")[0] in groups}
    assert all(words[key][language] for key in words)
    assert {f"move_{kind}" for kind in COMMANDS} <= set(words)
    shown = asked | {key for key in words if key.partition("_")[0] in groups}
    assert set(words) - shown == {"talks", "key_talks", "reminders_due"} - shown


def test_value_of_next_year_stands_for_itself(reader: Reader) -> None:
    reader.desk.rounds[0]["phase"] = "a phase of next year"
    assert "a phase of next year" in reader.round().all("b", class_="state-word")


def test_round_says_phase_whose_move_and_what_is_on_the_table(reader: Reader) -> None:
    page = reader.round(FOLLOWING)
    facts = " ".join(page.all("dl", class_="facts"))
    assert "Phase proposed" in facts
    assert "Whose move our side" in facts
    assert "not agreed yet" in facts
    assert "Resumes ours:4" in facts
    assert "by video" in page.all("ul", class_="on-table")[0]
    assert page.all(class_="mark-exercise") == ["EXERCISE"]


@pytest.mark.parametrize(("language", "first"), [("en", "around spring"), ("ja", "春頃"), ("zh-Hans", "春季前后")])
def test_approximate_date_is_in_the_readers_words_with_its_window_beside_it(tmp_path: Path, language: str, first: str) -> None:
    page = Reader(tmp_path, language).round()
    (window,) = page.all("span", class_="window")
    assert window.startswith(first)
    assert "2023-03-01 – 2023-05-31" in window
    assert page.all("span", class_="text", lang=language).count(first) == 1


@pytest.mark.parametrize("language", ["en", "ja"])
def test_terms_are_in_the_readers_language_with_the_authors_text_beside_it(tmp_path: Path, language: str) -> None:
    page = Reader(tmp_path, language).round()
    translated = "direct communication hotline" if language == "en" else "直通回線開設"
    assert any(translated in text for text in page.all("span", lang=language))
    assert any("双方同意争取在春季前后建立直通电话。" in text for text in page.all("p", class_="written"))


def test_terms_without_a_translation_are_as_they_were_written() -> None:
    assert texts("terms", "fr", {"ja": "文言"}, "en") == [("fr", "terms")]
    assert texts("terms", "", {"en": "terms"}, "en") == [("", "terms")]
    assert texts("条款", "", {"en-GB": "terms"}, "en") == [("en-GB", "terms"), ("", "条款")]


def test_statement_carries_its_language_and_stands_in_its_sides_column(reader: Reader) -> None:
    page = reader.round()
    (japanese,) = page.all("div", class_="statement", id="ours:20")
    (chinese,) = page.all("div", class_="statement", data_side="theirs", id="theirs:21")
    assert "in reply to ours:20" in chinese
    assert "説明を求める" in japanese
    assert "这是民用飞艇。" in page.all("p", lang="zh-Hans")


def test_item_shows_its_notices_their_answers_and_what_is_open(reader: Reader) -> None:
    page = reader.round()
    (balloons,) = page.all("article", id="ours:10")
    (rockets,) = page.all("article", id="ours:11")
    assert "answered by: their side Statement theirs:20" in balloons
    assert "no answer" in balloons
    assert page.all("li", data_open="True")[0].startswith("Object in airspace ours:2")
    assert "declined" in rockets
    assert "only noted" in rockets


def test_reports_of_both_sides_stand_side_by_side_where_they_differ(reader: Reader) -> None:
    (disputed,) = reader.round().all("article", class_="commitment", data_state="disputed")
    ours, theirs = disputed.split("What each side reports")[1].split("their side")
    assert "not kept No meeting was held." in ours
    assert theirs.split()[0] == "kept"


def test_due_state_is_said_only_of_what_can_still_be_late(reader: Reader) -> None:
    assert "OVERDUE" not in " ".join(reader.round().all("article", class_="commitment"))
    reader.desk.rounds[0]["commitments"][0]["state"] = "standing"
    assert "OVERDUE" in " ".join(reader.round().all("article", class_="commitment"))


@pytest.mark.parametrize(
    ("verdict", "word", "ours", "theirs"),
    [
        ("both", "both say it", "as it stands", "as it stands"),
        ("only_ours", "only ours", "Balloons were raised.", "not said"),
        ("only_theirs", "only theirs", "not said", "排海问题。"),
        ("differently", "said differently", "Peace in the Taiwan Strait was stressed.", "中方阐明立场。"),
        ("neither", "agreed, and in neither", "not said", "not said"),
    ],
)
def test_comparison_says_of_each_point_who_says_it(reader: Reader, verdict: str, word: str, ours: str, theirs: str) -> None:
    (row,) = reader.round().all("tr", data_verdict=verdict)
    assert row.endswith(f"{word} {ours} {theirs}")


def test_move_that_does_not_count_is_marked_with_why(reader: Reader) -> None:
    (late,) = reader.round().all("li", data_counts="False")
    assert "does not count: after the round had ended" in late


def test_line_shows_reminders_rounds_open_items_by_age_and_arrangements(reader: Reader) -> None:
    page = Page(reader.part(f"/{LINE}"))
    reminder = page.all("li", data_kind="overdue")[0]
    assert "Both sides agree to try" in reminder
    assert "双方同意" in reminder
    ages = [int(cell) for cell in page.all("td", class_="digits")[6:11]]
    assert ages == sorted(ages, reverse=True)
    assert "every year" in page.all("ul", class_="arrangements")[0]
    assert page.all("tr", data_exercise="True")[0].startswith("安全对话后续")


# --- what can be done next


def test_possible_moves_are_commands_to_copy(reader: Reader) -> None:
    commands = reader.round(FOLLOWING).all("code", dir="ltr")
    assert "watchline talks accept beijing theirs:60 --date NUMBER" in commands
    assert "watchline talks decline beijing theirs:60" in commands
    assert "watchline talks accept beijing theirs:64" in commands
    assert "watchline talks note beijing theirs:62" in commands
    assert "watchline talks withdraw beijing ours:63 --reason REASON" in commands
    assert all(command.startswith("watchline talks ") for command in commands)


def test_report_can_be_made_on_each_commitment_that_stands() -> None:
    (reports, readout) = steps(LINE, talks())
    assert [step.command for step in reports[1]] == [
        f"watchline talks report beijing {name} --{judged}"
        for name in ("theirs:32", "ours:31")
        for judged in ("kept", "not-kept", "lapsed")
    ]
    assert readout[1][0].command.startswith("watchline talks readout beijing ours:4 ")


def test_close_of_theirs_can_be_accepted_until_we_have_agreed() -> None:
    one = following()
    one["timeline"].append(dict(one["timeline"][0], id="theirs:90", kind="close", title="Close"))
    one["closing"] = {"outcome": "concluded", "agreed": None, "by": ["theirs"], "next": None, "reason": None}
    accept = dict(steps(LINE, one))["acceptance"]
    assert "watchline talks accept beijing theirs:90" in [step.command for step in accept]
    one["closing"]["by"] = ["ours", "theirs"]
    one["closing"]["agreed"] = "theirs:90"
    accept = dict(steps(LINE, one))["acceptance"]
    assert "watchline talks accept beijing theirs:90" not in [step.command for step in accept]


def test_kind_of_move_that_is_not_known_here_has_no_command() -> None:
    assert dict(steps(LINE, following()))["a kind of next year"] == []


def test_text_that_is_accepted_and_not_yet_certain_is_said_to_be_so_and_is_not_accepted_again(reader: Reader) -> None:
    (proposed,) = reader.desk.rounds[1]["commitments"][0]["versions"]
    assert "accepted, not yet certain" not in " ".join(reader.round(FOLLOWING).all("article", class_="commitment"))
    proposed["accepted"] = "2023-05-31T00:00:00Z"
    page = reader.round(FOLLOWING)
    assert "accepted, not yet certain" in " ".join(page.all("article", class_="commitment"))
    assert "watchline talks accept beijing theirs:64" not in page.all("code", dir="ltr")


# --- the badge


def test_badge_counts_reminders_and_asks_the_desk_only_now_and_then() -> None:
    desk = SampleDesk()

    async def ask(method: str, **params: Any) -> dict[str, Any]:
        return await desk.ask(method, params)

    pages = Talks(ask, ask)
    assert [asyncio.run(pages.due(now)) for now in (100, 100 + COUNT_SECONDS - 1)] == [2, 2]
    assert len(desk.asked) == 1
    asyncio.run(pages.due(100 + COUNT_SECONDS))
    asyncio.run(pages.due(50))  # the clock was set back
    assert len(desk.asked) == 3


def test_long_round_is_shown_whole(reader: Reader) -> None:
    page = reader.round(LONG)
    assert len(page.all("article", class_="item")) == 50 + 1
    assert len(page.all("div", class_="statement")) == 500 + 1
