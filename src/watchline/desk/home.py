"""A desk's home: the folder with everything one desk has on this machine, how it is made and how it is opened.

    watchline.toml    settings             journal.db    what was said, and the desk's keys, sealed by the node key
    node.key          the node key         officers/     the officers' keys, each sealed by its own passphrase
    node.lock         held by whoever uses the journal   node.sock    where the running node answers
    identity/         the identity's medium, unless it has a better place

A home is made in a folder beside it and takes its name when it is whole: half a home never remains.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from watchline.desk.config import Config, default_text, read_config
from watchline.desk.secrets import COST, Cost, read_secret_file, sync_folder, write_private_file
from watchline.errors import Malformed, SecretError, UsageError

if TYPE_CHECKING:
    from watchline.core.keys import Identity
    from watchline.desk.own import OwnDesk
    from watchline.journal.sqlite import SqliteJournal

NODE_KEY_VARIABLE = "WATCHLINE_NODE_KEY_FILE"
NODE_KEY_BYTES = 32
CERTIFICATE_SECONDS = 365 * 24 * 3600
# What no working clock shows: before this version was written, or a generation later. Dates go into signed keys.
CLOCK_FIRST_SECONDS, CLOCK_LAST_SECONDS = 1_767_225_600, 1_767_225_600 + 30 * 365 * 24 * 3600
CONFIG, JOURNAL, NODE_KEY, OFFICERS = "watchline.toml", "journal.db", "node.key", "officers"
_LOCK, _SOCKET = "node.lock", "node.sock"


@dataclass(frozen=True, slots=True)
class Passphrases:
    """What seals the two secrets of people when a home is made."""

    identity: str
    officer: str


class Home:
    """One desk's folder. Made by `Home.create`, opened by `Home.open`."""

    def __init__(self, path: Path, config: Config) -> None:
        self.path = path
        self.config = config

    @classmethod
    def open(cls, path: str | Path) -> Home:
        """Open a home. Raises UsageError if this is none, or its settings cannot be used."""
        path = Path(path)
        try:
            missing = [name for name in (CONFIG, JOURNAL) if not (path / name).is_file()]
        except OSError as error:
            raise _unusable(path, error) from error
        if missing:
            known = f"{path} is no home of a desk: it has no {missing[0]}"
            raise UsageError(
                known if path.exists() else f"there is no home at {path}",
                hint=f"make one: watchline --home {path} init --desk NAME --lang LANG; or give another with --home",
                path=str(path),
            )
        config = read_config(path / CONFIG)
        steps = tuple(step.within(path) for step in config.escalation)
        anchor = str((path / config.anchor).absolute()) if config.anchor else ""
        archive_dir = str((path / config.archive_dir).absolute()) if config.archive_dir else ""
        return cls(path, replace(config, anchor=anchor, archive_dir=archive_dir, escalation=steps))

    @classmethod
    def create(
        cls,
        path: str | Path,
        *,
        desk: str,
        language: str,
        zone: str,
        officer: str,
        passphrases: Passphrases,
        now: int,
        identity_dir: Path | None = None,
        cost: Cost = COST,
    ) -> tuple[Home, Identity]:
        """Make a home with its identity, certificate, first officer and journal: whole, or nothing of it.

        identity_dir: None for a folder of the home. now: seconds since 1970. Raises UsageError for names, languages, zones and
        folders that cannot be used, SecretError for passphrases.
        """
        from watchline.desk.medium import keep_desk
        from watchline.desk.own import DOCUMENT

        path = Path(path).absolute()
        check_clock(now)
        check_free(path)
        language, zone = check_language(language), check_zone(zone)
        with build_home(path) as building:
            node_key = building.new_node_key()
            folder = identity_dir.absolute() if identity_dir else building.folder / "identity"
            own = _new_desk(building, desk, language, zone, officer, passphrases, now, folder, identity_dir, cost)
            keep_desk(folder, own, (), ())
            building.write_config(default_text())
            with building.journal(node_key, create=True) as journal:
                journal.put_document(*DOCUMENT, own.encode(), sealed=True)
        return cls(path, Config()), own.identity

    @property
    def socket(self) -> Path:
        """Where the running node answers."""
        return self.path / _SOCKET

    @property
    def officers(self) -> Path:
        """The folder of the officers' key files."""
        return self.path / OFFICERS

    def identity_dir(self, text: str) -> Path:
        """The folder of the identity's medium, as the desk's own record names it."""
        return self.path / text

    @contextmanager
    def lock(self, wait_seconds: float = 0.0, on_wait: Callable[[int | None], None] = lambda _: None) -> Iterator[None]:
        """Hold the home: nobody else may use its journal meanwhile.

        wait_seconds: how long to wait for another to let go. on_wait: called once before a wait, with the other's process, None
        if it did not say. Raises UsageError, fact `pid`, if another holds it then.
        """
        try:
            descriptor = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _unusable(self.path, error) from error
        try:
            _take(descriptor, self.path, wait_seconds, on_wait)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
            yield
        finally:
            os.close(descriptor)  # lets go of the lock, too

    def open_journal(self) -> SqliteJournal:
        """Open the journal with the node key. Raises SecretError or JournalError; the caller holds the lock."""
        journal = _open_journal(self.path, read_node_key(self.path), create=False)
        journal.reserve(self.config.reserve_bytes)
        return journal


@dataclass(slots=True)
class Building:
    """A home that is being made. folder: where. outside: the files that were made elsewhere, to be taken back if it fails."""

    folder: Path
    outside: list[Path] = field(default_factory=list)

    def new_node_key(self) -> bytes:
        """The key in the file that WATCHLINE_NODE_KEY_FILE names, if it is there; else a new one, kept there or in the home."""
        given = os.environ.get(NODE_KEY_VARIABLE)
        if given and Path(given).exists():
            return read_node_key(self.folder)
        key = os.urandom(NODE_KEY_BYTES)
        self.put_node_key(key)
        return key

    def put_node_key(self, key: bytes) -> None:
        """Keep the node key of a journal that is brought. Raises SecretError if WATCHLINE_NODE_KEY_FILE holds another one."""
        given = os.environ.get(NODE_KEY_VARIABLE)
        if given and Path(given).exists():
            if read_node_key(self.folder) != key:
                raise SecretError(
                    f"{NODE_KEY_VARIABLE} names a file with another node key",
                    hint="name a file that is not there yet, or take the variable away",
                    path=given,
                )
            return
        path = Path(given) if given else self.folder / NODE_KEY
        write_private_file(path, key.hex().encode("ascii") + b"\n")
        if given:
            self.outside.append(path)

    def write_config(self, text: str) -> None:
        """Write watchline.toml."""
        write_private_file(self.folder / CONFIG, text.encode("utf-8"))

    @contextmanager
    def journal(self, node_key: bytes, *, create: bool) -> Iterator[SqliteJournal]:
        """Open the journal, or create it, for this block."""
        journal = _open_journal(self.folder, node_key, create=create)
        try:
            yield journal
        finally:
            journal.close()


@contextmanager
def build_home(path: Path) -> Iterator[Building]:
    """Give a folder beside `path` in which a home is made. When the block has ended it takes its name, whole and durable.

    If the block fails, nothing of it remains. Raises UsageError for a folder that cannot be made or written.
    """
    building = Building(path.with_name(f".{path.name}.{os.urandom(6).hex()}"))
    try:
        building.folder.parent.mkdir(parents=True, exist_ok=True)
        building.folder.mkdir(mode=0o700)
        (building.folder / OFFICERS).mkdir(mode=0o700)
        yield building
        building.folder.rename(path)
        sync_folder(path.parent)
    except BaseException as error:
        for file in building.outside:
            with suppress(OSError):
                file.unlink()
        shutil.rmtree(building.folder, ignore_errors=True)
        if isinstance(error, OSError):
            raise UsageError(
                f"the home cannot be made: {error.strerror}", hint="check the folder, its space and its rights", path=str(path)
            ) from error
        raise


def check_new(path: Path, *, desk: str, language: str, zone: str, officer: str, identity_dir: Path | None) -> None:
    """Raise UsageError for whatever `Home.create` would refuse, before anybody chooses a passphrase."""
    from watchline.core.keys import check_name
    from watchline.desk.medium import refuse_second_identity
    from watchline.desk.officers import check_officer_name

    check_free(path.absolute())
    try:
        check_name(desk, "a desk's name", rule=1)
    except Malformed as error:
        raise UsageError(error.message, hint=error.hint) from None
    check_language(language)
    check_zone(zone)
    check_officer_name(officer)
    if identity_dir is not None:
        refuse_second_identity(identity_dir)


def read_node_key(home: Path) -> bytes:
    """The node key, 32 bytes, from WATCHLINE_NODE_KEY_FILE or the home's own file. Raises SecretError."""
    given = os.environ.get(NODE_KEY_VARIABLE)
    return read_node_key_file(Path(given) if given else home / NODE_KEY)


def read_node_key_file(path: Path) -> bytes:
    """The node key in a file, 32 bytes. Raises SecretError."""
    data = read_secret_file(path, what="the node key file", bytes_max=256)
    try:
        key = bytes.fromhex(data.decode("ascii").strip())
    except ValueError:
        key = b""
    if len(key) != NODE_KEY_BYTES:
        raise SecretError(
            f"the node key file does not hold {NODE_KEY_BYTES} bytes as hex",
            hint=f"set {NODE_KEY_VARIABLE} to the file that this home was made with",
            path=str(path),
        )
    return key


def check_clock(now: int) -> None:
    """Raise UsageError for a clock that cannot be right: what it dates would be signed and carried to others."""
    if not CLOCK_FIRST_SECONDS <= now <= CLOCK_LAST_SECONDS:
        shown = time.strftime("%Y-%m-%d", time.gmtime(now))
        raise UsageError(
            f"this machine's clock says {shown}, which cannot be right", hint="set the clock, then try again", clock=shown
        )


def check_language(tag: str) -> str:
    """A BCP 47 tag in canonical case. Raises UsageError."""
    from watchline.catalogue.given import NotAllowed
    from watchline.catalogue.kinds import Language

    try:
        return str(Language().parse(tag, lambda _: ()))
    except NotAllowed as error:
        raise UsageError(
            f"{tag[:80]!r} is not {error.allowed}", hint="give a tag such as en, ja or zh-Hans", given=tag[:80]
        ) from None


def check_zone(zone: str) -> str:
    """An IANA time zone that this machine knows. Raises UsageError."""
    from watchline.catalogue.times import show_time

    if not 1 <= len(zone) <= 64:
        raise UsageError("a time zone has 1 to 64 characters", hint="give a name of the IANA list, such as Asia/Tokyo")
    show_time(0, zone)
    return zone


def _new_desk(
    building: Building,
    desk: str,
    language: str,
    zone: str,
    officer: str,
    passphrases: Passphrases,
    now: int,
    folder: Path,
    identity_dir: Path | None,
    cost: Cost,
) -> OwnDesk:
    """Make all keys, and write the files that people seal."""
    from watchline.core.certificate import Certificate, issue
    from watchline.core.keys import SEED_BYTES, DeskKeys, IdentityKey, KemKey
    from watchline.core.persons import Roster
    from watchline.desk.medium import DESK_FILE, KEY_FILE, Medium, create_medium
    from watchline.desk.officers import new_officer_key, write_officer_key
    from watchline.desk.own import OwnDesk

    key = IdentityKey.generate(desk, os.urandom)
    keys = DeskKeys.generate(os.urandom)
    dates = (now, now + CERTIFICATE_SECONDS)
    certificate = issue(key, Certificate(key.identity.id, None, 1, 1, keys.public, *dates))
    person = new_officer_key(None, officer)
    roster = Roster(1, (person.officer("duty", now),))
    write_officer_key(building.folder / OFFICERS, person, passphrases.officer, cost)
    archive = KemKey(os.urandom(SEED_BYTES))
    create_medium(folder, Medium(key, archive, inc=1, serial=1), passphrases.identity, cost)
    if identity_dir:
        building.outside += [folder / KEY_FILE, folder / DESK_FILE]
    stored = str(identity_dir.absolute()) if identity_dir else "identity"
    return OwnDesk(language, zone, key.identity, stored, archive.public, keys, certificate, roster, now)


def check_free(path: Path) -> None:
    """Raise UsageError unless a home can be made here: the folder must be new, or empty."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UsageError(
            f"{path} is there already",
            hint="give --home a folder that does not exist yet, or an empty one",
            path=str(path),
        )


def _unusable(path: Path, error: OSError) -> UsageError:
    return UsageError(f"the home {path} cannot be used: {error.strerror}", hint="check its rights and its disk", path=str(path))


def _open_journal(home: Path, node_key: bytes, *, create: bool) -> SqliteJournal:
    from watchline.journal.sqlite import open_journal

    return open_journal(home / JOURNAL, node_key, create)


def _take(descriptor: int, home: Path, wait_seconds: float, on_wait: Callable[[int | None], None]) -> None:
    deadline = time.monotonic() + wait_seconds
    waits = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            told = os.pread(descriptor, 32, 0).strip()
            pid = int(told) if told.isdigit() else None
            if time.monotonic() >= deadline:
                raise UsageError(
                    "another node runs on this home",
                    hint=f"end process {pid or 'that holds it'} first",
                    pid=pid,
                    path=str(home),
                ) from None
            if not waits:
                waits = True
                on_wait(pid)
            time.sleep(0.02)
        else:
            return
