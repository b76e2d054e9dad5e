"""The matrix of the files that only an identity's medium opens: backups, and archives of bodies.

They are sealed to the public archive key, so whoever has that can make one: each in the other's place, of another desk, under
another head, changed, cut and put together anew; and archives whose seal holds and whose content does not.
"""

from __future__ import annotations

import atexit
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from reliability.fuzz.archive_targets import about, entry
from reliability.parties.alterations import KEEPS_FORM, changes, flipped
from reliability.parties.attempts import TAKEN, Attempt, named, of
from reliability.parties.file_matrix import other_objects
from reliability.parties.files import readables
from tests.core.sample_desks import identity_key, seeded
from watchline.core.encoding import Value, decode, encode
from watchline.core.keys import KemKey, seal_to
from watchline.desk import backup, body_archive
from watchline.desk.backup import Contents, open_backup
from watchline.desk.body_archive import open_archive
from watchline.desk.sealed_files import Kind, sealed, with_length
from watchline.desk.secrets import MAGIC as PASSPHRASE_MAGIC
from watchline.desk.segments import KEY_BYTES, SEGMENT_BYTES, seal_segments
from watchline.errors import UsageError

KEY, OTHER_KEY = KemKey(seeded("archive")(32)), KemKey(seeded("another archive")(32))
_TAG_BYTES = 16

DAMAGED, NOT_ONE, NEWER, OTHERS = "usage damaged", "usage not-one", "usage newer", "usage of-another-identity"
WORDS = {
    " is damaged": DAMAGED,
    " is cut short": DAMAGED,
    "this is no ": NOT_ONE,
    "a newer version": NEWER,
    "another identity": OTHERS,
}
"""What the error of such a file says, which has no rule: each refusal must be one of these."""


@dataclass(frozen=True, slots=True)
class MediumFileSlot:
    """A place where such a file is read, all of it."""

    read: Callable[[Path], None]

    def offer(self, value: Value) -> str:
        assert isinstance(value, bytes)
        path = _folder() / "file"
        path.write_bytes(value)
        try:
            self.read(path)
        except UsageError as error:
            return next((outcome for words, outcome in WORDS.items() if words in error.message), named(error))
        return TAKEN

    def renew(self) -> None:
        pass


@cache
def _folder() -> Path:
    """A folder in memory, where the system has one, that goes with the process."""
    stack = ExitStack()
    atexit.register(stack.close)
    memory = Path("/dev/shm")
    return Path(stack.enter_context(tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None)))


def _read_archive(path: Path) -> None:
    with open_archive(path, KEY) as opened:
        list(opened.entries())


def _read_backup(path: Path) -> None:
    with open_backup(path, KEY) as opened, tempfile.TemporaryDirectory(dir=_folder()) as folder:
        for name, _ in opened.contents.files:
            (Path(folder) / name).parent.mkdir(exist_ok=True)
        opened.extract(Path(folder))


@dataclass(frozen=True, slots=True)
class MediumFile:
    """One kind of such a file. pieces: its content, each behind its length or as it is."""

    kind: Kind
    slot: MediumFileSlot
    content: bytes

    def sealed(self, key: KemKey = KEY, content: bytes | None = None) -> bytes:
        """A file of this kind, sealed to this archive key."""
        return b"".join(sealed(self.kind, key.public, [self.content if content is None else content]))


ENTRIES = (
    entry(0, b"one"),
    *(entry(number, b"x" * 40_000) for number in range(1, 6)),
    entry(0, b"theirs", outgoing=False),
)


@cache
def medium_files() -> dict[str, MediumFile]:
    """Each kind, by its label."""
    of_archive = b"".join(map(with_length, (about().encode(), *ENTRIES)))
    files = {"watchline.toml": b"x" * SEGMENT_BYTES, "node.key": b"00" * 32 + b"\n", "journal.db": b"journal" * SEGMENT_BYTES}
    named_so = tuple((name, len(data)) for name, data in files.items())
    contents = Contents("Tokyo", identity_key("A").identity.id, 1, 1, 99, named_so)
    return {
        "archive": MediumFile(body_archive.KIND, MediumFileSlot(_read_archive), of_archive),
        "backup": MediumFile(
            backup.KIND, MediumFileSlot(_read_backup), with_length(contents.encode()) + b"".join(files.values())
        ),
    }


def all_of_medium_files() -> Iterator[Attempt]:
    """Everything of this module."""
    for name, each in medium_files().items():
        yield from _in_other_places(name, each)
        yield from _of_others(name, each)
        yield from _changed(name, each)
    yield from _archives_under_a_seal_that_holds()


def _in_other_places(name: str, each: MediumFile) -> Iterator[Attempt]:
    """Every other object where this file is read, and this file where every other one is; each with the right prefix too."""
    magic = each.kind.magic
    others = other_objects() | {other: file.sealed() for other, file in medium_files().items() if other != name}
    others["file under a passphrase"] = PASSPHRASE_MAGIC + encode(["watchline identity", [8, 1, 1]])
    for other, data in others.items():
        yield Attempt(f"{other} where {name} is read", each.slot, data, of(NOT_ONE))
        yield Attempt(f"{other} behind the beginning of {name}", each.slot, magic + data, of(DAMAGED))
    for other, file in medium_files().items():
        if other != name:
            renamed = magic + file.sealed()[len(file.kind.magic) :]
            yield Attempt(f"{other} that calls itself {name}", each.slot, renamed, of(DAMAGED))
    for wanted, readable in readables().items():
        for prefix in {b"", readable.prefix}:
            outcomes = readable.malformed | readable.signed
            yield Attempt(f"{name} where {wanted} is read", readable.slot, prefix + each.sealed(), outcomes)


def _of_others(name: str, each: MediumFile) -> Iterator[Attempt]:
    """Files of another desk, and file keys that were sealed to another key or for another purpose."""
    theirs, ours = each.sealed(OTHER_KEY), each.sealed()
    yield Attempt(f"{name} of another desk", each.slot, theirs, of(OTHERS))
    own_id, key = decode(_head(each.kind, ours))
    other_id, others_key = decode(_head(each.kind, theirs))
    yield Attempt(
        f"{name} of another desk in our name", each.slot, _with_head(each.kind, theirs, [own_id, others_key]), of(DAMAGED)
    )
    yield Attempt(f"{name} in another desk's name", each.slot, _with_head(each.kind, ours, [other_id, key]), of(OTHERS))
    again = decode(_head(each.kind, each.sealed()))
    yield Attempt(f"{name} with the head of another one", each.slot, _with_head(each.kind, ours, again), of(DAMAGED))
    plain = bytes(KEY_BYTES)
    content = b"".join(seal_segments(plain, [each.content]))
    purposes = {other: file.kind.info for other, file in medium_files().items() if other != name}
    purposes |= {"kept desk": b"watchline/1 kept desk", "kept pairing": b"watchline/1 kept pairing", "nothing": b""}
    for purpose, info in purposes.items():
        head = encode([own_id, seal_to(KEY.public, plain, info)])
        made = each.kind.magic + with_length(head) + content
        yield Attempt(f"{name} under a key that is sealed for {purpose}", each.slot, made, of(DAMAGED))


def _head(kind: Kind, data: bytes) -> bytes:
    start = len(kind.magic) + 4
    return data[start : start + int.from_bytes(data[start - 4 : start], "big")]


def _with_head(kind: Kind, data: bytes, head: Value) -> bytes:
    return kind.magic + with_length(encode(head)) + data[len(kind.magic) + 4 + len(_head(kind, data)) :]


def _changed(name: str, each: MediumFile) -> Iterator[Attempt]:
    """Each change of the head; bits, cuts, and segments in another order, doubled, left out or from another file."""
    data, kind = each.sealed(), each.kind
    for change in changes(decode(_head(kind, data))):
        outcomes = of(OTHERS) if change.path == (0,) and change.kind in KEEPS_FORM else of(DAMAGED)
        yield Attempt(f"{name}, head {change.name}", each.slot, _with_head(kind, data, change.value), outcomes, data)
    start = len(kind.magic) + 4 + len(_head(kind, data))
    for bit in (*range(0, 8 * start, 97), *range(8 * start, 8 * len(data), len(data) // 8)):
        yield Attempt(f"{name}, bit {bit}", each.slot, flipped(data, bit), of(*WORDS.values()), data)
    size = SEGMENT_BYTES + _TAG_BYTES
    segments = [data[at : at + size] for at in range(start, len(data), size)]
    others = each.sealed()[start:]
    for about_, made in {
        "without its last segment": segments[:-1],
        "without its first segment": segments[1:],
        "with no segment": [],
        "with two segments exchanged": [segments[1], segments[0], *segments[2:]],
        "with a segment twice": [segments[0], *segments],
        "with its last segment twice": [*segments, segments[-1]],
        "with a segment of another one": [others[:size], *segments[1:]],
        "one byte longer": [*segments, b"\0"],
    }.items():
        yield Attempt(f"{name} {about_}", each.slot, data[:start] + b"".join(made), of(DAMAGED))
    for cut in (len(kind.magic) + 2, start - 1, start + 1, len(data) - 1):
        yield Attempt(f"{name}, cut to {cut}", each.slot, data[:cut], of(DAMAGED))
    yield Attempt(f"{name}, nothing", each.slot, b"", of(NOT_ONE))
    newer = kind.magic.replace(b" 1\n", b" 2\n") + data[len(kind.magic) :]
    yield Attempt(f"{name} of a newer version", each.slot, newer, of(NEWER))


def _archives_under_a_seal_that_holds() -> Iterator[Attempt]:
    """Entries with the body, blinding or leaf of another one or with a changed one; and words about it in another form."""
    each = medium_files()["archive"]

    def made(about_: bytes, *entries: bytes) -> bytes:
        return each.sealed(content=b"".join(map(with_length, (about_, *entries))))

    first, other = decode(ENTRIES[0]), decode(ENTRIES[-1])
    for place, what in ((3, "leaf"), (5, "body")):
        value = [*first[:place], other[place], *first[place + 1 :]]
        yield Attempt(
            f"archive with the {what} of another entry", each.slot, made(about().encode(), encode(value)), of(DAMAGED)
        )
    optional = (3, "*", 12), (7,)  # may be null or a number, and the commitment covers neither
    for change in changes(first):
        covered = change.path[0] in (4, 5) or change.path == (3, "*", 9)
        if covered or (change.kind not in KEEPS_FORM and change.path not in optional):
            file = made(about().encode(), encode(change.value))
            yield Attempt(f"archive, entry {change.name}", each.slot, file, of(DAMAGED))
    texts = (0, 2, 4, 5, 6)  # which may be empty
    for change in changes(decode(about().encode())):
        if change.kind not in KEEPS_FORM and not (change.kind == "empty" and change.path[0] in texts):
            yield Attempt(f"archive, about {change.name}", each.slot, made(encode(change.value), ENTRIES[0]), of(DAMAGED))
    yield Attempt("archive with an entry where it says what it is", each.slot, made(ENTRIES[0]), of(DAMAGED))
    yield Attempt("archive that says twice what it is", each.slot, made(about().encode(), about().encode()), of(DAMAGED))
    yield Attempt(
        "archive's seal around a backup", each.slot, each.sealed(content=medium_files()["backup"].content), of(DAMAGED)
    )
    backups = medium_files()["backup"]
    yield Attempt("backup's seal around an archive", backups.slot, backups.sealed(content=each.content), of(DAMAGED))


def genuine_medium_files() -> Iterator[tuple[str, MediumFileSlot, bytes]]:
    """Each kind as it is; it must be taken."""
    for name, each in medium_files().items():
        yield name, each.slot, each.sealed()
