"""Commands of one renewal that meet, or that end in the middle (rule 5)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.desk.open_homes import unlocked
from tests.desk.sample_homes import unlock
from tests.desk.test_kept_secrets import offer, secrets, step
from watchline.core.pairing import Pairing
from watchline.desk.ceremony import own_desk
from watchline.desk.home import Home
from watchline.desk.local import Caller, connect
from watchline.desk.medium import kept_pairings
from watchline.desk.renewal_ceremony import Renewing
from watchline.desk.spare import GivenOut, given_out
from watchline.errors import RouteError, UsageError


class Killed(Exception):
    """The command ends here."""


class DyingCaller:
    """A command that is killed before it asks for `method`, or as soon as that is done."""

    running = False

    def __init__(self, caller: Caller, method: str, *, done: bool) -> None:
        self._caller = caller
        self._method = method
        self._done = done

    def call(self, method: str, patience_seconds: float = 30.0, **params: Any) -> dict[str, Any]:
        if method == self._method and not self._done:
            raise Killed
        answer = self._caller.call(method, patience_seconds, **params)
        if method == self._method:
            raise Killed
        return answer


class NodeThatEnds:
    """A Caller whose node is there until `ended`, and answers nothing any more then."""

    running = True
    ended = False

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def call(self, method: str, patience_seconds: float = 30.0, **params: Any) -> dict[str, Any]:
        if self.ended:
            raise RouteError("no node answers in this home")
        return self._caller.call(method, patience_seconds, **params)


def on_medium(desks: Path, name: str = "tokyo") -> Pairing:
    folder = desks / name / "identity"
    [kept] = kept_pairings(folder, unlocked(folder).medium)
    return kept


def at_once(desks: Path, name: str, first: Callable[[Renewing], object], second: Callable[[Renewing], object]) -> None:
    """Two commands of one desk: the second one had read how the line stands before the first one went a step."""
    home = Home.open(desks / name)
    with connect(home) as caller:
        line = "beijing" if name == "tokyo" else "tokyo"
        one, two = (Renewing(caller, home, own_desk(caller), unlock(home), line, None) for _ in range(2))
        first(one)
        second(two)


def test_answer_that_waited_for_a_passphrase_while_file_3_was_taken_is_not_given_away(desks: Path) -> None:
    """The other desk, which began anew, would forget the secret that this one has taken."""
    file3 = offer(desks, "first-").read_bytes()
    step(desks, "tokyo", None, desks / "again1")
    file1 = (desks / "again1").read_bytes()
    with pytest.raises(UsageError, match="has gone a step"):
        at_once(desks, "beijing", lambda take: take.go_on(file3, None), lambda answer: answer.go_on(file1, desks / "again2"))
    assert not (desks / "again2").exists()


@pytest.mark.slow
def test_file_3_is_not_taken_once_another_command_has_answered_anew(desks: Path) -> None:
    """That answer ends the renewal of this file 3: its maker forgets what it brought when it completes the new one."""
    file3 = offer(desks, "first-").read_bytes()
    step(desks, "tokyo", None, desks / "again1")
    file1 = (desks / "again1").read_bytes()
    with pytest.raises(UsageError, match="has gone a step"):
        at_once(desks, "beijing", lambda answer: answer.go_on(file1, desks / "again2"), lambda take: take.go_on(file3, None))
    step(desks, "tokyo", desks / "again2", desks / "again3")
    step(desks, "beijing", desks / "again3", None)
    assert secrets(desks / "beijing").next == secrets(desks / "tokyo").next


def test_medium_keeps_what_the_journal_has_where_two_commands_complete_one_renewal(desks: Path) -> None:
    step(desks, "tokyo", None, desks / "1")
    step(desks, "beijing", desks / "1", desks / "2")
    file2 = (desks / "2").read_bytes()
    with pytest.raises(UsageError, match="has gone a step"):
        at_once(desks, "tokyo", lambda one: one.go_on(file2, desks / "3"), lambda two: two.go_on(file2, desks / "other"))
    assert on_medium(desks).secrets == secrets(desks / "tokyo")
    assert not (desks / "other").exists()


def test_medium_keeps_what_the_journal_has_where_the_node_ends_before_the_second_of_two_commands_stores(desks: Path) -> None:
    """Nobody could bring this home back: the secret of the file 3 that was given away was nowhere else (seeds 22080, 22370)."""
    step(desks, "tokyo", None, desks / "1")
    step(desks, "beijing", desks / "1", desks / "2")
    file2, home = (desks / "2").read_bytes(), Home.open(desks / "tokyo")
    with connect(home) as caller:
        node = NodeThatEnds(caller)
        one, two = (Renewing(each, home, own_desk(each), unlock(home), "beijing", None) for each in (caller, node))
        one.go_on(file2, desks / "3")
        node.ended = True
        with pytest.raises(RouteError):
            two.go_on(file2, desks / "other")
    assert on_medium(desks).secrets == secrets(desks / "tokyo")


@pytest.mark.slow
@pytest.mark.parametrize("done", [False, True])
def test_spare_is_outdated_and_the_medium_not_behind_wherever_the_command_that_makes_file_3_ends(
    desks: Path, done: bool
) -> None:
    step(desks, "tokyo", None, desks / "1")
    step(desks, "beijing", desks / "1", desks / "2")
    home = Home.open(desks / "tokyo")
    with connect(home) as caller:
        line = bytes.fromhex(caller.call("line_rows")["lines"][0]["line"])
        spare = GivenOut(2, 2, 0, 1, 1, (line,))
        caller.call("document_put", kind="spares", key="2", value=spare.encode().hex(), sealed=False)
        dying = DyingCaller(caller, "renewal_put", done=done)
        with pytest.raises(Killed):
            Renewing(dying, home, own_desk(caller), unlock(home), "beijing", None).go_on(
                (desks / "2").read_bytes(), desks / "3"
            )
        assert [each.lines for each in given_out(caller)] == [()]
    assert on_medium(desks).secrets.newest == 1
    assert not (desks / "3").exists()
    step(desks, "tokyo", desks / "2", desks / "3")
    assert on_medium(desks).secrets == secrets(desks / "tokyo")
    step(desks, "beijing", desks / "3", None)
    assert secrets(desks / "beijing").next == secrets(desks / "tokyo").next


@pytest.mark.slow
def test_medium_forgets_the_secret_of_a_file_3_that_was_never_taken_when_another_renewal_is_answered(desks: Path) -> None:
    """Else a new incarnation would speak under it, and the other desk has forgotten it."""
    file3 = offer(desks, "first-").read_bytes()
    home = Home.open(desks / "beijing")
    with connect(home) as caller:
        dying = DyingCaller(caller, "renewal_put", done=False)
        with pytest.raises(Killed):
            Renewing(dying, home, own_desk(caller), unlock(home), "tokyo", None).go_on(file3, None)
    assert on_medium(desks, "beijing").secrets.newest == 1
    offer(desks)
    assert on_medium(desks, "beijing").secrets == secrets(desks / "beijing") != secrets(desks / "tokyo")
