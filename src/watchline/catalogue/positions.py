"""Positions and areas on WGS-84: as typed, as sent, as shown.

A position on the wire is `[latitude, longitude]`, integers of 1/600,000 degree: 1/10,000 minute, the unit that ships already
send (ITU-R M.1371). Decimal minutes of four digits and decimal degrees of five are exact in it; it is 0.19 m of latitude.
North and east are positive; latitude is within 90 degrees, longitude above -180 and at most 180.

An area is a polygon, an array of 3 to 64 positions, clockwise and beginning at its north-westernmost (the one farthest to the
north and west taken together), its edges not crossing; or a circle, `[centre, radius]`, in tenths of a nautical mile.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

UNITS_PER_DEGREE = 600_000
UNITS_PER_MINUTE = 10_000
LATITUDE_MAX = 90 * UNITS_PER_DEGREE
LONGITUDE_MAX = 180 * UNITS_PER_DEGREE
VERTICES_MAX = 64
RADIUS_TENTHS_MAX = 20_000  # 2,000 NM: a third of the way from equator to pole

Position = tuple[int, int]
Box = tuple[int, int, int, int]  # south, west, north, east; east may pass 180 degrees

_DECIMAL = re.compile(r"([+-]?)([0-9]{1,3})(?:\.([0-9]{1,12}))?")
_DEGREES_MINUTES = re.compile(r"([0-9]{1,3})\s*[°º-]\s*([0-9]{1,2})(?:\.([0-9]{1,9}))?\s*['′’]?\s*([NSEWnsew])")


def parse_position(text: str) -> Position | None:
    """Read `LAT,LON` in decimal degrees or in degrees and minutes; None if the text is neither, or out of range.

    "35.6,139.7" · "35°36.0'N 139°42.0'E" · "35-36.0N,139-42.0E". Finer digits than the unit are rounded to the nearest.
    """
    halves = [half for half in re.split(r"\s*,\s*", text.strip()) if half]
    if len(halves) == 1:
        halves = re.split(r"(?<=[NSns])\s*", halves[0], maxsplit=1)
    if len(halves) != 2:
        return None
    # Both halves in one notation: a mixture is likely a position cut short.
    latitude, longitude = _decimal(halves[0]), _decimal(halves[1])
    if latitude is None and longitude is None:
        latitude, longitude = _degrees_minutes(halves[0], "NS"), _degrees_minutes(halves[1], "EW")
    if latitude is None or longitude is None:
        return None
    return checked_position([latitude, LONGITUDE_MAX if longitude == -LONGITUDE_MAX else longitude])


def checked_position(value: object) -> Position | None:
    """A position from its two integers; None for anything else."""
    if not isinstance(value, list | tuple) or len(value) != 2 or not all(type(number) is int for number in value):
        return None
    latitude, longitude = value
    if abs(latitude) <= LATITUDE_MAX and -LONGITUDE_MAX < longitude <= LONGITUDE_MAX:
        return latitude, longitude
    return None


def format_position(position: Position) -> str:
    """Degrees and decimal minutes: 35°36.0'N 139°42.0'E; as many digits of a minute as there are, at least one."""
    latitude, longitude = position
    return f"{_format_angle(latitude, 2, 'NS')} {_format_angle(longitude, 3, 'EW')}"


def degrees(position: Position) -> dict[str, float]:
    """For JSON: `{"lat", "lon"}` in degrees; six digits, which give the same integers back."""
    latitude, longitude = position
    return {"lat": round(latitude / UNITS_PER_DEGREE, 6), "lon": round(longitude / UNITS_PER_DEGREE, 6)}


def polygon_fault(vertices: Sequence[Position]) -> str | None:
    """What keeps these vertices from being a polygon, or None. Their direction and first vertex do not matter here."""
    if not 3 <= len(vertices) <= VERTICES_MAX:
        return f"a polygon of 3 to {VERTICES_MAX} positions"
    if len(set(vertices)) != len(vertices):
        return "a polygon without a position twice (the last joins the first by itself)"
    plane = _unwrapped(vertices)
    if max(x for _, x in plane) - min(x for _, x in plane) >= LONGITUDE_MAX:
        return "a polygon less than half the world wide"
    count = len(plane)
    edges = [(plane[i], plane[(i + 1) % count]) for i in range(count)]
    for i in range(count):
        for j in range(i + 2, count - (i == 0)):
            if _meet(*edges[i], *edges[j]):
                return "a polygon whose edges do not cross"
    return None if _doubled_area(plane) else "a polygon with positions that are not all on one line"


def clockwise_from_north_west(vertices: Sequence[Position]) -> list[Position]:
    """The same polygon in its one order."""
    plane = _unwrapped(vertices)
    ordered = list(vertices)
    if _doubled_area(plane) > 0:
        ordered.reverse()
        plane.reverse()
    first = max(range(len(plane)), key=lambda i: (plane[i][0] - plane[i][1], plane[i][0]))
    return ordered[first:] + ordered[:first]


def box_around(positions: Sequence[Position], radius_tenths: int = 0) -> Box:
    """The smallest box of latitudes and longitudes around the positions, each widened by the radius."""
    plane = _unwrapped(positions)
    # A tenth of a nautical mile is a tenth of a minute of latitude.
    reach = radius_tenths * UNITS_PER_MINUTE // 10
    south = max(min(latitude for latitude, _ in plane) - reach, -LATITUDE_MAX)
    north = min(max(latitude for latitude, _ in plane) + reach, LATITUDE_MAX)
    # A degree of longitude shrinks towards the poles; past 60 degrees the whole circle is taken rather than a cosine.
    reach_east = reach * 2 if max(abs(south), abs(north)) <= 60 * UNITS_PER_DEGREE else (LONGITUDE_MAX if reach else 0)
    return south, min(x for _, x in plane) - reach_east, north, max(x for _, x in plane) + reach_east


def boxes_meet(one: Box, other: Box) -> bool:
    """Whether two boxes share a point, also across the 180th meridian."""
    if one[0] > other[2] or other[0] > one[2]:
        return False
    turn = 2 * LONGITUDE_MAX
    return any(one[1] <= other[3] + shift and other[1] + shift <= one[3] for shift in (-turn, 0, turn))


def _decimal(text: str) -> int | None:
    match = _DECIMAL.fullmatch(text)
    if not match:
        return None
    return (-1 if match[1] == "-" else 1) * _scaled(match[2], match[3], UNITS_PER_DEGREE)


def _degrees_minutes(text: str, letters: str) -> int | None:
    match = _DEGREES_MINUTES.fullmatch(text)
    if not match or match[4].upper() not in letters or int(match[2]) >= 60:
        return None
    size = int(match[1]) * UNITS_PER_DEGREE + _scaled(match[2], match[3], UNITS_PER_MINUTE)
    return -size if match[4].upper() in "SW" else size


def _scaled(whole: str, fraction: str | None, units: int) -> int:
    """`whole.fraction` in units, rounded to the nearest, halves up: no float on the way."""
    digits = fraction or ""
    scale = int("1" + "0" * len(digits))
    return (int(whole + digits) * units * 2 + scale) // (2 * scale)


def _format_angle(units: int, width: int, letters: str) -> str:
    whole, rest = divmod(abs(units), UNITS_PER_DEGREE)
    minutes, fraction = divmod(rest, UNITS_PER_MINUTE)
    digits = f"{fraction:04d}".rstrip("0") or "0"
    return f"{whole:0{width}d}°{minutes:02d}.{digits}'{letters[units < 0]}"


def _unwrapped(vertices: Iterable[Position]) -> list[Position]:
    """The vertices on a plane, none more than half a turn from the first, so that one may lie across the 180th meridian."""
    plane: list[Position] = []
    for latitude, longitude in vertices:
        start = plane[0][1] if plane else longitude
        shift = (longitude - start + LONGITUDE_MAX) % (2 * LONGITUDE_MAX) - LONGITUDE_MAX
        plane.append((latitude, start + shift))
    return plane


def _doubled_area(plane: Sequence[Position]) -> int:
    """Twice the area, above zero if the vertices run anticlockwise with north up and east to the right."""
    following = [*plane[1:], plane[0]]
    return sum(x1 * y2 - x2 * y1 for (y1, x1), (y2, x2) in zip(plane, following, strict=True))


def _meet(a: Position, b: Position, c: Position, d: Position) -> bool:
    """Whether the segments a-b and c-d share a point."""

    def side(p: Position, q: Position, r: Position) -> int:
        turn = (q[1] - p[1]) * (r[0] - p[0]) - (q[0] - p[0]) * (r[1] - p[1])
        return (turn > 0) - (turn < 0)

    def within(p: Position, q: Position, r: Position) -> bool:
        return min(p[0], q[0]) <= r[0] <= max(p[0], q[0]) and min(p[1], q[1]) <= r[1] <= max(p[1], q[1])

    sides = side(a, b, c), side(a, b, d), side(c, d, a), side(c, d, b)
    if sides[0] != sides[1] and sides[2] != sides[3]:
        return True
    return (
        (sides[0] == 0 and within(a, b, c))
        or (sides[1] == 0 and within(a, b, d))
        or (sides[2] == 0 and within(c, d, a))
        or (sides[3] == 0 and within(c, d, b))
    )
