from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.desk.sample_homes import make_home
from watchline.desk import local
from watchline.desk.local import NEED_NODE, connect
from watchline.errors import RouteError


def test_without_a_node_the_journal_answers(tmp_path: Path) -> None:
    with connect(make_home(tmp_path, "tokyo")) as caller:
        assert caller.running is False
        assert caller.call("desk")["desk"] == "Tokyo"
        assert caller.call("lines") == {"lines": []}


@pytest.mark.parametrize("method", sorted(NEED_NODE))
def test_what_only_a_node_can_do_is_refused_without_one(tmp_path: Path, method: str) -> None:
    with connect(make_home(tmp_path, "tokyo")) as caller, pytest.raises(RouteError) as caught:
        caller.call(method)

    assert "serve" in caught.value.hint


def test_socket_that_a_dead_node_left_is_no_node(tmp_path: Path) -> None:
    home = make_home(tmp_path, "tokyo")
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(home.socket))

    with connect(home) as caller:
        assert caller.running is False


def test_node_that_has_the_home_and_does_not_answer_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = make_home(tmp_path, "tokyo")
    monkeypatch.setattr(local, "LOCK_SECONDS", 0.0)

    with home.lock(), pytest.raises(RouteError, match="does not answer"), connect(home):
        pass


def test_home_is_free_again_after_a_command_that_failed(tmp_path: Path) -> None:
    home = make_home(tmp_path, "tokyo")

    with pytest.raises(ZeroDivisionError), connect(home):
        raise ZeroDivisionError

    with home.lock():
        pass
