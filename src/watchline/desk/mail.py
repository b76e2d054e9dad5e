"""A mail to a server of one's own: over TLS unless the settings say otherwise, and to nobody with another certificate."""

from __future__ import annotations

import asyncio
import contextlib
import smtplib
import socket
import ssl
import threading
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from watchline.desk.credentials import read_credentials
from watchline.desk.steps import Mail, MailTls
from watchline.errors import SecretError

_LOCAL_NAME = "[127.0.0.1]"  # without one smtplib asks the DNS for ours


async def send_mail(mail: Mail, message: EmailMessage, limit_seconds: float) -> tuple[bool, str]:
    """Send a message from a thread of its own, and hang up on what hangs there.

    Gives whether the server took it for every recipient, and one line for people. Raises TimeoutError after limit_seconds, and
    OSError, ValueError or SecretError for files that cannot be used.
    """
    credentials = read_credentials(Path(mail.credentials)) if mail.credentials else None
    context = None if mail.tls is MailTls.NONE else _context(mail)
    if mail.tls is MailTls.IMPLICIT:
        connection: smtplib.SMTP = smtplib.SMTP_SSL(local_hostname=_LOCAL_NAME, timeout=limit_seconds, context=context)
    else:
        connection = smtplib.SMTP(local_hostname=_LOCAL_NAME, timeout=limit_seconds)
    loop = asyncio.get_running_loop()
    done: asyncio.Future[tuple[bool, str]] = loop.create_future()

    def report(outcome: tuple[bool, str]) -> None:
        if not done.done():
            done.set_result(outcome)

    def work() -> None:
        try:
            outcome = _send(connection, mail, context, credentials, message)
        except (OSError, smtplib.SMTPException, ValueError) as error:
            outcome = (False, _reason(error))
        finally:
            connection.close()
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(report, outcome)

    threading.Thread(target=work, name="watchline-mail", daemon=True).start()
    try:
        return await asyncio.wait_for(done, limit_seconds)
    finally:
        sock = connection.sock
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


def _send(
    connection: smtplib.SMTP,
    mail: Mail,
    context: ssl.SSLContext | None,
    credentials: tuple[str, str] | None,
    message: EmailMessage,
) -> tuple[bool, str]:
    connection.connect(mail.host, mail.port)
    if mail.tls is MailTls.STARTTLS:
        connection.starttls(context=context)  # refuses to go on where the server offers none
    if credentials is not None:
        connection.login(*credentials)
    refused = connection.send_message(message)
    connection.quit()
    return not refused, f"refused for {', '.join(refused)}" if refused else "the server took it"


class _ServersContext(ssl.SSLContext):
    """Asks for the certificate of the server in the settings: smtplib knows the name only where it connects at once."""

    host: str

    def wrap_socket(self, sock: socket.socket, *_: Any, **__: Any) -> ssl.SSLSocket:
        return super().wrap_socket(sock, server_hostname=self.host)


def _context(mail: Mail) -> ssl.SSLContext:
    context = _ServersContext(ssl.PROTOCOL_TLS_CLIENT)  # it verifies certificates and names
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.host = mail.host
    if not mail.ca:
        context.load_default_certs()
        return context
    try:
        context.load_verify_locations(cadata=Path(mail.ca).read_text("ascii"))
    except OSError as error:
        if isinstance(error, ssl.SSLError):
            raise _no_certificates(mail.ca) from error
        raise SecretError(
            f"{mail.ca} cannot be read: {error.strerror}", hint="check the path of ca, and who may read it"
        ) from error
    except ValueError as error:
        raise _no_certificates(mail.ca) from error
    return context


def _no_certificates(path: str) -> SecretError:
    return SecretError(f"{path} holds no certificates in PEM", hint="give the mail server's authority, or leave ca out")


def _reason(error: Exception) -> str:
    """One line for people: what is wrong, and what to do about it where that is not plain."""
    match error:
        case ssl.SSLCertVerificationError():
            return f"its certificate is not one that we trust ({error.verify_message}): set ca, or the server's right name"
        case ssl.SSLError():
            return f"no TLS with it ({error.reason}): check the port, and whether tls must be starttls or implicit"
        case smtplib.SMTPNotSupportedError():
            return f"{error} Nothing was sent in the clear: check the port and the setting tls"
        case smtplib.SMTPAuthenticationError():
            return f"it refuses the user or the password of credentials: {error.smtp_code}"
        case _:
            return f"{type(error).__name__}: {error}"
