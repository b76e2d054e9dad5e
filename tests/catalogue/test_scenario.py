"""The talks of 22 February 2023, filled in: whatever either side raised has a form with fields for it, read in both languages.

Facts of two press reports of that day, and what is public of the events they name.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import pytest

from tests.catalogue.samples import HASH, resolve
from watchline.catalogue import load_catalogue
from watchline.catalogue.kinds import Choice, ListOf, Text
from watchline.catalogue.records import Record

Fields = dict[str, Any]


class Said(NamedTuple):
    """A notice of the day. free: its fields that hold words of its author; every other one has a type of its own."""

    code: str
    fields: Fields
    free: frozenset[str] = frozenset()


def statement(speaker: str, language: str, text: str, **more: str) -> Said:
    fields = {"speaker_role": speaker, "language": language, "text": text, "under": "1/1/2", **more}
    return Said("statement", fields, frozenset({"speaker_role", "text"}))


def item(subject: str, *notices: str) -> Said:
    return Said("agenda-item", {"meeting": "1/1/2", "subject": subject, "notices": list(notices)}, frozenset({"subject"}))


JAPAN, CHINA = "Deputy Foreign Minister", "外交部副部长"

BALLOONS = [
    Said("airspace-object", {"object": "balloon", "ours": "asking", "seen": seen, "pos": pos, "earlier": earlier})
    for seen, pos, earlier in (
        ("2019-11-20/2019-11-20 in November 2019", "31.6,130.5", ["1/1/3/1"]),
        ("2020-06-17T07:00:00+09:00", "38.3,140.9", ["1/1/3/1"]),
        ("2021-09-03T09:00:00+09:00", "40.5,141.5", ["1/1/3/1", "1/1/4/1"]),
    )
]
CLOSURE = {
    "activity": "missile",
    "area": "24.25,123.0; 24.25,123.5; 23.5,123.5; 23.5,123.0",
    "low": 0,
    "high": 999,
    "from": "2022-08-04T12:00:00+08:00",
    "to": "2022-08-07T12:00:00+08:00",
}

RAISED: dict[str, list[Said]] = {
    "suspected surveillance balloons over Japan since 2019": [
        *BALLOONS,
        Said("request-clarification", {"about": "1/1/3/1", "question": ["Whose were they?"]}, frozenset({"question"})),
        item("Balloons", "1/1/3/1", "1/1/4/1", "1/1/5/1"),
    ],
    "plan to clarify when unmanned aircraft in one's airspace may be shot down": [
        Said(
            "engagement-rules",
            {
                "change": "Weapons may be used against unmanned aircraft that violate our airspace.",
                "stage": "planned",
                "effective": "2023-02-16/2023-05-31 en=soon; ja=速やかに",
            },
            frozenset({"change"}),
        )
    ],
    "rockets of the live-fire drills of 4 August 2022": [
        Said(
            "unusual-activity-query",
            {
                "activity": "Five ballistic missiles came down in waters that we claim as our exclusive economic zone.",
                "area": CLOSURE["area"],
                "seen": "2022-08-04T15:00:00+09:00",
                "questions": ["Which areas were closed, and from when?"],
            },
            frozenset({"activity", "questions"}),
        ),
        Said("live-fire-closure", CLOSURE),
    ],
    "joint military drills with Russia near Japan": [
        Said(
            "unusual-activity-query",
            {
                "activity": "Bombers of two states in formation",
                "area": "35.0,132.0; 60 NM",
                "seen": "2022-11-30/2022-11-30 on 30 November",
                "questions": ["Are more flights planned?"],
            },
            frozenset({"activity", "questions"}),
        ),
        Said(
            "exercise-notice",
            {
                "name": "Joint Sea 2022",
                "purpose": "Joint defence of sea lanes",
                "participants": ["China", "Russia"],
                "from": "2022-12-21T00:00:00+08:00",
                "to": "2022-12-27T23:59:59+08:00",
                "area": "29.5,123.5; 60 NM",
                "live_fire": True,
                "observers": False,
            },
            frozenset({"name", "purpose", "participants"}),
        ),
    ],
    "the uninhabited islands in the East China Sea": [
        Said(
            "airspace-object", {"object": "uas", "ours": "not_ours", "seen": "2023-02-15T10:00:00+09:00", "pos": "25.75,123.45"}
        )
    ],
    "peace and stability in the Taiwan Strait": [statement(JAPAN, "ja", "台湾海峡の平和と安定の重要性を強調する。")],
    "Japan's plan to double defence spending": [
        Said(
            "military-spending",
            {
                "year": 2023,
                "period": 5,
                "currency": "USD",
                "total": "320000000000",
                "gdp_share": "2 %",
                "change": "100 %",
                "basis_of_figures": "plan",
                "programmes": ["Longer-range missiles", "Stocks of munitions"],
            },
            frozenset({"programmes"}),
        ),
        statement(CHINA, "zh-Hans", "日方大幅增加防卫预算令人忧虑。", replies_to="1/1/9"),
        statement(JAPAN, "ja", "我が国の防衛政策は専守防衛を堅持する。", replies_to="1/1/10"),
    ],
    "China's defence spending": [
        Said(
            "military-spending",
            {
                "year": 2022,
                "currency": "CNY",
                "change": "7.1 %",
                "basis_of_figures": "budget",
                "whose": "yours",
                "comparison": "Over four times that of Japan",
            },
            frozenset({"comparison"}),
        )
    ],
    "Taiwan and the one-China principle; learning from history": [
        statement(CHINA, "zh-Hans", "日方应恪守一个中国原则，汲取历史教训。")
    ],
    "release of water from the Fukushima plant": [
        Said(
            "request-clarification",
            {"question": ["When does it begin, how much is it, and what does it hold?"]},
            frozenset({"question"}),
        ),
        Said(
            "planned-discharge",
            {
                "facility": "Fukushima Daiichi",
                "start": "2023-08-24T13:03:00+09:00",
                "end": "2023-09-11T12:15:00+09:00",
                "volume": "7788 m3",
                "nuclides": [{"name": "H-3", "activity": "140000"}],
                "dilution": "With sea water, to less than 1,500 Bq/L of H-3",
                "sampling_contact": "IAEA office at the site",
            },
            frozenset({"facility", "nuclides", "dilution", "sampling_contact"}),
        ),
    ],
    "unblocking of industrial supply chains": [
        Said(
            "supply-notice",
            {
                "goods": ["8486", "854231"],
                "measure": "control",
                "effective": "2023-07-23T00:00:00+09:00",
                "exemptions": "By licence",
            },
            frozenset({"exemptions"}),
        ),
        item("供应链“去阻塞”", "1/1/20"),
    ],
    "dealing with differences appropriately; a Cold War mentality": [
        statement(CHINA, "zh-Hans", "双方应妥善管控分歧，反对单边主义和冷战思维回潮。")
    ],
}

AGREED_AND_AFTERWARDS: dict[str, list[Said]] = {
    "the talks themselves": [
        Said(
            "talks-proposal",
            {
                "topic": "Security",
                "level": "vice_minister",
                "dates": ["2023-02-22T10:00:00+09:00", "2023-03-01/2023-03-31 en=in March; ja=3月中; zh-Hans=三月内"],
                "mode": "visit",
                "place": "Tokyo",
            },
            frozenset({"topic", "place"}),
        ),
        Said("acceptance", {"of": "1/1/1", "digest": HASH, "date": "2023-02-22T10:00:00+09:00"}),
        Said(
            "close",
            {"of": "1/1/1", "outcome": "concluded", "next": "2024-01-01/2024-06-30 en=in a year; ja=一年後; zh-Hans=一年后"},
        ),
    ],
    "to try to establish a hotline around spring": [
        Said(
            "commitment",
            {
                "terms": "Both sides will try to establish a direct communication hotline.",
                "strength": "agreed_to_try",
                "due": "2023-03-01/2023-05-31 en=around spring; ja=春頃; zh-Hans=春季前后",
                "meeting": "1/1/1",
                "translations": [{"language": "zh-Hans", "text": "双方努力建立直通电话。"}],
            },
            frozenset({"terms", "translations"}),
        ),
        Said("acceptance", {"of": "1/1/11", "digest": HASH}),
        Said(
            "commitment-report",
            {
                "of": "1/1/11",
                "digest": HASH,
                "judged": "kept",
                "at": "2023-03-31T00:00:00+09:00",
                "evidence": ["1/1/30", "1/1/31"],
            },
        ),
    ],
    "to strengthen dialogue between senior security officials": [
        Said("commitment", {"terms": "Dialogue will be strengthened.", "strength": "agreed"}, frozenset({"terms"})),
        Said(
            "arrangement",
            {
                "name": "Security dialogue",
                "level": "vice_minister",
                "every": "year",
                "first": "2024-02-22T01:00:00Z",
                "mode": "visit",
            },
            frozenset({"name"}),
        ),
    ],
    "a readout of each side": [
        Said(
            "readout",
            {
                "event": "1/1/1",
                "publication": "published",
                "own_text": "双方就东海等问题坦诚交换了意见。",
                "points": [{"text": "应恪守一个中国原则。", "about": ["1/1/17"]}, {"about": ["1/1/11"]}],
            },
            frozenset({"own_text", "points"}),
        )
    ],
    "the radar incidents of 6 December 2025": [
        Said(
            "fire-control-radar",
            {"emitter": "J-15", "target": "F-15", "start": start, "end": end, "range": distance, "explain": True},
            frozenset({"emitter", "target"}),
        )
        for start, end, distance in (
            ("2025-12-06T16:32:00+09:00", "2025-12-06T16:35:00+09:00", "50 km"),
            ("2025-12-06T18:37:00+09:00", "2025-12-06T19:08:00+09:00", "100 km"),
        )
    ],
}

SUBJECTS = {**RAISED, **AGREED_AND_AFTERWARDS}
EVERYTHING = [pytest.param(said, id=f"{subject}: {said.code}") for subject, notices in SUBJECTS.items() for said in notices]


def rows(said: Said, language: str) -> dict[str, tuple[str, str | None]]:
    form = load_catalogue().form(said.code)
    return {row.field: (row.text, row.translation) for row in form.render(form.parse(said.fields, resolve), language, None)}


def test_all_that_the_two_sides_raised_is_here() -> None:
    assert len(RAISED) == 12
    assert len(AGREED_AND_AFTERWARDS) == 5


@pytest.mark.parametrize("said", EVERYTHING)
def test_what_was_said_has_a_form_with_fields_for_it(said: Said) -> None:
    form = load_catalogue().form(said.code)
    assert form.code != "free-text"
    assert "remarks" not in said.fields
    parsed = form.parse(said.fields, resolve)
    assert form.parse(form.as_json(parsed), resolve) == parsed
    kinds = {field.name: field.kind for field in form.fields}
    in_words = {name for name in said.fields if isinstance(item_of(kinds[name]), Text | Record)}
    assert in_words == said.free
    assert said.code in {"statement", "request-clarification"} or set(said.fields) - said.free


def item_of(kind: Any) -> Any:
    return kind.item if isinstance(kind, ListOf) else kind


@pytest.mark.parametrize("language", ["ja", "zh-Hans"])
@pytest.mark.parametrize("said", EVERYTHING)
def test_what_was_said_is_read_in_the_reader_s_own_language(said: Said, language: str) -> None:
    form = load_catalogue().form(said.code)
    script = "[\u3040-\u30ff\u4e00-\u9fff]"
    assert re.search(script, load_catalogue().title(form, language).text)
    assert all(re.search(script, row.label) for row in form.render(form.parse(said.fields, resolve), language, None))
    shown = rows(said, language)
    assert set(shown) == set(said.fields)
    for field in form.fields:
        if field.name in shown and isinstance(field.kind, Choice):
            assert re.search(script, shown[field.name][0]), field.name
            assert shown[field.name][1] == "agreed"


def test_the_islands_are_shown_by_both_names_side_by_side() -> None:
    (islands,) = RAISED["the uninhabited islands in the East China Sea"]
    names = {"ja": ("尖閣諸島 (日本側)", "釣魚島"), "zh-Hans": ("钓鱼岛及其附属岛屿 (中方)", "尖阁诸岛")}
    for language, (own, other) in names.items():
        position = rows(islands, language)["pos"][0]
        assert position.index(own) < position.index(other)


def test_around_spring_is_read_in_the_words_that_were_agreed() -> None:
    hotline = SUBJECTS["to try to establish a hotline around spring"][0]
    assert rows(hotline, "ja")["due"][0].endswith("“春頃”")
    assert rows(hotline, "zh-Hans")["due"][0].endswith("“春季前后”")


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("request-clarification", "planned-discharge"),
        ("request-clarification", "exercise-notice"),
        ("request-clarification", "supply-notice"),
        ("request-clarification", "military-spending"),
        ("request-clarification", "airspace-object"),
        ("unusual-activity-query", "live-fire-closure"),
        ("unusual-activity-query", "exercise-notice"),
        ("military-spending", "military-spending"),
        ("engagement-rules", "request-clarification"),
        ("statement", "statement"),
        ("talks-proposal", "counter-proposal"),
        ("counter-proposal", "acceptance"),
        ("agenda-item", "noted"),
        ("commitment", "acceptance"),
        ("commitment", "commitment"),
        ("close", "close"),
    ],
)
def test_what_one_side_raised_may_be_answered_as_the_other_did(asked: str, answer: str) -> None:
    assert answer in load_catalogue().form(asked).answers
