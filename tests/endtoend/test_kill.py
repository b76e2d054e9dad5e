"""`kill -9` of real nodes under load: nothing that was accepted or receipted is lost, and nothing arrives twice."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import pytest

from tests.endtoend.homes import NodeProcess, paired, select_wait
from watchline.core.entries import EntryType, Notice, Precedence
from watchline.core.records import Log
from watchline.desk.desk import read_notice
from watchline.errors import RouteError
from watchline.journal.sqlite import SqliteJournal

KILLS = 100


class Load:
    """Sends numbered notices through one node for as long as it is told to; a node that is away is asked again."""

    def __init__(self, node: NodeProcess, line: str) -> None:
        self.node = node
        self.line = line
        self.accepted: list[str] = []
        self.going = True
        self.thread = threading.Thread(target=self._run)

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
            self.accepted.append(text)
            number += 1


@pytest.mark.slow
def test_kill_9_of_both_nodes_100_times_under_load_loses_nothing_and_delivers_nothing_twice(tmp_path: Path) -> None:
    chance = random.Random(20251206)
    nodes = paired(tmp_path)
    for node in nodes:
        node.start()
    loads = [Load(nodes[0], "beijing"), Load(nodes[1], "tokyo")]
    for load in loads:
        load.thread.start()
    try:
        for _ in range(KILLS):
            select_wait(chance.uniform(0.02, 0.5))
            victims = chance.choice([nodes[:1], nodes[1:], nodes])
            for node in victims:
                node.kill()
            for node in victims:
                node.start()
    finally:
        for load in loads:
            load.going = False
        for load in loads:
            load.thread.join()
    for node, line in zip(nodes, ("beijing", "tokyo"), strict=True):
        wait_until_all_is_receipted(node, line)
    assert [node.stop() for node in nodes] == [0, 0]
    journals = [node.journal() for node in nodes]
    try:
        for load, own, other in ((loads[0], journals[0], journals[1]), (loads[1], journals[1], journals[0])):
            compare(load, own, other)
    finally:
        for journal in journals:
            journal.close()


def wait_until_all_is_receipted(node: NodeProcess, line: str) -> None:
    for _ in range(1200):
        status = node.ask_until("status", line=line)["lines"][0]
        assert status["alarms"] == []
        if status["unreceipted"] == 0:
            return
        select_wait(0.05)
    raise AssertionError("not all was receipted within a minute")


def compare(load: Load, own: SqliteJournal, other: SqliteJournal) -> None:
    """The author's log and the copy in the other desk's custody are the same, and hold each accepted notice once."""
    line = own.lines()[0].line
    ours = next(log for log in own.logs(line) if log.outgoing)
    theirs = next(log for log in other.logs(line) if not log.outgoing)
    assert own.verify(ours) == other.verify(theirs) == own.size(ours)
    assert [leaf for leaf, _, _ in own.leaves(ours, 0, own.size(ours))] == [
        leaf for leaf, _, _ in other.leaves(theirs, 0, other.size(theirs))
    ]
    arrived = texts(other, theirs)
    assert len(arrived) == len(set(arrived))
    assert set(load.accepted) <= set(arrived)
    assert [text for text in arrived if text in set(load.accepted)] == load.accepted


def texts(journal: SqliteJournal, log: Log) -> list[str]:
    notices = [read_notice(record) for record in journal.entries(log, 0, journal.size(log))]
    return [str(notice.fields[1]) for notice in notices if notice is not None and notice.form == "free-text"]
