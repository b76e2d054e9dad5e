"""The one table of a round of talks: what each side may do in each phase, and which phase follows.

A move is judged in the phase that its author could see. So the table says what may be done knowingly; moves that crossed are
both judged by it, each where it was made, and what becomes of them together is said in `rounds`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal


class Phase(StrEnum):
    """Where a round of talks stands."""

    PROPOSED = "proposed"  # texts on date, level and place are on the table
    ARRANGED = "arranged"  # these are agreed, and nothing was said yet
    OPEN = "open"  # from the first item, statement, commitment or close on
    CLOSING = "closing"  # one side would conclude or adjourn, the other has not agreed yet
    CONCLUDED = "concluded"  # both agreed to conclude
    ADJOURNED = "adjourned"  # both agreed to resume later
    ABANDONED = "abandoned"  # one side's word is enough
    DECLINED = "declined"  # nothing is left on the table: the last text was declined
    WITHDRAWN = "withdrawn"  # nothing is left on the table: the last text was withdrawn
    INTERRUPTED = "interrupted"  # the talks rest: a matter of time alone, see `Round.at`


OVER = frozenset({Phase.CONCLUDED, Phase.ADJOURNED, Phase.ABANDONED, Phase.DECLINED, Phase.WITHDRAWN})


class Act(StrEnum):
    """What a move does in a round. One kind of move may do several things, by what it answers."""

    COUNTER = "counter"
    ACCEPT_TEXT = "accept text"
    DECLINE_TEXT = "decline text"  # while another one stays on the table
    DECLINE_LAST_TEXT = "decline last text"
    WITHDRAW_TEXT = "withdraw text"
    WITHDRAW_LAST_TEXT = "withdraw last text"
    RAISE_ITEM = "raise item"
    AGREE_ITEM = "agree item"
    NOTE_ITEM = "note item"  # by a note, or by a decline, which is a note with a reason
    WITHDRAW_ITEM = "withdraw item"
    SPEAK = "speak"
    COMMIT = "commit"  # a first text of a commitment, or of a standing arrangement; what follows it belongs to that
    READ_OUT = "read out"
    CLOSE = "close"  # to conclude or adjourn
    ECHO_CLOSE = "echo close"  # to conclude, having seen that the other side would: that is agreed
    ACCEPT_CONCLUSION = "accept conclusion"
    ACCEPT_ADJOURNMENT = "accept adjournment"
    DECLINE_CLOSE = "decline close"
    DECLINE_LAST_CLOSE = "decline last close"
    WITHDRAW_CLOSE = "withdraw close"
    WITHDRAW_LAST_CLOSE = "withdraw last close"
    ABANDON = "abandon"


Whose = Literal["own", "other"]  # what is answered; of what answers nothing, the proposal of the round

# "." where it is not allowed. "any": what is one's own and what is the other side's alike; the other one of "own" and "other"
# is not allowed anywhere. Nothing is judged in `interrupted`: the phase in which a round rests goes on to judge its moves.
_TABLE = """
act                  whose  proposed   arranged   open       closing    concluded  adjourned  abandoned  declined  withdrawn interrupted

counter              any    proposed   .          .          .          .          .          .          .         .         .
accept text          other  arranged   .          .          .          .          .          .          .         .         .
decline text         other  proposed   .          .          .          .          .          .          .         .         .
decline last text    other  declined   .          .          .          .          .          .          .         .         .
withdraw text        own    proposed   .          .          .          .          .          .          .         .         .
withdraw last text   own    withdrawn  .          .          .          .          .          .          .         .         .

raise item           any    .          open       open       .          .          .          .          .         .         .
agree item           other  .          .          open       closing    .          .          .          .         .         .
note item            other  .          .          open       closing    .          .          .          .         .         .
withdraw item        own    .          .          open       closing    .          .          .          .         .         .
speak                any    .          open       open       closing    .          .          .          .         .         .
commit               any    .          open       open       .          .          .          .          .         .         .
read out             any    .          .          open       closing    concluded  adjourned  abandoned  .         .         .

close                any    .          closing    closing    closing    .          .          .          .         .         .
echo close           any    .          .          .          concluded  .          .          .          .         .         .
accept conclusion    other  .          .          .          concluded  .          .          .          .         .         .
accept adjournment   other  .          .          .          adjourned  .          .          .          .         .         .
decline close        other  .          .          .          closing    .          .          .          .         .         .
decline last close   other  .          .          .          open       .          .          .          .         .         .
withdraw close       own    .          .          .          closing    .          .          .          .         .         .
withdraw last close  own    .          .          .          open       .          .          .          .         .         .
abandon              any    .          abandoned  abandoned  abandoned  .          .          .          .         .         .
"""  # noqa: E501


def _read(table: str) -> dict[tuple[Phase, Act, Whose], Phase | None]:
    head, *rows = (line for line in table.splitlines() if line)
    phases = [Phase(name) for name in head.split()[2:]]
    every: tuple[Whose, Whose] = ("own", "other")
    found: dict[tuple[Phase, Act, Whose], Phase | None] = {}
    for row in rows:
        words = row.split()
        cells = words[-len(phases) :]
        act, said = Act(" ".join(words[: -len(phases) - 1])), words[-len(phases) - 1]
        for phase, cell in zip(phases, cells, strict=True):
            for whose in every:
                found[phase, act, whose] = Phase(cell) if said in {whose, "any"} and cell != "." else None
    return found


TABLE = _read(_TABLE)
