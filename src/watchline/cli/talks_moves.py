"""The steps of talks, each one command: it fills in one form, asks the node whether it would count, and has it signed and sent.

Who answers something of the other desk's current incarnation sends an answer to it, which closes its clocks; else a notice.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from watchline.cli.saying import Delivery, delivery_options, exercise_option, line_argument, resolver, say
from watchline.cli.session import Session, command, read_file
from watchline.errors import UsageError

if TYPE_CHECKING:
    from watchline.desk.home import Home
    from watchline.desk.local import Caller
    from watchline.desk.saying import Said

Json = dict[str, Any]
LEVELS = ("expert", "director", "vice_minister", "minister", "leader")
MODES = ("visit", "video", "text")
STRENGTHS = ("agreed", "agreed_to_try", "intended")
INTERVALS = ("month", "quarter", "half_year", "year")
OUTCOMES = ("concluded", "adjourned", "abandoned")
POINTS_BYTES_MAX = 65_536

round_argument = click.argument("round_id", metavar="ROUND")
id_argument = click.argument("id")
level_option = click.option("--level", type=click.Choice(LEVELS), help="Who meets.")
mode_option = click.option("--mode", type=click.Choice(MODES), help="How they meet.")
place_option = click.option("--place", help="Where.")
dates_option = click.option(
    "--date", "dates", multiple=True, metavar="WHEN", help='A date offered; may be repeated. RFC 3339, or "DAY/DAY words".'
)


@command(
    name="propose",
    example="watchline --home tokyo talks propose beijing --topic Airspace --level director --mode video "
    "--date 2023-02-22T01:00:00Z",
)
@line_argument
@click.option("--topic", required=True, help="What about.")
@click.option("--level", required=True, type=click.Choice(LEVELS), help="Who meets.")
@dates_option
@click.option("--mode", required=True, type=click.Choice(MODES), help="How they meet.")
@place_option
@click.option("--resumes", metavar="ROUND", help="The round that this one goes on with.")
@click.option("--arrangement", metavar="ID", help="The standing arrangement that it is part of.")
@exercise_option
@delivery_options()
def propose(
    session: Session,
    line: str,
    topic: str,
    level: str,
    dates: tuple[str, ...],
    mode: str,
    place: str | None,
    resumes: str | None,
    arrangement: str | None,
    exercise: bool,
    delivery: Delivery,
) -> None:
    """Propose a round of talks on LINE."""
    fields = {"topic": topic, "level": level, "dates": list(dates), "mode": mode, "place": place}
    with _step(session, line, delivery, exercise=exercise) as step:
        step.say("talks-proposal", {**fields, "resumes": resumes, "arrangement": arrangement})


@command(
    name="counter",
    example="watchline --home beijing talks counter tokyo theirs:3 --date 2023-02-22T02:00:00Z --mode video",
)
@line_argument
@id_argument
@dates_option
@mode_option
@place_option
@level_option
@click.option("--topic", help="What about.")
@click.option("--reason", help="Why.")
@delivery_options()
def counter(
    session: Session,
    line: str,
    id: str,  # noqa: A002 - what the entry is called everywhere
    dates: tuple[str, ...],
    mode: str | None,
    place: str | None,
    level: str | None,
    topic: str | None,
    reason: str | None,
    delivery: Delivery,
) -> None:
    """Propose something else than ID on LINE.

    ID is a proposal or a counter-proposal; what is left out stays as it is there.
    """
    fields = {"of": id, "dates": list(dates) or None, "mode": mode, "place": place, "level": level, "topic": topic}
    with _step(session, line, delivery, about=id) as step:
        step.answer(id, "counter-proposal", {**fields, "reason": reason})


@command(name="accept", example="watchline --home beijing talks accept tokyo theirs:3 --date 1")
@line_argument
@id_argument
@click.option("--date", metavar="WHEN", help="Which of the dates offered: as it stands there, or 1 for the first.")
@place_option
@click.option("--remark", help="What is said with it.")
@delivery_options()
def accept(
    session: Session,
    line: str,
    id: str,  # noqa: A002 - as in `counter`
    date: str | None,
    place: str | None,
    remark: str | None,
    delivery: Delivery,
) -> None:
    """Accept ID of theirs on LINE.

    ID is a proposal, an item, a commitment, an arrangement or a closing. What is accepted is exactly the text that this desk
    holds: the acceptance names its digest.
    """
    with _step(session, line, delivery, about=id) as step:
        entry = step.resolve(id)
        chosen = _chosen_date(step, id, date)
        fields = {"of": id, "digest": entry["digest"], "date": chosen, "place": place, "remark": remark}
        step.answer(id, "acceptance", fields)


@command(name="decline", example="watchline --home beijing talks decline tokyo theirs:3")
@line_argument
@id_argument
@click.option("--reason", help="Why.")
@delivery_options()
def decline(session: Session, line: str, id: str, reason: str | None, delivery: Delivery) -> None:  # noqa: A002 - as above
    """Decline ID of theirs on LINE.

    ID is a proposal, an item, a commitment, an arrangement or a closing.
    """
    with _step(session, line, delivery, about=id) as step:
        step.answer(id, "decline", {"of": id, "reason": reason})


@command(name="item", example='watchline --home tokyo talks item beijing ours:3 --subject "Balloons" --notice ours:1')
@line_argument
@round_argument
@click.option("--subject", required=True, help="What about.")
@click.option("--detail", help="More of it.")
@click.option("--notice", "notices", multiple=True, metavar="ID", help="A notice that it is about; may be repeated.")
@delivery_options()
def item(
    session: Session,
    line: str,
    round_id: str,
    subject: str,
    detail: str | None,
    notices: tuple[str, ...],
    delivery: Delivery,
) -> None:
    """Put an item on the agenda of ROUND on LINE."""
    fields = {"meeting": round_id, "subject": subject, "detail": detail, "notices": list(notices) or None}
    with _step(session, line, delivery, about=round_id) as step:
        step.say("agenda-item", fields)


@command(name="note", example="watchline --home beijing talks note tokyo theirs:5")
@line_argument
@id_argument
@click.option("--remark", help="What is said with it.")
@delivery_options()
def note(session: Session, line: str, id: str, remark: str | None, delivery: Delivery) -> None:  # noqa: A002 - as above
    """Note their item ID on LINE, without agreeing to it."""
    with _step(session, line, delivery, about=id) as step:
        step.answer(id, "noted", {"of": id, "remark": remark})


@command(
    name="say",
    example='watchline --home tokyo talks say beijing ours:5 --role "Director" --text "Our position is this."',
)
@line_argument
@click.argument("under", metavar="ROUND|ITEM")
@click.option("--role", required=True, help="Who speaks: a role, not a name.")
@click.option("--text", required=True, help="What is said; only the author's language is authoritative.")
@click.option("--language", metavar="LANG", help="The language of the text. Default: the desk's.")
@click.option("--replies-to", metavar="ID", help="The statement that this one replies to.")
@delivery_options()
def say_under(
    session: Session,
    line: str,
    under: str,
    role: str,
    text: str,
    language: str | None,
    replies_to: str | None,
    delivery: Delivery,
) -> None:
    """Make a statement in a round on LINE.

    It stands in the round, or under one of its items.
    """
    fields = {"speaker_role": role, "text": text, "language": language, "under": under, "replies_to": replies_to}
    with _step(session, line, delivery, about=under) as step:
        if replies_to is None:
            step.say("statement", fields)
        else:
            step.answer(replies_to, "statement", fields)


@command(
    name="commit",
    example='watchline --home tokyo talks commit beijing --round ours:3 --terms "A hotline" '
    '--due "2023-03-01/2023-05-31 around spring"',
)
@line_argument
@click.option("--terms", required=True, help="What is to be done.")
@click.option("--strength", default="agreed", show_default=True, type=click.Choice(STRENGTHS), help="How firm it is.")
@click.option("--due", metavar="WHEN", help='Until when: RFC 3339, or "DAY/DAY words". Without it there is no date.')
@click.option("--ends", metavar="WHEN", help="When it ends by itself.")
@click.option("--round", "round_id", metavar="ROUND", help="The round that it is made in.")
@click.option("--item", "item_id", metavar="ID", help="The item that it comes from.")
@click.option("--replaces", metavar="ID", help="The commitment whose text it replaces.")
@click.option("--translation", "translations", multiple=True, metavar="LANG=TEXT", help="The terms in another language.")
@exercise_option
@delivery_options()
def commit(
    session: Session,
    line: str,
    terms: str,
    strength: str,
    due: str | None,
    ends: str | None,
    round_id: str | None,
    item_id: str | None,
    replaces: str | None,
    translations: tuple[str, ...],
    exercise: bool,
    delivery: Delivery,
) -> None:
    """Propose a commitment on LINE, or another text of one.

    It stands once the other side has accepted it. With --replaces, what stands goes on standing until then.
    """
    with _step(session, line, delivery, about=round_id or replaces, exercise=exercise) as step:
        text_id = None if replaces is None else step.commitment(replaces)["text_id"]
        spoken = [{"language": tag, "text": text} for tag, text in map(_translation, translations)] or None
        fields = {"terms": terms, "strength": strength, "due": due, "ends": ends, "meeting": round_id, "item": item_id}
        step.say("commitment", {**fields, "replaces": text_id, "translations": spoken})


@command(name="report", example='watchline --home tokyo talks report beijing ours:6 --kept --facts "In service since 31 March"')
@line_argument
@id_argument
@click.option("--kept", "judged", flag_value="kept", help="It was kept.")
@click.option("--not-kept", "judged", flag_value="not_kept", help="It was not kept.")
@click.option("--lapsed", "judged", flag_value="lapsed", help="It has lapsed.")
@click.option("--at", metavar="WHEN", help="When.")
@click.option("--facts", help="What was done or not done.")
@click.option("--evidence", multiple=True, metavar="ID", help="An entry that shows it; may be repeated.")
@click.option("--file", "files", multiple=True, metavar="SHA256", help="The digest of a file that shows it; may be repeated.")
@delivery_options()
def report(
    session: Session,
    line: str,
    id: str,  # noqa: A002 - as in `counter`
    judged: str | None,
    at: str | None,
    facts: str | None,
    evidence: tuple[str, ...],
    files: tuple[str, ...],
    delivery: Delivery,
) -> None:
    """Say whether the commitment ID on LINE was kept.

    The other side may say otherwise; both are shown.
    """
    if judged is None:
        raise UsageError("was it kept?", hint="give --kept, --not-kept or --lapsed")
    with _step(session, line, delivery, about=id) as step:
        meant = step.commitment(id)
        fields = {"of": meant["text_id"], "digest": meant["digest"], "judged": judged, "at": at, "facts": facts}
        fields |= {"evidence": list(evidence) or None, "files": list(files) or None}
        step.answer(meant["text_id"], "commitment-report", fields)


@command(
    name="readout",
    example='watchline --home tokyo talks readout beijing ours:3 --text "They met." --point ours:6 --point "theirs:4=Concerns"',
)
@line_argument
@round_argument
@click.option("--title", help="Its title.")
@click.option("--text", "own_text", required=True, help="The readout, in the desk's own words.")
@click.option(
    "--point",
    "points",
    multiple=True,
    metavar="ID[,ID][=TEXT]",
    help="What it says of items, statements or commitments; without TEXT as they stand. May be repeated.",
)
@click.option("--points", "file", metavar="FILE", type=click.Path(path_type=Path), help="The points as JSON: [{about, text?}].")
@click.option("--agreed-text", help="What was agreed, in the desk's own words.")
@click.option("--differences", help="What they differ on, in the desk's own words.")
@click.option("--confidential", is_flag=True, help="For the two desks alone; else it is published.")
@delivery_options()
def readout(
    session: Session,
    line: str,
    round_id: str,
    title: str | None,
    own_text: str,
    points: tuple[str, ...],
    file: Path | None,
    agreed_text: str | None,
    differences: str | None,
    confidential: bool,
    delivery: Delivery,
) -> None:
    """Give this desk's readout of ROUND on LINE.

    A later one replaces it.
    """
    said = [*map(_point, points), *([] if file is None else _read_points(file))]
    fields = {"event": round_id, "title": title, "own_text": own_text, "points": said, "agreed_text": agreed_text}
    fields |= {"differences": differences, "publication": "confidential" if confidential else "published"}
    with _step(session, line, delivery, about=round_id) as step:
        step.say("readout", fields)


@command(name="close", example="watchline --home tokyo talks close beijing ours:3 --outcome concluded")
@line_argument
@round_argument
@click.option("--outcome", required=True, type=click.Choice(OUTCOMES), help="How it ends.")
@click.option("--next", "next_date", metavar="WHEN", help="When it goes on, if it is adjourned.")
@click.option("--reason", help="Why.")
@delivery_options()
def close(
    session: Session,
    line: str,
    round_id: str,
    outcome: str,
    next_date: str | None,
    reason: str | None,
    delivery: Delivery,
) -> None:
    """Say that ROUND on LINE ends.

    Concluded or adjourned it is once the other side says so too; abandoned it is by one side's word.
    """
    fields = {"of": round_id, "outcome": outcome, "next": next_date, "reason": reason}
    with _step(session, line, delivery, about=round_id) as step:
        step.say("close", fields)


@command(
    name="arrange",
    example='watchline --home tokyo talks arrange beijing --name "Yearly" --level director --every year '
    "--first 2023-11-01T01:00:00Z --mode video",
)
@line_argument
@click.option("--name", required=True, help="What it is called.")
@click.option("--level", required=True, type=click.Choice(LEVELS), help="Who meets.")
@click.option("--every", required=True, type=click.Choice(INTERVALS), help="How often.")
@click.option("--first", required=True, metavar="TIME", help="The first time, RFC 3339.")
@click.option("--minutes", type=click.IntRange(1), help="How long.")
@click.option("--mode", required=True, type=click.Choice(MODES), help="How they meet.")
@place_option
@click.option("--until", metavar="TIME", help="The end of it, RFC 3339; without it, it goes on.")
@click.option("--round", "round_id", metavar="ROUND", help="The round that it is made in.")
@click.option("--replaces", metavar="ID", help="The arrangement that it replaces.")
@click.option("--review", is_flag=True, help="The yearly review is on its agenda.")
@exercise_option
@delivery_options()
def arrange(
    session: Session,
    line: str,
    name: str,
    level: str,
    every: str,
    first: str,
    minutes: int | None,
    mode: str,
    place: str | None,
    until: str | None,
    round_id: str | None,
    replaces: str | None,
    review: bool,
    exercise: bool,
    delivery: Delivery,
) -> None:
    """Propose a standing arrangement on LINE: meetings that recur."""
    fields = {"name": name, "level": level, "every": every, "first": first, "duration": minutes, "mode": mode, "place": place}
    fields |= {"until": until, "meeting": round_id, "replaces": replaces, "review": True if review else None}
    with _step(session, line, delivery, about=round_id or replaces, exercise=exercise) as step:
        step.say("arrangement", fields)


@command(name="withdraw", example='watchline --home tokyo talks withdraw beijing ours:5 --reason "settled otherwise"')
@line_argument
@id_argument
@click.option("--reason", required=True, help="Why; the other desk reads it.")
@click.option("--new", metavar="ID", help="What is said in its place, if that was said already.")
@delivery_options(rungs=("received",), waits="the other side has it")
def withdraw(session: Session, line: str, id: str, reason: str, new: str | None, delivery: Delivery) -> None:  # noqa: A002
    """Withdraw ID of this desk's own on LINE.

    ID is a proposal, an item, or a text that nobody has accepted. What the other side accepted before it could see this stands.
    """
    with _step(session, line, delivery, about=id) as step:
        step.withdraw(id, {"of": id, "reason": reason, "new": new})


class _Step:
    """One step of talks on a line: what the node says of it, and how it is said."""

    def __init__(
        self, session: Session, home: Home, caller: Caller, line: str, delivery: Delivery, *, exercise: bool = False
    ) -> None:
        self._session = session
        self._home = home
        self._caller = caller
        self._delivery = delivery
        self._exercise = exercise
        self._facts: Json = caller.call("line_facts", line=line)

    def resolve(self, id: str) -> Json:  # noqa: A002 - as in `counter`
        """What the node tells of an entry."""
        return self._caller.call("resolve", line=self._facts["name"], entry=id)

    def entry(self, id: str) -> Json:  # noqa: A002 - as in `counter`
        """An entry as `show` gives it."""
        found: Json = self._caller.call("entries", line=self._facts["name"], entry=id)["entries"][0]
        return found

    def commitment(self, id: str) -> Json:  # noqa: A002 - as in `counter`
        """The commitment that has a text of this id. Raises UsageError if none has."""
        meant = self.resolve(id)["id"]
        for each in self._caller.call("talks_commitments", line=self._facts["name"])["commitments"]:
            if meant in {each["id"], *(version["id"] for version in each["versions"])}:
                found: Json = each
                return found
        raise UsageError(
            f"{id} is no commitment", hint=f"see what was agreed: watchline talks commitments {self._facts['name']}", id=id
        )

    def say(self, form: str, fields: Json) -> None:
        """Say it as a notice of its own."""
        self._compose(form, fields, None)

    def answer(self, id: str, form: str, fields: Json) -> None:  # noqa: A002 - as in `counter`
        """Say it as an answer to a notice of the peer's present incarnation; else as a notice of its own."""
        entry = self.resolve(id)
        present = (entry["peer_inc"], entry["inc"]) == (self._facts["our_inc"], self._facts["their_inc"])
        self._compose(form, fields, None if entry["own"] or not present else entry)

    def withdraw(self, id: str, fields: Json) -> None:  # noqa: A002 - as in `counter`
        """Withdraw an entry of this desk's own."""
        from watchline.desk import saying

        fields = _filled_in(fields)
        self._check(saying.WITHDRAWAL, fields)
        given = {name: value for name, value in fields.items() if name != "of"}
        self._say(saying.withdrawal(self._facts, self.resolve(id), given, self._resolver()))

    def _compose(self, code: str, fields: Json, answered: Json | None) -> None:
        from watchline.catalogue import load_catalogue
        from watchline.desk import saying

        form, fields = load_catalogue().form(code), _filled_in(fields)
        self._check(code, fields)
        if answered is not None and code == "decline":
            self._say(saying.decline(self._facts, answered, fields.get("reason")))
            return
        said = saying.notice(
            self._facts, form, fields, self._resolver(), precedence=0, exercise=self._exercise, answered=answered
        )
        self._say(said)

    def _check(self, kind: str, fields: Json) -> None:
        """Raise UsageError, before anybody types a passphrase, if the move would not count."""
        self._caller.call("talks_check", line=self._facts["name"], kind=kind, fields=fields, exercise=self._exercise)

    def _resolver(self) -> Callable[[str], Sequence[int]]:
        return resolver(self._caller, self._facts["name"])

    def _say(self, said: Said) -> None:
        say(self._session, self._home, self._caller, self._facts, said, self._delivery)


@contextmanager
def _step(
    session: Session, line: str, delivery: Delivery, *, about: str | None = None, exercise: bool = False
) -> Iterator[_Step]:
    """about: an entry of the talks that the step belongs to: it is part of an exercise if that is."""
    with session.desk() as (home, caller):
        drill = exercise if about is None else caller.call("resolve", line=line, entry=about)["exercise"]
        if exercise and not drill:
            raise UsageError(f"{about} is no exercise, so this is none", hint="leave out --exercise", id=about)
        yield _Step(session, home, caller, line, delivery, exercise=drill)


def _filled_in(fields: Json) -> Json:
    return {name: value for name, value in fields.items() if value is not None}


def _chosen_date(step: _Step, id: str, date: str | None) -> Any:  # noqa: A002 - as in `counter`
    """The date that an acceptance names: the only one offered, or the one that was typed. None where none is offered.

    A counter-proposal that names no dates has those of what it counters.
    """
    entry = step.entry(id)
    while entry["form"] == "counter-proposal" and "dates" not in entry["fields"]:
        entry = step.entry(entry["fields"]["of"])
    offered = entry["fields"].get("dates", []) if entry["form"] in ("talks-proposal", "counter-proposal") else []
    if date is not None and date.isdecimal() and 1 <= int(date) <= len(offered):
        return offered[int(date) - 1]
    if date is None and len(offered) > 1:
        listed = [f"{place}: {_date_shown(each)}" for place, each in enumerate(offered, start=1)]
        raise UsageError("which of the dates offered?", hint=f"give --date: {'; '.join(listed)}", dates=listed)
    return offered[0] if date is None and offered else date


def _date_shown(when: Any) -> str:
    return when if isinstance(when, str) else f"{when['from']}/{when['to']} {when['words']}"


def _translation(given: str) -> tuple[str, str]:
    language, equals, text = given.partition("=")
    if not equals:
        raise UsageError(f"{given[:80]!r} is no LANG=TEXT", hint="give --translation ja=...")
    return language, text


def _point(given: str) -> Json:
    about, equals, text = given.partition("=")
    return {"about": about.split(","), **({"text": text} if equals else {})}


def _read_points(file: Path) -> list[Json]:
    try:
        points = json.loads(read_file(file, bytes_max=POINTS_BYTES_MAX))
    except ValueError:
        points = None
    if not isinstance(points, list):
        raise UsageError(
            f"{file} holds no points", hint='they are JSON: [{"about": ["ours:5"], "text": "..."}]', path=str(file)
        )
    return points
