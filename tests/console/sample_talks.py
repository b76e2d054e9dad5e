"""The talks of 22 February 2023 as the desk of Tokyo would tell them: the desk's answers, as JSON, for the console's pages.

The shapes are those of the desk's methods `talks_*`. A second round, which goes on, is there for what is still to be done.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from watchline.errors import UsageError

Json = dict[str, Any]
LINE = "beijing"
PEER = "Beijing"
TALKS, FOLLOWING, LONG = "ours:4", "theirs:60", "ours:900"
NOW = "2023-06-01T03:00:00Z"
DIGEST = "5f3c" * 16
SPRING = {
    "from": "2023-03-01",
    "to": "2023-05-31",
    "words": "around spring",
    "all_words": {"en": "around spring", "ja": "春頃", "zh-Hans": "春季前后"},
}
DAY = {"exact": "2023-02-22T01:00:00Z"}


def text_in(language: str, when: Json) -> Json:
    """A date as the desk gives it to a reader of this language."""
    return {**when, "words": when["all_words"].get(language, when["words"])} if "words" in when else when


def statement(name: str, language: str, text: str, time: str, replies_to: str | None = None) -> Json:
    return {
        "id": name,
        "side": name.partition(":")[0],
        "speaker_role": "deputy foreign minister" if name.startswith("ours") else "副部长",
        "text": text,
        "language": language,
        "time": time,
        "replies_to": replies_to,
    }


def notice(name: str, form: str, title: str, rung: str, *answers: Json, is_open: bool = False, declined: bool = False) -> Json:
    return {
        "id": name,
        "form": form,
        "title": title,
        "time": "2023-02-15T01:00:00Z",
        "side": name.partition(":")[0],
        "rung": rung,
        "open": is_open,
        "declined": declined,
        "answers": list(answers),
    }


def item(number: int, name: str, subject: str, state: str, **more: Any) -> Json:
    return {
        "id": name,
        "number": number,
        "side": name.partition(":")[0],
        "subject": subject,
        "detail": None,
        "state": state,
        "remark": None,
        "time": f"2023-02-20T{number:02}:00:00Z",
        "open": False,
        "notices": [],
        "statements": [],
        "commitments": [],
    } | more


def report(name: str, judged: str, facts: str, at: Json | None, **more: Any) -> Json:
    return {
        "id": name,
        "side": name.partition(":")[0],
        "judged": judged,
        "at": at,
        "facts": facts,
        "evidence": [],
        "files": [],
        "time": "2023-05-17T02:00:00Z",
    } | more


def version(name: str, terms: str, state: str, accepted: str | None) -> Json:
    return {
        "id": name,
        "side": name.partition(":")[0],
        "digest": DIGEST,
        "terms": terms,
        "state": state,
        "time": "2023-02-22T04:00:00Z",
        "accepted": accepted,
    }


def hotline() -> Json:
    terms = "双方同意争取在春季前后建立直通电话。"
    english = "Both sides agree to try to establish a direct communication hotline around spring."
    return {
        "id": "theirs:30",
        "text_id": "theirs:32",
        "side": "theirs",
        "terms": terms,
        "translations": {"en": english, "ja": "双方は春頃の直通回線開設に努めることで合意する。"},
        "strength": "agreed_to_try",
        "due": SPRING,
        "ends": None,
        "state": "kept",
        "due_state": "overdue",
        "certain": True,
        "digest": DIGEST,
        "proposed": "2023-02-22T04:00:00Z",
        "accepted": "2023-02-22T04:20:00Z",
        "reports": [
            report(
                "ours:70",
                "kept",
                "The hotline opened on 31 March; the first call was on 16 May.",
                {"exact": "2023-03-31T00:00:00Z"},
                evidence=["ours:1", "theirs:1"],
                files=["ab" * 32],
            ),
            report("theirs:66", "kept", "热线已开通。", {"exact": "2023-03-31T00:00:00Z"}),
        ],
        "versions": [
            version("theirs:30", "双方同意尽快建立直通电话。", "replaced", "2023-02-22T04:05:00Z"),
            version("theirs:32", terms, "standing", "2023-02-22T04:20:00Z"),
        ],
        "round": TALKS,
        "item": "ours:15",
        "waits_for": [],
    }


def dialogue() -> Json:
    """A commitment of which the two sides say different things, without a date."""
    return {
        "id": "ours:31",
        "text_id": "ours:31",
        "side": "ours",
        "terms": "Dialogue between senior security officials is strengthened.",
        "translations": {},
        "strength": "agreed",
        "due": None,
        "ends": None,
        "state": "disputed",
        "due_state": "none",
        "certain": True,
        "digest": DIGEST,
        "proposed": "2023-02-22T04:10:00Z",
        "accepted": "2023-02-22T04:30:00Z",
        "reports": [
            report("ours:72", "not_kept", "No meeting was held.", None),
            report("theirs:68", "kept", "对话保持。", None),
        ],
        "versions": [version("ours:31", "Dialogue between senior security officials is strengthened.", "standing", NOW)],
        "round": TALKS,
        "item": None,
        "waits_for": [],
    }


def offered() -> Json:
    """A commitment that waits for us."""
    return dialogue() | {
        "id": "theirs:64",
        "text_id": "theirs:64",
        "side": "theirs",
        "terms": "每年举行一次。",
        "state": "proposed",
        "reports": [],
        "versions": [version("theirs:64", "每年举行一次。", "proposed", None)],
        "accepted": None,
        "certain": False,
        "round": FOLLOWING,
        "waits_for": ["ours"],
        "strength": "intended",
    }


def items() -> list[Json]:
    answer = {
        "id": "theirs:20",
        "form": "statement",
        "title": "Statement",
        "side": "theirs",
        "time": "2023-02-16T05:00:00Z",
        "text": "该气球为民用。",
    }
    return [
        item(
            1,
            "ours:10",
            "Balloons over Japan since 2019",
            "agreed",
            open=True,
            detail="At least three sightings.",
            notices=[
                notice("ours:1", "airspace-object", "Object in airspace", "answered", answer),
                notice("ours:2", "airspace-object", "Object in airspace", "acknowledged", is_open=True),
            ],
            statements=[
                statement("ours:20", "ja", "日本上空の気球について説明を求める。", "2023-02-22T01:10:00Z"),
                statement("theirs:21", "zh-Hans", "这是民用飞艇。", "2023-02-22T01:20:00Z", "ours:20"),
            ],
        ),
        item(
            2,
            "ours:11",
            "Rockets of 4 August 2022",
            "noted",
            open=True,
            remark="己方注意到。",
            notices=[
                notice("ours:3", "live-fire-closure", "Live-fire closure", "declined", declined=True),
            ],
        ),
        item(
            3,
            "ours:12",
            "Peace and stability in the Taiwan Strait",
            "noted",
            statements=[
                statement("ours:22", "en", "Peace in the Taiwan Strait matters to all.", "2023-02-22T01:30:00Z"),
                statement("theirs:22", "zh-Hans", "一个中国原则。", "2023-02-22T01:35:00Z"),
            ],
        ),
        item(4, "theirs:13", "福岛核污染水排海", "agreed", open=True),
        item(5, "theirs:14", "产业链供应链畅通", "agreed"),
        item(6, "ours:15", "Direct communication hotline", "agreed", commitments=["theirs:30"]),
        item(7, "ours:16", "Senkaku Islands", "withdrawn"),
    ]


def told(name: str, kind: str, title: str, text: str, time: str, why: str | None = None) -> Json:
    side = name.partition(":")[0]
    return {
        "id": name,
        "side": side,
        "time": time,
        "kind": kind,
        "title": title,
        "text": text,
        "counts": why is None,
        "why": why,
    }


def readout(name: str, title: str, own_text: str, *points: tuple[str | None, str]) -> Json:
    return {
        "id": name,
        "side": name.partition(":")[0],
        "title": title,
        "time": "2023-02-22T09:00:00Z",
        "publication": "published",
        "own_text": own_text,
        "agreed_text": None,
        "differences": None,
        "points": [{"text": text, "about": [about]} for text, about in points],
    }


def compared(about: str, kind: str, title: str, verdict: str, ours: str | None, theirs: str | None) -> Json:
    return {"about": about, "kind": kind, "title": title, "verdict": verdict, "ours": ours, "theirs": theirs}


def talks() -> Json:
    """The round of 22 February 2023, concluded."""
    return {
        "id": TALKS,
        "topic": "Security dialogue",
        "level": "vice_minister",
        "mode": "visit",
        "place": "Tokyo",
        "exercise": False,
        "phase": "concluded",
        "since": "2023-02-22T08:00:00Z",
        "waits_for": [],
        "resumes": None,
        "next": None,
        "arrangement": {
            "agreed": "theirs:6",
            "certain": True,
            "date": DAY,
            "level": "vice_minister",
            "mode": "visit",
            "place": "Tokyo",
            "on_table": [],
        },
        "items": items(),
        "statements": [statement("theirs:25", "zh-Hans", "妥善处理分歧。", "2023-02-22T02:00:00Z")],
        "commitments": [hotline(), dialogue()],
        "readouts": [
            readout(
                "ours:50",
                "Security dialogue held",
                "The deputy minister raised the balloons.",
                ("Peace in the Taiwan Strait was stressed.", "ours:12"),
                (None, "theirs:30"),
                ("Balloons were raised.", "ours:10"),
            ),
            readout(
                "theirs:52",
                "安全对话举行",
                "双方就历史问题交换意见。",
                (None, "theirs:30"),
                ("中方阐明立场。", "ours:12"),
                ("排海问题。", "theirs:13"),
            ),
        ],
        "comparison": [
            compared("theirs:30", "commitment", "Direct communication hotline", "both", None, None),
            compared("ours:10", "item", "Balloons over Japan since 2019", "only_ours", "Balloons were raised.", None),
            compared("theirs:13", "item", "福岛核污染水排海", "only_theirs", None, "排海问题。"),
            compared(
                "ours:12",
                "item",
                "Peace and stability in the Taiwan Strait",
                "differently",
                "Peace in the Taiwan Strait was stressed.",
                "中方阐明立场。",
            ),
            compared("ours:31", "commitment", "Dialogue between senior security officials", "neither", None, None),
        ],
        "closing": {
            "outcome": "concluded",
            "agreed": "ours:45",
            "by": ["ours", "theirs"],
            "next": None,
            "reason": "All items were dealt with.",
        },
        "timeline": [
            told("ours:4", "talks-proposal", "Talks proposal", "Security dialogue", "2023-02-01T00:00:00Z"),
            told("theirs:6", "counter-proposal", "Counter-proposal", "在东京", "2023-02-03T00:00:00Z"),
            told("ours:10", "agenda-item", "Agenda item", "Balloons over Japan since 2019", "2023-02-20T01:00:00Z"),
            told("theirs:44", "agenda-item", "Agenda item", "太晚", "2023-02-22T08:30:00Z", "after_the_close"),
            told("ours:45", "close", "Close", "concluded", "2023-02-22T08:00:00Z"),
        ],
        "possible": ["commitment-report", "readout"],
    }


def following() -> Json:
    """A round that Beijing proposed, and that goes on."""
    return talks() | {
        "id": FOLLOWING,
        "topic": "安全对话后续",
        "phase": "proposed",
        "waits_for": ["ours"],
        "resumes": TALKS,
        "exercise": True,
        "arrangement": {
            "agreed": None,
            "certain": False,
            "date": None,
            "level": "director",
            "mode": "video",
            "place": None,
            "on_table": [
                {
                    "id": FOLLOWING,
                    "side": "theirs",
                    "dates": [SPRING, DAY],
                    "level": "director",
                    "mode": "video",
                    "place": None,
                    "topic": "安全对话后续",
                    "reason": None,
                    "time": "2023-05-30T00:00:00Z",
                }
            ],
        },
        "items": [item(1, "theirs:62", "气球", "raised", open=True), item(2, "ours:63", "Islands", "raised", open=True)],
        "statements": [],
        "commitments": [offered()],
        "readouts": [],
        "comparison": [],
        "closing": None,
        "timeline": [told(FOLLOWING, "talks-proposal", "Talks proposal", "安全对话后续", "2023-05-30T00:00:00Z")],
        "possible": ["acceptance", "counter-proposal", "decline", "noted", "agenda-item", "correction", "a kind of next year"],
    }


def long_talks() -> Json:
    """A round of 50 items and 500 statements."""
    many = [
        item(
            number,
            f"ours:{1_000 + number}",
            f"Item {number}",
            "agreed",
            statements=[
                statement(
                    f"{('ours', 'theirs')[each % 2]}:{2_000 + number * 10 + each}",
                    ("ja", "zh-Hans")[each % 2],
                    f"発言 {number}.{each} について、" * 8,
                    f"2023-02-22T01:{number:02}:{each:02}Z",
                )
                for each in range(10)
            ],
            notices=[notice(f"ours:{number}", "airspace-object", "Object in airspace", "answered")],
        )
        for number in range(1, 51)
    ]
    said = [
        told(each["id"], "statement", "Statement", each["text"], each["time"]) for item in many for each in item["statements"]
    ]
    return talks() | {"id": LONG, "items": many, "timeline": said}


def brief(one: Json) -> Json:
    """A round as the list of rounds has it."""
    kept = {name: one[name] for name in ("id", "topic", "phase", "since", "waits_for", "exercise")}
    counts = {name: len(one[name]) for name in ("items", "commitments")}
    return {**kept, **counts, "statements": sum(len(each["statements"]) for each in one["items"]) + len(one["statements"])}


def rounds() -> list[Json]:
    return [talks(), following()]


class SampleDesk:
    """A desk of few words: `ask` answers as `Api.call` does. Tests change `rounds` before the page is asked for."""

    def __init__(self, language: str = "en", zone: str = "Asia/Tokyo") -> None:
        self.language = language
        self.zone = zone
        self.rounds = rounds()
        self.asked: list[tuple[str, Json]] = []

    async def ask(self, method: str, params: Json) -> Json:
        self.asked.append((method, params))
        if method not in self._answers:
            raise UsageError(f"there is no method {method!r}", hint="use the commands of the same version as the node")
        if params.get("line") not in (None, LINE):
            raise UsageError(f"there is no line {params['line']!r}", hint="`watchline lines` lists them")
        answer: Json = json.loads(json.dumps(self._answers[method](self, **params), ensure_ascii=False), object_hook=self._read)
        return answer

    def _read(self, value: Json) -> Json:
        return text_in(self.language, value) if "all_words" in value else value

    def _desk(self) -> Json:
        return {"desk": "Tokyo", "language": self.language, "zone": self.zone}

    def _lines(self) -> Json:
        return {"lines": [{"name": LINE, "peer": PEER, "state": "up"}]}

    def _list(self, line: str) -> Json:
        return {"line": line, "peer": PEER, "rounds": [brief(each) for each in self.rounds]}

    def _show(self, line: str, round: str) -> Json:  # noqa: A002 - as the desk's method has it
        for each in [*self.rounds, long_talks()]:
            if each["id"] == round:
                return {"line": line, "peer": PEER, "now": NOW, "round": each}
        raise UsageError(f"there is no round {round!r}", hint="`watchline talks list` lists them")

    def _commitments(self, line: str) -> Json:
        return {"commitments": list(self._of_rounds("commitments"))}

    def _open(self, line: str) -> Json:
        found = [
            each | {"round": one["id"], "age_days": 100 - each["number"], "remains": ["notice_open"]}
            for one in self.rounds
            for each in one["items"]
            if each["open"]
        ]
        return {"items": found}

    def _due(self, line: str | None) -> Json:
        reminder = {
            "line": LINE,
            "id": "theirs:30",
            "kind": "overdue",
            "at": "2023-06-01T12:00:00Z",
            "terms": hotline()["terms"],
        }
        return {"reminders": [reminder, reminder | {"id": "theirs:64", "kind": "begins", "terms": "每年举行一次。"}]}

    def _arrangements(self, line: str) -> Json:
        yearly = {
            "id": "ours:80",
            "text_id": "ours:80",
            "name": "Security dialogue",
            "level": "director",
            "every": "year",
            "first": "2024-02-22T01:00:00Z",
            "duration_minutes": 120,
            "mode": "visit",
            "place": "Beijing",
            "until": None,
            "state": "standing",
            "side": "ours",
            "next": ["2024-02-22T01:00:00Z", "2025-02-22T01:00:00Z"],
            "review": True,
        }
        return {"arrangements": [yearly]}

    def _of_rounds(self, name: str) -> Iterable[Json]:
        return (each for one in self.rounds for each in one[name])

    def _document_get(self, kind: str, key: str) -> Json:
        return {"value": None}

    def _document_put(self, **_: Any) -> Json:
        return {}

    def _screen(self) -> Json:
        return {"language": self.language, "zone": self.zone, "now": 1_685_588_400, "lines": []}

    _answers: ClassVar[dict[str, Callable[..., Json]]] = {
        "desk": _desk,
        "lines": _lines,
        "screen": _screen,
        "document_get": _document_get,
        "document_put": _document_put,
        "talks_list": _list,
        "talks_show": _show,
        "talks_commitments": _commitments,
        "talks_open": _open,
        "talks_due": _due,
        "talks_arrangements": _arrangements,
    }
