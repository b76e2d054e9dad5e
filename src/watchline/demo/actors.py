"""A desk of the play: its home, its node, its duty officer, and what it says and sees, all through the desk's own doors."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from watchline.catalogue import load_catalogue
from watchline.core.encoding import encode
from watchline.core.entries import NONCE_BYTES, EntryType, Notice, Place, Precedence, Response
from watchline.core.pairing import RouteAddress
from watchline.demo.relay import LOOPBACK
from watchline.demo.scenario import Actor, Words
from watchline.demo.stage import Stage
from watchline.desk.home import Home, Passphrases
from watchline.desk.medium import Medium, open_medium
from watchline.desk.officers import OfficerKey, open_officer_key
from watchline.desk.own import OwnDesk

Json = dict[str, Any]
OFFICER = "duty"
WAIT_SECONDS = 15.0


class DeskActor:
    """One desk on the stage. Made with its home; the line is known once both are paired."""

    line = ""  # what this desk calls the line

    def __init__(self, stage: Stage, actor: Actor) -> None:
        self.actor = actor
        self.desk = actor.desk
        self._passphrases = Passphrases(
            *(f"{what} of {actor.desk}, of no use beyond the demo" for what in ("identity", "officer"))
        )
        self.home, self.identity = Home.create(
            stage.folder / actor.desk.lower(),
            desk=actor.desk,
            language=actor.language,
            zone=actor.zone,
            officer=OFFICER,
            passphrases=self._passphrases,
            now=int(time.time()),
        )
        relay = stage.wire.relay()
        self.route = RouteAddress("direct", f"{LOOPBACK}:{relay.port}")
        self.node = stage.node(self.home, relay)
        self.home = Home.open(self.home.path)  # with the settings that the node has now
        self._officer: OfficerKey | None = None

    def unlock(self, own: OwnDesk) -> Medium:
        """Open the identity, as pairing asks for."""
        return open_medium(self.home.identity_dir(own.identity_dir), self._passphrases.identity)

    def publish(self, folder: Path) -> Path:
        """Write the public identity to a file, as a desk would publish it."""
        path = folder / f"{self.desk.lower()}.identity"
        path.write_bytes(self.identity.encode())
        return path

    # --- what the desk says

    def say(self, words: Words, *, about: str | None = None) -> Json:
        """Send a form, released by the officer. about: the notice of theirs that it answers. Gives id, rung and times."""
        form = load_catalogue().form(words.form)
        fields = form.parse(words.fields, self._place, precedence=words.precedence)
        precedence = Precedence(words.precedence)
        content = Notice(form.code, form.version, precedence, words.exercise, self.actor.language, fields).encode()
        return self._give(EntryType.NOTICE, content, about)

    def acknowledge(self, reference: str) -> Json:
        """Say that a person has read their notice."""
        return self._give(EntryType.ACKNOWLEDGE, self._response(EntryType.ACKNOWLEDGE, reference, None), reference)

    def decline(self, reference: str, reason: str) -> Json:
        """Say that there will be no answer."""
        return self._give(EntryType.DECLINE, self._response(EntryType.DECLINE, reference, reason), reference)

    def test(self) -> Json:
        """Test the line, and wait for the answer of their machine."""
        return self.node.caller.call("test", line=self.line)

    # --- what the desk sees

    def status(self) -> Json:
        """The line as this desk has it now."""
        found: Json = self.node.caller.call("status", line=self.line)["lines"][0]
        return found

    def entries(self) -> list[Json]:
        """Both logs, oldest first, without the machines' own tests, which come when the hour strikes."""
        entries = self.node.caller.call("entries", line=self.line)["entries"]
        return [entry for entry in entries if entry["form"] != "test"]

    def inbox(self) -> list[Json]:
        """What the other desk sent."""
        return [entry for entry in self.entries() if entry["id"].startswith("theirs:")]

    def entry(self, reference: str) -> Json | None:
        """One entry, None if this desk has none of this name."""
        return next((entry for entry in self.entries() if entry["id"] == reference), None)

    def export(self, out: Path) -> bool:
        """Write evidence of the whole line; whether it is complete."""
        return bool(self.node.caller.call("export", line=self.line, out=str(out))["complete"])

    def stored(self) -> list[Json]:
        """What must not be lost: every entry of both logs, without the rungs, which go on growing."""
        names = ("id", "type", "form", "fields", "text", "author", "time", "released", "officers", "re", "exercise")
        return [{name: entry[name] for name in names} for entry in self.entries()]

    # --- signing

    def _give(self, kind: EntryType, content: bytes, about: str | None) -> Json:
        """Have the officer sign, here where the officer types, and hand it to the node, which never sees the key."""
        facts = self.node.caller.call("line_facts", line=self.line)
        meant = None if about is None else self._resolve(about)
        nonce, line, own_id = os.urandom(NONCE_BYTES), bytes.fromhex(facts["line"]), bytes.fromhex(facts["own_id"])
        first = None if meant is None else Place(*meant["first"])
        signature = self._key().sign(kind, line, own_id, nonce, content, first)
        return self.node.caller.call(
            "compose",
            line=self.line,
            type=int(kind),
            content=content.hex(),
            nonce=nonce.hex(),
            assertions=encode([signature]).hex(),
            re=None if meant is None else meant["index"],
        )

    def _key(self) -> OfficerKey:
        if self._officer is None:
            self._officer = open_officer_key(self.home.officers, OFFICER, self._passphrases.officer)
        return self._officer

    def _response(self, kind: EntryType, reference: str, reason: str | None) -> bytes:
        entry = self._resolve(reference)
        commitment = bytes.fromhex(entry["commitment"])
        return Response(kind, entry["inc"], entry["peer_inc"], entry["index"], commitment, self.actor.language, reason).encode()

    def _place(self, text: str) -> Sequence[int]:
        entry = self._resolve(text)
        place = (entry["inc"], entry["peer_inc"], entry["index"])
        return (*place, 1) if entry["own"] else place

    def _resolve(self, reference: str) -> Json:
        return self.node.caller.call("resolve", line=self.line, entry=reference)
