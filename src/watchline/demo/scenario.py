"""What is said in the demo: the subjects of the talks of 22 February 2023 in Tokyo, as two press reports told them.

What each side raised is theirs. How it is answered, the officers, and the one exercise notice are the demo's own. People write
in their own language with English behind it, as diplomats do; forms need no translation, their words are agreed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Actor:
    """One desk of the play. language: a BCP 47 tag. zone: an IANA time zone."""

    desk: str
    language: str
    zone: str


@dataclass(frozen=True, slots=True)
class Words:
    """A form and what is filled in, by field name. precedence: 0 ROUTINE to 3 FLASH."""

    form: str
    fields: Mapping[str, Any] = field(hash=False)
    precedence: int = 0
    exercise: bool = False


FIRST = Actor("Tokyo", "ja", "Asia/Tokyo")
SECOND = Actor("Beijing", "zh-Hans", "Asia/Shanghai")

SIGHTINGS = tuple(
    Words(
        "airspace-object",
        {
            "object": "balloon",
            "seen": f"2019-01-01/2023-02-22 {ordinal_ja} / {ordinal} of at least three since 2019",
            "ours": "asking",
            "certainty": "assessed",
            "remarks": "日本上空、偵察用気球の疑い / over Japan, a suspected surveillance balloon",
        },
        precedence=1,
    )
    for ordinal_ja, ordinal in (("1回目", "first"), ("2回目", "second"), ("3回目", "third"))
)


def balloon_questions(sighting: str) -> Words:
    """The question about the balloons. sighting: how the asking desk calls the first one."""
    return Words(
        "request-clarification",
        {
            "about": sighting,
            "question": ["これらの気球は貴方のものか / Are these balloons yours?", "目的は何か / What were they for?"],
        },
        precedence=1,
    )


MISSING_CLOSURE = Words(
    "request-clarification",
    {
        "question": [
            (
                "2022年8月4日の実弾訓練のロケットが、日本が自国のものと主張する水域に落下した / "
                "Rockets of the drills of 4 August 2022 landed in waters that Japan claims as its own."
            ),
            "危険区域の通報はどこにあるか / Where is the notice of a live-fire area?",
        ]
    },
    precedence=1,
)

DATE_AND_ITS_CHANGE = ("4 August 2022", "7 August 2022")  # what a forger would make of it


def holding_reply(question: str, answer_by: str) -> Words:
    """An answer that promises the answer. question: as the answering desk calls it. answer_by: RFC 3339."""
    return Words("holding-reply", {"of": question, "answer_by": answer_by, "reason": "正在核实 / being looked into"})


ENGAGEMENT_RULES = Words(
    "engagement-rules",
    {
        "change": "戦闘機が領空内の無人航空機を撃墜できる場合を明確にする / "
        "Clarify the rules under which fighters may shoot down unmanned aircraft in one's airspace.",
        "stage": "planned",
    },
)

FIRST_STATEMENT = Words(
    "statement",
    {
        "speaker_role": "外務省高官 / deputy foreign minister",
        "text": "台湾海峡の平和と安定 / Peace and stability in the Taiwan Strait.",
        "language": "ja",
    },
)
SECOND_STATEMENT = Words(
    "statement",
    {
        "speaker_role": "外交部副部长 / vice foreign minister",
        "text": "台湾与一个中国原则；以史为鉴；妥善处理分歧 / Taiwan and the one-China principle; learning from history; "
        "dealing with differences appropriately.",
        "language": "zh-Hans",
    },
)

WATER = Words(
    "request-clarification",
    {"question": ["福岛核电站的水排入太平洋 / The release of water from the Fukushima plant into the Pacific."]},
)
WATER_DECLINED = "安全保障当局間の対話に委ねる / left to the dialogue between senior security officials"


def exercise_sighting(seen: str) -> Words:
    """The exercise that meets a cut line: a position near the islands that have two names. seen: RFC 3339."""
    return Words(
        "airspace-object",
        {
            "object": "uas",
            "seen": seen,
            "pos": "25°45.0'N 123°30.0'E",
            "ours": "asking",
            "remarks": "訓練、実在しない / exercise, there is no such aircraft",
        },
        precedence=2,
        exercise=True,
    )


PLACE_NAMES = (("尖閣", "釣魚島"), ("钓鱼岛", "尖阁"))  # as each desk reads that position: its own side's name first

SUPPLY_CHAINS = Words(
    "statement",
    {
        "speaker_role": "外交部副部长 / vice foreign minister",
        "text": "产业供应链的“畅通” / The “unblocking” of industrial supply chains.",
        "language": "zh-Hans",
    },
)

# 6 December 2025, by press reports: two times and two distances; one side tried the line, and nobody answered.
_RADAR = {
    "emitter": "戦闘機 / a fighter",
    "target": "戦闘機 / a fighter",
    "explain": True,
}
FIRST_RADAR = Words(
    "fire-control-radar",
    {**_RADAR, "start": "2025-12-06T16:32:00+09:00", "end": "2025-12-06T16:35:00+09:00", "range": 50},
    precedence=3,
)
SECOND_RADAR = Words(
    "fire-control-radar",
    {**_RADAR, "start": "2025-12-06T18:37:00+09:00", "end": "2025-12-06T19:08:00+09:00", "range": 100},
    precedence=3,
)
RADAR_AND_ITS_CHANGE = ("a fighter", "a lighter")  # one letter of what was said

FLASH_SECONDS = 2  # to acknowledge a FLASH, by the terms as they are amended; a real line has minutes

FALLBACK_CARD = {
    "telephone": [{"number": "+86 10 0000 0000", "name": "Duty officer, Beijing", "languages": ["zh-Hans", "en"]}],
    "other": [{"name": "Embassy", "how": "note by hand, day and night"}],
}
