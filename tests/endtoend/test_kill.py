"""`kill -9` of real nodes under load: nothing that was accepted or receipted is lost, and nothing arrives twice."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from reliability.kills.session import Load, compare, wait_until_all_is_receipted
from tests.endtoend.homes import paired, select_wait

KILLS = 100


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
            assert [load.refused for load in loads] == [None, None]
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
            compare(load.accepted, own, other)
    finally:
        for journal in journals:
            journal.close()
