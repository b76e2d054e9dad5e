"""The steps of escalation: what watchline.toml says is done when a notice of a peer stays without an acknowledgement.

[[escalation]]
name = "page-the-officer"
at = 0.3                              # of the clock: of a FLASH with ten minutes, after three
precedence = ["FLASH", "IMMEDIATE"]   # all, if it is left out
command = ["/usr/local/bin/page", "duty"]
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from watchline.core.persons import ROLES
from watchline.core.terms import PRECEDENCES
from watchline.desk.credentials import LOOPBACK
from watchline.errors import UsageError

STEPS_MAX, ARGUMENTS_MAX, RECIPIENTS_MAX, TEXT_CHARACTERS_MAX = 32, 64, 16, 2_048
AT_MOST = 100.0  # times the clock
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_ADDRESS = re.compile(r"[!-?A-~]{1,64}@[A-Za-z0-9.-]{1,255}")
_SERVER = re.compile(r"([A-Za-z0-9.-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\]):([0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class Officer:
    """Say on every console who is to be called next. who: a role of the roster, or an officer's number."""

    who: str | int


@dataclass(frozen=True, slots=True)
class Bell:
    """Count on the armed consoles: they sound. It fails where none is armed."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """Post to a URL, signed with the one line of text in a file."""

    url: str
    secret_file: str


class MailTls(StrEnum):
    """How a mail server is spoken to: TLS after the greeting, TLS from the first byte, or in the clear."""

    STARTTLS = "starttls"
    IMPLICIT = "implicit"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Mail:
    """Send a mail through a server of one's own, (host, port).

    ca: the path of the certificates in PEM that the server's must come from; "" for those of the system. credentials: the path
    of a file with a user and a password; "" for none.
    """

    host: str
    port: int
    sender: str
    recipients: tuple[str, ...]
    tls: MailTls
    ca: str = ""
    credentials: str = ""


@dataclass(frozen=True, slots=True)
class Command:
    """Run a program with these arguments, without a shell."""

    arguments: tuple[str, ...]


Action = Officer | Bell | Webhook | Mail | Command


@dataclass(frozen=True, slots=True)
class Step:
    """One step. at: the part of the acknowledgement clock after which it is due. precedences: for which, as numbers.

    exercises: whether it is taken for exercise notices, drills among them, too.
    """

    name: str
    at: float
    precedences: tuple[int, ...]
    exercises: bool
    action: Action

    @property
    def kind(self) -> str:
        """The word for what it does, as the setting is called."""
        return _KINDS[type(self.action)]

    def within(self, folder: Path) -> Step:
        """The step with its files in this folder, where they are named without one."""
        match self.action:
            case Webhook(secret_file=file):
                return replace(self, action=replace(self.action, secret_file=_path(folder, file)))
            case Mail(ca=ca, credentials=credentials):
                return replace(self, action=replace(self.action, ca=_path(folder, ca), credentials=_path(folder, credentials)))
            case _:
                return self


def _path(folder: Path, file: str) -> str:
    return str((folder / file).absolute()) if file else ""


_KINDS: Mapping[type, str] = {Officer: "officer", Bell: "bell", Webhook: "webhook", Mail: "smtp", Command: "command"}
_ALL = tuple(range(len(PRECEDENCES)))
DEFAULT_STEPS = (
    Step("sound-again", 0.3, _ALL, False, Bell()),
    Step("next-officer", 0.6, _ALL, False, Officer("releaser")),
    Step("last-call", 1.0, _ALL, False, Officer("admin")),
)

EXAMPLE = """\
# What is done when a notice of a peer stays without an acknowledgement: steps, each a table [[escalation]] at the end of this
# file. Without any there are three: "sound-again" (bell) at 0.3 of the clock, "next-officer" (officer = "releaser") at 0.6 and
# "last-call" (officer = "admin") at 1.0: for a FLASH with ten minutes after 3, 6 and 10. Test each: watchline escalation test.
#
# [[escalation]]
# name = "page-the-officer"              # of your choice: small letters, digits and hyphens
# at = 0.3                               # the part of the acknowledgement clock after which it is due; above 0, at most 100
# precedence = ["FLASH", "IMMEDIATE"]    # all four if left out
# exercises = false                      # whether it is also done for exercise notices and drills
#                                        # and exactly one of the following
# officer = "releaser"                   # show whom to call next: a role, or an officer's number
# bell = true                            # armed consoles sound; fails where none is armed
# webhook = "https://pager.example.org/hook"   # post JSON, signed: docs/operations.md
# secret_file = "pager.secret"           # with webhook: one line, for its owner's eyes only
# smtp = "mail.example.org:587"          # send a mail through this server
# from = "desk@example.org"              # with smtp
# to = ["officer@example.org"]           # with smtp
# tls = "starttls"                       # with smtp: or "implicit", or "none", which is the default on this machine alone
# ca = "mail-ca.pem"                     # with smtp: the server's authority; what the system trusts if left out
# credentials = "mail.credentials"       # with smtp: two lines, user and password, for its owner's eyes only
# command = ["/usr/local/bin/page", "duty"]    # run a program; no shell
"""


def read_steps(value: Any) -> tuple[Step, ...]:
    """The steps that [[escalation]] tables say. Raises UsageError, which names the step, what was given and what is allowed."""
    if type(value) is not list or not all(type(table) is dict for table in value) or len(value) > STEPS_MAX:
        raise _wrong("escalation", f"is a list of at most {STEPS_MAX} tables, each headed [[escalation]]")
    steps = tuple(_step(table, number) for number, table in enumerate(value, 1))
    names = [step.name for step in steps]
    if len(set(names)) != len(names):
        raise _wrong("escalation", "two steps have one name")
    return steps


def _step(table: dict[str, Any], number: int) -> Step:
    from watchline.desk.config import refuse_unknown

    where = f"escalation step {number}"
    refuse_unknown(table, [*_COMMON, *_ACTIONS, *(name for _, names in _ACTIONS.values() for name in names)], where=where)
    chosen = [name for name in _ACTIONS if name in table]
    if len(chosen) != 1:
        raise _wrong(where, f"has exactly one of {', '.join(_ACTIONS)}")
    make, beside = _ACTIONS[chosen[0]]
    for key in table:
        if key not in (*_COMMON, chosen[0], *beside):
            raise _wrong(where, f"{key} does not go with {chosen[0]}")
    name: Any = table.get("name")
    at: Any = table.get("at")
    exercises = table.get("exercises", False)
    if type(name) is not str or len(name) > 64 or not _NAME.fullmatch(name):
        raise _wrong(where, "name must be a word of small letters, digits and hyphens")
    if type(at) not in (int, float) or not 0 < at <= AT_MOST:
        raise _wrong(where, f"at must be a number above 0, at most {AT_MOST:g}: a part of the clock")
    if type(exercises) is not bool:
        raise _wrong(where, "exercises must be true or false")
    return Step(name, float(at), _precedences(table, where), exercises, make(table, where))


def _precedences(table: Mapping[str, Any], where: str) -> tuple[int, ...]:
    given = table.get("precedence", list(PRECEDENCES))
    if type(given) is not list or not given or not all(type(word) is str and word in PRECEDENCES for word in given):
        raise _wrong(where, f"precedence must be a list of some of {', '.join(PRECEDENCES)}")
    return tuple(sorted({PRECEDENCES.index(word) for word in given}))


def _officer(table: Mapping[str, Any], where: str) -> Action:
    who = table["officer"]
    if not (type(who) is int and 1 <= who <= 65_535) and who not in ROLES:
        raise _wrong(where, f"officer must be an officer's number, or one of {', '.join(ROLES)}")
    return Officer(who)


def _bell(table: Mapping[str, Any], where: str) -> Action:
    if table["bell"] is not True:
        raise _wrong(where, "bell must be true")
    return Bell()


def _webhook(table: Mapping[str, Any], where: str) -> Action:
    url, secret = _text(table, "webhook", where), _text(table, "secret_file", where)
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and url.isascii()
    except ValueError:
        good = False
    if not good or not url.isprintable() or " " in url:
        raise _wrong(where, "webhook must be a URL that begins with https:// or http://")
    return Webhook(url, secret)


def _mail(table: Mapping[str, Any], where: str) -> Action:
    server, sender, recipients = _text(table, "smtp", where), _text(table, "from", where), table.get("to")
    matched = _SERVER.fullmatch(server)
    if matched is None or not 1 <= int(matched[2]) <= 65_535:
        raise _wrong(where, "smtp must be a server as HOST:PORT")
    if type(recipients) is not list or not 1 <= len(recipients) <= RECIPIENTS_MAX:
        raise _wrong(where, f"to must be a list of 1 to {RECIPIENTS_MAX} mail addresses")
    if not all(type(address) is str and _ADDRESS.fullmatch(address) for address in (sender, *recipients)):
        raise _wrong(where, "from and to must be mail addresses, such as desk@example.org")
    host = matched[1].strip("[]")
    tls: Any = table.get("tls", MailTls.NONE if host in LOOPBACK else MailTls.STARTTLS)
    if type(tls) not in (str, MailTls) or tls not in list(MailTls):
        raise _wrong(where, f"tls must be one of {', '.join(MailTls)}")
    ca, credentials = (_text(table, key, where) if key in table else "" for key in ("ca", "credentials"))
    if tls == MailTls.NONE and ca:
        raise _wrong(where, "ca does not go with tls = none")
    if tls == MailTls.NONE and credentials and host not in LOOPBACK:
        raise _wrong(where, "credentials would travel in the clear: tls must be starttls or implicit")
    return Mail(host, int(matched[2]), sender, tuple(recipients), MailTls(tls), ca, credentials)


def _command(table: Mapping[str, Any], where: str) -> Action:
    arguments = table["command"]
    good = type(arguments) is list and 1 <= len(arguments) <= ARGUMENTS_MAX
    if not good or not all(type(each) is str and len(each) <= TEXT_CHARACTERS_MAX and "\0" not in each for each in arguments):
        raise _wrong(where, 'command must be a list of a program and its arguments, such as ["/usr/local/bin/page", "duty"]')
    if not Path(arguments[0]).is_absolute():
        raise _wrong(where, "command must begin with the program's whole path")
    return Command(tuple(arguments))


def _text(table: Mapping[str, Any], name: str, where: str) -> str:
    value = table.get(name)
    if type(value) is not str or not value or len(value) > TEXT_CHARACTERS_MAX or "\0" in value:
        raise _wrong(where, f"{name} must be a text")
    return value


def _wrong(where: str, what: str) -> UsageError:
    return UsageError(f"watchline.toml: {where}: {what}", hint="correct the [[escalation]] tables", setting="escalation")


_COMMON = ("name", "at", "precedence", "exercises")
_ACTIONS: Mapping[str, tuple[Callable[[Mapping[str, Any], str], Action], tuple[str, ...]]] = {
    "officer": (_officer, ()),
    "bell": (_bell, ()),
    "webhook": (_webhook, ("secret_file",)),
    "smtp": (_mail, ("from", "to", "tls", "ca", "credentials")),
    "command": (_command, ()),
}
