"""Mails of an escalation over TLS: only to a server whose certificate is right, and never in the clear instead."""

from __future__ import annotations

import asyncio
import base64
import ssl
from contextlib import suppress
from email.message import EmailMessage
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.routes.certificates import make_certificates
from watchline.desk.mail import send_mail
from watchline.desk.steps import Mail, MailTls
from watchline.errors import SecretError

LIMIT_SECONDS = 20.0
USER, PASSWORD = "desk", "a password"


class Certificates(NamedTuple):
    ca: Path
    certificate: Path
    key: Path


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(*make_certificates(tmp_path_factory.mktemp("right")))


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(*make_certificates(tmp_path_factory.mktemp("other")))


class MailServer:
    """An SMTP server (RFC 5321) with TLS, before or after the greeting. It keeps every line that came, with how it came."""

    def __init__(self, certificates: Certificates, *, implicit: bool = False, offers_tls: bool = True) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificates.certificate, certificates.key)
        self.implicit, self.offers_tls = implicit, offers_tls
        self.clear: list[str] = []
        self.sealed: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        encrypted = self.implicit
        writer.write(b"220 here\r\n")
        with suppress(OSError, asyncio.IncompleteReadError):
            while line := (await reader.readline()).decode().rstrip():
                (self.sealed if encrypted else self.clear).append(line)
                verb = line.partition(" ")[0].upper()
                writer.write(self.answer(verb, line, encrypted))
                await writer.drain()
                if verb == "STARTTLS":
                    await writer.start_tls(self.context)
                    encrypted = True
                elif verb == "DATA":
                    text = (await reader.readuntil(b"\r\n.\r\n")).decode()
                    (self.sealed if encrypted else self.clear).append(text)
                    writer.write(b"250 taken\r\n")
        writer.close()

    def answer(self, verb: str, line: str, encrypted: bool) -> bytes:
        match verb:
            case "EHLO":
                return (
                    b"250-here\r\n"
                    + (b"250-STARTTLS\r\n" if self.offers_tls and not encrypted else b"")
                    + b"250 AUTH PLAIN\r\n"
                )
            case "STARTTLS":
                return b"220 go on\r\n"
            case "AUTH":
                right = base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()
                return b"235 come in\r\n" if line.endswith(right) else b"535 who are you\r\n"
            case "DATA":
                return b"354 go on\r\n"
            case "QUIT":
                return b"221 bye\r\n"
            case _:
                return b"250 ok\r\n"


def sent(
    server: MailServer, tls: MailTls, *, ca: Path | str = "", credentials: Path | str = "", host: str = "127.0.0.1"
) -> tuple[bool, str]:
    """Send a mail through this server."""
    message = EmailMessage()
    message["From"], message["To"] = "desk@example.org", "officer@example.org"
    message.set_content("an alarm\n")

    async def run() -> tuple[bool, str]:
        context = server.context if server.implicit else None
        async with await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context) as listening:
            port = listening.sockets[0].getsockname()[1]
            mail = Mail(host, port, "desk@example.org", ("officer@example.org",), tls, str(ca), str(credentials))
            return await send_mail(mail, message, LIMIT_SECONDS)

    return asyncio.run(run())


def credentials_file(folder: Path, text: str = f"{USER}\n{PASSWORD}\n", mode: int = 0o600) -> Path:
    path = folder / "mail.credentials"
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("tls", [MailTls.STARTTLS, MailTls.IMPLICIT])
def test_mail_password_and_recipients_travel_under_tls(tls: MailTls, certificates: Certificates, tmp_path: Path) -> None:
    server = MailServer(certificates, implicit=tls is MailTls.IMPLICIT)
    assert sent(server, tls, ca=certificates.ca, credentials=credentials_file(tmp_path)) == (True, "the server took it")
    assert any("an alarm" in line for line in server.sealed)
    assert [line.partition(" ")[0].upper() for line in server.clear] == (["EHLO", "STARTTLS"] if not server.implicit else [])


@pytest.mark.parametrize("tls", [MailTls.STARTTLS, MailTls.IMPLICIT])
@pytest.mark.parametrize("trusted", ["another authority", "the system's"])
def test_mail_server_with_a_certificate_that_nobody_vouches_for_gets_nothing(
    tls: MailTls, trusted: str, certificates: Certificates, others: Certificates, tmp_path: Path
) -> None:
    server = MailServer(certificates, implicit=tls is MailTls.IMPLICIT)
    ca = others.ca if trusted == "another authority" else ""
    ok, detail = sent(server, tls, ca=ca, credentials=credentials_file(tmp_path))
    assert not ok
    assert "not one that we trust" in detail
    assert server.sealed == []


def test_mail_server_with_the_certificate_of_another_host_gets_nothing(certificates: Certificates) -> None:
    server = MailServer(certificates)
    ok, detail = sent(server, MailTls.STARTTLS, ca=certificates.ca, host="localhost")
    assert not ok
    assert "localhost" in detail
    assert server.sealed == []


def test_mail_server_that_offers_no_starttls_gets_nothing_in_the_clear(certificates: Certificates, tmp_path: Path) -> None:
    server = MailServer(certificates, offers_tls=False)
    ok, detail = sent(server, MailTls.STARTTLS, ca=certificates.ca, credentials=credentials_file(tmp_path))
    assert not ok
    assert "Nothing was sent in the clear" in detail
    assert not [line for line in server.clear if line.upper().startswith(("AUTH", "MAIL", "DATA"))]


def test_server_that_speaks_no_tls_where_implicit_is_set_is_named_with_what_to_check(certificates: Certificates) -> None:
    ok, detail = sent(MailServer(certificates), MailTls.IMPLICIT, ca=certificates.ca)
    assert not ok
    assert "starttls or implicit" in detail


def test_wrong_password_is_named_and_not_shown(certificates: Certificates, tmp_path: Path) -> None:
    wrong = credentials_file(tmp_path, f"{USER}\nnot the password\n")
    ok, detail = sent(MailServer(certificates), MailTls.STARTTLS, ca=certificates.ca, credentials=wrong)
    assert (ok, detail) == (False, "it refuses the user or the password of credentials: 535")


@pytest.mark.parametrize(
    ("text", "mode", "said"), [(f"{USER}\n{PASSWORD}\n", 0o640, "read by others"), (f"{USER}\n", 0o600, "not two lines")]
)
def test_credentials_that_others_may_read_or_that_are_none_are_refused_before_anything_is_sent(
    text: str, mode: int, said: str, certificates: Certificates, tmp_path: Path
) -> None:
    server = MailServer(certificates)
    with pytest.raises(SecretError, match=said):
        sent(server, MailTls.STARTTLS, ca=certificates.ca, credentials=credentials_file(tmp_path, text, mode))
    assert server.clear == []


@pytest.mark.parametrize("tls", [MailTls.STARTTLS, MailTls.IMPLICIT])
@pytest.mark.parametrize("content", [None, b"", b"no certificate", b"\xff\x00"])
def test_authority_that_is_no_certificate_is_an_error_and_not_the_systems(
    content: bytes | None, tls: MailTls, certificates: Certificates, tmp_path: Path
) -> None:
    ca = tmp_path / "ca.pem"
    if content is not None:
        ca.write_bytes(content)
    server = MailServer(certificates, implicit=tls is MailTls.IMPLICIT)
    with pytest.raises(SecretError, match=r"cannot be read|no certificates"):
        sent(server, tls, ca=ca)
    assert server.sealed == server.clear == []
