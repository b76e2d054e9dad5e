"""What is said in the round of talks of 22 February 2023: the subjects, the commitments and what each readout stressed.

These are from press reports. The hour and the other dates offered, which items are accepted and which only noted, the words of
the statements where the reports give none, the times, places and figures of the notices where they say so, and what the second
readout says of the two commitments are the demo's own.
"""

from __future__ import annotations

from dataclasses import dataclass

from watchline.demo.scenario import Words

DATE = "2023-02-22T10:00:00+09:00"
PROPOSAL = Words(
    "talks-proposal",
    {
        "topic": "安全保障に関する協議 / Security talks",
        "level": "vice_minister",
        "dates": [DATE, "2023-02-27/2023-03-03 en=the week after; ja=その翌週; zh-Hans=下一周"],
        "mode": "visit",
        "place": "東京 / Tokyo",
    },
)

_NEAR_JAPAN = "35.0,132.0; 60 NM"
_OWN_TIMES = "时间和区域为演示虚构 / times and area are the demo's own"
DRILLS_ASKED = Words(
    "unusual-activity-query",
    {
        "activity": "日本周辺におけるロシアとの共同軍事演習 / Joint military drills with Russia near Japan.",
        "area": _NEAR_JAPAN,
        "seen": "2022-01-01/2023-02-22 en=before these talks; ja=協議の前; zh-Hans=会谈之前",
        "questions": ["今後の予定はあるか / Are more of them planned?"],
    },
)
DRILLS_TOLD = Words(
    "exercise-notice",
    {
        "name": "与俄罗斯的联合军演 / Joint military drills with Russia",
        "purpose": _OWN_TIMES,
        "participants": ["中国 / China", "俄罗斯 / Russia"],
        "from": "2023-07-01T00:00:00+08:00",
        "to": "2023-07-07T23:59:59+08:00",
        "area": _NEAR_JAPAN,
        "live_fire": False,
    },
)
THEIR_SPENDING = Words(
    "military-spending",
    {
        "year": 2022,
        "currency": "CNY",
        "change": "7.1 %",
        "whose": "yours",
        "comparison": "日本の4倍を超える / over four times that of Japan",
    },
)
OWN_SPENDING = Words(
    "military-spending",
    {
        "year": 2023,
        "period": 5,
        "currency": "USD",
        "total": "320000000000",
        "gdp_share": "2 %",
        "change": "100 %",
        "basis_of_figures": "plan",
        "programmes": ["長射程ミサイル / longer-range missiles", "弾薬の備蓄 / stocks of munitions"],
    },
)
DISCHARGE = Words(
    "planned-discharge",
    {
        "facility": "福島の原子力発電所 / the Fukushima plant",
        "start": "2023-06-01T09:00:00+09:00",
        "end": "2023-06-30T18:00:00+09:00",
        "volume": 1000,
        "dilution": "日時と数値はデモのもの / times and figures are the demo's own",
    },
)
SUPPLY = Words(
    "supply-notice",
    {
        "goods": ["8486"],
        "measure": "control",
        "effective": "2023-04-01T00:00:00+08:00",
        "exemptions": "货物和日期为演示虚构 / goods and date are the demo's own",
    },
)


@dataclass(frozen=True, slots=True)
class Item:
    """A subject that one side puts on the agenda. notices: what it carries, by the words for what was said.

    agreed: whether the other side accepts it; else it is only noted.
    """

    key: str
    subject: str
    notices: tuple[str, ...] = ()
    agreed: bool = False


FIRST_ITEMS = (
    Item("balloons", "日本上空の気球、無人機への武器使用 / Balloons over Japan; unmanned aircraft", ("balloons", "rules")),
    Item("rockets", "2022年8月の演習のロケット / Rockets of the drills of August 2022", ("closure",)),
    Item("russia", "ロシアとの共同演習 / Joint drills with Russia", ("drills asked", "drills told"), agreed=True),
    Item("islands", "尖閣諸島（釣魚島） / Senkaku in Japan, Diaoyu in China"),
    Item("strait", "台湾海峡 / The Taiwan Strait", ("strait", "principle")),
    Item("their spending", "中国の国防費 / China's defence spending", ("their spending",)),
)
SECOND_ITEMS = (
    Item("spending", "日本防卫费倍增计划 / Japan's plan to double defence spending", agreed=True),
    Item("history", "以史为鉴 / Learning from history", ("principle",)),
    Item("water", "福岛核电站的水 / Water of the Fukushima plant", ("water", "discharge"), agreed=True),
    Item("supply", "产业供应链的“畅通” / “Unblocking” of supply chains", ("supply",), agreed=True),
)
NOTED = "立場は異なる / positions differ", "立场不同 / positions differ"  # as Tokyo and as Beijing would remark it

_FIRST, _SECOND = "外務省高官 / deputy foreign minister", "外交部副部长 / vice foreign minister"


def statement(text: str, language: str, under: str, replies_to: str | None = None) -> Words:
    """A statement under an item or in a round, by the side that speaks this language. References as its author calls them."""
    fields = {"speaker_role": _FIRST if language == "ja" else _SECOND, "text": text, "language": language, "under": under}
    return Words("statement", fields if replies_to is None else {**fields, "replies_to": replies_to})


TROUBLED = "日本的计划令人不安 / Japan's plan is troubling."
TROUBLED_ANSWERED = "5年間の計画である。数字は通報のとおり / It is a plan for five years. Its figures are in the notice."
DIFFERENCES = (
    "应妥善处理分歧；单边主义和冷战思维回潮 / Differences are to be dealt with appropriately; unilateralism and a Cold War "
    "mentality are returning."
)

_HOTLINE_JA = "直通のホットラインの設置に努める / To try to establish a direct communication hotline."
_HOTLINE = {"terms": _HOTLINE_JA, "strength": "agreed_to_try"}
_SPRING = "2023-03-01/2023-05-31"
SPRING_WORDS = "春頃", "春季前后"  # as each desk reads it
HOTLINE = Words("commitment", {**_HOTLINE, "due": f"{_SPRING} ja={SPRING_WORDS[0]}"})
HOTLINE_COUNTERED = Words(
    "commitment",
    {
        **_HOTLINE,
        "due": f"{_SPRING} en=around spring; ja={SPRING_WORDS[0]}; zh-Hans={SPRING_WORDS[1]}",
        "translations": [{"language": "zh-Hans", "text": "努力建立直通热线。"}],
    },
)
DIALOGUE = Words(
    "commitment",
    {
        "terms": "加强高级安全官员之间的对话 / To strengthen dialogue between senior security officials.",
        "strength": "agreed",
    },
)


@dataclass(frozen=True, slots=True)
class Readout:
    """What one side publishes. points: about what was said, by the words for it; in its own words, or None as it stands."""

    text: str
    points: tuple[tuple[str, str | None], ...]


FIRST_READOUT = Readout(
    "台湾海峡、気球、ロシアとの関係、尖閣諸島を取り上げた / "
    "The Taiwan Strait, balloons, ties with Russia and the islands were raised.",
    (
        ("strait", "台湾海峡の平和と安定 / Peace and stability in the Taiwan Strait"),
        ("balloons", None),
        ("russia", None),
        ("islands", None),
        ("hotline", None),
        ("dialogue", None),
    ),
)
SECOND_READOUT = Readout(
    "两国关系的稳定轨道 / The steady track of relations.",
    (
        ("strait", "一个中国原则 / The one-China principle"),
        ("history", None),
        ("water", None),
        ("supply", None),
        ("dialogue", None),
    ),
)
# Of each thing that was agreed or mentioned, what Tokyo's comparison says.
COMPARED = {
    "strait": "differently",
    "balloons": "only_ours",
    "russia": "only_ours",
    "islands": "only_ours",
    "spending": "neither",
    "history": "only_theirs",
    "water": "only_theirs",
    "supply": "only_theirs",
    "hotline": "only_ours",
    "dialogue": "both",
}

KEPT = {"judged": "kept", "at": "2023-03-31/2023-03-31 en=31 March; ja=3月31日; zh-Hans=3月31日"}
KEPT_FACTS = "開設。5月16日に初の通話 / It is open; the first call was on 16 May.", "已开通 / It is open."
