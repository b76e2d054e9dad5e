"""Give a recorded model with the blinding that the protocol has now: `python -m models.proverif.adapted base > base-now.pv`.

The files were run when the author drew `r` at random and sealed it with the body. Now it is HMAC(ck, 0x03 || SHA-256(body))
with the chain key that the entry is sealed under, and it does not travel (rule 8). The adapted text was not run: ProVerif is in
none of the package registries that this project installs from.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

HERE = Path(__file__).parent

_FUNCTION = (
    "fun com(bitstring, bitstring): bitstring.",
    "fun blind(key, bitstring): bitstring.          (* rule 8: ck, SHA-256(body) *)\n",
)
_DRAWN = re.compile(r"new r(\d+): bitstring; (let cm\1 = com\(r\1, body\1\) in)")
_SEALED = re.compile(r"aead\(mkf\((\w+), h\(leaf(\d+)\)\), leaf\2, \(r\2, body\2\)\)")
_OPENED = re.compile(r"let \(r(\d+): bitstring, body\1: bitstring\) = dec\(mkf\((\w+), h\(leaf\1\)\), leaf\1, w\1\) in")


def adapted(text: str) -> str:
    """Adapt the text of a recorded model. Raises ValueError if it is not of the shape that all of them have."""
    chains = {index: chain for chain, index in _SEALED.findall(text)}
    entries = len(chains)
    text, drawn = _DRAWN.subn(
        lambda found: f"let r{found[1]} = blind({chains[found[1]]}, h(body{found[1]})) in {found[2]}", text
    )
    text, sealed = _SEALED.subn(r"aead(mkf(\1, h(leaf\2)), leaf\2, body\2)", text)
    text, opened = _OPENED.subn(r"let body\1 = dec(mkf(\2, h(leaf\1)), leaf\1, w\1) in let r\1 = blind(\2, h(body\1)) in", text)
    if not entries or {drawn, sealed, opened} != {entries} or text.count(_FUNCTION[0]) != 1:
        raise ValueError(f"not a recorded model: {drawn} blindings drawn, {sealed} sealed, {opened} opened")
    return text.replace(_FUNCTION[0], _FUNCTION[1] + _FUNCTION[0])


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(adapted((HERE / f"{name}.pv").read_text("utf-8")), end="")
