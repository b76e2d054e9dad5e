"""Homes for tests: whole ones, made as `init` makes them, with key derivation that costs nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from watchline.core.pairing import RouteAddress
from watchline.desk import ceremony
from watchline.desk.agreement import proposed_terms
from watchline.desk.home import Home, Passphrases
from watchline.desk.local import Caller, connect
from watchline.desk.medium import Medium, open_medium
from watchline.desk.own import OwnDesk
from watchline.desk.secrets import Cost

NOW = 1_800_000_000
CHEAP = Cost(8, 1, 1)
IDENTITY, OFFICER = "identity passphrase", "officer passphrase"
NAMES = {"tokyo": ("Tokyo", "ja", "Asia/Tokyo"), "beijing": ("Beijing", "zh-Hans", "Asia/Shanghai")}


def make_home(folder: Path, name: str, identity_dir: Path | None = None) -> Home:
    desk, language, zone = NAMES.get(name, (name, "en", "UTC"))
    return Home.create(
        folder / name,
        desk=desk,
        language=language,
        zone=zone,
        officer="duty",
        passphrases=Passphrases(IDENTITY, OFFICER),
        now=NOW,
        identity_dir=identity_dir,
        cost=CHEAP,
    )[0]


def unlock(home: Home) -> Callable[[OwnDesk], Medium]:
    return lambda own: open_medium(home.identity_dir(own.identity_dir), IDENTITY)


def routes(port: int) -> tuple[RouteAddress, ...]:
    return (RouteAddress("direct", f"127.0.0.1:{port}"),)


class Side:
    """One desk at the ceremony, its journal open."""

    def __init__(self, home: Home, caller: Caller) -> None:
        self.home, self.caller = home, caller
        self.own = ceremony.own_desk(caller)

    def invite(self, out: Path) -> bytes:
        terms = proposed_terms(self.own.language, self.home.config)
        return ceremony.invite(self.caller, self.own, unlock(self.home), terms, routes(7411), out)

    def accept(self, file1: bytes, out: Path) -> bytes:
        return ceremony.accept(self.caller, self.own, unlock(self.home), file1, routes(7412), out)[1]

    def complete(self, file: bytes, out: Path | None = None, name: str | None = None) -> ceremony.Completed:
        return ceremony.complete(self.caller, self.home, self.own, unlock(self.home), file, NOW, name=name, out=out)

    def confirm(self, name: str, digits: str) -> None:
        ceremony.confirm(self.caller, self.home, self.own, name, digits)

    def end(self, name: str) -> None:
        ceremony.end_pairing(self.caller, self.home, self.own, name)

    def names(self) -> list[str]:
        return [row["name"] for row in self.caller.call("line_rows")["lines"]]

    def pending(self) -> list[str]:
        return sorted(key.partition("-")[0] for key in self.caller.call("documents", kind="pending")["values"])

    def kept(self) -> list[Path]:
        return list(self.home.identity_dir(self.own.identity_dir).glob("*.pairing"))


class Ceremony:
    """Tokyo and Beijing, each with its home, and a table between them for files."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.table = folder
        homes = [make_home(folder, name) for name in ("tokyo", "beijing")]
        self.tokyo, self.beijing = (Side(home, stack.enter_context(connect(home))) for home in homes)

    def pair(self) -> str:
        """Go through all three files; give the digits."""
        file1 = self.tokyo.invite(self.table / "1")
        file2 = self.beijing.accept(file1, self.table / "2")
        done = self.tokyo.complete(file2, self.table / "3")
        assert done.file3 is not None
        theirs = self.beijing.complete(done.file3)
        assert theirs.pairing.digits == done.pairing.digits
        return done.pairing.digits
