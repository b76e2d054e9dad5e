"""Every error a caller may catch, in four families: there are four different things a person does next.

- `UsageError`: we were asked for something that cannot be done; the caller mends the request.
- `PeerError`: what a peer, a file or a stranger gave breaks a rule; it is refused and nothing is half done.
- `RouteError`: the node or the peer cannot be reached this way; try again or another way. It never means danger.
- `JournalError`: durability cannot be promised; stop, say so, lose nothing.

`message` says what is wrong and names the rule, `hint` says what to do next, `facts` are the values behind it. None of the
three ever holds a secret, or unbounded bytes that somebody else chose.
"""

from __future__ import annotations

from typing import ClassVar

Fact = str | int | float | bool | None | list[str]


class WatchlineError(Exception):
    """An error with a next step. `kind` is its stable name in JSON, `exit_code` what the command line ends with."""

    kind: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "", **facts: Fact) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.facts = facts


class NegativeAnswer(WatchlineError):
    """The request was carried out and the answer is no: not verified, not delivered in time."""

    kind = "negative"
    exit_code = 1


class UsageError(WatchlineError):
    """The request cannot be carried out as it stands; whoever made it must change it."""

    kind = "usage"
    exit_code = 2


class FieldError(UsageError):
    """A field of a form is unknown, missing or not allowed; facts: `field`, `given`, `allowed`."""

    kind = "field"


class SecretError(UsageError):
    """A passphrase or key file is missing, unreadable or wrong."""

    kind = "secret"


class RouteError(WatchlineError):
    """The node or the peer cannot be reached this way now."""

    kind = "unreachable"
    exit_code = 3


class JournalError(WatchlineError):
    """The journal cannot promise durability, or its file is not one we may write."""

    kind = "journal"
    exit_code = 4


class PeerError(WatchlineError):
    """Foreign bytes break a rule of the protocol. `rule` is that rule's number in docs/protocol.md.

    evidence: deterministic CBOR of what the peer signed and must not have; empty where nothing signed is at fault.
    """

    kind = "refused"
    exit_code = 4

    def __init__(self, message: str, *, rule: int, hint: str = "", **facts: Fact) -> None:
        super().__init__(message, hint=hint, **facts)
        self.rule = rule
        self.facts["rule"] = rule
        self.evidence = b""


class Malformed(PeerError):
    """The bytes are not the one encoding of an allowed value."""

    kind = "malformed"


class BadSignature(PeerError):
    """A signature or an authentication tag does not hold."""

    kind = "bad-signature"


class BadProof(PeerError):
    """A Merkle path does not lead to the root it is said to."""

    kind = "bad-proof"


class WrongParty(PeerError):
    """The object is genuine, but for another line, direction, desk, incarnation or purpose."""

    kind = "wrong-party"


class Rollback(PeerError):
    """A desk's log is shorter than what it had signed before; the line stops until people decide."""

    kind = "rollback"


class Fork(PeerError):
    """One log key signed two things that no one log can hold; the line stops until people decide."""

    kind = "fork"


class Contradiction(PeerError):
    """A signed statement does not agree with what both logs show; it is alarmed and kept, the line goes on."""

    kind = "contradiction"
