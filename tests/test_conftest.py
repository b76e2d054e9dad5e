from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).with_name("conftest.py")
MARKERS = "[pytest]\nmarkers =\n    needs(*things): what a test needs\n"
SUITES = {
    "a test that needs a missing program": """
        import pytest

        @pytest.mark.needs("a-program-nobody-has")
        def test_with_it():
            pass
        """,
    "a test that needs a missing path": """
        import pytest

        @pytest.mark.needs("/nowhere/at/all")
        def test_with_it():
            pass
        """,
    "a test that skips itself": """
        import pytest

        def test_half_way():
            pytest.skip("not today")
        """,
    "a module that skips itself": """
        import pytest

        pytest.skip("not today", allow_module_level=True)
        """,
}


def outcome(folder: Path, suite: str, *, ci: bool) -> subprocess.CompletedProcess[str]:
    (folder / "pytest.ini").write_text(MARKERS)
    (folder / "conftest.py").write_text(CONFTEST.read_text())
    (folder / "test_suite.py").write_text("\n".join(line.removeprefix(" " * 8) for line in suite.splitlines()))
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "CI"))}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", str(folder)],
        env=environment | ({"CI": "true"} if ci else {}),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("suite", SUITES.values(), ids=SUITES.keys())
def test_skip_is_a_skip_for_a_person_and_a_failure_in_ci(tmp_path: Path, suite: str) -> None:
    at_home, in_ci = outcome(tmp_path, suite, ci=False), outcome(tmp_path, suite, ci=True)

    assert "1 skipped" in at_home.stdout
    assert at_home.returncode in {0, pytest.ExitCode.NO_TESTS_COLLECTED}
    assert "a skip is a failure in CI" in in_ci.stdout
    assert in_ci.returncode not in {0, pytest.ExitCode.NO_TESTS_COLLECTED}


@pytest.mark.slow
def test_test_whose_needs_are_there_runs(tmp_path: Path) -> None:
    suite = SUITES["a test that needs a missing path"].replace("/nowhere/at/all", str(tmp_path))

    assert "1 passed" in outcome(tmp_path, suite, ci=True).stdout


@pytest.mark.slow
def test_expected_failure_is_not_a_skip(tmp_path: Path) -> None:
    suite = "import pytest\n@pytest.mark.xfail\ndef test_known():\n    raise AssertionError\n"

    assert "1 xfailed" in outcome(tmp_path, suite, ci=True).stdout
