"""What a status proves about time (rule 26): relays may hold statuses back and repeat them, so only one that echoes a nonce of
ours says how things stand, and only compared with what the peer had signed before that nonce was made.
"""

from __future__ import annotations

from dataclasses import dataclass

from watchline.core.statements import Status
from watchline.errors import Rollback

NONCES_KEPT = 64  # statuses of ours that an answer may still echo
HEARD_KEPT = 256  # nonces of the peer's last statuses: one that is repeated costs no signature check


@dataclass(frozen=True, slots=True)
class Made:
    """How things stood when we made the nonce of one of our statuses.

    number: counts our statuses from 1. peer_size, held: how much of its own log the peer had signed, and how much of ours it
    had signed to hold. sent: how much of our log was under way. asked: the status asked for our own checkpoint.
    """

    number: int
    peer_size: int
    held: int
    sent: int
    asked: bool

    def rollback(self, status: Status) -> Rollback | None:
        """What a status that echoes this nonce proves against the peer: a rollback if it shows less; None if it does not."""
        if status.size >= self.peer_size and status.held_size >= self.held:
            return None
        return Rollback(
            "the peer's node was set back: its fresh status shows less than it had signed before",
            rule=26,
            hint="call the other desk: its home was put back from an old copy",
            peer_size=status.size,
            peer_size_signed_before=self.peer_size,
            held_of_ours=status.held_size,
            held_signed_before=self.held,
        )


class Freshness:
    """The nonces of one line, ours and the peer's, and how far the peer has bound itself."""

    def __init__(self) -> None:
        self.peer_nonce: bytes | None = None
        self.made = 0
        self.signed_size = 0
        self.signed_held = 0
        self._latest: Status | None = None
        self._latest_number = 0
        self._made: dict[bytes, Made] = {}
        self._heard: dict[bytes, None] = {}

    def make(self, nonce: bytes, sent: int, *, asked: bool) -> None:
        """A status of ours with this nonce is about to be signed."""
        self.made += 1
        self._made[nonce] = Made(self.made, self.signed_size, self.signed_held, sent, asked)
        if len(self._made) > NONCES_KEPT:
            del self._made[next(iter(self._made))]

    def made_for(self, echo: object) -> Made | None:
        """How things stood when we made this nonce; None if it is none of our last ones: then the status is not fresh."""
        return self._made.get(echo) if type(echo) is bytes else None

    def was_heard(self, nonce: object) -> bool:
        """Whether this is the nonce of a status that was verified before."""
        return nonce in self._heard if type(nonce) is bytes else False

    def restore(self, status: Status) -> None:
        """Take up the last status from before the start. Its nonce is not echoed: a first status that echoes none asks the peer
        for an answer at once, and the process that starts cannot speak before it has one.
        """
        self._latest = status

    def hear(self, status: Status, made: Made | None) -> bool:
        """Take a verified status; give whether it is the peer's last word so far.

        Ours echoes the peer's last word, and also what the peer says when it has just started or was set back: it must learn
        how things stand, whatever its sizes and its clock.
        """
        self._heard[status.nonce] = None
        if len(self._heard) > HEARD_KEPT:
            del self._heard[next(iter(self._heard))]
        newer = self._is_newer(status, made)
        current = made is not None and made.number >= self._latest_number
        if newer or current or status.echo is None:
            self.peer_nonce = status.nonce
        if newer:
            self._latest = status
            self._latest_number = self._latest_number if made is None else made.number
        return newer

    def bind(self, size: int, held: int) -> None:
        """The peer has signed that its log has this size, and that it holds so much of ours."""
        self.signed_size = max(self.signed_size, size)
        self.signed_held = max(self.signed_held, held)

    def _is_newer(self, status: Status, made: Made | None) -> bool:
        """Whether a status says more than the last one kept. The peer's clock decides only where nothing else can."""
        latest = self._latest
        if latest is None:
            return True
        if made is not None and made.number != self._latest_number:
            return made.number > self._latest_number
        grown = status.size >= latest.size and status.held_size >= latest.held_size and status.rung >= latest.rung
        return grown and (made is not None or status.time >= latest.time)
