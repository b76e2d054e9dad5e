"""The pages of the talks in a real browser: keys, paper, narrow screens, and a page that says when it is old."""

from __future__ import annotations

import asyncio
import random
import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.console.sample_talks import LONG, SampleDesk
from watchline.console.app import Console
from watchline.core.setting import Moment

CHROMIUM = "/usr/bin/chromium"
PATIENCE_MS = 30_000
ROUND = "/talks/beijing/ours%3A4"
PAGES = ["/talks", "/talks/beijing", ROUND, "/talks/beijing/theirs%3A60", "/talks/nowhere"]
pytestmark = [pytest.mark.slow, pytest.mark.needs(CHROMIUM)]


class Served:
    """A console on a port of this machine, and who asks it."""

    def __init__(self, folder: Path) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.desk = SampleDesk("en")
        self.console = Console(self.desk.ask, folder, _moment, self.port)
        config = uvicorn.Config(self.console.app, log_config=None, access_log=False, lifespan="off", ws="none", http="h11")
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=lambda: asyncio.run(self.server.serve(sockets=[self.listening])))

    def address(self, path: str) -> str:
        return f"http://localhost:{self.port}{path}"


def _moment() -> Moment:
    return Moment(int(time.time()), time.monotonic(), random.Random(7).randbytes)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    here = Served(tmp_path_factory.mktemp("home"))
    here.thread.start()
    yield here
    here.server.should_exit = True
    here.thread.join()
    here.listening.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(served: Served, chromium: Browser) -> Iterator[Page]:
    """A page that is signed in; it must meet no error of a script and nothing that the security policy forbids."""
    context = chromium.new_context(viewport={"width": 800, "height": 900}, permissions=["clipboard-read", "clipboard-write"])
    opened, faults = context.new_page(), list[str]()
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("console", lambda said: faults.append(said.text) if "Content Security" in said.text else None)
    opened.goto(served.console.link())
    expect(opened.locator("#talks")).to_be_visible(timeout=PATIENCE_MS)
    opened.wait_for_load_state("load")  # until then no script hears a key
    yield opened
    context.close()
    assert faults == []


def open_page(page: Page, served: Served, path: str) -> None:
    page.goto(served.address(path))
    expect(page.locator("main h1")).to_be_visible(timeout=PATIENCE_MS)


def style(page: Page, selector: str, name: str) -> str:
    found: str = page.locator(selector).first.evaluate(f"element => getComputedStyle(element)['{name}']")
    return found


@pytest.mark.parametrize("path", PAGES)
def test_page_is_dark_and_does_not_scroll_sideways_at_800_pixels(page: Page, served: Served, path: str) -> None:
    open_page(page, served, path)
    assert page.evaluate("document.documentElement.scrollWidth") == 800
    assert style(page, "body", "backgroundColor") == "rgb(20, 24, 29)"


def test_key_opens_the_talks_beside_the_console_which_goes_on_sounding(page: Page) -> None:
    with page.context.expect_page() as opened:
        page.keyboard.press("t")
    expect(opened.value.locator("main h1")).to_have_text("Talks", timeout=PATIENCE_MS)
    expect(page.locator("#received-title")).to_be_visible()


def test_keys_list_themselves_and_lead_to_all_talks(page: Page, served: Served) -> None:
    open_page(page, served, ROUND)
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("t")  # in a window keys do nothing but close it
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#help")).to_be_hidden()
    page.keyboard.press("t")
    page.wait_for_url("**/talks")


def test_focus_is_visible_and_begins_at_the_way_to_the_talks(page: Page, served: Served) -> None:
    open_page(page, served, ROUND)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineWidth") == "3px"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "part"


def test_link_to_a_commitment_leads_to_it(page: Page, served: Served) -> None:
    open_page(page, served, "/talks")
    page.locator("main a", has_text="direct communication hotline").last.click()
    page.wait_for_url("**/ours%3A4#theirs%3A30")
    expect(page.locator("article.commitment").first).to_be_focused()
    expect(page.locator("article.commitment").first).to_be_in_viewport()


def test_command_is_copied_with_its_button(page: Page, served: Served) -> None:
    open_page(page, served, "/talks/beijing/theirs%3A60")
    page.locator("[data-copy]").first.click()
    expect(page.locator("#copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "watchline talks accept beijing theirs:60 --date NUMBER"


def test_what_did_not_change_stays_where_it_is(page: Page, served: Served) -> None:
    open_page(page, served, ROUND)
    heading = page.locator("main h1").element_handle()
    with page.expect_response("**/parts/talks/**"):
        page.keyboard.press("r")
    assert heading is not None
    assert heading.evaluate("element => element.isConnected")


def test_page_says_that_it_is_old_while_the_node_does_not_answer(page: Page, served: Served) -> None:
    open_page(page, served, ROUND)
    expect(page.locator("#not-live")).to_be_hidden()
    page.route("**/parts/**", lambda route: route.abort())
    page.keyboard.press("r")
    expect(page.locator("#not-live")).to_contain_text("what stands here is old")
    page.unroute("**/parts/**")
    page.keyboard.press("r")
    expect(page.locator("#not-live")).to_be_hidden()


def test_page_of_another_browser_that_has_the_cookie_alone_shows_nothing(page: Page, served: Served) -> None:
    page.evaluate("localStorage.removeItem('watchline')")
    page.goto(served.address(ROUND))
    expect(page.locator("#not-live")).to_contain_text("watchline console")
    assert "Security dialogue" not in page.content()


def test_paper_is_light_without_anything_to_press_and_names_line_round_and_time(page: Page, served: Served) -> None:
    open_page(page, served, ROUND)
    assert style(page, ".paper-head", "display") == "none"
    page.emulate_media(media="print")

    assert style(page, "body", "backgroundColor") == "rgb(255, 255, 255)"
    for unwanted in ("body > header", ".trail", ".moves", "#print", ".skip"):
        expect(page.locator(unwanted).first).to_be_hidden()
    head = page.locator(".paper-head")
    expect(head).to_contain_text("Beijing beijing: Security dialogue")
    expect(head).to_contain_text("ours:4")
    expect(head).to_contain_text(re.compile(r"Printed \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ \(.+\)"))
    # What a browser repeats on each page is the head of a table that is not broken.
    assert style(page, ".paper-head", "display") == "table-header-group"
    assert style(page, ".paper-head", "breakInside") == "avoid"
    sheets = page.locator(".sheet").evaluate_all("all => all.map(one => getComputedStyle(one).breakBefore)")
    assert sheets == ["auto", *["page"] * 5]


def test_round_is_printed_with_each_section_on_a_page_of_its_own(page: Page, served: Served) -> None:
    open_page(page, served, ROUND)
    page.emulate_media(media="print")
    (count,) = re.findall(rb"/Type /Pages\s+/Count (\d+)", page.pdf(prefer_css_page_size=True))
    assert int(count) >= page.locator(".sheet").count()


def test_screen_shows_how_it_will_be_on_paper(page: Page, served: Served) -> None:
    open_page(page, served, f"{ROUND}?print")
    assert style(page, "body", "backgroundColor") == "rgb(255, 255, 255)"
    expect(page.locator("body > header")).to_be_hidden()
    expect(page.locator(".paper-head")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 800


def test_long_round_opens_whole(page: Page, served: Served) -> None:
    open_page(page, served, f"/talks/beijing/{LONG.replace(':', '%3A')}")
    expect(page.locator(".statement")).to_have_count(501, timeout=PATIENCE_MS)
    assert page.evaluate("document.documentElement.scrollWidth") == 800
