"""A witness as a process of its own, and two real desks with it: what presses is seen, kept on both sides, and shown."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.endtoend.homes import SOURCE, NodeProcess, free_port, paired, select_wait
from tests.witness.sample_logs import SampleLog
from watchline.core.checkpoint import Checkpoint, VerifierKey
from watchline.core.terms import Witness
from watchline.core.witnessing import REQUEST_BYTES_MAX, read_cosignatures
from watchline.witness.home import make_witness

LINE, PATIENCE_SECONDS = "beijing", 30.0
LOG = SampleLog()


class WitnessProcess:
    """A witness's folder, and its service when it runs."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.folder, self.port, self._words = folder, free_port(), words or ("--any",)
        self.key = make_witness(folder, "witness.example.org/w1").verifier
        self.process: subprocess.Popen[bytes] | None = None
        self.log = folder.parent / f"{folder.name}.log"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        words = ["witness", "serve", "--dir", str(self.folder), "--listen", f"127.0.0.1:{self.port}", *self._words]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "watchline", *words],
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": str(SOURCE)},
            )
        wait_until(self._answers, self.log)

    def _answers(self) -> bool:
        try:
            return httpx.get(self.url, trust_env=False).status_code == 404
        except httpx.TransportError:
            return False

    def post(self, body: bytes, path: str = "/add-checkpoint") -> httpx.Response:
        return httpx.post(self.url + path, content=body, trust_env=False)

    def end(self, number: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        code = self.process.wait(20)
        self.process = None
        return code


def wait_until(found: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not found():
        assert time.monotonic() < deadline, log.read_text()[-3000:]
        select_wait(0.05)


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[WitnessProcess]:
    made = WitnessProcess(tmp_path / "witness")
    made.start()
    yield made
    if made.process is not None:
        made.end(signal.SIGKILL)


@pytest.fixture
def desks(witness: WitnessProcess, tmp_path: Path) -> Iterator[tuple[NodeProcess, NodeProcess]]:
    tokyo, beijing = paired(tmp_path, witnesses=(Witness("Geneva", witness.key.to_text()),))
    settings = f'[[witness]]\nvkey = "{witness.key.to_text()}"\nurl = "{witness.url}"\n'
    (tokyo.home.path / "watchline.toml").write_text(settings)
    for node in (tokyo, beijing):
        node.start()
    tokyo.wait_for_state("up", LINE)
    yield tokyo, beijing
    for node in (tokyo, beijing):
        node.kill()


def cosigned(node: NodeProcess) -> int:
    """The size of our log that the witness saw last; 0 for nothing."""
    (log,) = node.ask("witness_logs")["logs"]
    return int(log["witnesses"][0]["size"] or 0)


def flash(node: NodeProcess, text: str) -> None:
    said = node.command("send", LINE, "--text", text, "--precedence", "FLASH", "--as", "duty", "--wait", "received")
    assert said["rung"] == "received"


def size_of(node: NodeProcess) -> int:
    (log,) = node.ask("witness_logs")["logs"]
    return int(log["size"])


@pytest.mark.slow
def test_flash_notice_is_witnessed_held_by_the_peer_and_shown_in_evidence(
    witness: WitnessProcess, desks: tuple[NodeProcess, NodeProcess], tmp_path: Path
) -> None:
    tokyo, beijing = desks
    flash(tokyo, "an object in the air")
    size = size_of(tokyo)
    wait_until(lambda: cosigned(tokyo) >= size, tokyo.log)
    said = tokyo.command("witness", "logs")["logs"][0]
    assert VerifierKey.parse(said["vkey"]).name.startswith("watchline/1/")
    tokyo.command("test", LINE, "--wait")
    tokyo.stop()
    beijing.stop()

    journal = beijing.journal()
    (row,) = journal.lines()
    held = [each for log in journal.logs(row.line) for each in journal.latest_cosignatures(log, 99)]
    journal.close()
    assert max(each.size for each in held) >= size
    for node, line in ((tokyo, LINE), (beijing, "tokyo")):
        path = tmp_path / f"{line}.evidence"
        node.command("export", line, "--out", path)
        report = node.command("verify", path)
        assert report["verified"]
        assert [fact for fact in report["facts"] if "FLASH" in fact and "witness Geneva saw a signed tree head" in fact]


@pytest.mark.slow
def test_witness_that_is_down_delays_nothing_and_sees_the_notice_when_it_is_back(
    witness: WitnessProcess, desks: tuple[NodeProcess, NodeProcess]
) -> None:
    tokyo, _ = desks
    wait_until(lambda: cosigned(tokyo) > 0, tokyo.log)
    assert witness.end(signal.SIGTERM) == 0

    flash(tokyo, "nobody sees this yet")
    size = size_of(tokyo)
    assert cosigned(tokyo) < size
    witness.start()

    wait_until(lambda: cosigned(tokyo) >= size, tokyo.log)


@pytest.mark.slow
def test_desk_that_was_set_back_is_refused_by_the_witness_and_stopped_by_its_peer(
    witness: WitnessProcess, desks: tuple[NodeProcess, NodeProcess], tmp_path: Path
) -> None:
    tokyo, _ = desks
    wait_until(lambda: cosigned(tokyo) > 0, tokyo.log)
    tokyo.stop()
    shutil.copytree(tokyo.home.path, tmp_path / "copy")
    tokyo.start()
    tokyo.wait_for_state("up", LINE)
    flash(tokyo, "this will be forgotten")
    size = size_of(tokyo)
    wait_until(lambda: cosigned(tokyo) >= size, tokyo.log)
    seen = witness_knows(witness, tokyo)
    tokyo.kill()
    shutil.rmtree(tokyo.home.path)
    shutil.copytree(tmp_path / "copy", tokyo.home.path)
    tokyo.start()

    tokyo.wait_for_state("stopped", LINE)

    assert witness_knows(witness, tokyo) == seen


def witness_knows(witness: WitnessProcess, node: NodeProcess) -> str:
    """What the witness says it cosigned last, to somebody who asks from an old size."""
    journal_size = [line for line in witness.log.read_text().splitlines() if '"witness.cosigned"' in line]
    (log,) = node.ask("witness_logs")["logs"]
    origin = VerifierKey.parse(log["vkey"]).name
    sizes = [json.loads(line)["size"] for line in journal_size if json.loads(line)["origin"] == origin]
    assert sizes == sorted(sizes)
    return str(sizes[-1])


# -- the service alone


@pytest.mark.slow
def test_service_answers_in_the_words_of_the_specification(witness: WitnessProcess) -> None:
    assert witness.post(LOG.request(0, 3)).status_code == 404
    assert witness.post(LOG.key.to_text().encode(), "/add-log").status_code == 200
    good = witness.post(LOG.request(0, 3))
    assert (good.status_code, len(read_cosignatures(good.content, LOG.checkpoint(3), [witness.key]))) == (200, 1)
    behind = witness.post(LOG.request(0, 5))
    assert (behind.status_code, behind.headers["content-type"], behind.content) == (409, "text/x.tlog.size", b"3\n")
    assert witness.post(SampleLog(branch="x").request(3, 9)).status_code == 200  # the two differ from leaf 5 on
    assert witness.post(LOG.request(9, 20)).status_code == 422
    assert witness.post(b"x" * (REQUEST_BYTES_MAX + 1)).status_code == 413
    assert witness.post(b"\xff").status_code == 400
    assert witness.post(b"\xff", "/add-log").status_code == 400
    for path in ("/", "/add-checkpoint", "/add-log", "/heads"):
        assert httpx.get(witness.url + path, trust_env=False).status_code in (404, 405)
    assert witness.end(signal.SIGTERM) == 0


@pytest.mark.slow
def test_witness_that_is_killed_again_and_again_never_takes_back_a_size_that_it_signed(witness: WitnessProcess) -> None:
    witness.post(LOG.key.to_text().encode(), "/add-log")
    signed: list[tuple[int, Checkpoint]] = []
    size = 0
    for _ in range(6):
        for _ in range(5):
            size += 1
            assert witness.post(LOG.request(size - 1, size)).status_code == 200
            signed.append((size, LOG.checkpoint(size)))
        assert witness.end(signal.SIGKILL) == -signal.SIGKILL
        witness.start()
        assert witness.post(LOG.request(0, size)).content == b"%d\n" % size


@pytest.mark.slow
def test_second_witness_on_one_folder_and_one_without_logs_are_refused(witness: WitnessProcess, tmp_path: Path) -> None:
    def run(*words: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "watchline", "--json", "witness", *words],
            capture_output=True,
            text=True,
            timeout=30,
            env={**os.environ, "PYTHONPATH": str(SOURCE)},
            check=False,
        )
        return done.returncode, done.stdout

    at = f"127.0.0.1:{free_port()}"
    code, said = run("serve", "--dir", str(witness.folder), "--listen", at, "--any")
    assert (code, json.loads(said)["error"]["facts"]["reason"]) == (4, "in-use")
    assert run("serve", "--dir", str(witness.folder), "--listen", at)[0] == 2
    assert run("serve", "--dir", str(tmp_path), "--listen", at, "--any")[0] == 2
    assert run("serve", "--dir", str(tmp_path), "--listen", "nowhere", "--any")[0] == 2
    assert json.loads(run("key", "--dir", str(witness.folder))[1])["vkey"] == witness.key.to_text()
