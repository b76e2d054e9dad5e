"""Bring our checkpoints to the line's witnesses, beside the event loop's work: whatever a witness does, no notice waits for it.

What is brought is durable, and was or may be announced to the peer: while a line opens nothing is, because this home may be an
old copy. `bringing` decides what is brought and when.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from watchline.core.line import Phase
from watchline.core.records import Log, Record
from watchline.core.witnessing import ANSWER_BYTES_MAX
from watchline.desk.bringing import Bringing, Outcome
from watchline.desk.desk import Desk
from watchline.desk.lines import OpenLine
from watchline.desk.witness_addresses import WitnessAddress

if TYPE_CHECKING:
    import httpx

LOOK_SECONDS = 5.0  # how soon a line that opened, or one whose hour has passed, is looked at
CONNECT_SECONDS, PHASE_SECONDS, REQUEST_SECONDS = 5.0, 10.0, 20.0

log = structlog.get_logger()


class Witnesses:
    """Brings what is due, one request at a time to each witness; a witness that is slow holds up only itself."""

    def __init__(
        self,
        desk: Desk,
        addresses: Sequence[WitnessAddress],
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._desk = desk
        self._addresses = addresses
        self._transport = transport
        self._uniform = uniform
        self._bringings: dict[tuple[Log, str], Bringing] = {}
        self._wakes: dict[str, asyncio.Event] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._outcomes: dict[tuple[Log, str], str] = {}

    def start(self) -> None:
        """Begin, on the running event loop; without an address there is nothing to do."""
        if not self._addresses:
            return
        self._desk.on_committed = self._committed
        for address in self._addresses:
            self._wakes[address.vkey] = asyncio.Event()
            task = asyncio.get_running_loop().create_task(self._serve(address))
            task.add_done_callback(_tell_of_death)
            self._tasks.append(task)

    async def stop(self) -> None:
        """End; what a witness has not answered yet is brought again after the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _committed(self, opened: OpenLine, records: Sequence[Record]) -> None:
        for (entries, vkey), bringing in self._bringings.items():
            if entries == opened.line.setup.outgoing_log:
                bringing.note(records)
                if bringing.is_urgent:
                    self._wakes[vkey].set()

    async def _serve(self, address: WitnessAddress) -> None:
        import httpx  # only a desk with witnesses, or with a step that posts, loads it

        timeout = httpx.Timeout(PHASE_SECONDS, connect=CONNECT_SECONDS)
        async with httpx.AsyncClient(timeout=timeout, transport=self._transport, trust_env=False) as client:
            while True:
                self._wakes[address.vkey].clear()
                while (due := self._next(address.vkey)) is not None:
                    await self._bring(client, address, *due)
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self._wakes[address.vkey].wait()

    def _next(self, vkey: str) -> tuple[OpenLine, Bringing] | None:
        """What this witness is to see now: what presses first."""
        now = self._desk.moment().running
        due = [
            (opened, bringing)
            for opened in self._desk.lines.values()
            if (bringing := self._of(opened, vkey)) is not None
            if (at := bringing.due_at()) is not None and at <= now
        ]
        return min(due, key=lambda each: not each[1].is_urgent, default=None)

    def _of(self, opened: OpenLine, vkey: str) -> Bringing | None:
        """What stands between a line and a witness; None where the terms do not name it, or the line may not speak."""
        line = opened.line
        key = line.witnessed.keys(line.terms).get(vkey)
        if key is None or line.phase is not Phase.OPEN:
            return None
        name = line.setup.outgoing_log, vkey
        if name not in self._bringings:
            for stale in [each for each in self._bringings if each[0].line == name[0].line and each[0] != name[0]]:
                del self._bringings[stale]
            self._bringings[name] = Bringing(self._desk.journal, line.setup, key, self._uniform)
        return self._bringings[name]

    async def _bring(self, client: httpx.AsyncClient, address: WitnessAddress, opened: OpenLine, bringing: Bringing) -> None:
        import httpx

        request = bringing.request()
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                status, body = await _post(client, address.url + request.path, request.body)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as error:
            log.debug("witness.attempt", url=address.url, error=str(error)[:200])
            outcome = bringing.failed("unreachable", self._desk.moment())
        else:
            outcome = bringing.answered(status, body, self._desk.moment())
        self._take(address, opened, bringing, outcome)

    def _take(self, address: WitnessAddress, opened: OpenLine, bringing: Bringing, outcome: Outcome) -> None:
        known = bringing.log, address.vkey
        if outcome.word != self._outcomes.get(known):
            facts = {"line": opened.record.name, "url": address.url, "outcome": outcome.word}
            if outcome.word in ("cosigned", "corrected", "offered"):
                log.info("witness.outcome", **facts)
            else:
                log.warning("witness.outcome", **facts)
        self._outcomes[known] = outcome.word
        if opened.line.setup.outgoing_log != bringing.log:
            return  # a new pair of incarnations began meanwhile
        if outcome.alarm is not None:
            opened.line.report(outcome.alarm, self._desk.moment())
        if outcome.cosignature is not None:
            opened.line.take_cosignatures([outcome.cosignature])
        self._desk.touch(opened)


def _tell_of_death(task: asyncio.Task[None]) -> None:
    """Only a bug ends a task that nobody cancelled; the desk goes on without this witness."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.critical("witness.bug", error=f"{type(error).__name__}: {str(error)[:200]}")


async def _post(client: httpx.AsyncClient, url: str, body: bytes) -> tuple[int, bytes]:
    """Status and body of the answer, of which no more is read than an answer can have."""
    headers = {"content-type": "text/plain; charset=utf-8", "accept-encoding": "identity"}
    async with client.stream("POST", url, content=body, headers=headers) as response:
        read = bytearray()
        async for chunk in response.aiter_raw():
            read += chunk
            if len(read) > ANSWER_BYTES_MAX:
                break
        return response.status_code, bytes(read[: ANSWER_BYTES_MAX + 1])
