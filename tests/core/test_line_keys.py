"""While two secrets of a line are held: each frame and each epoch goes by the one under which its author spoke."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.line_pair import SECRET, party, setup_of
from watchline.core.epochs import NO_ROOT_KEY, EpochOpening, open_epoch
from watchline.core.frames import Probe
from watchline.core.keys import KemKey
from watchline.core.line_keys import LineKeys, follow
from watchline.core.line_secrets import LineSecrets
from watchline.core.setting import LineSetup
from watchline.errors import BadSignature, Malformed

TOKYO, BEIJING = party("Tokyo"), party("Beijing")
NEXT = bytes(32 * [8])
PREKEY = KemKey(bytes(32))

FIRST = LineSecrets(SECRET)
OFFERED = FIRST.offered(NEXT, b"file 3")
CHANGED = FIRST.taken(NEXT).changed()
SETTLED = replace(CHANGED, previous=None)


def tokyo(secrets: LineSecrets) -> LineSetup:
    return setup_of(TOKYO, BEIJING).with_secrets(secrets)


def beijing(secrets: LineSecrets) -> LineSetup:
    return setup_of(BEIJING, TOKYO).with_secrets(secrets)


def opened(setup: LineSetup) -> tuple[EpochOpening, bytes]:
    """An epoch that this desk opens, and the chain key that it begins with."""
    secret, mark = setup.secrets.spoken_with_mark
    opening, chain = open_epoch(setup.outgoing, 1, 0, PREKEY.public, bytes(32), secret, NO_ROOT_KEY, mark=mark)
    return opening, chain.chain_key


@pytest.mark.parametrize("author", [FIRST, OFFERED, CHANGED, SETTLED], ids=["first", "offered", "changed", "settled"])
@pytest.mark.parametrize("reader", [OFFERED, CHANGED], ids=["offered", "changed"])
def test_whoever_holds_both_secrets_follows_an_epoch_of_either(author: LineSecrets, reader: LineSecrets) -> None:
    opening, key = opened(tokyo(author))
    assert follow(beijing(reader), opening, PREKEY, NO_ROOT_KEY).chain_key == key


@pytest.mark.parametrize(("author", "reader"), [(SETTLED, FIRST), (FIRST, SETTLED)])
def test_epoch_of_a_secret_that_is_not_held_is_refused_and_never_taken_for_another_chain(
    author: LineSecrets, reader: LineSecrets
) -> None:
    opening, _ = opened(tokyo(author))
    with pytest.raises(BadSignature):
        follow(beijing(reader), opening, PREKEY, NO_ROOT_KEY)


def test_epoch_of_a_line_that_was_never_renewed_is_what_it_was() -> None:
    setup = tokyo(FIRST)
    assert setup.secrets.spoken_with_mark == (SECRET, b"")
    assert replace(setup, renewed=None).secrets == FIRST


@pytest.mark.parametrize("author", [FIRST, OFFERED, CHANGED, SETTLED], ids=["first", "offered", "changed", "settled"])
def test_frame_opens_under_each_secret_that_is_held_and_says_which(author: LineSecrets) -> None:
    frame = LineKeys(tokyo(author)).seal([Probe(None, None, 0)], bytes(12))
    for reader in (OFFERED, CHANGED):
        items, secret = LineKeys(beijing(reader)).open(frame)
        assert (items, secret) == ([Probe(None, None, 0)], author.spoken)
    for alone in (FIRST, SETTLED):
        if alone.spoken != author.spoken:
            with pytest.raises(BadSignature):
                LineKeys(beijing(alone)).open(frame)


def test_our_own_frame_does_not_open_here() -> None:
    keys = LineKeys(tokyo(CHANGED))
    with pytest.raises(BadSignature):
        keys.open(keys.seal([], bytes(12)))


def test_bad_frame_is_refused_under_two_secrets_as_under_one() -> None:
    keys = LineKeys(tokyo(CHANGED))
    with pytest.raises(Malformed):
        keys.open(b"short")
    with pytest.raises(BadSignature):
        keys.open(bytes(512))


@pytest.mark.parametrize(
    ("held", "secret", "told"),
    [
        (FIRST, SECRET, False),
        (OFFERED, SECRET, False),
        (OFFERED, NEXT, True),
        (OFFERED.heard(NEXT), NEXT, False),
        (CHANGED, SECRET, False),
        (CHANGED, NEXT, True),
        (SETTLED, NEXT, False),
    ],
)
def test_only_a_frame_under_the_newer_secret_tells_a_desk_anything(held: LineSecrets, secret: bytes, told: bool) -> None:
    assert held.is_told_by(secret) is told
