"""Routes move opaque frames to and from one peer; they know nothing of lines, entries or receipts.

A frame is 1 to 131,072 bytes. A route promises only this: what arrives over an authenticated link is whole and came from
the peer it names. Frames may be lost, and on some routes repeated or reordered; nothing says that one has arrived. Whoever
needs more - order, once, durable - builds it above, from receipts.

A relay promises less. Whoever is in the middle may keep frames, repeat them years later, or send bytes of its own: only the
line's seal on each frame (docs/protocol.md, rule 19) says that a frame is the peer's.

This file is the interface. `routes.tls` is the direct route, `routes.nats` the one through a relay, `routes.memory` either
within one process under a clock that a test advances; all pass tests/routes/test_contract.py. All of it runs on one event
loop and blocks nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, Protocol, TypeAlias, TypeGuard

from watchline.routes.address import Address, parse_address

__all__ = [
    "CONGESTED_BYTES",
    "DIRECT",
    "WAITING_BYTES_MAX",
    "Address",
    "Attempt",
    "Link",
    "LinkOwner",
    "Outcome",
    "RelayLink",
    "is_relay",
    "parse_address",
]

DIRECT = "direct"  # the kind of route with nobody in the middle; every other kind is a relay

CONGESTED_BYTES = 256 * 1024  # above this much waiting to be written a link is congested; drained again at a quarter of it
WAITING_BYTES_MAX = 16 * 1024 * 1024  # a link whose owner goes on sending regardless is closed here: the peer takes nothing

Outcome: TypeAlias = Literal["connected", "refused", "timeout", "unreachable", "tls"]
Attempt: TypeAlias = Callable[[Address, Outcome], None]


class Link(Protocol):
    """One authenticated, two-way connection to one peer; short-lived, where a line is lasting."""

    @property
    def kind(self) -> str:
        """DIRECT, or the kind of relay that stands in the middle: then nobody has proved anything by the link itself."""

    @property
    def peer(self) -> bytes:
        """The peer that proved its key, by a relay whom we mean: SHA-256 of its SubjectPublicKeyInfo in DER, 32 bytes."""

    @property
    def address(self) -> str:
        """The address that was dialled, or that the peer came from; it proves nothing."""

    @property
    def outbound(self) -> bool:
        """True if we dialled, False if the peer did."""

    @property
    def congested(self) -> bool:
        """True while more than CONGESTED_BYTES wait to be written: send no more until the owner is told `drained`."""

    def send(self, frames: Sequence[bytes]) -> None:
        """Queue frames in their order, as one write where the route can.

        On return they are queued, no more: nothing is promised, not even that they left this machine. Ignored once the link is
        closed. Raises ValueError for a frame that is empty or longer than FRAME_BYTES_MAX: that is the caller's bug.
        """

    def close(self) -> None:
        """End the link; a second call does nothing. Nothing is received after it; `closed` is told in a later turn.

        What was queued before may still leave, within a few seconds.
        """


class RelayLink(Link, Protocol):
    """A link to a relay, which keeps our frames for the peer. It is open while the relay answers, wherever the peer is."""

    @property
    def is_live(self) -> bool:
        """Whether what was received last reached the relay after this link was opened, by the relay's own count."""

    def when_taken(self, action: Callable[[], None]) -> None:
        """Call `action` once the relay has said that it keeps all that was sent so far; never, if the link ends before."""


def is_relay(link: Link) -> TypeGuard[RelayLink]:
    """Whether somebody stands in the middle."""
    return link.kind != DIRECT


class LinkOwner(Protocol):
    """What is told about links: by plain calls on the event loop, so each should be short. An exception is the owner's bug."""

    def opened(self, link: Link) -> None:
        """The peer proved its key, and the link carries frames both ways. Always the first call about a link."""

    def received(self, link: Link, frames: list[bytes]) -> None:
        """Every whole frame that one read brought, at least one, in order of arrival: commit them together."""

    def drained(self, link: Link) -> None:
        """A congested link has room again."""

    def introduced(self, door: str, fingerprint: bytes, introduction: bytes) -> bool:
        """Whether the key with this fingerprint (32 bytes) is from now on the peer's by this door.

        Asked before there is a link, when the other end has proved a key that is not admitted by this door (where we dialled:
        another than the one dialled) and shows an introduction, 1 to 12,288 bytes that anybody may have made or copied: the
        owner checks that its maker meant this very fingerprint. True means that it holds, durably, and that the owner has
        called `admit` for the key, perhaps `dismiss` for the old one after it. Then the link opens like any other, and the
        dialler goes on dialling the new key. Asked at most four times a second for a door; beyond that, nobody is let in so.
        """

    def closed(self, link: Link, reason: str) -> None:
        """The link is gone; told once, as the last call about it. `reason` is for people and holds no bytes the peer chose."""
