"""The terms of a line (rule 6): what both desks signed about clocks, people, tests, languages and proof.

Version 1 stands in the pairing files. The terms decide which reply clocks run for a notice and how many people release it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal, NamedTuple

from watchline.core import shapes
from watchline.core.encoding import Value, decode, encode
from watchline.core.keys import check_name
from watchline.core.limits import NOTE_SIGNATURES_MAX, TERMS_BYTES_MAX
from watchline.errors import Malformed

PRECEDENCES = ("ROUTINE", "PRIORITY", "IMMEDIATE", "FLASH")  # a precedence is its place here, 0 to 3
BY_PRECEDENCE = 0  # in a form's clocks: the seconds of the notice's precedence
PEOPLE_MAX = 16  # people who can be asked to release one notice
LANGUAGES_MAX = 16
FORMS_MAX = 256
CLOCK_SECONDS_MAX = 366 * 24 * 3600

Expectation = Literal["none", "acknowledgement", "answer"]

_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,7}")
_FORM = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_FORM_BYTES_MAX = 64
_VKEY = re.compile(r"[!-~]{1,512}")  # as C2SP signed-note has it: no space in a verifier key


class Clocks(NamedTuple):
    """Seconds a desk has to acknowledge and to answer, counted from its custody; None: nothing of that kind is expected."""

    acknowledge: int | None
    answer: int | None


class Witness(NamedTuple):
    """A third party that cosigns checkpoints: its name for people and its C2SP verifier key as text."""

    name: str
    vkey: str


@dataclass(frozen=True, slots=True)
class Terms:
    """One version of a line's terms. Raises Malformed (rule 6) for values that no terms can have.

    version: from 1. languages: 1 to 16 BCP 47 tags. catalogue_digest: 32 bytes. clocks: per precedence, ROUTINE first.
    form_clocks: per form code, where a clock may also be BY_PRECEDENCE; a form not named here is to be acknowledged by
    precedence, and no answer is expected. status_interval_seconds: the longest time between two statuses.
    test_interval_seconds: between scheduled tests. lower_id_tests_even_hours: the desk with the lower id tests in even hours
    (UTC) and the other in odd ones, or the other way round. release_people: per precedence, how many people release a notice.
    unreleased_forms: what a machine may send alone. body_days: how long bodies stay at the least.
    show_third_parties: whether evidence may be shown to others.
    """

    version: int
    languages: tuple[str, ...]
    catalogue_digest: bytes
    clocks: tuple[Clocks, ...]
    form_clocks: Mapping[str, Clocks] = field(hash=False)
    status_interval_seconds: int
    test_interval_seconds: int
    lower_id_tests_even_hours: bool
    release_people: tuple[int, ...]
    unreleased_forms: tuple[str, ...]
    witnesses: tuple[Witness, ...]
    body_days: int
    show_third_parties: bool

    def __post_init__(self) -> None:
        shapes.integer(self.version, "version", at_least=1)
        shapes.octets(self.catalogue_digest, "catalogue digest", length=32)
        for name, seconds in (("status", self.status_interval_seconds), ("test", self.test_interval_seconds)):
            shapes.integer(seconds, f"{name} interval", at_least=1, at_most=CLOCK_SECONDS_MAX)
        shapes.integer(self.body_days, "body days", at_least=1, at_most=36_525)
        self._check_languages()
        self._check_clocks()
        self._check_release()
        self._check_witnesses()
        if len(self.encode()) > TERMS_BYTES_MAX:
            raise Malformed(f"terms have at most {TERMS_BYTES_MAX} bytes", rule=6, hint="name fewer forms or witnesses")

    def _check_languages(self) -> None:
        if not 1 <= len(self.languages) <= LANGUAGES_MAX or len(set(self.languages)) != len(self.languages):
            raise Malformed(f"terms name 1 to {LANGUAGES_MAX} languages, each once", rule=6)
        if not all(_LANGUAGE.fullmatch(language) for language in self.languages):
            raise Malformed("a language must be a BCP 47 tag, such as ja or zh-Hans", rule=6)

    def _check_clocks(self) -> None:
        if len(self.clocks) != len(PRECEDENCES) or len(self.form_clocks) > FORMS_MAX:
            raise Malformed(f"terms have clocks for {len(PRECEDENCES)} precedences and at most {FORMS_MAX} forms", rule=6)
        for clocks in self.clocks:
            _check_pair(clocks, shortest=1)
        for form, clocks in self.form_clocks.items():
            _check_form(form)
            _check_pair(clocks, shortest=BY_PRECEDENCE)

    def _check_release(self) -> None:
        if len(self.release_people) != len(PRECEDENCES):
            raise Malformed(f"the release rule covers {len(PRECEDENCES)} precedences", rule=6)
        for people in self.release_people:
            shapes.integer(people, "people to release", at_least=1, at_most=PEOPLE_MAX)
        if list(self.unreleased_forms) != sorted(set(self.unreleased_forms)) or len(self.unreleased_forms) > FORMS_MAX:
            raise Malformed("forms that a machine may send are listed in order, each once", rule=6)
        for form in self.unreleased_forms:
            _check_form(form)

    def _check_witnesses(self) -> None:
        if len({witness.vkey for witness in self.witnesses}) != len(self.witnesses):
            raise Malformed("a witness is named twice", rule=6)
        if len(self.witnesses) > NOTE_SIGNATURES_MAX:
            raise Malformed(f"terms name at most {NOTE_SIGNATURES_MAX} witnesses", rule=6)
        for witness in self.witnesses:
            check_name(witness.name, "a witness's name", rule=6)
            if not _VKEY.fullmatch(witness.vkey):
                raise Malformed("a witness's verifier key must be one word of printable ASCII", rule=6)

    @property
    def digest(self) -> bytes:
        """SHA-256 of the encoding: what people assert when they release new terms."""
        return sha256(self.encode()).digest()

    def clocks_for(self, form: str, precedence: int) -> Clocks:
        """The seconds to acknowledge and to answer a notice of this form and precedence, its answer's clock included."""
        general = self.clocks[precedence]
        own = self.form_clocks.get(form, Clocks(BY_PRECEDENCE, None))
        return Clocks(*(theirs if mine == BY_PRECEDENCE else mine for mine, theirs in zip(own, general, strict=True)))

    def people_needed(self, form: str, precedence: int) -> int:
        """How many different people release a notice of this form and precedence; 0 means that a machine may send it."""
        return 0 if form in self.unreleased_forms else self.release_people[precedence]

    def encode(self) -> bytes:
        """Give the one encoding: dCBOR of an array, in the order of the fields."""
        return encode([
            self.version,
            self.languages,
            self.catalogue_digest,
            [list(clocks) for clocks in self.clocks],
            {form: list(clocks) for form, clocks in self.form_clocks.items()},
            self.status_interval_seconds,
            [self.test_interval_seconds, self.lower_id_tests_even_hours],
            self.release_people,
            self.unreleased_forms,
            [list(witness) for witness in self.witnesses],
            self.body_days,
            self.show_third_parties,
        ])  # fmt: skip

    @classmethod
    def decode(cls, data: bytes) -> Terms:
        """Read what `encode` gave. Raises Malformed (rules 6 and 39)."""
        if len(data) > TERMS_BYTES_MAX:
            raise Malformed(f"terms have at most {TERMS_BYTES_MAX} bytes", rule=6, length=len(data))
        values = shapes.array(decode(data), "terms", length=12)
        version, languages, digest, clocks, form_clocks, status, test, people, unreleased, witnesses, days, show = values
        test_interval, lower_even = shapes.array(test, "test schedule", length=2)
        forms = shapes.mapping(form_clocks, "form clocks")
        return cls(
            shapes.integer(version, "version"),
            _texts(languages, "languages"),
            shapes.octets(digest, "catalogue digest", length=32),
            tuple(_parse_clocks(pair) for pair in shapes.array(clocks, "clocks", length=len(PRECEDENCES))),
            {shapes.text(form, "form"): _parse_clocks(pair) for form, pair in forms.items()},
            shapes.integer(status, "status interval"),
            shapes.integer(test_interval, "test interval"),
            shapes.boolean(lower_even, "who tests in even hours"),
            tuple(shapes.integer(number, "people to release") for number in shapes.array(people, "release rule")),
            _texts(unreleased, "unreleased forms"),
            tuple(Witness(*_texts(witness, "witness", length=2)) for witness in shapes.array(witnesses, "witnesses")),
            shapes.integer(days, "body days"),
            shapes.boolean(show, "show third parties"),
        )


def default_terms(
    languages: tuple[str, ...],
    catalogue_digest: bytes,
    expectations: Mapping[str, Expectation],
    unreleased_forms: tuple[str, ...] = ("test", "test-answer"),
) -> Terms:
    """Give terms to begin with; `expectations` says for each form of the catalogue what it expects.

    An answer may take longer than an acknowledgement; a FLASH is to be acknowledged in ten minutes. One person releases.
    """
    forms = {
        "none": Clocks(None, None),
        "acknowledgement": Clocks(BY_PRECEDENCE, None),
        "answer": Clocks(BY_PRECEDENCE, BY_PRECEDENCE),
    }
    return Terms(
        version=1,
        languages=languages,
        catalogue_digest=catalogue_digest,
        clocks=(Clocks(86_400, 259_200), Clocks(10_800, 43_200), Clocks(1_800, 7_200), Clocks(600, 3_600)),
        form_clocks={form: forms[expected] for form, expected in expectations.items()},
        status_interval_seconds=60,
        test_interval_seconds=3_600,
        lower_id_tests_even_hours=True,
        release_people=(1, 1, 1, 1),
        unreleased_forms=tuple(sorted(set(unreleased_forms))),
        witnesses=(),
        body_days=90,
        show_third_parties=True,
    )


def _check_form(form: str) -> None:
    if len(form) > _FORM_BYTES_MAX or not _FORM.fullmatch(form):
        raise Malformed("a form's code is its name in kebab case, such as false-alarm", rule=6)


def _check_pair(clocks: Clocks, *, shortest: int) -> None:
    for seconds in clocks:
        if seconds is not None:
            shapes.integer(seconds, "clock", at_least=shortest, at_most=CLOCK_SECONDS_MAX)


def _parse_clocks(value: Value) -> Clocks:
    acknowledge, answer = shapes.array(value, "clocks", length=2)
    return Clocks(shapes.optional(_seconds, acknowledge), shapes.optional(_seconds, answer))


def _seconds(value: Value) -> int:
    return shapes.integer(value, "clock", at_most=CLOCK_SECONDS_MAX)


def _texts(value: Value, name: str, *, length: int | None = None) -> tuple[str, ...]:
    return tuple(shapes.text(item, name, at_most=1_024) for item in shapes.array(value, name, length=length))
