"""The fallback card of a line: whom to call, and over which other lines, when the peer does not answer on this one.

[[telephone]]
number = "+86 10 0000 0000"
name = "Duty officer, Beijing"
languages = ["zh-Hans", "en"]
[[other]]
name = "Military attache"
how = "telephone of the embassy, day and night"
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from watchline.core import shapes
from watchline.core.encoding import decode, encode
from watchline.desk.config import read_toml, refuse_unknown
from watchline.errors import PeerError, UsageError

if TYPE_CHECKING:
    from watchline.desk.api import Api, Method
    from watchline.desk.lines import OpenLine
    from watchline.journal import Journal, LineRecord

DOCUMENT_KIND = "fallback"
ROWS_MAX, TEXT_CHARACTERS_MAX, LANGUAGES_MAX = 16, 200, 8

Json = dict[str, Any]


def read_card(path: Path) -> Json:
    """The card in a TOML file, as JSON. Raises UsageError, which says what in it is wrong."""
    card = read_toml(path)
    return check_card(card, path.name)


def check_card(card: Any, where: str = "the card") -> Json:
    """The card as `stored_card` gives it: {telephone[]{number, name, languages[]}, other[]{name, how}}. Raises UsageError."""
    if type(card) is not dict:
        raise UsageError(f"{where} is a table", hint="see docs/operations.md")
    refuse_unknown(card, ("telephone", "other"), where=where)
    telephones = [_telephone(row, where) for row in _rows(card, "telephone", where)]
    others = [_other(row, where) for row in _rows(card, "other", where)]
    if not telephones and not others:
        raise UsageError(f"{where} names nobody to call", hint="give at least one table [[telephone]] or [[other]]")
    return {"telephone": telephones, "other": others}


def _rows(card: Mapping[str, Any], name: str, where: str) -> list[Mapping[str, Any]]:
    rows = card.get(name, [])
    if type(rows) is not list or len(rows) > ROWS_MAX or not all(type(row) is dict for row in rows):
        raise UsageError(f"{where}: {name} is at most {ROWS_MAX} tables", hint=f"head each with [[{name}]]", setting=name)
    return rows


def _telephone(row: Mapping[str, Any], where: str) -> Json:
    from watchline.desk.home import check_language

    refuse_unknown(row, ("number", "name", "languages"), where=f"{where}: telephone")
    languages = row.get("languages", [])
    if type(languages) is not list or len(languages) > LANGUAGES_MAX or not all(type(tag) is str for tag in languages):
        raise UsageError(
            f"{where}: languages is a list of at most {LANGUAGES_MAX} tags", hint='such as ["ja", "en"]', setting="languages"
        )
    return {
        "number": _text(row, "number", where),
        "name": _text(row, "name", where),
        "languages": [check_language(tag) for tag in languages],
    }


def _other(row: Mapping[str, Any], where: str) -> Json:
    refuse_unknown(row, ("name", "how"), where=f"{where}: other")
    return {"name": _text(row, "name", where), "how": _text(row, "how", where)}


def _text(row: Mapping[str, Any], name: str, where: str) -> str:
    value = row.get(name)
    if type(value) is not str or not value.strip() or len(value) > TEXT_CHARACTERS_MAX or not value.isprintable():
        raise UsageError(
            f"{where}: {name} must be a text of 1 to {TEXT_CHARACTERS_MAX} characters on one line",
            hint=f"correct {name}",
            setting=name,
        )
    return value


def stored_card(journal: Journal, line: bytes) -> Json | None:
    """The card of a line; None if nobody has set one."""
    document = journal.document(DOCUMENT_KIND, line.hex())
    if document is None:
        return None
    telephones, others = shapes.array(decode(document), "fallback card", length=2)
    return {
        "telephone": [{"number": number, "name": name, "languages": list(tags)} for number, name, tags in telephones],
        "other": [{"name": name, "how": how} for name, how in others],
    }


def is_wanted(opened: OpenLine, moment: Any) -> bool:
    """Whether a clock of a notice of ours has run out: then people want the card before their eyes."""
    return any(clock.seconds >= clock.allowed for clock in opened.running_clocks(True, moment))


def card_status(journal: Journal, row: LineRecord, opened: OpenLine | None, moment: Any) -> Json | None:
    """The card as `status` shows it: only once a clock of ours has run out, and somebody has set one."""
    return stored_card(journal, row.line) if opened is not None and is_wanted(opened, moment) else None


def methods(api: Api) -> dict[str, Method]:
    """What is asked about the cards."""

    async def fallback(line: str) -> Json:
        """The card of a line, and whether a clock of ours has run out on it."""
        row = api.row(line)
        opened = api.desk.lines.get(row.line)
        wanted = opened is not None and is_wanted(opened, api.desk.moment())
        return {"line": line, "wanted": wanted, "card": stored_card(api.desk.journal, row.line)}

    async def fallback_set(line: str, card: Json | None) -> Json:
        """Keep the card of a line; None takes it away."""
        row = api.row(line)
        value = None
        if card is not None:
            checked = check_card(card)
            try:
                value = encode([[list(each.values()) for each in checked[kind]] for kind in ("telephone", "other")])
            except PeerError as error:
                raise UsageError(f"the card is {error.message}", hint="correct the file") from None
        api.desk.journal.put_document(DOCUMENT_KIND, row.line.hex(), value, True)
        return await fallback(line)

    return {"fallback": fallback, "fallback_set": fallback_set}
