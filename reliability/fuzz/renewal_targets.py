"""The three files of a renewal, and what a desk keeps of it in its journal and on its medium."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from reliability.fuzz.mutation import behind, mutate_cbor
from reliability.fuzz.target import Broken, Check, Target, need
from reliability.fuzz.unchecked import unchecked
from tests.core.sample_desks import identity_key, seeded
from tests.core.sample_renewals import PS, at, vector
from watchline.core.encoding import encode
from watchline.core.line_secrets import LineSecrets
from watchline.core.renewal import MAGIC, BegunRenewal, answer_renewal, complete_renewal, take_renewal
from watchline.errors import PeerError

_mutate_file = behind(MAGIC, mutate_cbor)


def _check_file(step: int) -> Check:
    """A renewal file, read with every signature good; what is taken and not genuine must fall once signatures count."""
    made = vector()
    readers: dict[int, Callable[[bytes], object]] = {
        1: lambda file: answer_renewal(at("B", "A"), None, file, identity_key("B"), seeded("fuzz")),
        2: lambda file: complete_renewal(at("A"), made.asked, file, identity_key("A"), seeded("fuzz")),
        3: lambda file: take_renewal(at("B", "A"), made.answered, file),
    }
    read = readers[step]

    def check(data: bytes) -> None:
        with unchecked():
            read(data)
        if data in made.files:
            return
        try:
            read(data)
        except PeerError:
            return
        raise Broken("a renewal file holds that nobody signed")

    return check


def _genuine_files() -> Mapping[str, bytes]:
    return dict(zip("123", vector().files, strict=True))


def _check_begun(data: bytes) -> None:
    need(BegunRenewal.decode(data).encode() == data, "a document is written as other bytes")


def _genuine_begun() -> Mapping[str, bytes]:
    made = vector()
    return {"asked": made.asked.encode(), "answered": made.answered.encode(), "empty": encode([])}


def _check_secrets(data: bytes) -> None:
    need(LineSecrets.decode(PS, data).encode() == data, "secrets are written as other bytes")


def _genuine_secrets() -> Mapping[str, bytes]:
    made, first = vector(), LineSecrets(PS)
    offered = first.offered(made.ours.secret, made.files[2])
    changed = offered.restored()
    return {
        "first": first.encode(),
        "offered": offered.encode(),
        "changed": changed.encode(),
        "settled": replace(changed, previous=None, file3=None).encode(),
    }


TARGETS = (
    *(
        Target(f"renewal-{step}", partial(_check_file, step), _genuine_files, _mutate_file, inputs=inputs)
        for step, inputs in ((1, 100), (2, 100), (3, 200))
    ),
    Target("begun-renewal", lambda: _check_begun, _genuine_begun, inputs=3_000),
    Target("line-secrets", lambda: _check_secrets, _genuine_secrets, inputs=3_000),
)
