"""What every part of the play has: the stage, the page, both desks, and how it looks at them before it claims anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from watchline.demo.actors import DeskActor
from watchline.demo.page import Page
from watchline.demo.scenario import Words
from watchline.demo.stage import Stage, came_true
from watchline.demo.views import view

WAIT_SECONDS = 20.0


class Part:
    """Scenes that belong together. tokyo, beijing: once they are made."""

    tokyo: DeskActor
    beijing: DeskActor

    def __init__(self, stage: Stage, page: Page) -> None:
        self.stage = stage
        self.page = page

    def show(self, actor: DeskActor, *ids: str, full: bool = True) -> None:
        self.page.view(*view(actor, *ids, full=full))

    def exchange(self, author: DeskActor, reader: DeskActor, words: Words) -> str:
        """Say something and see it received; give its reference at the author's."""
        said: str = author.say(words)["id"]
        self.received(author, reader, said)
        return said

    def entry(self, actor: DeskActor, reference: str) -> dict[str, Any]:
        entry = actor.entry(reference)
        assert entry is not None
        return entry

    def rungs(self, actor: DeskActor, reference: str) -> list[str]:
        return list(self.entry(actor, reference)["rungs"])

    def received(self, author: DeskActor, reader: DeskActor, reference: str) -> None:
        self.reached(author, reference, "received")
        self.until(
            lambda: reader.entry(theirs(reference)) is not None, f"{reference} of {author.desk} arrives at {reader.desk}"
        )

    def reached(self, actor: DeskActor, reference: str, rung: str) -> None:
        self.until(lambda: rung in self.rungs(actor, reference), f"{reference} of {actor.desk} is {rung}")

    def states(self) -> tuple[str, str]:
        return self.tokyo.status()["state"], self.beijing.status()["state"]

    def both(self, state: str) -> None:
        states = {state, "declined"} if state == "up" else {state}  # a line that works also says that a question was declined
        self.until(lambda: set(self.states()) <= states, f"the line is {state} at both desks")

    def until(self, holds: Callable[[], bool], what: str) -> None:
        if not comes_true(holds):
            self.page.claim(False, f"within {WAIT_SECONDS:g} s {what}")


def comes_true(holds: Callable[[], bool]) -> bool:
    return came_true(holds, seconds=WAIT_SECONDS)


def theirs(reference: str) -> str:
    """What the other desk calls an entry of ours."""
    return reference.replace("ours:", "theirs:")


_OTHERS = {"ours": "theirs", "theirs": "ours", "only_ours": "only_theirs", "only_theirs": "only_ours"}


def mirrored(value: Any) -> Any:
    """What a desk shows, as the other desk says it: every reference and every side the other way round."""
    if isinstance(value, dict):
        return {mirrored(name): mirrored(each) for name, each in value.items()}
    if isinstance(value, list):
        return [mirrored(each) for each in value]
    if not isinstance(value, str):
        return value
    side, colon, number = value.partition(":")
    return f"{_OTHERS[side]}:{number}" if colon and side in ("ours", "theirs") else _OTHERS.get(value, value)
