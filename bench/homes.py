"""Throwaway homes for a measurement: made, paired and confirmed with the real pairing, but without people and files between."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from watchline.core.certificate import Certificate, SignedCertificate, issue
from watchline.core.encoding import encode
from watchline.core.entries import Notice, Precedence
from watchline.core.keys import DeskKeys, Ed25519Key, IdentityKey
from watchline.core.pairing import (
    Pairing,
    RouteAddress,
    accept_invitation,
    complete_acceptance,
    complete_invitation,
    make_invitation,
)
from watchline.core.persons import ED25519, Officer, Roster
from watchline.core.terms import Clocks, Terms
from watchline.desk.agreement import proposed_terms
from watchline.desk.config import Config
from watchline.desk.home import Home, Passphrases
from watchline.desk.medium import open_medium
from watchline.desk.own import DOCUMENT, OwnDesk
from watchline.desk.secrets import Cost
from watchline.journal import LineRecord

CHEAP = Cost(64, 1, 1)  # nobody is to be kept out of these homes
IDENTITY_PASSPHRASE, OFFICER_PASSPHRASE = "an identity of the bench", "an officer of the bench"
OFFICER = "duty"
MACHINE_FORM, OFFICER_FORM = "free-text", "statement"
NO_CLOCKS = Clocks(None, None)
NOWHERE = (RouteAddress("direct", "127.0.0.1:9"),)
YEAR_SECONDS = 365 * 24 * 3600


def make_pair(
    folder: Path, *, settings: str = "", shown: tuple[int, int] | None = None, terms_changes: Mapping[str, Any] | None = None
) -> tuple[Path, Path]:
    """Make two homes with one confirmed line between them, named `peer` at both; give their paths.

    settings: lines for both watchline.toml. shown: the ports that the other side dials, where those are a proxy's.
    terms_changes: fields of the terms that are not as `terms` gives them.
    """
    ports = free_port(), free_port()
    near, far = (_make_home(folder / name, name, port, settings) for name, port in zip(("near", "far"), ports, strict=True))
    _join(near, far, ("peer", "peer"), shown or ports, replace(terms(), **(terms_changes or {})))
    return near.home.path, far.home.path


def make_three(folder: Path) -> tuple[Path, Path, Path]:
    """Make three homes: the second has a line to each of the others, named `peer` and `third`; at those it is `peer`."""
    names = ("near", "far", "third")
    near, far, third = (_make_home(folder / name, name, free_port(), "") for name in names)
    _join(near, far, ("peer", "peer"), (near.port, far.port), terms())
    _join(third, far, ("peer", "third"), (third.port, far.port), terms())
    return near.home.path, far.home.path, third.home.path


def add_silent_lines(path: Path, count: int) -> None:
    """Add confirmed lines to a home whose peers are never there."""
    home = Home.open(path)
    own = own_desk(home)
    key = _identity_key(home, own)
    pairings = {}
    for number in range(count):
        peer, certificate, roster = _stranger_desk(f"Silent {number}")
        first, invited = make_invitation(key, own.certificate, own.roster, terms(), NOWHERE, os.urandom)
        second, _ = accept_invitation(first, peer, certificate, roster, NOWHERE, os.urandom)
        pairings[f"silent-{number}"] = complete_invitation(invited, second, key, os.urandom)[1]
    _put_lines(home, pairings)


def terms() -> Terms:
    """Terms under which the two measured forms run no clock, and one of them needs nobody's release."""
    proposed = proposed_terms("en", Config())
    return replace(
        proposed,
        form_clocks={**proposed.form_clocks, MACHINE_FORM: NO_CLOCKS, OFFICER_FORM: NO_CLOCKS},
        unreleased_forms=tuple(sorted({*proposed.unreleased_forms, MACHINE_FORM})),
    )


def content_of(size: int, form: str = MACHINE_FORM) -> bytes:
    """The content of a notice, exactly `size` bytes as a person would release it."""
    for length in range(size, 0, -1):
        content = Notice(form, 1, Precedence.ROUTINE, False, "en", {1: "x" * length, 2: "en"}).encode()
        if len(content) == size:
            return content
    raise ValueError("no text gives this size")


def own_desk(home: Home) -> OwnDesk:
    """The home's own desk, with its keys."""
    journal = home.open_journal()
    try:
        document = journal.document(*DOCUMENT)
    finally:
        journal.close()
    assert document is not None
    return OwnDesk.decode(document)


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, slots=True)
class _Made:
    """A home that was made, with what pairing needs of it. port: where it listens."""

    home: Home
    own: OwnDesk
    key: IdentityKey
    port: int


def _join(first: _Made, second: _Made, names: tuple[str, str], shown: tuple[int, int], agreed: Terms) -> None:
    """Put a confirmed line between two homes. names: what each calls it. shown: the port that the other dials."""
    routes = [(RouteAddress("direct", f"127.0.0.1:{port}"),) for port in shown]
    invitation, invited = make_invitation(first.key, first.own.certificate, first.own.roster, agreed, routes[0], os.urandom)
    acceptance, accepted = accept_invitation(
        invitation, second.key, second.own.certificate, second.own.roster, routes[1], os.urandom
    )
    completion, pairing = complete_invitation(invited, acceptance, first.key, os.urandom)
    _put_lines(first.home, {names[0]: pairing})
    _put_lines(second.home, {names[1]: complete_acceptance(accepted, completion)})


def _make_home(path: Path, desk: str, port: int, settings: str) -> _Made:
    Home.create(
        path,
        desk=desk.capitalize(),
        language="en",
        zone="UTC",
        officer=OFFICER,
        passphrases=Passphrases(IDENTITY_PASSPHRASE, OFFICER_PASSPHRASE),
        now=int(time.time()),
        cost=CHEAP,
    )
    (path / "watchline.toml").write_text(f'listen = ["127.0.0.1:{port}"]\nlog_level = "error"\n{settings}\n')
    home = Home.open(path)
    own = own_desk(home)
    return _Made(home, own, _identity_key(home, own), port)


def _identity_key(home: Home, own: OwnDesk) -> IdentityKey:
    return open_medium(home.identity_dir(own.identity_dir), IDENTITY_PASSPHRASE).key


def _put_lines(home: Home, pairings: dict[str, Pairing]) -> None:
    journal = home.open_journal()
    try:
        for name, pairing in pairings.items():
            journal.put_line(LineRecord(pairing.line, name, int(time.time()), True, pairing.encode()))
        journal.put_document("own-routes", "self", encode([["direct", home.config.listen[0]]]), sealed=False)
    finally:
        journal.close()


def _stranger_desk(name: str) -> tuple[IdentityKey, SignedCertificate, Roster]:
    now = int(time.time())
    identity, keys = IdentityKey.generate(name, os.urandom), DeskKeys.generate(os.urandom)
    certificate = issue(identity, Certificate(identity.identity.id, None, 1, 1, keys.public, now, now + YEAR_SECONDS))
    officer = Officer(1, ED25519, Ed25519Key(os.urandom(32)).public, "duty", None, now, now + YEAR_SECONDS)
    return identity, certificate, Roster(1, (officer,))
