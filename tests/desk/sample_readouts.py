"""A readout that Tokyo signed on a real line: the notice, the evidence that shows it, and how the desks tell of it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from tests.desk.test_exporting import paired, row_of
from tests.line_pair import LinePair
from watchline.core.encoding import Value
from watchline.core.entries import Notice, Precedence
from watchline.desk.exporting import export_evidence

Json = dict[str, Any]
OWN_TEXT = "外務審議官は、台湾海峡の平和と安定の重要性を強調した。\n\n次回の協議を行うことで一致した。"
FIELDS: dict[int, Value] = {
    1: [1, 1, 0, 1],
    2: "日中安保対話",
    3: OWN_TEXT,
    4: [["気球について抗議した。", [[1, 1, 1, 1]]], [None, [[1, 1, 3]]], [None, [[1, 1, 4, 1], [1, 1, 40]]]],
    5: "春頃にホットラインを開設すべく努める。",
    6: "双方は尖閣諸島について一致しなかった。",
    7: "published",
}
ABOUT = [["ours:2"], ["theirs:4"], ["ours:5", "theirs:41"]]


def evidence(fields: dict[int, Value], *, released: bool = True, exercise: bool = False) -> bytes:
    """The file that Tokyo exports, once Beijing has the readout."""
    with tempfile.TemporaryDirectory() as folder:
        pair = LinePair(Path(folder), line=paired()[0].line)
        try:
            made = pair.a.notice(Notice("readout", 1, Precedence.ROUTINE, exercise, "ja", fields), released=released)
            pair.settle(3)
            return export_evidence(pair.a.journal, row_of(pair.a), pair.a.setup, [(made.log, made.index)])[0]
        finally:
            pair.close()


def readout(fields: dict[int, Value], about: list[list[str]] | None = None) -> Json:
    """The same as `talks_show` has it."""
    points = fields.get(4) or []
    return {
        "id": "ours:1",
        "side": "ours",
        "title": fields.get(2),
        "time": "2023-02-22T09:00:00Z",
        "publication": fields[7],
        "own_text": fields.get(3),
        "agreed_text": fields.get(5),
        "differences": fields.get(6),
        "points": [
            {"text": each[0], "about": ids} for each, ids in zip(points, ABOUT if about is None else about, strict=True)
        ],
    }


def talks(*readouts: Json) -> Json:
    """The round as `talks_show` has it, as far as a readout needs it."""
    return {
        "topic": "Security talks",
        "level": "vice_minister",
        "mode": "visit",
        "place": "Tokyo",
        "exercise": False,
        "arrangement": {
            "date": {"from": "2023-02-22", "to": "2023-02-22", "words": "22 February", "all_words": {"": "22 February"}},
            "level": "vice_minister",
            "mode": "visit",
            "place": "Iikura House",
        },
        "items": [
            {"id": "ours:2", "subject": "Balloons", "statements": []},
            {"id": "theirs:4", "subject": "Unblocking of supply chains", "statements": []},
        ],
        "statements": [],
        "commitments": [
            {
                "id": "ours:5",
                "terms": "To try to open a hotline",
                "versions": [{"id": "ours:5", "terms": "To try to open a hotline"}],
            }
        ],
        "readouts": list(readouts),
    }
