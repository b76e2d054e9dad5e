"""What a desk asks of its journal, as single steps: each is one verb, so one transaction, and leaves a whole state behind."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.journal.sample_records import (
    LINE,
    OTHER_LINE,
    OURS,
    PAIR,
    THEIRS,
    checkpoint,
    entry,
    line_record,
    root,
    statement,
    turn,
)
from watchline.core.records import (
    AlarmRecord,
    AttemptRecord,
    CertificateRecord,
    CosignatureRecord,
    EntryRecord,
    Log,
    NonceRecord,
    Pair,
    PrekeyRecord,
    ReceiptRecord,
    Record,
    RemovalRecord,
    StateRecord,
)
from watchline.journal import Journal

BIG = Log(LINE, Pair(2, 1), True)  # every body of this log has the largest size
LATER = Log(LINE, Pair(1, 2), False)  # of the peer's next incarnation
SOUTH = Log(OTHER_LINE, PAIR, True)
LOGS = (OURS, THEIRS, BIG, LATER, SOUTH)
BODY_BYTES = 65_536
DOCUMENTS = ("own", "cache")
STUB = b"what stays of a body"

Step = Callable[[Journal, random.Random], None]


def sample(log: Log, index: int) -> EntryRecord:
    """The entry that every run stores at this place: what is read back can be compared with it."""
    if log == BIG:
        return entry(index, log, body=bytes([index % 256]) * BODY_BYTES, sealed=bytes(BODY_BYTES))
    return entry(index, log)


def line(journal: Journal, chance: random.Random) -> None:
    """A line appears, or its pairing is replaced by one of another size."""
    pairing = chance.randbytes(chance.choice([40, 700]))
    journal.put_line(replace(line_record(), pairing=pairing), [CertificateRecord(LINE, False, 1, b"certificate")])


def confirmed(journal: Journal, chance: random.Random) -> None:
    prekeys = [PrekeyRecord(LINE, PAIR, True, number, b"seed %d" % number) for number in range(4)]
    journal.put_line(line_record(confirmed=True), prekeys)


def other_line(journal: Journal, chance: random.Random) -> None:
    journal.put_line(line_record(OTHER_LINE, "south"), [StateRecord(OTHER_LINE, "chain", b"of the south")])


def one(journal: Journal, chance: random.Random) -> None:
    """What one sent entry commits."""
    journal.commit(turn(journal.size(OURS)))


def many(journal: Journal, chance: random.Random) -> None:
    """A turn that completes a block of the tree and begins another."""
    size = journal.size(OURS)
    journal.commit([*(sample(OURS, index) for index in range(size, size + 256)), checkpoint(size + 256)])


def to_the_block(journal: Journal, chance: random.Random) -> None:
    """Up to the last entry before a block is complete."""
    size = journal.size(OURS)
    journal.commit(sample(OURS, index) for index in range(size, size | 255))


def big(journal: Journal, chance: random.Random) -> None:
    size = journal.size(BIG)
    journal.commit([sample(BIG, size)])


def removed(journal: Journal, chance: random.Random) -> None:
    """Bodies that were archived go, of both logs and of several blocks of keys."""
    records = []
    for log in (OURS, THEIRS):
        size = journal.size(log)
        indexes = sorted(chance.sample(range(size), min(size, 5)))
        records.append(RemovalRecord(log, "archived", tuple((index, STUB) for index in indexes)))
    journal.commit(records)


def received(journal: Journal, chance: random.Random) -> None:
    """Entries of the peer with the receipt that answers them, and its receipt for ours."""
    size = journal.size(THEIRS)
    stop = size + chance.randint(1, 3)
    ours = journal.size(OURS)
    journal.commit(
        [
            *(sample(THEIRS, index) for index in range(size, stop)),
            ReceiptRecord(THEIRS, stop, root(stop), stop, b"r" * 64),
            ReceiptRecord(OURS, ours, root(ours), stop, b"t" * 64),
            StateRecord(LINE, "in", b"chain of theirs %d" % stop),
        ]
    )


def both_logs(journal: Journal, chance: random.Random) -> None:
    """Two lines and three logs in one turn."""
    journal.commit([*turn(journal.size(OURS)), sample(THEIRS, journal.size(THEIRS)), *turn(journal.size(SOUTH), SOUTH)])


def epoch(journal: Journal, chance: random.Random) -> None:
    """An epoch begins: the chain's slot is overwritten, another changes its size, and the prekey that was used is gone."""
    records: list[Record] = [
        StateRecord(LINE, "chain", chance.randbytes(32)),
        StateRecord(LINE, "epoch", chance.randbytes(chance.choice([32, 900]))),
    ]
    records += [PrekeyRecord(LINE, PAIR, True, number, None) for number in list(journal.prekeys(LINE, PAIR, True))[:1]]
    journal.commit(records)


def prekeys_made(journal: Journal, chance: random.Random) -> None:
    first = max(journal.prekeys(LINE, PAIR, True), default=9) + 1
    ours: list[Record] = [PrekeyRecord(LINE, PAIR, True, first + number, chance.randbytes(64)) for number in range(4)]
    journal.commit([*ours, PrekeyRecord(LINE, PAIR, False, first, chance.randbytes(1216))])


def prekeys_deleted(journal: Journal, chance: random.Random) -> None:
    journal.commit(
        PrekeyRecord(LINE, PAIR, ours, number, None) for ours in (True, False) for number in journal.prekeys(LINE, PAIR, ours)
    )


def compacted(journal: Journal, chance: random.Random) -> None:
    journal.compact()


def document(journal: Journal, chance: random.Random) -> None:
    """A document appears, changes its size or its sealing, or goes."""
    value = chance.choice([None, chance.randbytes(20), chance.randbytes(2000)])
    journal.put_document(chance.choice(DOCUMENTS), chance.choice("ab"), value, chance.random() < 0.6)


def alarm(journal: Journal, chance: random.Random) -> None:
    journal.commit([AlarmRecord(LINE, 7, "fork", 26, "two heads", chance.randbytes(3000))])


def statements(journal: Journal, chance: random.Random) -> None:
    size = journal.size(OURS)
    kept = statement(time=size, ml=b"m" * 2420, keep=True, our_size=size)
    journal.commit([kept, statement(ours=True, time=size), statement(time=size + 1)])


def witnessed(journal: Journal, chance: random.Random) -> None:
    """A witness cosigns the newest heads of both logs, the same one once more, and a status's nonce is made of it and kept."""
    time, witness = 1_700_000_000 + chance.randrange(99), f"witness.example/{chance.randrange(2)}+c8248ea9+key"
    signature = chance.randbytes(64)
    records: list[Record] = []
    for log in (OURS, THEIRS):
        if size := journal.size(log):
            records += [checkpoint(size, log), CosignatureRecord(log, size, root(size), witness, time, signature)]
    made = chance.randbytes(16)
    nonce = NonceRecord(LINE, made, chance.randbytes(16), time.to_bytes(8, "big") + signature)
    journal.commit([*records, *records[-1:], nonce, statement(ours=True, time=time, ml=b"m" * 2420, keep=True)])


def told(journal: Journal, chance: random.Random) -> None:
    """What is noted beside: attempts and certificates."""
    serial = chance.randrange(4)
    certificate = CertificateRecord(LINE, True, serial, chance.randbytes(4000))
    journal.commit([AttemptRecord(LINE, serial, "direct", "sent", journal.size(OURS), OURS.pair), certificate])


def next_incarnation(journal: Journal, chance: random.Random) -> None:
    journal.commit([sample(LATER, journal.size(LATER)), StateRecord(LINE, "pair", b"1 2"), StateRecord(LINE, "in", b"")])


def verified(journal: Journal, chance: random.Random) -> None:
    """The daily look at everything, and the note that it was done."""
    sizes = [journal.verify(log) for log in LOGS]
    journal.put_document("own", "verified", repr(sizes).encode(), sealed=False)


def dropped(journal: Journal, chance: random.Random) -> None:
    """An abandoned pairing goes with all that was stored for it."""
    journal.drop_line(OTHER_LINE)


@dataclass(frozen=True, slots=True)
class Scenario:
    """before: steps on a disk that keeps everything; steps: those at whose every operation the power is cut.

    fresh: there is no journal before, and its creation comes first. reopened: then the journal is closed and opened again, and
    the last step repeated. migrated: then it is closed and given a later version's schema.
    """

    name: str
    before: tuple[Step, ...]
    steps: tuple[Step, ...]
    fresh: bool = False
    reopened: bool = False
    migrated: bool = False


_BEGUN = (line, confirmed, one, one, received)

SCENARIOS = (
    Scenario("a fresh home", (), (document, line, confirmed, one), fresh=True),
    Scenario("a later version's schema", (*_BEGUN, many), (one,), migrated=True),
    Scenario("a pairing is replaced and confirmed", (line,), (line, line, confirmed)),
    Scenario("one entry at a time", _BEGUN, (one, one, one)),
    Scenario("256 entries at once", _BEGUN, (many, one)),
    Scenario("a block of the tree is completed", (*_BEGUN, to_the_block), (one, one)),
    Scenario("entries in custody and their receipts", _BEGUN, (received, received, received)),
    Scenario("an epoch begins", _BEGUN, (epoch, one, epoch)),
    Scenario("prekeys are made and deleted", _BEGUN, (prekeys_made, prekeys_deleted, prekeys_made, epoch)),
    Scenario("what was deleted is compacted away", _BEGUN, (epoch, one, prekeys_deleted, compacted, one, one, compacted)),
    Scenario("documents change their size and sealing", _BEGUN, (document,) * 6),
    Scenario("alarms with their evidence", _BEGUN, (alarm, one, alarm)),
    Scenario("statements are kept and replaced", _BEGUN, (statements, witnessed, statements, witnessed)),
    Scenario("the daily verification", (*_BEGUN, many), (one, verified, verified)),
    Scenario("bodies of the largest size", _BEGUN, (big, big)),
    Scenario("closed and opened again", (*_BEGUN, epoch), (one, one), reopened=True),
    Scenario("two lines and three logs in one turn", (*_BEGUN, other_line), (both_logs, both_logs)),
    Scenario("an abandoned pairing is dropped", (*_BEGUN, other_line, both_logs), (witnessed, dropped, compacted, one)),
    Scenario("the log is written back", (*_BEGUN, alarm), (one, big, told, witnessed, alarm, one)),
    Scenario("another incarnation of the peer", _BEGUN, (next_incarnation, told, next_incarnation, statements)),
    Scenario("archived bodies go", (*_BEGUN, many, received), (removed, compacted, one, removed, received, compacted)),
)

# What a random life is made of; each may come at any time once there are both lines.
ANY_TIME: tuple[Step, ...] = (
    *(one, one, one, many, big, received, received, both_logs, epoch, epoch, prekeys_made, prekeys_deleted),
    *(compacted, document, document, alarm, statements, witnessed, told, next_incarnation, verified, removed),
)
