"""What a command brings of a renewal (rule 5): the secrets of a line after a file was made or taken."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from watchline.core.pairing import Pairing
from watchline.desk.kept_secrets import KIND
from watchline.errors import UsageError
from watchline.journal import LineRecord

if TYPE_CHECKING:
    from watchline.desk.api import Api, Method


def methods(api: Api) -> dict[str, Method]:
    """The methods about renewals."""

    async def renewal_put(line: str, before: str, pairing: str | None, waiting: str | None) -> dict[str, Any]:
        """Store a step. before: `state_digest` of what the command went by. pairing: with the new secrets, None where they
        stay. waiting: what the line keeps for the next file from now on, None for nothing.
        """
        row = api.desk.journal.line(_octets(line))
        known = api.desk.journal.document(KIND, _octets(line).hex())
        if row is None or state_digest(row.pairing.hex(), None if known is None else known.hex()) != before:
            raise gone_a_step()
        if pairing is not None:
            _put_pairing(row, pairing)
        api.desk.journal.put_document(KIND, row.line.hex(), None if waiting is None else _octets(waiting), True)
        return {}

    def _put_pairing(row: LineRecord, pairing: str) -> None:
        known, brought = Pairing.decode(row.pairing), Pairing.decode(_octets(pairing))
        if known.with_secrets(brought.secrets) != brought or not brought.secrets.follows(known.secrets):
            raise UsageError("this is another line, or an older secret of it", hint="give the same command again")
        api.desk.renewals.put(row, brought)

    return {"renewal_put": renewal_put}


def state_digest(pairing: str, waiting: str | None) -> str:
    """By what a command and the desk know that they go by the same state of a line: both as hex, None for nothing."""
    return sha256(f"{pairing} {waiting}".encode()).hexdigest()


def gone_a_step() -> UsageError:
    """The error for a command that went by a state of the line in which it is no more."""
    return UsageError("the line has gone a step meanwhile", hint="give the same command again")


def _octets(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise UsageError("bytes are asked for in hexadecimal") from None
