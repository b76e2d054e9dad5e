"""What a line seals and opens with: one secret as a rule, two while a renewal is under way (rules 13, 14 and 19)."""

from __future__ import annotations

from collections.abc import Sequence

from watchline.core.epochs import Chain, EpochOpening, accept_epoch, outer_key
from watchline.core.frames import FrameKey, Item
from watchline.core.keys import KemKey
from watchline.core.setting import LineSetup
from watchline.errors import BadSignature


class LineKeys:
    """The frame keys of one line: seals under the secret that we speak under, opens under each that we hold."""

    def __init__(self, setup: LineSetup) -> None:
        own, peer = setup.own_id, setup.peer_identity.id
        self.secrets = setup.secrets
        self.sealing = FrameKey(outer_key(self.secrets.spoken, own, peer))
        self.opening = [(secret, FrameKey(outer_key(secret, peer, own))) for secret in self.secrets.all]

    def seal(self, items: Sequence[Item], nonce: bytes, *, padded: bool = True) -> bytes:
        """Seal items into one frame, as `FrameKey.seal`."""
        return self.sealing.seal(items, nonce, padded=padded)

    def open(self, frame: bytes) -> tuple[list[Item], bytes]:
        """Open a frame; give its items, and under which secret it opened. Raises as `FrameKey.open`."""
        (secret, key), *others = self.opening
        try:
            return key.open(frame), secret
        except BadSignature:
            for other, key in others:
                try:
                    return key.open(frame), other
                except BadSignature:
                    continue
            raise


def follow(setup: LineSetup, opening: EpochOpening, prekey: KemKey, root_key: bytes) -> Chain:
    """Follow the peer into an epoch that it opened under any secret that we hold. Raises as `accept_epoch`."""
    refusal: BadSignature | None = None
    for secret, mark in setup.secrets.epoch_marks():
        try:
            return accept_epoch(setup.incoming, opening, prekey, secret, root_key, mark=mark)
        except BadSignature as error:
            refusal = refusal or error
    assert refusal is not None
    raise refusal
