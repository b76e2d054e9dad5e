"""The media of the desks' identities, where people renew secrets: folders that no fault of a machine reaches."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from reliability.simulator.pool import archive_key, party
from watchline.core.line_secrets import LineSecrets
from watchline.core.pairing import Pairing
from watchline.desk.medium import KEY_FILE, Medium, Unlocked, keep_pairing, kept_pairings
from watchline.desk.secrets import write_private_file


class Identities:
    """A medium for each desk, and beside them the files that people carry. pairings: what each desk was paired to."""

    def __init__(self, pairings: Mapping[str, Iterable[Pairing]]) -> None:
        self._root = tempfile.TemporaryDirectory(prefix="watchline-identities-")
        self._written = 0
        for name, kept in pairings.items():
            folder = self.folder(name)
            folder.mkdir()
            write_private_file(folder / KEY_FILE, b"its passphrase is asked of nobody here")
            for pairing in kept:
                keep_pairing(folder, archive_key(name).public, pairing.line, pairing.encode())

    def folder(self, name: str) -> Path:
        """Where the medium of this desk is."""
        return Path(self._root.name) / name

    def new_file(self) -> Path:
        """Where a command may write the next file that is carried."""
        self._written += 1
        return Path(self._root.name) / f"file-{self._written}"

    def medium(self, name: str) -> Medium:
        """What the passphrase of this desk's identity opens; incarnations are not counted on it here."""
        return Medium(party(name).identity, archive_key(name), 1, 1)

    def unlocked(self, name: str) -> Unlocked:
        """The same, for one command."""
        return Unlocked(self.folder(name), "", self.medium(name))

    def kept(self, name: str) -> dict[bytes, LineSecrets]:
        """The secrets of each line as the medium of this desk knows them."""
        return {pairing.line: pairing.secrets for pairing in kept_pairings(self.folder(name), self.medium(name))}

    def hold_in_clear(self, secrets: Iterable[bytes]) -> bool:
        """Whether one of these secrets can be read off a medium, or off a file that is carried."""
        wanted = list(secrets)
        contents = [path.read_bytes() for path in Path(self._root.name).rglob("*") if path.is_file()]
        return any(secret in content for content in contents for secret in wanted)

    def close(self) -> None:
        """Delete them."""
        self._root.cleanup()
