"""What holds for every command: help with an example, one shape of errors, exit codes, a quick start."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from tests.cli.commands import Shell
from watchline.cli import main as main_module
from watchline.cli.main import COMMANDS, HEADINGS, cli
from watchline.cli.output import Output
from watchline.cli.session import Session


def commands(group: click.Group = cli, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, (*words, name))
        else:
            yield (*words, name), command


EVERY = dict(commands())
each_command = pytest.mark.parametrize("words", EVERY, ids=" ".join)


@each_command
def test_help_has_an_example_that_names_the_command(words: tuple[str, ...], shell: Shell) -> None:
    done = shell(*words, "--help")

    assert done.code == 0
    example = done.out.partition("Example:")[2].split("\n\n")[0]
    given = shlex.split(" ".join(example.split()))
    assert given[0] == "watchline"
    assert " ".join(words) in " ".join(given)


@each_command
def test_example_of_the_help_can_be_parsed(words: tuple[str, ...]) -> None:
    epilog = EVERY[words].epilog
    assert epilog is not None
    given = shlex.split(epilog.partition("Example:\n")[2])
    arguments = given[1 + given[1:].index(words[-1]) + 1 :]

    with EVERY[words].make_context(words[-1], arguments, obj=Session(Output())) as context:
        assert context.command is EVERY[words]


@each_command
def test_every_command_takes_json(words: tuple[str, ...]) -> None:
    assert "--json" in {option for parameter in EVERY[words].params for option in parameter.opts}


@each_command
def test_first_sentence_of_the_help_fits_the_list(words: tuple[str, ...]) -> None:
    assert not EVERY[words].get_short_help_str(limit=60).endswith("...")


def test_every_command_of_the_table_exists() -> None:
    assert {words[0] for words in EVERY} == set(COMMANDS)


def test_help_lists_every_command_once_whole_and_under_the_heading_of_its_subject(shell: Shell) -> None:
    text = shell("--help").out
    listed = [line.split()[0] for line in text.split("\nOptions:")[1].splitlines() if re.match("  [a-z]", line)]
    assert listed[: len(COMMANDS)] == list(COMMANDS)
    assert [line.rstrip(":") for line in text.splitlines() if re.fullmatch("[A-Z][^:]*:", line)][1:] == list(HEADINGS.values())
    assert "..." not in text.split("\nOptions:")[1]


@pytest.mark.parametrize("words", [["--json", "lines"], ["lines", "--json"]])
def test_no_home_is_an_error_in_one_shape(shell: Shell, words: list[str]) -> None:
    done = shell(*words)

    assert done.code == 2
    assert done.error["kind"] == "usage"
    assert "WATCHLINE_HOME" in done.error["hint"]
    assert done.err == ""


def test_error_for_people_is_on_standard_error_with_what_to_do(shell: Shell) -> None:
    done = shell("--home", "nowhere", "lines")

    assert (done.code, done.out) == (2, "")
    assert "there is no home at nowhere" in done.err
    assert "init" in done.err


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["snd"], "did you mean send"),
        (["send"], "--help"),
        (["send", "line", "--tiemout", "3"], "--timeout"),
        (["send", "line", "--precedence", "URGENT"], "--help"),
        (["officer", "remove"], "--help"),
        (["--nothing", "lines"], "--help"),
    ],
)
def test_wrong_usage_is_an_error_in_one_shape(shell: Shell, words: list[str], hint: str) -> None:
    done = shell(*words, "--json")

    assert done.code == 2
    assert done.error["kind"] == "usage"
    assert hint in done.error["hint"]


def test_home_may_come_from_the_environment(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.make("tokyo")
    monkeypatch.setenv("WATCHLINE_HOME", str(shell.folder / "tokyo"))

    assert shell("lines", "--json").document == {"lines": []}


def test_bug_of_ours_is_one_line_and_no_traceback(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(main_module.cli, "main", break_down)

    done = shell("lines")
    assert (done.code, done.out) == (70, "")
    assert "ZeroDivisionError" in done.err

    monkeypatch.setenv("WATCHLINE_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        shell("lines")


def test_interruption_ends_with_the_shells_code(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(main_module.cli, "main", interrupt)

    assert shell("lines").code == 130


def test_starting_loads_nothing_that_takes_time() -> None:
    program = "import sys; from watchline.cli.main import run; run(['send', '--help']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    heavy = {
        "httpx",
        "jinja2",
        "nats",
        "starlette",
        "cryptography",
        "nacl",
        "OpenSSL",
        "uvloop",
        "structlog",
        "apsw",
        "asyncio",
        "watchline.catalogue",
        "watchline.core",
    }
    assert heavy & set(done.stderr.split()) == set()


def test_reader_that_goes_away_is_no_error() -> None:
    command = [sys.executable, "-m", "watchline", "forms", "free-text", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as writing:
        assert writing.stdout is not None
        writing.stdout.close()  # long before the first word
        assert writing.stderr is not None
        assert writing.stderr.read() == ""
