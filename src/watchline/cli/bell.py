"""`bell`: a loudspeaker for the desk, without a browser. It sounds for every notice that no person here has acknowledged.

It counts as an armed console only while a player of the system has just proved that it plays: a notice is told as sounded once
the player has played the tone to its end, never before.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from watchline.cli.session import Session, command
from watchline.errors import NegativeAnswer, RouteError, UsageError, WatchlineError

if TYPE_CHECKING:
    from watchline.desk.local import Caller

PLAYERS = ("pw-play", "paplay", "aplay", "afplay")
PLAY_SECONDS = 20.0  # a tone lasts a few; a player that hangs is none
LOOK_SECONDS = 2.0
AGAIN_SECONDS = {"FLASH": 0.0, "IMMEDIATE": 10.0, "PRIORITY": 60.0, "ROUTINE": 300.0}  # between two soundings


@command(name="bell", example="watchline --home tokyo bell")
@click.option("--player", metavar="PROGRAM", help=f"What plays a WAV file; else the first there is of {', '.join(PLAYERS)}.")
@click.option(
    "--test", "only_test", is_flag=True, help="Play each of the three tones, and end; exit code 1 if one does not sound."
)
def bell(session: Session, player: str | None, only_test: bool) -> int:
    """Sound for every notice that nobody here has acknowledged.

    It plays through the loudspeaker of this machine until it is told to stop, and counts as an armed console of the desk.
    """
    home = session.home()
    with _sounds() as sounds:
        loudspeaker = Loudspeaker(find_player(player), sounds)
        if only_test:
            played = [precedence for precedence in ("ROUTINE", "IMMEDIATE", "FLASH") if loudspeaker.play(precedence)]
            sounded = len(played) == 3
            said = f"Played by {loudspeaker.program}." if sounded else "SOUND OFF: no player of this machine works."
            session.output.result({"sound": sounded, "player": loudspeaker.program, "played": played}, [said])
            return 0 if sounded else NegativeAnswer.exit_code
        if not loudspeaker.play("ROUTINE"):
            raise NegativeAnswer(
                "SOUND OFF: no player of this machine works, so this bell is not armed",
                hint="try watchline bell --test --player PROGRAM; is a loudspeaker there?",
                player=loudspeaker.program,
            )
        from watchline.desk.local import NodeCaller

        ringing = Bell(NodeCaller(home), loudspeaker, time.monotonic, session.output.say)
        session.output.result(
            {"console": ringing.console, "player": loudspeaker.program},
            [f"The bell is armed and plays with {loudspeaker.program}; stop with Ctrl-C."],
        )
        ringing.run()
    return 0


class Loudspeaker:
    """Plays tones with a program. program: None where there is none."""

    def __init__(self, program: str | None, sounds: Path) -> None:
        self.program = program
        self._sounds = sounds

    def play(self, precedence: str) -> bool:
        """Play the tone of a precedence to its end; whether the player says that it did."""
        if self.program is None:
            return False
        try:
            done = subprocess.run(  # noqa: S603 - whoever starts the bell says what plays
                [self.program, str(self._sounds / f"{precedence}.wav")],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=PLAY_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
        return done.returncode == 0


class Bell:
    """Looks for what nobody acknowledged, sounds, and tells the node. say: what the person at the terminal is told."""

    def __init__(
        self, caller: Caller, loudspeaker: Loudspeaker, running: Callable[[], float], say: Callable[[str], None]
    ) -> None:
        self.console = f"bell-{os.uname().nodename[:32]}-{os.getpid()}"
        self._caller = caller
        self._loudspeaker = loudspeaker
        self._running = running
        self._say = say
        self._sound = True  # a player played just before this was made
        self._node = True
        self._sounded_at: dict[str, float] = {}

    def run(self) -> None:
        """Sound until the process is told to stop; then the node is told that this bell is silent."""
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        try:
            while True:
                self.look()
                time.sleep(LOOK_SECONDS)
        finally:
            with suppress(WatchlineError):
                self._caller.call("console_disarm", console=self.console)

    def look(self) -> None:
        """One round: renew the arming, ask what waits, and sound for it if it is time to."""
        try:
            if self._sound:
                self._caller.call("console_arm", console=self.console)
            alarms = self._caller.call("alarms")["alarms"]
            if self._is_time(alarms):
                self._ring(alarms)
        except RouteError as error:
            self._note_node(there=False, why=error.message)
        except WatchlineError as error:
            if error.kind != RouteError.kind:
                raise
            self._note_node(there=False, why=error.message)
        else:
            self._note_node(there=True, why="")

    def _is_time(self, alarms: list[dict[str, Any]]) -> bool:
        now = self._running()
        waiting = {f"{alarm['line']} {alarm['id']}" for alarm in alarms}
        self._sounded_at = {name: at for name, at in self._sounded_at.items() if name in waiting}
        return any(
            now >= self._sounded_at.get(f"{alarm['line']} {alarm['id']}", float("-inf")) + AGAIN_SECONDS[alarm["precedence"]]
            for alarm in alarms
        )

    def _ring(self, alarms: list[dict[str, Any]]) -> None:
        """Sound the tone of the most urgent, which stands first; it is for all of them."""
        self._note_sound(works=self._loudspeaker.play(alarms[0]["precedence"]))
        if not self._sound:
            return
        self._caller.call("console_arm", console=self.console)
        for alarm in alarms:
            name = f"{alarm['line']} {alarm['id']}"
            if name not in self._sounded_at:
                exercise = "EXERCISE " if alarm["exercise"] else ""
                self._say(f"{exercise}{alarm['precedence']} {name} {alarm['form']}: not acknowledged")
            self._sounded_at[name] = self._running()
            if not alarm["sounded"]:
                self._tell(alarm)

    def _tell(self, alarm: dict[str, Any]) -> None:
        try:
            self._caller.call("console_sounded", console=self.console, line=alarm["line"], id=alarm["id"])
        except WatchlineError as error:
            if error.kind != UsageError.kind:  # what was asked about a moment ago may be closed meanwhile
                raise

    def _note_sound(self, *, works: bool) -> None:
        if works != self._sound:
            self._say(
                "The sound is back: the bell is armed." if works else "SOUND OFF: the player fails. The bell is not armed."
            )
        self._sound = works
        if not works:
            self._caller.call("console_disarm", console=self.console)

    def _note_node(self, *, there: bool, why: str) -> None:
        if there != self._node:
            self._say("The node answers again." if there else f"NO NODE: {why}. The bell hears nothing.")
        self._node = there


def find_player(given: str | None) -> str | None:
    """The program that plays: the one given, or the first of PLAYERS that this machine has; None if there is none.

    Raises UsageError if the one given is not there.
    """
    if given is None:
        return next((found for name in PLAYERS if (found := shutil.which(name)) is not None), None)
    found = shutil.which(given)
    if found is None:
        raise UsageError(
            f"there is no program {given[:200]!r}", hint="give another --player, or leave it out", player=given[:200]
        )
    return found


@contextmanager
def _sounds() -> Iterator[Path]:
    """A folder with the tone of each precedence, for as long as the bell runs."""
    from watchline.desk.tones import FAMILIES, wav

    with tempfile.TemporaryDirectory(prefix="watchline-bell-") as folder:
        for precedence in FAMILIES:
            (Path(folder) / f"{precedence}.wav").write_bytes(wav(precedence))
        yield Path(folder)
