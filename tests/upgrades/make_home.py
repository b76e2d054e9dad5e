"""Make the homes that tests/upgrades opens: two paired desks with a history, written by the code of an earlier version.

    git worktree add OLD COMMIT
    python tests/upgrades/make_home.py OLD tests/upgrades/homes/COMMIT

Everything in that folder was made by the version in OLD: its homes, its nodes, its commands. It holds three archives:

    tokyo.tar.xz       tokyo/, the home, and tokyo.json, what that version's own `log --json` says of it
    beijing.tar.xz     the same of beijing/
    evidence.tar.xz    whole.evidence, what that version's own `export` wrote of the line, and first.evidence, of one notice

The passphrases are those of tests/endtoend/homes.py.

The history: notices both ways with receipts, an acknowledgement, an answer, a decline, an exercise, a change of officers, a
change of addresses, tests of the line, more than one epoch. Then Beijing is killed, so its journal has what no checkpoint has
moved yet; what Tokyo says after that has attempts and no receipt. Tokyo ends cleanly, with one alarm.
"""

from __future__ import annotations

import io
import json
import lzma
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.endtoend.homes import NodeProcess

SECOND = "second"  # the officer whom Tokyo adds; with the passphrase of all officers here
KEPT = shutil.ignore_patterns("node.lock", "node.sock")


class Maker:
    """One version's program, run on one desk's home."""

    def __init__(self, node: NodeProcess, checkout: Path, passphrases: dict[str, str]) -> None:
        self.node = node
        self.checkout = checkout
        self.path: Path = node.home.path
        self.environment = {**os.environ, "PYTHONPATH": str(checkout / "src")}
        for variable, passphrase in passphrases.items():
            file = self.path.parent / variable
            file.write_text(passphrase + "\n")
            self.environment[variable] = str(file)

    def run(self, *words: str | Path, home: Path | None = None) -> dict[str, Any]:
        """Run a command; give its object."""
        done = subprocess.run(
            [sys.executable, "-m", "watchline", "--home", str(home or self.path), "--json", *map(str, words)],
            capture_output=True,
            text=True,
            env=self.environment,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"{words}: {done.stdout}{done.stderr}")
        value: dict[str, Any] = json.loads(done.stdout)
        return value

    def say(self, *words: str, wait: str = "received") -> dict[str, Any]:
        """Run a command that says something, and wait until it is there."""
        return self.run(*words, "--as", "duty", "--wait", wait)

    def newest(self) -> str:
        """The newest notice of the peer that people may answer, as commands name it."""
        entries = [entry for entry in self.run("inbox")["entries"] if entry["type"] == "notice" and entry["form"] != "test"]
        return str(entries[-1]["id"])


def main() -> None:
    """Make the archives of one version."""
    checkout, out = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    sys.path[:0] = [str(checkout / "src"), str(checkout)]  # from here on `watchline` and `tests` are that version's
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, files in make(Path(folder), checkout).items():
            archive = out / f"{name}.tar.xz"
            archive.write_bytes(lzma.compress(packed(files, Path(folder)), preset=9 | lzma.PRESET_EXTREME))


def make(folder: Path, checkout: Path) -> dict[str, list[Path]]:
    """Play the history in a folder; give what goes into each archive."""
    import watchline
    from tests.endtoend.homes import IDENTITY, OFFICER, paired
    from watchline.desk.agreement import proposed_terms

    assert Path(watchline.__file__).is_relative_to(checkout), watchline.__file__
    work = folder / "work"
    work.mkdir()
    first, second = paired(work)  # only to have the settings that the terms are proposed from
    terms = proposed_terms("en", first.home.config)
    shutil.rmtree(work)
    work.mkdir()
    first, second = paired(work, unreleased_forms=terms.unreleased_forms, form_clocks=terms.form_clocks)
    passphrases = {"WATCHLINE_PASSPHRASE_FILE": IDENTITY, "WATCHLINE_OFFICER_FILE": OFFICER}
    tokyo, beijing = (Maker(node, checkout, passphrases) for node in (first, second))
    try:
        play(tokyo, beijing)
    finally:
        first.kill()
        second.kill()
    sound_alarm(tokyo)
    made: dict[str, list[Path]] = {"evidence": []}
    for desk, line in ((tokyo, "beijing"), (beijing, "tokyo")):
        home, listing = folder / desk.path.name, folder / f"{desk.path.name}.json"
        shutil.copytree(desk.path, home, ignore=KEPT)  # before a command opens the home of the node that was killed
        listing.write_text(json.dumps(desk.run("log", line), ensure_ascii=False, indent=1) + "\n")
        made[home.name] = [home, listing]
    for name, ids in (("whole", ()), ("first", ("ours:1",))):
        evidence = folder / f"{name}.evidence"
        tokyo.run("export", "beijing", *ids, "--out", evidence)
        assert tokyo.run("verify", evidence)["verified"]
        made["evidence"].append(evidence)
    return made


def play(tokyo: Maker, beijing: Maker) -> None:
    """What is said, from the first start to the last."""
    tokyo.node.start()
    beijing.node.start()
    tokyo.node.wait_for_state("up", "beijing")
    tokyo.say("send", "beijing", "--text", "The first words.", "--once", "first")
    tokyo.run("officer", "add", SECOND)
    make_cheap(tokyo)
    tokyo.run("route", "add", f"127.0.0.1:{other_port()}")
    tokyo.run("send", "beijing", "--text", "By an officer who was added.", "--as", SECOND, "--wait", "received")
    beijing.say("acknowledge", "tokyo", beijing.newest())
    tokyo.say("send", "beijing", "request-clarification", 'question=["Are these balloons yours?", "What were they for?"]')
    beijing.say("reply", "tokyo", beijing.newest(), "--text", "They are not.")
    beijing.say(
        "send", "tokyo", "airspace-object", "object=uas", "seen=2023-02-22T01:00:00Z", "ours=asking",
        "--precedence", "immediate", "--exercise",
    )  # fmt: skip
    tokyo.say("acknowledge", "beijing", tokyo.newest())
    beijing.say("send", "tokyo", "request-clarification", 'question=["The release of water into the Pacific."]')
    tokyo.say("reply", "beijing", tokyo.newest(), "decline", "reason=left to other talks")
    tokyo.run("test", "beijing", "--wait")
    beijing.run("test", "tokyo", "--wait")
    beijing.say("send", "tokyo", "--text", "The last that came.")
    beijing.node.kill()
    tokyo.run("send", "beijing", "--text", "Nobody has receipted this.", "--as", "duty", "--once", "unreceipted")
    tokyo.node.wait_for_state("terminal_down", "beijing")
    tokyo.node.stop()


def make_cheap(desk: Maker) -> None:
    """Seal the key of the officer who was added as those of the test homes are: a passphrase that costs nothing."""
    from tests.endtoend.homes import CHEAP, OFFICER
    from watchline.desk.officers import officer_path, open_officer_key, write_officer_key

    key = open_officer_key(desk.node.home.officers, SECOND, OFFICER)
    officer_path(desk.node.home.officers, SECOND).unlink()
    write_officer_key(desk.node.home.officers, key, OFFICER, CHEAP)


def sound_alarm(desk: Maker) -> None:
    """Keep an alarm as a refusal of the peer leaves one: that version has no peer that would refuse anything."""
    from watchline.core.records import AlarmRecord

    journal = desk.node.home.open_journal()
    line = journal.lines()[0].line
    journal.commit([AlarmRecord(line, int(time.time()), "refused", 39, "the peer refused what this desk sent", b"\x80")])
    journal.close()


def other_port() -> int:
    """A port for a second address."""
    from tests.endtoend.homes import free_port

    return free_port()


def packed(files: Iterable[Path], root: Path) -> bytes:
    """An archive of equal bytes for equal files: in order of names, without times and owners."""
    everything = sorted(found for file in files for found in (file, *file.rglob("*")))
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for file in everything:
            member = tarfile.TarInfo(str(file.relative_to(root)))
            member.mode = 0o700 if file.is_dir() else 0o600
            member.type = tarfile.DIRTYPE if file.is_dir() else tarfile.REGTYPE
            data = b"" if file.is_dir() else file.read_bytes()
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


if __name__ == "__main__":
    main()
