"""The change-over of a running line from one secret to the next (rule 5): each step is durable before it can be heard.

`core.line_secrets` has the steps. Here they are taken: when a renewal file was read, when a frame of the peer opens under a
secret that says more than was known, and when no epoch of ours is under way any more.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from watchline.core.epochs import box_name
from watchline.core.line_secrets import LineSecrets
from watchline.core.pairing import Pairing
from watchline.core.setting import Moment, SecretHeard
from watchline.desk.lines import OpenLine
from watchline.journal import LineRecord

if TYPE_CHECKING:
    from watchline.desk.desk import Desk

log = structlog.get_logger()


def door_under(secret: bytes, one: bytes, other: bytes) -> str:
    """The word that diallers of this line say before any handshake: the same for both desks, whose ids these are."""
    return box_name(secret, min(one, other), max(one, other))


def doors(opened: OpenLine) -> dict[str, bytes]:
    """Every door of a line by its word, and the secret behind it; the first is the one by which we dial."""
    setup = opened.line.setup
    return {door_under(secret, setup.own_id, setup.peer_identity.id): secret for secret in setup.secrets.all}


class Renewals:
    """Takes the lines of one desk from secret to secret."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def put(self, row: LineRecord, pairing: Pairing) -> None:
        """Store what people brought to this line, durable on return; if it runs it goes on with that."""
        after = replace(row, pairing=pairing.encode())
        self._desk.journal.put_line(after)
        opened = self._desk.lines.get(row.line)
        if opened is not None:
            self._adopt(opened, after, pairing)  # before anything else can fail: what a line speaks by is what is stored
        self._desk.journal.compact()

    def heard(self, opened: OpenLine, event: SecretHeard) -> None:
        """A frame of the peer opened under a secret that says more than we knew."""
        self._step(opened, opened.pairing.secrets.heard(event.secret))

    def on_time(self, moment: Moment) -> None:
        """Speak under what the peer is known to hold, once it holds every epoch that we opened before."""
        for opened in list(self._desk.lines.values()):
            if opened.pairing.secrets.known and opened.line.outgoing.next_statement is None:
                self._step(opened, opened.pairing.secrets.changed())

    def _step(self, opened: OpenLine, secrets: LineSecrets) -> None:
        if secrets == opened.pairing.secrets:
            return
        pairing = opened.pairing.with_secrets(secrets)
        row = replace(opened.record, pairing=pairing.encode())
        if self._desk.keep_line(row):
            self._adopt(opened, row, pairing)

    def _adopt(self, opened: OpenLine, row: LineRecord, pairing: Pairing) -> None:
        opened.record, opened.pairing = row, pairing
        secrets = pairing.secrets
        opened.line.take_setup(opened.line.setup.with_secrets(secrets))
        log.info("line.secret", line=row.name, renewals=secrets.renewals, under_way=len(secrets.all) > 1)
        self._desk.on_secrets_changed(opened)
        self._desk.touch(opened)
