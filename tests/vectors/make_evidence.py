"""Write the files of evidence beside this one: `PYTHONPATH=src:. python tests/vectors/make_evidence.py`.

ML-DSA signatures and sealed secrets draw randomness of their own, so each run writes other files; whoever reads them verifies.
`index.json` says what must come of each: whether it is verified and complete, or which part is at fault, and by which rule.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.core.sample_desks import identity_key
from tests.core.sample_evidence import another_line, sample_talk
from watchline.core.archive import pack, unpack
from watchline.core.encoding import decode, encode
from watchline.core.evidence import build_evidence

FOLDER = Path(__file__).parent / "evidence"
ENTRIES, HEAD = "logs/a-1-1/entries/0000000000000001.bin", "logs/a-1-1/heads/0000000000000005.txt"
PAIRING = "pairing/2.bin"
TREE, STATUS = "logs/a-1-1/tree.txt", "statuses/b-1-1/0000000000000000.bin"

Json = dict[str, Any]


def _verified(*, complete: bool) -> Json:
    return {"verified": True, "complete": complete}


def _refused(part: str, rule: int) -> Json:
    return {"verified": False, "part": part, "rule": rule}


def _good() -> dict[str, tuple[bytes, Json]]:
    talk = sample_talk()
    return {
        "all.zip": (build_evidence(talk.bundle()), _verified(complete=True)),
        "one.zip": (build_evidence(talk.bundle({"a": [1], "b": [1]}, statuses="b")), _verified(complete=True)),
        "hidden.zip": (build_evidence(talk.bundle({"a": [1]}, statuses="b", closed={"a": [1]})), _verified(complete=True)),
        "provisional.zip": (build_evidence(talk.bundle({"a": [3]}, statuses="")), _verified(complete=False)),
    }


def _bad(good: bytes) -> dict[str, tuple[bytes, Json]]:
    foreign = unpack(build_evidence(another_line().bundle({"a": [1]}, statuses="b")))
    parts = unpack(good)

    def changed(changes: Mapping[str, bytes]) -> bytes:
        return pack({**parts, **changes})

    leaf, blinding, body = decode(parts[ENTRIES])[0]
    payload, ed, ml = decode(parts[STATUS])
    said = decode(payload)
    said[4] = True
    return {
        "bad-cut.zip": (good[: len(good) // 2], _refused("pairing/2.bin", 41)),
        "bad-bytes-left-over.zip": (good + b"\n", _refused("", 41)),
        "bad-body.zip": (changed({ENTRIES: encode([[leaf, blinding, body[:-1] + b"\0"]])}), _refused(ENTRIES, 8)),
        "bad-note-of-another-line.zip": (changed({HEAD: foreign[HEAD]}), _refused(HEAD, 9)),
        "bad-status-of-another-line.zip": (changed({STATUS: foreign[STATUS]}), _refused(STATUS, 4)),
        "bad-status-with-one-half.zip": (changed({STATUS: encode([payload, ed, bytes(len(ml))])}), _refused(STATUS, 4)),
        "bad-status-with-a-short-signature.zip": (changed({STATUS: encode([payload, ed[:-1], ml])}), _refused(STATUS, 4)),
        "bad-status-of-incarnation-true.zip": (changed({STATUS: encode([encode(said), ed, ml])}), _refused(STATUS, 4)),
        "bad-pairing-file-cut.zip": (changed({PAIRING: parts[PAIRING][:-1]}), _refused("pairing", 5)),
        "bad-tree.zip": (changed({TREE: foreign[TREE]}), _refused(TREE, 7)),
        "bad-readme.zip": (changed({"readme.txt": b"It was never received.\n"}), _refused("readme.txt", 41)),
        "bad-part-too-many.zip": (changed({"logs/note.txt": b"see?\n"}), _refused("logs/note.txt", 41)),
    }


def evidence() -> dict[str, tuple[bytes, Json]]:
    """Each file's content and verdict, by name."""
    good = _good()
    small = build_evidence(sample_talk().bundle({"a": [1]}, statuses="b"))
    return good | _bad(small)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    files = evidence()
    for name, (content, _) in files.items():
        (FOLDER / name).write_bytes(content)
    desks = [identity_key(desk).identity.encode().hex() for desk in "AB"]
    index = {"identities": desks, "files": {name: verdict for name, (_, verdict) in files.items()}}
    (FOLDER / "index.json").write_text(json.dumps(index, indent=1) + "\n")
