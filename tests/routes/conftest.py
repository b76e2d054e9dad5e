"""Scenes are coroutines; `play` runs one, once on each event loop, and fails if anything escaped into the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import TypeAlias

import pytest
import uvloop

from tests.routes.nats_server import NatsServer

Play: TypeAlias = Callable[[Coroutine[None, None, None]], None]


@pytest.fixture(params=["asyncio", "uvloop"])
def play(request: pytest.FixtureRequest) -> Play:
    def run(scene: Coroutine[None, None, None]) -> None:
        with asyncio.Runner(
            loop_factory=uvloop.new_event_loop if request.param == "uvloop" else asyncio.new_event_loop
        ) as runner:
            failures: list[dict[str, object]] = []
            runner.get_loop().set_exception_handler(lambda _, context: failures.append(context))
            runner.run(scene)
            assert failures == []

    return run


@pytest.fixture(scope="session")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    """A running relay for tests that do it no harm; each uses boxes of its own."""
    server = NatsServer(tmp_path_factory.mktemp("relay"))
    server.start()
    yield server
    server.kill()
