"""Signed statements: what they say, whose they are, and what of any bytes is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.line_pair import START, party, setup_of
from watchline.core.encoding import decode, encode
from watchline.core.entries import Direction
from watchline.core.epochs import EpochOpening
from watchline.core.frames import Stated
from watchline.core.limits import OPEN_LISTED_MAX, PREKEYS_MAX, STATEMENT_BYTES_MAX
from watchline.core.statements import (
    OpenItem,
    Statement,
    StatementType,
    Status,
    epoch_values,
    kept_rung,
    preview,
    read_epoch,
    read_prekeys,
    read_routes,
    read_statement,
    read_status,
    sign_statement,
    status_in,
    verify_statement,
)
from watchline.errors import BadSignature, Malformed, PeerError, WrongParty

TOKYO, BEIJING = party("Tokyo"), party("Beijing")
DIRECTION = setup_of(TOKYO, BEIJING).outgoing
KEY, PUBLIC = TOKYO.keys.statement, TOKYO.keys.public.statement
STATUS = Status(
    START, 7, b"o" * 32, 5, b"h" * 32, 2, 30, 3, 4,
    (OpenItem(3, 0, 10, 600), OpenItem(4, 1, 11, 3600)), 0, 4, (1, 2, 3), bytes(16), None,
)  # fmt: skip
VALUES: dict[StatementType, tuple[object, ...]] = {
    StatementType.STATUS: STATUS.values(),
    StatementType.EPOCH: epoch_values(EpochOpening(2, 1, bytes(32), bytes(1168))),
    StatementType.PREKEYS: (1, [bytes(1216)] * 2),
    StatementType.ROUTES: (START, [["direct", "192.0.2.1:4300"]]),
}
READERS = {
    StatementType.STATUS: read_status,
    StatementType.EPOCH: read_epoch,
    StatementType.PREKEYS: read_prekeys,
    StatementType.ROUTES: read_routes,
}


@pytest.mark.parametrize("kind", list(StatementType))
def test_statement_travels_without_its_parties_and_is_read_back(kind: StatementType) -> None:
    made = sign_statement(kind, DIRECTION, VALUES[kind], KEY)
    verified = verify_statement(made.stated(), DIRECTION, PUBLIC)
    assert (verified.type, verified.direction, verified.payload) == (kind, DIRECTION, made.payload)
    assert preview(made.stated()) == (kind, list(verified.values))
    READERS[kind](verified)
    assert read_statement(made.payload, made.ed, made.ml, PUBLIC) == verified
    assert DIRECTION.line not in made.stated().spoken


def test_values_come_out_as_they_went_in() -> None:
    def through(kind: StatementType) -> Statement:
        return verify_statement(sign_statement(kind, DIRECTION, VALUES[kind], KEY).stated(), DIRECTION, PUBLIC)

    assert read_status(through(StatementType.STATUS)) == STATUS
    assert read_epoch(through(StatementType.EPOCH)) == EpochOpening(2, 1, bytes(32), bytes(1168))
    assert read_prekeys(through(StatementType.PREKEYS)) == {1: bytes(1216), 2: bytes(1216)}
    assert read_routes(through(StatementType.ROUTES)) == (START, (("direct", "192.0.2.1:4300"),))


@pytest.mark.parametrize("kind", list(StatementType))
def test_statement_for_another_line_desk_direction_or_incarnation_is_refused(kind: StatementType) -> None:
    stated = sign_statement(kind, DIRECTION, VALUES[kind], KEY).stated()
    swapped = DIRECTION._replace(sender=DIRECTION.recipient, recipient=DIRECTION.sender)
    others = [swapped, DIRECTION._replace(line=bytes(31) + b"\1"), DIRECTION._replace(sender=bytes(32))]
    others.append(DIRECTION._replace(recipient=bytes(32)))
    for other in others:
        with pytest.raises(BadSignature):
            verify_statement(stated, other, PUBLIC)
    for other in (DIRECTION._replace(inc=2), DIRECTION._replace(peer_inc=2)):
        with pytest.raises(WrongParty):
            verify_statement(stated, other, PUBLIC)
    with pytest.raises(BadSignature):
        verify_statement(stated, DIRECTION, BEIJING.keys.public.statement)


@pytest.mark.parametrize("kind", list(StatementType))
def test_one_half_of_the_signatures_is_enough_for_a_status_only(kind: StatementType) -> None:
    made = sign_statement(kind, DIRECTION, VALUES[kind], KEY, both=False)
    if kind is StatementType.STATUS:
        assert verify_statement(made.stated(), DIRECTION, PUBLIC).ml is None
    else:
        with pytest.raises(BadSignature):
            verify_statement(made.stated(), DIRECTION, PUBLIC)
    whole = sign_statement(kind, DIRECTION, VALUES[kind], KEY).stated()
    for broken in (replace(whole, ed=bytes(64)), replace(whole, ml=bytes(2420)), replace(whole, ml=b"")):
        with pytest.raises(PeerError):
            verify_statement(broken, DIRECTION, PUBLIC)


@pytest.mark.parametrize("count", range(3))
def test_statement_without_its_type_and_incarnations_is_refused_before_its_signatures_are_looked_at(count: int) -> None:
    parts = decode(sign_statement(StatementType.STATUS, DIRECTION, (), KEY).stated().spoken)
    assert len(parts) == 3
    stated = Stated(encode(parts[:count]), bytes(64), None)
    for read in (preview, lambda stated: verify_statement(stated, DIRECTION, PUBLIC)):
        with pytest.raises(Malformed) as refused:
            read(stated)
        assert refused.value.rule == 4
    assert preview(Stated(encode(parts), bytes(64), None)) == (StatementType.STATUS, [])


@pytest.mark.parametrize("count", range(6))
def test_statement_in_its_whole_form_without_all_its_parties_is_refused(count: int) -> None:
    parts = decode(sign_statement(StatementType.STATUS, DIRECTION, (), KEY).payload)
    assert len(parts) == 6
    with pytest.raises(Malformed) as refused:
        read_statement(encode(parts[:count]), bytes(64), None, PUBLIC)
    assert refused.value.rule == 4


def test_statement_cut_at_every_byte_or_with_bytes_left_over_is_refused() -> None:
    made = sign_statement(StatementType.STATUS, DIRECTION, STATUS.values(), KEY, both=False)
    stated = made.stated()
    for length in range(len(stated.spoken)):
        with pytest.raises(PeerError):
            verify_statement(replace(stated, spoken=stated.spoken[:length]), DIRECTION, PUBLIC)
    with pytest.raises(PeerError):
        verify_statement(replace(stated, spoken=stated.spoken + b"\0"), DIRECTION, PUBLIC)
    for length in range(len(made.payload)):
        with pytest.raises(PeerError):
            read_statement(made.payload[:length], made.ed, made.ml, PUBLIC)
    with pytest.raises(PeerError):
        read_statement(made.payload + b"\0", made.ed, made.ml, PUBLIC)


ANYTHING = st.recursive(
    st.integers(-1, 3) | st.binary(max_size=33) | st.none() | st.booleans() | st.text(max_size=3),
    lambda value: st.lists(value, max_size=5),
)


@pytest.mark.slow
@pytest.mark.parametrize("kind", list(StatementType))
@settings(max_examples=30)
@given(values=st.lists(ANYTHING, max_size=16), data=st.data())
def test_any_signed_values_give_a_statement_or_a_refusal(
    kind: StatementType, values: list[object], data: st.DataObject
) -> None:
    """A dishonest desk signs what it likes, whole or with one part of an honest statement replaced."""
    honest = list(decode(encode(list(VALUES[kind]))))
    honest[data.draw(st.integers(0, len(honest) - 1))] = data.draw(ANYTHING)
    for offered in (values, honest):
        try:
            READERS[kind](Statement(kind, DIRECTION, tuple(offered), b"", b"", None))
        except PeerError:
            continue


def changed(kind: StatementType, *path: int, to: object) -> Statement:
    """A statement that was verified, with one of its values replaced."""
    values = list(decode(encode(list(VALUES[kind]))))
    holder = values
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = to
    return Statement(kind, DIRECTION, tuple(values), b"", b"", None)


LIST = [[1, 0, 0, 0]]
AT_THE_BOUND: list[tuple[StatementType, tuple[int, ...], object]] = [
    (StatementType.STATUS, (9,), LIST * 64),
    (StatementType.STATUS, (9, 0, 1), 1),
    (StatementType.STATUS, (14,), bytes(16)),
    (StatementType.EPOCH, (0,), 1),
    (StatementType.PREKEYS, (0,), 1),
    (StatementType.PREKEYS, (1,), [bytes(1216)] * 32),
    (StatementType.ROUTES, (1,), [["direct", "192.0.2.1:4300"]] * 16),
    (StatementType.ROUTES, (1, 0, 0), "k" * 32),
    (StatementType.ROUTES, (1, 0, 1), "a" * 512),
]
BEYOND: list[tuple[StatementType, tuple[int, ...], object]] = [
    *((StatementType.STATUS, (at,), -1) for at in (0, 1, 3, 5, 6, 7, 8, 10, 11)),
    *((StatementType.STATUS, (at,), bytes(31)) for at in (2, 4)),
    (StatementType.STATUS, (9,), LIST * 65),
    (StatementType.STATUS, (9, 0), [1, 0, 0]),
    (StatementType.STATUS, (9, 0), [1, 0, 0, 0, 0]),
    (StatementType.STATUS, (9, 0, 0), -1),
    (StatementType.STATUS, (9, 0, 1), 2),
    (StatementType.STATUS, (9, 0, 2), -1),
    (StatementType.STATUS, (9, 0, 3), -1),
    (StatementType.STATUS, (12,), [1, 2]),
    (StatementType.STATUS, (12,), [1, 2, 3, 4]),
    (StatementType.STATUS, (12, 1), -1),
    (StatementType.STATUS, (13,), bytes(15)),
    (StatementType.STATUS, (14,), bytes(17)),
    (StatementType.EPOCH, (0,), 0),
    (StatementType.EPOCH, (1,), -1),
    (StatementType.EPOCH, (2,), bytes(31)),
    (StatementType.EPOCH, (3,), bytes(1167)),
    (StatementType.PREKEYS, (0,), 0),
    (StatementType.PREKEYS, (1,), [bytes(1216)] * 33),
    (StatementType.PREKEYS, (1, 0), bytes(1215)),
    (StatementType.ROUTES, (0,), -1),
    (StatementType.ROUTES, (1,), [["direct", "192.0.2.1:4300"]] * 17),
    (StatementType.ROUTES, (1, 0), ["direct"]),
    (StatementType.ROUTES, (1, 0), ["direct", "192.0.2.1:4300", "?"]),
    (StatementType.ROUTES, (1, 0, 0), "k" * 33),
    (StatementType.ROUTES, (1, 0, 1), "a" * 513),
]


@pytest.mark.parametrize(("kind", "path", "value"), AT_THE_BOUND)
def test_value_at_its_bound_is_read(kind: StatementType, path: tuple[int, ...], value: object) -> None:
    READERS[kind](changed(kind, *path, to=value))


@pytest.mark.parametrize(("kind", "path", "value"), BEYOND)
def test_value_beyond_its_bound_is_refused(kind: StatementType, path: tuple[int, ...], value: object) -> None:
    with pytest.raises(Malformed) as refused:
        READERS[kind](changed(kind, *path, to=value))
    assert refused.value.rule == 39


@pytest.mark.parametrize("kind", list(StatementType))
@pytest.mark.parametrize("change", [lambda values: values[:-1], lambda values: (*values, 0)], ids=["fewer", "more"])
def test_statement_with_fewer_or_more_values_than_its_type_has_is_refused(
    kind: StatementType, change: Callable[[tuple[object, ...]], tuple[object, ...]]
) -> None:
    values = change(tuple(decode(encode(list(VALUES[kind])))))
    with pytest.raises(Malformed):
        READERS[kind](Statement(kind, DIRECTION, values, b"", b"", None))


def test_refusals_of_a_statement_name_their_rules() -> None:
    made = sign_statement(StatementType.EPOCH, DIRECTION, VALUES[StatementType.EPOCH], KEY)
    spoken = decode(made.stated().spoken)
    unknown = Stated(encode([5, *spoken[1:]]), made.ed, made.ml)
    foreign = Stated(encode([spoken[0], 2, *spoken[2:]]), made.ed, made.ml)
    half = Stated(made.stated().spoken, made.ed, None)
    rules: list[int | None] = []
    for stated in (unknown, foreign, half):
        with pytest.raises(PeerError) as refused:
            verify_statement(stated, DIRECTION, PUBLIC)
        rules.append(refused.value.rule)
    assert rules == [4, 20, 4]


@pytest.mark.parametrize("number", [0, 5])
def test_kept_statement_of_an_unknown_type_is_refused_before_its_signatures(number: int) -> None:
    parts = decode(sign_statement(StatementType.STATUS, DIRECTION, STATUS.values(), KEY).payload)
    with pytest.raises(Malformed) as refused:
        read_statement(encode([number, *parts[1:]]), bytes(64), None, PUBLIC)
    assert refused.value.rule == 39


def test_kept_statement_says_whose_it_is_in_which_incarnations() -> None:
    direction = DIRECTION._replace(inc=3, peer_inc=5)
    made = sign_statement(StatementType.STATUS, direction, STATUS.values(), KEY)
    assert read_statement(made.payload, made.ed, made.ml, PUBLIC).direction == direction


def test_statement_that_says_nothing_is_read_as_one() -> None:
    made = sign_statement(StatementType.STATUS, DIRECTION, (), KEY)
    assert verify_statement(made.stated(), DIRECTION, PUBLIC).values == ()
    assert read_statement(made.payload, made.ed, made.ml, PUBLIC).values == ()
    with pytest.raises(Malformed) as refused:
        status_in(made.payload)
    assert refused.value.rule == 39


SHORT = bytes(31)


@pytest.mark.parametrize(
    "direction",
    [DIRECTION._replace(line=SHORT), DIRECTION._replace(sender=SHORT), DIRECTION._replace(recipient=SHORT)],
    ids=["line", "sender", "recipient"],
)
def test_kept_statement_that_names_no_line_or_desk_is_refused(direction: Direction) -> None:
    made = sign_statement(StatementType.STATUS, direction, (), KEY)
    with pytest.raises(Malformed) as refused:
        read_statement(made.payload, made.ed, made.ml, PUBLIC)
    assert refused.value.rule == 39


def test_kept_statement_of_the_largest_size_is_looked_at() -> None:
    overhead = len(encode([int(StatementType.STATUS), *DIRECTION, bytes(65_000)])) - 65_000
    size = STATEMENT_BYTES_MAX - overhead
    largest = encode([int(StatementType.STATUS), *DIRECTION, bytes(size)])
    assert len(largest) == STATEMENT_BYTES_MAX
    with pytest.raises(BadSignature):
        read_statement(largest, bytes(64), None, PUBLIC)
    made = sign_statement(StatementType.STATUS, DIRECTION, (bytes(size),), KEY)
    assert read_statement(made.payload, made.ed, made.ml, PUBLIC).payload == largest
    with pytest.raises(Malformed) as refused:
        read_statement(largest + b"\0", bytes(64), None, PUBLIC)
    assert refused.value.rule == 39


def test_what_a_kept_status_says_is_read_without_its_signatures() -> None:
    payload = sign_statement(StatementType.STATUS, DIRECTION, STATUS.values(), KEY).payload
    assert kept_rung(payload) == STATUS.rung
    assert status_in(payload) == STATUS
    for parts in (decode(payload)[:-1], [*decode(payload), 0]):
        with pytest.raises(Malformed):
            kept_rung(encode(parts))


def test_kept_statement_that_is_no_status_is_not_read_as_one() -> None:
    parts = decode(sign_statement(StatementType.STATUS, DIRECTION, STATUS.values(), KEY).payload)
    for payload in (encode([4, *parts[1:]]), encode(parts[:5]), encode([])):
        with pytest.raises(Malformed) as refused:
            status_in(payload)
        assert refused.value.rule == 4


@given(st.binary(max_size=80))
def test_any_bytes_are_no_statement(junk: bytes) -> None:
    with pytest.raises(PeerError):
        verify_statement(Stated(junk, bytes(64), None), DIRECTION, PUBLIC)
    with pytest.raises(PeerError):
        read_statement(junk, bytes(64), None, PUBLIC)


def test_more_open_notices_or_prekeys_than_a_statement_may_name_are_refused() -> None:
    items = tuple(OpenItem(n, 0, 0, 1) for n in range(OPEN_LISTED_MAX + 1))
    with pytest.raises(PeerError):
        read_status(Statement(StatementType.STATUS, DIRECTION, replace(STATUS, open=items).values(), b"", b"", None))
    with pytest.raises(PeerError):
        read_prekeys(Statement(StatementType.PREKEYS, DIRECTION, (1, [bytes(1216)] * (PREKEYS_MAX + 1)), b"", b"", None))


def test_statement_beyond_its_size_is_neither_made_nor_read() -> None:
    values = (START, [["direct", "x" * STATEMENT_BYTES_MAX]])
    with pytest.raises(ValueError, match="too large"):
        sign_statement(StatementType.ROUTES, DIRECTION, values, KEY)
    payload = encode([int(StatementType.ROUTES), *DIRECTION, *values])
    with pytest.raises(Malformed, match="at most 65536 bytes"):
        read_statement(payload, bytes(64), bytes(2420), PUBLIC)
