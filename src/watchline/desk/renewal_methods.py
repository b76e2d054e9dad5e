"""What a command brings of a renewal (rule 5): the secrets of a line after a file was made or taken."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from watchline.core.pairing import Pairing
from watchline.errors import UsageError

if TYPE_CHECKING:
    from watchline.desk.api import Api, Method


def methods(api: Api) -> dict[str, Method]:
    """The methods about renewals."""

    async def renewal_put(line: str, before: str, pairing: str) -> dict[str, Any]:
        """Store the pairing with its new secrets. before: SHA-256 of the pairing that the command read."""
        row = api.desk.journal.line(_octets(line))
        if row is None or sha256(row.pairing).hexdigest() != before:
            raise UsageError("the line has gone a step meanwhile", hint="give the same command again")
        known, brought = Pairing.decode(row.pairing), Pairing.decode(_octets(pairing))
        if known.with_secrets(brought.secrets) != brought or not brought.secrets.follows(known.secrets):
            raise UsageError("this is another line, or an older secret of it", hint="give the same command again")
        api.desk.renewals.put(row, brought)
        return {}

    return {"renewal_put": renewal_put}


def _octets(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise UsageError("bytes are asked for in hexadecimal") from None
