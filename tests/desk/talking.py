"""Two desks in talks: each step composed, checked and signed as the command line does it, with a test's officers."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Any

from tests.desk.desk_pair import LINE, DeskEnd, DeskPair
from tests.line_pair import party
from watchline.catalogue import load_catalogue
from watchline.core.entries import Body
from watchline.core.persons import assertion_challenge, sign_assertion
from watchline.core.release import asserted
from watchline.desk import saying
from watchline.desk.api import Api

Json = dict[str, Any]
chance = random.Random(17)


class Talker:
    """One desk's officer in talks."""

    def __init__(self, end: DeskEnd) -> None:
        self.end = end

    @property
    def line(self) -> str:
        return self.end.line.record.name

    def call(self, method: str, **params: Any) -> Json:
        return asyncio.run(Api(self.end.desk, live=True).call(method, params))

    def say(self, form: str, *, answers: str | None = None, checked: bool = True, exercise: bool = False, **fields: Any) -> str:
        """Say it; what it is called. answers: the notice of theirs that it answers. checked: ask first whether it counts."""
        if checked:
            self.call("talks_check", line=self.line, kind=form, fields=fields, exercise=exercise)
        facts = self.call("line_facts", line=self.line)
        entry = None if answers is None else self.call("resolve", line=self.line, entry=answers)
        said = saying.notice(
            facts, load_catalogue().form(form), fields, self._resolve, precedence=0, exercise=exercise, answered=entry
        )
        return self._compose(facts, said)

    def accept(self, name: str, *, checked: bool = True, **fields: Any) -> str:
        digest = self.call("resolve", line=self.line, entry=name)["digest"]
        return self.say("acceptance", answers=name, checked=checked, of=name, digest=digest, **fields)

    def decline(self, name: str, reason: str | None = None) -> str:
        facts = self.call("line_facts", line=self.line)
        return self._compose(facts, saying.decline(facts, self.call("resolve", line=self.line, entry=name), reason))

    def withdraw(self, name: str, reason: str = "said in error") -> str:
        facts = self.call("line_facts", line=self.line)
        entry = self.call("resolve", line=self.line, entry=name)
        return self._compose(facts, saying.withdrawal(facts, entry, {"reason": reason}, self._resolve))

    def acknowledge(self, name: str) -> None:
        facts = self.call("line_facts", line=self.line)
        self._compose(facts, saying.acknowledgement(facts, self.call("resolve", line=self.line, entry=name)))

    def round(self, name: str = "") -> Json:
        found: Json = self.call("talks_show", line=self.line, round=name)["round"]
        return found

    def _resolve(self, text: str) -> Sequence[int]:
        entry = self.call("resolve", line=self.line, entry=text)
        place = entry["inc"], entry["peer_inc"], entry["index"]
        return (*place, 1) if entry["own"] else place

    def _compose(self, facts: Json, said: saying.Said) -> str:
        nonce = chance.randbytes(16)
        purpose, what = asserted(said.type, Body(said.content), said.meant)
        challenge = assertion_challenge(purpose, LINE, self.end.line.line.setup.own_id, nonce, what)
        keys = party(self.end.desk.facts.name).officers[: max(1, said.people)]
        signed = [sign_assertion(number, key, challenge).to_value() for number, key in enumerate(keys, start=1)]
        done = self.call("compose", **saying.compose_parameters(facts, said, nonce, signed))
        name = done["id"]
        assert isinstance(name, str)
        return name


def talkers(pair: DeskPair) -> tuple[Talker, Talker]:
    return Talker(pair.a), Talker(pair.b)


def theirs(name: str) -> str:
    """What the other desk calls an entry of ours, and the other way round."""
    side, _, rest = name.partition(":")
    return f"{'theirs' if side == 'ours' else 'ours'}:{rest}"


def swapped(value: Any) -> Any:
    """What the other desk should be shown: every id and every side the other way round."""
    if isinstance(value, dict):
        return {swapped(name): swapped(each) for name, each in value.items()}
    if isinstance(value, list):
        return [swapped(each) for each in value]
    if not isinstance(value, str):
        return value
    if value.startswith(("ours:", "theirs:")):
        return theirs(value)
    return {"ours": "theirs", "theirs": "ours", "only_ours": "only_theirs", "only_theirs": "only_ours"}.get(value, value)
