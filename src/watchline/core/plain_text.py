"""Text that somebody else chose, as a sentence of evidence may hold it."""

from __future__ import annotations

import json
import re

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")


def plain(text: str) -> str:
    """The text such that it can pretend nothing: one word of ASCII as it is, anything else as a JSON string in ASCII."""
    return text if _PLAIN.fullmatch(text) else json.dumps(text)
