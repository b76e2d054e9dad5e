"""Tables that people write: escalation, relays, witnesses, fallback cards, changes of terms. Others may have written any."""

from __future__ import annotations

import atexit
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from pathlib import Path

from reliability.fuzz.mutation import mutate_text
from reliability.fuzz.target import Check, Target, need
from tests.core.sample_desks import terms
from watchline.core.keys import Ed25519Key
from watchline.core.terms import Terms
from watchline.core.witnessing import WitnessKey, parse_log_keys
from watchline.desk.agreement import amended_terms
from watchline.desk.config import read_toml
from watchline.desk.fallback import check_card, read_card
from watchline.desk.relay_settings import read_relays
from watchline.desk.steps import EXAMPLE, read_steps
from watchline.desk.witness_addresses import read_witness_addresses
from watchline.errors import PeerError, SecretError, UsageError

REFUSALS = (UsageError, SecretError, PeerError)


@cache
def _home() -> Path:
    """A home in memory, where the system has one, that goes with the process. Its relay lets nobody in without a word."""
    stack = ExitStack()
    atexit.register(stack.close)
    memory = Path("/dev/shm")
    home = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None)))
    (home / "relay.credentials").write_text("user\npassword\n")
    (home / "relay.credentials").chmod(0o600)
    return home


def _settings(data: bytes) -> Path:
    path = _home() / "watchline.toml"
    path.write_bytes(data)
    return path


def _reads(read: Callable[[Path], object]) -> Callable[[], Check]:
    """A target that only reads: whatever it gives is right."""

    def make() -> Check:
        def check(data: bytes) -> None:
            read(_settings(data))

        return check

    return make


def _read_relays(path: Path) -> object:
    return read_relays(path.parent)


def _check_steps() -> Check:
    def check(data: bytes) -> None:
        for step in read_steps(read_toml(_settings(data)).get("escalation", [])):
            need(0 < step.at <= 100 and bool(step.precedences), "a step that is never due")
            step.within(_home())

    return check


def _genuine_steps() -> Mapping[str, bytes]:
    begin = EXAMPLE.index("# [[escalation]]")
    lines = [line.removeprefix("# ").partition("#")[0].rstrip() for line in EXAMPLE[begin:].splitlines()]
    common = "\n".join(lines[:5])
    actions = {line.partition(" ")[0]: line for line in lines[5:] if line}
    webhook, mail = ("webhook", "secret_file"), ("smtp", "from", "to")
    chosen = [("officer",), ("bell",), webhook, mail, ("command",)]
    return {names[0]: "\n".join([common, *(actions[name] for name in names)]).encode() for names in chosen}


def _check_card() -> Check:
    def check(data: bytes) -> None:
        card = read_card(_settings(data))
        need(check_card(card) == card, "a card is another one when it is read again")

    return check


_CARD = """\
[[telephone]]
number = "+86 10 0000 0000"
name = "Duty officer, Beijing"
languages = ["zh-Hans", "en"]
[[other]]
name = "Military attache"
how = "telephone of the embassy, day and night"
"""

_RELAYS = """\
[[relay]]
address = "tls://relay.example.org:4222"
credentials = "relay.credentials"
[[relay]]
address = "nats://127.0.0.1:4222"
"""


def _witness() -> str:
    return WitnessKey("witness.example.org/1", Ed25519Key(bytes(32))).verifier.to_text()


def _genuine_witnesses() -> Mapping[str, bytes]:
    table = f'[[witness]]\nvkey = "{_witness()}"\nurl = "https://witness.example.org/1/"\n'
    return {"one": table.encode(), "twice": (table * 2).encode()}


_TERMS = """\
languages = ["ja", "en"]
body_days = 30
[clocks.FLASH]
acknowledge_seconds = 300
answer_seconds = 1800
[forms.statement]
answer_seconds = "by-precedence"
[release_people]
FLASH = 2
"""


def _need_terms(after: Terms, before: Terms) -> None:
    need(after.version == before.version + 1 and after != replace(before, version=after.version), "an amendment of nothing")
    need(Terms.decode(after.encode()) == after, "terms are others when they are read again")


def _check_terms_file() -> Check:
    before = terms()

    def check(data: bytes) -> None:
        _need_terms(amended_terms(before, _settings(data), ()), before)

    return check


def _check_terms_settings() -> Check:
    """What stands behind `--set`, each on a line."""
    before = terms()

    def check(data: bytes) -> None:
        _need_terms(amended_terms(before, None, data.decode("utf-8", "replace").split("\n")), before)

    return check


def _check_log_keys() -> Check:
    """A witness's list of logs."""

    def check(data: bytes) -> None:
        for name, key in parse_log_keys(data.decode("utf-8", "replace")).items():
            need(key.name == name, "a key of another origin")

    return check


def _genuine_log_keys() -> Mapping[str, bytes]:
    from watchline.core.checkpoint import ED25519, VerifierKey

    keys = [VerifierKey(f"watchline/1/{name}", ED25519, Ed25519Key(bytes([name]) * 32).public).to_text() for name in (1, 2)]
    return {"two": f"# logs\n{keys[0]} # the first\n\n{keys[1]}\n".encode(), "witness": f"{_witness()}\n".encode()}


TARGETS = (
    Target("escalation", _check_steps, _genuine_steps, mutate_text, REFUSALS, 500),
    Target("relays", _reads(_read_relays), lambda: {"two": _RELAYS.encode()}, mutate_text, REFUSALS, 500),
    Target("witnesses", _reads(read_witness_addresses), _genuine_witnesses, mutate_text, REFUSALS, 500),
    Target("card", _check_card, lambda: {"card": _CARD.encode()}, mutate_text, REFUSALS, 500),
    Target("terms-file", _check_terms_file, lambda: {"terms": _TERMS.encode()}, mutate_text, REFUSALS, 500),
    Target(
        "terms-settings", _check_terms_settings,
        lambda: {"set": b"clocks.FLASH.acknowledge_seconds=300\nbody_days=30\nlanguages=['ja']"}, mutate_text, REFUSALS, 1_000,
    ),
    Target("log-keys", _check_log_keys, _genuine_log_keys, mutate_text, inputs=2_000),
)  # fmt: skip
