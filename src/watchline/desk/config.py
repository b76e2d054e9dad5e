"""watchline.toml: every setting of a desk, with its unit, its bounds and its reason, in one table.

`init` writes the file from this table with every default as a comment, so the file documents itself. What is not set there has
the default; a setting that does not exist is refused, because a typing error must not silently mean the default.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from watchline.desk.steps import EXAMPLE as ESCALATION_EXAMPLE
from watchline.desk.steps import Step, read_steps
from watchline.errors import UsageError

FILE_BYTES_MAX = 32_768
LINE_DOTS_MAX, DOTS_MAX = 64, 1_024  # the library's time and memory grow with the square of a dotted key's parts
PATH_CHARACTERS_MAX = 4_096
TABLES = ("relay", "witness")  # read by their own subjects
TABLES_EXAMPLE = """\
# How a relay lets this desk in, and whose certificate it shows: tables [[relay]] at the end of this file, at most 16. A relay
# that asks for nothing needs none; lines learn of relays by `watchline route add`.
#
# [[relay]]
# address = "tls://relay.example.org:4222"
# credentials = "relay.credentials"      # a file of two lines, the user and the password, for its owner's eyes only
# ca = "relay-ca.pem"                    # certificates in PEM; left out: those that the system trusts

# Where the witnesses that the terms of a line name are reached: tables [[witness]] at the end of this file, at most 64.
#
# [[witness]]
# vkey = "witness.example.org/w1+a4b32f74+BBXZ..."   # as in the terms
# url = "https://witness.example.org/w1" # before /add-checkpoint

"""
LOG_LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of a desk; SETTINGS says what each means. escalation: its tables, empty for the default steps."""

    listen: tuple[str, ...] = ()
    dial_only: bool = False
    status_interval_seconds: int = 60
    test_interval_seconds: int = 3_600
    signature_per_notice: bool = False
    entries_per_checkpoint: int = 256
    reserve_bytes: int = 64 * 1024 * 1024
    reconnect_first_seconds: float = 0.5
    reconnect_last_seconds: float = 60.0
    handshake_seconds: float = 5.0
    commit_wait_seconds: float = 0.05
    anchor: str = ""
    archive_dir: str = ""
    console_port: int = 8787
    log_level: str = "info"
    drill_hours: int = 8
    escalation: tuple[Step, ...] = ()


class Setting(NamedTuple):
    """What one setting may be: two bounds for a number, allowed words for text, nothing for the others."""

    comment: str
    at_least: float = 0
    at_most: float = 0
    allowed: tuple[str, ...] = ()


SETTINGS: Mapping[str, Setting] = {
    "listen": Setting(
        "Addresses this node listens on, as HOST:PORT. Empty: those given to invite, accept and route add. Set it where the\n"
        'address that others dial is not one of this machine, for example behind a port forward: ["0.0.0.0:7400"].'
    ),
    "dial_only": Setting("Never listen, only dial: for a desk behind a firewall that lets connections out but not in."),
    "status_interval_seconds": Setting(
        "The longest time between two status messages, as this desk proposes it in the terms of a new line.", 1, 86_400
    ),
    "test_interval_seconds": Setting(
        "The time between two scheduled tests of the line, as this desk proposes it in the terms of a new line.", 1, 86_400
    ),
    "signature_per_notice": Setting(
        "Sign one checkpoint for each notice instead of one for each batch: evidence of single notices is shorter, the node\n"
        "sends fewer of them per second."
    ),
    "entries_per_checkpoint": Setting("How many entries one checkpoint signature covers at most.", 1, 256),
    "reserve_bytes": Setting(
        "Free space kept on the journal's disk. With less, this desk gives no receipts: what it receipts it can keep.",
        0,
        2**50,
    ),
    "reconnect_first_seconds": Setting("How long after a lost connection the first new attempt is made.", 0.01, 3_600),
    "reconnect_last_seconds": Setting("How long the wait between attempts grows to at most.", 0.01, 3_600),
    "handshake_seconds": Setting("How long a new connection may take to prove who it is.", 0.1, 60),
    "commit_wait_seconds": Setting(
        "How long what nobody waits for (a status, a probe's outcome) may wait for the next commit to the disk.", 0, 60
    ),
    "anchor": Setting(
        "A file on a second medium, in which the node keeps how far each log has come: a home that was put back from an old\n"
        "copy, or set back with its machine, is noticed before its first word. Empty: none. Taken from the home's folder if\n"
        "relative."
    ),
    "archive_dir": Setting(
        "A folder, best on another disk, into which the node archives once a day the bodies that are older than the terms of\n"
        "their line keep them. Empty: people do it, and `watchline status` counts what is due. Taken from the home's folder\n"
        "if relative."
    ),
    "console_port": Setting(
        "The port of the console, which only a browser on this machine can open: http://localhost:PORT. 0: no console.",
        0,
        65_535,
    ),
    "log_level": Setting("What the node writes to its log.", allowed=LOG_LEVELS),
    "drill_hours": Setting(
        "How many hours after the last drill the next one is due: an exercise notice that a person at the peer must\n"
        "acknowledge, once a shift. 0: none.",
        0,
        744,
    ),
}


def read_config(path: Path) -> Config:
    """Read watchline.toml. Raises UsageError, which names the setting, what was given and what is allowed."""
    table = {name: value for name, value in read_toml(path).items() if name not in TABLES}
    steps = read_steps(table.pop("escalation", []))
    refuse_unknown(table, [*SETTINGS, *TABLES, "escalation"], where=path.name)
    defaults = Config(escalation=steps)
    config = replace(defaults, **{name: _checked(name, value, getattr(defaults, name)) for name, value in table.items()})
    if config.reconnect_last_seconds < config.reconnect_first_seconds:
        raise UsageError(
            f"{path.name}: reconnect_last_seconds is below reconnect_first_seconds",
            hint="set reconnect_last_seconds to the longer of the two",
        )
    return config


def default_text() -> str:
    """The file that `init` writes: every setting with its meaning and, as a comment, its default."""
    parts = ["# The settings of this desk. A line without # in front is in force; the others show the defaults.\n"]
    for name, setting in SETTINGS.items():
        comment = setting.comment.replace("\n", "\n# ")
        parts.append(f"# {comment}{_bounds(name)}\n# {name} = {_toml(getattr(Config(), name))}\n")
    return "\n".join([*parts, TABLES_EXAMPLE + ESCALATION_EXAMPLE])


def read_toml(path: Path) -> dict[str, Any]:
    """A small TOML file. Raises UsageError if it cannot be read or is none, with the line where it goes wrong."""
    import tomllib

    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
        if len(data) > FILE_BYTES_MAX:
            raise UsageError(f"{path.name} is longer than {FILE_BYTES_MAX} bytes", hint="check the path", path=str(path))
        text = data.decode("utf-8")
        if text.count(".") > DOTS_MAX or any(line.count(".") > LINE_DOTS_MAX for line in text.split("\n")):
            raise UsageError(
                f"{path.name} has more than {DOTS_MAX} dots, or a line with more than {LINE_DOTS_MAX}",
                hint="write a list on several lines",
                path=str(path),
            )
        return tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"{path.name} cannot be read: {error.strerror}", hint="check the path", path=str(path)) from error
    except RecursionError:
        raise UsageError(
            f"{path.name} is nested too deeply", hint="a setting is a word, a number or a list", path=str(path)
        ) from None
    except ValueError as error:  # also what is not UTF-8
        raise UsageError(f"{path.name} is not TOML: {error}", hint="mend the line that is named", path=str(path)) from None


def refuse_unknown(given: Iterable[str], known: Iterable[str], *, where: str) -> None:
    """Raise UsageError for the first name that does not exist, with near ones as the hint."""
    known = list(known)
    for name in given:
        if name not in known:
            from difflib import get_close_matches

            near = get_close_matches(name, known, n=3, cutoff=0.5)
            raise UsageError(
                f"{where}: there is no setting {name[:80]!r}",
                hint=f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known)}",
                setting=name[:80],
                allowed=known,
            )


def _checked(name: str, value: Any, default: Any) -> Any:
    setting = SETTINGS[name]
    if type(default) is bool:
        good, wanted = type(value) is bool, "true or false"
    elif type(default) is tuple:
        good, wanted = _is_addresses(value), 'a list of addresses, such as ["192.0.2.7:7400"]'
        value = tuple(value) if good else value
    elif type(default) is str:
        good, wanted = type(value) is str and "\0" not in value and len(value) <= PATH_CHARACTERS_MAX, "a path"
        if setting.allowed:
            good, wanted = value in setting.allowed, "one of " + ", ".join(setting.allowed)
    else:
        kinds = (int, float) if type(default) is float else (int,)
        good = type(value) in kinds and setting.at_least <= value <= setting.at_most
        wanted = f"{'a number' if type(default) is float else 'a whole number'}{_range(setting)}"
        value = type(default)(value) if good else value
    if not good:
        raise UsageError(
            f"watchline.toml: {name} must be {wanted}", hint=f"correct {name}", setting=name, given=str(value)[:80]
        )
    return value


def _is_addresses(value: Any) -> bool:
    from watchline.routes.address import parse_address

    if type(value) is not list or len(value) > 16 or not all(type(item) is str for item in value):
        return False
    for item in value:
        parse_address(item)  # its own error says more than ours could
    return True


def _range(setting: Setting) -> str:
    return f" from {setting.at_least:.10g} to {setting.at_most:.10g}" if setting.at_most < 2**50 else " not below 0"


def _bounds(name: str) -> str:
    setting = SETTINGS[name]
    if setting.allowed:
        return f" One of {', '.join(setting.allowed)}."
    return f" Allowed:{_range(setting)}." if setting.at_most else ""


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(list(value) if isinstance(value, tuple) else value)
