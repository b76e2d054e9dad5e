"""`watchline`: finds the command, runs it, and turns whatever happens into words and an exit code.

Commands are loaded when they are named, so that each starts at once.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from watchline import __version__
from watchline.cli.output import Output
from watchline.cli.session import HOME_VARIABLE, Session, json_option
from watchline.errors import UsageError, WatchlineError

INTERRUPTED, BUG, SYSTEM = 130, 70, 71  # as a shell reports Ctrl-C; EX_SOFTWARE and EX_OSERR of sysexits.h

# By subject, in the order in which a desk meets them.
COMMANDS = {
    "init": "homes",
    "identity": "homes",
    "officer": "officers",
    "keys": "keys",
    "backup": "backups",
    "restore": "backups",
    "spare": "backups",
    "invite": "pairing",
    "accept": "pairing",
    "complete": "pairing",
    "confirm": "pairing",
    "renew": "renewal",
    "terms": "terms",
    "serve": "service",
    "lines": "service",
    "status": "service",
    "test": "service",
    "console": "console",
    "route": "routes",
    "witness": "witness",
    "fallback": "fallback",
    "watch": "watch",
    "bell": "bell",
    "escalation": "escalation",
    "forms": "forms",
    "send": "messages",
    "reply": "messages",
    "acknowledge": "messages",
    "withdraw": "messages",
    "inbox": "reading",
    "log": "reading",
    "show": "reading",
    "talks": "talks",
    "silence": "silences",
    "export": "proof",
    "verify": "proof",
    "report": "report",
    "audit": "audit",
    "archive": "archives",
    "erase": "archives",
    "demo": "service",
}

# Under which words `--help` lists them: each stands above the command it names and those behind it.
HEADINGS = {
    "init": "The desk and its keys",
    "invite": "Pairing and terms",
    "serve": "The node and its lines",
    "fallback": "The watch",
    "forms": "Saying and reading",
    "talks": "The talks",
    "silence": "Proof",
    "archive": "Keeping and removing",
    "demo": "To try it",
}


class Commands(click.Group):
    """A group whose commands are loaded when they are named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, COMMANDS))
        sections: dict[str, list[tuple[str, str]]] = {}
        for name in COMMANDS:
            command = self.get_command(ctx, name)
            assert command is not None
            heading = HEADINGS.get(name) or next(reversed(sections))
            sections.setdefault(heading, []).append((name.ljust(width), command.get_short_help_str(limit=200)))
        for heading, rows in sections.items():
            with formatter.section(heading):
                formatter.write_dl(rows)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS)
            raise UsageError(
                f"there is no command {args[0][:80]!r}",
                hint=f"did you mean {' or '.join(near)}?" if near else "see watchline --help",
                allowed=list(COMMANDS),
            )
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        found = getattr(importlib.import_module(f"watchline.cli.{COMMANDS[cmd_name]}"), cmd_name)
        assert isinstance(found, click.Command)
        return found


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="\b\nExample:\n  watchline --home tokyo init --desk Tokyo --lang ja --zone Asia/Tokyo",
)
@click.option("--home", type=click.Path(path_type=Path), help=f"The desk's folder; else {HOME_VARIABLE}.")
@json_option
@click.version_option(__version__, message="%(version)s")
@click.pass_obj
def cli(session: Session, home: Path | None) -> None:
    """A direct line between two duty desks that cannot be ignored unseen."""
    given = home or os.environ.get(HOME_VARIABLE)
    session.home_path = Path(given) if given else None


def main() -> None:
    """Run the command line of this process, and end it."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command; give its exit code. Nothing escapes but what WATCHLINE_DEBUG asks for."""
    output = Output()
    try:
        code = cli.main(args=list(arguments), prog_name="watchline", standalone_mode=False, obj=Session(output))
    except WatchlineError as error:
        output.json = output.json or "--json" in arguments  # it may stand behind what was refused
        code = output.refuse(error)
    except click.ClickException as error:
        output.json = output.json or "--json" in arguments
        code = _refuse_usage(output, error)
    except (click.Abort, KeyboardInterrupt):
        output.error("interrupted", "interrupted", "", {})
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever reads has gone; the interpreter must not complain about it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        if os.environ.get("WATCHLINE_DEBUG"):
            raise
        output.error("system", f"the system refused: {error}", "check paths, rights and the space on the disk", {})
        return SYSTEM
    except Exception as error:
        if os.environ.get("WATCHLINE_DEBUG"):
            raise
        output.error(
            "bug",
            f"this should not happen: {type(error).__name__}: {str(error)[:200]}",
            "report it with what WATCHLINE_DEBUG=1 prints",
            {},
        )
        return BUG
    return code if isinstance(code, int) else 0


def _refuse_usage(output: Output, error: click.ClickException) -> int:
    context = error.ctx if isinstance(error, click.UsageError) else None
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        output.say(error.format_message())
        return 2
    path = context.command_path if context else "watchline"
    hint = f"see {path} --help"
    if isinstance(error, click.NoSuchOption) and error.possibilities:
        hint = f"did you mean {' or '.join(sorted(error.possibilities))}?"
    output.error("usage", error.format_message(), hint, {"command": path})
    return 2
