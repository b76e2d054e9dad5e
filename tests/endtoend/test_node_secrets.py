"""Real nodes and what they leave for others to read: their socket, their files, their log and the texts of their errors."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.endtoend.homes import IDENTITY, OFFICER, NodeProcess, own_desk, paired
from watchline.cli.session import OFFICER_VARIABLE
from watchline.core.encoding import decode
from watchline.core.entries import EntryType, Notice, Precedence
from watchline.core.pairing import Pairing
from watchline.errors import WatchlineError

pytestmark = pytest.mark.slow

TEXT = "a sentence for two desks alone"
WRONG = "a wrong passphrase, nearly right"


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[tuple[NodeProcess, NodeProcess]]:
    both = paired(tmp_path)
    for node in both:
        config = node.home.path / "watchline.toml"
        config.write_text(config.read_text() + '\nlog_level = "debug"\n')
    yield both
    for node in both:
        node.kill()


def test_running_node_opens_its_socket_and_its_files_to_its_owner_alone(nodes: tuple[NodeProcess, NodeProcess]) -> None:
    previous = os.umask(0)
    try:
        nodes[0].start()
    finally:
        os.umask(previous)
    home = nodes[0].home
    assert stat.S_ISSOCK(home.socket.stat().st_mode)
    assert stat.S_IMODE(home.socket.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.path.stat().st_mode) == 0o700
    open_to_others = [path for path in home.path.rglob("*") if stat.S_IMODE(path.stat().st_mode) & 0o077]
    assert open_to_others == []


def test_log_and_errors_of_a_node_hold_no_passphrase_key_or_content(
    nodes: tuple[NodeProcess, NodeProcess], tmp_path: Path
) -> None:
    tokyo, beijing = nodes
    tokyo.start()
    beijing.start()
    content = Notice("free-text", 1, Precedence.ROUTINE, False, "en", {1: TEXT}).encode().hex()
    assert any(form in content for form in forms(TEXT.encode()))
    notice = {"line": "beijing", "type": int(EntryType.NOTICE), "content": content}
    assert tokyo.ask("compose", **notice, wait="received", wait_seconds=20)["rung"] == "received"
    said = [
        refused(tokyo, "compose", **notice, assertions="a0"),
        refused(tokyo, "compose", **notice, nonce="00" * 16, assertions="818301005840" + "00" * 64),
        refused(tokyo, "compose", **notice | {"content": TEXT}),
        refused(tokyo, "compose", **notice | {"type": int(EntryType.ACKNOWLEDGE)}),
        refused(tokyo, "compose", **notice | {"line": TEXT[:8]}),
        refused(tokyo, "compose", content=content),
        refused(tokyo, "no such method", passphrase=OFFICER),
        send_as_officer(tokyo, tmp_path, WRONG, code=2),
    ]
    send_as_officer(tokyo, tmp_path, OFFICER, code=0)
    with socket.create_connection(("127.0.0.1", tokyo.port), timeout=5) as stranger:
        stranger.sendall(TEXT.encode())
    assert (tokyo.stop(), beijing.stop()) == (0, 0)
    logs = [node.log.read_text() for node in nodes]
    assert all('"event": "node.stopped"' in log for log in logs)
    for number, log in enumerate([*logs, *said]):
        assert log
        assert [name for name, secret in secrets_of(nodes).items() for form in forms(secret) if form in log] == [], number


def refused(node: NodeProcess, method: str, **params: Any) -> str:
    """All that a node says when it refuses a request."""
    with pytest.raises(WatchlineError) as error:
        node.ask(method, **params)
    return json.dumps([error.value.message, error.value.hint, error.value.facts])


def send_as_officer(node: NodeProcess, folder: Path, passphrase: str, *, code: int) -> str:
    """Release a notice on the command line; give all that it printed."""
    file = folder / "officer.passphrase"
    file.write_text(passphrase + "\n")
    words = ["send", "beijing", "--text", TEXT, "--as", "duty", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "watchline", "--home", str(node.home.path), *words],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src"), OFFICER_VARIABLE: str(file)},
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def secrets_of(nodes: tuple[NodeProcess, NodeProcess]) -> dict[str, bytes]:
    """What the people typed and the homes keep, by name. The nodes do not run."""
    secrets = {"identity": IDENTITY.encode(), "officer": OFFICER.encode(), "wrong": WRONG.encode(), "content": TEXT.encode()}
    for node in nodes:
        journal = node.journal()
        try:
            keys, record = own_desk(journal).keys, journal.lines()[0]
            kept = {
                "statement": keys.statement.ed_seed,
                "statement ML-DSA": keys.statement.ml_seed,
                "log": keys.log.seed,
                "custody": keys.custody.seed,
                "KEM": keys.kem.seed,
                "TLS": keys.tls,
                "hedge": keys.hedge,
                "PS": Pairing.decode(record.pairing).ps,
                "chain": decode(journal.states(record.line)["outgoing"])[2],
                "node key": bytes.fromhex((node.home.path / "node.key").read_text()),
            }
        finally:
            journal.close()
        secrets |= {f"{name} of {node.home.path.name}": value for name, value in kept.items()}
    return secrets


def forms(secret: bytes) -> list[str]:
    """A secret as texts may show it: as it is, in hex, in base64 and as Python shows bytes."""
    shown = [secret.hex(), secret.hex().upper(), b64encode(secret).decode().rstrip("="), repr(secret)[2:-1]]
    return [*shown, json.dumps(repr(secret))[3:-2]]
