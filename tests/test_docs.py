"""The documents keep up with the program: links lead somewhere, and every command they show exists and is described."""

from __future__ import annotations

import importlib
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import click
import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

FENCE = re.compile(
    r"^ {0,3}(?P<mark>```+|~~~+)[ \t]*(?P<language>[\w-]*)[^\n]*\n(?P<text>.*?)^ {0,3}(?P=mark)[ \t]*$",
    re.MULTILINE | re.DOTALL,
)
CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)|^ {0,3}\[[^\]]+\]:\s*<?(\S+?)>?\s*$", re.MULTILINE)
HEADING = re.compile(r"^(#{1,6})[ \t]+(.+?)[ \t#]*$", re.MULTILINE)
SHELL_FENCES = {"", "sh", "bash", "shell", "console", "text"}
SEPARATORS = {"|", "||", "&&", ";", "&", "then", "do", "if", "while", "until", "!", "time", "#"}

# Each is split so that this file does not name what it looks for.
REGISTRY_HOSTS = [
    "py" + "pi.org",
    "python" + "hosted",
    "npm" + "js.org",
    "proxy." + "golang",
    "deb." + "debian",
    "archive." + "ubuntu",
    "crates" + ".io",
]
MACHINE_PATHS = re.compile(r"(?<![\w.}/-])(?:/wo" + r"rk|/ro" + r"ot|/tm" + r"p/v)(?![\w-])")
INDEX_OPTIONS = re.compile(r"--(?:extra-)?index-url\b|--find-links[= ]|\bindex-url *=")
NOT_OURS = {".git", ".venv", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", "__pycache__", "build", "dist"}


# -- links


def prose(text: str) -> str:
    """A document without its code, in which brackets are no links."""
    return CODE_SPAN.sub("", FENCE.sub("", text))


def anchors(text: str) -> set[str]:
    """The anchors of a document's headings, as code hosts make them: a repeated one gets -1, -2, and so on."""
    found: set[str] = set()
    for _, title in HEADING.findall(FENCE.sub("", text)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        repeats = 0
        while (anchor := f"{slug}-{repeats}" if repeats else slug) in found:
            repeats += 1
        found.add(anchor)
    return found | set(re.findall(r"<a (?:id|name)=\"([^\"]+)\"", text))


def broken_links(document: Path) -> list[str]:
    text = document.read_text()
    targets = [inline or reference for inline, reference in LINK.findall(prose(text))]
    return [
        target for target in targets if not re.match(r"[a-z][a-z0-9+.-]*:", target) and not leads_somewhere(document, target)
    ]


def leads_somewhere(document: Path, target: str) -> bool:
    name, _, anchor = target.partition("#")
    path = document.parent / name if name else document
    return path.exists() and (not anchor or (path.suffix == ".md" and anchor in anchors(path.read_text())))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    assert broken_links(document) == []


def test_broken_links_and_anchors_are_seen(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# Once\n\n# Once\n\n## What `verify` says, and why\n")
    document = tmp_path / "document.md"
    document.write_text(
        "# Here\n[a](#here) [b](other.md) [c](other.md#once-1) [d](other.md#what-verify-says-and-why) [e](https://example.org/x)\n"
        "`[code](gone.md)`\n```\n[code](gone.md)\n```\n"
        "[f](gone.md) [g](#gone) [h](other.md#gone) ![i](gone.svg)\n\n[j]: gone-too.md\n"
    )

    assert broken_links(document) == ["gone.md", "#gone", "other.md#gone", "gone.svg", "gone-too.md"]


# -- commands


@dataclass(frozen=True)
class Options:
    """The options of a command: those that stand alone, and those that take a value."""

    flags: frozenset[str] = frozenset()
    valued: frozenset[str] = frozenset()

    @property
    def names(self) -> frozenset[str]:
        return self.flags | self.valued


@dataclass(frozen=True)
class Commands:
    """A command line as documents see it: what `watchline` itself takes, and each command by its words."""

    common: Options
    by_words: dict[tuple[str, ...], Options] = field(default_factory=dict)


def click_commands() -> Commands:
    """The program's own commands, hidden ones left out."""
    module = importlib.import_module("watchline.cli.main")
    groups = [getattr(module, "main", None), *vars(module).values()]
    root = next(group for group in groups if isinstance(group, click.Group))
    return Commands(click_options(root), dict(walk(root, ())))


def walk(group: click.Group, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Options]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if command.hidden:
            continue
        if isinstance(command, click.Group):
            yield from walk(command, (*words, name))
        else:
            yield (*words, name), click_options(command)


def click_options(command: click.Command) -> Options:
    flags, valued = set[str](), set[str]()
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            names = {name for name in [*parameter.opts, *parameter.secondary_opts] if name.startswith("--")}
            (flags if parameter.is_flag or parameter.count else valued).update(names)
    return Options(frozenset(flags), frozenset(valued))


def shown_commands(text: str) -> Iterator[list[str]]:
    """The words after `watchline` of every command that a document's code shows."""
    for fence in FENCE.finditer(text):
        if fence["language"] in SHELL_FENCES:
            for line in fence["text"].replace("\\\n", " ").splitlines():
                yield from commands_in(line)
    for span in CODE_SPAN.finditer(FENCE.sub("", text)):
        yield from commands_in(" ".join(span[2].split()))


def commands_in(line: str) -> Iterator[list[str]]:
    try:
        words = shlex.split(line.strip().removeprefix("$ "), comments=True)
    except ValueError:
        words = line.split()
    starting = True
    for position, word in enumerate(words):
        if starting and (word == "watchline" or word.endswith("/bin/watchline")):
            yield list(until_separator(words[position + 1 :]))
        starting = word in SEPARATORS or word.endswith(";") or (starting and re.match(r"[A-Z_]+=", word) is not None)


def until_separator(words: list[str]) -> Iterator[str]:
    for word in words:
        if word in SEPARATORS:
            return
        yield word.rstrip(";")
        if word.endswith(";"):
            return


def wrong_commands(text: str, commands: Commands) -> list[str]:
    """What a document shows that the program does not take; a bare `watchline` and `watchline COMMAND` are fine."""
    return [fault for words in shown_commands(text) for fault in faults_of(words, commands)]


def faults_of(words: list[str], commands: Commands) -> Iterator[str]:
    rest = list(words)
    while rest and rest[0].startswith("-"):
        name, equals, _ = rest.pop(0).strip("[]").partition("=")
        if name not in commands.common.names | {"--help", "--version"}:
            yield f"watchline {name}"
        if name in commands.common.valued and not equals and rest:
            rest.pop(0)
    if not rest or not re.fullmatch(r"[a-z][a-z|-]*", rest[0]):
        return
    for name in rest[0].split("|"):
        yield from faults_of_command(name, rest[1:], commands)


def faults_of_command(name: str, rest: list[str], commands: Commands) -> Iterator[str]:
    inner = {words[1] for words in commands.by_words if words[0] == name and len(words) == 2}
    given = [part for part in (rest[0].split("|") if inner and rest else []) if re.fullmatch(r"[a-z-]+", part)]
    chosen: list[tuple[str, ...]] = [(name, part) for part in given if not part.startswith("-")] or [(name,)]
    for words in chosen:
        options = commands.by_words.get(words)
        if options is None and not (words == (name,) and inner):
            yield f"watchline {' '.join(words)}"
            continue
        known = commands.common.names | {"--help"} | (frozenset() if options is None else options.names)
        for option in re.findall(r"(?:^|[\s\[|(])(--[a-z][a-z-]*)", " ".join(rest)):
            if option not in known:
                yield f"watchline {' '.join(words)} {option}"


def undescribed(reference: str, commands: Commands) -> list[str]:
    """What docs/cli.md leaves out: each command has a heading that names it, and the text below names each of its options.

    What it names beyond that is reported too. The heading `watchline` has the options of the program itself.
    """
    sections = sections_of(reference)
    missing = []
    for words, options in [((), commands.common), *commands.by_words.items()]:
        title = " ".join(["watchline", *words])
        if title not in sections:
            missing.append(f"{title}: no heading")
            continue
        named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", sections[title]))
        missing += [f"{title}: {option} is not described" for option in sorted(options.names - named)]
        missing += [
            f"{title}: there is no {option}" for option in sorted(named - options.names - commands.common.names - {"--help"})
        ]
    return missing


def sections_of(reference: str) -> dict[str, str]:
    """The text below each heading that names a command, up to the next heading; arguments in capitals may follow the name."""
    fences = [fence.span() for fence in FENCE.finditer(reference)]
    headings = [
        match for match in HEADING.finditer(reference) if not any(start <= match.start() < end for start, end in fences)
    ]
    ends = [match.start() for match in headings[1:]] + [len(reference)]
    found = {}
    for heading, end in zip(headings, ends, strict=True):
        name = re.match(r"`?(watchline(?: [a-z][a-z-]*)*)", heading[2])
        if name:
            found[name[1]] = reference[heading.end() : end]
    return found


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_documents_show_only_commands_that_exist(document: Path) -> None:
    assert wrong_commands(document.read_text(), click_commands()) == []


def test_reference_names_every_command_and_option() -> None:
    assert undescribed((ROOT / "docs" / "cli.md").read_text(), click_commands()) == []


EXAMPLE = Commands(
    Options(frozenset({"--json"}), frozenset({"--home"})),
    {
        ("send",): Options(frozenset({"--exercise"}), frozenset({"--wait"})),
        ("route", "add"): Options(),
        ("route", "list"): Options(),
    },
)


@pytest.mark.parametrize(
    ("shown", "faults"),
    [
        ("`watchline send LINE FORM --wait received`", []),
        ("`watchline --home a --json send LINE`, `watchline --home=a send`, `watchline --help`, `watchline COMMAND`", []),
        ("`watchline route add|list`, `watchline route`, `watchline.toml`, `pip install watchline`", []),
        ("```console\n$ A=1 .venv/bin/watchline send x \\\n    --exercise\nwatchline: sent\n```", []),
        ("```python\nwatchline gone\n```", []),
        ("`watchline gone`", ["watchline gone"]),
        ("`watchline --home a gone`", ["watchline gone"]),
        ("`watchline --gone send`", ["watchline --gone"]),
        ("`watchline route gone`", ["watchline route gone"]),
        ("`watchline send LINE [--gone X]`", ["watchline send --gone"]),
        ("```sh\ntrue && watchline send --gone; watchline gone\n```", ["watchline send --gone", "watchline gone"]),
        ("```\n$ watchline send \\\n    --gone\n```", ["watchline send --gone"]),
    ],
)
def test_command_that_does_not_exist_is_seen(shown: str, faults: list[str]) -> None:
    assert wrong_commands(shown + "\n", EXAMPLE) == faults


def test_reference_that_leaves_out_or_invents_something_is_seen() -> None:
    whole = (
        "# watchline\n`--home DIR` `--json`\n## `watchline send LINE`\n`--exercise` `--wait`\n"
        "### watchline route add\n### watchline route list\n"
    )

    assert undescribed(whole, EXAMPLE) == []
    assert undescribed(whole.replace("--wait", ""), EXAMPLE) == ["watchline send: --wait is not described"]
    assert undescribed(whole.replace("--wait", "--wait --gone"), EXAMPLE) == ["watchline send: there is no --gone"]
    assert undescribed(whole.replace("### watchline route list", ""), EXAMPLE) == ["watchline route list: no heading"]


def test_commands_are_read_from_click(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.group()
    @click.option("--home")
    def root(home: str) -> None: ...

    @root.command()
    @click.option("--exercise/--real", "-e")
    @click.option("--wait", "-w")
    def send(exercise: bool, wait: str) -> None: ...

    @root.group()
    def route() -> None: ...

    @route.command("add")
    def add() -> None: ...

    @root.command(hidden=True)
    def secret() -> None: ...

    module = type(importlib)("watchline.cli.main")
    module.__dict__["cli"] = root
    monkeypatch.setitem(__import__("sys").modules, "watchline.cli.main", module)

    commands = click_commands()

    assert commands.common == Options(valued=frozenset({"--home"}))
    assert commands.by_words == {
        ("send",): Options(frozenset({"--exercise", "--real"}), frozenset({"--wait"})),
        ("route", "add"): Options(),
    }


# -- what no file may name


def foreign_names(text: str) -> list[str]:
    """Registry hosts, index options and paths of the machine it was written on."""
    found = [host for host in REGISTRY_HOSTS if host in text]
    return found + INDEX_OPTIONS.findall(text) + MACHINE_PATHS.findall(text)


def project_files() -> list[Path]:
    return sorted(path for path in ROOT.rglob("*") if path.is_file() and not NOT_OURS & set(path.relative_to(ROOT).parts))


@pytest.mark.slow
def test_no_file_names_a_registry_or_a_path_of_this_machine() -> None:
    found = {path.relative_to(ROOT).as_posix(): foreign_names(path.read_text(errors="replace")) for path in project_files()}

    assert {name: names for name, names in found.items() if names} == {}


@pytest.mark.parametrize(
    "text",
    [
        "https://" + "py" + "pi.org/simple",
        "cd /wo" + "rk/main",
        "'/ro" + "ot'",
        "/tm" + "p/v/bin/python",
        "pip --index" + "-url x",
    ],
)
def test_foreign_name_is_seen(text: str) -> None:
    assert foreign_names(text)


@pytest.mark.parametrize("text", ["the leaf/root of it", "docs/work", "/workshop", "/tmp/views", "https://example.org/root"])
def test_harmless_name_is_allowed(text: str) -> None:
    assert not foreign_names(text)
