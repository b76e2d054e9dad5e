"""Real homes and real node processes for end-to-end tests: paired with real files, on loopback, each its own process."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from watchline.core.encoding import encode
from watchline.core.keys import IdentityKey
from watchline.core.pairing import (
    Pairing,
    RouteAddress,
    accept_invitation,
    complete_acceptance,
    complete_invitation,
    make_invitation,
)
from watchline.core.terms import Clocks
from watchline.desk.agreement import proposed_terms
from watchline.desk.home import Home, Passphrases
from watchline.desk.medium import open_medium
from watchline.desk.own import DOCUMENT, OwnDesk
from watchline.desk.secrets import Cost
from watchline.desk.socket import call
from watchline.errors import RouteError
from watchline.journal import LineRecord
from watchline.journal.sqlite import SqliteJournal

IDENTITY, OFFICER, SPARE = "an identity's passphrase", "an officer's passphrase", "a spare's passphrase"
CHEAP = Cost(64, 1, 1)
START_SECONDS = 30.0
SOURCE = Path(__file__).parents[2] / "src"
PORTS = 16_384, 32_768  # below those that Linux gives to connections


def free_port() -> int:
    """A port that nobody has at this moment, and that no connection gets as its own end while a killed node is away."""
    while True:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", random.randrange(*PORTS)))
            return int(probe.getsockname()[1])


class NodeProcess:
    """One desk's home, and its node when it runs. source: the code that runs, of this version or an earlier one."""

    def __init__(self, home: Home, port: int, source: Path = SOURCE) -> None:
        self.home = home
        self.port = port
        self.source = source
        self.process: subprocess.Popen[bytes] | None = None
        self.log = home.path.parent / f"{home.path.name}.log"

    def start(self) -> None:
        """Start the node, and come back once it answers."""
        self.launch()
        self.ask_until("desk")

    def launch(self) -> None:
        """Start the node and wait for nothing."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "watchline", "--home", str(self.home.path), "serve"],
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": str(self.source)},
            )

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Ask the node; RouteError if it does not answer."""
        return call(self.home.socket, method, params, 30.0)

    def ask_until(self, method: str, **params: Any) -> dict[str, Any]:
        """Ask until the node answers at all; it may be starting."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                return self.ask(method, **params)
            except RouteError:
                if time.monotonic() > deadline or (self.process is not None and self.process.poll() is not None):
                    raise AssertionError(self.log.read_text()) from None
                select_wait(0.02)

    def wait_for_state(self, state: str | tuple[str, ...], line: str) -> None:
        """Come back once the line is in this state, or in one of these."""
        wanted = (state,) if isinstance(state, str) else state
        deadline = time.monotonic() + START_SECONDS
        while (found := self.ask_until("status", line=line)["lines"][0]["state"]) not in wanted:
            assert time.monotonic() < deadline, f"{found} instead of {state}: {self.log.read_text()[-2000:]}"
            select_wait(0.05)

    def wait_until_it_works(self, line: str) -> None:
        """Come back once the line carries and the peer's machine speaks; a notice may still wait for its people."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            [shown] = self.ask_until("status", line=line)["lines"]
            if all(shown["lamps"][name]["colour"] == "green" for name in ("line", "machine")):
                return
            assert time.monotonic() < deadline, f"{shown['state']}: {self.log.read_text()[-2000:]}"
            select_wait(0.05)

    def kill(self) -> None:
        """As a power cut to the process: no warning, no last words."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def stop(self) -> int:
        """End the node as a supervisor does; give its exit code."""
        if self.process is None:
            return 0
        self.process.terminate()
        code = self.process.wait(20)
        self.process = None
        return code

    def command(self, *words: str | Path, code: int = 0) -> dict[str, Any]:
        """Run a command of the command line on this home, with every passphrase in a file; give its object."""
        folder = self.home.path.parent
        secrets = {"WATCHLINE_PASSPHRASE_FILE": IDENTITY, "WATCHLINE_OFFICER_FILE": OFFICER, "WATCHLINE_SPARE_FILE": SPARE}
        secrets["WATCHLINE_NEW_PASSPHRASE_FILE"] = IDENTITY
        for variable, passphrase in secrets.items():
            (folder / variable).write_text(passphrase + "\n")
        files = {variable: str(folder / variable) for variable in secrets}
        signers = list(words).count("--as")
        if signers > 1:
            files["WATCHLINE_OFFICER_FILE"] = os.pathsep.join([files["WATCHLINE_OFFICER_FILE"]] * signers)
        done = subprocess.run(
            [sys.executable, "-m", "watchline", "--home", str(self.home.path), "--json", *map(str, words)],
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, **files, "PYTHONPATH": str(self.source)},
            check=False,
        )
        assert done.returncode == code, (words, done.stdout, done.stderr)
        value = json.loads(done.stdout)
        assert isinstance(value, dict)
        return value

    def journal(self) -> SqliteJournal:
        """The journal of a home without a running node."""
        return self.home.open_journal()


def select_wait(seconds: float) -> None:
    """Wait between two questions to another process: its clock is not ours to control."""
    import select

    select.select([], [], [], seconds)


def make_home(folder: Path, desk: str, language: str = "en") -> tuple[Home, IdentityKey]:
    """A home with cheap passphrases, and its identity."""
    home, _ = Home.create(
        folder / desk.lower(),
        desk=desk,
        language=language,
        zone="UTC",
        officer="duty",
        passphrases=Passphrases(IDENTITY, OFFICER),
        now=int(time.time()),
        cost=CHEAP,
    )
    config = home.path / "watchline.toml"
    config.write_text(config.read_text() + "\nconsole_port = 0\n")
    journal = home.open_journal()
    own = own_desk(journal)
    journal.close()
    return home, open_medium(home.identity_dir(own.identity_dir), IDENTITY).key


def own_desk(journal: SqliteJournal) -> OwnDesk:
    document = journal.document(*DOCUMENT)
    assert document is not None
    return OwnDesk.decode(document)


def paired(folder: Path, languages: tuple[str, str] = ("en", "en"), **changes: Any) -> tuple[NodeProcess, NodeProcess]:
    """Tokyo and Beijing, paired and confirmed, their nodes not yet started. changes: of the terms."""
    tokyo, tokyo_key = make_home(folder, "Tokyo", languages[0])
    beijing, beijing_key = make_home(folder, "Beijing", languages[1])
    ports = free_port(), free_port()
    journals = tokyo.open_journal(), beijing.open_journal()
    own = [own_desk(journal) for journal in journals]
    proposed = proposed_terms("en", tokyo.config)
    # Machines send the free texts here, by the thousand, and nobody is there to acknowledge them.
    clocks = {**proposed.form_clocks, "free-text": Clocks(None, None)}
    machine = {"unreleased_forms": ("free-text", "test"), "form_clocks": clocks}
    terms = replace(proposed, **{**machine, **changes})
    routes = [(RouteAddress("direct", f"127.0.0.1:{port}"),) for port in ports]
    first, invited = make_invitation(tokyo_key, own[0].certificate, own[0].roster, terms, routes[0], os.urandom)
    second, accepted = accept_invitation(first, beijing_key, own[1].certificate, own[1].roster, routes[1], os.urandom)
    third, ours = complete_invitation(invited, second, tokyo_key, os.urandom)
    theirs = complete_acceptance(accepted, third)
    for journal, pairing, port in zip(journals, (ours, theirs), ports, strict=True):
        keep_line(journal, pairing, port)
        journal.close()
    return NodeProcess(tokyo, ports[0]), NodeProcess(beijing, ports[1])


def keep_line(journal: SqliteJournal, pairing: Pairing, port: int) -> None:
    """Make the line a confirmed one, as two people who compared the digits would."""
    journal.put_line(LineRecord(pairing.line, pairing.peer.desk.lower(), int(time.time()), True, pairing.encode()))
    journal.put_document("own-routes", "self", encode([["direct", f"127.0.0.1:{port}"]]), False)
