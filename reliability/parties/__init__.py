"""Wrong parties: all that is signed or sealed, offered where it does not belong, or changed; every bit of it must be refused.

The matrix is generated from core's own tables (`inventory` compares them), never listed by hand: object x slot, line,
direction, incarnation, signer and altered field. Every refusal must be one that the protocol has for it, by kind and rule,
and must leave the line as it was; what is offered to a line is sealed under the right frame key, so that the outer tag
refuses nothing.

A seed walks on through the matrix by `WALKED` attempts, and makes `MIXED` more: an attempt chosen by the seed with one or two
more random changes. At the end of a run every genuine object is offered once, and must be taken: so none was refused by luck.
"""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

from reliability.parties.alterations import encoded_array, random_change
from reliability.parties.attempts import CHANGED, TAKEN, Attempt, of
from reliability.parties.desks import AUTHOR, LINE, LINE_WITH_X, OTHER_LINE, RECIPIENT, THIRD, right
from reliability.parties.evidence import PartSlot, all_of_evidence
from reliability.parties.file_matrix import all_of_files
from reliability.parties.files import readables
from reliability.parties.hearer import Hearer
from reliability.parties.line_matrix import all_of_line
from reliability.parties.medium_files import WORDS, all_of_medium_files, genuine_medium_files, medium_files
from reliability.parties.objects import MAKERS, Facts, facts_of
from reliability.parties.sealed import all_of_sealed
from reliability.slices import Slice, command
from tests.line_pair import party
from watchline.core.encoding import Value

KIND = "parties"
WALKED, MIXED = 10, 40  # attempts of one seed
SLOW_SHARE = 0.01  # of the mixed attempts: a file of evidence takes ten times as long as anything else

AT_A_COST = of("secret -")  # a file sealed by a passphrase says what its opening costs: random changes would make it hours
CONTROLS = ("ROUTES", "PREKEYS", "receipt", "EPOCH", "certificate", "STATUS", "cosigned", "entries", "shown checkpoint")
"""In this order each genuine object can still be taken after those before it; a full entry may stand for the entries."""


class World:
    """The desks, and every attempt of the matrix, in an order that mixes its parts."""

    def __init__(self, folder: Path) -> None:
        author, recipient, third = party(AUTHOR), party(RECIPIENT), party(THIRD)
        self.hearer = Hearer(folder / "line", author, recipient, LINE)
        self.elsewhere = {
            "another line of the same desks": Hearer(folder / "other", author, recipient, OTHER_LINE),
            "the line with X": Hearer(folder / "third", third, recipient, LINE_WITH_X),
            "its own sender": Hearer(folder / "back", recipient, author, LINE),
        }

    @property
    def facts(self) -> Facts:
        """How the line stands now; it stays so as long as nothing is taken."""
        return facts_of(self.hearer)

    def close(self) -> None:
        """Close all journals."""
        for hearer in (self.hearer, *self.elsewhere.values()):
            hearer.close()

    def matrix(self) -> Iterator[Attempt]:
        """Every attempt, once."""
        kept = all_of_sealed(), all_of_medium_files(), all_of_evidence()
        return chain(all_of_line(self.hearer, self.facts, self.elsewhere), all_of_files(), *kept)

    def controls(self, *, full: bool) -> list[str]:
        """Offer every genuine object; give those that were not taken, with what became of them."""
        wrong = []
        facts = self.facts
        for name in CONTROLS:
            made = "full entry" if full and name == "entries" else name
            if outcome := self.hearer.takes(MAKERS[made](right(), facts)):
                wrong.append(f"the genuine {made} was not taken: {outcome}")
        for readable in readables().values():
            outcome = readable.slot.offer(readable.genuine)
            if outcome != TAKEN:
                wrong.append(f"the genuine {readable.name} was not taken: {outcome}")
        for name, slot, data in genuine_medium_files():
            if (outcome := slot.offer(data)) != TAKEN:
                wrong.append(f"the genuine {name} was not taken: {outcome}")
        return wrong


@contextmanager
def world() -> Iterator[World]:
    """The world, on a disk in memory where there is one."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        made = World(Path(folder))
        try:
            yield made
        finally:
            made.close()


def run(seeds: range) -> Slice:
    """Run a slice: `WALKED` + `MIXED` attempts a seed. A failure says which attempt was not refused as it must be."""
    counts: Counter[str] = Counter()
    failures: list[str] = []
    with world() as made:
        matrix = list(made.matrix())
        random.Random(0).shuffle(matrix)
        quick = [attempt for attempt in matrix if not isinstance(attempt.slot, PartSlot) and attempt.expected != AT_A_COST]
        slow = [attempt for attempt in matrix if isinstance(attempt.slot, PartSlot)]
        for seed in seeds:
            walked = (matrix[(seed * WALKED + number) % len(matrix)] for number in range(WALKED))
            rng = random.Random(f"{KIND} {seed}")
            mixed = (mix(rng.choice(slow if rng.random() < SLOW_SHARE else quick), rng) for _ in range(MIXED))
            for attempt in chain(walked, mixed):
                counts["attempts"] += 1
                if fault := judge(attempt):
                    failures.append(f"seed {seed}: {fault}; repeat: {command(KIND, range(seed, seed + 1))}")
        controls = made.controls(full=bool(seeds.start % 2))
        counts["genuine taken"] = len(CONTROLS) + len(readables()) + len(medium_files()) - len(controls)
        failures += [f"after seeds {seeds.start}:{seeds.stop}: {fault}" for fault in controls]
    return Slice(KIND, seeds, dict(counts), tuple(failures))


def mix(attempt: Attempt, rng: random.Random) -> Attempt:
    """The attempt with one or two more random changes; any refusal will do then."""
    while True:
        value = attempt.value
        for _ in range(rng.choice((1, 1, 2))):
            value = random_change(value, rng)
        if not _is_good_again(value, attempt.origin):
            return Attempt(f"{attempt.name}, changed at random", attempt.slot, value, ANY_REFUSAL)


ANY_REFUSAL: frozenset[str] = frozenset()
"""As what is expected: whatever names a rule, or waits, or is left alone."""


def _is_good_again(value: Value, origin: Value) -> bool:
    """Whether random changes have undone what was wrong, or left what is allowed: a status with its first half alone (rule 4),
    officers in another order.
    """
    if value == origin:
        return True
    if isinstance(value, list):
        return value[:1] == [3] and len(value) == 4 and value[3] is None
    inside = encoded_array(value)
    if inside is None or len(inside) != 3 or not isinstance(inside[2], list) or origin is None:
        return False
    genuine = encoded_array(origin)
    return genuine is not None and [*inside[:2], inside[2][::-1]] == genuine


def judge(attempt: Attempt) -> str:
    """Make one attempt; say what is wrong with how it ended, or nothing."""
    outcome = attempt.slot.offer(attempt.value)
    if outcome.startswith((TAKEN, CHANGED)):
        attempt.slot.renew()
    if outcome in attempt.expected or (attempt.expected is ANY_REFUSAL and is_refusal(outcome)):
        return ""
    return f"{attempt.name}: {outcome}, and not {' or '.join(sorted(attempt.expected)) or 'refused'}"


def is_refusal(outcome: str) -> bool:
    """Whether an outcome is a refusal that names its rule, or the reason of a layer that has no rules."""
    if outcome in WORDS.values():
        return True
    kind, _, rule = outcome.partition(" ")
    if kind in ("secret", "journal", "ignored"):
        return rule in ("-", "damaged")
    return rule.isdigit() and 1 <= int(rule) <= 41
