"""The files of a renewal in the matrix: what reads each, and files of another line, desk, number or run (rule 5)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial

from reliability.parties.attempts import Attempt, ReaderSlot, of
from tests.core.sample_desks import identity_key, seeded
from tests.core.sample_renewals import LINE, PS, Run, at, changed, run
from watchline.core.encoding import Value
from watchline.core.line_secrets import LineSecrets
from watchline.core.renewal import answer_renewal, complete_renewal, take_renewal

SIGNERS = {1: "A", 2: "B", 3: "A"}
RENEWED = LineSecrets(PS).taken(bytes(32)).changed().heard(bytes(32))


@cache
def genuine() -> Run:
    """The run that the readers wait for."""
    return run()


def read_step(number: int, data: Value) -> object:
    """How the desk that waits for this file of the run reads it."""
    made = genuine()
    assert isinstance(data, bytes)
    if number == 1:
        return answer_renewal(at("B", "A"), None, data, identity_key("B"), seeded("again"))
    if number == 2:
        return complete_renewal(at("A"), made.asked, data, identity_key("A"), seeded("again"))
    return take_renewal(at("B", "A"), made.answered, data)


def wrong_renewal_files() -> Iterator[Attempt]:
    """Files of other lines, numbers, runs and steps, each signed by the right identity."""
    other_line, later = bytes(32), RENEWED
    files = {
        "another run": run(label="other").files,
        "another line": run(at("A", line=other_line), at("B", "A", line=other_line)).files,
        "a later number": run(at("A", secrets=later), at("B", "A", secrets=later)).files,
        "this run": genuine().files,
    }
    for step in (1, 2, 3):
        slot = ReaderSlot(partial(read_step, step))
        for about, three in files.items():
            for number, file in enumerate(three, start=1):
                if number == step and (about == "this run" or (about, step) == ("another run", 1)):
                    continue  # anybody of the line may ask anew
                yield Attempt(f"file {number} of {about} where file {step} is wanted", slot, file, of("wrong-party 5"))
        signer = identity_key(SIGNERS[step])
        for about, place, value in (
            ("names another line", 1, other_line),
            ("names its reader", 2, identity_key("B" if step != 2 else "A").identity.id),
            ("names a third desk", 2, identity_key("C").identity.id),
            ("names a later number", 3, 2),
            ("names another secret", 4, LINE),
        ):
            file = changed(genuine().files[step - 1], place, value, signer)
            yield Attempt(f"file {step} of a renewal that {about}", slot, file, of("wrong-party 5"))
