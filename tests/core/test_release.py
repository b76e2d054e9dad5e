"""Who may change a roster by an entry of the log: the identity alone, or two administrators together (rule 3)."""

from __future__ import annotations

import pytest

from tests.line_pair import LINE, START, party
from watchline.core.encoding import encode
from watchline.core.entries import Body
from watchline.core.keys import Ed25519Key
from watchline.core.persons import Officer, Roster, assertion_challenge, sign_assertion, sign_roster
from watchline.core.release import verify_roster_entry
from watchline.errors import BadSignature, PeerError

KEYS = {number: Ed25519Key(bytes([number]) * 32) for number in (1, 2, 3)}
NONCE = b"a nonce, 16 byte"


def officer(number: int, role: str) -> Officer:
    return Officer(number, 0, KEYS[number].public, role, None, START - 9, START + 86_400)


CURRENT = Roster(1, (officer(1, "admin"), officer(2, "admin")))
NEXT = Roster(2, (officer(1, "admin"), officer(2, "admin"), officer(3, "duty")))
IDENTITY = party("Tokyo").identity


def by_administrators(*numbers: int, roster: Roster = NEXT, sender: bytes = IDENTITY.identity.id) -> Body:
    challenge = assertion_challenge("roster", LINE, sender, NONCE, roster.digest)
    signed = tuple(sign_assertion(number, KEYS[number], challenge).to_value() for number in numbers)
    return Body(encode([roster.encode(), None, None]), NONCE, signed)


def judged(body: Body) -> tuple[Roster, list[int]]:
    roster, signers = verify_roster_entry(body, CURRENT, IDENTITY.identity, LINE, START)
    return roster, [signer.officer.number for signer in signers]


def test_the_identity_alone_changes_a_roster() -> None:
    signature = sign_roster(IDENTITY, LINE, NEXT)
    assert judged(Body(encode([NEXT.encode(), signature.ed, signature.ml]))) == (NEXT, [])


def test_two_administrators_change_a_roster_together() -> None:
    assert judged(by_administrators(1, 2)) == (NEXT, [1, 2])


@pytest.mark.parametrize("numbers", [(), (1,), (1, 1), (1, 3)], ids=str)
def test_fewer_than_two_administrators_of_the_roster_in_force_change_nothing(numbers: tuple[int, ...]) -> None:
    with pytest.raises(PeerError):
        judged(by_administrators(*numbers))


def test_a_roster_that_another_identity_signed_is_refused() -> None:
    signature = sign_roster(party("Beijing").identity, LINE, NEXT)
    with pytest.raises(BadSignature):
        judged(Body(encode([NEXT.encode(), signature.ed, signature.ml])))


def test_half_of_the_identitys_signature_is_refused_even_with_two_administrators() -> None:
    signature = sign_roster(IDENTITY, LINE, NEXT)
    assertions = by_administrators(1, 2).assertions
    for halves in ([signature.ed, None], [None, signature.ml]):
        with pytest.raises(PeerError):
            judged(Body(encode([NEXT.encode(), *halves]), NONCE, assertions))


def test_what_administrators_of_another_desk_or_for_another_roster_asserted_is_refused() -> None:
    with pytest.raises(BadSignature):
        judged(by_administrators(1, 2, sender=party("Beijing").identity.identity.id))
    other = by_administrators(1, 2, roster=Roster(2, NEXT.officers[:2]))
    with pytest.raises(BadSignature):
        judged(Body(encode([NEXT.encode(), None, None]), NONCE, other.assertions))


def test_a_roster_that_skips_a_version_is_refused() -> None:
    with pytest.raises(PeerError):
        judged(by_administrators(1, 2, roster=Roster(3, NEXT.officers)))
