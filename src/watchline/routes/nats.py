"""The route through a relay: sealed frames by way of a NATS server with JetStream, which keeps them until the peer takes them.

Each direction of a line is one stream of the server, `watchline-BOX`, filled by the subject `watchline.BOX`; BOX is the
direction's name by docs/protocol.md, rule 19. Whichever desk comes first makes both streams, if it may. What is published is
acknowledged by the server once it is on its disk (with `sync_interval: always`): the relay took it. That never counts as
delivery; what has no receipt is sent again by the line. What arrives is acknowledged after the owner has taken it, so that what
came before a crash comes again; the line drops what it has. Nothing is deduplicated here.

A link is open while the server answers and both streams stand, wherever the peer is. The server proves nothing about the peer:
whoever can publish to a box costs the node one AEAD for each frame, and never more than half of its time.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import Any

from watchline.core.limits import FRAME_BYTES_MAX
from watchline.routes import CONGESTED_BYTES, WAITING_BYTES_MAX, LinkOwner, Outcome
from watchline.routes.address import RelayAddress
from watchline.routes.dialer import report_failure
from watchline.routes.framing import format_frames
from watchline.routes.nats_client import CLOSE_SECONDS, RelayClient, RelayRefuses, read_answer
from watchline.routes.relays import Boxes, RelayAccess
from watchline.routes.retries import Backoff, Retries

KIND = "nats"
STREAM_BYTES_MAX = 64 * 1024 * 1024
STREAM_SECONDS = 3 * 24 * 3600
CONSUMER = "desk"
WINDOW_FRAMES, WINDOW_BYTES = 64, 1024 * 1024  # under way to the server, or from it, without an acknowledgement
ANSWER_SECONDS = 10.0  # a cluster whose leader was lost answers again after 4 to 10 seconds
REDELIVER_SECONDS = 10
REST_SECONDS = 0.004
_WATCH_SECONDS = 1.0
_NO_STREAM = 10059
_NANO = 1_000_000_000


class Stage(Enum):
    """How far a link has come; it goes down this list and never up."""

    JOINING = auto()
    OPEN = auto()
    CLOSED = auto()  # what was queued may still leave


class NatsLink:
    """A connection to one relay for one line; a RelayLink while its stage is OPEN."""

    kind = KIND
    outbound = True

    def __init__(
        self, address: RelayAddress, boxes: Boxes, peer: bytes, owner: LinkOwner, answer_seconds: float = ANSWER_SECONDS
    ) -> None:
        """Not for others to call: see NatsJoiner."""
        self.peer = peer
        self.address = str(address)
        self.congested = False
        self.is_live = False
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._to = address
        self._boxes = boxes
        self._owner = owner
        self._answer_seconds = answer_seconds
        self._stage = Stage.JOINING
        self._loop = asyncio.get_running_loop()
        self._client = RelayClient(self._end)
        self._inbox = f"_INBOX.{boxes.sends}"
        self._answers = f"{self._inbox}.{os.urandom(8).hex()}"  # our own: another connection of this desk may still live
        self._queued: deque[bytes] = deque()
        self._under_way: dict[int, tuple[float, int]] = {}  # by number, in order: when it left, how long it is
        self._numbered = 0
        self._waiting_bytes = 0
        self._when_taken: deque[tuple[int, Callable[[], None]]] = deque()
        self._has_work = asyncio.Event()
        self._idle = asyncio.Event()
        self._arrived: list[Any] = []
        self._to_acknowledge: deque[str] = deque()
        self._backlog_end = 0
        self._is_lost = False
        self._rest: asyncio.TimerHandle | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._writer: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None

    # What the owner calls.

    def send(self, frames: Sequence[bytes]) -> None:
        format_frames(frames)  # refuses what no route carries
        if self._stage is not Stage.OPEN or not frames:
            return
        self._queued += frames
        self._waiting_bytes += sum(map(len, frames))
        self._has_work.set()
        if self._waiting_bytes > CONGESTED_BYTES:
            self.congested = True
        if self._waiting_bytes > WAITING_BYTES_MAX:
            self._end("the relay takes nothing")

    def when_taken(self, action: Callable[[], None]) -> None:
        self._when_taken.append((self._numbered + len(self._queued), action))
        self._loop.call_soon(self._tell_taken)

    def close(self) -> None:
        self._end("closed here", softly=True)

    # How it begins.

    async def join(self, access: RelayAccess) -> None:
        """Connect, and see to it that both boxes stand. Whatever is raised, `leave` is to be called."""
        await self._client.reach(self._to, access, self._inbox, self._answer_seconds)
        await self._stand(self._boxes.sends)
        self._backlog_end = await self._stand(self._boxes.takes)
        limit = 2 * WINDOW_BYTES
        await self._client.subscribe(f"{self._answers}.*", cb=self._answered, pending_bytes_limit=limit)
        await self._client.subscribe(
            f"{self._inbox}.frames", cb=self._arrive, pending_bytes_limit=WINDOW_FRAMES * FRAME_BYTES_MAX
        )
        await self._consume()
        if self._is_lost:
            raise RelayRefuses("the relay hung up")

    def open(self) -> None:
        """Tell the owner, and begin to carry."""
        self._stage = Stage.OPEN
        self._writer = self._loop.create_task(self._write())
        self._writer.add_done_callback(report_failure)
        self._watch = self._loop.call_later(_WATCH_SECONDS, self._look)
        self._owner.opened(self)
        self._hand_over_soon()

    async def leave(self) -> None:
        """Give up what was not opened."""
        self._stage = Stage.CLOSED
        await self._client.close()

    async def _stand(self, box: str) -> int:
        """See that the stream of a box stands, whoever made it; give the number of its last frame."""
        stream = f"watchline-{box}"
        answer = await self._client.ask(f"$JS.API.STREAM.INFO.{stream}", {}, self._answer_seconds)
        if answer.error == _NO_STREAM:
            wanted = {
                "name": stream,
                "subjects": [f"watchline.{box}"],
                "storage": "file",
                "retention": "workqueue",  # what the peer has taken is gone
                "discard": "old",
                "max_bytes": STREAM_BYTES_MAX,
                "max_age": STREAM_SECONDS * _NANO,
                "max_msg_size": FRAME_BYTES_MAX,
                "max_msgs": -1,
                "max_consumers": 1,
                "num_replicas": 1,
            }
            answer = await self._client.ask(f"$JS.API.STREAM.CREATE.{stream}", wanted, self._answer_seconds)
            if answer.error is not None:  # the peer may have made it at this moment
                answer = await self._client.ask(f"$JS.API.STREAM.INFO.{stream}", {}, self._answer_seconds)
        if answer.error is not None:
            raise RelayRefuses("the relay keeps no box for this line")
        state = answer.values.get("state")
        last = state.get("last_seq") if isinstance(state, dict) else None
        if type(last) is not int:
            raise RelayRefuses("the relay's answer cannot be read")
        return last

    async def _consume(self) -> None:
        """Have the peer's box pushed to us: from the first frame that is there, each until it is acknowledged."""
        stream = f"watchline-{self._boxes.takes}"
        wanted = {
            "durable_name": CONSUMER,
            "deliver_subject": f"{self._inbox}.frames",
            "deliver_policy": "all",
            "ack_policy": "explicit",
            "ack_wait": REDELIVER_SECONDS * _NANO,
            "max_ack_pending": WINDOW_FRAMES,
            "max_deliver": -1,
        }
        request = {"stream_name": stream, "config": wanted}
        answer = await self._client.ask(f"$JS.API.CONSUMER.CREATE.{stream}.{CONSUMER}", request, self._answer_seconds)
        if answer.error is not None:
            raise RelayRefuses("the relay does not hand out the peer's box")

    # Frames out.

    async def _write(self) -> None:
        """Publish what is queued, within the window, and acknowledge what the owner has taken."""
        subject = f"watchline.{self._boxes.sends}"
        try:
            while True:
                while self._to_acknowledge:
                    await self._client.publish(self._to_acknowledge.popleft(), b"+ACK")
                while self._queued and self._has_window():
                    frame, number = self._queued.popleft(), self._numbered
                    self._numbered += 1
                    self._under_way[number] = (self._loop.time(), len(frame))
                    await self._client.publish(subject, frame, reply=f"{self._answers}.{number}")
                self._has_work.clear()
                if not self._to_acknowledge:
                    await self._has_work.wait()
        except asyncio.CancelledError:
            raise
        except Exception:  # noqa: BLE001 - a closed connection, a limit of the server: the library has many words for it
            self._end("the relay does not take what is sent")

    def _has_window(self) -> bool:
        under_way = sum(size for _, size in self._under_way.values())
        return not self._under_way or (len(self._under_way) < WINDOW_FRAMES and under_way < WINDOW_BYTES)

    async def _answered(self, message: Any) -> None:
        """The server's word about one frame."""
        number = str(message.subject).rpartition(".")[2]
        if not number.isdecimal() or int(number[:20]) not in self._under_way:
            return
        try:
            answer = read_answer(bytes(message.data))
        except RelayRefuses:
            answer = None
        if answer is None or answer.error is not None or type(answer.values.get("seq")) is not int:
            self._end("the relay does not take what is sent")
            return
        self._waiting_bytes -= self._under_way.pop(int(number))[1]
        self._has_work.set()
        if not self._under_way and not self._queued:
            self._idle.set()
        self._tell_taken()
        if self.congested and self._waiting_bytes <= CONGESTED_BYTES // 4 and self._stage is Stage.OPEN:
            self.congested = False
            self._loop.call_soon(self._tell_drained)

    def _tell_taken(self) -> None:
        first_not_taken = next(iter(self._under_way), self._numbered)
        while self._stage is Stage.OPEN and self._when_taken and self._when_taken[0][0] <= first_not_taken:
            self._loop.call_soon(self._call_if_open, self._when_taken.popleft()[1])

    def _call_if_open(self, action: Callable[[], None]) -> None:
        if self._stage is Stage.OPEN:
            action()

    def _tell_drained(self) -> None:
        if self._stage is Stage.OPEN and not self.congested:
            self._owner.drained(self)

    def _look(self) -> None:
        """Is what was published long ago acknowledged?"""
        sent = next(iter(self._under_way.values()), None)
        if sent is not None and self._loop.time() - sent[0] > self._answer_seconds:
            self._end("the relay does not answer")
        elif self._stage is Stage.OPEN:
            self._watch = self._loop.call_later(_WATCH_SECONDS, self._look)

    # Frames in.

    async def _arrive(self, message: Any) -> None:
        """One frame of the peer's box, or whatever the server sends as one. More than it may send at once is not kept."""
        if self._stage is Stage.CLOSED or len(self._arrived) + len(self._to_acknowledge) >= 2 * WINDOW_FRAMES:
            return
        self._arrived.append(message)
        self._hand_over_soon()

    def _hand_over_soon(self) -> None:
        if self._stage is Stage.OPEN and self._rest is None and self._arrived:
            self._rest = self._loop.call_later(0.0, self._hand_over)

    def _hand_over(self) -> None:
        """Give the owner what has come, then rest as long as that took: no box costs the node more than half of its time."""
        self._rest = None
        if self._stage is not Stage.OPEN or not self._arrived:
            return
        began = self._loop.time()
        messages, self._arrived = self._arrived, []
        frames = [bytes(message.data) for message in messages if 0 < len(message.data) <= FRAME_BYTES_MAX]
        self.is_live = any(sequence_of(message.reply) > self._backlog_end for message in messages)
        if frames:
            self._owner.received(self, frames)
        if self._is_open():
            self._to_acknowledge += [message.reply for message in messages if message.reply.startswith("$JS.ACK.")]
            self._has_work.set()
            self._rest = self._loop.call_later(max(REST_SECONDS, self._loop.time() - began), self._hand_over)

    def _is_open(self) -> bool:
        return self._stage is Stage.OPEN

    # How it ends.

    def _end(self, reason: str, *, softly: bool = False) -> None:
        """Close. softly: once what is queued was taken, or could have been. The owner is told when it is closed."""
        self._is_lost = True
        if self._stage is not Stage.OPEN:
            return
        self._stage = Stage.CLOSED
        for timer in (self._rest, self._watch):
            if timer is not None:
                timer.cancel()
        self._ending = self._loop.create_task(self._finish(reason, softly=softly))
        self._ending.add_done_callback(report_failure)

    async def _finish(self, reason: str, *, softly: bool) -> None:
        if softly and (self._queued or self._under_way):
            self._idle.clear()
            try:
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._idle.wait()
            except TimeoutError:
                pass  # the relay does not answer; what it did not take is sent again on the next link
        if self._writer is not None:
            self._writer.cancel()
        self._queued.clear()
        await self._client.close()
        self.lost.set_result(None)
        self._owner.closed(self, reason)


class NatsJoiner:
    """Keeps one line joined to one relay for as long as it exists: connects, and after a failure or a loss waits and retries.

    Each attempt is reported once: `connected`, both boxes stand and the owner was told `opened` just before; `refused`, the
    port is closed, or the server does not let us in or do what the route needs; `timeout`, no answer in time; `unreachable`,
    the name is unknown or there is no way to the host; `tls`, its certificate is not one that we trust. Behind the outcome
    stands what else is known of a failure, for the log; nothing of it is the server's text.
    """

    def __init__(
        self,
        address: RelayAddress,
        boxes: Boxes,
        peer: bytes,
        owner: LinkOwner,
        *,
        access: RelayAccess,
        attempt: Callable[[Outcome, str], None],
        uniform: Callable[[float, float], float],
        backoff: Backoff,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        """Join from now on. peer: the fingerprint that links show; nobody proves it here. See Backoff for the waits."""
        self.address = address
        self._boxes = boxes
        self._peer = peer
        self._owner = owner
        self._access = access
        self._attempt = attempt
        self._retries = Retries(backoff, uniform)
        self._answer_seconds = answer_seconds
        self._link: NatsLink | None = None
        self._task = asyncio.get_running_loop().create_task(self._run())
        self._task.add_done_callback(report_failure)

    def hurry(self) -> None:
        """Skip the present wait, or the next one, and start again from the shortest: someone needs the line now."""
        self._retries.hurry()

    async def close(self) -> None:
        """Try no more, and close the link, if there is one; on return it is closed. A second call does nothing."""
        self._task.cancel()
        await asyncio.wait([self._task])
        if self._link is not None:
            self._link.close()
            await asyncio.wait([self._link.lost])

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            link = NatsLink(self.address, self._boxes, self._peer, self._owner, self._answer_seconds)
            outcome, reason = await self._join(link)
            if outcome == "connected":
                self._link = link
                link.open()
            self._attempt(outcome, reason)
            lived_seconds = None
            if self._link is not None:
                since = loop.time()
                await asyncio.wait([link.lost])
                self._link, lived_seconds = None, loop.time() - since
            await self._retries.pause(lived_seconds)

    async def _join(self, link: NatsLink) -> tuple[Outcome, str]:
        try:
            async with asyncio.timeout(2 * self._answer_seconds):
                await link.join(self._access)
        except asyncio.CancelledError:
            await link.leave()
            raise
        except Exception as error:  # noqa: BLE001 - the server may say anything, and the library stumble over it anywhere
            await link.leave()
            return _outcome(error), str(error) if isinstance(error, RelayRefuses) else type(error).__name__
        return "connected", ""


def _outcome(error: Exception) -> Outcome:
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, ssl.SSLError):
        return "tls"
    if isinstance(error, OSError) and not isinstance(error, ConnectionError):
        return "unreachable"
    return "refused"


def sequence_of(reply: str) -> int:
    """A frame's number in its stream, from the subject that acknowledges it; 0 if it does not say.

    `$JS.ACK.STREAM.CONSUMER.TIMES.NUMBER...`, or with two words, a domain and an account, behind `$JS.ACK` (NATS ADR-15).
    """
    words = reply.split(".")
    number = words[5] if len(words) == 9 else words[7] if len(words) >= 11 else ""
    return int(number) if number.isdecimal() and len(number) < 20 else 0
