"""Who is let in at the console's port: each rule refuses what it is there for, and lets our own page through."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import pytest

from tests.console.browsers import ORIGIN, PAGE, Browser, Room
from watchline.console.guard import BODY_BYTES_MAX, RESPONSE_HEADERS, WITHOUT_SESSION
from watchline.console.live import STREAMS_MAX
from watchline.console.sessions import LINK_SECONDS

SHOWN = ("/", "/events", "/static/console.js", "/static/live.js", "/static/sound.js", "/nowhere")
DONE = ("/sign-out", "/armed", "/sounded", "/acknowledge", "/hold", "/decline", "/nowhere")


def test_signed_in_page_is_let_through(browser: Browser) -> None:
    assert browser.get("/").status_code == 200
    assert browser.get("/", sec_fetch_site="none").status_code == 200
    assert browser.get("/static/console.js", sec_fetch_site="same-origin").status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8787", "127.0.0.1:8787", "[::1]:8787", "localhost", "localhost:8788", ""]
)
def test_dns_rebinding_host_is_refused(browser: Browser, host: str) -> None:
    assert browser.get("/", host=host).status_code == 421
    assert browser.post("/armed", {}, host=host).status_code == 421


def test_second_host_beside_the_right_one_is_refused(browser: Browser) -> None:
    headers = [("host", "localhost:8787"), ("host", "evil.example")]
    assert browser.request("GET", "/", headers=headers).status_code == 421


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost:3000", "https://localhost:8787", ORIGIN + "/"]
)
def test_foreign_origin_is_refused(browser: Browser, origin: str) -> None:
    assert browser.post("/armed", {}, origin=origin).status_code == 403
    assert browser.get("/", origin=origin).status_code == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site", "anything"])
def test_request_that_another_site_makes_is_refused(browser: Browser, site: str) -> None:
    assert browser.get("/", sec_fetch_site=site).status_code == 403
    assert browser.get("/events", sec_fetch_site=site).status_code == 403
    assert browser.post("/armed", {}, sec_fetch_site=site).status_code == 403


def test_post_that_no_page_of_the_console_makes_is_refused(browser: Browser) -> None:
    headers = {"x-watchline-key": browser.key}
    assert browser.request("POST", "/armed", json={}, headers=headers).status_code == 403
    assert browser.post("/armed", {}, sec_fetch_site="none").status_code == 403


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x", ""])
def test_post_of_a_plain_form_is_refused(browser: Browser, kind: str) -> None:
    headers = {**PAGE, "x-watchline-key": browser.key, "content-type": kind}
    assert browser.request("POST", "/armed", content=b"{}", headers=headers).status_code == 415


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_method_is_refused(browser: Browser, method: str) -> None:
    assert browser.request(method, "/", headers=PAGE).status_code == 405


@pytest.mark.parametrize("path", SHOWN)
def test_nothing_is_shown_without_a_session(room: Room, path: str) -> None:
    stranger = Browser(room.console)
    assert stranger.get(path).status_code == 401
    stranger.cookies, stranger.key = {"watchline-8787": "A" * 43}, "A" * 43
    assert stranger.get(path).status_code == 401


@pytest.mark.parametrize("path", DONE)
def test_nothing_is_done_without_a_session(room: Room, path: str) -> None:
    assert Browser(room.console).post(path, {}).status_code == 401


@pytest.mark.parametrize("path", [path for path in DONE if path != "/nowhere"])
def test_stolen_cookie_without_the_pages_key_does_nothing(browser: Browser, path: str) -> None:
    browser.key = ""
    assert browser.post(path, {}).status_code == 401
    assert browser.get("/events").status_code == 401


def test_page_without_its_key_holds_no_word_of_a_line(room: Room, browser: Browser) -> None:
    assert [row.name for row in room.pair.a.journal.lines()] == ["beijing"]
    assert "beijing" not in browser.get("/").text.lower()


def test_only_the_sign_in_page_and_its_files_are_there_without_a_session(room: Room) -> None:
    stranger = Browser(room.console)
    assert {stranger.get(path).status_code for path in WITHOUT_SESSION} == {200}
    assert "beijing" not in stranger.get("/sign-in").text.lower()


def test_link_names_localhost_and_keeps_its_word_out_of_every_request(room: Room) -> None:
    address, _, word = room.console.link().partition("#")
    assert address == "http://localhost:8787/sign-in"
    assert len(word) >= 43


def test_reused_link_is_refused(room: Room) -> None:
    word = room.console.link().rpartition("#")[2]
    assert Browser(room.console).sign_in(word).status_code == 200
    assert Browser(room.console).sign_in(word).status_code == 401


def test_expired_link_is_refused(room: Room) -> None:
    word = room.console.link().rpartition("#")[2]
    room.pair.advance(LINK_SECONDS)
    assert Browser(room.console).sign_in(word).status_code == 401


def test_cookie_is_for_this_origin_alone_and_out_of_reach_of_scripts(room: Room) -> None:
    cookie = Browser(room.console).sign_in().headers["set-cookie"]
    name, _, rest = cookie.partition("=")
    assert name == "watchline-8787"
    assert {"HttpOnly", "SameSite=strict", "Path=/", "Max-Age=43200"} <= set(rest.split("; "))
    assert "Domain" not in cookie


def test_who_signed_out_is_out(browser: Browser) -> None:
    assert browser.post("/sign-out", {}).status_code == 200
    assert browser.get("/").status_code == 401


def test_every_answer_has_the_security_headers(browser: Browser, room: Room) -> None:
    stranger = Browser(room.console)
    answers = [
        browser.get("/"),
        browser.get("/static/console.js"),
        browser.get("/nowhere"),
        browser.get("/", host="evil.example"),
        browser.get("/", origin="http://evil.example"),
        browser.post("/acknowledge", {"line": "nowhere"}),
        browser.post("/hold", []),
        browser.post("/armed", {"x": "y" * BODY_BYTES_MAX}),
        browser.request("PUT", "/"),
        stranger.get("/"),
        stranger.get("/sign-in"),
        stranger.sign_in("wrong"),
        stranger.sign_in(),
    ]
    assert {answer.status_code for answer in answers} == {200, 400, 401, 403, 404, 405, 413, 421}
    for answer in answers:
        assert {name: answer.headers[name] for name in RESPONSE_HEADERS} == dict(RESPONSE_HEADERS)
        assert "access-control-allow-origin" not in answer.headers


def test_content_security_policy_allows_our_own_files_and_nothing_else() -> None:
    policy = dict(part.split(" ", 1) for part in RESPONSE_HEADERS["content-security-policy"].split("; "))
    assert policy.pop("default-src") == "'none'"
    assert {policy[name] for name in ("form-action", "base-uri", "frame-ancestors")} == {"'none'"}
    assert set(policy.values()) == {"'self'", "'none'"}


@pytest.mark.parametrize("path", ["/", "/sign-in"])
def test_page_has_no_script_and_no_style_of_its_own(browser: Browser, path: str) -> None:
    page = browser.get(path).text
    assert page.count("<script") == page.count('<script type="module" src="/static/') == 1
    assert "<style" not in page
    assert " style=" not in page
    assert re.search(r"<[^>]* on[a-z]+=", page) is None


def test_body_beyond_the_limit_is_refused(browser: Browser) -> None:
    assert browser.post("/armed", {"x": "y" * BODY_BYTES_MAX}).status_code == 413


def test_body_that_says_nothing_of_its_length_is_cut_off_at_the_limit(browser: Browser) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(BODY_BYTES_MAX // 1_000 + 2):
            yield b" " * 1_000

    headers = {**PAGE, "x-watchline-key": browser.key, "content-type": "application/json"}
    assert browser.request("POST", "/armed", content=chunks(), headers=headers).status_code == 413


@pytest.mark.parametrize("length", ["-1", "1e9", "x", "99999999999999999999", "9" * 5_000])
def test_body_of_a_length_that_cannot_be_is_refused(browser: Browser, length: str) -> None:
    headers = {**PAGE, "x-watchline-key": browser.key, "content-type": "application/json", "content-length": length}
    assert browser.request("POST", "/armed", content=b"{}", headers=headers).status_code == 413


def test_body_that_comes_too_slowly_is_refused(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watchline.console.guard.BODY_SECONDS", 0.01)

    async def never() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    headers = {**PAGE, "x-watchline-key": browser.key, "content-type": "application/json"}
    assert browser.request("POST", "/armed", content=never(), headers=headers).status_code == 408


@pytest.mark.parametrize("body", [b"", b"[]", b"1", b"{", b'{"word": 1}', b"[" * 10_000, b"\xff", b'{"word": "\\ud800"}'])
def test_question_that_is_none_is_refused(browser: Browser, body: bytes) -> None:
    headers = {**PAGE, "x-watchline-key": browser.key, "content-type": "application/json"}
    assert browser.request("POST", "/sign-in", content=body, headers=headers).status_code == 400


def test_one_stream_too_many_is_refused(room: Room, browser: Browser) -> None:
    for _ in range(STREAMS_MAX):
        room.console.live.open("session")
    assert browser.get("/events").status_code == 429


def test_websocket_is_not_answered(room: Room) -> None:
    said: list[object] = []

    async def receive() -> dict[str, object]:
        return {"type": "websocket.connect"}

    async def send(message: object) -> None:
        said.append(message)

    asyncio.run(room.console.app({"type": "websocket", "path": "/events", "headers": []}, receive, send))
    assert said == []
