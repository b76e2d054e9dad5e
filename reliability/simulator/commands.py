"""A command of a person at a desk, beside its node: how it asks the node, and the ways it ends before it is done."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from watchline.desk.api import Api
from watchline.desk.socket import RemoteError, error_value
from watchline.errors import JournalError, RouteError, WatchlineError

if TYPE_CHECKING:
    from reliability.simulator.machine import Machine

INTERRUPTED = 0.12  # of all commands
CALLS_MAX = 7  # about as many as a command makes


class Interrupted(BaseException):
    """The command is killed here; nothing of the product may catch it."""


class NodeOfMachine:
    """A Caller: asks the node of a machine, whichever process that is by now. interrupted: the command may be killed."""

    running = True

    def __init__(self, machine: Machine, source: random.Random, *, interrupted: bool) -> None:
        self._machine = machine
        killed = interrupted and source.random() < INTERRUPTED
        self._left = source.randrange(CALLS_MAX) if killed else -1
        self._after = source.random() < 0.5

    def call(self, method: str, patience_seconds: float = 30.0, **params: Any) -> dict[str, Any]:
        """Ask one method of the desk's api. Raises RemoteError as the node answers, RouteError if it ends before it does."""
        ends, self._left = self._left == 0, self._left - 1
        if ends and not self._after:
            raise Interrupted
        answers: list[dict[str, Any] | WatchlineError] = []
        self._machine.run(lambda: answers.append(self._answer(method, params)))
        if ends:
            raise Interrupted
        if not answers:
            raise RouteError("no node answers in this home", hint="start one with `watchline serve`")
        (answer,) = answers
        if isinstance(answer, WatchlineError):
            raise RemoteError(error_value(answer))
        return answer

    def _answer(self, method: str, params: dict[str, Any]) -> dict[str, Any] | WatchlineError:
        asked = Api(self._machine.desk, live=True).call(method, params)
        try:
            asked.send(None)
        except StopIteration as end:
            answer: dict[str, Any] = end.value
            return answer
        except JournalError as error:
            self._machine.refuse(error)
            return error
        except WatchlineError as error:
            return error
        raise AssertionError("no method of a command waits")
