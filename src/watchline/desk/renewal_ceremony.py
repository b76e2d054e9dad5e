"""The ceremony of a renewal (rule 5): three files carried by hand, and both desks leave a secret that may have been stolen.

What waits for the next file is kept, sealed, in the journal: one renewal of a line at a time. A new secret is on the identity's
medium and then in the journal, before file 3 is given away and before whoever takes file 3 speaks under it: whichever of them
is lost, the other goes on, and the medium is never behind. A step that was interrupted is made again. A step is stored only if
the line stands where it stood when the command began: while one waits for a passphrase, another may have gone on. A home that
is an old copy makes no step: it would put an old secret in the place of the one that only the medium knows by now.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from watchline.core.pairing import Pairing
from watchline.core.renewal import (
    BegunRenewal,
    RenewalLine,
    RenewedSecret,
    answer_renewal,
    ask_renewal,
    complete_renewal,
    is_answer_to,
    renewal_step,
    take_renewal,
)
from watchline.desk.ceremony import Unlock, check_out, line_row
from watchline.desk.home import Home
from watchline.desk.kept_secrets import KIND
from watchline.desk.local import Caller
from watchline.desk.medium import keep_pairing, note_newest, noted_newest
from watchline.desk.own import OwnDesk
from watchline.desk.renewal_methods import gone_a_step, state_digest
from watchline.desk.secrets import write_private_file
from watchline.desk.spare import outdate
from watchline.errors import RouteError, UsageError, WatchlineError, WrongParty


@dataclass(frozen=True, slots=True)
class RenewalStep:
    """What one step came to. step: of the file that was made or taken. number: of the renewal. digits: None before file 3.

    file: what the other desk needs now; None once it has everything.
    """

    step: int
    number: int
    file: bytes | None
    digits: str | None


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the renewal of a line is. state: `none`, `asked`, `answered`, `offered` (file 3 is made), or `changing` (both
    desks have the secret, and were not both heard under it). renewals: how many led to the secret that this desk speaks under.
    """

    state: str
    renewals: int


class Renewing:
    """One command's work on one line."""

    def __init__(self, caller: Caller, home: Home, own: OwnDesk, unlock: Unlock, name: str, identity_dir: Path | None) -> None:
        """identity_dir: where the identity's medium is now, None for where it was. Raises UsageError for no confirmed line."""
        self._caller = caller
        self._own = own
        self._unlock = unlock
        self._folder = identity_dir or home.identity_dir(own.identity_dir)
        self._row: dict[str, Any] = line_row(caller, name)
        if not self._row["confirmed"]:
            raise UsageError(f"line {name} is not confirmed yet", hint="compare the digits first: watchline confirm")
        self._pairing = Pairing.decode(bytes.fromhex(self._row["pairing"]))
        self._at = RenewalLine(self._pairing.line, own.identity, self._pairing.peer, self._pairing.secrets)
        self._waiting = self._stored_waiting()

    @property
    def standing(self) -> Standing:
        """How far it is."""
        secrets, begun = self._pairing.secrets, self._begun()
        if secrets.is_changing and secrets.file3 is None:
            return Standing("changing", secrets.renewals)
        if begun is not None:
            return Standing("asked" if begun.file2 is None else "answered", secrets.renewals)
        return Standing("none" if secrets.file3 is None else "offered", secrets.renewals)

    def begin(self, out: Path) -> RenewalStep:
        """Write file 1. What was under way here ends."""
        check_out(out)
        self._check_home()
        file1, begun = ask_renewal(self._at, self._unlock(self._own).key, os.urandom)
        return self._give(1, begun, out, file1)

    def again(self, out: Path) -> RenewalStep:
        """Write our file 3 once more. Raises UsageError where there is none that the other desk may still want."""
        file3 = self._pairing.secrets.file3
        if file3 is None:
            raise UsageError(
                "there is no file 3 that the other desk may want", hint="begin with watchline renew LINE --out FILE"
            )
        self._check_home()
        self._keep_on_medium(self._pairing)
        write_private_file(out, file3)
        return RenewalStep(3, self._pairing.secrets.newest, file3, None)

    def go_on(self, file: bytes, out: Path | None) -> RenewalStep:
        """Take a file of the other desk, and write the next one to `out`. Raises PeerError for the file, UsageError."""
        step = renewal_step(file)
        self._check_home()
        if step == 3:
            return self._take(file)
        if out is None:
            raise UsageError(f"file {step + 1} needs a name", hint="watchline renew LINE FILE --out FILE")
        check_out(out)
        return self._answer(file, out) if step == 1 else self._complete(file, out)

    def _answer(self, file1: bytes, out: Path) -> RenewalStep:
        file2, answered = answer_renewal(self._at, self._begun(), file1, self._unlock(self._own).key, os.urandom)
        return self._give(2, answered, out, file2)

    def _complete(self, file2: bytes, out: Path) -> RenewalStep:
        known = self._pairing.secrets.file3
        if known is not None and is_answer_to(known, file2):
            return self.again(out)
        begun = self._begun()
        if begun is None:
            raise WrongParty(
                "this file answers no renewal that this desk asked for",
                rule=5,
                hint="begin anew with watchline renew LINE --out FILE",
            )
        file3, renewed = complete_renewal(self._at, begun, file2, self._unlock(self._own).key, os.urandom)
        self._store(self._pairing.with_secrets(self._at.secrets.offered(renewed.secret, file3)))
        write_private_file(out, file3)
        return self._done(3, file3, renewed)

    def _take(self, file3: bytes) -> RenewalStep:
        begun = self._begun()
        if begun is None:
            raise WrongParty(
                "this file belongs to no renewal that this desk answered",
                rule=5,
                hint="if it was given before, it is taken: watchline renew LINE says how it stands; else begin anew",
            )
        renewed = take_renewal(self._at, begun, file3)
        self._store(self._pairing.with_secrets(self._at.secrets.taken(renewed.secret)))
        return self._done(3, None, renewed)

    def _done(self, step: int, file: bytes | None, renewed: RenewedSecret) -> RenewalStep:
        return RenewalStep(step, self._at.secrets.renewals + 1, file, renewed.digits)

    def _keep_on_medium(self, pairing: Pairing, *, stored: bool = True) -> None:
        """stored: whether the journal is known to have it; else what it has is open until it answers."""
        note_newest(self._folder, pairing.line, None)
        keep_pairing(self._folder, self._own.archive, pairing.line, pairing.encode())
        if stored:
            note_newest(self._folder, pairing.line, pairing.secrets.newest_mark)

    def _check_home(self) -> None:
        self._check_stands()
        noted = noted_newest(self._folder, self._pairing.line)
        if noted is not None and noted not in self._pairing.secrets.marks:
            raise UsageError(
                "this home is an old copy: the identity's medium knows a later secret of this line",
                hint="stop the node, then watchline keys rotate with that medium; it brings the secret back",
            )

    def _store(self, pairing: Pairing) -> None:
        """On the medium, then in the journal; a node that runs goes on with it. What was under way ends."""
        self._check_stands()
        self._keep_on_medium(pairing, stored=False)
        outdate(self._caller, pairing.line)
        try:
            self._put(pairing=pairing.encode().hex())
        except RouteError:
            raise  # no answer: it may be stored all the same
        except WatchlineError:  # such as where another command was faster, and gave away what it made
            self._keep_on_medium(Pairing.decode(bytes.fromhex(line_row(self._caller, self._row["name"])["pairing"])))
            raise
        note_newest(self._folder, pairing.line, pairing.secrets.newest_mark)

    def _give(self, step: int, begun: BegunRenewal, out: Path, file: bytes) -> RenewalStep:
        """Store, then give away. What a step that was interrupted left on the medium can never be agreed on any more."""
        self._put(waiting=begun.encode().hex())
        self._keep_on_medium(self._pairing)
        write_private_file(out, file)
        return RenewalStep(step, self._at.secrets.renewals + 1, file, None)

    def _check_stands(self) -> None:
        """Nothing is kept on the medium by a command that comes too late: the journal may not be there to put it right."""
        row = line_row(self._caller, self._row["name"])
        if (row["pairing"], self._stored_waiting()) != (self._row["pairing"], self._waiting):
            raise gone_a_step()

    def _stored_waiting(self) -> str | None:
        value: str | None = self._caller.call("document_get", kind=KIND, key=self._row["line"])["value"]
        return value

    def _begun(self) -> BegunRenewal | None:
        """What waits for the next file; what was begun from an earlier secret is over."""
        begun = None if self._waiting is None else BegunRenewal.decode(bytes.fromhex(self._waiting))
        return begun if begun is not None and begun.is_of(self._at) else None

    def _put(self, *, pairing: str | None = None, waiting: str | None = None) -> None:
        """Store a step in the journal. pairing: None where it stays. waiting: what waits for the next file now."""
        before = state_digest(self._row["pairing"], self._waiting)
        self._caller.call("renewal_put", line=self._row["line"], before=before, pairing=pairing, waiting=waiting)
