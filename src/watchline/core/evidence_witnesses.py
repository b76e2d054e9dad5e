"""The witnesses of one log that evidence shows: whose cosignatures may stand on its heads, and which entries they date.

Each version of the terms that came into force in the log's pair may name witnesses (rule 6). A cosignature by any of them may
be shown. It dates an entry only if its witness is named by the terms in force at that entry's place, or by the newest that
came into force in that pair: whom both desks took when the entry was written, or take now. So nobody who was dismissed dates
what was written afterwards, and an entry has at most twice as many witnesses as terms may name, whatever was amended.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence

from watchline.core.checkpoint import Note, VerifierKey, custody_name
from watchline.core.terms import Terms
from watchline.core.witnessing import Cosignature, witness_key
from watchline.errors import BadSignature, WrongParty


class LogWitnesses:
    """The witnesses of one log. versions: the terms under which its pair began, and those that came into force in it.

    origin: of the log, as its heads have it.
    """

    def __init__(self, versions: Sequence[Terms], origin: str) -> None:
        self._newest = versions[-1]
        self._known: dict[tuple[str, bytes], VerifierKey] = {}
        self._by_text: dict[str, VerifierKey] = {}
        self._said: dict[VerifierKey, tuple[list[int], list[int]]] = {}  # sizes in order, and times
        self._dating: dict[int, list[tuple[str, list[int], list[int]]]] = {}  # by the version in force
        own = {origin, custody_name(origin)}  # terms that are agreed later could name these: a receipt is no word of a witness
        named = {witness.vkey: witness for terms in versions for witness in terms.witnesses}
        for text, witness in named.items():
            key = witness_key(witness)
            if key is not None and key.name not in own and self._known.setdefault((key.name, key.key_id), key) == key:
                self._by_text[text] = key  # of two that look alike on a note, the one that was named first counts

    @property
    def keys(self) -> Mapping[str, VerifierKey]:
        """Their keys by the text of the terms; those that cannot be verified are left out."""
        return self._by_text

    def read(self, size: int, note: Note, *, by_author: bool) -> tuple[Cosignature, ...]:
        """What witnesses say of the head of this size. note: its lines that are not of the two desks; heads come in order.

        by_author: whether the author signed the head, too. Raises WrongParty (23) for a line of anybody else, and
        BadSignature (4, 9, 27).
        """
        signers = [(name, key_id) for name, key_id, _ in note.signatures]
        if any(signer not in self._known for signer in signers):
            raise WrongParty("the note is signed by a key that is neither a desk's nor a witness's of the terms", rule=23)
        note.verify(self._known[signer] for signer in signers)
        if not by_author:
            raise BadSignature("what a witness saw was signed by the author, and that signature is missing", rule=27)
        blobs = {(name, key_id): blob for name, key_id, blob in note.signatures}
        found = tuple(Cosignature(self._known[who], int.from_bytes(blob[:8], "big"), blob[8:]) for who, blob in blobs.items())
        for each in found:
            sizes, times = self._said.setdefault(each.witness, ([], []))
            sizes.append(size)
            times.append(each.time)
        return found

    def dating(self, terms: Terms, index: int) -> tuple[tuple[str, int], ...]:
        """Each witness that dates the entry at this index, as the terms name it, with the time of the first head above it.

        terms: in force at its place. Their witnesses stand first, then those of the newest terms that these do not name.
        """
        if terms.version not in self._dating:
            self._dating[terms.version] = list(self._named((terms, self._newest)))
        firsts = ((name, times, bisect_right(sizes, index)) for name, sizes, times in self._dating[terms.version])
        return tuple((name, times[at]) for name, times, at in firsts if at < len(times))

    def _named(self, versions: Iterable[Terms]) -> Iterable[tuple[str, list[int], list[int]]]:
        names: dict[VerifierKey, str] = {}
        for terms in versions if self._said else ():
            for witness in terms.witnesses:
                key = self._by_text.get(witness.vkey)
                if key in self._said:
                    names.setdefault(key, witness.name)
        return ((name, *self._said[key]) for key, name in names.items())
