r"""The anchor: how far each log had come, on a second medium, so that a restored copy is noticed before it speaks (rule 32).

    file = "watchline anchor 1\n" || SHA-256(content) || content
    content = dCBOR[[LINE, inc, peer inc, own size, own root, peer size, peer root], ...]

It holds no secret. Losing it harms nothing: it is a second look, so one that is missing or damaged is a warning, never a cut.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from watchline.core import shapes
from watchline.core.encoding import Value, decode, encode
from watchline.core.limits import ARRAY_MAX
from watchline.core.records import Pair
from watchline.desk.secrets import write_private_file
from watchline.errors import Malformed, Rollback, UsageError

MAGIC = b"watchline anchor 1\n"
ANCHOR_BYTES_MAX = 1024 * 1024
_DIGEST_BYTES = 32


@dataclass(frozen=True, slots=True)
class Anchored:
    """How far the two logs of one line's newest pair of incarnations had come: sizes, and the roots of so many entries."""

    pair: Pair
    own_size: int
    own_root: bytes
    peer_size: int
    peer_root: bytes


class Anchor:
    """The anchor file of one home. Only one process writes it: the one that holds the home."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[bytes, Anchored]:
        """What was written last, by LINE. Raises UsageError if it is not there or was damaged: the caller warns and goes on."""
        try:
            with self.path.open("rb") as file:
                data = file.read(ANCHOR_BYTES_MAX + 1)
        except OSError as error:
            raise _unusable(self.path, f"cannot be read: {error.strerror}") from error
        digest, content = data[len(MAGIC) :][:_DIGEST_BYTES], data[len(MAGIC) + _DIGEST_BYTES :]
        if not data.startswith(MAGIC) or len(data) > ANCHOR_BYTES_MAX or digest != sha256(content).digest():
            raise _unusable(self.path, "is damaged, or another file")
        try:
            return dict(_read_line(value) for value in shapes.array(decode(content), "anchor"))
        except Malformed as error:
            raise _unusable(self.path, f"is damaged: {error.message}") from None

    def write(self, lines: Mapping[bytes, Anchored]) -> None:
        """Replace it, whole or not at all; durable on return. Raises UsageError: the caller warns and goes on."""
        if len(lines) > ARRAY_MAX:
            raise UsageError(f"an anchor holds at most {ARRAY_MAX} lines", hint="serve the others from another home")
        content = encode([[line, *at.pair, at.own_size, at.own_root, at.peer_size, at.peer_root] for line, at in lines.items()])
        write_private_file(self.path, MAGIC + sha256(content).digest() + content, replace=True)


def judge(
    anchored: Anchored,
    pair: Pair,
    own_size: int,
    peer_size: int,
    own_root_at: Callable[[int], bytes],
    peer_root_at: Callable[[int], bytes],
) -> Rollback | None:
    """Say whether a journal is older than its anchor: the error that stops the line, or None.

    pair, own_size, peer_size: as the journal has them. own_root_at, peer_root_at: the root of its first so many entries, asked
    only for sizes that it has. A journal of a later incarnation than the anchor's owes it nothing: it began anew.
    """
    if (pair.ours, pair.theirs) != anchored.pair:
        behind = pair.ours < anchored.pair.ours or (pair.ours == anchored.pair.ours and pair.theirs < anchored.pair.theirs)
        return _rollback("an earlier incarnation", pair.ours, anchored.pair.ours) if behind else None
    for whose, size, known, root, root_at in (
        ("our log", own_size, anchored.own_size, anchored.own_root, own_root_at),
        ("the peer's log", peer_size, anchored.peer_size, anchored.peer_root, peer_root_at),
    ):
        if size < known:
            return _rollback(f"fewer entries of {whose}", size, known)
        if root_at(known) != root:
            return _rollback(f"other entries of {whose}", size, known)
    return None


def _rollback(how: str, held: int, known: int) -> Rollback:
    return Rollback(
        f"this home is an old copy: its anchor shows that it holds {how} than it had",
        rule=32,
        hint="do not serve this copy; bring back the newest home, or begin a new incarnation: watchline keys rotate",
        held=held,
        known=known,
    )


def _read_line(value: Value) -> tuple[bytes, Anchored]:
    line, inc, peer_inc, own_size, own_root, peer_size, peer_root = shapes.array(value, "anchored line", length=7)
    return shapes.octets(line, "line", length=32), Anchored(
        Pair(shapes.integer(inc, "inc", at_least=1), shapes.integer(peer_inc, "peer inc", at_least=1)),
        shapes.integer(own_size, "own size"),
        shapes.octets(own_root, "own root", length=32),
        shapes.integer(peer_size, "peer size"),
        shapes.octets(peer_root, "peer root", length=32),
    )


def _unusable(path: Path, how: str) -> UsageError:
    return UsageError(
        f"the anchor {how}",
        hint="put its medium in, or take anchor out of watchline.toml; until then an old copy of this home is not noticed here",
        path=str(path),
    )
