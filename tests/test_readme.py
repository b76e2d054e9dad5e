"""The sessions in README.md and docs/tutorial.md are run as they stand, with real homes and nodes in a folder of their own.

Adapted for a test, and nothing else: free ports, no scheduled test in between, and the digits that people would read out.
In the output shown, `...` stands for anything.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text()
README = (ROOT / "README.md").read_text()
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND_SECONDS = 60
NO_TEST_BETWEEN = "test_interval_seconds = 86400\n"


class Step(NamedTuple):
    """A command as a document shows it, and its output."""

    command: str
    output: str


def steps(text: str) -> list[Step]:
    """Every step of the console blocks of a document, in order."""
    found = []
    for block in CONSOLE.findall(text):
        commands = re.split(r"^\$ ", block, flags=re.MULTILINE)
        assert commands[0] == "", "a block begins with a command"
        found += [Step(command, output) for command, _, output in (part.partition("\n") for part in commands[1:])]
    return found


def section(text: str, begin: str, end: str) -> str:
    """The part of a document from one heading to before another."""
    return text[text.index(f"## {begin}\n") : text.index(f"## {end}\n")]


def matches(shown: str, output: str) -> bool:
    return re.fullmatch(".*?".join(map(re.escape, shown.split("..."))), output, re.DOTALL) is not None


class Terminal:
    """Runs the steps of a session in one folder, and ends the nodes that it started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
        for name in [name for name in self.environment if name.startswith("WATCHLINE_")]:
            del self.environment[name]
        self.ports = {"7400": str(free_port()), "7401": str(free_port())}
        self.nodes: list[subprocess.Popen[str]] = []
        program = folder / "bin" / "watchline"
        program.parent.mkdir()
        paths = shlex.quote(str(ROOT / "src"))
        program.write_text(f'#!/bin/sh\nPYTHONPATH={paths} exec {shlex.quote(sys.executable)} -m watchline "$@"\n')
        program.chmod(0o755)

    def play(self, session: list[Step]) -> None:
        """Run each step and compare what it prints."""
        assert session
        for step in session:
            shown = self.adapted(step.output)
            output = self.run(step.command)
            assert matches(shown, output), f"$ {step.command}\nshown:\n{shown}\nprinted:\n{output}"

    def run(self, command: str) -> str:
        """Run one command; give what it prints. It must end with 0, or say that it serves."""
        command = self.adapted(command)
        if variable := re.fullmatch(r"export (\w+)=(\S+)", command):
            self.environment[variable[1]] = variable[2]
            return ""
        if command.endswith(" &"):
            return self.start(command.removesuffix(" &"))
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=COMMAND_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"$ {command}\n{done.stdout}"
        if " init " in command:
            self.settle(command)
        return done.stdout

    def start(self, command: str) -> str:
        node = subprocess.Popen(
            ["sh", "-c", f"exec {command}"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        self.nodes.append(node)
        assert node.stdout is not None
        return node.stdout.readline()

    def adapted(self, text: str) -> str:
        for shown, port in self.ports.items():
            text = text.replace(f"127.0.0.1:{shown}", f"127.0.0.1:{port}")
        return text.replace('--digits "..."', f'--digits "{self.digits()}"') if '--digits "..."' in text else text

    def digits(self) -> str:
        """What the person at either desk reads out: both must have the same."""
        read = {
            line["digits"]
            for home in ("tokyo", "beijing")
            for line in json.loads(self.run(f"watchline --home {home} lines --json"))["lines"]
            if "digits" in line
        }
        assert len(read) == 1
        return str(read.pop())

    def settle(self, command: str) -> None:
        words = shlex.split(command)
        settings = self.folder / words[words.index("--home") + 1] / "watchline.toml"
        settings.write_text(f"{settings.read_text()}{NO_TEST_BETWEEN}console_port = {free_port()}\n")

    def close(self) -> None:
        """Stop the nodes as a service manager does."""
        for node in self.nodes:
            node.send_signal(signal.SIGTERM)
        for node in self.nodes:
            node.wait(COMMAND_SECONDS)
            assert node.stdout is not None
            node.stdout.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    opened = Terminal(tmp_path)
    yield opened
    opened.close()


def test_tutorial_does_what_it_shows(terminal: Terminal) -> None:
    terminal.play(steps(TUTORIAL))
    assert [node.poll() for node in terminal.nodes] == [None, None]


def test_readme_session_does_what_it_shows(terminal: Terminal) -> None:
    """The homes are those of the tutorial, paired and served; its test was not run, so that the first notice is number 1."""
    served = [step for step in steps(section(TUTORIAL, "Two desks", "The first notice")) if " test " not in step.command]
    terminal.play([step for step in served if " status " not in step.command])
    for home in ("tokyo", "beijing"):
        terminal.run(f"watchline --home {home} identity --out {home}.identity")
    terminal.play(steps(README))


def test_readme_shows_about_ten_lines_of_one_session() -> None:
    assert len(CONSOLE.findall(README)) == 1
    assert len(CONSOLE.findall(README)[0].splitlines()) <= 12


@pytest.mark.parametrize(
    ("shown", "output", "same"),
    [
        ("Desk ...\n", "Desk Tokyo\n", True),
        ("a\n...\nd\n", "a\nb\nc\nd\n", True),
        ("", "", True),
        ("Desk ...\n", "No desk\n", False),
        ("", "surprise\n", False),
        ("a\n", "a\nb\n", False),
    ],
)
def test_output_is_compared_whole(shown: str, output: str, same: bool) -> None:
    assert matches(shown, output) is same


def test_steps_are_read_with_their_output() -> None:
    text = "```console\n$ one\n$ two\nout\nput\n```\n```sh\n$ not\n```\n```console\n$ three\n```\n"
    assert steps(text) == [Step("one", ""), Step("two", "out\nput\n"), Step("three", "")]
