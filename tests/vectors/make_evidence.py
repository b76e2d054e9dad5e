"""Write the files of evidence beside this one: `PYTHONPATH=src:. python tests/vectors/make_evidence.py`.

ML-DSA signatures and sealed secrets draw randomness of their own, so each run writes other files; whoever reads them verifies.
`index.json` says what must come of each: whether it is verified and complete, or which part is at fault, and by which rule.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.core.sample_desks import certificate, identity_key, officer_key, paired
from tests.core.sample_evidence import Talk, another_line, sample_talk
from tests.core.sample_form1 import paired_by_form_1
from watchline.core.archive import pack, unpack
from watchline.core.certificate import issue
from watchline.core.encoding import decode, encode
from watchline.core.entries import Again, Body, Continues, EntryType, Notice, Precedence
from watchline.core.evidence import build_evidence
from watchline.core.evidence_parts import PAIRING_NAMES, Bundle
from watchline.core.persons import assertion_challenge, sign_assertion

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


def _nonces() -> dict[str, tuple[bytes, Json]]:
    """Releases whose nonce was used before (rule 8): which of the notices count, in the order in which they are shown."""

    def judged(*released: bool) -> Json:
        return _verified(complete=True) | {"released": list(released)}

    twice = Talk()
    notice = twice.say("a")
    body = Body.decode(twice.entries["a"][notice].body or b"")
    twice.add("a", EntryType.NOTICE, body)
    both = Talk()
    nonce = Body.decode(both.entries["a"][both.say("a")].body or b"").nonce
    content = Notice("statement", 1, Precedence.FLASH, False, "zh", {}).encode()
    challenge = assertion_challenge("release", both.line, both.sender("b"), nonce, Body(content).digest)
    assertion = sign_assertion(1, officer_key("B", 1), challenge)
    both.add("b", EntryType.NOTICE, Body(content, nonce, (assertion.to_value(),)))

    first, second = Talk(), Talk(incs=(1, 2))
    body = Body.decode(first.entries["a"][first.say("a")].body or b"")
    for side, (own, peer) in {"a": (2, 1), "b": (1, 2)}.items():
        roots = first.root(side, own), first.root("b" if side == "a" else "a", peer)
        second.entries[side].clear()
        said = Continues((1, 1), own, roots[0], peer, roots[1], int(side == "a"))
        second.add(side, EntryType.CONTINUES, Body(said.encode()))
    marked = replace(body, again=Again(1, 1, 1, 1, None))

    def over_both(*bodies: Body) -> bytes:
        begun = len(second.entries["a"])
        for each in bodies:
            second.add("a", EntryType.NOTICE, each)
        old, new = first.bundle(), second.bundle()
        del second.entries["a"][begun:]
        certified = (("b", 2, issue(identity_key("B"), certificate("B", serial=2, inc=2)).encoded),)
        return build_evidence(Bundle(old.pairing, certified, (*old.logs, *new.logs), (*old.statuses, *new.statuses)))

    return {
        "nonce-twice.zip": (build_evidence(twice.bundle()), judged(True, False)),
        "nonce-of-both-desks.zip": (build_evidence(both.bundle()), judged(True, True)),
        "nonce-issued-again.zip": (over_both(marked), judged(True, True)),
        "nonce-issued-again-twice.zip": (over_both(marked, marked), judged(True, True, False)),
        "nonce-not-marked.zip": (over_both(body), judged(True, False)),
    }


def _bad(good: bytes) -> dict[str, tuple[bytes, Json]]:
    foreign = unpack(build_evidence(another_line().bundle({"a": [1]}, statuses="b")))
    parts = unpack(good)

    def changed(changes: Mapping[str, bytes]) -> bytes:
        return pack({**parts, **changes})

    leaf, blinding, body = decode(parts[ENTRIES])[0]
    body2, ed2, ml2 = decode(parts[PAIRING])
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
        "bad-pairing-body-1-of-another.zip": (changed({PAIRING_NAMES[0]: foreign[PAIRING_NAMES[0]]}), _refused("pairing", 5)),
        "bad-pairing-body-3-of-another.zip": (changed({PAIRING_NAMES[2]: foreign[PAIRING_NAMES[2]]}), _refused("pairing", 5)),
        "bad-pairing-bodies-swapped.zip": (
            changed({PAIRING_NAMES[0]: body2, PAIRING: encode([parts[PAIRING_NAMES[0]], ed2, ml2])}),
            _refused("pairing", 5),
        ),
        "bad-pairing-with-one-half.zip": (changed({PAIRING: encode([body2, ed2, bytes(len(ml2))])}), _refused("pairing", 5)),
        "bad-pairing-file-whole.zip": (changed({PAIRING: paired()[0][1]}), _refused("pairing", 5)),
        "bad-pairing-of-both-forms.zip": (
            changed({PAIRING_NAMES[0]: paired_by_form_1()[0][0]}),
            _refused("pairing", 5),
        ),
        "bad-tree.zip": (changed({TREE: foreign[TREE]}), _refused(TREE, 7)),
        "bad-readme.zip": (changed({"readme.txt": b"It was never received.\n"}), _refused("readme.txt", 41)),
        "bad-part-too-many.zip": (changed({"logs/note.txt": b"see?\n"}), _refused("logs/note.txt", 41)),
    }


def evidence() -> dict[str, tuple[bytes, Json]]:
    """Each file's content and verdict, by name."""
    good = _good()
    small = build_evidence(sample_talk().bundle({"a": [1]}, statuses="b"))
    return good | _nonces() | _bad(small)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    files = evidence()
    for name, (content, _) in files.items():
        (FOLDER / name).write_bytes(content)
    desks = [identity_key(desk).identity.encode().hex() for desk in "AB"]
    index = {"identities": desks, "files": {name: verdict for name, (_, verdict) in files.items()}}
    (FOLDER / "index.json").write_text(json.dumps(index, indent=1) + "\n")
