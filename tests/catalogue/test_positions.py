"""Positions, areas and the places that two sides call by two names."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.catalogue.samples import polygons, positions, resolve
from watchline.catalogue import load_catalogue
from watchline.catalogue.positions import (
    LATITUDE_MAX,
    LONGITUDE_MAX,
    box_around,
    boxes_meet,
    clockwise_from_north_west,
    degrees,
    format_position,
    parse_position,
    polygon_fault,
)

ISLANDS = "25°44.6'N 123°28.4'E"


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("35.6,139.7", (21_360_000, 83_820_000)),
        (" 35.6 , 139.7 ", (21_360_000, 83_820_000)),
        ("-35.6,-139.7", (-21_360_000, -83_820_000)),
        ("+35.6,0", (21_360_000, 0)),
        ("-0.5,-0.5", (-300_000, -300_000)),
        ("35°36.0'N 139°42.0'E", (21_360_000, 83_820_000)),
        ("35°36.0′N, 139°42.0′E", (21_360_000, 83_820_000)),
        ("35°36'S139°42'W", (-21_360_000, -83_820_000)),
        ("35-36.0N,139-42.0E", (21_360_000, 83_820_000)),
        ("35-36.0n 139-42.0e", (21_360_000, 83_820_000)),
        ("0°00.0001'N 0°00.0001'W", (1, -1)),
        ("0.0000008,0.0000009", (0, 1)),
        ("90,180", (LATITUDE_MAX, LONGITUDE_MAX)),
        ("-90,-180", (-LATITUDE_MAX, LONGITUDE_MAX)),
    ],
)
def test_position_is_read_in_decimal_degrees_or_degrees_and_minutes(text: str, position: tuple[int, int]) -> None:
    assert parse_position(text) == position


@pytest.mark.parametrize(
    "text",
    [
        "",
        ",",
        "35.6",
        "35.6,139.7,0",
        "35,6 139,7",
        "35.6;139.7",
        "90.0001,0",
        "0,180.0001",
        "35°36.0'N 139°42.0'N",
        "35°36.0'E 139°42.0'N",
        "35°60.0'N 139°42.0'E",
        "91°00.0'N 139°42.0'E",
        "35°36'30\"N 139°42'00\"E",
        "3e1,0",
        "nan,0",
        "３５.６,139.7",
        "35.,139.",
        "35°36.0'N 139",
        "35.6,139°42.0'E",
    ],
)
def test_text_that_is_no_position_is_none(text: str) -> None:
    assert parse_position(text) is None


@given(positions)
def test_position_comes_back_from_what_is_shown_and_from_degrees(position: tuple[int, int]) -> None:
    assert parse_position(format_position(position)) == position
    shown = degrees(position)
    assert parse_position(f"{shown['lat']:.6f},{shown['lon']:.6f}") == position


@given(positions)
def test_position_cut_short_is_another_position_or_none(position: tuple[int, int]) -> None:
    whole = format_position(position)
    assert all(parse_position(whole[:length]) in (None, position) for length in range(len(whole)))
    assert parse_position(whole + "x") is None


@pytest.mark.slow
@given(polygons, st.integers(0, 5), st.booleans())
def test_polygon_has_one_order_however_it_is_typed(polygon: list[list[int]], start: int, backwards: bool) -> None:
    vertices = [(latitude, longitude) for latitude, longitude in polygon]
    turned = vertices[start % len(vertices) :] + vertices[: start % len(vertices)]
    assert polygon_fault(turned) is None
    assert clockwise_from_north_west(turned[::-1] if backwards else turned) == vertices


def test_square_runs_clockwise_from_its_north_west() -> None:
    north_west, north_east, south_east, south_west = (600, 0), (600, 600), (0, 600), (0, 0)
    for order in itertools.permutations([north_west, north_east, south_east, south_west]):
        if polygon_fault(order) is None:
            assert clockwise_from_north_west(order) == [north_west, north_east, south_east, south_west]
        else:
            assert polygon_fault(order) == "a polygon whose edges do not cross"


def test_polygon_may_lie_across_the_180th_meridian() -> None:
    form = load_catalogue().form("false-alarm")
    area = form.fields[3].kind.parse("1.0,179.0; 1.0,-179.0; -1.0,-179.0; -1.0,179.0", resolve)
    assert area == [[600_000, 107_400_000], [600_000, -107_400_000], [-600_000, -107_400_000], [-600_000, 107_400_000]]


def shown_in(code: str, name: str, typed: str, language: str) -> str:
    field = next(field for field in load_catalogue().form(code).fields if field.name == name)
    form = load_catalogue().form(code)
    return form.render({field.number: field.kind.parse(typed, resolve)}, language, None)[0].text


@pytest.mark.parametrize(
    ("language", "names"),
    [
        ("ja", "[尖閣諸島 (日本側) / 釣魚島及びその附属島嶼 (中国側)]"),
        ("zh-Hans", "[钓鱼岛及其附属岛屿 (中方) / 尖阁诸岛 (日方)]"),
        ("en", "[Diaoyu Dao and its affiliated islands (China) / Senkaku Islands (Japan)]"),
    ],
)
def test_position_near_the_islands_carries_both_names_in_the_reader_s_order(language: str, names: str) -> None:
    assert shown_in("airspace-object", "pos", ISLANDS, language) == f"{ISLANDS} {names}"


@pytest.mark.parametrize(
    "area",
    [
        f"{ISLANDS}; 0.1 NM",
        "27.0,124.0; 60 NM",
        "26.0,122.0; 57 NM",
        "27.0,122.0; 27.0,126.0; 24.0,126.0; 24.0,122.0",
        "26°19.0'N 124°59.0'E; 30.0,125.0; 30.0,126.0",
    ],
)
def test_area_that_touches_the_islands_carries_both_names(area: str) -> None:
    shown = shown_in("live-fire-closure", "area", area, "en")
    assert "Senkaku" in shown
    assert "Diaoyu" in shown


@pytest.mark.parametrize("area", ["30.0,124.0; 10 NM", "35.0,139.0; 36.0,139.0; 36.0,140.0"])
def test_area_elsewhere_carries_no_names(area: str) -> None:
    assert "[" not in shown_in("live-fire-closure", "area", area, "en")


def test_place_names_come_labelled_by_side_and_never_as_one() -> None:
    position = parse_position(ISLANDS)
    assert position is not None
    names = load_catalogue().place_names(position)
    assert [(name.side["en"], name.names["en"]) for name in names] == [
        ("China", "Diaoyu Dao and its affiliated islands"),
        ("Japan", "Senkaku Islands"),
    ]
    assert load_catalogue().place_names((0, 0)) == ()


@given(positions, st.integers(0, 20_000))
def test_box_around_a_circle_holds_its_centre(centre: tuple[int, int], radius: int) -> None:
    box = box_around([centre], radius)
    assert boxes_meet(box, box_around([centre]))


@pytest.mark.parametrize(("longitude", "meets"), [(107_940_000, True), (-107_940_000, True), (0, False)])
def test_boxes_meet_across_the_180th_meridian(longitude: int, meets: bool) -> None:
    across = box_around([(0, 107_400_000), (0, -107_400_000)])
    assert boxes_meet(across, box_around([(0, longitude)])) is meets
    assert boxes_meet(box_around([(0, longitude)]), across) is meets
