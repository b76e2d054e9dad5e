"""Print the line's state machine for docs/protocol.md, from its table: `PYTHONPATH=src python scripts/state_diagram.py`.

Put its output between the two markers there; tests/test_docs_protocol.py compares them.
"""

from __future__ import annotations

import sys
from itertools import groupby

from watchline.core.phases import TRANSITIONS, Cause, Phase


def state_diagram() -> str:
    """The phases as a Mermaid diagram, and the causes that move them as a table."""
    arrows = [(source.value, target.value, _name(cause)) for (source, cause), target in TRANSITIONS.items()]
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {Phase.OPENING.value}"]
    for (source, target), group in groupby(sorted(arrows, key=_order), key=lambda arrow: arrow[:2]):
        lines.append(f"    {source} --> {target}: {', '.join(cause for _, _, cause in group)}")
    lines += ["```", "", "| cause | meaning |", "| --- | --- |"]
    lines += [f"| {_name(cause)} | {cause.value} |" for cause in Cause]
    return "\n".join(lines) + "\n"


def _order(arrow: tuple[str, str, str]) -> tuple[int, int]:
    phases = [phase.value for phase in Phase]
    return phases.index(arrow[0]), phases.index(arrow[1])


def _name(cause: Cause) -> str:
    return cause.name.lower().replace("_", " ")


if __name__ == "__main__":
    sys.stdout.write(state_diagram())
