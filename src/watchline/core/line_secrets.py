"""The secrets of a line: PS of the pairing, and what each renewal puts in its place (rules 5, 13 and 19).

After a renewal both desks hold two secrets for a while, and each takes frames, epochs and introductions under both:

    asker, file 3 made       speaks under PS;  takes PS' too: whether the other has file 3, it does not know
    accepter, file 3 taken   knows that the other holds PS'; speaks under PS' as soon as no epoch of its own is under way
    asker, heard under PS'   knows the same, and does the same
    either, heard under what it speaks under itself: forgets PS for good

So nobody speaks under a secret that the other may not hold, none of the steps waits for an answer but the last, and each may be
made again after a crash. An epoch goes by the secret under which its sender spoke when it opened it. A sender changes secrets
only between epochs, and a receiver forgets a secret only once its sender has changed: so no epoch is left without its secret.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from watchline.core import shapes
from watchline.core.encoding import decode, encode
from watchline.core.keys import hkdf_expand

RENEWALS_MAX = 1_000
FILE_BYTES_MAX = 16_384
_BYTES = 32


def secret_mark(secret: bytes) -> bytes:
    """What tells one secret of a line from another and gives nothing of it away: HKDF-Expand(PS, "watchline secret", 32)."""
    return hkdf_expand(secret, b"watchline secret", _BYTES)


@dataclass(frozen=True, slots=True)
class LineSecrets:
    """The secrets that a desk holds for one line. At most one of next and previous is there.

    spoken: what we speak under; PS, until the first renewal. next: what the last renewal made, None if we speak under it.
    known: whether the peer is known to hold next. previous: what we spoke under before; None once the peer was heard under
    `spoken`. earlier: the marks of all secrets before `spoken`, oldest first. file3: our file 3, to be given again; None where
    the peer made it, or is known to have it.
    """

    spoken: bytes = field(repr=False)
    next: bytes | None = field(default=None, repr=False)
    known: bool = False
    previous: bytes | None = field(default=None, repr=False)
    earlier: tuple[bytes, ...] = field(default=(), repr=False)
    file3: bytes | None = field(default=None, repr=False)

    @property
    def renewals(self) -> int:
        """How many renewals led to what we speak under."""
        return len(self.earlier)

    @property
    def newest(self) -> int:
        """How many renewals led to the newest secret that we hold."""
        return len(self.earlier) + (self.next is not None)

    @property
    def mark(self) -> bytes:
        """The mark of what we speak under."""
        return secret_mark(self.spoken)

    @property
    def newest_mark(self) -> bytes:
        """The mark of the newest secret that we hold."""
        return secret_mark(self.next or self.spoken)

    @property
    def marks(self) -> frozenset[bytes]:
        """The marks of every secret that we hold or held."""
        return frozenset((*self.earlier, *map(secret_mark, self.all)))

    @property
    def all(self) -> tuple[bytes, ...]:
        """Every secret under which we take what comes, the one that we speak under first."""
        return tuple(secret for secret in (self.spoken, self.next, self.previous) if secret is not None)

    def is_told_by(self, secret: bytes) -> bool:
        """Whether a frame of the peer under this secret tells us anything: see `heard`."""
        return self.heard(secret) is not self

    @property
    def spoken_with_mark(self) -> tuple[bytes, bytes]:
        """What we speak under, and its mark as an epoch names it."""
        return next(self.epoch_marks())

    @property
    def is_changing(self) -> bool:
        """Whether a renewal that the peer is known to have is not through yet; meanwhile no other may begin."""
        return self.known or self.previous is not None

    def epoch_marks(self) -> Iterator[tuple[bytes, bytes]]:
        """Each secret, and what the context of an epoch says of it: its mark, and nothing for the secret of the pairing."""
        for secret in self.all:
            number = self.renewals + (secret == self.next) - (secret == self.previous)
            yield secret, secret_mark(secret) if number else b""

    # --- the steps of a change-over

    def offered(self, secret: bytes, file3: bytes) -> LineSecrets:
        """We made file 3. What an earlier one would have brought can never be taken any more (see `renewal`)."""
        return replace(self, next=secret, known=False, file3=file3)

    def taken(self, secret: bytes) -> LineSecrets:
        """We took file 3: the peer holds what it brought."""
        return replace(self, next=secret, known=True, file3=None)

    def heard(self, secret: bytes) -> LineSecrets:
        """A frame of the peer opened under this secret."""
        if secret == self.next and not self.known:
            return replace(self, known=True, file3=None)
        if secret == self.spoken and self.previous is not None:
            return replace(self, previous=None, file3=None)
        return self

    def changed(self) -> LineSecrets:
        """No epoch of ours is under way: speak under what the peer is known to hold."""
        return self._moved() if self.known else self

    def restored(self) -> LineSecrets:
        """As another home goes on from a copy. Whatever became of file 3: a peer that lacks it can still be given it."""
        return self._moved() if self.next is not None else self

    def _moved(self) -> LineSecrets:
        assert self.next is not None
        return LineSecrets(self.next, previous=self.spoken, earlier=(*self.earlier, self.mark), file3=self.file3)

    def follows(self, other: LineSecrets) -> bool:
        """Whether these can come from those by renewals, or may have stood beside them before one was through."""
        if self.newest == other.newest:
            return bool({*self.all} & {*other.all})
        return self.newest > other.newest and other.mark in {*self.earlier, self.mark}

    # --- as bytes

    def encode(self) -> bytes:
        """Give all but `spoken` as bytes, to be sealed with it."""
        return encode([self.next, self.known, self.previous, list(self.earlier), self.file3])

    @classmethod
    def decode(cls, spoken: bytes, data: bytes) -> LineSecrets:
        """Read what `encode` gave. Raises Malformed (rule 39)."""
        following, known, previous, earlier, file3 = shapes.array(decode(data), "secrets of a line", length=5)
        return cls(
            spoken,
            None if following is None else shapes.octets(following, "next secret", length=_BYTES),
            shapes.boolean(known, "known"),
            None if previous is None else shapes.octets(previous, "previous secret", length=_BYTES),
            tuple(shapes.octets(mark, "mark", length=_BYTES) for mark in shapes.array(earlier, "marks", at_most=RENEWALS_MAX)),
            None if file3 is None else shapes.octets(file3, "file 3", at_most=FILE_BYTES_MAX),
        )
