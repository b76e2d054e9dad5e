from __future__ import annotations

import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.desk.sample_homes import Ceremony
from watchline.desk.home import NODE_KEY_VARIABLE


@pytest.fixture(scope="session")
def paired_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the homes tokyo and beijing, whose line two people have confirmed; pairing takes a while."""
    folder = tmp_path_factory.mktemp("paired")
    with ExitStack() as stack:
        ceremony = Ceremony(folder, stack)
        digits = ceremony.pair()
        ceremony.tokyo.confirm("beijing", digits)
        ceremony.beijing.confirm("tokyo", digits)
    return folder


@pytest.fixture
def desks(paired_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of those homes for one test. The identity's medium of each is its folder `identity`."""
    monkeypatch.delenv(NODE_KEY_VARIABLE, raising=False)
    for name in ("tokyo", "beijing"):
        shutil.copytree(paired_once / name, tmp_path / name)
    return tmp_path
