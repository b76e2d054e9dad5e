"""One pair of desks, both under load, killed again and again; and what has to be true at the end."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from reliability.kills.nodes import ForkedNode, Serve
from tests.endtoend.homes import NodeProcess, paired, select_wait
from watchline.core.entries import EntryType, Notice, Precedence
from watchline.core.records import Log
from watchline.desk.rungs import read_notice
from watchline.errors import RouteError, WatchlineError
from watchline.journal.sqlite import SqliteJournal

PAUSE_SECONDS = 0.01  # between two notices of one desk: what the pairs send must not take all the time from the starts
QUIET_SECONDS = 60.0
FAST = "reconnect_first_seconds = 0.02\nreconnect_last_seconds = 0.2\n"


class Lost(Exception):
    """Something that was accepted is not there, or something is there twice."""


class Load:
    """Sends numbered notices through one node for as long as it is told to; a node that is away is asked again.

    accepted: what the node took, in order. refused: why it took no more; that ends the load.
    """

    def __init__(self, node: NodeProcess, line: str) -> None:
        self.node = node
        self.line = line
        self.accepted: list[str] = []
        self.refused: WatchlineError | None = None
        self.going = True
        self.thread = threading.Thread(target=self._run)

    def state(self) -> str:
        """That of the line, as the node says."""
        return str(self.node.ask_until("status", line=self.line)["lines"][0]["state"])

    def _run(self) -> None:
        number = 0
        while self.going:
            text = f"{self.node.home.path.name} {number}"
            content = Notice("free-text", 1, Precedence.ROUTINE, False, "en", {1: text}).encode().hex()
            try:
                self.node.ask("compose", line=self.line, type=int(EntryType.NOTICE), content=content, once=text)
            except RouteError:
                select_wait(0.02)
                continue
            except WatchlineError as error:
                self.refused = error
                return
            self.accepted.append(text)
            number += 1
            select_wait(PAUSE_SECONDS)


class Session:
    """Two paired desks. counts: what was done so far."""

    def __init__(self, folder: Path, chance: random.Random, serve: Serve) -> None:
        self.chance = chance
        self.counts: Counter[str] = Counter()
        self.nodes = [ForkedNode(node.home, node.port, serve) for node in paired(folder)]
        for node in self.nodes:
            with (node.home.path / "watchline.toml").open("a") as config:
                config.write(FAST)
        self.loads = [Load(self.nodes[0], "beijing"), Load(self.nodes[1], "tokyo")]

    def run(self, kills: int) -> None:
        """Kill at least so many times, then see that nothing is missing. Lost, or an error of the nodes, if something is."""
        try:
            for node in self.nodes:
                node.start()
            for load in self.loads:
                load.thread.start()
            try:
                while self.counts["kills"] < kills:
                    self._round()
            finally:
                self._end_load()
            self._compare()
        finally:
            for node in self.nodes:
                node.kill()

    def logs(self) -> str:
        """The last words of both nodes."""
        return " | ".join(node.log.read_text()[-500:] for node in self.nodes if node.log.exists())

    def _round(self) -> None:
        """Let both nodes accept something, wait, kill one or both, and start them again: perhaps not at the first attempt."""
        before = [len(load.accepted) for load in self.loads]
        self._wait_until(
            "takes notices", lambda: all(len(each.accepted) > count for each, count in zip(self.loads, before, strict=True))
        )
        victims = self.chance.choice([self.nodes[:1], self.nodes[1:], self.nodes])
        if self.chance.random() < 0.5:
            self._wait_until("is up", lambda: all(load.state() == "up" for load in self.loads))
            self.counts["linked"] += len(victims)
        select_wait(self.chance.uniform(0.0, 0.2))
        for node in victims:
            self._kill(node)
        for node in victims:
            node.launch()
            while self.chance.random() < 0.4:
                select_wait(self.chance.uniform(0.0, 0.2))
                self._kill(node)
                self.counts["at_start"] += 1
                node.launch()
        for node in victims:
            node.ask_until("desk")

    def _kill(self, node: ForkedNode) -> None:
        _expect_running(node)
        self.counts["kills"] += 1
        node.kill()

    def _wait_until(self, what: str, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + QUIET_SECONDS
        while not holds():
            self._expect_life()
            if time.monotonic() > deadline:
                raise Lost(f"after {QUIET_SECONDS:g} s not each desk {what}")
            select_wait(0.01)

    def _expect_life(self) -> None:
        for load in self.loads:
            if load.refused is not None:
                raise Lost(f"{load.node.home.path.name} takes nothing more: {load.refused}")
        for node in self.nodes:
            _expect_running(node)

    def _end_load(self) -> None:
        for load in self.loads:
            load.going = False
        for load in self.loads:
            load.thread.join()
            self.counts["entries"] += len(load.accepted)

    def _compare(self) -> None:
        for load in self.loads:
            wait_until_all_is_receipted(load.node, load.line)
        codes = [node.stop() for node in self.nodes]
        if codes != [0, 0]:
            raise Lost(f"the nodes ended with {codes}")
        journals = [node.journal() for node in self.nodes]
        try:
            for load, own, other in zip(self.loads, journals, reversed(journals), strict=True):
                compare(load.accepted, own, other)
        finally:
            for journal in journals:
                journal.close()


def _expect_running(node: NodeProcess) -> None:
    if node.process is None or node.process.poll() is not None:
        raise Lost("a node ended that nobody had killed")


def wait_until_all_is_receipted(node: NodeProcess, line: str) -> None:
    """Come back when the peer has everything in custody. Lost if that takes too long, or if anything was alarming."""
    deadline = time.monotonic() + QUIET_SECONDS
    while True:
        status = node.ask_until("status", line=line)["lines"][0]
        if status["alarms"]:
            raise Lost(f"alarms: {status['alarms']}")
        if status["unreceipted"] == 0:
            return
        if time.monotonic() > deadline:
            raise Lost(f"not all was receipted within {QUIET_SECONDS:g} s: {status}")
        select_wait(0.05)


def compare(accepted: list[str], own: SqliteJournal, other: SqliteJournal) -> None:
    """The author's log and the copy in the other desk's custody are the same, and hold each accepted notice once, in order."""
    line = own.lines()[0].line
    ours = next(log for log in own.logs(line) if log.outgoing)
    theirs = next(log for log in other.logs(line) if not log.outgoing)
    size = own.verify(ours)
    if other.verify(theirs) != size:
        raise Lost("the two copies of a log are not of one size")
    if list(own.leaves(ours, 0, size)) != list(other.leaves(theirs, 0, size)):
        raise Lost("the two copies of a log differ")
    arrived = texts(other, theirs)
    if len(arrived) != len(set(arrived)):
        raise Lost("something arrived twice")
    known = set(accepted)
    if [text for text in arrived if text in known] != accepted:
        raise Lost("something that was accepted is missing or out of order")


def texts(journal: SqliteJournal, log: Log) -> list[str]:
    """The free texts of a log, in order."""
    notices = [read_notice(record) for record in journal.entries(log, 0, journal.size(log))]
    return [str(notice.fields[1]) for notice in notices if notice is not None and notice.form == "free-text"]
