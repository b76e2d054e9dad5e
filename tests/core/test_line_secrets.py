"""The secrets that a desk holds for one line: what each step of a change-over leaves, and what is never taken back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from watchline.core.encoding import encode
from watchline.core.line_secrets import FILE_BYTES_MAX, RENEWALS_MAX, LineSecrets, secret_mark
from watchline.errors import Malformed

OLD, NEW, OTHER = b"o" * 32, b"n" * 32, b"x" * 32
FILE3 = b"file 3"
FIRST = LineSecrets(OLD)
OFFERED = FIRST.offered(NEW, FILE3)
TAKEN = FIRST.taken(NEW)
CHANGED = TAKEN.changed()
SETTLED = CHANGED.heard(NEW)


def test_marks_tell_secrets_apart_and_are_not_the_secrets() -> None:
    assert secret_mark(OLD) != secret_mark(NEW)
    assert len(secret_mark(OLD)) == 32
    assert FIRST.mark == secret_mark(OLD) != OLD


@pytest.mark.parametrize(
    ("secrets", "expected"),
    [
        (FIRST, LineSecrets(OLD)),
        (OFFERED, LineSecrets(OLD, next=NEW, known=False, file3=FILE3)),
        (TAKEN, LineSecrets(OLD, next=NEW, known=True)),
        (OFFERED.heard(NEW), TAKEN),
        (CHANGED, LineSecrets(NEW, previous=OLD, earlier=(secret_mark(OLD),))),
        (OFFERED.heard(NEW).changed(), CHANGED),
        (SETTLED, LineSecrets(NEW, earlier=(secret_mark(OLD),))),
        (OFFERED.restored(), replace(CHANGED, file3=FILE3)),
        (OFFERED.restored().heard(NEW), SETTLED),
        (TAKEN.restored(), CHANGED),
        (TAKEN.offered(OTHER, FILE3), LineSecrets(OLD, next=OTHER, file3=FILE3)),
        (OFFERED.taken(OTHER), LineSecrets(OLD, next=OTHER, known=True)),
        (
            SETTLED.taken(OTHER).changed(),
            LineSecrets(OTHER, previous=NEW, earlier=(secret_mark(OLD), secret_mark(NEW))),
        ),
    ],
)
def test_each_step_of_a_change_over_leaves_what_it_should(secrets: LineSecrets, expected: LineSecrets) -> None:
    assert secrets == expected


@pytest.mark.parametrize("secrets", [FIRST, OFFERED, CHANGED, SETTLED])
def test_nobody_changes_before_the_other_desk_is_known_to_hold_the_new_secret(secrets: LineSecrets) -> None:
    assert secrets.changed() is secrets


@pytest.mark.parametrize("secrets", [FIRST, CHANGED, SETTLED])
def test_copy_without_a_renewal_to_finish_goes_on_as_it_is(secrets: LineSecrets) -> None:
    assert secrets.restored() is secrets


@pytest.mark.parametrize(
    ("secrets", "secret"),
    [(FIRST, OLD), (OFFERED, OLD), (TAKEN, NEW), (TAKEN, OLD), (CHANGED, OLD), (SETTLED, NEW), (SETTLED, OLD), (FIRST, OTHER)],
)
def test_frame_that_tells_nothing_changes_nothing(secrets: LineSecrets, secret: bytes) -> None:
    assert secrets.heard(secret) is secrets
    assert not secrets.is_told_by(secret)


@pytest.mark.parametrize(("secrets", "secret"), [(OFFERED, NEW), (CHANGED, NEW)])
def test_frame_under_the_new_secret_tells_that_the_peer_holds_it(secrets: LineSecrets, secret: bytes) -> None:
    assert secrets.is_told_by(secret)


@pytest.mark.parametrize(
    ("secrets", "held", "renewals", "newest", "changing"),
    [
        (FIRST, (OLD,), 0, 0, False),
        (OFFERED, (OLD, NEW), 0, 1, False),
        (TAKEN, (OLD, NEW), 0, 1, True),
        (CHANGED, (NEW, OLD), 1, 1, True),
        (SETTLED, (NEW,), 1, 1, False),
    ],
)
def test_secrets_that_are_held_are_counted_and_the_spoken_one_is_the_first(
    secrets: LineSecrets, held: tuple[bytes, ...], renewals: int, newest: int, changing: bool
) -> None:
    assert (secrets.all, secrets.renewals, secrets.newest, secrets.is_changing) == (held, renewals, newest, changing)
    marks = {OLD: b"", NEW: secret_mark(NEW)}
    assert list(secrets.epoch_marks()) == [(secret, marks[secret]) for secret in held]
    assert secrets.spoken_with_mark == (held[0], marks[held[0]])


AGAIN = SETTLED.offered(OTHER, FILE3)
TWICE = SETTLED.taken(OTHER).changed()


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        *((each, each) for each in (FIRST, OFFERED, TAKEN, CHANGED, SETTLED, AGAIN, TWICE)),
        *((newer, FIRST) for newer in (OFFERED, TAKEN, CHANGED, SETTLED, AGAIN, TWICE)),
        *((newer, older) for newer in (AGAIN, TWICE) for older in (OFFERED, TAKEN, CHANGED, SETTLED)),
        (TAKEN, CHANGED), (CHANGED, TAKEN), (SETTLED, OFFERED), (OFFERED, SETTLED), (AGAIN, TWICE), (TWICE, AGAIN),
    ],
)  # fmt: skip
def test_secrets_follow_those_that_they_come_from_or_may_have_stood_beside(newer: LineSecrets, older: LineSecrets) -> None:
    assert newer.follows(older)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (FIRST, OFFERED), (FIRST, SETTLED), (SETTLED, TWICE), (FIRST, LineSecrets(OTHER)),
        (SETTLED, LineSecrets(OTHER)), (OFFERED, LineSecrets(OTHER)), (TWICE, LineSecrets(b"y" * 32).taken(NEW)),
        (SETTLED, LineSecrets(OTHER, earlier=(secret_mark(OLD),))),
    ],
)  # fmt: skip
def test_secrets_never_follow_newer_ones_or_those_of_another_line(one: LineSecrets, other: LineSecrets) -> None:
    assert not one.follows(other)


GOOD: list[Any] = [NEW, True, OTHER, [secret_mark(OLD)], FILE3]


@pytest.mark.parametrize(
    ("at", "value"),
    [(0, None), (1, False), (2, None), (3, []), (3, [OLD] * RENEWALS_MAX), (4, None), (4, b""), (4, bytes(FILE_BYTES_MAX))],
)
def test_secrets_at_their_bounds_are_read_and_written_again(at: int, value: Any) -> None:
    data = encode([*GOOD[:at], value, *GOOD[at + 1 :]])
    read = LineSecrets.decode(OLD, data)
    assert read.spoken == OLD
    assert read.encode() == data


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (0, bytes(31)), (0, bytes(33)), (1, 1), (1, None), (2, bytes(31)), (2, bytes(33)), (3, None), (3, [bytes(31)]),
        (3, [bytes(33)]), (3, [None]), (3, [OLD] * (RENEWALS_MAX + 1)), (4, bytes(FILE_BYTES_MAX + 1)), (4, "x"),
    ],
)  # fmt: skip
def test_secrets_beyond_their_bounds_are_refused(at: int, value: Any) -> None:
    with pytest.raises(Malformed):
        LineSecrets.decode(OLD, encode([*GOOD[:at], value, *GOOD[at + 1 :]]))


@pytest.mark.parametrize("values", [GOOD[:4], [*GOOD, None], None])
def test_secrets_of_another_number_of_parts_are_refused(values: Any) -> None:
    with pytest.raises(Malformed):
        LineSecrets.decode(OLD, encode(values))


def test_secrets_stand_in_no_text_of_them() -> None:
    text = repr(LineSecrets(OLD, NEW, True, OTHER, (b"m" * 32,), b"f" * 32))
    assert not any(letter * 5 in text for letter in "onxmf")
