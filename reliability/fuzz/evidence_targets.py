"""Evidence: the archive, the whole file as a stranger gives it, and what hostile words in it make of the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from reliability.fuzz.core_targets import VECTORS
from reliability.fuzz.mutation import mutate_archive
from reliability.fuzz.target import Broken, Check, Target, need
from reliability.fuzz.unchecked import unchecked
from tests.core.sample_desks import identity_key
from tests.core.sample_evidence import Talk, sample_talk
from watchline.core.archive import pack, unpack
from watchline.core.encoding import decode, encode
from watchline.core.entries import Body, EntryType
from watchline.core.evidence import build_evidence, verify_evidence
from watchline.core.evidence_parts import Bundle, read_chunk, read_hidden
from watchline.core.limits import BODY_BYTES_MAX
from watchline.errors import Malformed

_TRUSTED = (identity_key("A").identity,)


def _check_archive() -> Check:
    def check(data: bytes) -> None:
        need(pack(unpack(data)) == data, "an archive is written as other bytes")

    return check


def _genuine_archives() -> Mapping[str, bytes]:
    return {
        "empty": pack({}),
        "one": pack({"readme.txt": b"text"}),
        "folders": pack({"a/b/c.bin": b"\0" * 40, "a/b/d.bin": b"", "logs/a-1-1/tree.txt": b"0 1 \n"}),
    }


def _check_evidence() -> Check:
    """With every identity's signature good, and again as it is: then only what is genuine may be verified."""
    genuine = {path.read_bytes() for path in (VECTORS / "evidence").glob("*.zip") if not path.name.startswith("bad")}

    def check(data: bytes) -> None:
        with unchecked():
            report = verify_evidence(data, _TRUSTED)
        report.as_json()
        need(report.verified == (not report.faults), "a report is neither verified nor says why not")
        if report.verified and data not in genuine:
            need(not verify_evidence(data, _TRUSTED).verified, "evidence is verified that nobody signed")

    return check


def _genuine_evidence() -> Mapping[str, bytes]:
    good = ("one.zip", "provisional.zip", "hidden.zip")
    return {name: (VECTORS / "evidence" / name).read_bytes() for name in good}


def _check_chunk() -> Check:
    def check(data: bytes) -> None:
        need(encode([list(entry) for entry in read_chunk(data)]) == data, "entries are written as other bytes")

    return check


def _genuine_chunks() -> Mapping[str, bytes]:
    entries = sample_talk().entries["a"]
    shown = [[entry.leaf, entry.blinding, entry.body] for entry in entries]
    return {"shown": encode(shown), "hidden": encode([[leaf, None, None] for leaf, _, _ in shown])}


def _check_tree() -> Check:
    def check(data: bytes) -> None:
        for start, end, each in read_hidden(data):
            need(abs(start) < 10**16 and abs(end) < 10**16 and len(each) <= len(data), "a line of a tree is out of bounds")

    return check


def _genuine_trees() -> Mapping[str, bytes]:
    digest = b"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    return {"two": b"0 1 " + digest + b"\n2 4 " + digest + b"\n", "empty": b""}


def _check_words() -> Check:
    """A log whose author wrote anything at all into genuine entries: it must come out as evidence that is verified.

    Input: dCBOR[[type, body, re or null], ...]; what is no such thing is left out.
    """

    def check(data: bytes) -> Callable[[], None]:
        bundle = _spoken(decode(data)).bundle(statuses="")
        return lambda: _build(bundle)

    return check


def _build(bundle: Bundle) -> None:
    try:
        with unchecked():
            build_evidence(bundle)
    except Malformed as fault:
        raise Broken(f"genuine entries are no evidence: {fault.message}") from None


def _spoken(value: object) -> Talk:
    talk = Talk()
    for item in value if isinstance(value, list) else []:
        match item:
            case [EntryType.SILENCE, *_]:
                pass  # a certificate that does not follow is shown by its leaf alone: `desk.exporting` sees to that
            case [int(kind), bytes(content), None | int() as re] if kind > 0 and (re is None or re >= 0):
                if type(kind) is int and len(content) < BODY_BYTES_MAX // 2:
                    talk.add("a", kind, _body(content), None if re is None else int(re))
    return talk


def _body(data: bytes) -> Body:
    try:
        return Body.decode(data)
    except Malformed:
        return Body(data)


def _genuine_words() -> Mapping[str, bytes]:
    talk = sample_talk()
    from watchline.core.entries import Leaf

    said = {side: [(Leaf.decode(entry.leaf), entry.body) for entry in talk.entries[side][1:]] for side in "ab"}
    return {side: encode([[leaf.type, body, leaf.re] for leaf, body in said[side]]) for side in "ab"}


TARGETS = (
    Target("archive", _check_archive, _genuine_archives, mutate_archive, inputs=3_000),
    Target("evidence", _check_evidence, _genuine_evidence, mutate_archive, inputs=100),
    Target("evidence-entries", _check_chunk, _genuine_chunks),
    Target("evidence-tree", _check_tree, _genuine_trees, inputs=3_000),
    Target("evidence-words", _check_words, _genuine_words, inputs=50),
)
