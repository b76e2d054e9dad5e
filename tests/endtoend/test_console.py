"""The console in a real browser, on a real node with a real peer: what a watch officer sees, hears and signs."""

from __future__ import annotations

import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright

from tests.endtoend.homes import OFFICER, NodeProcess, free_port, paired, select_wait
from watchline.errors import WatchlineError

pytestmark = pytest.mark.slow

CHROMIUM = "/usr/bin/chromium"
HOSTILE = "<script>document.title='taken'</script><img src=http://evil.example/x onerror=alert(1)>"
FLASH = ["airspace-object", "object=balloon", "seen=2023-02-15T01:00:00Z", "ours=asking", "--precedence", "FLASH"]
PATIENCE_MS = 20_000


def with_console(node: NodeProcess) -> int:
    """Give the node a console on a port of its own; the node is not started yet."""
    port, config = free_port(), node.home.path / "watchline.toml"
    config.write_text(config.read_text().replace("\nconsole_port = 0\n", f"\nconsole_port = {port}\n"))
    return port


@contextmanager
def desks(folder: Path) -> Iterator[tuple[NodeProcess, NodeProcess]]:
    """Tokyo without a console and Beijing with one, their line up."""
    tokyo, beijing = paired(folder, ("ja", "zh-Hans"))
    with_console(beijing)
    try:
        for node in (tokyo, beijing):
            node.start()
        tokyo.wait_for_state("up", "beijing")
        yield tokyo, beijing
    finally:
        for node in (tokyo, beijing):
            node.kill()


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[NodeProcess, NodeProcess]]:
    with desks(tmp_path_factory.mktemp("desks")) as both:
        yield both


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Watched:
    """A signed-in page and all that it asked for."""

    def __init__(self, chromium: Browser, node: NodeProcess) -> None:
        self.context = chromium.new_context(viewport={"width": 1500, "height": 950})
        self.requests: list[Request] = []
        self.faults: list[str] = []
        self.context.on("request", self._note)
        self.page = self.context.new_page()
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", lambda said: self.faults.append(said.text) if "Content Security" in said.text else None)
        self.link = str(node.ask("console_link")["url"])
        self.page.goto(self.link)
        expect(self.page.locator("#live")).to_have_attribute("data-live", "live", timeout=PATIENCE_MS)

    def _note(self, request: Request) -> None:
        self.requests.append(request)

    def asked(self, path: str) -> list[Any]:
        """What the page said to the node at this path."""
        return [request.post_data_json for request in self.requests if request.url.endswith(path)]


@contextmanager
def watched(chromium: Browser, node: NodeProcess) -> Iterator[Watched]:
    seen = Watched(chromium, node)
    yield seen
    seen.context.close()


def received(page: Page, identifier: str) -> Any:
    return page.locator(f'#received .notice[data-id="{identifier.replace("ours", "theirs")}"]')


@pytest.mark.slow
@pytest.mark.needs(CHROMIUM)
def test_flash_sounds_is_read_in_the_readers_language_and_acknowledged_with_a_key(
    nodes: tuple[NodeProcess, NodeProcess], chromium: Browser
) -> None:
    tokyo, beijing = nodes
    with watched(chromium, beijing) as seen:
        page = seen.page
        expect(page.locator("#sound-off")).to_be_visible()
        expect(page.locator("#not-live")).to_be_hidden()
        sent = tokyo.command("send", "beijing", *FLASH, "--wait", "received")["id"]

        notice = received(page, sent)
        expect(notice.locator("h3")).to_contain_text("空域内物体", timeout=PATIENCE_MS)
        expect(notice.locator(".reading").first).to_have_attribute("lang", "zh-Hans")
        expect(notice.locator(".reading").nth(1)).to_have_attribute("lang", "ja")
        expect(page.locator("#flash")).to_contain_text("特提")
        assert seen.asked("/sounded") == []
        assert not any(question["armed"] for question in seen.asked("/armed"))

        page.keyboard.press("j")
        expect(page.locator("#sound-off")).to_be_hidden()
        expect(page.locator(".armed")).to_have_attribute("data-armed", "1", timeout=PATIENCE_MS)
        with page.expect_response("**/sounded", timeout=PATIENCE_MS) as answered:
            pass
        assert answered.value.ok
        assert seen.asked("/armed")[-1]["armed"] is True
        assert [each["line"] for each in seen.asked("/sounded")[0]["notices"]] == ["tokyo"]

        page.keyboard.press("a")
        page.keyboard.type("not the passphrase")
        page.keyboard.press("Enter")
        expect(page.locator("#signing-error")).to_contain_text("does not open")
        page.keyboard.type(OFFICER)
        page.keyboard.press("Enter")
        expect(page.locator("#signing")).to_be_hidden(timeout=PATIENCE_MS)
        expect(notice.locator('[data-rung="acknowledged"]')).to_have_attribute("data-reached", "True", timeout=PATIENCE_MS)
        expect(page.locator("#flash")).to_be_empty()
        assert seen.faults == []
    wait_for_rung(tokyo, sent, "acknowledged")


def wait_for_rung(node: NodeProcess, identifier: str, rung: str) -> None:
    """Come back once our notice is at this rung."""
    deadline = time.monotonic() + PATIENCE_MS / 1_000
    while rung not in (rungs := node.ask("entries", line="beijing", entry=identifier)["entries"][0]["rungs"]):
        assert time.monotonic() < deadline, rungs
        select_wait(0.05)


@pytest.mark.slow
@pytest.mark.needs(CHROMIUM)
def test_hostile_text_is_shown_as_text_and_the_page_asks_nobody_else(
    nodes: tuple[NodeProcess, NodeProcess], chromium: Browser
) -> None:
    tokyo, beijing = nodes
    with watched(chromium, beijing) as seen:
        sent = tokyo.command("send", "beijing", "statement", f"text={HOSTILE}", "speaker_role=x", "--wait", "received")["id"]
        expect(received(seen.page, sent)).to_contain_text("<script>document.title='taken'</script><img", timeout=PATIENCE_MS)

        assert "taken" not in seen.page.title()
        assert seen.page.locator("#received script, #received img").count() == 0
        origin = seen.link.partition("/sign-in")[0]
        assert {request.url for request in seen.requests if not request.url.startswith(origin + "/")} == set()
        assert seen.faults == []


@pytest.mark.slow
@pytest.mark.needs(CHROMIUM)
def test_second_use_of_a_link_is_refused_and_shows_nothing(nodes: tuple[NodeProcess, NodeProcess], chromium: Browser) -> None:
    with watched(chromium, nodes[1]) as seen:
        other = chromium.new_context()
        page = other.new_page()
        page.goto(seen.link)
        expect(page.locator("#refused")).to_be_visible()
        page.goto(seen.link.partition("/sign-in")[0] + "/")
        expect(page.locator("body")).to_contain_text("nobody is signed in")
        other.close()


@pytest.mark.slow
@pytest.mark.needs(CHROMIUM)
def test_page_of_another_port_is_refused_what_the_signed_in_browser_may(
    nodes: tuple[NodeProcess, NodeProcess], chromium: Browser
) -> None:
    with watched(chromium, nodes[1]) as seen, another_server() as elsewhere:
        origin = seen.link.partition("/sign-in")[0]
        other = seen.context.new_page()
        other.goto(elsewhere)
        frame = f"document.body.append(Object.assign(document.createElement('iframe'), {{src: '{origin}/'}}))"
        post = (
            f"document.body.append(Object.assign(document.createElement('form'), {{method: 'post', action: '{origin}/armed'}}))"
        )
        for script in (frame, f"{post}; document.querySelector('form').submit()"):
            with other.expect_response(f"{origin}/*", timeout=5_000) as asked:
                other.evaluate(script)
            assert asked.value.status == 403


@contextmanager
def another_server() -> Iterator[str]:
    """A page of some other program on this machine, at a port of its own."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://localhost:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


class Elsewhere(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>elsewhere</title><body></body>")

    def log_message(self, *_: object) -> None: ...


@pytest.mark.slow
@pytest.mark.needs(CHROMIUM)
def test_killed_node_leaves_a_screen_that_says_it_is_not_live_until_the_node_is_back(chromium: Browser, tmp_path: Path) -> None:
    with desks(tmp_path) as (_, beijing), watched(chromium, beijing) as seen:
        expect(seen.page.locator(".line .state")).to_be_visible(timeout=PATIENCE_MS)
        beijing.kill()
        bar = seen.page.locator("#not-live")
        expect(bar).to_be_visible(timeout=PATIENCE_MS)
        assert bar.evaluate("bar => bar.getBoundingClientRect().width === innerWidth")
        beijing.start()
        expect(seen.page.locator("#live")).to_have_attribute("data-live", "live", timeout=PATIENCE_MS)
        expect(bar).to_be_hidden()
        seen.page.click("#sign-out")
        seen.page.wait_for_url("**/sign-in")
        seen.page.goto(seen.link.partition("/sign-in")[0] + "/")
        expect(seen.page.locator("body")).to_contain_text("nobody is signed in")


def test_port_in_use_leaves_the_node_running_and_says_so(tmp_path: Path) -> None:
    _, beijing = paired(tmp_path)
    port = with_console(beijing)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        beijing.start()
        try:
            with pytest.raises(WatchlineError, match=str(port)):
                beijing.ask("console_link")
            assert beijing.ask("desk")["live"] is True
        finally:
            assert beijing.stop() == 0
    assert '"console.off"' in beijing.log.read_text()


def test_desk_without_a_console_says_how_to_have_one(tmp_path: Path) -> None:
    _, beijing = paired(tmp_path)
    beijing.start()
    try:
        with pytest.raises(WatchlineError) as caught:
            beijing.ask("console_link")
        assert "console_port" in caught.value.hint
    finally:
        beijing.kill()


def test_console_listens_on_loopback_alone_and_ends_with_its_node(tmp_path: Path) -> None:
    _, beijing = paired(tmp_path)
    port = with_console(beijing)
    beijing.start()
    try:
        link = beijing.command("console")["url"]
        assert link.startswith(f"http://localhost:{port}/sign-in#")
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(f"http://localhost:{port}/", timeout=10)
        assert listening(port) == {"0100007F", "00000000000000000000000001000000"}
    finally:
        assert beijing.stop() == 0
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"http://localhost:{port}/", timeout=10)


def listening(port: int) -> set[str]:
    """The addresses on which this machine listens at a port, as the kernel writes them."""
    rows = [row.split() for name in ("tcp", "tcp6") for row in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return {row[1].partition(":")[0] for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "0A"}
