"""Allowances: how much of something dear a peer may cause in a period. By time, not by turn: a flood makes a thousand turns."""

from __future__ import annotations

from watchline.core.setting import Moment

PERIOD_SECONDS = 0.1


class Allowance:
    """So much in each period, at most; what is left over is not saved up."""

    def __init__(self, amount: int, seconds: float = PERIOD_SECONDS) -> None:
        self._amount = self._left = amount
        self._seconds = seconds
        self._ends_at = 0.0

    def is_left(self, moment: Moment) -> bool:
        """Whether anything is left of it now."""
        if moment.running >= self._ends_at:
            self._ends_at = moment.running + self._seconds
            self._left = self._amount
        return self._left > 0

    def spend(self, amount: int = 1) -> None:
        """Spend of what was left. The last may cost more than that: it was begun."""
        self._left -= amount

    def take(self, moment: Moment) -> bool:
        """Spend one, if anything is left; whether it was."""
        is_left = self.is_left(moment)
        if is_left:
            self.spend()
        return is_left
