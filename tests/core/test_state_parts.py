"""The names under which a line keeps its state: a home that an earlier version wrote has them."""

from __future__ import annotations

import pytest

from watchline.core import (
    changeover,
    confirmations,
    incoming,
    line_notices,
    line_parts,
    outgoing,
    part_heads,
    reply_clocks,
    spoken,
)


@pytest.mark.parametrize(
    ("part", "name"),
    [
        (changeover.AGAIN_PART, "again"),
        (confirmations.STATE_PART, "confirmed"),
        (incoming.ROSTER_PART, "peer-roster"),
        (incoming.STATE_PART, "incoming"),
        (line_notices.STATE_PART, "line-notices"),
        (line_parts.PHASE_PART, "phase"),
        (outgoing.STATE_PART, "outgoing"),
        (part_heads.STATE_PART, "part-heads"),
        (reply_clocks.STATE_PART, "clocks"),
        (spoken.SPOKEN_PART, "spoken"),
    ],
)
def test_part_of_the_state_has_the_name_that_earlier_versions_wrote(part: str, name: str) -> None:
    assert part == name
