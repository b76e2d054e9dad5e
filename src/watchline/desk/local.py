"""How a command reaches the desk: through the node that serves the home, or, while none does, through the journal itself.

Both answer the same methods (`desk.api`). What only a running node can do is refused while there is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol

from watchline.desk.home import Home
from watchline.errors import RouteError, UsageError

NEED_NODE = frozenset({"compose", "test", "routes_changed", "console_link"})
CALL_SECONDS = 30.0
ANSWER_SECONDS = 10.0
LOCK_SECONDS = 10.0  # another command has the journal for a moment


class Caller(Protocol):
    """Whoever answers for the desk. running: whether a node serves it."""

    running: bool

    def call(self, method: str, patience_seconds: float = CALL_SECONDS, **params: Any) -> dict[str, Any]:
        """Ask one method of the desk's api; raises what it raises, and RouteError if there is no answer in time."""


@contextmanager
def connect(home: Home) -> Iterator[Caller]:
    """Give a Caller for this home. Raises RouteError if a node has the home and does not answer."""
    if _answers(home):
        yield NodeCaller(home)
        return
    with _held(home):
        journal = home.open_journal()
        try:
            yield OfflineCaller(home, journal)
        finally:
            journal.close()


class NodeCaller:
    """Asks the running node through its socket."""

    running = True

    def __init__(self, home: Home) -> None:
        self._home = home

    def call(self, method: str, patience_seconds: float = CALL_SECONDS, **params: Any) -> dict[str, Any]:
        from watchline.desk.socket import call

        return call(self._home.socket, method, params, timeout_seconds=patience_seconds)


class OfflineCaller:
    """Asks the desk in this process, on the journal that it holds."""

    running = False

    def __init__(self, home: Home, journal: Any) -> None:
        from watchline.desk.api import Api
        from watchline.desk.desk import Desk

        self._home = home
        self._api = Api(Desk(journal, home.config))

    def call(self, method: str, patience_seconds: float = CALL_SECONDS, **params: Any) -> dict[str, Any]:
        import asyncio

        if method in NEED_NODE:
            raise no_node(self._home)
        return asyncio.run(self._api.call(method, params))


def no_node(home: Home) -> RouteError:
    """The error for what only a running node can do."""
    return RouteError("no node serves this home", hint=f"start it: watchline --home {home.path} serve", home=str(home.path))


def _answers(home: Home) -> bool:
    """Whether a node listens on the home's socket; one that died may have left a socket that refuses."""
    if not home.socket.exists():
        return False
    try:
        NodeCaller(home).call("desk", ANSWER_SECONDS)
    except RouteError:
        return False
    return True


@contextmanager
def _held(home: Home) -> Iterator[None]:
    with ExitStack() as stack:
        try:
            stack.enter_context(home.lock(LOCK_SECONDS))
        except UsageError as error:
            raise RouteError(
                "a node has this home and does not answer", hint="wait until it has started, or end it", pid=error.facts["pid"]
            ) from None
        yield
