"""Make the homes that tests/upgrades opens: two paired desks with a history, written by the code of an earlier version.

    git worktree add OLD COMMIT
    python tests/upgrades/make_home.py OLD tests/upgrades/homes/COMMIT

Everything in that folder was made by the version in OLD: its homes, its nodes, its commands. It holds three archives:

    tokyo.tar.xz       tokyo/, the home, and tokyo.json, what that version's own `log --json` says of it
    beijing.tar.xz     the same of beijing/
    evidence.tar.xz    whole.evidence, what that version's own `export` wrote of the line, and first.evidence, of one notice

The passphrases are those of tests/endtoend/homes.py.

The history: notices both ways with receipts, an acknowledgement, an answer, a decline, an exercise, a change of officers, a
change of addresses, tests of the line, more than one epoch. Then what was new in that version, if NEWS has a part for it. Then
Beijing is killed, so its journal has what no checkpoint has moved yet; what Tokyo says after that has attempts and no receipt.
Tokyo ends cleanly, with one alarm.
"""

from __future__ import annotations

import io
import json
import lzma
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.endtoend.homes import NodeProcess

SECOND = "second"  # the officer whom Tokyo adds; with the passphrase of all officers here
TERMS = """
status_interval_seconds = 5
[clocks.FLASH]
acknowledge_seconds = 10
[[witnesses]]
name = "Geneva"
vkey = "{vkey}"
"""
DATE = "2023-02-22T01:00:00Z"
PATIENCE_SECONDS = 120.0
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

    def until(self, found: Callable[[], bool]) -> None:
        """Come back once it is so; another process brings it."""
        from tests.endtoend.homes import select_wait

        deadline = time.monotonic() + PATIENCE_SECONDS
        while not found():
            if time.monotonic() > deadline:
                raise SystemExit(f"it did not come: {self.node.log.read_text()[-3000:]}")
            select_wait(0.2)

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
        for name, files in make(Path(folder), checkout, NEWS.get(out.name, nothing_new)).items():
            archive = out / f"{name}.tar.xz"
            archive.write_bytes(lzma.compress(packed(files, Path(folder)), preset=9 | lzma.PRESET_EXTREME))


def make(folder: Path, checkout: Path, news: News) -> dict[str, list[Path]]:
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
        play(tokyo, beijing, news)
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


def play(tokyo: Maker, beijing: Maker, news: News) -> None:
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
    news(tokyo, beijing)
    beijing.node.stop()  # so that the log of writes of the kill below is short
    beijing.node.start()
    tokyo.node.wait_for_state("up", "beijing")
    beijing.say("send", "tokyo", "--text", "The last that came.")
    beijing.node.kill()
    tokyo.run("send", "beijing", "--text", "Nobody has receipted this.", "--as", "duty", "--once", "unreceipted")
    tokyo.node.wait_for_state("terminal_down", "beijing")
    tokyo.node.stop()


def nothing_new(tokyo: Maker, beijing: Maker) -> None:
    """The part of a version that has none of its own."""


def play_incarnations(tokyo: Maker, beijing: Maker) -> None:
    """Beijing gets new keys and logs, people confirm them on both sides, and there are spares."""
    beijing.run("officer", "add", SECOND)
    make_cheap(beijing)
    beijing.node.stop()
    beijing.run("keys", "rotate")
    beijing.node.start()
    tokyo.until(lambda: any(not each["confirmed"] for each in tokyo.node.ask("status")["lines"][0]["incarnations"]))
    confirmed = ("--as", "duty", "--as", SECOND)
    tokyo.run("keys", "confirm", "beijing", *confirmed)
    beijing.run("keys", "confirm", "tokyo", *confirmed)
    tokyo.say("send", "beijing", "--text", "To the second incarnation.")


def play_terms_watch_and_silence(tokyo: Maker, beijing: Maker) -> None:
    """A witness by amended terms, a watch and its handover, and a FLASH that nobody acknowledges until it is certified."""
    from tests.endtoend.test_witness import WitnessProcess

    releasers = ("kato", "sato")
    signed = tuple(word for name in releasers for word in ("--as", name))
    for desk in (tokyo, beijing):
        for name in releasers:
            desk.run("officer", "add", name, "--role", "releaser")
    witness = WitnessProcess(tokyo.path.parent / "witness")
    witness.start()
    try:
        tokyo.node.stop()
        with (tokyo.path / "watchline.toml").open("a") as settings:
            settings.write(f'\n[[witness]]\nvkey = "{witness.key.to_text()}"\nurl = "{witness.url}"\n')
        tokyo.node.start()
        tokyo.node.wait_for_state("up", "beijing")
        amended = tokyo.path.parent / "terms.toml"
        amended.write_text(TERMS.format(vkey=witness.key.to_text()))
        tokyo.run("terms", "propose", "beijing", "--file", amended, *signed)
        tokyo.until(lambda: any(each["state"] == "proposed" for each in beijing.run("terms", "show", "tokyo")["entries"]))
        beijing.run("terms", "accept", "tokyo", *signed)
        tokyo.until(lambda: bool(tokyo.run("terms", "show", "beijing")["in_force"]["version"] == 2))
        beijing.run("watch", "on", "--as", "duty", "--hours", "168")
        beijing.run("watch", "handover", "--as", "duty", "--to", "kato", "--hours", "168")
        flash = tokyo.say("send", "beijing", "--text", "Who answers?", "--precedence", "FLASH")["id"]
        tokyo.until(lambda: bool(tokyo.node.ask("witness_logs")["logs"][0]["witnesses"][0]["size"]))
        tokyo.until(lambda: tokyo.node.ask("status")["lines"][0]["state"] == "unanswered")
        tokyo.until(lambda: bool(tokyo.run("silence", "beijing", flash)["certificates"]))
        beijing.say("acknowledge", "tokyo", beijing.newest())
    finally:
        witness.end(signal.SIGKILL)


def play_talks_and_removal(tokyo: Maker, beijing: Maker) -> None:
    """A round of talks with an item, a commitment that both say was kept, readouts and its end; a notice that was archived."""
    round_id = talk(tokyo, "propose", "--topic", "安全保障", "--level", "vice_minister", "--mode", "visit", "--date", DATE)
    talk(beijing, "accept", theirs(round_id), "--date", "1")
    item = talk(tokyo, "item", round_id, "--subject", "Balloons", "--notice", "ours:1")
    talk(beijing, "note", theirs(item))
    talk(beijing, "say", theirs(item), "--role", "Director", "--text", "民用飞艇。")
    hotline = talk(
        tokyo, "commit", "--round", round_id, "--terms", "A hotline.", "--due", "2023-03-01/2023-05-31 around spring"
    )
    talk(beijing, "accept", theirs(hotline))
    talk(tokyo, "readout", round_id, "--text", "They met.", "--point", hotline)
    talk(beijing, "readout", theirs(round_id), "--text", "双方坦诚交换了意见。", "--point", theirs(hotline))
    talk(tokyo, "close", round_id, "--outcome", "concluded")
    talk(beijing, "close", theirs(round_id), "--outcome", "concluded")
    talk(tokyo, "report", hotline, "--kept", "--facts", "In service since 31 March.")
    talk(beijing, "report", theirs(hotline), "--kept")

    beijing.say("send", "tokyo", "--text", "Of long ago.", "--once", "old")
    tokyo.say("acknowledge", "beijing", tokyo.newest())
    beijing.node.stop()
    make_old(beijing, "old")
    archives = beijing.path.parent / "archives"
    archives.mkdir()
    assert beijing.run("archive", "tokyo", "--to", archives)["entries"] >= 2
    beijing.node.start()
    tokyo.node.wait_for_state("up", "beijing")


def talk(desk: Maker, *words: str) -> str:
    """Take a step in the talks; give its ID."""
    verb, *more = words
    return str(desk.say("talks", verb, desk.run("lines")["lines"][0]["name"], *more)["id"])


def theirs(name: str) -> str:
    """What the other desk calls an entry."""
    return name.replace("ours", "theirs") if name.startswith("ours") else name.replace("theirs", "ours")


def make_old(desk: Maker, once: str) -> None:
    """Let all that was said since an entry of the desk's own be of 2020, as far as the clock at its home tells."""
    journal = desk.node.home.open_journal()
    journal._disk.cursor.execute(
        "UPDATE bodies SET time = 1577836800 WHERE time >= (SELECT time FROM bodies WHERE once = ?)", (once,)
    )
    journal.close()


def play_renewal_and_a_long_text(tokyo: Maker, beijing: Maker) -> None:
    """The secret of the line is renewed, and a text of many kilobytes is said."""
    files = [tokyo.path.parent / f"renewal-{number}" for number in (1, 2, 3)]
    tokyo.run("renew", "beijing", "--out", files[0])
    beijing.run("renew", "tokyo", files[0], "--out", files[1])
    tokyo.run("renew", "beijing", files[1], "--out", files[2])
    beijing.run("renew", "tokyo", files[2])
    both = (tokyo, "beijing"), (beijing, "tokyo")
    tokyo.until(lambda: all(desk.run("renew", line)["renewals"] == 1 for desk, line in both))
    tokyo.say("send", "beijing", "--text", "Under another secret. " * 500)


News = Callable[[Maker, Maker], None]
NEWS: dict[str, News] = {
    "dc55a94": play_incarnations,
    "d202c1b": play_terms_watch_and_silence,
    "5b48177": play_talks_and_removal,
    "43edcb1": play_renewal_and_a_long_text,
}


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
