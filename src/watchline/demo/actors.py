"""A desk of the play: its home, its node, its duty officer, and what it says and sees, all through the desk's own doors."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from watchline.catalogue import load_catalogue
from watchline.core.encoding import encode
from watchline.core.entries import NONCE_BYTES, EntryType, Notice, Place, Precedence, Response
from watchline.core.pairing import RouteAddress
from watchline.core.terms import Terms
from watchline.demo.relay import LOOPBACK
from watchline.demo.scenario import Actor, Words
from watchline.demo.stage import Stage
from watchline.desk.agreement import amended_terms
from watchline.desk.ceremony import own_desk
from watchline.desk.handover import off_statement, on_statement, sign_watch
from watchline.desk.home import Home, Passphrases
from watchline.desk.local import connect
from watchline.desk.medium import Medium, open_medium
from watchline.desk.officers import OfficerKey, new_officer_key, open_officer_key, with_officer
from watchline.desk.own import DOCUMENT, OwnDesk

Json = dict[str, Any]
OFFICER = "duty"
RELEASERS = ("first", "second")  # who amends the terms of the line, beside the officer on duty
CONSOLE = "demo"
WATCH_SECONDS = 8 * 3600


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
        self._releasers: list[OfficerKey] = []
        self._add_releasers()

    def unlock(self, own: OwnDesk) -> Medium:
        """Open the identity, as pairing asks for."""
        return open_medium(self.home.identity_dir(own.identity_dir), self._passphrases.identity)

    def publish(self, folder: Path) -> Path:
        """Write the public identity to a file, as a desk would publish it."""
        path = folder / f"{self.desk.lower()}.identity"
        path.write_bytes(self.identity.encode())
        return path

    def _add_releasers(self) -> None:
        """Two officers more, before anybody is paired with this roster. Their keys are kept nowhere but here."""
        with connect(self.home) as caller:
            own = own_desk(caller)
            for name in RELEASERS:
                person = new_officer_key(own.roster, name)
                own = replace(own, roster=with_officer(own.roster, person.officer("releaser", int(time.time()))))
                self._releasers.append(person)
            kind, key = DOCUMENT
            caller.call("document_put", kind=kind, key=key, value=own.encode().hex(), sealed=True)

    # --- who is there

    def sign_in(self) -> None:
        """The officer is on watch, and a console of the demo's own can make noise; that one says so for thirty seconds."""
        number, until = self._key().number, int(time.time()) + WATCH_SECONDS
        self._watch("watch_on", on_statement(number, OFFICER, until), number=number, role=OFFICER, until=until)
        self.arm()

    def sign_out(self) -> None:
        """Nobody is on watch, and that console is silent."""
        number = self._key().number
        self._watch("watch_off", off_statement(number), number=number)
        self.node.caller.call("console_disarm", console=CONSOLE)

    def arm(self) -> None:
        """Say again that the console can make noise."""
        self.node.caller.call("console_arm", console=CONSOLE)

    def ring(self) -> None:
        """Say that the armed console has sounded for every notice of theirs that nobody has acknowledged."""
        for alarm in self.node.caller.call("alarms")["alarms"]:
            self.node.caller.call("console_sounded", console=CONSOLE, line=self.line, id=alarm["id"])

    def _watch(self, method: str, statement: bytes, **said: Any) -> None:
        nonce = self.node.caller.call("watch_nonce")["nonce"]
        assertion = sign_watch(self._key(), self.identity.id, bytes.fromhex(nonce), statement)
        self.node.caller.call(method, **said, nonce=nonce, assertion=encode(assertion).hex())

    # --- what the desk agrees to

    def terms(self) -> Json:
        """The terms of the line in force, and what is proposed."""
        shown: Json = self.node.caller.call("terms_show", line=self.line)
        return shown

    def propose_terms(self, *settings: str) -> Json:
        """Propose the next version of the terms, signed by two officers."""
        now = Terms.decode(bytes.fromhex(self.terms()["in_force"]["encoded"]))
        return self._enter_terms(amended_terms(now, None, settings).encode())

    def accept_terms(self) -> Json:
        """Accept what the other desk proposes, by two officers."""
        proposal = next(entry for entry in self.terms()["entries"] if entry["waits_for"] == "ours")
        return self._enter_terms(bytes.fromhex(proposal["encoded"]))

    def _enter_terms(self, content: bytes) -> Json:
        return self._give(EntryType.TERMS, content, None, self._releasers)

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

    def export(self, out: Path, *, silence: str | None = None) -> bool:
        """Write evidence of the whole line, or of the silence about one notice; whether it is complete."""
        return bool(self.node.caller.call("export", line=self.line, out=str(out), silence=silence)["complete"])

    def silence(self, reference: str) -> Json | None:
        """The certificate of a silence about this notice of ours that the node has written, None if there is none yet."""
        told = (entry for entry in self.entries() if entry["type"] == "silence")
        return next((entry for entry in told if entry["silence"]["notice"] == reference), None)

    def stored(self) -> list[Json]:
        """What must not be lost: every entry of both logs, without the rungs, which go on growing."""
        names = ("id", "type", "form", "fields", "text", "author", "time", "released", "officers", "re", "exercise")
        return [{name: entry[name] for name in names} for entry in self.entries()]

    # --- signing

    def _give(self, kind: EntryType, content: bytes, about: str | None, signers: Sequence[OfficerKey] = ()) -> Json:
        """Have officers sign, here where they type, and hand it to the node, which sees no key. No signers: who is on duty."""
        facts = self.node.caller.call("line_facts", line=self.line)
        meant = None if about is None else self._resolve(about)
        nonce, line, own_id = os.urandom(NONCE_BYTES), bytes.fromhex(facts["line"]), bytes.fromhex(facts["own_id"])
        first = None if meant is None else Place(*meant["first"])
        signatures = [key.sign(kind, line, own_id, nonce, content, first) for key in signers or (self._key(),)]
        return self.node.caller.call(
            "compose",
            line=self.line,
            type=int(kind),
            content=content.hex(),
            nonce=nonce.hex(),
            assertions=encode(signatures).hex(),
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
