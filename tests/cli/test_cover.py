"""The cover page of a file of evidence: what it says in each language, and that it is bound to that very file."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.cli.commands import Shell
from tests.desk.test_exporting import paired, row_of
from tests.line_pair import LinePair
from tests.silence_cases import certify, export, held_by, say, signed, silence, waited
from watchline.catalogue import load_catalogue
from watchline.cli import cover_page
from watchline.cli.cover_page import render_cover
from watchline.core.entries import Notice, Precedence
from watchline.core.statements import Status
from watchline.desk.exporting import export_evidence
from watchline.errors import NegativeAnswer

VECTORS = Path(__file__).parents[1] / "vectors" / "evidence"
CHROMIUM = "/usr/bin/chromium"
FORM = {1: "A balloon over the bay <script>alert(1)</script>"}


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[LinePair]:
    joined = LinePair(tmp_path, line=paired()[0].line)
    yield joined
    joined.close()


class Text(HTMLParser):
    """The words of a page, and what it has of elements and attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def cover(data: bytes, language: str = "en") -> Text:
    return Text(render_cover(data, "balloon.evidence", language, "Asia/Tokyo"))


def whole(pair: LinePair) -> bytes:
    return export_evidence(pair.a.journal, row_of(pair.a), pair.a.setup)[0]


def notice(*, exercise: bool = False, language: str = "ja") -> Notice:
    return Notice("statement", 1, Precedence.PRIORITY, exercise, language, dict(FORM))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["one.zip", "all.zip", "hidden.zip", "provisional.zip"])
@pytest.mark.parametrize("language", ["en", "ja", "zh-Hans", "fr"])
def test_every_page_names_the_file_and_both_desks_loads_nothing_and_runs_nothing(name: str, language: str) -> None:
    data = (VECTORS / name).read_bytes()
    page = cover(data, language)
    assert sha256(data).hexdigest() in page.text
    assert len(re.findall(r"(?:[0-9a-f]{4} ){9}[0-9a-f]{4}|(?:[0-9a-f]{4} ){15}[0-9a-f]{4}", page.text)) >= 2
    assert "script" not in {tag for tag, _ in page.tags}
    assert [attributes["src"] for _, attributes in page.tags if "src" in attributes] == []
    links = [attributes["href"] or "" for _, attributes in page.tags if "href" in attributes]
    assert [link.partition(",")[0] for link in links] == ["data:application/octet-stream;base64"]
    assert ("html", {"lang": language if language != "fr" else "en"}) in page.tags


def test_file_within_the_page_is_the_evidence_to_the_last_byte() -> None:
    data = (VECTORS / "one.zip").read_bytes()
    (link,) = [attributes for tag, attributes in cover(data).tags if tag == "a"]
    assert b64decode((link["href"] or "").partition(",")[2], validate=True) == data
    assert link["download"] == "balloon.evidence"


def test_file_that_is_too_large_for_a_link_goes_beside_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    data = (VECTORS / "one.zip").read_bytes()
    monkeypatch.setattr(cover_page, "EMBEDDED_BYTES_MAX", len(data) - 1)
    page = cover(data)
    assert "goes beside it" in page.text
    assert "a" not in {tag for tag, _ in page.tags}
    assert sha256(data).hexdigest() in page.text


def test_provisional_evidence_is_never_called_complete() -> None:
    assert "VERIFIED, PROVISIONAL" in cover((VECTORS / "provisional.zip").read_bytes()).text
    assert "COMPLETE" not in cover((VECTORS / "provisional.zip").read_bytes()).text
    assert "VERIFIED, COMPLETE" in cover((VECTORS / "all.zip").read_bytes()).text


def test_file_with_a_changed_byte_gets_no_cover() -> None:
    data = bytearray((VECTORS / "one.zip").read_bytes())
    data[len(data) // 2] ^= 1
    with pytest.raises(NegativeAnswer, match="not verified"):
        render_cover(bytes(data), "balloon.evidence", "en")


def test_notice_stands_in_the_readers_language_beside_the_authors(pair: LinePair) -> None:
    pair.a.notice(notice(language="ja"))
    pair.settle()
    catalogue = load_catalogue()
    form = catalogue.form("statement")
    chinese = cover(whole(pair), "zh-Hans").text
    for language in ("zh-Hans", "ja"):
        assert catalogue.title(form, language).text in chinese
    japanese = cover(whole(pair), "ja").text
    assert "英語 (en)" in japanese
    assert form.title["en"] in japanese  # a draft without another language has the English beside it


def test_words_of_a_notice_cannot_become_markup(pair: LinePair) -> None:
    pair.a.notice(notice())
    pair.settle()
    page = cover(whole(pair))
    assert FORM[1] in page.text
    assert "script" not in {tag for tag, _ in page.tags}


def test_ladder_says_who_vouches_for_each_rung_and_by_whose_clock(pair: LinePair) -> None:
    asked = say(pair)
    pair.b.acknowledge(held_by(pair.b, asked))
    pair.b.say("an answer", re=asked.index)
    pair.settle()
    text = cover(export(pair, asked)).text
    for said in (
        "composed",
        "Tokyo, by its own claim",
        "Beijing, by its signed receipt and its own clock",
        "acknowledged by a person",
        "officer 1 (duty) of Beijing signed it",
        "received by Tokyo then, by its own clock",
        "answered",
    ):
        assert said in text


def test_rung_is_vouched_for_by_the_status_that_says_a_console_sounded(pair: LinePair) -> None:
    pair.b.line.statuses.rung = 10
    asked = say(pair)
    waited(pair)
    text = cover(export(pair, asked)).text
    assert ("sounded at a console" in text) is ("by its signed status and its own clock; no later than this" in text)
    assert "sounded at a console" in text


def test_notice_without_receipt_and_answer_that_nobody_signed_are_said(pair: LinePair) -> None:
    asked = say(pair)
    pair.b.say("nobody stands for this", released=False, re=asked.index)
    pair.settle(3)
    pair.cut()
    pair.a.say("on its way")
    pair.a.turn()
    text = cover(whole(pair)).text
    assert "does not count: no people signed that" in text
    assert "NOT RELEASED" in text
    assert "No receipt by Beijing is shown." in text


@pytest.mark.slow
def test_exercise_is_hatched_and_marked_and_nothing_else_is(pair: LinePair) -> None:
    say(pair)
    assert "EXERCISE" not in cover(whole(pair)).text
    pair.a.notice(notice(exercise=True))
    pair.settle()
    for language, mark in (("en", "EXERCISE"), ("ja", "演習"), ("zh-Hans", "演习")):
        page = cover(whole(pair), language)
        articles = [attributes.get("class") for tag, attributes in page.tags if tag == "article"]
        assert articles == [None, "exercise"]
        assert mark in page.text


def test_silence_stands_with_kind_seconds_allowance_and_who_says_it(pair: LinePair) -> None:
    asked = say(pair)
    status: Status = waited(pair)
    certify(pair, silence(asked, signed(status, pair)))
    text = cover(export(pair, asked)).text
    waited_seconds = status.open[0].seconds
    assert f"unanswered About Tokyo/1/@{asked.index}" in text
    assert f"Open for (s) {waited_seconds}, to acknowledge Allowed (s) 600" in text
    assert "Who says so Beijing itself, by its own signed status of" in text
    assert "PROVISIONAL" not in text


def test_silence_signed_with_one_half_is_marked_provisional(pair: LinePair) -> None:
    asked = say(pair)
    certify(pair, silence(asked, signed(waited(pair), pair, both=False)))
    assert "unanswered PROVISIONAL" in cover(export(pair, asked)).text


@pytest.mark.slow
def test_entries_that_stay_hidden_are_counted_for_each_log(pair: LinePair) -> None:
    say(pair)
    shown = say(pair)
    say(pair)
    size = pair.a.journal.size(shown.log)
    text = cover(export(pair, shown)).text
    (hidden,) = re.findall(r"Entries of Tokyo's log 1-1 that stay hidden: (\d+)", text)
    assert int(hidden) == size - 1
    assert "that stay hidden" not in cover(whole(pair)).text


def test_tests_are_counted_and_a_page_ends_somewhere(pair: LinePair, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        say(pair)
    pair.a.notice(replace(notice(), form="test", fields={}))
    pair.settle()
    monkeypatch.setattr(cover_page, "NOTICES_MAX", 2)
    page = cover(whole(pair))
    assert [tag for tag, _ in page.tags].count("article") == 2
    assert "not listed here: 1" in page.text
    assert page.text.count("not listed here: 1") == 2


def test_verify_writes_a_cover_without_a_home_and_over_nothing(shell: Shell) -> None:
    Path("one.zip").write_bytes((VECTORS / "one.zip").read_bytes())
    assert shell("verify", "one.zip", "--cover", "cover.html", "--language", "ja").code == 0
    page = Path("cover.html").read_text(encoding="utf-8")
    assert '<html lang="ja">' in page
    assert shell("verify", "one.zip", "--cover", "cover.html", "--json").error["kind"] == "usage"
    assert Path("cover.html").read_text(encoding="utf-8") == page


def test_verify_writes_no_cover_for_what_is_not_verified(shell: Shell) -> None:
    Path("garbage").write_bytes(b"PK")
    assert shell("verify", "garbage", "--cover", "cover.html").code == 1
    assert not Path("cover.html").exists()


@pytest.mark.slow
def test_browser_saves_the_evidence_from_the_page_and_prints_it(tmp_path: Path) -> None:
    data = (VECTORS / "one.zip").read_bytes()
    path = tmp_path / "cover.html"
    path.write_text(render_cover(data, "balloon.evidence", "ja"), encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.url.partition(",")[0]))
        page.goto(path.as_uri())
        assert requests == [path.as_uri()]
        with page.expect_download() as saving:
            page.click("a[download]")
        assert saving.value.suggested_filename == "balloon.evidence"
        assert Path(saving.value.path()).read_bytes() == data
        assert page.pdf().startswith(b"%PDF")
        browser.close()
