"""Places that the two sides call by two names: both are shown, each labelled by its side, never merged and never chosen from.

A place is a box, wide enough for anything said about it; whatever is shown with a position in the box, or an area whose own
box touches it, carries both names. A reader sees the name their own side uses first; where the language names no side, the
sides stand in alphabetical order of their English names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from watchline.catalogue.positions import Box, boxes_meet


@dataclass(frozen=True, slots=True)
class PlaceName:
    """What one side calls a place, per language. side: what that side is called, per language. language: the side's own."""

    side: Mapping[str, str]
    language: str
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Place:
    """A box and its names, in the alphabetical order of the sides' English names."""

    box: Box
    names: tuple[PlaceName, ...]

    def touches(self, box: Box) -> bool:
        return boxes_meet(self.box, box)

    def shown(self, language: str) -> str:
        """Both names for a reader of this language: "NAME (SIDE) / NAME (SIDE)"."""
        ordered = sorted(self.names, key=lambda name: name.language != language)
        return " / ".join(f"{name.names[language]} ({name.side[language]})" for name in ordered)
