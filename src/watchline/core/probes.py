"""Probes: the peer answers each at once, which measures a route. They are sealed, not signed, and prove nothing to anyone."""

from __future__ import annotations

from watchline.core.allowance import Allowance
from watchline.core.frames import Probe
from watchline.core.setting import Moment

KEPT = 16  # questions that an answer may still echo
ANSWERS, ANSWERS_SECONDS = 16, 1.0  # a peer asks about twice a minute


class Probes:
    """The questions of one line that wait for their answer."""

    def __init__(self) -> None:
        self._asked: dict[int, float] = {}
        self._answers = Allowance(ANSWERS, ANSWERS_SECONDS)

    def ask(self, moment: Moment) -> Probe:
        """Make a new question."""
        nonce = int.from_bytes(moment.random(6), "big")
        self._asked[nonce] = moment.running
        if len(self._asked) > KEPT:
            del self._asked[next(iter(self._asked))]
        return Probe(nonce, None, 0)

    def receive(self, probe: Probe, moment: Moment) -> tuple[float | None, Probe | None]:
        """Give (the round trip in seconds, if it answers a question of ours; the answer to send, if it asks one)."""
        asked = None if probe.echo is None else self._asked.pop(probe.echo, None)
        seconds = None if asked is None else max(0.0, moment.running - asked - probe.held_ms / 1000)
        if probe.nonce is None or not self._answers.take(moment):
            return seconds, None
        return seconds, Probe(None, probe.nonce, 0)
