"""The kinds of value a field can hold. Each reads what a person typed, checks what a peer sent, and shows either to a reader.

| type | typed | on the wire |
| --- | --- | --- |
| text | as it is | text |
| int | 3000 · "3000 m" · "FL250" | integer |
| decimal | 7.1 · "7.1 %" | [mantissa, exponent], the mantissa not a multiple of ten, zero as [0, 0] |
| bool | yes, no, true, false | true, false |
| yes-no-unknown, choice | one of the allowed words | that word |
| utc | RFC 3339 with an offset | seconds since 1970 (moments.py) |
| when | the same, or `2023-03-01/2023-05-31 around spring` | seconds, or [first day, last day, words] (moments.py) |
| position | `LAT,LON` decimal, or degrees and minutes | [latitude, longitude] (positions.py) |
| area | `POS; POS; POS ...`, `POS; 5 NM`, or JSON | polygon or circle (positions.py) |
| reference | ours:7 · theirs:7 · DESK/INC/7 | [inc, peer_inc, i], or with a fourth element, 1: see `Reference` |
| hash | 64 hex digits | 32 bytes |
| language | BCP 47 | text in canonical case |
| code | of its pattern, such as JPY | text |
| list | JSON | array |
| record, only in a list | a JSON object | array of its parts (records.py) |

Nothing is converted from one unit to another: a value in a wrong unit is refused, as a person must see the number that is sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from watchline.catalogue import positions
from watchline.catalogue.given import Allowed, Json, NotAllowed, integers, position_text, structure, typed, within
from watchline.catalogue.positions import Box
from watchline.catalogue.texts import is_clean
from watchline.core.encoding import Value

ResolveReference = Callable[[str], Sequence[int]]  # a reference as typed to its integers; raises UsageError
NameReference = Callable[[Sequence[int]], str]  # its integers to what people type

LIST_ITEMS_MAX = 64
ONE_LINE_CHARACTERS_MAX = 300
CODE_CHARACTERS_MAX = 64
INDEX_MAX = 2**53 - 1
EXPONENT_MAX = 30
UNITS = frozenset({"m", "km", "kt", "deg", "FL", "NM", "min", "%", "t", "m3", "Bq/L", "years"})


class Reader(Protocol):
    """Who a value is shown to. tag: the reader's language in BCP 47, shipped or not. zone: IANA, None for UTC alone."""

    @property
    def tag(self) -> str: ...
    @property
    def zone(self) -> str | None: ...
    def reference(self, value: Sequence[int]) -> str: ...
    def word(self, key: str) -> str: ...
    def choice(self, labels: Mapping[str, str]) -> str: ...
    def places(self, box: Box) -> str: ...


class Kind(Protocol):
    """One type of value.

    translation: "agreed" if a reader sees words of the catalogue, "original" if the author's own, None if neither.
    parse gives a wire value that `check` accepts, or raises NotAllowed. to_json and show take checked values only.
    """

    @property
    def translation(self) -> str | None: ...
    @property
    def allowed(self) -> Allowed: ...
    def parse(self, given: Json, resolve: ResolveReference) -> Value: ...
    def check(self, value: Value) -> None: ...
    def to_json(self, value: Value, name: NameReference) -> Json: ...
    def show(self, value: Value, reader: Reader) -> str: ...


@dataclass(frozen=True, slots=True)
class Text:
    """Text of 1 to `at_most` characters that are not all white space; see texts.py for what it may hold.

    Names, roles and the like, up to 300 characters, are one line: with newlines one could draw false rows on a reader's screen.
    """

    at_most: int
    translation: ClassVar[str | None] = "original"

    @property
    def allowed(self) -> Allowed:
        lines = "" if self._has_lines() else " on one line"
        return f"text of 1 to {self.at_most} characters{lines}, without control characters or direction overrides"

    def parse(self, given: Json, resolve: ResolveReference) -> Value:
        value = typed(given, self.allowed).replace("\r\n", "\n").strip()
        self.check(value)
        return value

    def check(self, value: Value) -> None:
        if type(value) is not str or not 1 <= len(value) <= self.at_most or value.isspace():
            raise NotAllowed(self.allowed)
        if not is_clean(value, lines=self._has_lines()):
            raise NotAllowed(self.allowed)

    def to_json(self, value: Value, name: NameReference) -> Json:
        return value

    def show(self, value: Value, reader: Reader) -> str:
        return str(value)

    def _has_lines(self) -> bool:
        return self.at_most > ONE_LINE_CHARACTERS_MAX


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number from at_least to at_most; in `unit`, or None for a bare count."""

    unit: str | None
    at_least: int
    at_most: int
    translation: ClassVar[str | None] = None

    @property
    def allowed(self) -> Allowed:
        if self.unit is None:
            return f"a whole number from {self.at_least} to {self.at_most}"
        return f'a whole number in {self.unit} from {self.at_least} to {self.at_most}, such as "{self._example()}"'

    def parse(self, given: Json, resolve: ResolveReference) -> Value:
        value = given if type(given) is int else self._number(typed(given, self.allowed))
        self.check(value)
        return value

    def check(self, value: Value) -> None:
        if type(value) is not int or not self.at_least <= value <= self.at_most:
            raise NotAllowed(self.allowed)

    def to_json(self, value: Value, name: NameReference) -> Json:
        return value

    def show(self, value: Value, reader: Reader) -> str:
        if self.unit == "FL":
            return f"FL{value:03d}"
        return f"{value}°" if self.unit == "deg" else f"{value} {self.unit}" if self.unit else str(value)

    def _number(self, text: str) -> int:
        flight_level = re.fullmatch(r"FL\s*([0-9]{1,4})", text) if self.unit == "FL" else None
        match = flight_level or re.fullmatch(rf"([+-]?[0-9]{{1,16}})(?:\s*{_unit_pattern(self.unit)})?", text)
        if not match:
            raise NotAllowed(self.allowed)
        return int(match[1])

    def _example(self) -> str:
        number = min(max(10, self.at_least), self.at_most)
        return f"FL{number:03d}" if self.unit == "FL" else f"{number} {self.unit}"


@dataclass(frozen=True, slots=True)
class Decimal:
    """A decimal number, exact: mantissa times ten to the exponent, in one form only. There are no floats on the wire."""

    unit: str | None
    translation: ClassVar[str | None] = None

    @property
    def allowed(self) -> Allowed:
        return "a decimal number such as 7.1" + (f' or "7.1 {self.unit}"' if self.unit else "")

    def parse(self, given: Json, resolve: ResolveReference) -> Value:
        text = repr(given) if type(given) in (int, float) else typed(given, self.allowed)
        match = re.fullmatch(rf"([+-]?[0-9]{{1,15}})(?:\.([0-9]{{1,15}}))?(?:\s*{_unit_pattern(self.unit)})?", text)
        if not match:
            raise NotAllowed(self.allowed)
        fraction = match[2] or ""
        mantissa, exponent = int(match[1] + fraction), -len(fraction)
        while mantissa and mantissa % 10 == 0:
            mantissa, exponent = mantissa // 10, exponent + 1
        value = [mantissa, exponent if mantissa else 0]
        self.check(value)
        return value

    def check(self, value: Value) -> None:
        pair = integers(value, 2)
        if pair is None or abs(pair[0]) > INDEX_MAX or abs(pair[1]) > EXPONENT_MAX:
            raise NotAllowed(self.allowed)
        if pair[0] % 10 == 0 and pair != [0, 0]:
            raise NotAllowed(f"{self.allowed}, its mantissa not a multiple of ten")

    def to_json(self, value: Value, name: NameReference) -> Json:
        return self._digits(value)

    def show(self, value: Value, reader: Reader) -> str:
        return self._digits(value) + (f" {self.unit}" if self.unit else "")

    @staticmethod
    def _digits(value: Sequence[int]) -> str:
        mantissa, exponent = value
        if exponent >= 0:
            return str(mantissa * 10**exponent)
        whole, fraction = divmod(abs(mantissa), 10**-exponent)
        return f"{'-' if mantissa < 0 else ''}{whole}.{fraction:0{-exponent}d}"


class Boolean:
    """True or false."""

    translation: ClassVar[str | None] = "agreed"

    @property
    def allowed(self) -> Allowed:
        return ["yes", "no"]

    def parse(self, given: Json, resolve: ResolveReference) -> Value:
        if type(given) is bool:
            return given
        value = {"yes": True, "true": True, "no": False, "false": False}.get(typed(given, self.allowed))
        self.check(value)
        return value

    def check(self, value: Value) -> None:
        if type(value) is not bool:
            raise NotAllowed(self.allowed)

    def to_json(self, value: Value, name: NameReference) -> Json:
        return value

    def show(self, value: Value, reader: Reader) -> str:
        return reader.word("yes" if value else "no")


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the agreed words; `values` has each with what it is called in every language."""

    values: Mapping[str, Mapping[str, str]]
    translation: ClassVar[str | None] = "agreed"

    @property
    def allowed(self) -> Allowed:
        return list(self.values)

    def parse(self, given: Json, resolve: ResolveReference) -> Value:
        value = typed(given, self.allowed)
        self.check(value)
        return value

    def check(self, value: Value) -> None:
        if type(value) is not str or value not in self.values:
            raise NotAllowed(self.allowed)

    def to_json(self, value: Value, name: NameReference) -> Json:
        return value

    def show(self, value: Value, reader: Reader) -> str:
        return reader.choice(self.values[value])


class Point:
    """A position on WGS-84."""

    translation: ClassVar[str | None] = None

    @property
    def allowed(self) -> Allowed:
        return "a position LAT,LON, such as 35.6,139.7 or 35°36.0'N 139°42.0'E or 35-36.0N,139-42.0E"

    def parse(self, given: Json, resolve: ResolveReference) -> Value:
        position = positions.parse_position(position_text(given, self.allowed))
        if position is None:
            raise NotAllowed(self.allowed)
        return list(position)

    def check(self, value: Value) -> None:
        if positions.checked_position(value) is None:
            raise NotAllowed(self.allowed)

    def to_json(self, value: Value, name: NameReference) -> Json:
        return positions.degrees(value)

    def show(self, value: Value, reader: Reader) -> str:
        return positions.format_position(value) + reader.places(positions.box_around([value]))


class Area:
    """A polygon or a circle. What a person types may run in any direction from any vertex; it is sent in the one order."""

    translation: ClassVar[str | None] = "agreed"
    _point: ClassVar[Point] = Point()

    @property
    def allowed(self) -> Allowed:
        return (
            f"a polygon of 3 to {positions.VERTICES_MAX} positions, such as 30.0,125.0; 30.0,126.0; 29.0,126.0, "
            f"or a circle of 0.1 to {positions.RADIUS_TENTHS_MAX // 10} NM, such as 30.0,125.0; 5 NM; or JSON: "
            '["POS", "POS", "POS"] or {"centre": "POS", "radius_nm": 5}'
        )

    def parse(self, given: Json, resolve: ResolveReference) -> Value:
        given = structure(given, self.allowed)
        if isinstance(given, str):
            parts = [part.strip() for part in given.split(";") if part.strip()]
            if len(parts) < 2:
                raise NotAllowed(self.allowed)
            given = {"centre": parts[0], "radius_nm": parts[1]} if len(parts) == 2 else parts
        value = self._circle(given, resolve) if isinstance(given, dict) else self._polygon(given, resolve)
        self.check(value)
        return value

    def check(self, value: Value) -> None:
        if type(value) not in (list, tuple) or len(value) < 2:
            raise NotAllowed(self.allowed)
        if self._is_circle(value):
            if positions.checked_position(value[0]) is None or not 1 <= value[1] <= positions.RADIUS_TENTHS_MAX:
                raise NotAllowed(self.allowed)
            return
        if len(value) > positions.VERTICES_MAX:  # before any work on the vertices: a peer chose how many
            raise NotAllowed(self.allowed)
        vertices = [position for position in map(positions.checked_position, value) if position is not None]
        if len(vertices) != len(value):
            raise NotAllowed(self.allowed)
        fault = positions.polygon_fault(vertices)
        if fault:
            raise NotAllowed(fault)
        if positions.clockwise_from_north_west(vertices) != vertices:
            raise NotAllowed("a polygon clockwise from its north-western position")

    def to_json(self, value: Value, name: NameReference) -> Json:
        if not self._is_circle(value):
            return [positions.degrees(position) for position in value]
        tenths = value[1]
        return {"centre": positions.degrees(value[0]), "radius_nm": tenths / 10 if tenths % 10 else tenths // 10}

    def show(self, value: Value, reader: Reader) -> str:
        if self._is_circle(value):
            radius = f"{value[1] // 10}.{value[1] % 10}".removesuffix(".0")
            shown = f"{reader.word('circle')}: {positions.format_position(value[0])}, {reader.word('radius')} {radius} NM"
            return shown + reader.places(positions.box_around([value[0]], value[1]))
        shown = "; ".join(positions.format_position(position) for position in value)
        return f"{reader.word('polygon')}: {shown}" + reader.places(positions.box_around(value))

    @staticmethod
    def _is_circle(value: Sequence[Value]) -> bool:
        return len(value) == 2 and type(value[1]) is int

    def _circle(self, given: Mapping[str, Json], resolve: ResolveReference) -> Value:
        if set(given) != {"centre", "radius_nm"}:
            raise NotAllowed(self.allowed)
        radius = given["radius_nm"]
        text = repr(radius) if type(radius) in (int, float) else typed(radius, self.allowed)
        match = re.fullmatch(rf"([0-9]{{1,4}})(?:\.([0-9])0*)?(?:\s*{_unit_pattern('NM')})?", text)
        if not match:
            raise NotAllowed(self.allowed)
        centre = within("[centre]", given["centre"], lambda part: self._point.parse(part, resolve))
        return [centre, int(match[1]) * 10 + int(match[2] or 0)]

    def _polygon(self, given: Json, resolve: ResolveReference) -> Value:
        if not isinstance(given, list) or len(given) > positions.VERTICES_MAX:
            raise NotAllowed(self.allowed)
        points = [within(f"[{i}]", part, lambda part: self._point.parse(part, resolve)) for i, part in enumerate(given)]
        vertices = [(latitude, longitude) for latitude, longitude in points]
        fault = positions.polygon_fault(vertices)
        if fault:
            raise NotAllowed(fault)
        return [list(position) for position in positions.clockwise_from_north_west(vertices)]


class Reference:
    """A message on this line, as `[inc, peer_inc, i]`: the incarnations of its author and of the other desk, and its index.

    So it names an entry of the other side's log, seen from whoever writes; with a fourth element, 1, one of the writer's own.
    """

    translation: ClassVar[str | None] = None

    @property
    def allowed(self) -> Allowed:
        return "a message of this line, such as ours:7, theirs:7 or DESK/INC/7"

    def parse(self, given: Json, resolve: ResolveReference) -> Value:
        value = list(resolve(typed(given, self.allowed)))
        self.check(value)
        return value

    def check(self, value: Value) -> None:
        whole = integers(value, 3) or integers(value, 4)
        if whole is None or not all(0 <= number <= INDEX_MAX for number in whole) or whole[3:] not in ([], [1]):
            raise NotAllowed(self.allowed)

    def to_json(self, value: Value, name: NameReference) -> Json:
        return name(value)

    def show(self, value: Value, reader: Reader) -> str:
        return reader.reference(value)


class Hash:
    """A SHA-256."""

    translation: ClassVar[str | None] = None

    @property
    def allowed(self) -> Allowed:
        return "a SHA-256 of 64 hex digits"

    def parse(self, given: Json, resolve: ResolveReference) -> Value:
        text = typed(given, self.allowed)
        if not re.fullmatch(r"[0-9A-Fa-f]{64}", text):
            raise NotAllowed(self.allowed)
        return bytes.fromhex(text)

    def check(self, value: Value) -> None:
        if type(value) is not bytes or len(value) != 32:
            raise NotAllowed(self.allowed)

    def to_json(self, value: Value, name: NameReference) -> Json:
        return value.hex()

    def show(self, value: Value, reader: Reader) -> str:
        return str(value.hex())


class Language:
    """A language tag, BCP 47 (RFC 5646, section 2.1): language, script, region and variants; no extensions or private use."""

    translation: ClassVar[str | None] = None
    _tag: ClassVar[re.Pattern[str]] = re.compile(
        r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-(?:[A-Z]{2}|[0-9]{3}))?(-(?:[0-9a-z]{5,8}|[0-9][0-9a-z]{3})){0,4}"
    )

    @property
    def allowed(self) -> Allowed:
        return "a language of BCP 47, such as ja, zh-Hans or en-GB"

    def parse(self, given: Json, resolve: ResolveReference) -> Value:
        value, *others = typed(given, self.allowed).lower().split("-")
        for part in others:  # The recommended case, RFC 5646, section 2.1.1: so that one language is one value.
            script, region = len(part) == 4 and part.isalpha(), len(part) == 2
            value += "-" + (part.title() if script else part.upper() if region else part)
        self.check(value)
        return value

    def check(self, value: Value) -> None:
        if type(value) is not str or not self._tag.fullmatch(value):
            raise NotAllowed(self.allowed)

    def to_json(self, value: Value, name: NameReference) -> Json:
        return value

    def show(self, value: Value, reader: Reader) -> str:
        return str(value)


@dataclass(frozen=True, slots=True)
class Code:
    """A code of a public list, such as the currencies of ISO 4217 or the goods of the Harmonized System.

    Only its shape is checked: the lists change, and a desk must not refuse a code that is newer than itself.
    pattern: a regular expression for the whole of it. example: one that it matches.
    """

    pattern: str
    example: str
    translation: ClassVar[str | None] = None

    @property
    def allowed(self) -> Allowed:
        return f"a code of the pattern {self.pattern}, such as {self.example}"

    def parse(self, given: Json, resolve: ResolveReference) -> Value:
        value = typed(given, self.allowed)
        self.check(value)
        return value

    def check(self, value: Value) -> None:
        if type(value) is not str or len(value) > CODE_CHARACTERS_MAX or not re.fullmatch(self.pattern, value):
            raise NotAllowed(self.allowed)

    def to_json(self, value: Value, name: NameReference) -> Json:
        return value

    def show(self, value: Value, reader: Reader) -> str:
        return str(value)


@dataclass(frozen=True, slots=True)
class ListOf:
    """One or more values of one kind; typed as JSON."""

    item: Kind

    @property
    def translation(self) -> str | None:
        return self.item.translation

    @property
    def allowed(self) -> Allowed:
        item = self.item.allowed
        described = item if isinstance(item, str) else "one of " + ", ".join(item)
        return f'a JSON list of 1 to {LIST_ITEMS_MAX} values, ["...", "..."], each {described}'

    def parse(self, given: Json, resolve: ResolveReference) -> Value:
        given = structure(given, self.allowed)
        if not isinstance(given, list) or not 1 <= len(given) <= LIST_ITEMS_MAX:
            raise NotAllowed(self.allowed)
        return [within(f"[{i}]", part, lambda part: self.item.parse(part, resolve)) for i, part in enumerate(given)]

    def check(self, value: Value) -> None:
        if type(value) not in (list, tuple) or not 1 <= len(value) <= LIST_ITEMS_MAX:
            raise NotAllowed(self.allowed)
        for i, part in enumerate(value):
            within(f"[{i}]", part, self.item.check)

    def to_json(self, value: Value, name: NameReference) -> Json:
        return [self.item.to_json(part, name) for part in value]

    def show(self, value: Value, reader: Reader) -> str:
        shown = [self.item.show(part, reader) for part in value]
        return shown[0] if len(shown) == 1 else "\n".join(f"{i}. {part}" for i, part in enumerate(shown, 1))


def _unit_pattern(unit: str | None) -> str:
    """The unit as a person may write it after a number; a bare count takes none."""
    if unit is None:
        return "(?!)"
    return "(?:deg|°)" if unit == "deg" else re.escape(unit)
