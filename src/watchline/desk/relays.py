"""The relays of a desk: which line is joined to which, and what is seen of the peer through them.

A line uses every relay that either desk names: ours because we added it, the peer's because it announced it. The relay's word
counts for nothing but this: whether it takes our frames, and when a frame with the line's seal last came.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from typing import TYPE_CHECKING

import structlog

from watchline.core.epochs import box_name
from watchline.core.records import AttemptRecord
from watchline.desk.desk import Desk
from watchline.desk.lines import OpenLine, RouteState
from watchline.errors import UsageError
from watchline.routes import Link, is_relay
from watchline.routes.address import parse_relay_address
from watchline.routes.relays import Boxes, RelayAccess
from watchline.routes.retries import Backoff

if TYPE_CHECKING:
    from watchline.routes.nats import NatsJoiner

KIND = "nats"

log = structlog.get_logger()


def boxes_of(opened: OpenLine, secret: bytes | None = None) -> Boxes:
    """The names under which a relay keeps this line's frames, as this desk sees them; the same for every incarnation.

    secret: another that we hold than the one that we speak under.
    """
    setup = opened.line.setup
    return boxes_between(secret or setup.secret, setup.own_id, setup.peer_identity.id)


def boxes_between(secret: bytes, own: bytes, peer: bytes) -> Boxes:
    """The boxes of a line with this secret, as the desk with the first identity sees them."""
    return Boxes(box_name(secret, own, peer), box_name(secret, peer, own))


class Relays:
    """Joins the lines of a running desk to their relays, and leaves those that nobody names any more.

    While two secrets of a line are held, it takes from the boxes of both: each desk puts its frames into those of the secret
    under which it speaks.
    """

    def __init__(self, desk: Desk, access: Mapping[str, RelayAccess], backoff: Backoff) -> None:
        """access: by address; a relay that is not named there is asked for nothing but its service."""
        self._desk = desk
        self._access = access
        self._backoff = backoff
        self._joiners: dict[tuple[OpenLine, str, bytes], tuple[NatsJoiner, RelayedLine]] = {}
        self._leaving: set[NatsJoiner] = set()

    def dial(self, opened: OpenLine) -> None:
        """Join a line to the relays that it is to use now, and have it leave the others."""
        named = [*self._desk.own_routes(), *self._desk.peer_routes(opened.record, opened.pairing)]
        wanted = dict.fromkeys(address for kind, address in named if kind == KIND)
        for route in [route for route in opened.routes.values() if route.kind == KIND and route.address not in wanted]:
            del opened.routes[route.address]
        secrets = opened.line.setup.secrets.all
        self._choose_boxes(opened)
        for key in [key for key in self._joiners if key[0] is opened and not (key[1] in wanted and key[2] in secrets)]:
            self._leave(key)
        for address in wanted:
            opened.routes.setdefault(address, RouteState(KIND, address, relay=True))
            for secret in secrets:
                if (opened, address, secret) not in self._joiners:
                    # What people see of a relay is how the boxes stand into which we put our frames.
                    shown = secret == opened.line.setup.secret
                    self._join(opened, secret, opened.routes[address] if shown else RouteState(KIND, address, relay=True))

    def _choose_boxes(self, opened: OpenLine) -> None:
        """Have the line go through the boxes of what it speaks under, where a link to them stands; the others stand by."""
        carried = opened.link
        opened.standby.clear()
        for (line, address, secret), (_, owner) in self._joiners.items():
            if line is opened and secret != opened.line.setup.secret:
                opened.standby += owner.links
            elif line is opened and address in opened.routes:
                opened.routes[address] = owner.route
        if opened.link is not None and opened.link is not carried:
            self._desk.carry_over(opened, opened.link, self._desk.moment())

    def hurry(self, opened: OpenLine) -> None:
        """Somebody says something on a line without a route."""
        for (line, _, _), (joiner, _) in self._joiners.items():
            if line is opened:
                joiner.hurry()

    async def close(self) -> None:
        """Leave every relay; on return no link of any lives."""
        joined = [joiner for joiner, _ in self._joiners.values()]
        await asyncio.gather(*(joiner.close() for joiner in [*joined, *self._leaving]))
        self._joiners.clear()

    def _join(self, opened: OpenLine, secret: bytes, route: RouteState) -> None:
        try:
            address = parse_relay_address(route.address)
        except UsageError:
            log.warning("route.unusable", line=opened.record.name, address=route.address[:256])
            return
        from watchline.routes.nats import NatsJoiner  # its library is loaded only where a line has a relay

        owner = RelayedLine(self._desk, opened, route, secret)
        joiner = NatsJoiner(
            address,
            boxes_of(opened, secret),
            opened.line.setup.peer_certificate.certificate.public.tls_fingerprint,
            owner,
            access=self._access.get(route.address, RelayAccess()),
            attempt=owner.attempted,
            uniform=random.uniform,
            backoff=self._backoff,
        )
        self._joiners[opened, route.address, secret] = joiner, owner

    def _leave(self, key: tuple[OpenLine, str, bytes]) -> None:
        joiner, _ = self._joiners.pop(key)
        self._leaving.add(joiner)
        leaving = asyncio.get_running_loop().create_task(joiner.close())
        leaving.add_done_callback(lambda _: self._leaving.discard(joiner))


class RelayedLine:
    """The owner of one line's links to one relay (watchline.routes.LinkOwner): it also notes how the route stands."""

    def __init__(self, desk: Desk, opened: OpenLine, route: RouteState, secret: bytes | None = None) -> None:
        """secret: the one whose boxes these are; None for the only one."""
        self._desk = desk
        self._opened = opened
        self._secret = secret
        self.route = route
        self.links: list[Link] = []

    def opened(self, link: Link) -> None:
        """The relay is reached and the boxes stand; that it takes frames is known once it took one."""
        self.route.linked = True
        self.links.append(link)
        if self._secret not in (None, self._opened.line.setup.secret):
            self._opened.standby.append(link)
        self._desk.link_opened(self._opened, link)
        link.send([self._opened.line.probe(self._desk.moment(), asks=False)])
        if is_relay(link):
            link.when_taken(self._taken)

    def received(self, link: Link, frames: list[bytes]) -> None:
        """Frames that somebody put into the box. One that opens, and reached the relay just now, is a sign of the peer."""
        line, junk = self._opened.line, self._opened.line.junk
        self._desk.frames_received(self._opened, frames)
        if self._desk.failed is not None:
            link.close()  # before they are acknowledged: they come again after the next start
        if is_relay(link) and link.is_live and self._opened.line is line and line.junk - junk < len(frames):
            self.route.peer_seen_at = self._desk.moment().running

    def drained(self, link: Link) -> None:
        """A congested link has room again."""
        self._desk.link_drained(self._opened, link)

    def introduced(self, door: str, fingerprint: bytes, introduction: bytes) -> bool:
        """Nobody shows a key by way of a relay."""
        return False

    def closed(self, link: Link, reason: str) -> None:
        """The relay is gone, or takes nothing."""
        self.route.linked = self.route.carries = False
        log.info("link.closed", line=self._opened.record.name, address=link.address, reason=reason)
        self._note("closed")
        for links in (self.links, self._opened.standby):
            if link in links:
                links.remove(link)
        self._desk.link_closed(self._opened, link)

    def attempted(self, outcome: str, reason: str) -> None:
        """Note an attempt to reach the relay."""
        route, opened = self.route, self._opened
        changed, route.outcome = route.outcome != outcome, outcome
        if outcome != "connected":
            route.carries = False
        if changed:
            facts = {"reason": reason} if reason else {}
            log.info("route.attempt", line=opened.record.name, address=route.address, outcome=outcome, **facts)
        self._note(outcome)

    def _note(self, outcome: str) -> None:
        wall, pair = self._desk.moment().wall, self._opened.line.setup.pair
        route = f"{KIND} {self.route.address}"
        self._desk.note_attempts([AttemptRecord(self._opened.record.line, wall, route, outcome, 0, pair)])

    def _taken(self) -> None:
        self.route.carries = True


def keep_alive(opened: OpenLine, desk: Desk) -> None:
    """Say something on each relay that stands by: it shows that the relay takes frames, and the peer that we live."""
    for link in opened.links:
        if is_relay(link) and link is not opened.link and link not in opened.standby:
            link.send([opened.line.probe(desk.moment(), asks=False)])
