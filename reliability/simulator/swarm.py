"""What goes wrong in a run, and how often: each seed draws its own, so that faults also meet without the noise of others.

Swarm testing (Groce and others, ISSTA 2012): a run with everything on reaches less than many with some things off.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Literal

from reliability.simulator.pool import NAMES

FIFTY_YEARS = 50 * 365 * 86_400

Lie = str
LIES: tuple[Lie, ...] = ("withhold receipts", "fork", "two heads", "replay", "old incarnation", "flood", "deny custody")
HARMFUL: frozenset[Lie] = frozenset({"fork", "two heads", "deny custody"})
"""Those that show another log than before: the line may stop. The others must not even cost an alarm."""

Rebirth = Literal["restore", "rotate", "spare", "clone", "both", "unnoticed"]
REBIRTHS: tuple[Rebirth, ...] = ("restore", "rotate", "spare", "clone", "both", "unnoticed")
"""How a desk becomes a new incarnation: from an old copy of its disk, for no reason, with an empty journal, from a copy while
the old machine goes on, both ends of a line at once, and only after a copy has run as if it were none."""
Confirming = Literal["soon", "late", "never"]

TROUBLES = (
    "kill", "power cut", "before commit", "after commit", "half sent", "disk operation", "power operation", "partition",
    "one way", "reconnect", "second link", "disk full", "no room", "disk error", "clock", "weather",
)  # fmt: skip
CUTTING = ("kill", "power cut", "partition", "one way", "reconnect", "weather")
"""What keeps a line from being done with what was written on it."""


@dataclass(frozen=True)
class Weather:
    """What a network does with each frame. delay_seconds: from, to. bytes_per_second: None for a fast link."""

    loss: float = 0.0
    repetition: float = 0.0
    reordering: float = 0.0
    corruption: float = 0.0
    replay: float = 0.0
    delay_seconds: tuple[float, float] = (0.001, 0.02)
    bytes_per_second: float | None = None


CALM = Weather()
DEEP_FROM = 10_000  # seeds below have been run, and named, without deep lives: they stay what they were
DEEP = 0.35  # of all lives
STORMS_FROM = 12_000  # the same for storms; there are fewer other deep lives then
STORMS, DEEP_BESIDE_STORMS = 0.05, 0.05  # of all lives
STORM_REMOVAL_SECONDS = 3.0  # who removes bodies reads the whole logs
MIXED_FROM = 16_000  # the same for lives in which bodies are removed, and in which a desk that lies becomes a new incarnation
REMOVING = 0.25  # of all lives
REBORN_LIARS, THIEVES = 0.6, 0.6  # of the lives with a liar, and of those
RENEWED_FROM = 22_000  # the same for lives in which people renew the secrets of lines
RENEWING, COPIED = 0.35, 0.4  # of all lives; and of those in which no desk would become a new incarnation


@dataclass(frozen=True)
class Swarm:
    """The plan of one run.

    lines: which desks talk. entries: how many the people of all desks compose together. burst: how many at once, at most.
    checkpoint: how many share a signature. troubles: which are on; one comes about every `trouble_seconds`.
    rollback: somebody puts back an old copy of a disk, and nobody notices. rebirths: how desks become new incarnations.
    confirming: when people confirm those. amending: how likely somebody who looks proposes other terms; manned: whether people
    sign in and consoles sound. liar: a desk that lies, and how; None for none. stolen: it lies with the stolen keys of one
    incarnation, so the next one of that desk is honest. removing: every so many seconds somebody removes bodies; None: nobody.
    renewing: every so many seconds people do something about a renewal; None: never. renewals: they begin so many, at most.
    """

    desks: tuple[str, ...]
    lines: tuple[tuple[str, str], ...]
    pace: str
    entries: int
    burst: int
    checkpoint: int
    long_bodies: float
    released: float
    compose_seconds: float
    weather: tuple[float, float, float, float, float]
    slow: bool
    late: bool
    troubles: tuple[str, ...]
    trouble_seconds: float
    rollback: bool
    rebirths: tuple[Rebirth, ...]
    confirming: Confirming
    amending: float
    manned: bool
    liar: str | None
    lies: tuple[Lie, ...]
    stolen: bool = False
    removing: float | None = None
    renewing: float | None = None
    renewals: int = 0


def draw_life(seed: int, source: random.Random) -> Swarm:
    """What this seed has in store. source: the seed's own; what came later is drawn from others, for the sake of old seeds."""
    swarm, depth = draw_swarm(source), random.Random(f"depth of {seed}")
    if seed >= MIXED_FROM:
        swarm = mixed(swarm, random.Random(f"mixture of {seed}"))
    chance = depth.random()
    if seed >= DEEP_FROM and chance < (DEEP if seed < STORMS_FROM else DEEP_BESIDE_STORMS):
        swarm = deepened(swarm, depth)
    elif seed >= STORMS_FROM and chance >= 1 - STORMS:
        swarm = stormed(swarm, depth)
    return renewed(swarm, random.Random(f"renewals of {seed}")) if seed >= RENEWED_FROM else swarm


def renewed(swarm: Swarm, source: random.Random) -> Swarm:
    """In some lives people renew secrets. They carry files slowly, so these lives are longer, and troubles come less often."""
    if source.random() >= RENEWING:
        return swarm
    copied = swarm.liar is None and not swarm.rebirths and source.random() < COPIED
    return replace(
        swarm,
        renewing=source.choice((1.0, 2.0, 4.0)),
        renewals=source.choice((2, 4, 8)),
        rebirths=draw_rebirths(source) if copied else swarm.rebirths,
        entries=min(swarm.entries, 1_000),
        compose_seconds=max(swarm.compose_seconds, source.uniform(20.0, 80.0)),
        trouble_seconds=swarm.trouble_seconds * source.choice((1, 2, 5)),
    )


def mixed(swarm: Swarm, source: random.Random) -> Swarm:
    """In some lives bodies are removed while the faults go on; in some a desk that lies becomes a new incarnation."""
    removing = source.choice((1.0, 3.0)) if source.random() < REMOVING else None
    if swarm.liar is None or source.random() >= REBORN_LIARS:
        return replace(swarm, removing=removing)
    return replace(swarm, removing=removing, rebirths=draw_rebirths(source), stolen=source.random() < THIEVES)


def deepened(swarm: Swarm, source: random.Random) -> Swarm:
    """Some lives have logs of hundreds and thousands of entries, which people write in long bursts while the faults go on: many
    go in one batch, many have no receipt when a machine starts again, and many have to come back from the peer.
    """
    return replace(
        swarm,
        pace=swarm.pace if source.random() < 0.3 else "calm",  # clocks that run out by the hundred take their time
        entries=int(source.triangular(1_000, 8_000, 2_500)),
        burst=source.choice((64, 128, 256)),
        troubles=tuple({**dict.fromkeys(swarm.troubles), **dict.fromkeys(source.sample(CUTTING, source.randint(3, 6)))}),
        trouble_seconds=source.choice((0.5, 0.7, 1.5)),
        compose_seconds=swarm.compose_seconds * source.uniform(1.0, 2.0),
    )


def stormed(swarm: Swarm, source: random.Random) -> Swarm:
    """Some lives are a flood of ten or twenty thousand entries on one line, faster than the faults let them through: a log has
    thousands without a receipt whenever something fails, and both desks have to tell the whole of it apart from what they hold.
    """
    one, other, *_ = swarm.desks
    return replace(
        swarm,
        desks=(one, other),
        lines=((one, other),),
        pace="calm",
        entries=source.choice((10_000, 20_000)),
        burst=256,
        checkpoint=source.choice((64, 256)),
        long_bodies=0.0,
        released=source.choice((0.0, 0.2)),
        compose_seconds=source.uniform(25.0, 50.0),
        troubles=tuple({**dict.fromkeys(swarm.troubles), **dict.fromkeys(source.sample(CUTTING, source.randint(3, 5)))}),
        trouble_seconds=source.choice((0.7, 1.5)),
        rollback=False,
        rebirths=swarm.rebirths[:1] if source.random() < 0.3 else (),
        liar=None,
        lies=(),
        manned=False,
        stolen=False,
        removing=None if swarm.removing is None else STORM_REMOVAL_SECONDS,
    )


def draw_swarm(source: random.Random) -> Swarm:
    """What the seed behind this source has in store."""
    count = source.choices((2, 3, 4, 5), (70, 18, 8, 4))[0]
    desks = tuple(source.sample(NAMES, count))
    joined = [(desks[source.randrange(n)], desks[n]) for n in range(1, count)]
    for one in range(count):
        for other in range(one + 1, count):
            pair = desks[one], desks[other]
            if pair not in joined and source.random() < 0.3:
                joined.append(pair)
    entries = int(source.triangular(30, 500, 120))
    liar = source.choice(desks) if source.random() < 0.12 else None
    return Swarm(
        desks=desks,
        lines=tuple(joined),
        pace=source.choices(("calm", "busy", "urgent"), (2, 1, 1))[0],
        entries=entries,
        burst=source.choice((2, 16, 64)),
        checkpoint=source.choice((1, 7, 256, 256)),
        long_bodies=source.choice((0.0, 0.0, 0.02)),
        released=source.choice((0.0, 0.5, 1.0)),
        compose_seconds=source.uniform(8.0, 25.0),
        weather=(
            source.choice((0.0, 0.2, 0.4, 0.6)),
            source.choice((0.0, 0.2, 0.5)),
            source.choice((0.0, 0.3, 0.6)),
            source.choice((0.0, 0.05, 0.3)),
            source.choice((0.0, 0.05, 0.2)),
        ),
        slow=source.random() < 0.2,
        late=source.random() < 0.4,
        troubles=tuple(trouble for trouble in TROUBLES if source.random() < 0.5),
        trouble_seconds=source.choice((0.7, 1.5, 3.0)),
        rollback=source.random() < 0.08,
        rebirths=draw_rebirths(source) if liar is None and source.random() < 0.45 else (),
        confirming=source.choice(("soon", "soon", "late", "late", "never")),
        amending=source.choice((0.0, 0.0, 0.1, 0.4)),
        manned=source.random() < 0.5,
        liar=liar,
        lies=tuple(source.sample(LIES, source.randint(1, 3))) if liar is not None else (),
    )


def draw_rebirths(source: random.Random) -> tuple[Rebirth, ...]:
    """One new incarnation, or a few of them."""
    return tuple(source.choices(REBIRTHS, (4, 3, 2, 3, 2, 2), k=source.choices((1, 2, 3), (5, 3, 2))[0]))


def draw_weather(swarm: Swarm, source: random.Random) -> Weather:
    """How the network behaves for a while: each of the run's kinds at most as bad as it may be, or not at all."""
    loss, repetition, reordering, corruption, replay = (worst * source.choice((0.0, 0.5, 1.0, 1.0)) for worst in swarm.weather)
    delay = (0.05, source.choice((0.5, 3.0, 10.0))) if swarm.late and source.random() < 0.5 else CALM.delay_seconds
    rate = source.choice((2_000.0, 20_000.0)) if swarm.slow and source.random() < 0.5 else None
    return Weather(loss, repetition, reordering, corruption, replay, delay, rate)
