"""How an officer signs at the console: with the key in the home, opened by the officer's passphrase for one signature.

The key is open in the node's process for that moment. The passphrase is not kept, and stands in no log.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from watchline.catalogue import load_catalogue
from watchline.catalogue.times import format_time
from watchline.core.entries import NONCE_BYTES
from watchline.core.setting import Moment
from watchline.desk import saying
from watchline.desk.officers import OfficerKey, officer_names, open_officer_key
from watchline.errors import SecretError, UsageError

Json = dict[str, Any]
WRONG_MAX, WRONG_SECONDS = 5, 60.0  # a passphrase costs a quarter of a second and 64 MiB
MINUTES_MAX = 7 * 24 * 60


class Signing:
    """Acknowledges, holds and declines for officers. ask: the desk's api. folder: where the officers' keys are."""

    def __init__(self, ask: Callable[..., Awaitable[Json]], folder: Path, moment: Callable[[], Moment]) -> None:
        self._ask = ask
        self._folder = folder
        self._moment = moment
        self._opening = asyncio.Lock()
        self._wrong = 0
        self._again_at = float("-inf")

    def officers(self) -> list[str]:
        """Who has a key here."""
        return officer_names(self._folder)

    async def acknowledge(self, line: str, entry: str, officer: str, passphrase: str) -> Json:
        """Say that this officer has read their notice; the same again is the same entry."""
        facts, meant = await self._meant(line, entry, "acknowledged")
        once = f"console acknowledge {entry} {officer}"
        return await self._say(facts, saying.acknowledgement(facts, meant), officer, passphrase, once)

    async def decline(self, line: str, entry: str, officer: str, passphrase: str, reason: str) -> Json:
        """Say that there will be no answer."""
        facts, meant = await self._meant(line, entry, "answered")
        saying.check_answers(load_catalogue().form("decline"), meant)
        return await self._say(facts, saying.decline(facts, meant, reason), officer, passphrase, None)

    async def hold(self, line: str, entry: str, officer: str, passphrase: str, reason: str, minutes: int) -> Json:
        """Say by when there will be an answer. minutes: from now."""
        if not 1 <= minutes <= MINUTES_MAX:
            raise UsageError(f"an answer is promised for 1 to {MINUTES_MAX} minutes from now", hint="give a number of minutes")
        facts, meant = await self._meant(line, entry, "answered")
        form = load_catalogue().form("holding-reply")
        saying.check_answers(form, meant)
        typed = {"of": entry, "answer_by": format_time(self._moment().wall + 60 * minutes)}
        typed |= {"reason": reason} if reason.strip() else {}
        precedence, exercise = meant["precedence"] or 0, meant["exercise"]
        said = saying.notice(
            facts, form, typed, _place_of(entry, meant), precedence=precedence, exercise=exercise, answered=meant
        )
        return await self._say(facts, said, officer, passphrase, None)

    async def _meant(self, line: str, entry: str, what: str) -> tuple[Json, Json]:
        facts = await self._ask("line_facts", line=line)
        meant = await self._ask("resolve", line=line, entry=entry)
        saying.check_theirs(facts, meant, entry, what)
        return facts, meant

    async def _say(self, facts: Json, said: saying.Said, officer: str, passphrase: str, once: str | None) -> Json:
        saying.check_people(said, 1)
        key = await self._open(officer, passphrase)
        nonce = os.urandom(NONCE_BYTES)
        _, signature = saying.signature(key, facts, said, nonce)
        answer = await self._ask("compose", **saying.compose_parameters(facts, said, nonce, [signature]), once=once)
        return {"id": answer["id"], "rung": answer["rung"]}

    async def _open(self, officer: str, passphrase: str) -> OfficerKey:
        """One key at a time, beside the event loop; and after WRONG_MAX wrong passphrases in a row none for a while."""
        async with self._opening:
            if self._moment().running < self._again_at:
                raise SecretError("too many wrong passphrases", hint=f"wait {WRONG_SECONDS:g} seconds, then try again")
            try:
                key = await asyncio.to_thread(open_officer_key, self._folder, officer, passphrase)
            except SecretError:
                self._wrong += 1
                if self._wrong >= WRONG_MAX:
                    self._wrong, self._again_at = 0, self._moment().running + WRONG_SECONDS
                raise
            self._wrong = 0
            return key


def _place_of(entry: str, meant: Json) -> Callable[[str], Sequence[int]]:
    """A holding reply refers to what it answers and to nothing else."""

    def resolve(text: str) -> Sequence[int]:
        if text != entry:
            raise UsageError(f"this refers to {entry}", hint="leave the reference as it is")
        return (meant["inc"], meant["peer_inc"], meant["index"])

    return resolve
