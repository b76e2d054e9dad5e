"""Values of every kind, and one filled-in assignment per form, for the tests beside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from watchline.catalogue import Form
from watchline.catalogue.kinds import (
    Area,
    Boolean,
    Choice,
    Code,
    Decimal,
    Hash,
    Integer,
    Kind,
    Language,
    ListOf,
    Point,
    Reference,
    Text,
)
from watchline.catalogue.moments import Time, When
from watchline.catalogue.positions import LATITUDE_MAX, LONGITUDE_MAX, clockwise_from_north_west, polygon_fault
from watchline.catalogue.records import Record, RecordList
from watchline.catalogue.texts import is_clean
from watchline.catalogue.times import DAYS_MAX, SECONDS_MAX


def resolve(text: str) -> list[int]:
    return [int(part) for part in text.split("/")]


def name_reference(value: Sequence[int]) -> str:
    return "/".join(map(str, value))


positions = st.tuples(st.integers(-LATITUDE_MAX, LATITUDE_MAX), st.integers(-LONGITUDE_MAX + 1, LONGITUDE_MAX))
texts = st.text(min_size=1, max_size=60).map(str.strip).filter(lambda text: bool(text) and is_clean(text, lines=False))
long_texts = st.lists(texts, min_size=1, max_size=3).map("\n".join)
polygons = (
    st.lists(positions, min_size=3, max_size=6)
    .filter(lambda vertices: polygon_fault(vertices) is None)
    .map(lambda vertices: [list(vertex) for vertex in clockwise_from_north_west(vertices)])
)
circles = st.tuples(positions.map(list), st.integers(1, 20_000)).map(list)
languages = st.sampled_from(["en", "ja", "zh-Hans", "zh-Hant-TW", "en-GB", "es-419", "de-CH-1996", "sl-rozaj-biske"])
words = texts | st.dictionaries(languages, texts, min_size=1, max_size=4)
windows = st.tuples(st.integers(0, DAYS_MAX), st.integers(0, DAYS_MAX), words).map(lambda w: [min(w[:2]), max(w[:2]), w[2]])


def canonical_decimal(mantissa: int, exponent: int) -> list[int]:
    while mantissa and mantissa % 10 == 0:
        mantissa, exponent = mantissa // 10, exponent + 1
    return [mantissa, exponent if mantissa else 0]


def values(kind: Kind) -> st.SearchStrategy[Any]:
    """Wire values of a kind."""
    if isinstance(kind, Text):
        return long_texts if kind.at_most > 300 else texts
    if isinstance(kind, Integer):
        return st.integers(kind.at_least, kind.at_most)
    if isinstance(kind, Choice):
        return st.sampled_from(list(kind.values))
    if isinstance(kind, Code):
        return st.from_regex(kind.pattern, fullmatch=True)
    if isinstance(kind, Record):
        return st.tuples(*[values(part.kind) if part.required else st.none() | values(part.kind) for part in kind.parts]).map(
            list
        )
    if isinstance(kind, RecordList) and kind.unique is not None:
        place = [part.name for part in kind.item.parts].index(kind.unique)
        return st.lists(values(kind.item), min_size=1, max_size=4, unique_by=lambda record: record[place])
    if isinstance(kind, ListOf):
        return st.lists(values(kind.item), min_size=1, max_size=4)
    return {
        Decimal: st.builds(canonical_decimal, st.integers(-(10**12), 10**12), st.integers(-12, 0)),
        Boolean: st.booleans(),
        Time: st.integers(0, SECONDS_MAX),
        When: st.integers(0, SECONDS_MAX) | windows,
        Point: positions.map(list),
        Area: polygons | circles,
        Reference: st.lists(st.integers(0, 2**53 - 1), min_size=3, max_size=3).flatmap(lambda r: st.sampled_from([r, [*r, 1]])),
        Hash: st.binary(min_size=32, max_size=32),
        Language: languages,
    }[type(kind)]


def first_day(value: Any) -> Any:
    """What puts values of one type in an order: of a window its first day, in seconds."""
    return value[0] * 86_400 if isinstance(value, list) else value


@st.composite
def filled(draw: st.DrawFn, form: Form) -> dict[int, Any]:
    """Fields of a form: all required ones and some of the others."""
    fields: dict[int, Any] = {}
    for field in form.fields:
        if field.required or draw(st.booleans()):
            fields[field.number] = draw(values(field.kind))
    by_name = {field.name: field for field in form.fields}
    for field in form.fields:
        first = by_name[field.not_before].number if field.not_before else None
        if first in fields and field.number in fields:
            fields[first], fields[field.number] = sorted((fields[first], fields[field.number]), key=first_day)
    return fields


HASH = "00112233445566778899aabbccddeeff" * 2
TYPED: dict[str, dict[str, str]] = {
    "airspace-object": {
        "object": "balloon",
        "seen": "2023-02-15T10:00:00+09:00",
        "pos": "35.6,139.7",
        "alt": "18000 m",
        "track": "90 deg",
        "speed": "10 kt",
        "ours": "asking",
        "intent": "watch",
        "earlier": '["1/1/3", "1/1/4/1"]',
        "certainty": "located",
    },
    "live-fire-closure": {
        "activity": "missile",
        "area": "26°00.0'N 122°00.0'E; 26-00.0N,123-00.0E; 25.0,123.0; 25.0,122.0",
        "low": "FL 0",
        "high": "FL999",
        "from": "2022-08-04T12:00:00+08:00",
        "to": "2022-08-07T12:00:00+08:00",
        "notice_no": "A1/22",
    },
    "engagement-rules": {
        "change": "Weapons may be used against unmanned balloons that endanger air traffic.",
        "stage": "planned",
        "effective": "2023-03-01/2023-05-31 around spring",
        "area": "35.0,139.0; 5.5 NM",
        "until": '{"from": "2024-01-01", "to": "2024-12-31", "words": "in the year after"}',
        "reason": "Three sightings since 2019.",
    },
    "fire-control-radar": {
        "emitter": "J-15",
        "target": "F-15",
        "start": "2025-12-06T16:32:00+09:00",
        "end": "2025-12-06T16:35:00+09:00",
        "range": "50 km",
        "episodes": "2",
        "mode": "unknown",
        "data_held": "yes",
        "explain": "yes",
    },
    "request-clarification": {"about": "1/1/7", "question": '["What was it?", "Whose was it?"]'},
    "statement": {
        "speaker_role": "Vice-Minister",
        "text": "台湾海峡の平和と安定",
        "language": "JA",
        "under": "1/1/7",
        "replies_to": "1/1/8",
    },
    "acknowledgement": {"of": "1/1/7", "digest": HASH, "level": "read", "by_role": "duty officer", "paraphrase": "a balloon"},
    "test": {"slot": "2023-03-31T00:00:00Z", "sequence": "1", "body": "The quick brown fox", "route": "direct"},
    "false-alarm": {
        "what": "A missile left its launcher during maintenance.",
        "at": "2022-03-09T18:43:00+05:30",
        "launched": "true",
        "where": "30.0,72.0; 20 NM",
        "danger_continues": "no",
        "contained": "unknown",
        "inquiry": "yes",
    },
    "holding-reply": {"of": "1/1/7", "answer_by": "2023-02-15T12:00:00Z", "reason": "being looked into"},
    "decline": {"of": "1/1/7", "reason": "not for this line"},
    "line-status": {
        "state": "maintenance",
        "from": "2023-03-31T00:00:00Z",
        "until": "2023-03-31T02:00:00Z",
        "reason": "The cable is moved.",
        "alternate": "the telephone of the duty desk",
    },
    "drill": {"slot": "2023-03-31T00:00:00Z", "body": "Exercise: please acknowledge."},
    "escalation-report": {"of": "1/1/7", "step": "webhook", "done": "true", "at": "2023-03-31T00:03:00Z", "percent": "30"},
    "free-text": {"text": "Good morning.", "language": "en", "subject": "greeting"},
    "talks-proposal": {
        "topic": "Security dialogue",
        "level": "vice_minister",
        "dates": '["2023-02-22T10:00:00+09:00", "2023-03-01/2023-05-31 en=around spring; ja=春頃; zh-Hans=春季前后"]',
        "mode": "visit",
        "place": "Tokyo",
        "resumes": "1/1/2/1",
        "arrangement": "1/1/3",
    },
    "counter-proposal": {
        "of": "1/1/7",
        "dates": '["2023-02-22T14:00:00+09:00"]',
        "mode": "video",
        "place": "Beijing",
        "level": "director",
        "topic": "Security dialogue and supply chains",
        "reason": "Another visit falls on that day.",
    },
    "acceptance": {
        "of": "1/1/7",
        "digest": HASH,
        "date": "2023-02-22T10:00:00+09:00",
        "place": "Tokyo",
        "remark": "We look forward to it.",
    },
    "noted": {"of": "1/1/7", "remark": "The position is known."},
    "agenda-item": {
        "meeting": "1/1/2/1",
        "subject": "Balloons",
        "detail": "Three sightings since 2019.",
        "notices": '["1/1/3", "1/1/4/1"]',
    },
    "commitment": {
        "terms": "To establish a direct communication hotline around spring.",
        "strength": "agreed_to_try",
        "due": '{"from": "2023-03-01", "to": "2023-05-31", "words": {"en": "around spring", "ja": "春頃"}}',
        "ends": "2033-03-31T00:00:00Z",
        "meeting": "1/1/2/1",
        "item": "1/1/5",
        "replaces": "1/1/4",
        "translations": (
            '[{"language": "ja", "text": "春頃の開設に努める。"}, {"language": "ZH-hans", "text": "努力于春季前后开通。"}]'
        ),
    },
    "commitment-report": {
        "of": "1/1/7",
        "digest": HASH,
        "judged": "kept",
        "at": "2023-03-31T00:00:00Z",
        "facts": "The line was opened.",
        "evidence": '["1/1/9"]',
        "files": f'["{HASH}"]',
    },
    "arrangement": {
        "name": "Dialogue between senior security officials",
        "level": "vice_minister",
        "every": "half_year",
        "first": "2023-08-31T00:00:00Z",
        "duration": "120 min",
        "mode": "video",
        "place": "Tokyo and Beijing",
        "until": "2028-08-31T00:00:00Z",
        "meeting": "1/1/2/1",
        "replaces": "1/1/3",
        "review": "yes",
    },
    "readout": {
        "event": "1/1/2/1",
        "title": "Security dialogue",
        "own_text": "Both sides met in Tokyo.\nThey agreed to meet again.",
        "points": '[{"text": "The hotline was agreed.", "about": ["1/1/7"]}, {"about": ["1/1/5", "1/1/6/1"]}]',
        "agreed_text": "Both sides agreed to strengthen dialogue.",
        "differences": "On the Taiwan Strait.",
        "publication": "published",
    },
    "close": {"of": "1/1/2/1", "outcome": "adjourned", "next": "2023-09-01/2023-11-30 in autumn", "reason": "Time is over."},
    "correction": {"of": "1/1/7/1", "reason": "A wrong position.", "new": "1/1/8/1"},
    "exercise-notice": {
        "name": "Joint Sea",
        "purpose": "Navigation in formation",
        "participants": '["China", "Russia"]',
        "from": "2022-12-21T00:00:00Z",
        "to": "2022-12-27T00:00:00Z",
        "area": "29.0,123.0; 30 NM",
        "troops": "3000",
        "live_fire": "yes",
        "observers": "no",
    },
    "unusual-activity-query": {
        "activity": "Five missiles fell into the sea.",
        "area": "24.0,123.5; 20 NM",
        "seen": "2022-08-04T15:00:00+09:00",
        "questions": '["Which area was closed?", "Will there be more?"]',
    },
    "planned-discharge": {
        "facility": "Fukushima Daiichi",
        "start": "2023-08-24T13:00:00+09:00",
        "end": "2023-09-11T12:00:00+09:00",
        "volume": "7788 m3",
        "nuclides": '[{"name": "H-3", "activity": "140000 Bq/L"}, {"name": "C-14", "activity": "14"}]',
        "dilution": "With sea water, to less than 1,500 Bq/L of H-3.",
        "sampling_contact": "IAEA office at the site",
    },
    "supply-notice": {
        "goods": '["8542", "2805300000"]',
        "measure": "control",
        "effective": "2023-08-01T00:00:00+08:00",
        "until": "2024-08-01T00:00:00+08:00",
        "volume": "All exports",
        "exemptions": "With a licence.",
    },
    "military-spending": {
        "year": "2023",
        "currency": "USD",
        "total": "320000000000",
        "gdp_share": "2 %",
        "change": "100 %",
        "period": "5 years",
        "comparison": "Twice that of the five years before.",
        "personnel": "1.5",
        "operations": "2.5",
        "procurement": "3.5",
        "research": "0.5",
        "basis_of_figures": "plan",
        "whose": "ours",
        "programmes": '["Longer-range missiles", "Stocks of munitions"]',
    },
}
