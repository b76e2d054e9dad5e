"""The phases of a line, and the whole of how it moves between them.

    opening   the process has just started from its journal. The line says how far its logs go, gives receipts, and sends no
              entry before a status that answers its own nonce has shown that this is no restored backup
    open      entries flow both ways
    stopped   a fork or a rollback waits for people. Nothing but status is sent, nothing is taken into custody

The rules do not know which desk is ours: both run this table.
"""

from __future__ import annotations

from enum import Enum


class Phase(Enum):
    """Where the line's machine stands."""

    OPENING = "opening"
    OPEN = "open"
    STOPPED = "stopped"


class Cause(Enum):
    """What moves it."""

    AGREED = "a fresh status of the peer shows no more of our log than we hold"
    UNPROVEN = "the peer said that it holds more of our log, and could not show our signature"
    OWN_ROLLBACK = "the peer showed our own signature on a log that ours is not"
    PEER_ROLLBACK = "a fresh status shows less than the peer had signed before"
    FORK = "the peer's log key signed two things that no one log can hold"
    BROKEN_ENTRY = "the peer signed an entry that breaks a rule"
    REPLACED = "the peer showed a newer certificate of our own identity"


TRANSITIONS: dict[tuple[Phase, Cause], Phase] = {
    (Phase.OPENING, Cause.AGREED): Phase.OPEN,
    (Phase.OPENING, Cause.UNPROVEN): Phase.OPEN,
    (Phase.OPENING, Cause.OWN_ROLLBACK): Phase.STOPPED,
    (Phase.OPENING, Cause.PEER_ROLLBACK): Phase.STOPPED,
    (Phase.OPENING, Cause.FORK): Phase.STOPPED,
    (Phase.OPENING, Cause.BROKEN_ENTRY): Phase.STOPPED,
    (Phase.OPENING, Cause.REPLACED): Phase.STOPPED,
    (Phase.OPEN, Cause.OWN_ROLLBACK): Phase.STOPPED,
    (Phase.OPEN, Cause.PEER_ROLLBACK): Phase.STOPPED,
    (Phase.OPEN, Cause.FORK): Phase.STOPPED,
    (Phase.OPEN, Cause.BROKEN_ENTRY): Phase.STOPPED,
    (Phase.OPEN, Cause.REPLACED): Phase.STOPPED,
}
"""No other pair occurs: what is agreed counts while opening only, and nothing moves a stopped line."""
