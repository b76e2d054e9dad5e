"""Write the files of evidence of silences in `silence/`: `PYTHONPATH=src:. python tests/vectors/make_silence.py`.

What is said in them is always the same; ML-DSA signatures and sealed secrets draw randomness of their own, so each run writes
other bytes, and whoever reads them verifies. `index.json` says what must come of each: the silence that is shown, or which part
is at fault, and by which rule. What is bad has empty texts beside its parts: the fault that is named is found before them.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from tests.core.sample_desks import ROUTES, accept, identity_key, roster, seeded, signed_certificate, terms
from tests.core.sample_evidence import TIME, Talk, another_line
from watchline.core.archive import pack, unpack
from watchline.core.encoding import decode, encode
from watchline.core.entries import HOLDING_REPLY, Body, EntryType, Leaf, Notice, Precedence
from watchline.core.evidence import build_evidence, verify_evidence
from watchline.core.evidence_parts import README_NAME, SUMMARY_NAME, Bundle, write_parts
from watchline.core.evidence_reading import Faults, read_desks
from watchline.core.pairing import complete_invitation, make_invitation
from watchline.core.reply_clocks import PROMISED_FIELD
from watchline.core.silence import Attempt, Claim, SignedStatus, Silence, SilenceKind
from watchline.core.statements import OpenItem, StatementType, Status, sign_statement
from watchline.core.terms import Clocks

FOLDER = Path(__file__).parent / "silence"
ENTRIES, TREE = "logs/a-1-1/entries/0000000000000001.bin", "logs/a-1-1/tree.txt"
SECONDS, ALLOWED, ANSWER = 812, 600, 3_600
ROUTE = "direct desk-b.example:7700"

Json = dict[str, Any]
Files = dict[str, tuple[bytes, Json]]


def status_of(talk: Talk, notice: int, *, seconds: int = SECONDS, allowed: int = ALLOWED) -> Status:
    """What B says while it lists A's notice as open."""
    own, held = len(talk.entries["b"]), len(talk.entries["a"])
    listed = (OpenItem(notice, 0, seconds, allowed),)
    roots = talk.root("b", own), talk.root("a", held)
    return Status(TIME + SECONDS, own, roots[0], held, roots[1], 1, 32, 1, 1, listed, 0, 0, (1, 1, 0), bytes(16), None)


def sign(talk: Talk, status: Status, *, by: str = "b", both: bool = True) -> SignedStatus:
    key = talk.keys(by).statement
    made = sign_statement(StatementType.STATUS, talk.direction(by), status.values(), key, both=both)
    return SignedStatus(made.payload, made.ed, made.ml)


def certificate(talk: Talk, notice: int, kind: SilenceKind, status: SignedStatus | None, claim: Claim | None = None) -> Silence:
    leaf = Leaf.decode(talk.entries["a"][notice].leaf)
    outcomes = {SilenceKind.DARK: "connected", SilenceKind.TERMINAL_DOWN: "refused", SilenceKind.LINE_DOWN: "timeout"}
    attempts = () if claim is None else (Attempt(ROUTE, TIME + SECONDS, outcomes[kind]),)
    return Silence(kind, 0, 1, 1, notice, leaf.commitment, status, attempts, claim)


def bundle(
    talk: Talk, notice: int, said: Silence, status: Status | None, *, theirs: Collection[int] = (), closed: Collection[int] = ()
) -> Bundle:
    """Put the certificate into A's log, and show it with the notice. theirs: entries of B; closed: of A, leaf only."""
    place = talk.add("a", EntryType.SILENCE, Body(said.encode()))
    ends = {side: {len(talk.entries[side])} for side in "ab"}
    between: set[int] = set()
    if status is not None:
        ends["a"].add(status.held_size)
        if said.kind is SilenceKind.CONTRADICTED:
            ends["b"].add(status.size)
            between = set(range(notice, status.held_size))
    logs = [talk.log("a", {notice, place} | between, closed=set(closed) | between - {notice}, sizes=ends["a"])]
    if theirs:
        logs.append(talk.log("b", theirs, sizes=ends["b"]))
    return Bundle(talk.pairing, (), tuple(logs), (talk.status("b"),))


def as_it_is(shown: Bundle) -> bytes:
    """The parts with nothing told, so that nothing is refused while they are written."""
    names = ("pairing/1.bin", "pairing/2.bin", "pairing/3.bin")
    desks = read_desks(dict(zip(names, shown.pairing, strict=True)), Faults())
    assert desks is not None
    return pack(write_parts(shown, desks.keys) | {README_NAME: b"", SUMMARY_NAME: b""})


def good() -> Files:
    """Each kind, as it follows from its parts."""
    files: dict[str, bytes] = {}

    def proven(name: str, kind: SilenceKind, *, both: bool = True, exercise: bool = False, **changes: Any) -> None:
        talk = Talk()
        notice = talk.say("a", exercise=exercise)
        status = replace(status_of(talk, notice), **changes)
        said = certificate(talk, notice, kind, sign(talk, status, both=both))
        shown = {0} if kind is SilenceKind.CONTRADICTED else set()
        files[name] = build_evidence(bundle(talk, notice, said, status, theirs=shown))

    proven("unanswered", SilenceKind.UNANSWERED)
    proven("unanswered-provisional", SilenceKind.UNANSWERED, both=False)
    proven("unanswered-exercise", SilenceKind.UNANSWERED, exercise=True)
    proven("unmanned", SilenceKind.UNMANNED, watch=(0, 1, SECONDS))
    proven("contradicted-left-out", SilenceKind.CONTRADICTED, open=())
    proven("contradicted-allowed", SilenceKind.CONTRADICTED, open=(OpenItem(1, 0, SECONDS, 10 * ALLOWED),))

    talk = Talk()
    notice = talk.say("a")
    status = status_of(talk, notice)
    said = certificate(talk, notice, SilenceKind.UNANSWERED, sign(talk, status))
    files["unanswered-hidden"] = build_evidence(bundle(talk, notice, said, status, closed={notice}))

    talk = Talk()
    notice = talk.say("a")
    status = status_of(talk, notice)
    later = talk.respond("b", notice)
    said = certificate(talk, notice, SilenceKind.UNANSWERED, sign(talk, status))
    files["unanswered-later-acknowledged"] = build_evidence(bundle(talk, notice, said, status, theirs={later}))

    for kind in (SilenceKind.DARK, SilenceKind.TERMINAL_DOWN, SilenceKind.LINE_DOWN):
        talk = Talk()
        notice = talk.say("a")
        # Who heard that the peer holds the notice may not call it dark.
        stated = None if kind is SilenceKind.DARK else status_of(talk, notice, seconds=1)
        said = certificate(talk, notice, kind, None if stated is None else sign(talk, stated), Claim(SECONDS, TIME + 500))
        files[kind.value.replace("_", "-")] = build_evidence(bundle(talk, notice, said, stated))

    unreached = Attempt(ROUTE, TIME + SECONDS, "timeout")
    for name, kind, attempts, received in (
        ("dark-unreached", SilenceKind.DARK, (unreached,), TIME + 500),
        ("line-down-unreceived", SilenceKind.LINE_DOWN, (unreached,), None),
        ("line-down-cut-off", SilenceKind.LINE_DOWN, (replace(unreached, outcome="unreachable"),), TIME + 500),
        ("line-down-relay-refuses", SilenceKind.LINE_DOWN, (Attempt("nats " + ROUTE, TIME + SECONDS, "refused"),), None),
    ):
        talk = Talk()
        notice = talk.say("a")
        said = replace(certificate(talk, notice, kind, None, Claim(SECONDS, received)), attempts=attempts)
        files[name] = build_evidence(bundle(talk, notice, said, None))

    files |= {name: build_evidence(shown) for name, shown in promises().items()}
    return {f"{name}.zip": (data, _verified(data)) for name, data in files.items()}


@cache
def awaiting() -> tuple[bytes, tuple[bytes, bytes, bytes]]:
    """A line whose terms ask for an answer to a notice of the form `airspace-object`."""
    agreed = replace(terms(), form_clocks={**terms().form_clocks, "airspace-object": Clocks(0, 0)})
    file1, invitation = make_invitation(
        identity_key("A"), signed_certificate("A"), roster("A"), agreed, ROUTES["A"], seeded("promises")
    )
    file2, _ = accept(file1)
    file3, ours = complete_invitation(invitation, file2, identity_key("A"), seeded("promises too"))
    return ours.line, (file1, file2, file3)


def hold(talk: Talk, notice: int, until: object, *, released: bool = True) -> int:
    """B replies that it holds, and that an answer comes by then; nobody may stand behind it."""
    content = Notice(HOLDING_REPLY, 1, Precedence.FLASH, False, "zh", {PROMISED_FIELD: until}).encode()
    body = talk.release("b", content, meant=talk.place("a", notice)) if released else Body(content)
    return talk.add("b", EntryType.NOTICE, body, notice)


def answer_awaited(*replies: tuple[int, bool], seconds: int, allowed: int, kind: SilenceKind, hidden: bool = False) -> Bundle:
    """A certificate about the answer to a notice that B held. replies: within how many seconds, and whether people released it.

    hidden: the replies are not shown.
    """
    talk = Talk(*awaiting())
    notice = talk.say("a", "airspace-object")
    said = {hold(talk, notice, TIME + len(talk.entries["b"]) + within, released=people) for within, people in replies}
    status = replace(status_of(talk, notice), open=(OpenItem(notice, 1, seconds, allowed),))
    made = replace(certificate(talk, notice, kind, sign(talk, status)), clock=1)
    return bundle(talk, notice, made, status, theirs={0} if hidden else said | {0})


def promises() -> dict[str, Bundle]:
    """What a holding reply allows: the first that people released counts, and never more than the terms (rule 24)."""
    unanswered, contradicted = SilenceKind.UNANSWERED, SilenceKind.CONTRADICTED
    return {
        "promised": answer_awaited((300, True), seconds=SECONDS, allowed=300, kind=unanswered),
        "promised-beyond-the-terms": answer_awaited((2**40, True), seconds=ANSWER, allowed=ANSWER, kind=unanswered),
        "promised-by-nobody": answer_awaited((300, False), seconds=ANSWER, allowed=ANSWER, kind=unanswered),
        "promised-in-the-past": answer_awaited((0, True), seconds=ANSWER, allowed=ANSWER, kind=unanswered),
        "promised-twice": answer_awaited((300, True), (100, True), seconds=SECONDS, allowed=300, kind=unanswered),
        "contradicted-promise": answer_awaited((300, True), seconds=SECONDS, allowed=ANSWER + 1, kind=contradicted),
    }


def _verified(data: bytes) -> Json:
    report = verify_evidence(data)
    assert report.verified, report.faults
    return {"verified": True, "complete": report.complete, "silences": list(report.silences)}


def bad() -> Files:
    """Certificates whose claim does not follow, or whose parts do not hold."""
    files: Files = {}

    def refused(name: str, shown: Bundle | bytes, rule: int = 33, part: str = ENTRIES) -> None:
        data = shown if isinstance(shown, bytes) else as_it_is(shown)
        files[f"bad-{name}.zip"] = data, {"verified": False, "part": part, "rule": rule}

    for how in ("acknowledge", "decline", "cancel"):
        talk = Talk()
        notice = talk.say("a")
        before = status_of(talk, notice)
        theirs = {0}
        if how == "cancel":
            meant = talk.place("a", notice)
            talk.add("a", EntryType.CANCEL, talk.release("a", b"\x80", EntryType.CANCEL, meant), notice)
        else:
            theirs.add(talk.respond("b", notice, EntryType[how.upper()]))
        for listed, kind in (
            ((), SilenceKind.UNANSWERED),
            ((), SilenceKind.CONTRADICTED),
            (before.open, SilenceKind.UNANSWERED),
        ):
            if listed and how == "cancel":
                continue  # the cancel is not shown there, so nobody but the peer could tell
            again = Talk()
            again.entries = {side: list(entries) for side, entries in talk.entries.items()}
            status = replace(status_of(again, notice), open=listed)
            said = certificate(again, notice, kind, sign(again, status))
            state = "listed" if listed else "not-listed"
            refused(f"{kind.value}-{how}-{state}", bundle(again, notice, said, status, theirs=theirs))

    def changed(
        name: str, rule: int = 33, part: str = ENTRIES, kind: SilenceKind = SilenceKind.UNANSWERED, **given: Any
    ) -> None:
        talk = Talk()
        notice = talk.say("a")
        status = replace(status_of(talk, notice), **given)
        said = certificate(talk, notice, kind, sign(talk, status))
        refused(name, bundle(talk, notice, said, status), rule, part)

    changed("seconds-too-few", open=(OpenItem(1, 0, ALLOWED - 1, ALLOWED),))
    changed("allowed-by-other-terms", open=(OpenItem(1, 0, SECONDS, ALLOWED + 1),))
    changed("clock-of-another-kind", open=(OpenItem(1, 1, SECONDS, ALLOWED),))
    changed("status-of-another-log", 7, TREE, held_root=bytes(32))
    for kind in (SilenceKind.UNMANNED, SilenceKind.CONTRADICTED):
        changed(f"kind-{kind.value}", kind=kind)
    changed("unmanned-somebody-signed-in", kind=SilenceKind.UNMANNED, watch=(1, 0, SECONDS))
    changed("unmanned-too-short", kind=SilenceKind.UNMANNED, watch=(0, 0, SECONDS - 1))
    changed("unanswered-is-unmanned", watch=(0, 0, SECONDS))
    changed("contradicted-without-leaves", kind=SilenceKind.CONTRADICTED, open=())

    talk = Talk()
    early = status_of(talk, 1)
    notice = talk.say("a")
    refused(
        "status-before-notice",
        bundle(talk, notice, certificate(talk, notice, SilenceKind.UNANSWERED, sign(talk, early)), early),
    )

    for name, signer, rule in (("another-line", another_line(), 4), ("the-author", None, 4)):
        talk = Talk()
        notice = talk.say("a")
        status = status_of(talk, notice)
        made = sign(talk, status, by="a") if signer is None else sign(signer, status)
        refused(
            f"status-of-{name}", bundle(talk, notice, certificate(talk, notice, SilenceKind.UNANSWERED, made), status), rule
        )

    talk = Talk()
    notice = talk.say("a")
    status = status_of(talk, notice)
    made = sign(talk, status)
    payload = decode(made.payload)
    payload[15][0][2] += 1
    said = certificate(talk, notice, SilenceKind.UNANSWERED, replace(made, payload=encode(payload)))
    refused("seconds-altered", bundle(talk, notice, said, status), 4)

    talk = Talk()
    notice = talk.say("a")
    status = status_of(talk, notice)
    said = replace(certificate(talk, notice, SilenceKind.UNANSWERED, sign(talk, status)), commitment=bytes(32))
    refused("commitment-of-another-notice", bundle(talk, notice, said, status))

    for kind in (SilenceKind.DARK, SilenceKind.TERMINAL_DOWN, SilenceKind.LINE_DOWN):
        talk = Talk()
        notice = talk.say("a")
        stated = None if kind is not SilenceKind.DARK else status_of(talk, notice, seconds=1)
        claim = Claim(SECONDS, TIME + 500)
        said = certificate(talk, notice, kind, None if stated is None else sign(talk, stated), claim)
        name = "dark-stated" if kind is SilenceKind.DARK else f"{kind.value.replace('_', '-')}-is-dark"
        refused(name, bundle(talk, notice, said, stated))

    for name, allowed in (("promised-otherwise", 299), ("promise-of-the-terms", ANSWER)):
        refused(name, answer_awaited((300, True), seconds=ANSWER, allowed=allowed, kind=SilenceKind.UNANSWERED))
    broken = answer_awaited((300, True), seconds=299, allowed=300, kind=SilenceKind.UNANSWERED)
    refused("promised-and-not-run-out", broken)
    unseen = answer_awaited((300, True), seconds=SECONDS, allowed=300, kind=SilenceKind.CONTRADICTED, hidden=True)
    refused("contradicted-promise-hidden", unseen)

    claims = {
        "claim-too-early": (SilenceKind.LINE_DOWN, Claim(ALLOWED - 1, TIME + 500)),
        "claim-of-an-earlier-receipt": (SilenceKind.LINE_DOWN, Claim(SECONDS, TIME + 499)),
        "dark-without-a-receipt": (SilenceKind.DARK, Claim(SECONDS, None)),
    }
    for name, (kind, claim) in claims.items():
        talk = Talk()
        notice = talk.say("a")
        refused(name, bundle(talk, notice, certificate(talk, notice, kind, None, claim), None))

    talk = Talk()
    notice = talk.say("a")
    status = status_of(talk, notice)
    said = certificate(talk, notice, SilenceKind.UNANSWERED, sign(talk, status))
    parts = unpack(build_evidence(bundle(talk, notice, said, status)))
    chunk = decode(parts[ENTRIES])
    chunk[1][2] = chunk[1][2].replace(b"unanswered", b"contradict")
    refused("kind-altered", pack({**parts, ENTRIES: encode(chunk)}), 8)
    return files


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    made = good() | bad()
    for name, (content, _) in made.items():
        (FOLDER / name).write_bytes(content)
    desks = [identity_key(desk).identity.encode().hex() for desk in "AB"]
    index = {"identities": desks, "files": {name: verdict for name, (_, verdict) in made.items()}}
    (FOLDER / "index.json").write_text(json.dumps(index, indent=1) + "\n")
