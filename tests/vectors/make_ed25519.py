"""Write ed25519.json beside this file: signatures on which implementations differ, and whether they hold (rule 4).

Arithmetic of edwards25519 in plain integers (RFC 8032, section 5.1), as no library makes such signatures.
"""

from __future__ import annotations

import json
from hashlib import sha512
from pathlib import Path
from typing import Any

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
MESSAGE = b"watchline"
SECRET, NONCE = 12345678901234567890, 98765

Point = tuple[int, int]
NEUTRAL: Point = (0, 1)
NEUTRAL_IN_A_LONGER_FORM = (P + 1).to_bytes(32, "little")


def add(one: Point, other: Point) -> Point:
    (x1, y1), (x2, y2) = one, other
    k = D * x1 * x2 * y1 * y2 % P
    return (x1 * y2 + x2 * y1) * pow(1 + k, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - k, -1, P) % P


def multiply(times: int, point: Point) -> Point:
    product = NEUTRAL
    while times:
        if times & 1:
            product = add(product, point)
        point = add(point, point)
        times >>= 1
    return product


def even_x(y: int) -> int | None:
    """The even x of the point with this y; None where there is none."""
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if v * x * x % P != u:
        x = x * pow(2, (P - 1) // 4, P) % P
    if v * x * x % P != u:
        return None
    return P - x if x & 1 else x


def point_of_order_eight() -> Point:
    y = 2
    while True:
        x = even_x(y)
        if x is not None:
            point = multiply(ORDER, (x, y))
            if multiply(4, point) != NEUTRAL:
                return point
        y += 1


def encode(point: Point) -> bytes:
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def challenge(r: bytes, key: bytes) -> int:
    return int.from_bytes(sha512(r + key + MESSAGE).digest(), "little") % ORDER


def vectors() -> list[dict[str, Any]]:
    y = 4 * pow(5, -1, P) % P
    base: Point = (even_x(y) or 0, y)
    small = point_of_order_eight()
    key, r = multiply(SECRET, base), multiply(NONCE, base)
    made: list[dict[str, Any]] = []

    def case(
        name: str, encoded_r: bytes, encoded_key: bytes, nonce: int, secret: int, *, holds: bool = False, more: int = 0
    ) -> None:
        s = (nonce + challenge(encoded_r, encoded_key) * secret) % ORDER + more
        signature = encoded_r + s.to_bytes(32, "little")
        made.append(
            {
                "case": name,
                "key": encoded_key.hex(),
                "signature": signature.hex(),
                "message": MESSAGE.hex(),
                "holds": holds,
            }
        )

    def cancelled(encoded_key: bytes, *, wanted: bool) -> int:
        """A nonce with which the hash is a multiple of eight, or is none."""
        nonce = NONCE
        while (challenge(encode(multiply(nonce, base)), encoded_key) % 8 == 0) != wanted:
            nonce += 1
        return nonce

    case("a plain signature", encode(r), encode(key), NONCE, SECRET, holds=True)
    case("S with the order of the group added", encode(r), encode(key), NONCE, SECRET, more=ORDER)
    case("R with a part of small order: the equation holds only times eight", encode(add(r, small)), encode(key), NONCE, SECRET)
    mixed = encode(add(key, small))
    for wanted, name in ((True, "that the hash cancels: the equation holds"), (False, "the equation holds only times eight")):
        nonce = cancelled(mixed, wanted=wanted)
        joint = " " if wanted else ": "
        case(
            f"a key with a part of small order{joint}{name}", encode(multiply(nonce, base)), mixed, nonce, SECRET, holds=wanted
        )
    case("R is the neutral element", encode(NEUTRAL), encode(key), 0, SECRET)
    case("R of small order", encode(small), encode(key), 0, SECRET)
    case("the key is the neutral element", encode(r), encode(NEUTRAL), NONCE, 0)
    nonce = cancelled(encode(small), wanted=True)
    case("a key of small order", encode(multiply(nonce, base)), encode(small), nonce, 0)
    case("the key is the neutral element, in a longer form", encode(r), NEUTRAL_IN_A_LONGER_FORM, NONCE, 0)
    case("R is the neutral element, in a longer form", NEUTRAL_IN_A_LONGER_FORM, encode(key), 0, SECRET)
    return made


if __name__ == "__main__":
    (Path(__file__).parent / "ed25519.json").write_text(json.dumps(vectors(), indent=1) + "\n")
