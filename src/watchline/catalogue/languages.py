"""Which of several languages serves a reader: of those that ship, and of those that an author gave words in."""

from __future__ import annotations

from collections.abc import Iterable


def serving(tag: str, languages: Iterable[str]) -> str | None:
    """The language, of these, that serves a reader of `tag`; None if none does. All are tags of BCP 47.

    The same tag first, else the first of which one is the beginning of the other: en serves en-GB, and en-GB serves en.
    Chinese without a script is traditional in TW, HK and MO, else simplified; one never stands in for the other.
    """
    wanted = _parts(tag)
    offered = [(language, _parts(language)) for language in languages]
    same = (language for language, _ in offered if language.lower() == tag.lower())
    alike = (language for language, parts in offered if _begins(wanted, parts) or _begins(parts, wanted))
    return next(same, None) or next(alike, None)


def _parts(tag: str) -> list[str]:
    parts = tag.replace("_", "-").lower().split("-")
    if parts[0] != "zh":
        return parts
    traditional = "hant" in parts or ("hans" not in parts and bool({"tw", "hk", "mo"} & set(parts)))
    return ["zh", "hant" if traditional else "hans"]


def _begins(whole: list[str], beginning: list[str]) -> bool:
    return whole[: len(beginning)] == beginning
