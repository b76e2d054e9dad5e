"""What an officer says, made ready: the content of a notice, an acknowledgement or a decline, and the signatures under it.

Whoever asks an officer (a command, the console) brings what the desk told of the line (`line_facts`) and of the entry that is
meant (`resolve`), and makes everything else here, in the process in which the officer's key is open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from watchline.core.encoding import Value, encode
from watchline.core.entries import Body, EntryType, Notice, Place, Precedence, Response
from watchline.core.persons import Officer, Roster
from watchline.core.release import asserted
from watchline.core.terms import Terms
from watchline.desk.officers import OfficerKey, check_may
from watchline.errors import UsageError

if TYPE_CHECKING:
    from watchline.catalogue import Form, ResolveReference

Json = dict[str, Any]
WITHDRAWAL = "correction"  # the form inside a cancel


@dataclass(frozen=True, slots=True)
class Said:
    """What is to be said: an entry's content, and what it refers to in the other log.

    people: how many have to sign. meant: of an answer, where the notice that it answers stood first; its release names that.
    """

    type: EntryType
    content: bytes
    people: int
    re: int | None = None
    meant: Place | None = None


def notice(
    facts: Json,
    form: Form,
    assignments: Mapping[str, Any],
    resolve: ResolveReference,
    *,
    precedence: int,
    exercise: bool,
    answered: Json | None = None,
) -> Said:
    """A notice made of a form; every field is checked here, before anything is signed. Raises FieldError.

    resolve: makes the integers of a reference from its text. answered: the notice of theirs that it answers.
    """
    if any(field.name == "language" and field.type == "language" for field in form.fields):
        assignments = {"language": facts["language"], **assignments}
    fields = form.parse(assignments, resolve, precedence=precedence)
    content = Notice(form.code, form.version, Precedence(precedence), exercise, facts["language"], fields).encode()
    people = Terms.decode(bytes.fromhex(facts["terms"])).people_needed(form.code, precedence)
    if answered is None:
        return Said(EntryType.NOTICE, content, people)
    return Said(EntryType.NOTICE, content, people, answered["index"], Place(*answered["first"]))


def acknowledgement(facts: Json, entry: Json) -> Said:
    """That a person has read their notice."""
    return Said(EntryType.ACKNOWLEDGE, _response(EntryType.ACKNOWLEDGE, facts, entry, None), 1, entry["index"])


def decline(facts: Json, entry: Json, reason: str | None) -> Said:
    """That there will be no answer to their notice. reason: None or nothing but space for none given."""
    said = reason.strip() if reason else None
    return Said(EntryType.DECLINE, _response(EntryType.DECLINE, facts, entry, said), 1, entry["index"])


def withdrawal(facts: Json, entry: Json, assignments: Mapping[str, Any], resolve: ResolveReference) -> Said:
    """That a notice of this desk's own no longer holds. assignments: of the form correction, without `of`.

    It cancels the notice; one of an earlier incarnation, whose log is closed, is withdrawn by a notice instead. Raises
    UsageError for what is no notice of this desk, and FieldError.
    """
    from watchline.catalogue import load_catalogue

    if not entry["own"] or entry["form"] is None:
        raise UsageError(
            f"{entry['id']} is no notice of this desk: only what it said itself can be withdrawn",
            hint=f"see what it said: watchline log {facts['name']}",
            id=entry["id"],
        )
    form = load_catalogue().form(WITHDRAWAL)
    said = notice(facts, form, {**assignments, "of": entry["id"]}, resolve, precedence=0, exercise=entry["exercise"])
    if (entry["inc"], entry["peer_inc"]) != (facts["our_inc"], facts["their_inc"]):
        return said
    return Said(EntryType.CANCEL, said.content, 1, entry["index"], Place(*entry["first"]))


def check_theirs(facts: Json, entry: Json, id: str, what: str) -> None:  # noqa: A002 - what the entry is called everywhere
    """Raise UsageError unless the entry is a notice of the peer's present incarnation. what: what people would do with it."""
    if entry["own"] or entry["form"] is None:
        said = "your own" if entry["own"] else "no notice"
        raise UsageError(
            f"{id} is {said}: only a notice of the other desk is {what}",
            hint=f"see what they sent: watchline inbox {facts['name']}",
            id=id,
        )
    if (entry["peer_inc"], entry["inc"]) != (facts["our_inc"], facts["their_inc"]):
        raise UsageError(
            f"{id} was said in an earlier incarnation, and its log is closed",
            hint="send a notice of its own; what is still open there is issued again by its author",
            id=id,
        )


def check_answers(form: Form, entry: Json) -> None:
    """Raise UsageError if the catalogue does not let this form answer that one; a form unknown here may be answered by any."""
    from watchline.catalogue import load_catalogue

    answered = load_catalogue().forms.get(entry["form"])
    if answered is not None and form.code not in answered.answers:
        allowed = list(answered.answers)
        raise UsageError(
            f"{form.code} does not answer {answered.code}",
            hint=f"answer with one of {', '.join(allowed)}"
            if allowed
            else "acknowledge it instead, or send a notice of its own",
            form=form.code,
            allowed=allowed,
        )


def check_people(said: Said, given: int) -> None:
    """Raise UsageError if the terms ask for more people than sign."""
    if given < said.people:
        raise UsageError(
            f"the terms of this line ask for {said.people} people to release this",
            hint=f"name them all: --as NAME, {said.people} times",
            needed=said.people,
            given=given,
        )


def signature(key: OfficerKey, facts: Json, said: Said, nonce: bytes) -> tuple[Officer, Value]:
    """What the roster says of this officer, and their signature. Raises UsageError if the roster does not let them sign it."""
    purpose, _ = asserted(said.type, Body(said.content), said.meant)
    officer = check_may(key, Roster.decode(bytes.fromhex(facts["own_roster"])), purpose)
    line, own_id = bytes.fromhex(facts["line"]), bytes.fromhex(facts["own_id"])
    return officer, key.sign(said.type, line, own_id, nonce, said.content, said.meant)


def compose_parameters(facts: Json, said: Said, nonce: bytes | None, signatures: Sequence[Value]) -> Json:
    """What `compose` of the desk's api is asked with. nonce: None where nobody signs."""
    return {
        "line": facts["name"],
        "type": int(said.type),
        "content": said.content.hex(),
        "nonce": None if nonce is None else nonce.hex(),
        "assertions": encode(list(signatures)).hex() if signatures else None,
        "re": said.re,
    }


def _response(kind: EntryType, facts: Json, entry: Json, reason: str | None) -> bytes:
    commitment = bytes.fromhex(entry["commitment"])
    return Response(kind, entry["inc"], entry["peer_inc"], entry["index"], commitment, facts["language"], reason).encode()
