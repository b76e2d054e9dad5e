"""The secrets of lines as the watch sees them: which there ever were, which each desk has, who may speak under which.

It goes by what stands in the journals, never by what a desk has in memory. Where an end was set back, or had to guess whether
its file 3 was taken, the other one may not hold what it speaks under: then only the end of the run is judged (`renewals`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress

from reliability.simulator.pool import pairing_secret
from reliability.simulator.violation import Violation
from watchline.core.epochs import outer_key
from watchline.core.frames import FrameKey, Item
from watchline.core.line_secrets import LineSecrets
from watchline.core.pairing import Pairing
from watchline.errors import BadSignature
from watchline.journal import Journal, LineRecord


class Secrecy:
    """What is known of the secrets of all lines. ids, peers: of the desks by name, and who is at the other end of a line.

    held: what each desk has on its disk. ever: all secrets of a line, in the order in which they came up.
    """

    def __init__(self, ids: Mapping[str, bytes], peers: Mapping[tuple[str, bytes], str]) -> None:
        self._ids = ids
        self._peers = peers
        self.held: dict[tuple[str, bytes], LineSecrets] = {place: LineSecrets(pairing_secret(place[1])) for place in peers}
        self.ever: dict[bytes, list[bytes]] = {line: [pairing_secret(line)] for _, line in peers}
        self.unsettled: set[bytes] = set()  # lines of which one end was set back, or guessed
        self.offered: dict[bytes, bytes] = {}  # what each file 3 brings
        self._storing: dict[tuple[str, bytes], LineSecrets] = {}
        self._keys: defaultdict[tuple[str, bytes], dict[bytes, FrameKey]] = defaultdict(dict)
        for line, secrets in self.ever.items():
            self._learn(line, secrets)

    def peer_of(self, desk: str, line: bytes) -> LineSecrets:
        """What the desk at the other end has."""
        return self.held[self._peers[desk, line], line]

    def is_through(self, line: bytes) -> bool:
        """Whether both ends speak under one secret, and neither waits for the other to follow."""
        one, other = (secrets for (_, found), secrets in self.held.items() if found == line)
        return one.spoken == other.spoken and not one.is_changing and not other.is_changing

    def is_deaf(self, line: bytes) -> bool:
        """Whether one end cannot open what the other says."""
        one, other = (secrets for (_, found), secrets in self.held.items() if found == line)
        return one.spoken not in other.all or other.spoken not in one.all

    def retired(self, desk: str, line: bytes) -> list[bytes]:
        """The secrets of a line that this desk holds no more, or never held."""
        held = self.held[desk, line].all
        return [secret for secret in self.ever[line] if secret not in held]

    def key(self, desk: str, line: bytes, secret: bytes) -> FrameKey:
        """What seals the frames of this desk under this secret."""
        return self._keys[desk, line][secret]

    # --- what is stored

    def storing(self, desk: str, row: LineRecord) -> None:
        """A running desk hands this to its journal."""
        self._storing[desk, row.line] = _secrets_of(row)

    def stored(self, desk: str, row: LineRecord) -> None:
        """The journal said that it is durable."""
        place, after = (desk, row.line), _secrets_of(row)
        self._storing.pop(place, None)
        before, self.held[place] = self.held[place], after
        self._note(row.line, after)
        if row.line not in self.unsettled:
            self._check_step(place, before, after)

    def started(self, desk: str, journal: Journal) -> None:
        """A process reads its disk after a crash: each line is as it was, or as it was about to be."""
        for row in journal.lines():
            place, found = (desk, row.line), _secrets_of(row)
            pending = self._storing.pop(place, None)
            if found == pending:
                self.stored(desk, row)
            elif found != self.held[place]:
                raise Violation("durable", f"{desk} has other secrets of a line on its disk than it had stored")

    def replaced(self, desk: str, journal: Journal, *, guessed: bool) -> None:
        """Another disk was put in, or a new incarnation goes on. guessed: it may speak under what its peer does not hold."""
        for row in journal.lines():
            place, found = (desk, row.line), _secrets_of(row)
            self._storing.pop(place, None)
            if guessed or found.spoken not in self.peer_of(*place).all:
                self.unsettled.add(row.line)
            self.held[place] = found
            self._note(row.line, found)

    def _check_step(self, place: tuple[str, bytes], before: LineSecrets, after: LineSecrets) -> None:
        desk, peer = place[0], self.peer_of(*place)
        if after.spoken != before.spoken and after.spoken not in peer.all:
            raise Violation("secret", f"{desk} speaks under a secret that its peer does not hold")
        if peer.spoken not in after.all:
            raise Violation("secret", f"{desk} has forgotten a secret under which its peer speaks")
        if after.known and after.next not in peer.all:
            raise Violation("secret", f"{desk} takes it as known that its peer holds a secret that it does not hold")

    def _note(self, line: bytes, found: LineSecrets) -> None:
        self._learn(line, found.all)
        if found.file3 is not None:
            self.offered.setdefault(found.file3, found.next or found.spoken)

    def _learn(self, line: bytes, secrets: Iterable[bytes]) -> None:
        for secret in secrets:
            if secret not in self.ever[line]:
                self.ever[line].append(secret)
            for (desk, found), peer in self._peers.items():
                if found == line:
                    self._keys[desk, line].setdefault(secret, FrameKey(outer_key(secret, self._ids[desk], self._ids[peer])))

    # --- what is said

    def open(self, desk: str, line: bytes, frame: bytes) -> list[Item]:
        """What a frame of this desk holds, under whatever secret it is sealed. Raises PeerError as `FrameKey.open`."""
        *earlier, newest = self._keys[desk, line].values()
        for key in earlier:
            with suppress(BadSignature):
                return key.open(frame)
        return newest.open(frame)

    def spoken(self, desk: str, line: bytes, frame: bytes) -> None:
        """An honest desk let go of a frame: under the one secret that its journal says, which its peer holds as well."""
        speaks = self.held[desk, line].spoken
        if len(self.ever[line]) == 1:
            return  # there is no other that it could be under
        try:
            self._keys[desk, line][speaks].open(frame)
        except BadSignature:
            raise Violation("secret", f"{desk} spoke under another secret than its journal says") from None
        if line not in self.unsettled and speaks not in self.peer_of(desk, line).all:
            raise Violation("secret", f"{desk} spoke under a secret that its peer does not hold")


def _secrets_of(row: LineRecord) -> LineSecrets:
    return Pairing.decode(row.pairing).secrets
