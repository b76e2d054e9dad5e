"""What is raised where a desk breaks an invariant."""

from __future__ import annotations


class Violation(Exception):
    """A desk broke an invariant. `rule` is its short name, of `watch.INVARIANTS`."""

    def __init__(self, rule: str, what: str) -> None:
        super().__init__(f"{rule}: {what}")
        self.rule = rule
