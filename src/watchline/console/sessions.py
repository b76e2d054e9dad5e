"""Who is signed in at the console: links that work once, and sessions that end.

A session has two secrets. The cookie goes with every request, and browsers send it to every port of `localhost`; so what shows
or does anything also needs the key, which the page keeps in the storage of its own origin, port included. Only digests of both
are kept here, and in the journal, so that a restart of the node signs nobody out.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import compare_digest
from typing import Any, NamedTuple

from watchline.core import shapes
from watchline.core.encoding import decode, encode
from watchline.core.setting import Moment
from watchline.errors import PeerError

SECRET_BYTES = 32
LINK_SECONDS, LINKS_MAX = 60.0, 8
SESSION_SECONDS, SESSIONS_MAX = 12 * 3600, 16  # no watch is longer


@dataclass(frozen=True, slots=True)
class Session:
    """One signed-in browser. name: says nothing and opens nothing. cookie, key: digests. ends: seconds since 1970."""

    name: str
    cookie: bytes = field(repr=False)
    key: bytes = field(repr=False)
    ends: int

    def has_key(self, given: str) -> bool:
        """Whether this is the session's key, found out in a time that tells nothing."""
        return compare_digest(self.key, _digest(given))


class SignedIn(NamedTuple):
    """A new session with its two secrets, which are told once."""

    session: Session
    cookie: str
    key: str


class Sessions:
    """All links and sessions."""

    def __init__(self, moment: Callable[[], Moment]) -> None:
        self._moment = moment
        self._links: dict[bytes, float] = {}
        self._sessions: dict[bytes, Session] = {}

    def link(self) -> str:
        """A new word that signs one browser in, once, within LINK_SECONDS. With too many the oldest is void."""
        word = self._secret()
        _make_room(self._links, LINKS_MAX)
        self._links[_digest(word)] = self._moment().running + LINK_SECONDS
        return word

    def redeem(self, word: str) -> SignedIn | None:
        """Use a link up; None for one that was used, is too old, or never was. With too many sessions the oldest ends."""
        ends, moment = self._links.pop(_digest(word), 0.0), self._moment()
        if moment.running >= ends:
            return None
        cookie, key = self._secret(), self._secret()
        session = Session(moment.random(4).hex(), _digest(cookie), _digest(key), moment.wall + SESSION_SECONDS)
        _make_room(self._sessions, SESSIONS_MAX)
        self._sessions[session.cookie] = session
        return SignedIn(session, cookie, key)

    def find(self, cookie: str) -> Session | None:
        """The session of this cookie, None if there is none or it has ended."""
        session = self._sessions.get(_digest(cookie))
        return session if session is not None and self.lives(session) else None

    def lives(self, session: Session) -> bool:
        """Whether it goes on. One that has ended is forgotten."""
        if self._sessions.get(session.cookie) is not session:
            return False
        if self._moment().wall < session.ends:
            return True
        self.end(session)
        return False

    def end(self, session: Session) -> None:
        """Sign out."""
        self._sessions.pop(session.cookie, None)

    def stored(self) -> bytes:
        """The sessions, to be kept over a restart; no secret stands in it."""
        return encode([[each.name, each.cookie, each.key, each.ends] for each in self._sessions.values()])

    def restore(self, stored: bytes) -> None:
        """Take up what `stored` gave, but for what has ended. What cannot be read signs people out, and nothing worse."""
        now = self._moment().wall
        try:
            for value in shapes.array(decode(stored), "sessions", at_most=SESSIONS_MAX):
                name, cookie, key, ends = shapes.array(value, "session", length=4)
                session = Session(
                    shapes.text(name, "name", at_most=64),
                    shapes.octets(cookie, "cookie", length=32),
                    shapes.octets(key, "key", length=32),
                    shapes.integer(ends, "ends"),
                )
                if now < session.ends <= now + SESSION_SECONDS:
                    self._sessions[session.cookie] = session
        except PeerError:
            self._sessions.clear()

    def _secret(self) -> str:
        return urlsafe_b64encode(self._moment().random(SECRET_BYTES)).rstrip(b"=").decode("ascii")


def _digest(secret: str) -> bytes:
    # What is looked up is a digest, so that the time of a look-up tells nothing about a secret.
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _make_room(kept: dict[bytes, Any], at_most: int) -> None:
    while len(kept) >= at_most:
        kept.pop(next(iter(kept)))
