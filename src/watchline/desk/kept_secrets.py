"""The secrets of lines where a home begins a new incarnation: those of the identity's medium, where the home is an old copy.

A renewal that was not through is taken to be: the peer either has the new secret, or can still be given file 3 (rule 5). Logs
that begin anew under the old one could never be read by a peer that has forgotten it.
"""

from __future__ import annotations

from dataclasses import replace

from watchline.core.line_secrets import LineSecrets
from watchline.core.pairing import Pairing
from watchline.desk.medium import Unlocked, kept_pairings
from watchline.journal import Journal

KIND = "renewal"  # of the documents, by line, that hold what waits for the next file


def restored(pairing: Pairing) -> Pairing:
    """A line as another home goes on with it."""
    secrets = pairing.secrets.restored()
    return pairing if secrets == pairing.secrets else pairing.with_secrets(secrets)


def take_kept_secrets(journal: Journal, unlocked: Unlocked, *, from_backup: bool = False) -> None:
    """Have every line of the journal go on under the newest secret that it or the medium knows; durable on return.

    from_backup: the journal is a copy, so that a renewal that it shows under way may have gone on since. What waits for a file
    is ended: whoever answered twice from copies of one state could take a file 3 that its peer has given up.
    """
    kept = {pairing.line: pairing.secrets for pairing in kept_pairings(unlocked.folder, unlocked.medium)}
    for row in journal.lines():
        pairing = Pairing.decode(row.pairing)
        here = pairing.secrets
        there = kept.get(row.line, here)
        newest = there if _is_newer(there, here) else here
        # Where the peer is known to have what we do not speak under yet: it may have forgotten what was before, and would never
        # read the logs that begin now.
        after = newest.restored() if newest != here or from_backup or here.known else here
        if after != here:
            journal.put_line(replace(row, pairing=pairing.with_secrets(after).encode()))
        journal.put_document(KIND, row.line.hex(), None, True)


def _is_newer(there: LineSecrets, here: LineSecrets) -> bool:
    """Whether the medium knows a later secret than the journal: of a later renewal, or of one that was begun again after what
    the journal holds had been offered in vain. The medium always learns a secret before the journal.
    """
    if not there.follows(here):
        return False
    if there.newest != here.newest:
        return there.newest > here.newest
    return here.next is not None and not here.known and here.next not in there.all
