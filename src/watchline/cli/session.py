"""What every command has: the home, the output, the secrets of people, and `--json`, `--help` with an example.

A secret is never an argument: it comes from the file that a variable names, or is asked for on a terminal, never anywhere else.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from watchline.cli.output import Output
from watchline.errors import SecretError, UsageError

if TYPE_CHECKING:
    from watchline.desk.home import Home
    from watchline.desk.local import Caller
    from watchline.desk.medium import Medium, Unlocked
    from watchline.desk.officers import OfficerKey
    from watchline.desk.own import OwnDesk

HOME_VARIABLE = "WATCHLINE_HOME"
IDENTITY_VARIABLE = "WATCHLINE_PASSPHRASE_FILE"
OFFICER_VARIABLE = "WATCHLINE_OFFICER_FILE"
NEW_IDENTITY_VARIABLE = "WATCHLINE_NEW_PASSPHRASE_FILE"
SPARE_VARIABLE = "WATCHLINE_SPARE_FILE"


class Session:
    """One run of the command line. home_path: None if nobody said which home."""

    def __init__(self, output: Output) -> None:
        self.output = output
        self.home_path: Path | None = None

    def path(self) -> Path:
        """The home's folder, there or not. Raises UsageError if nobody said which."""
        if self.home_path is None:
            raise UsageError("which home?", hint=f"give --home DIR, or set {HOME_VARIABLE}")
        return self.home_path

    def home(self) -> Home:
        """The home. Raises UsageError if there is none."""
        from watchline.desk.home import Home

        return Home.open(self.path())

    @contextmanager
    def desk(self) -> Iterator[tuple[Home, Caller]]:
        """The home and whoever answers for its desk: the running node, or the journal itself."""
        from watchline.desk.local import connect

        home = self.home()
        with connect(home) as caller:
            yield home, caller

    def now(self) -> int:
        """Seconds since 1970, by a clock that can be right. Raises UsageError for another."""
        from watchline.desk.home import check_clock

        now = int(time.time())
        check_clock(now)
        return now

    def unlock(self, home: Home, identity_dir: Path | None) -> Callable[[OwnDesk], Medium]:
        """How the identity is opened, once it has to sign. identity_dir: where its medium is now, None for where it was."""

        def open_it(own: OwnDesk) -> Medium:
            from watchline.desk.medium import open_medium, read_medium

            folder = identity_dir or home.identity_dir(own.identity_dir)
            read_medium(folder)
            return open_medium(folder, self.identity_passphrase())

        return open_it

    def identity_passphrase(self, *, new: bool = False) -> str:
        """The identity's passphrase. new: it is being chosen, so it is typed twice."""
        return self._secret(os.environ.get(IDENTITY_VARIABLE), "the identity", IDENTITY_VARIABLE, new=new)

    def unlocked(self, folder: Path) -> Unlocked:
        """The identity's medium in this folder, open. Raises SecretError before anybody types if it is not there."""
        from watchline.desk.medium import Unlocked, read_medium

        read_medium(folder)
        return Unlocked.open(folder, self.identity_passphrase())

    def new_identity_passphrase(self) -> str:
        """The passphrase that the identity has from now on."""
        return self._secret(
            os.environ.get(NEW_IDENTITY_VARIABLE), "the identity, from now on,", NEW_IDENTITY_VARIABLE, new=True
        )

    def spare_passphrase(self, *, new: bool = False) -> str:
        """The passphrase of a spare."""
        return self._secret(os.environ.get(SPARE_VARIABLE), "the spare", SPARE_VARIABLE, new=new)

    def officer_passphrase(self, name: str, *, new: bool = False, place: int = 0) -> str:
        """An officer's passphrase. place: among several who sign; their files stand in the variable in order, as in PATH."""
        files = [file for file in os.environ.get(OFFICER_VARIABLE, "").split(os.pathsep) if file]
        file = files[min(place, len(files) - 1)] if files else None
        return self._secret(file, f"officer {name}", OFFICER_VARIABLE, new=new)

    def officers(self, home: Home, names: tuple[str, ...]) -> list[OfficerKey]:
        """The keys of those who sign: those named, else `duty`, else the only one there is. Raises UsageError, SecretError."""
        from watchline.desk.officers import officer_names, officer_path, open_officer_key

        if not names:
            there = officer_names(home.officers)
            if "duty" not in there and len(there) != 1:
                raise UsageError(
                    "which officer signs?" if there else "no officer has a key in this home",
                    hint=f"give --as NAME: {', '.join(there)}" if there else "make one: watchline officer add NAME",
                )
            names = ("duty",) if "duty" in there else (there[0],)
        if len(set(names)) != len(names):
            raise UsageError("one officer counts once", hint="give each --as another name")
        for name in names:
            if not officer_path(home.officers, name).exists():
                open_officer_key(home.officers, name, "")  # says who there is, before anybody types a passphrase
        return [
            open_officer_key(home.officers, name, self.officer_passphrase(name, place=place))
            for place, name in enumerate(names)
        ]

    def _secret(self, file: str | None, whose: str, variable: str, *, new: bool) -> str:
        from watchline.desk.secrets import read_passphrase

        if file:
            return read_passphrase(Path(file))
        if not sys.stdin.isatty():
            raise SecretError(
                f"the passphrase of {whose} is needed, and nobody can be asked for it",
                hint=f"set {variable} to a file that holds it, or run this on a terminal",
                variable=variable,
            )
        prompt = f"{'New passphrase' if new else 'Passphrase'} of {whose}"
        typed: str = click.prompt(prompt, hide_input=True, confirmation_prompt=new, err=True)
        return typed


def command(
    group: click.Group | None = None, *, name: str, example: str, **attributes: Any
) -> Callable[[Callable[..., int | None]], click.Command]:
    """Make a function a command: it gets the session first, `--json` and an example in its help; it may return an exit code."""

    def decorate(function: Callable[..., int | None]) -> click.Command:
        with_session = json_option(click.pass_obj(function))
        make: Callable[[Callable[..., Any]], click.Command] = click.command(
            name, epilog=f"\b\nExample:\n  {example}", **attributes
        )
        made = make(with_session)
        if group is not None:
            group.add_command(made)
        return made

    return decorate


def json_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--json`, wherever it stands on the line."""

    def choose(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
        if value:
            context.ensure_object(Session).output.json = True

    option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
        "--json", is_flag=True, expose_value=False, is_eager=True, callback=choose, help="Print one JSON object, for programs."
    )
    return option(function)


def read_file(path: Path, *, bytes_max: int) -> bytes:
    """A file that people brought. Raises UsageError if it cannot be read or is larger than any such file."""
    try:
        with path.open("rb") as file:
            data = file.read(bytes_max + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", hint="check the path", path=str(path)) from error
    if len(data) > bytes_max:
        raise UsageError(f"{path} is larger than such a file can be", hint="check the path", path=str(path))
    return data
