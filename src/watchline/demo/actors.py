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
from watchline.core.entries import NONCE_BYTES, EntryType
from watchline.core.pairing import RouteAddress
from watchline.core.terms import Terms
from watchline.demo.relay import LOOPBACK
from watchline.demo.scenario import Actor, Words
from watchline.demo.stage import Stage
from watchline.desk import saying
from watchline.desk.agreement import amended_terms
from watchline.desk.ceremony import own_desk
from watchline.desk.handover import off_statement, on_statement, sign_watch
from watchline.desk.home import Home, Passphrases
from watchline.desk.local import connect
from watchline.desk.medium import Medium, open_medium
from watchline.desk.officers import OfficerKey, new_officer_key, open_officer_key, with_officer
from watchline.desk.own import DOCUMENT, OwnDesk
from watchline.desk.saying import Said
from watchline.desk.socket import RemoteError
from watchline.errors import UsageError

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
        return self._give(Said(EntryType.TERMS, content, len(self._releasers)), self._releasers)

    # --- what the desk says

    def say(self, words: Words, *, about: str | None = None) -> Json:
        """Send a form, released by the officer. about: the notice of theirs that it answers. Gives id, rung and times."""
        facts, form = self._facts(), load_catalogue().form(words.form)
        answered = None if about is None else self._resolve(about)
        return self._give(
            saying.notice(
                facts,
                form,
                words.fields,
                self._place,
                precedence=words.precedence,
                exercise=words.exercise,
                answered=answered,
            )
        )

    def acknowledge(self, reference: str) -> Json:
        """Say that a person has read their notice."""
        return self._give(saying.acknowledgement(self._facts(), self._resolve(reference)))

    def decline(self, reference: str, reason: str) -> Json:
        """Say that there will be no answer."""
        return self._give(saying.decline(self._facts(), self._resolve(reference), reason))

    def test(self) -> Json:
        """Test the line, and wait for the answer of their machine."""
        return self.node.caller.call("test", line=self.line)

    # --- talks

    def step(self, words: Words, *, about: str | None = None) -> str:
        """Take a step of talks, as `watchline talks` does: the node is asked first whether it would count. Gives its reference.

        Raises RemoteError of the kind "usage", before anybody signs, if it would not.
        """
        self.node.caller.call("talks_check", line=self.line, kind=words.form, fields=dict(words.fields))
        said: str = self.say(words, about=about)["id"]
        return said

    def accept(self, reference: str, **fields: Any) -> str:
        """Accept a text of theirs, word for word: by the digest that this desk has of it."""
        digest = self._resolve(reference)["digest"]
        return self.step(Words("acceptance", {"of": reference, "digest": digest, **fields}), about=reference)

    def talks(self, round_id: str) -> Json:
        """A round of talks as this desk shows it."""
        shown: Json = self.node.caller.call("talks_show", line=self.line, round=round_id)["round"]
        return shown

    def reminders(self) -> list[Json]:
        """The commitments that are due, as this desk is reminded of them."""
        found: list[Json] = self.node.caller.call("talks_due", line=self.line)["reminders"]
        return found

    def open_items(self) -> list[Json]:
        """What was raised and not answered, over all rounds."""
        found: list[Json] = self.node.caller.call("talks_open", line=self.line)["items"]
        return found

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
        try:
            found: Json = self.node.caller.call("entries", line=self.line, entry=reference)["entries"][0]
        except RemoteError as error:
            if error.kind != UsageError.kind:
                raise
            return None
        return found

    def first_entry(self, form: str | None = None) -> str:
        """What this desk calls the first notice that it sent: of this form, or the very first of any."""
        entries = self.node.caller.call("entries", line=self.line)["entries"]
        own = (entry for entry in entries if entry["id"].startswith("ours:"))
        return str(next(entry["id"] for entry in own if form in (None, entry["form"])))

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

    def _facts(self) -> Json:
        facts: Json = self.node.caller.call("line_facts", line=self.line)
        return facts

    def _give(self, said: Said, signers: Sequence[OfficerKey] = ()) -> Json:
        """Have officers sign, here where they type, and hand it to the node, which sees no key. No signers: who is on duty."""
        facts, nonce = self._facts(), os.urandom(NONCE_BYTES)
        signatures = [saying.signature(key, facts, said, nonce)[1] for key in signers or (self._key(),)]
        return self.node.caller.call("compose", **saying.compose_parameters(facts, said, nonce, signatures))

    def _key(self) -> OfficerKey:
        if self._officer is None:
            self._officer = open_officer_key(self.home.officers, OFFICER, self._passphrases.officer)
        return self._officer

    def _place(self, text: str) -> Sequence[int]:
        entry = self._resolve(text)
        place = (entry["inc"], entry["peer_inc"], entry["index"])
        return (*place, 1) if entry["own"] else place

    def _resolve(self, reference: str) -> Json:
        return self.node.caller.call("resolve", line=self.line, entry=reference)
