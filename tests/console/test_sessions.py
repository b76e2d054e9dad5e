"""Links that work once, sessions that end, and never more than so many of either."""

from __future__ import annotations

import random

import pytest

from watchline.console.sessions import LINK_SECONDS, LINKS_MAX, SECRET_BYTES, SESSION_SECONDS, SESSIONS_MAX, Sessions, SignedIn
from watchline.core.encoding import encode
from watchline.core.setting import Moment


class Clock:
    wall, running = 1_700_000_000, 1_000.0
    random = random.Random(7)

    def __call__(self) -> Moment:
        return Moment(self.wall, self.running, self.random.randbytes)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(clock: Clock) -> Sessions:
    return Sessions(clock)


def sign_in(sessions: Sessions) -> SignedIn:
    signed_in = sessions.redeem(sessions.link())
    assert signed_in is not None
    return signed_in


def test_link_signs_in_once(sessions: Sessions) -> None:
    word = sessions.link()
    signed_in = sessions.redeem(word)

    assert signed_in is not None
    assert sessions.find(signed_in.cookie) is signed_in.session
    assert sessions.redeem(word) is None


def test_link_is_void_after_a_minute(sessions: Sessions, clock: Clock) -> None:
    in_time, too_late = sessions.link(), sessions.link()
    clock.running += LINK_SECONDS - 0.001
    assert sessions.redeem(in_time) is not None
    clock.running += 0.001
    assert sessions.redeem(too_late) is None


@pytest.mark.parametrize("word", ["", "A" * 43, "\ud800", "é" * 10_000])
def test_word_that_nobody_gave_out_signs_nobody_in(sessions: Sessions, word: str) -> None:
    sessions.link()
    assert sessions.redeem(word) is None
    assert sessions.find(word) is None


def test_with_too_many_links_the_oldest_is_void(sessions: Sessions) -> None:
    words = [sessions.link() for _ in range(LINKS_MAX + 1)]
    assert sessions.redeem(words[0]) is None
    assert all(sessions.redeem(word) is not None for word in words[1:])


def test_with_too_many_sessions_the_oldest_ends(sessions: Sessions) -> None:
    opened = [sign_in(sessions).session for _ in range(SESSIONS_MAX + 1)]
    assert [sessions.lives(each) for each in opened] == [False] + [True] * SESSIONS_MAX


def test_session_ends_after_a_watch(sessions: Sessions, clock: Clock) -> None:
    cookie = sign_in(sessions).cookie
    clock.wall += SESSION_SECONDS - 1
    assert sessions.find(cookie) is not None
    clock.wall += 1
    assert sessions.find(cookie) is None
    clock.wall -= SESSION_SECONDS  # it does not come back
    assert sessions.find(cookie) is None


def test_secrets_are_of_256_bits_and_only_digests_of_them_are_kept(sessions: Sessions) -> None:
    word = sessions.link()
    signed_in = sessions.redeem(word)
    assert signed_in is not None
    secrets = {word, signed_in.cookie, signed_in.key}
    assert len(secrets) == 3
    assert all(len(secret) >= SECRET_BYTES * 8 / 6 for secret in secrets)
    kept = repr(signed_in.session) + repr(sessions.stored())
    assert not any(secret in kept for secret in secrets)


def test_only_the_sessions_own_key_is_its_key(sessions: Sessions) -> None:
    one, other = sign_in(sessions), sign_in(sessions)
    assert one.session.has_key(one.key)
    assert not any(one.session.has_key(given) for given in (other.key, one.cookie, "", "\ud800"))


def test_session_outlives_a_restart_until_it_ends_and_links_do_not(sessions: Sessions, clock: Clock) -> None:
    signed_in, word, stored = sign_in(sessions), sessions.link(), sessions.stored()
    again = Sessions(clock)
    again.restore(stored)
    session = again.find(signed_in.cookie)
    assert session is not None
    assert session.has_key(signed_in.key)
    assert again.redeem(word) is None
    clock.wall += SESSION_SECONDS
    late = Sessions(clock)
    late.restore(stored)
    assert late.find(signed_in.cookie) is None


@pytest.mark.parametrize(
    "stored", [b"", b"junk", encode(7), encode([7]), encode([["name", bytes(32), bytes(31), 1]]), encode([[]] * 17)]
)
def test_stored_sessions_that_cannot_be_read_sign_nobody_in(sessions: Sessions, stored: bytes) -> None:
    sessions.restore(stored)
    assert sessions.stored() == encode([])


def test_stored_session_that_would_last_longer_than_any_is_not_taken(sessions: Sessions, clock: Clock) -> None:
    sessions.restore(encode([["name", bytes(32), bytes(32), clock.wall + SESSION_SECONDS + 1]]))
    assert sessions.stored() == encode([])
