"""The command line in this process: what it printed, and what it ended with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.desk.sample_homes import IDENTITY, OFFICER, make_home
from watchline.cli.main import run
from watchline.cli.session import HOME_VARIABLE, IDENTITY_VARIABLE, OFFICER_VARIABLE
from watchline.desk import home as homes


class Done(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        value = json.loads(self.out)
        assert isinstance(value, dict)
        return value

    @property
    def error(self) -> dict[str, Any]:
        """The one shape of errors, checked."""
        error: dict[str, Any] = self.document["error"]
        assert list(self.document) == ["error"]
        assert list(error) == ["kind", "message", "hint", "facts"]
        assert error["hint"]
        return error


class Shell:
    """Someone at a prompt in an empty folder, with the passphrases in files and no terminal."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capture = capture

    def __call__(self, *words: str | Path) -> Done:
        self._capture.readouterr()
        code = run([str(word) for word in words])
        captured = self._capture.readouterr()
        assert "Traceback" not in captured.err + captured.out
        return Done(code, captured.out, captured.err)

    def at(self, home: str, *words: str | Path) -> Done:
        return self("--home", self.folder / home, *words)

    def make(self, *names: str) -> None:
        for name in names:
            make_home(self.folder, name)

    def pair(self, tokyo_port: int = 7411, beijing_port: int = 7412) -> None:
        """Two paired homes: tokyo, whose line is beijing, and the other way round."""
        self.make("tokyo", "beijing")
        files = [self.folder / f"{number}" for number in (1, 2, 3)]
        assert self.at("tokyo", "invite", "--address", f"127.0.0.1:{tokyo_port}", "--out", files[0]).code == 0
        assert self.at("beijing", "accept", files[0], "--address", f"127.0.0.1:{beijing_port}", "--out", files[1]).code == 0
        digits = self.at("tokyo", "complete", files[1], "--out", files[2], "--json").document["digits"]
        assert self.at("beijing", "complete", files[2], "--json").document["digits"] == digits
        assert self.at("tokyo", "confirm", "beijing", "--digits", digits).code == 0
        assert self.at("beijing", "confirm", "tokyo", "--digits", digits).code == 0


@contextmanager
def shell_in(folder: Path, monkeypatch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    (folder / "identity.passphrase").write_text(IDENTITY + "\n")
    (folder / "officer.passphrase").write_text(OFFICER + "\n")
    monkeypatch.chdir(folder)
    monkeypatch.setenv(IDENTITY_VARIABLE, str(folder / "identity.passphrase"))
    monkeypatch.setenv(OFFICER_VARIABLE, str(folder / "officer.passphrase"))
    for name in (HOME_VARIABLE, homes.NODE_KEY_VARIABLE, "WATCHLINE_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    yield Shell(folder, capture)
