"""The page in a real browser, opened from disk: it shows the verdict in three languages, and nothing leaves it."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.vectors.make_silence import certificate, sign, status_of
from tests.verifier.acts import cosigned
from tests.verifier.bundles import RandomTalk, good_bundle
from tests.verifier.lines import sample_line
from watchline.core.archive import pack, unpack
from watchline.core.entries import Body, EntryType, Notice, Precedence
from watchline.core.evidence import build_evidence, verify_evidence
from watchline.core.evidence_parts import Bundle
from watchline.core.merkle import EMPTY_ROOT
from watchline.core.silence import SilenceKind

CHROMIUM = "/usr/bin/chromium"
VERIFIER = Path(__file__).parents[2] / "src" / "watchline" / "verifier" / "verify.html"
VECTORS = Path(__file__).parents[1] / "vectors" / "evidence"
VERDICTS = {
    "en": ("VERIFIED", "NOT VERIFIED"),
    "ja": ("検証済み", "検証できません"),
    "zh-Hans": ("核验通过", "核验未通过"),
}

pytestmark = [pytest.mark.needs(CHROMIUM), pytest.mark.slow]

DROP = """async ([name, encoded]) => {
  const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
  const given = new DataTransfer();
  given.items.add(new File([bytes], name));
  document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: given, bubbles: true, cancelable: true }));
}"""


class Opened:
    """The page as somebody has it open. requests: everything that it asked for besides itself; alarms: what must not be."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.alarms: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("dialog", lambda dialog: self.alarms.append(dialog.message))
        page.on("pageerror", lambda error: self.alarms.append(str(error)))
        page.on("console", lambda message: self.alarms.append(message.text))
        # The browser keeps file choosers for us from here on: asked for only when a key is pressed, it may be too late.
        page.on("filechooser", lambda _: None)
        page.goto(VERIFIER.as_uri())
        self.requests.clear()

    def drop(self, data: bytes, name: str = "some.evidence") -> None:
        self.page.evaluate("document.querySelector('#report').replaceChildren()")
        self.page.evaluate(DROP, [name, b64encode(data).decode()])
        self.page.wait_for_selector("#report table")

    def speak(self, language: str) -> None:
        self.page.click(f"[data-language={language}]")

    def verdict(self) -> str:
        return self.page.inner_text("#verdict h2")

    def facts(self) -> list[str]:
        return self.page.locator("#report li").all_inner_texts()


@pytest.fixture(scope="module")
def browser_page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser.new_page()
        browser.close()


@pytest.fixture
def opened(browser_page: Page) -> Iterator[Opened]:
    opened = Opened(browser_page)
    yield opened
    assert opened.requests == []
    assert opened.alarms == []


def hostile() -> bytes:
    """Two desks named like markup and like a template, who say what turns the direction of writing."""
    talk = RandomTalk(sample_line(2), Random(1))
    content = Notice(
        "free-text", 1, Precedence.FLASH, False, "en", {1: "\u202eevil", 2: "<img src=x onerror=alert(2)>", 3: "x" * 9_000}
    )
    talk.add("a", EntryType.NOTICE, talk.release("a", content.encode()))
    return build_evidence(talk.bundle())


def test_dropped_evidence_is_judged_in_three_languages_and_nothing_leaves_the_page(opened: Opened) -> None:
    good = (VECTORS / "all.zip").read_bytes()
    for data, place in ((good, 0), ((VECTORS / "bad-body.zip").read_bytes(), 1)):
        opened.drop(data)
        for language, verdicts in VERDICTS.items():
            opened.speak(language)
            assert opened.verdict() == verdicts[place]
            assert opened.page.get_attribute("html", "lang") == language
    opened.speak("en")
    opened.drop(good)
    assert opened.facts() == list(verify_evidence(good).facts)
    for language in ("ja", "zh-Hans"):
        opened.speak(language)
        assert len(opened.facts()) == len(verify_evidence(good).facts)
        assert not any("undefined" in fact or "null" in fact for fact in opened.facts())


def test_fault_is_shown_with_its_part_and_rule_in_three_languages(opened: Opened) -> None:
    opened.drop((VECTORS / "bad-tree.zip").read_bytes())
    for language in VERDICTS:
        opened.speak(language)
        cells = opened.page.locator("#report table >> nth=1 >> td").all_inner_texts()
        assert cells[:2] == ["logs/a-1-1/tree.txt", "7"]
        assert cells[2]


def test_provisional_evidence_is_shown_as_such(opened: Opened) -> None:
    opened.speak("en")
    opened.drop((VECTORS / "provisional.zip").read_bytes())
    assert opened.verdict() == "VERIFIED, provisional"


SILENCES = {
    "en": ("unmanned", "by its own signed status", "both", "dark", "only ", "a claim", "saw the certificate by"),
    "ja": ("無人", "自ら署名した状況通知", "両方式", "途絶", "だけ", "主張のみ", "証明を見た"),
    "zh-Hans": ("无人值守", "其自己签署的状态声明", "两种", "静默", "仅", "仅为声称", "看到该证明"),
}


def cells(opened: Opened, caption: str) -> str:
    table = opened.page.locator("#report table").filter(has=opened.page.locator(f"caption:text-is('{caption}')"))
    return " ".join(table.locator("td").all_inner_texts())


def witnessed_silence() -> bytes:
    """A notice that nobody answered: the desk says so in a tree head that two witnesses cosigned."""
    talk = RandomTalk(sample_line(2), AlwaysRandom(1))
    notice = talk.say("a")
    status = replace(status_of(talk, notice), size=0, root=EMPTY_ROOT)
    talk.add("a", EntryType.SILENCE, Body(certificate(talk, notice, SilenceKind.UNANSWERED, sign(talk, status)).encode()))
    head = cosigned(talk, "a", talk.head("a", 3))
    log = talk.log("a", heads=(head,), sizes=[status.held_size])
    return build_evidence(Bundle(talk.pairing, (), (log,), ()))


class AlwaysRandom(Random):
    def random(self) -> float:
        return 0.0


def test_silence_is_shown_with_who_says_it_in_three_languages(opened: Opened) -> None:
    captions = {"en": "Silences", "ja": "沈黙", "zh-Hans": "沉默"}
    for language, words in SILENCES.items():
        opened.speak(language)
        for name, part in (("unmanned", words[:3]), ("dark", words[3:6])):
            opened.drop((VECTORS.parent / "silence" / f"{name}.zip").read_bytes())
            shown = cells(opened, captions[language])
            assert all(word in shown for word in part), shown
        opened.drop(witnessed_silence())
        assert cells(opened, captions[language]).count(words[6]) == 2
        assert not any("undefined" in fact or "null" in fact for fact in opened.facts())


def test_provisional_silence_is_shown_as_such(opened: Opened) -> None:
    opened.speak("en")
    opened.drop((VECTORS.parent / "silence" / "unanswered-provisional.zip").read_bytes())
    assert "Ed25519 alone (provisional)" in cells(opened, "Silences")


def test_certificate_of_a_silence_that_does_not_follow_is_told_in_three_languages(opened: Opened) -> None:
    opened.drop((VECTORS.parent / "silence" / "bad-unanswered-is-unmanned.zip").read_bytes())
    for language, words in SILENCES.items():
        opened.speak(language)
        shown = opened.page.locator("#report table >> nth=1 >> td").all_inner_texts()
        assert shown[:2] == ["logs/a-1-1/entries/0000000000000001.bin", "33"]
        assert words[0] in shown[2]


def test_file_that_is_chosen_by_keyboard_is_judged(opened: Opened) -> None:
    opened.speak("en")
    opened.page.focus("#evidence")
    assert opened.page.evaluate("document.activeElement.id") == "evidence"
    with opened.page.expect_file_chooser() as chooser:
        opened.page.keyboard.press("Enter")
    chooser.value.set_files(VECTORS / "all.zip")
    opened.page.wait_for_selector("#report table")
    assert opened.verdict() == "VERIFIED"


def test_everything_can_be_reached_by_keyboard_and_the_verdict_is_announced(opened: Opened) -> None:
    reached = []
    for _ in range(6):
        opened.page.keyboard.press("Tab")
        reached.append(opened.page.evaluate("document.activeElement.dataset.language ?? document.activeElement.id"))
    assert [each for each in reached if each] == ["en", "ja", "zh-Hans", "evidence", "trust-title"]
    assert opened.page.get_attribute("#verdict", "aria-live") == "polite"
    unlabelled = "[...document.querySelectorAll('input, textarea')].filter((field) => field.labels.length === 0).length"
    assert opened.page.evaluate(unlabelled) == 0


def test_hostile_names_and_contents_are_shown_as_text(opened: Opened) -> None:
    opened.speak("en")
    opened.drop(hostile(), "<img src=x onerror=alert(1)>.zip")
    assert opened.verdict() == "VERIFIED"
    shown = opened.page.inner_text("#report")
    assert "<script>alert(1)</script>" in shown
    assert "<img src=x onerror=alert(2)>" in shown
    assert "⟨U+202E⟩evil" in shown
    assert "\u202e" not in shown
    assert opened.page.locator("#report img, #report script").count() == 0
    widths = opened.page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert widths[0] <= widths[1]


def test_identities_that_are_given_make_the_facts_unconditional(opened: Opened) -> None:
    data = (VECTORS / "all.zip").read_bytes()
    report = verify_evidence(data).as_json()
    opened.speak("en")
    opened.drop(data)
    assert all(fact.startswith("if these fingerprints are theirs, ") for fact in opened.facts())
    opened.page.click("#trust summary")
    identities = [bytes.fromhex(each) for each in json.loads((VECTORS / "index.json").read_text())["identities"]]
    opened.page.fill("#fingerprints", f"{report['identities'][0]['fingerprint'].upper()}\nnot a fingerprint\n")
    file = {"name": "b.identity", "mimeType": "", "buffer": b"watchline identity 1\n" + identities[1]}
    opened.page.set_input_files("#identity-files", files=[file])  # type: ignore[arg-type]
    told = "Identities that you trust: 2 Lines or files that could not be read: 1"
    expect(opened.page.locator("#trusted")).to_have_text(told)
    assert not any(fact.startswith("if these") for fact in opened.facts())
    opened.page.fill("#fingerprints", "0" * 40)
    assert "an identity that you gave is not in this evidence" in opened.page.inner_text("#verdict")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_follows_the_colours_of_the_system_and_prints_without_its_controls(opened: Opened, scheme: str) -> None:
    opened.drop((VECTORS / "all.zip").read_bytes())
    opened.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    colour = opened.page.evaluate("getComputedStyle(document.querySelector('#verdict h2')).color")
    assert colour == ("rgb(125, 220, 154)" if scheme == "dark" else "rgb(11, 107, 47)")
    opened.page.emulate_media(media="print")
    assert not opened.page.is_visible("#drop")
    assert opened.page.is_visible("#verdict")
    opened.page.emulate_media(media="screen")


def test_policy_of_the_page_allows_no_request_and_no_other_script(opened: Opened) -> None:
    blocked = opened.page.evaluate(
        """async () => {
          const script = document.createElement("script");
          script.textContent = "globalThis.intruded = true";
          document.body.append(script);
          const fetched = await fetch("data:text/plain,x").then(() => true, () => false);
          return [globalThis.intruded === undefined, !fetched];
        }"""
    )
    assert blocked == [True, True]
    assert any("Content Security Policy" in alarm for alarm in opened.alarms)
    opened.alarms.clear()
    opened.requests.clear()


def test_how_long_a_typical_bundle_takes_is_told(opened: Opened, capsys: pytest.CaptureFixture[str]) -> None:
    times = []
    silence = (VECTORS.parent / "silence" / "unmanned.zip").read_bytes()
    for data in [(VECTORS / "all.zip").read_bytes(), *map(good_bundle, range(4)), silence, silence]:
        opened.drop(data)
        times.append(int(opened.page.get_attribute("#verdict", "data-milliseconds") or -1))
    with capsys.disabled():
        print(f"\nverify.html: {times[0]} ms for the first bundle, then {times[1:-2]} ms; with a silence {times[-2:]} ms")  # noqa: T201
    assert min(times) >= 0


def test_file_that_is_no_archive_is_refused(opened: Opened) -> None:
    opened.speak("en")
    for data in (b"", b"PK\x03\x04", pack({"readme.txt": b"\xff"}), pack(dict(list(unpack(good_bundle(1)).items())[:3]))):
        opened.drop(data)
        assert opened.verdict() == "NOT VERIFIED"
