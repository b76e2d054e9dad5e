"""Records: values of several named parts, and the lists of them that a field can hold.

A record stands only in a list, and holds no record itself, so nothing nests deeper than a list in a record in a list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from watchline.catalogue.given import Allowed, Json, NotAllowed, structure, within
from watchline.catalogue.kinds import LIST_ITEMS_MAX, Kind, ListOf, NameReference, Reader, ResolveReference
from watchline.core.encoding import Value


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a record. Its place among the parts is its place on the wire, so parts are only ever added at the end."""

    name: str
    type: str
    kind: Kind
    required: bool
    label: Mapping[str, str]
    help: Mapping[str, str]
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """Some values that belong together; typed as a JSON object. On the wire the parts in order, null for what is left out."""

    parts: tuple[Part, ...]

    @property
    def translation(self) -> str | None:
        states = {part.kind.translation for part in self.parts}
        return next((state for state in ("original", "agreed") if state in states), None)

    @property
    def allowed(self) -> Allowed:
        described = []
        for part in self.parts:
            allowed = part.kind.allowed
            optional = "" if part.required else " (may be left out)"
            described.append(
                f"{part.name}{optional}: {allowed if isinstance(allowed, str) else 'one of ' + ', '.join(allowed)}"
            )
        shape = ", ".join(f'"{part.name}": ...' for part in self.parts)
        return f"a JSON object {{{shape}}} of {'; '.join(described)}"

    def parse(self, given: Json, resolve: ResolveReference) -> Value:
        given = structure(given, self.allowed)
        if not isinstance(given, dict) or not set(given) <= {part.name for part in self.parts}:
            raise NotAllowed(self.allowed)
        value = [_parsed(part, given[part.name], resolve) if part.name in given else None for part in self.parts]
        self.check(value)
        return value

    def check(self, value: Value) -> None:
        if type(value) not in (list, tuple) or len(value) != len(self.parts):
            raise NotAllowed(self.allowed)
        for part, one in zip(self.parts, value, strict=True):
            if one is not None:
                within(f".{part.name}", one, part.kind.check)
            elif part.required:
                raise NotAllowed(part.kind.allowed, f".{part.name}", "nothing")

    def to_json(self, value: Value, name: NameReference) -> Json:
        return {part.name: part.kind.to_json(one, name) for part, one in self._present(value)}

    def show(self, value: Value, reader: Reader) -> str:
        shown = (f"{reader.choice(part.label)}: {_on_one_line(part.kind, one, reader)}" for part, one in self._present(value))
        return "; ".join(shown)

    def _present(self, value: Value) -> list[tuple[Part, Value]]:
        return [(part, one) for part, one in zip(self.parts, value, strict=True) if one is not None]


@dataclass(frozen=True, slots=True)
class RecordList(ListOf):
    """One or more records. unique: the part in which no two may be the same, None where they may."""

    item: Record
    unique: str | None = None

    @property
    def allowed(self) -> Allowed:
        once = f"; no two with the same {self.unique}" if self.unique else ""
        return f"a JSON list of 1 to {LIST_ITEMS_MAX} values, each {self.item.allowed}{once}"

    def check(self, value: Value) -> None:
        ListOf.check(self, value)
        if self.unique is None:
            return
        place = [part.name for part in self.item.parts].index(self.unique)
        seen = set()
        for i, record in enumerate(value):
            if record[place] in seen:
                raise NotAllowed(self.allowed, f"[{i}].{self.unique}", record[place])
            seen.add(record[place])


def _parsed(part: Part, given: Json, resolve: ResolveReference) -> Value:
    return within(f".{part.name}", given, lambda one: part.kind.parse(one, resolve))


def _on_one_line(kind: Kind, value: Value, reader: Reader) -> str:
    """A part as a reader sees it. Further lines of a text are set in, so that they do not look like records of their own."""
    if isinstance(kind, ListOf):
        return ", ".join(kind.item.show(one, reader) for one in value)
    return kind.show(value, reader).replace("\n", "\n   ")
