"""What happened in a run, in order, as one digest: two runs of one seed must give the same.

No signature and no key goes into it, for ML-DSA and HPKE draw randomness of their own: only who did what, when, and how much.
"""

from __future__ import annotations

from collections import deque
from hashlib import blake2b

SHOWN_LAST = 40


class Trace:
    """The events of one run. last: the newest of them as text. lines: all of them if `keep` was asked for, else nothing."""

    def __init__(self, *, keep: bool = False) -> None:
        self.events = 0
        self.last: deque[str] = deque(maxlen=SHOWN_LAST)
        self.lines: list[str] | None = [] if keep else None
        self._hash = blake2b(digest_size=16)

    def note(self, seconds: float, who: str, what: str, *numbers: object) -> None:
        """One event: when on the simulated clock, at which desk, what, and the numbers that belong to it."""
        text = f"{seconds:.6f} {who} {what} {' '.join(map(str, numbers))}"
        self._hash.update(text.encode() + b"\n")
        self.events += 1
        self.last.append(text)
        if self.lines is not None:
            self.lines.append(text)

    def digest(self) -> str:
        """The run so far, 32 hex digits."""
        return self._hash.hexdigest()
