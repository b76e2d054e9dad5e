from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.commands import Shell, shell_in
from tests.desk import conftest
from watchline.cli.session import NEW_IDENTITY_VARIABLE, SPARE_VARIABLE

paired_once = conftest.paired_once


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    with shell_in(tmp_path, monkeypatch, capsys) as made:
        yield made


@pytest.fixture
def paired(shell: Shell, paired_once: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """The shell with two paired homes, tokyo and beijing, each with its identity's medium beside it: NAME-medium."""
    for name in ("tokyo", "beijing"):
        shutil.copytree(paired_once / name, shell.folder / name)
        (shell.folder / name / "identity").rename(shell.folder / f"{name}-medium")
    for variable, name in ((SPARE_VARIABLE, "spare"), (NEW_IDENTITY_VARIABLE, "new")):
        (shell.folder / f"{name}.passphrase").write_text(f"{name} passphrase\n")
        monkeypatch.setenv(variable, str(shell.folder / f"{name}.passphrase"))
    return shell
