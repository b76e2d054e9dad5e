"""The terms at each place of two logs, by the texts that evidence shows of them: read from values alone (rule 6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from tests.core.sample_desks import identity_key, roster, signed_certificate, terms
from watchline.core.amendments import Amendment, Entered
from watchline.core.entries import Continues, Leaf
from watchline.core.evidence_parts import ACCEPTER, INVITER, LogName
from watchline.core.evidence_terms import ShownTerms
from watchline.core.pairing_files import ShownOffer
from watchline.core.pairing_shown import PairedDesks
from watchline.core.terms import Terms

FIRST = terms()
SECOND, THIRD, FOURTH = (replace(FIRST, version=version, body_days=version) for version in (2, 3, 4))


@dataclass
class ShownLog:
    """What a file shows of one log: its entry 0, and the texts in it."""

    name: LogName
    first: Continues | None = field(default_factory=Continues)
    texts: tuple[Entered, ...] = ()

    def continues(self) -> Continues | None:
        return self.first

    def entered(self) -> tuple[Entered, ...]:
        return self.texts


def desks(*, lower: bool) -> PairedDesks:
    """Both desks; the inviter is the one with the lower id, or the other."""
    a, b = sorted(("A", "B"), key=lambda desk: identity_key(desk).identity.id, reverse=not lower)
    return PairedDesks(bytes(32), offer(a), offer(b), FIRST)


def offer(desk: str) -> ShownOffer:
    return ShownOffer(identity_key(desk).identity, signed_certificate(desk).certificate, roster(desk))


def name(author: str, inc: int = 1, peer_inc: int = 1) -> LogName:
    return LogName(author, inc, peer_inc)


def leaf(index: int, peer_size: int) -> Leaf:
    return Leaf(None, index, 1, 0, bytes(32), peer_size, bytes(32), None)  # type: ignore[arg-type]


def shown(*logs: ShownLog, lower: bool = True) -> ShownTerms:
    return ShownTerms(desks(lower=lower), logs)


def versions(found: Sequence[Terms]) -> list[int]:
    return [each.version for each in found]


def amended() -> tuple[ShownLog, ShownLog]:
    """Both enter the same text: a at 3 where it had stored 2 of b's, b at 5 where it had stored 4 of a's."""
    return ShownLog(name(INVITER), texts=(Entered(3, 2, SECOND),)), ShownLog(name(ACCEPTER), texts=(Entered(5, 4, SECOND),))


def test_without_an_amendment_the_terms_of_the_pairing_hold_everywhere() -> None:
    made = shown(ShownLog(name(INVITER)), ShownLog(name(ACCEPTER)))
    assert made.at(name(ACCEPTER), leaf(9, 9)) is FIRST
    assert made.newest is FIRST
    assert made.amendments == ()
    assert made.versions(name(INVITER)) == (FIRST,)


@pytest.mark.parametrize("lower", [True, False])
def test_place_sees_its_own_log_below_its_index_and_the_other_below_its_peer_size(lower: bool) -> None:
    made = shown(*amended(), lower=lower)
    places = {
        INVITER: [(3, 6), (4, 5), (4, 6)],
        ACCEPTER: [(5, 4), (6, 3), (6, 4)],
    }
    judged = {author: [made.at(name(author), leaf(*place)).version for place in found] for author, found in places.items()}
    assert judged == {INVITER: [1, 1, 2], ACCEPTER: [1, 1, 2]}
    assert made.newest == SECOND
    assert made.amendments == ((name(INVITER), Amendment(SECOND, 4, 6)),)
    assert versions(made.versions(name(INVITER))) == versions(made.versions(name(ACCEPTER))) == [1, 2]


def test_desk_with_the_higher_id_gives_the_order_of_two_texts() -> None:
    """Each enters both texts of one version, in another order: the first of the higher one that the lower had before counts."""
    other = replace(SECOND, body_days=77)
    inviter = ShownLog(name(INVITER), texts=(Entered(1, 0, SECOND), Entered(2, 0, other)))
    accepter = ShownLog(name(ACCEPTER), texts=(Entered(1, 3, other), Entered(2, 3, SECOND)))
    assert shown(inviter, accepter, lower=True).newest == other
    assert shown(inviter, accepter, lower=False).newest == other
    accepter = replace(accepter, texts=(Entered(1, 0, other), Entered(2, 0, SECOND)))
    assert shown(inviter, accepter, lower=True).newest == SECOND
    assert shown(inviter, accepter, lower=False).newest == other


def test_log_that_is_not_shown_amends_nothing() -> None:
    inviter, accepter = amended()
    assert shown(inviter).newest == FIRST
    assert shown(accepter).newest == FIRST
    assert shown(inviter).versions(name(INVITER)) == (FIRST,)


def later(author: str, own: int, peer: int, texts: tuple[Entered, ...] = (), *, inc: int = 1, peer_inc: int = 2) -> ShownLog:
    """A log of the pair in which the accepter is in its second incarnation, which goes on from the first pair."""
    first = Continues((1, 1), own, bytes(32), peer, bytes(32), 0)
    return ShownLog(name(author, inc, peer_inc), first, texts)


def test_terms_of_the_pair_before_go_on_to_the_end_that_both_desks_hold() -> None:
    for own, peer, version in ((4, 6, 2), (4, 5, 1), (3, 6, 1)):
        after = later(INVITER, own, peer), later(ACCEPTER, peer, own, inc=2, peer_inc=1)
        made = shown(*amended(), *after)
        assert made.at(name(INVITER, 1, 2), leaf(0, 0)).version == version
        assert made.at(name(ACCEPTER, 2, 1), leaf(0, 0)).version == version
        assert made.newest.version == version
        assert versions(made.versions(name(ACCEPTER, 2, 1))) == [version]


@pytest.mark.parametrize(("by_a", "by_b"), [((4, 6), (6, 3)), ((4, 5), (6, 4)), ((3, 6), (6, 4)), ((4, 6), (5, 4))])
def test_of_two_desks_that_hold_the_pair_before_to_different_ends_the_lesser_counts(
    by_a: tuple[int, int], by_b: tuple[int, int]
) -> None:
    made = shown(*amended(), later(INVITER, *by_a), later(ACCEPTER, *by_b, inc=2, peer_inc=1))
    assert made.newest == FIRST


def test_newest_terms_are_those_of_the_newest_pair_whatever_the_order_of_its_logs() -> None:
    after = (
        later(INVITER, 4, 6, (Entered(1, 1, THIRD),)),
        later(ACCEPTER, 6, 4, (Entered(2, 2, THIRD),), inc=2, peer_inc=1),
    )
    for logs in ((*amended(), *after), (*after, *amended())):
        made = shown(*logs)
        assert made.newest == THIRD
        assert made.amendments == (
            (name(INVITER), Amendment(SECOND, 4, 6)),
            (name(INVITER, 1, 2), Amendment(THIRD, 2, 3)),
        )
        assert versions(made.versions(name(INVITER, 1, 2))) == [2, 3]
        assert versions(made.versions(name(ACCEPTER, 1, 1))) == [1, 2]


def test_pair_that_skips_one_that_is_not_shown_begins_under_the_first_terms() -> None:
    made = shown(later(INVITER, 4, 6, (Entered(1, 1, FOURTH),)), later(ACCEPTER, 6, 4, inc=2, peer_inc=1))
    assert made.newest == FIRST
