"""A desk brings its heads to witnesses: what presses at once, beside its other work; and believes none of them a word."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from tests.desk.desk_pair import DeskEnd, DeskPair
from tests.line_pair import START, terms
from watchline.core.checkpoint import Checkpoint, parse_note
from watchline.core.entries import EntryType, Notice, Precedence
from watchline.core.keys import Ed25519Key
from watchline.core.outgoing import Draft
from watchline.core.setting import Moment
from watchline.core.terms import Witness
from watchline.core.witnessing import ANSWER_BYTES_MAX, AddCheckpoint, WitnessKey
from watchline.desk.bringing import RETRY_LAST_SECONDS, ROUTINE_SECONDS, Bringing, log_key, own_logs
from watchline.desk.witness_addresses import WitnessAddress, read_witness_addresses
from watchline.desk.witnesses import Witnesses
from watchline.errors import UsageError
from watchline.witness.logs import Anyone
from watchline.witness.service import Witness as Service
from watchline.witness.service import make_app
from watchline.witness.store import Store

KEY, OTHER = (WitnessKey(f"witness.example.org/{name}", Ed25519Key(name.encode() * 32)) for name in "12")
VKEY = KEY.verifier.to_text()
AGREED = replace(terms(), witnesses=(Witness("Geneva", VKEY),))
ADDRESS = WitnessAddress(VKEY, "http://witness.test/w")


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[DeskPair]:
    both = DeskPair(tmp_path, agreed=AGREED)
    both.join()
    both.advance(5)
    yield both
    both.close()


def notice(end: DeskEnd, precedence: Precedence = Precedence.FLASH) -> int:
    content = Notice("free-text", 1, precedence, False, "en", {1: "text"}).encode()
    return end.desk.compose(end.line, Draft(EntryType.NOTICE, content)).index


def bringing(end: DeskEnd) -> Bringing:
    """What stands between a desk and its witness; it waits as long as it may."""
    made = Bringing(end.journal, end.line.line.setup, KEY.verifier, lambda _, longest: longest)

    def note(_: object, records: object) -> None:
        made.note(records)  # type: ignore[arg-type]

    end.desk.on_committed = note
    return made


def moment(pair: DeskPair) -> Moment:
    return pair.a.scheduler.moment()


def asked(found: Bringing) -> tuple[AddCheckpoint, Checkpoint]:
    request = found.request()
    assert request.path == "/add-checkpoint"
    parsed = AddCheckpoint.parse(request.body)
    return parsed, Checkpoint.parse(parse_note(parsed.note).text)


def cosign(head: Checkpoint, time: int, key: WitnessKey = KEY) -> bytes:
    return key.cosign(head.text(), time)


def seen(found: Bringing, pair: DeskPair) -> Checkpoint:
    """The witness signs what it is shown."""
    _, head = asked(found)
    assert found.answered(200, cosign(head, moment(pair).wall), moment(pair)).word == "cosigned"
    return head


def is_due(found: Bringing, pair: DeskPair) -> bool:
    at = found.due_at()
    return at is not None and at <= moment(pair).running


# -- what is brought, and when


def test_pressing_notice_is_brought_at_once_and_others_within_an_hour(pair: DeskPair) -> None:
    found = bringing(pair.a)
    assert is_due(found, pair)
    seen(found, pair)

    notice(pair.a, Precedence.PRIORITY)
    pair.advance(1)
    assert not is_due(found, pair)
    at = found.due_at()
    assert at is not None
    assert at - moment(pair).running <= ROUTINE_SECONDS

    index = notice(pair.a, Precedence.IMMEDIATE)
    pair.advance(1)
    assert is_due(found, pair)
    assert found.is_urgent
    assert seen(found, pair).size > index
    assert not is_due(found, pair)


def test_only_the_newest_head_is_brought(pair: DeskPair) -> None:
    found = bringing(pair.a)
    first = seen(found, pair)
    for _ in range(3):
        notice(pair.a)
        pair.advance(1)

    request, head = asked(found)

    assert (request.old_size, head.size) == (first.size, pair.a.journal.size(pair.a.line.line.setup.outgoing_log))


def test_witness_that_knows_another_size_is_brought_the_proof_from_there(pair: DeskPair) -> None:
    found = bringing(pair.a)
    notice(pair.a)
    pair.advance(1)
    assert asked(found)[0].old_size == 0

    assert found.answered(409, b"1\n", moment(pair)).word == "corrected"

    assert is_due(found, pair)
    assert asked(found)[0].old_size == 1
    seen(found, pair)


def test_restart_knows_what_the_witness_saw(pair: DeskPair) -> None:
    found = bringing(pair.a)
    _, head = asked(found)
    outcome = found.answered(200, cosign(head, START), replace_wall(pair, START))
    assert outcome.cosignature is not None
    pair.a.line.line.take_cosignatures([outcome.cosignature])
    pair.a.desk.touch(pair.a.line)
    pair.advance(1)
    pair.a.restart()

    again = Bringing(pair.a.journal, pair.a.line.line.setup, KEY.verifier)

    assert again.due_at() is None
    (row,) = own_logs(pair.a.desk)
    assert row["witnesses"] == [{"name": "Geneva", "vkey": VKEY, "usable": True, "size": head.size, "time": START}]


def replace_wall(pair: DeskPair, wall: int) -> Moment:
    return replace(moment(pair), wall=wall)


def test_waits_grow_to_ten_minutes_and_begin_anew_after_a_success(pair: DeskPair) -> None:
    found = bringing(pair.a)
    waits = []
    for _ in range(14):
        found.request()
        found.failed("unreachable", moment(pair))
        at = found.due_at()
        assert at is not None
        waits.append(at - moment(pair).running)
    assert waits[:4] == [1, 2, 4, 8]
    assert waits[-1] == RETRY_LAST_SECONDS

    seen(found, pair)
    notice(pair.a)
    pair.advance(1)
    assert is_due(found, pair)


def test_log_that_is_not_known_is_offered_once(pair: DeskPair) -> None:
    found = bringing(pair.a)
    found.request()
    assert found.answered(404, b"who\n", moment(pair)).word == "unknown"
    offer = found.request()
    assert (offer.path, offer.body.decode().strip()) == ("/add-log", log_key(pair.a.line.line.setup).to_text())
    assert found.answered(404, b"no\n", moment(pair)).word == "unlisted"
    assert not is_due(found, pair)

    found.request()
    assert found.answered(404, b"who\n", moment(pair)).word == "unlisted"


# -- witnesses that lie


@pytest.mark.slow
@pytest.mark.parametrize("offset", [-601, 601])
def test_cosignature_with_a_time_far_from_ours_is_dropped_and_alarmed(pair: DeskPair, offset: int) -> None:
    found = bringing(pair.a)
    _, head = asked(found)

    outcome = found.answered(200, cosign(head, moment(pair).wall + offset), moment(pair))

    assert outcome.cosignature is None
    assert outcome.alarm is not None
    assert "clock" in outcome.alarm.message
    assert outcome.alarm.evidence
    assert not is_due(found, pair)


def test_cosignature_on_another_root_or_by_another_key_is_dropped_and_alarmed(pair: DeskPair) -> None:
    found = bringing(pair.a)
    _, head = asked(found)
    wall = moment(pair).wall
    for body in (
        cosign(replace(head, root=bytes(32)), wall),
        cosign(head, wall, OTHER),
        b"",
        b"\xff",
        b"x" * (ANSWER_BYTES_MAX + 1),
    ):
        outcome = found.answered(200, body, moment(pair))
        assert outcome.cosignature is None
        assert outcome.alarm is not None


@pytest.mark.slow
@pytest.mark.parametrize(("status", "body"), [(409, b"99\n"), (409, b"0\n"), (422, b"no\n")])
def test_witness_that_speaks_of_another_log_of_ours_is_alarmed(pair: DeskPair, status: int, body: bytes) -> None:
    found = bringing(pair.a)
    found.request()

    outcome = found.answered(status, body, moment(pair))

    assert outcome.alarm is not None
    assert not is_due(found, pair)


@pytest.mark.slow
def test_witness_that_corrects_again_and_again_is_asked_less_often(pair: DeskPair) -> None:
    found = bringing(pair.a)
    for number in range(4):
        notice(pair.a)
        pair.advance(1)
        found.request()
        found.answered(409, b"%d\n" % (number % 2 + 1), moment(pair))
    assert not is_due(found, pair)


@pytest.mark.slow
@pytest.mark.parametrize(("status", "body"), [(400, b""), (403, b"x"), (409, b"seven\n"), (500, b""), (302, b""), (503, b"")])
def test_other_answers_are_tried_again_later(pair: DeskPair, status: int, body: bytes) -> None:
    found = bringing(pair.a)
    found.request()

    outcome = found.answered(status, body, moment(pair))

    assert (outcome.cosignature, outcome.alarm) == (None, None)
    assert not is_due(found, pair)


# -- beside the loop


Handler = Callable[[httpx.Request], Awaitable[httpx.Response]]


class Answering(httpx.AsyncBaseTransport):
    """A witness's end of the wire in this process."""

    def __init__(self, answer: Handler) -> None:
        self._answer = answer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._answer(request)


async def until(reached: Callable[[], bool]) -> None:
    for _ in range(2_000):
        if reached():
            return
        await asyncio.sleep(0)
    raise AssertionError("it did not come so far")


def held(end: DeskEnd, *, own: bool) -> list[int]:
    setup = end.line.line.setup
    found = end.journal.latest_cosignatures(setup.outgoing_log if own else setup.incoming_log, 99)
    return [each.size for each in found]


def run(pair: DeskPair, transport: httpx.AsyncBaseTransport, play: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        witnesses = Witnesses(pair.a.desk, [ADDRESS], transport=transport)
        witnesses.start()
        try:
            await play()
        finally:
            await witnesses.stop()

    asyncio.run(whole())


def service(pair: DeskPair, folder: Path) -> tuple[Store, httpx.ASGITransport]:
    from starlette.applications import Starlette
    from starlette.routing import Mount

    store = Store(folder / "witness.db", create=True)
    app = make_app(Service(KEY, store, Anyone(store), lambda: moment(pair).wall))
    return store, httpx.ASGITransport(Starlette(routes=[Mount("/w", app)]))


def test_flash_notice_is_witnessed_and_the_peer_holds_the_cosignature(pair: DeskPair, tmp_path: Path) -> None:
    store, transport = service(pair, tmp_path)

    async def play() -> None:
        def begun() -> bool:
            pair.advance(0.01)
            return bool(held(pair.a, own=True))

        await until(begun)
        index = notice(pair.a)
        pair.advance(1)

        def seen() -> bool:
            pair.advance(0.01)
            return max(held(pair.a, own=True), default=0) > index and max(held(pair.b, own=False), default=0) > index

        await until(seen)

    run(pair, transport, play)

    log = pair.a.line.line.setup.outgoing_log
    known = store.known(log_key(pair.a.line.line.setup).name)
    assert known is not None
    assert known.head.size == pair.a.journal.size(log)
    assert pair.a.journal.alarms(log.line) == []
    store.close()


async def _never(_: httpx.Request) -> httpx.Response:
    await asyncio.Event().wait()
    raise AssertionError


async def _refused(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused")


async def _endless(_: httpx.Request) -> httpx.Response:
    async def drip() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 1024

    return httpx.Response(200, content=drip())


@pytest.mark.slow
@pytest.mark.parametrize("broken", [_never, _refused, _endless])
def test_witness_that_is_down_or_silent_delays_no_notice(pair: DeskPair, broken: Handler) -> None:
    async def play() -> None:
        for _ in range(5):
            await asyncio.sleep(0)
        index = notice(pair.a)
        pair.advance(1)
        assert pair.a.line.line.outgoing.received > index
        assert pair.a.line.state(moment(pair)) == "up"

    run(pair, Answering(broken), play)

    assert held(pair.a, own=True) == []


def test_witness_that_lies_is_alarmed_and_the_line_goes_on(pair: DeskPair) -> None:
    async def lie(request: httpx.Request) -> httpx.Response:
        asked = AddCheckpoint.parse(await request.aread())
        head = Checkpoint.parse(parse_note(asked.note).text)
        lying = cosign(replace(head, root=bytes(32)), moment(pair).wall)
        return httpx.Response(200, stream=httpx.ByteStream(lying))

    line = pair.a.line.record.line

    async def play() -> None:
        def told() -> bool:
            pair.advance(0.01)
            return bool(pair.a.journal.alarms(line))

        await until(told)

    run(pair, Answering(lie), play)

    (alarm,) = pair.a.journal.alarms(line)
    assert (alarm.kind, alarm.rule) == ("refused", 27)
    assert held(pair.a, own=True) == []
    pair.advance(1)
    assert pair.a.line.state(moment(pair)) == "up"


def test_nothing_is_brought_while_a_line_opens(pair: DeskPair) -> None:
    """A home that is an old copy must not show a witness a second head of its log."""
    requests = []

    async def note(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(503, stream=httpx.ByteStream(b""))

    pair.cut()
    pair.a.restart()
    notice(pair.a)
    pair.advance(1)

    async def play() -> None:
        for _ in range(50):
            await asyncio.sleep(0)

    run(pair, Answering(note), play)

    assert requests == []


# -- settings


def addresses(folder: Path, text: str) -> tuple[WitnessAddress, ...]:
    (folder / "watchline.toml").write_text(text)
    return read_witness_addresses(folder / "watchline.toml")


def test_addresses_are_read_from_the_settings(tmp_path: Path) -> None:
    text = f'dial_only = true\n[[witness]]\nvkey = "{VKEY}"\nurl = "https://witness.example.org/w1/"\n'

    assert addresses(tmp_path, text) == (WitnessAddress(VKEY, "https://witness.example.org/w1"),)
    assert addresses(tmp_path, "") == ()


@pytest.mark.parametrize(
    "text",
    [
        "witness = 1",
        "[witness]",
        "witness = [1]",
        "[[witness]]",
        '[[witness]]\nvkey = "news"\nurl = "http://a"',
        f'[[witness]]\nvkey = "{VKEY}"',
        f'[[witness]]\nvkey = "{VKEY}"\nurl = "ftp://a"',
        f'[[witness]]\nvkey = "{VKEY}"\nurl = "http://"',
        f'[[witness]]\nvkey = "{VKEY}"\nurl = "http://a:99999"',
        f'[[witness]]\nvkey = "{VKEY}"\nurl = "http://a/?q"',
        f'[[witness]]\nvkey = "{VKEY}"\nurl = "http://a b"',
        f'[[witness]]\nvkey = "{VKEY}"\nurl = "http://a"\nport = 1',
        f'[[witness]]\nvkey = "{VKEY}"\nurl = "http://a"\n' * 2,
        "[[witness]]\nvkey = 'a+b+c'\nurl = 'http://a'",
    ],
)
def test_wrong_addresses_are_refused_with_what_to_do(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        addresses(tmp_path, text)
    assert caught.value.hint
