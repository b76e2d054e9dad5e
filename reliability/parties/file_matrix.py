"""The matrix of files and bodies: each whole object of another desk, line, incarnation, purpose, signer or pairing; and each
object in the place of each other one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from itertools import permutations

from reliability.parties.attempts import Attempt, ReaderSlot, Slot, of
from reliability.parties.files import (
    IDENTITY_PURPOSES,
    MEANT,
    ROSTER,
    SIGNED,
    asserted,
    certificate_reader,
    changed_files,
    next_roster,
    other_line,
    other_pairing,
    read_roster,
    read_three,
    readables,
    reader_of_entry,
    renewed,
    right_signers,
    roster_by_identity,
    shown_by,
    signed_as,
    signed_for,
)
from reliability.parties.promises import STATEMENTS, wrong_certificates_of_silence, wrong_words_of_a_watch
from reliability.parties.renewals import genuine, wrong_renewal_files
from tests.core.sample_desks import accept, identity_key, invite, officer, paired, roster, seeded, signed_certificate, terms
from watchline.core import certificate as certificates
from watchline.core import pairing as pairings
from watchline.core import persons
from watchline.core import renewal as renewals
from watchline.core.certificate import Certificate, issue
from watchline.core.encoding import Value, decode, encode
from watchline.core.keys import seal_to
from watchline.core.pairing import MAGIC, accept_invitation, complete_acceptance, complete_invitation, read_invitation
from watchline.core.persons import MAY, PURPOSES, Roster

Expected = frozenset[str]


def all_of_files() -> Iterator[Attempt]:
    """Everything of this module, and each single change."""
    yield from changed_files()
    yield from wrong_certificates()
    yield from wrong_pairing_files()
    yield from wrong_renewal_files()
    yield from wrong_rosters()
    yield from wrong_assertions()
    yield from wrong_certificates_of_silence()
    yield from wrong_words_of_a_watch()
    yield from wrong_identities()
    yield from objects_in_other_places()


# --- certificates


def wrong_certificates() -> Iterator[Attempt]:
    """Certificates of other desks, lines, serials and incarnations, each signed by the identity that it names (rule 2)."""
    first, next_inc = signed_certificate("A").certificate, renewed(inc=2, keys=2)
    for about, offered, known, outcomes in (
        ("of the peer itself", renewed(desk="B"), None, of("wrong-party 2")),
        ("of a third desk", renewed(desk="C"), None, of("wrong-party 2")),
        ("for another line", renewed(on=other_line()), None, of("wrong-party 2")),
        ("that counts already", first, None, of("wrong-party 2")),
        ("of an older serial", first, renewed(), of("wrong-party 2")),
        ("of one serial twice", replace(first, not_after=first.not_after + 1), None, of("contradiction 2")),
        ("of the same incarnation with other keys", renewed(keys=2), None, of("wrong-party 2")),
        ("of a new incarnation with old keys", renewed(inc=2), None, of("wrong-party 2")),
        ("of an older incarnation", replace(renewed(), serial=3), next_inc, of("wrong-party 2")),
        ("of an older incarnation that takes a revocation back", replace(renewed(), serial=3), _revoked(), of("wrong-party 2")),
    ):
        signer = next(desk for desk in "ABC" if identity_key(desk).identity.id == offered.desk)
        made = issue(identity_key(signer), offered).encoded
        yield Attempt(f"certificate {about}", ReaderSlot(certificate_reader(known)), made, outcomes)


def _revoked() -> Certificate:
    return renewed(inc=2, keys=2, revoked=True)


# --- identities


def wrong_identities() -> Iterator[Attempt]:
    """What each identity signs, signed by each other one, for each other purpose, or by halves of two."""
    for name, purpose, outcomes in (
        ("certificate", certificates.PURPOSE, of("bad-signature 2")),
        ("certificate with a revocation", certificates.PURPOSE, of("bad-signature 2")),
        ("pairing file 1", pairings.PURPOSE, of("bad-signature 5")),
        ("pairing file 2", pairings.PURPOSE, of("bad-signature 5")),
        ("pairing file 3", pairings.PURPOSE, of("bad-signature 5")),
        *((f"renewal file {number}", renewals.PURPOSE, of("bad-signature 5")) for number in (1, 2, 3)),
        ("roster by identity", persons.ROSTER_PURPOSE, of("bad-signature 4")),
    ):
        genuine = readables()[name]
        signer = "B" if name.endswith(" file 2") else "A"
        body, ed, ml, *more = genuine.value
        message = encode([paired()[1].line, body]) if name == "roster by identity" else body
        for other in "ABC":
            for made_for in IDENTITY_PURPOSES:
                if (other, made_for) == (signer, purpose):
                    continue
                _, other_ed, other_ml = decode(signed_as(identity_key(other), made_for, message))
                for about, halves in {"": (other_ed, other_ml), "ed ": (other_ed, ml), "ml ": (ed, other_ml)}.items():
                    value = genuine.encode([body, *halves, *more])
                    yield Attempt(f"{name}, {about}signed by {other} as {made_for}", genuine.slot, value, outcomes)


# --- pairing


def wrong_pairing_files() -> Iterator[Attempt]:
    """Files of other steps, of other pairings of these desks and with a third, at each step; secrets passed on (rule 5)."""
    files = {f"file {number}": file for number, file in enumerate(paired()[0], start=1)}
    for about, one, other in (
        ("another pairing", "A", "B"),
        ("A's pairing with C", "A", "C"),
        ("C's pairing with B", "C", "B"),
    ):
        for number, file in enumerate(other_pairing(one, other)[0], start=1):
            files[f"file {number} of {about}"] = file
    for step, slot in _steps().items():
        number = int(step[-1])
        for about, file in files.items():
            if about == f"file {number}" or _begins_a_pairing_of_its_own(step, about):
                continue
            outcomes = of("wrong-party 5")
            yield Attempt(f"{about} where {step} is wanted", slot, file, outcomes)
    for number, file in enumerate(shown_by(1), start=1):
        for step, slot in _steps().items():
            yield Attempt(f"file {number} of an earlier version where {step} is wanted", slot, file, of("malformed 5"))
    for form in (1, 2):
        yield from _wrong_shown(form)
    yield Attempt("file 1 accepted by the desk that made it", ReaderSlot(_accept_as_a), paired()[0][0], of("wrong-party 5"))
    yield from _secrets_passed_on()


def _wrong_shown(form: int) -> Iterator[Attempt]:
    """Parts of other places, other pairings and the other form, where evidence shows a pairing by files of this form."""
    parts = {
        "": shown_by(form),
        " of another pairing": shown_by(form, again=True),
        " of A's pairing with C": shown_by(form, "A", "C"),
        " of C's pairing with B": shown_by(form, "C", "B"),
        " of the other form": shown_by(3 - form),
    }
    for number in (1, 2, 3):
        slot = ReaderSlot(read_three(number, form))
        for about, shown in parts.items():
            for place, part in enumerate(shown, start=1):
                if (about, place) == ("", number):
                    continue
                outcomes = of("wrong-party 5")
                if about.endswith("form"):
                    outcomes |= of("malformed 5")
                elif form == 2 and (place == 1) != (number == 1):  # one without signatures, one with them
                    outcomes = of("malformed 5")
                name = f"part {place}{about} in the place of part {number}, form {form}"
                yield Attempt(name, slot, part, outcomes)


def _accept_as_a(data: Value) -> object:
    return accept_invitation(data, identity_key("A"), signed_certificate("A"), roster("A"), (), seeded("own"))


def _steps() -> dict[str, Slot]:
    _, invitation = invite()
    _, acceptance = accept(paired()[0][0])
    return {
        "step 1": ReaderSlot(read_invitation),
        "step 2": ReaderSlot(lambda data: complete_invitation(invitation, data, identity_key("A"), seeded("again"))),
        "step 3": ReaderSlot(lambda data: complete_acceptance(acceptance, data)),
    }


def _begins_a_pairing_of_its_own(step: str, about: str) -> bool:
    """Whether a file is no wrong one there: anybody may invite, and whose invitation it is, people read and compare."""
    return step == "step 1" and about.startswith("file 1")


def _secrets_passed_on() -> Iterator[Attempt]:
    """Files 2 and 3, signed by the right identity, with a secret that was sealed for another pairing, direction or desk."""
    for number, signer, receiver in ((2, "B", "A"), (3, "A", "B")):
        genuine = readables()[f"pairing file {number}"]
        values, undisclosed = decode(genuine.value[0]), decode(genuine.value[3])
        kem = _undisclosed(paired()[0][0 if number == 2 else 1])[0]
        names = [identity_key(desk).identity.id for desk in "ABC"]
        secrets = {"of another pairing": _undisclosed(other_pairing()[0][number - 1])[-1]}
        for sender, to in permutations(names, 2):
            if (sender, to) != (identity_key(signer).identity.id, identity_key(receiver).identity.id):
                info = b"watchline/1 pairing secret" + sender + to
                secrets[f"from {names.index(sender)} to {names.index(to)}"] = seal_to(kem, bytes(32), info)
        secrets["for another purpose"] = seal_to(kem, bytes(32), b"watchline/1 kept pairing" + names[0] + names[1])
        for about, secret in secrets.items():
            hidden = encode([*undisclosed[:-1], secret])
            values[4 if number == 2 else 2] = sha256(hidden).digest()
            value = MAGIC + signed_as(identity_key(signer), pairings.PURPOSE, encode(values), hidden)
            yield Attempt(f"pairing file {number} with a secret {about}", genuine.slot, value, of("wrong-party 5"))


def _undisclosed(file: bytes) -> list[bytes]:
    """The values of a file's undisclosed part."""
    values: list[bytes] = decode(decode(file[len(MAGIC) :])[3])
    return values


# --- people


def wrong_rosters() -> Iterator[Attempt]:
    """Rosters of another line, desk or version, by the identity that signs them so (rules 3 and 4)."""
    slot = ReaderSlot(read_roster)
    other_key = Roster(2, (*ROSTER.officers[:-1], replace(officer("A", 6), number=ROSTER.officers[-1].number)))
    for about, made, outcomes in (
        ("of another line", roster_by_identity(on=other_line()), of("bad-signature 4")),
        ("by the peer itself", roster_by_identity(desk="B"), of("bad-signature 4")),
        ("by a third desk", roster_by_identity(desk="C"), of("bad-signature 4")),
        ("of the version that holds", roster_by_identity(roster=ROSTER), of("wrong-party 3")),
        ("of a version too far", roster_by_identity(roster=replace(next_roster(), version=3)), of("wrong-party 3")),
        ("with a number given to another key", roster_by_identity(roster=other_key), of("wrong-party 3")),
    ):
        yield Attempt(f"roster {about}", slot, made, outcomes)


def wrong_assertions() -> Iterator[Attempt]:
    """Assertions for another purpose, line, desk, nonce or content, by others than may, too few or twice (rules 3 and 8)."""
    forged, may_not = of("bad-signature 3"), of("wrong-party 3")
    for name in SIGNED:
        slot, right = ReaderSlot(reader_of_entry(name)), right_signers(name)
        purpose, what = signed_for(name)
        wrong = {
            "of another line": (asserted(name, on=other_line()), forged),
            "in the name of the peer": (asserted(name, desk="B"), forged),
            "by officers of the peer": (asserted(name, keys_of="B"), forged),
            "by officers of a third desk": (asserted(name, keys_of="C", desk="C"), forged),
            "under another nonce": (asserted(name, nonce=bytes(16)), forged),
            "of nobody": (asserted(name, shown_nonce=bytes(16)), forged),
            "twice by one officer": (asserted(name, signers=(right[0], right[0])), may_not),
            "by a number that nobody has": (asserted(name, signers=(*right[1:], 99)), may_not),
        }
        for other in PURPOSES:
            if other != purpose:
                wrong[f"for {other}"] = asserted(name, purpose=other), forged
        for each in SIGNED:
            other, meant = signed_for(each)
            if each != name:
                wrong[f"as {each}"] = asserted(name, purpose=other, what=meant), forged
            if meant != what:
                wrong[f"of what {each} says"] = asserted(name, what=meant), forged
        if SIGNED[name][1] is not None:
            wrong["of another entry"] = asserted(name, what=signed_for(name, MEANT._replace(at=MEANT.at + 1))[1]), forged
        for each_officer in ROSTER.officers:
            if each_officer.role not in MAY[purpose]:
                signers = (*right[1:], each_officer.number)
                wrong[f"by {each_officer.role} {each_officer.number}"] = asserted(name, signers=signers), may_not
        if len(right) > 1:
            wrong["by one officer alone"] = asserted(name, signers=right[:1]), may_not
        for about, (body, outcomes) in wrong.items():
            yield Attempt(f"{name} asserted {about}", slot, body, outcomes, asserted(name))


# --- everything everywhere


def other_objects() -> dict[str, bytes]:
    """Each object of this module and of a pairing, as bytes, and encodings that nobody signs."""
    _, ours, _ = paired()
    _, invitation = invite()
    _, acceptance = accept(paired()[0][0])
    keyed = {name: each.genuine for name, each in readables().items()}
    return keyed | {
        "certificate's body": readables()["certificate"].value[0],
        "pairing file's envelope": paired()[0][0][len(MAGIC) :],
        "identity": identity_key("A").identity.encode(),
        "identity key": identity_key("A").encode(),
        "roster": ROSTER.encode(),
        "terms": terms().encode(),
        "pending invitation": invitation.encode(),
        "pending acceptance": acceptance.encode(),
        "kept pairing": ours.encode(),
        "begun renewal": genuine().answered.encode(),
        "LINE": ours.line,
    }


def objects_in_other_places() -> Iterator[Attempt]:
    """Each of them where each other one is read."""
    for wanted, readable in readables().items():
        for name, data in other_objects().items():
            if name == wanted or _is_the_same_there(wanted, name):
                continue
            for prefix in {b"", readable.prefix}:
                outcomes = readable.malformed | readable.signed
                yield Attempt(f"{name} where {wanted} is read", readable.slot, prefix + data, outcomes)


def _is_the_same_there(wanted: str, name: str) -> bool:
    """One reader takes all certificates, one all words of a watch; a notice and a cancel have one content and purpose."""
    words = {f"{word} of a watch" for word in STATEMENTS}
    kinds = ({"certificate", "certificate with a revocation"}, {"body of NOTICE", "body of CANCEL"}, words)
    envelope = wanted == "pairing file 1" and name == "pairing file's envelope"
    return envelope or any({wanted, name} <= kind for kind in kinds)
