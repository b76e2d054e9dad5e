r"""An archive of bodies: a file that keeps what has gone from the journal, each entry with what proves it against its leaf.

    content = u32 length || about, then (u32 length || entry) for each
    about   = dCBOR[desk, id, peer, LINE, line's name, language, time zone, made]
    entry   = dCBOR[ours, theirs, outgoing, leaf, r, body, time, number or null]

`sealed_files` says how it is sealed, under "watchline archive 1\n": to the identity's archive key, so the node that writes it
cannot open it, and what left the journal is out of reach of whoever takes the machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from watchline.core import shapes
from watchline.core.encoding import Value, decode, encode
from watchline.core.entries import Leaf, verify_commitment
from watchline.core.keys import KemKey
from watchline.core.limits import BODY_BYTES_MAX, LEAF_BYTES_MAX
from watchline.core.records import EntryRecord, Log, Pair
from watchline.desk.sealed_files import Content, Kind, damaged, opened, sealed, with_length
from watchline.errors import PeerError, WrongParty

KIND = Kind(b"watchline archive 1\n", b"watchline/1 archive", "archive", "archive")
_ABOUT_BYTES_MAX, _ENTRY_BYTES_MAX = 4_096, 2 * BODY_BYTES_MAX


@dataclass(frozen=True, slots=True)
class About:
    """What an archive says of itself. name: of the line at its desk. made: seconds since 1970."""

    desk: str
    id: bytes
    peer: str
    line: bytes
    name: str
    language: str
    zone: str
    made: int

    def encode(self) -> bytes:
        """Give its bytes."""
        return encode([self.desk, self.id, self.peer, self.line, self.name, self.language, self.zone, self.made])

    @classmethod
    def decode(cls, data: bytes) -> About:
        """Read what `encode` gave. Raises PeerError."""
        desk, identity, peer, line, name, language, zone, made = shapes.array(decode(data), "about", length=8)
        texts = (shapes.text(name, "name", at_most=1_024), shapes.text(language, "language"), shapes.text(zone, "zone"))
        return cls(
            shapes.text(desk, "desk", at_most=128),
            shapes.octets(identity, "id", length=32),
            shapes.text(peer, "peer", at_most=128),
            shapes.octets(line, "LINE", length=32),
            *texts,
            shapes.integer(made, "made"),
        )


def sealed_archive(archive: bytes, about: About, entries: Iterable[EntryRecord]) -> Iterator[bytes]:
    """The bytes of an archive, a piece at a time; the entries are taken as they are needed. archive: the public archive key."""
    return sealed(KIND, archive, _content(about, entries))


def _content(about: About, entries: Iterable[EntryRecord]) -> Iterator[bytes]:
    yield with_length(about.encode())
    for record in entries:
        proof: list[Value] = [record.leaf, record.blinding, record.body]
        yield with_length(encode([*record.log.pair, record.log.outgoing, *proof, record.time, record.number]))


@contextmanager
def open_archive(path: Path, archive: KemKey) -> Iterator[OpenArchive]:
    """Open an archive with the archive key of the identity's medium.

    Raises UsageError for what is no archive, is damaged, cut short, of a newer version or sealed to another identity.
    """
    with opened(KIND, path, archive) as content:
        yield OpenArchive(content)


class OpenArchive:
    """An archive that is being read, once, from its beginning. about: what it says of itself."""

    def __init__(self, content: Content) -> None:
        self._content = content
        try:
            self.about = About.decode(content.take_counted(_ABOUT_BYTES_MAX))
        except PeerError:
            raise damaged(KIND) from None

    def entries(self) -> Iterator[EntryRecord]:
        """Each entry with its body, which is the one that its leaf commits to; `released` and `epoch` are not known here.

        Raises UsageError where the file is not what was written: entries of a log follow one another, each once. Only when the
        last has come was all of it there.
        """
        last: dict[Log, int] = {}
        while not self._content.is_at_end():
            try:
                record = _read_entry(self.about, self._content.take_counted(_ENTRY_BYTES_MAX))
            except PeerError:
                raise damaged(KIND) from None
            if record.index <= last.get(record.log, -1):
                raise damaged(KIND)
            last[record.log] = record.index
            yield record


def _read_entry(about: About, data: bytes) -> EntryRecord:
    ours, theirs, outgoing, encoded, blinding, body, time, number = shapes.array(decode(data), "entry", length=8)
    encoded = shapes.octets(encoded, "leaf", at_most=LEAF_BYTES_MAX)
    blinding, body = shapes.octets(blinding, "r", length=32), shapes.octets(body, "body", at_most=BODY_BYTES_MAX)
    leaf = Leaf.decode(encoded)
    verify_commitment(leaf, blinding, body)
    pair = Pair(shapes.integer(ours, "ours"), shapes.integer(theirs, "theirs"))
    log = Log(about.line, pair, shapes.boolean(outgoing, "outgoing"))
    _verify_log(about, log, leaf)
    return EntryRecord(
        log=log,
        index=leaf.index,
        type=leaf.type,
        leaf=encoded,
        body=body,
        blinding=blinding,
        sealed=None,
        epoch=0,
        time=shapes.integer(time, "time"),
        re=leaf.re,
        number=None if number is None else shapes.integer(number, "number"),
    )


def _verify_log(about: About, log: Log, leaf: Leaf) -> None:
    """Raise WrongParty (rule 7) unless the leaf is of the log that it is filed under: so a reader is shown its author."""
    line, sender, recipient, inc, peer_inc = leaf.direction
    of_the_desk, pair = (sender, (inc, peer_inc)) if log.outgoing else (recipient, (peer_inc, inc))
    if (line, of_the_desk, pair) != (log.line, about.id, log.pair):
        raise WrongParty("the leaf belongs to another line, direction or incarnation", rule=7)
