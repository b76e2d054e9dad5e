"""What a step does outside: real servers and real programs, good ones, slow ones and wrong ones."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import select
import sys
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from watchline.desk.actions import SIGNATURE_HEADER, Actions, Alarm, Outcome, Patience, act, signature
from watchline.desk.steps import Action, Command, Mail, MailTls, Step, Webhook

ALARM = Alarm("beijing", "theirs:7", "airspace-object", "FLASH", 180, 600, False)
NOW = 1_800_000_000
AT_ONCE = Patience(attempts=3, limit_seconds=10.0, first_seconds=0.0)
BRIEF = Patience(attempts=1, limit_seconds=0.3, first_seconds=0.0)
SECRET = "pager secret"

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def step(action: Action) -> Step:
    return Step("sample", 0.3, (3,), False, action)


async def take(action: Action, patience: Patience = AT_ONCE) -> Outcome:
    return await act(step(action), ALARM, now=lambda: NOW, uniform=lambda low, _: low, patience=patience)


@asynccontextmanager
async def server(serve: Serve) -> Any:
    """A server on a port of its own; what it does with each connection is the test's."""

    writers: list[asyncio.StreamWriter] = []

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with suppress(OSError, asyncio.IncompleteReadError):
            await serve(reader, writer)
        writer.close()

    listening = await asyncio.start_server(one, "127.0.0.1", 0)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()
        for writer in writers:
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()


@pytest.fixture
def secret(tmp_path: Path) -> str:
    path = tmp_path / "secret"
    path.write_text(SECRET + "\n")
    path.chmod(0o600)
    return str(path)


class Pager:
    """An HTTP server that gives these answers, the last one for ever, and keeps what it was sent."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.heard: list[tuple[str, dict[str, str], bytes]] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers["content-length"]))
        self.heard.append((head[0], headers, body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        writer.write(f"HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()


def posted(pager: Pager, secret: str, path: str = "/hook", patience: Patience = AT_ONCE) -> Outcome:
    async def run() -> Outcome:
        async with server(pager) as port:
            return await take(Webhook(f"http://127.0.0.1:{port}{path}", secret), patience)

    return asyncio.run(run())


def test_webhook_carries_the_alarm_and_a_signature_that_its_receiver_can_check(secret: str) -> None:
    pager = Pager("204 No Content")
    assert posted(pager, secret) == Outcome(True, "answered 204", 1)

    ((request, headers, body),) = pager.heard
    assert request == "POST /hook HTTP/1.1"
    assert json.loads(body) == asdict(ALARM)
    assert list(json.loads(body)) == ["line", "id", "form", "precedence", "seconds", "allowed", "exercise"]
    expected = hmac.new(SECRET.encode(), f"{NOW}.".encode() + body, hashlib.sha256).hexdigest()
    assert headers[SIGNATURE_HEADER.lower()] == f"t={NOW},v1={expected}"


def test_signature_changes_with_the_time_the_body_and_the_secret() -> None:
    made = {signature(key, now, body) for key in (b"a", b"b") for now in (1, 2) for body in (b"x", b"y")}
    assert len(made) == 8


def test_webhook_that_fails_is_tried_again_and_only_so_often(secret: str) -> None:
    pager = Pager("500 Oh", "200 OK")
    assert posted(pager, secret) == Outcome(True, "answered 200", 2)
    pager = Pager("503 Busy")
    assert posted(pager, secret) == Outcome(False, "answered 503", 3)
    assert len(pager.heard) == 3


def test_webhook_follows_no_redirect(secret: str) -> None:
    pager = Pager("302 Found\r\nLocation: /elsewhere")
    assert posted(pager, secret).ok is False
    assert {request for request, _, _ in pager.heard} == {"POST /hook HTTP/1.1"}


@pytest.mark.slow
def test_webhook_that_never_answers_ends_in_time(secret: str) -> None:
    async def silence(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async def run() -> Outcome:
        async with server(silence) as port:
            return await take(Webhook(f"http://127.0.0.1:{port}/", secret), BRIEF)

    assert asyncio.run(run()).ok is False


@pytest.mark.slow
def test_webhook_that_answers_without_end_ends_in_time(secret: str) -> None:
    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"X-More: more\r\n")
            await writer.drain()
            await asyncio.sleep(0.01)

    async def run() -> Outcome:
        async with server(drip) as port:
            return await take(Webhook(f"http://127.0.0.1:{port}/", secret), BRIEF)

    assert asyncio.run(run()).ok is False


def test_webhook_without_its_secret_or_without_anybody_there_fails_and_says_why(tmp_path: Path, secret: str) -> None:
    missing = asyncio.run(take(Webhook("http://127.0.0.1:1/", str(tmp_path / "none"))))
    assert not missing.ok
    assert "SecretError" in missing.detail
    nobody = asyncio.run(take(Webhook("http://127.0.0.1:1/", secret)))
    assert (nobody.ok, nobody.attempts) == (False, 3)


class Postbox:
    """An SMTP server (RFC 5321) that takes every mail, except for recipients it was told to refuse."""

    def __init__(self, refused: str = "") -> None:
        self.refused = refused
        self.mails: list[tuple[list[str], str]] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        recipients: list[str] = []
        writer.write(b"220 here\r\n")
        while line := (await reader.readline()).decode().rstrip():
            verb = line.upper()
            if verb.startswith("RCPT"):
                recipients.append(line)
            answer = "550 no" if verb.startswith("RCPT") and self.refused and self.refused in line else "250 ok"
            if verb == "DATA":
                writer.write(b"354 go on\r\n")
                self.mails.append((recipients, (await reader.readuntil(b"\r\n.\r\n")).decode()))
            elif verb == "QUIT":
                answer = "221 bye"
            writer.write(f"{answer}\r\n".encode())
            await writer.drain()


def mailed(serve: Serve, patience: Patience = AT_ONCE) -> Outcome:
    async def run() -> Outcome:
        async with server(serve) as port:
            return await take(
                Mail("127.0.0.1", port, "desk@example.org", ("a@example.org", "b@example.org"), MailTls.NONE), patience
            )

    return asyncio.run(run())


def test_mail_reaches_every_recipient_with_what_waits_and_nothing_of_what_it_says() -> None:
    postbox = Postbox()
    assert mailed(postbox) == Outcome(True, "the server took it", 1)
    ((recipients, text),) = postbox.mails
    assert [line.lower() for line in recipients] == ["rcpt to:<a@example.org>", "rcpt to:<b@example.org>"]
    assert "Subject: FLASH on line beijing: theirs:7 is not acknowledged" in text
    assert "seconds: 180" in text


def test_mail_that_one_recipient_does_not_get_has_failed() -> None:
    outcome = mailed(Postbox(refused="b@example.org"), Patience(1, 10.0, 0.0))
    assert not outcome.ok
    assert "b@example.org" in outcome.detail


@pytest.mark.slow
def test_mail_server_that_says_nothing_is_left_in_time() -> None:
    async def silence(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    assert mailed(silence, BRIEF).ok is False


def test_mail_server_that_is_none_is_an_outcome() -> None:
    async def nonsense(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\xff\x00 nonsense\r\n" * 3)
        await writer.drain()

    assert mailed(nonsense).ok is False


def program(folder: Path, text: str) -> str:
    path = folder / "program"
    path.write_text(f"#!{sys.executable}\n{text}\n")
    path.chmod(0o700)
    return str(path)


def test_command_gets_its_arguments_as_they_are_and_the_alarm_as_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHLINE_PASSPHRASE_FILE", "/secret")
    out = tmp_path / "out"
    text = "import json, os, sys\njson.dump([sys.argv[2:], dict(os.environ)], open(sys.argv[1], 'w'))"
    outcome = asyncio.run(take(Command((program(tmp_path, text), str(out), "$HOME; `id`", "two words"))))

    assert outcome == Outcome(True, "ended with 0", 1)
    arguments, environment = json.loads(out.read_text())
    assert arguments == ["$HOME; `id`", "two words"]
    told = {name: value for name, value in environment.items() if name.startswith("WATCHLINE_")}
    assert told == {
        "WATCHLINE_LINE": "beijing",
        "WATCHLINE_ID": "theirs:7",
        "WATCHLINE_FORM": "airspace-object",
        "WATCHLINE_PRECEDENCE": "FLASH",
        "WATCHLINE_SECONDS": "180",
        "WATCHLINE_ALLOWED": "600",
        "WATCHLINE_EXERCISE": "false",
    }


def test_command_that_fails_or_is_not_there_is_tried_again_and_reported(tmp_path: Path) -> None:
    assert asyncio.run(take(Command((program(tmp_path, "raise SystemExit(7)"),)))) == Outcome(False, "ended with 7", 3)
    missing = asyncio.run(take(Command((str(tmp_path / "none"),))))
    assert (missing.ok, missing.attempts) == (False, 3)


@pytest.mark.slow
def test_command_that_hangs_is_killed_with_all_it_started(tmp_path: Path) -> None:
    started = tmp_path / "started"
    text = (
        "import subprocess, sys, pathlib\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'])\n"
        f"pathlib.Path({str(started)!r}).write_text(str(child.pid))\n"
        "child.wait()"
    )
    outcome = asyncio.run(take(Command((program(tmp_path, text),)), Patience(1, 2.0, 0.0)))
    assert outcome == Outcome(False, "no end within 2 s", 1)
    assert ends(int(started.read_text()))


def ends(pid: int) -> bool:
    """Whether a process that was killed is gone: the system takes a moment for it."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], 10)[0])
    finally:
        os.close(process)


def test_actions_that_are_closed_leave_nothing_running(tmp_path: Path) -> None:
    started = tmp_path / "started"
    text = f"import os, pathlib, signal\npathlib.Path({str(started)!r}).write_text(str(os.getpid()))\nsignal.pause()"
    ended: list[Outcome] = []

    async def run() -> None:
        actions = Actions(now=lambda: NOW, uniform=lambda low, _: low)
        actions.start(step(Command((program(tmp_path, text),))), ALARM, ended.append)
        while not started.exists() or not started.read_text():  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.01)
        await actions.close()

    asyncio.run(run())
    assert ended == []
    assert ends(int(started.read_text()))
