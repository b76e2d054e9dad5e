"""A home brought back: from a backup, or from nothing but the identity's medium. Always as a new incarnation (rule 28).

Whatever the home was before, its logs may have gone on since: it speaks with new keys, in logs that begin anew. Numbers come
from the medium, never from the backup. What the medium keeps is newer than a backup, so it counts where both know something.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from watchline.core.encoding import encode
from watchline.core.pairing import Pairing, own_offer
from watchline.core.persons import Roster
from watchline.desk.backup import Contents, open_backup
from watchline.desk.ceremony import free_line_name, waiting_for_digits
from watchline.desk.config import default_text
from watchline.desk.home import NODE_KEY, OFFICERS, Home, build_home, check_free, check_language, check_zone, read_node_key_file
from watchline.desk.incarnation import (
    begin_incarnation,
    check_medium,
    give_incarnations,
    keep_from_journal,
    put_incarnation,
    read_own,
)
from watchline.desk.kept_secrets import restored, take_kept_secrets
from watchline.desk.medium import KeptDesk, Unlocked, kept_desk, kept_pairings, read_pairing
from watchline.desk.officers import check_officer_name
from watchline.desk.own import OwnDesk
from watchline.desk.secrets import MAGIC as SEALED_MAGIC
from watchline.desk.secrets import read_secret_file, write_private_file
from watchline.errors import SecretError, UsageError
from watchline.journal import Journal, LineRecord


@dataclass(frozen=True, slots=True)
class Restored:
    """A home that was brought back. own: the desk with its new keys. lines: all of them; the unconfirmed wait for digits.

    contents: what the backup said of itself; None where there was none.
    """

    home: Home
    own: OwnDesk
    lines: list[LineRecord]
    contents: Contents | None


def restore_backup(path: Path, file: Path, unlocked: Unlocked, officer_keys: Iterable[Path], now: int) -> Restored:
    """Make a home of a backup, whole or not at all.

    officer_keys: further key files of officers; each replaces one of its name. Raises UsageError for a backup that is damaged
    or another desk's, SecretError for a medium that is another desk's or an old copy, JournalError for a damaged journal in it.
    """
    path = path.absolute()
    check_free(path)
    medium = unlocked.medium
    with open_backup(file, medium.archive) as backup:
        with build_home(path) as building:
            backup.extract(building.folder)
            key = read_node_key_file(building.folder / NODE_KEY)
            (building.folder / NODE_KEY).unlink()
            building.put_node_key(key)
            _take_officers(building.folder / OFFICERS, officer_keys)
            with building.journal(key, create=False) as journal:
                _verify(journal)
                before = read_own(journal)
                kept = kept_desk(unlocked.folder, medium)
                _compare_lines(journal, unlocked)
                _add_lines(journal, unlocked, kept, now)
                take_kept_secrets(journal, unlocked, from_backup=True)
                own = begin_incarnation(unlocked, _with_kept(before, kept, unlocked.folder), now)
                past = () if kept is None else kept.certificates  # also of incarnations that the backup is too old to know
                put_incarnation(journal, own, [*past, before.certificate])
                keep_from_journal(unlocked, journal, own)
                lines = journal.lines()
        return Restored(Home.open(path), own, lines, backup.contents)


def restore_identity(
    path: Path, unlocked: Unlocked, language: str | None, zone: str | None, officer_keys: Iterable[Path], now: int
) -> Restored:
    """Make a home of the identity's medium alone, whole or not at all: the lines, and nothing of what was said on them.

    language, zone: None for those that the medium keeps. Raises UsageError where neither says, and for a medium without a line.
    """
    path = path.absolute()
    check_free(path)
    kept = kept_desk(unlocked.folder, unlocked.medium)
    if kept is not None:
        check_medium(unlocked.medium, kept.certificate)
        language, zone = language or kept.language, zone or kept.zone
    if language is None:
        raise UsageError("this medium does not say in which language the desk works", hint="give --lang, and --zone")
    language, zone = check_language(language), check_zone(zone or "UTC")
    pairings = kept_pairings(unlocked.folder, unlocked.medium)
    roster = _newest_roster(pairings, kept)
    with build_home(path) as building:
        _take_officers(building.folder / OFFICERS, officer_keys)
        building.write_config(default_text())
        with building.journal(building.new_node_key(), create=True) as journal:
            _add_lines(journal, unlocked, kept, now)
            routes = kept.routes if kept is not None else _own_routes(pairings)
            journal.put_document("own-routes", "self", encode([list(route) for route in routes]), False)
            revoked = kept.certificate.certificate.revoked if kept is not None else None
            (given,) = give_incarnations(unlocked, 1, now, revoked)
            identity, archive = unlocked.medium.key.identity, unlocked.medium.archive.public
            folder = str(unlocked.folder.absolute())
            own = OwnDesk(language, zone, identity, folder, archive, given.keys, given.certificate, roster, now)
            put_incarnation(journal, own, () if kept is None else kept.certificates)
            keep_from_journal(unlocked, journal, own)
            lines = journal.lines()
    return Restored(Home.open(path), own, lines, None)


def _verify(journal: Journal) -> None:
    """Recompute every log: a home is not made of a journal that was damaged before it was copied."""
    for row in journal.lines():
        for log in journal.logs(row.line):
            journal.verify(log)


def _compare_lines(journal: Journal, unlocked: Unlocked) -> None:
    """Raise UsageError if the medium keeps a line of this backup with another secret or peer: somebody made this backup up.

    A backup from before a renewal holds a secret from which the medium's follows.
    """
    for row in journal.lines():
        try:
            there = Pairing.decode(read_pairing(unlocked.folder, unlocked.medium, row.line))
        except SecretError:
            continue  # the medium does not have it, and so cannot speak against it
        here = Pairing.decode(row.pairing)
        if here.secrets.newest > there.secrets.newest:
            raise SecretError(
                f"this medium is an old copy: the secret of line {row.name} was renewed since",
                hint="bring the medium that was used last",
                line=row.name,
            )
        if (there.peer, there.own_id) != (here.peer, here.own_id) or not there.secrets.follows(here.secrets):
            raise UsageError(
                f"the line {row.name} in this backup is not the one that the identity's medium keeps",
                hint="do not use this backup; restore an older one, or watchline restore --from-identity",
                line=row.name,
            )


def _with_kept(own: OwnDesk, kept: KeptDesk | None, folder: Path) -> OwnDesk:
    """The desk of a backup, with what the medium knows better: officers may have changed since."""
    own = replace(own, identity_dir=str(folder.absolute()))
    newer = kept is not None and kept.roster.version > own.roster.version
    return replace(own, roster=kept.roster) if kept is not None and newer else own


def _add_lines(journal: Journal, unlocked: Unlocked, kept: KeptDesk | None, now: int) -> None:
    """Add what only the medium knows of lines. One that two people had confirmed is so again; another waits for the digits."""
    rows = {row.line: row for row in journal.lines()}
    names = {row.name for row in rows.values()}
    for pairing in kept_pairings(unlocked.folder, unlocked.medium):
        name = None if kept is None else kept.lines.get(pairing.line)
        confirmed, row = name is not None, rows.get(pairing.line)
        if row is not None and (row.confirmed or not confirmed):
            continue
        if row is None:
            name = name if name is not None and name not in names else free_line_name(pairing.peer.desk, names)
            row = LineRecord(pairing.line, name, now, confirmed, restored(pairing).encode())
        kind, key, value = waiting_for_digits(pairing.line)
        journal.put_document(kind, key, None if confirmed else value, True)
        journal.put_line(replace(row, confirmed=confirmed))
        names.add(row.name)


def _newest_roster(pairings: list[Pairing], kept: KeptDesk | None) -> Roster:
    """The desk's officers as its peers know them: as the medium keeps them, else as they stood in the newest pairing."""
    rosters = [own_offer(pairing).roster for pairing in pairings]
    if kept is not None:
        rosters.append(kept.roster)
    if not rosters:
        raise UsageError(
            "this medium keeps neither a line nor the officers of its desk",
            hint="restore a backup; or, if this desk never had a line, make another with watchline init",
        )
    return max(rosters, key=lambda roster: roster.version)


def _own_routes(pairings: list[Pairing]) -> list[tuple[str, str]]:
    routes = {(route.kind, route.address): None for pairing in pairings for route in own_offer(pairing).routes}
    return list(routes)


def _take_officers(folder: Path, files: Iterable[Path]) -> None:
    """Copy officers' key files into the home that is being made. They stay sealed by their own passphrases."""
    for file in files:
        check_officer_name(file.stem)
        data = read_secret_file(file, what="the officer's key file")
        if file.suffix != ".key" or not data.startswith(SEALED_MAGIC):
            raise SecretError(
                "this is no officer's key file", hint="give a file officers/NAME.key of the old home", path=str(file)
            )
        write_private_file(folder / file.name, data, replace=True)
