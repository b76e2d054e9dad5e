"""Join the modules of verifier/ and its vendored libraries into src/watchline/verifier/verify.html: one file, no network.

    python scripts/build_verifier.py           # write it
    python scripts/build_verifier.py --check   # exit code 1 if the written one is not what would be written

Every module becomes a function that runs once, in the order in which they need each other; nothing in them is changed but the
import and export statements. The page's Content-Security-Policy names the hashes of its one script and its one style.
"""

from __future__ import annotations

import re
import sys
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "verifier"
PAGE = ROOT / "src" / "watchline" / "verifier" / "verify.html"
ENTRY = SOURCES / "page.js"
PACKAGES = {
    "@noble/curves/": SOURCES / "vendor" / "noble-curves-2.4.0",
    "@noble/hashes/": SOURCES / "vendor" / "noble-hashes-2.4.0",
    "@noble/post-quantum/": SOURCES / "vendor" / "noble-post-quantum-0.7.1",
}

# Statements begin a line; in comments of the vendored files there is a star before them.
_IMPORT = re.compile(
    r"^import\s+(?:(?P<names>\{[^}]*\})|\*\s+as\s+(?P<whole>\w+))\s*from\s*['\"](?P<module>[^'\"]+)['\"];?", re.MULTILINE
)
_EXPORT = re.compile(r"^export\s+(?=(?:async\s+)?(?:function|class|const|let)\s+(?P<name>\w+))", re.MULTILINE)
_EXPORT_LIST = re.compile(r"^export\s*\{(?P<names>[^}]*)\}\s*(?:from\s*['\"](?P<module>[^'\"]+)['\"])?;?", re.MULTILINE)
_LEFT_OVER = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


def page() -> bytes:
    """The whole page."""
    script, style = joined(), (SOURCES / "page.css").read_text("utf-8")
    if "</script" in script or "</style" in style:
        raise SystemExit("a source would end the script or the style that it stands in")
    text = (SOURCES / "page.html").read_text("utf-8")
    for mark, value in {
        "{{SCRIPT-HASH}}": _hash(script),
        "{{STYLE-HASH}}": _hash(style),
        "{{STYLE}}": style,
        "{{SCRIPT}}": script,
    }.items():
        if text.count(mark) != 1:
            raise SystemExit(f"page.html wants {mark} once")
        text = text.replace(mark, value)
    return text.encode("utf-8")


def joined() -> str:
    """All modules as one script, each behind those that it needs."""
    order: list[Path] = []
    _visit(ENTRY, order, ())
    names = {path: f"$module{at}" for at, path in enumerate(order)}
    exports: dict[str, set[str]] = {}
    return '\n"use strict";\n' + "".join(_wrapped(path, names, exports) for path in order)


def _visit(path: Path, order: list[Path], above: tuple[Path, ...]) -> None:
    if path in above:
        raise SystemExit(f"modules need each other in a circle: {path}")
    if path in order:
        return
    text = path.read_text("utf-8")
    for found in [*_IMPORT.finditer(text), *_EXPORT_LIST.finditer(text)]:
        if found["module"]:
            _visit(_resolve(found["module"], path), order, (*above, path))
    order.append(path)


def _resolve(module: str, importer: Path) -> Path:
    for prefix, folder in PACKAGES.items():
        if module.startswith(prefix):
            return folder / module.removeprefix(prefix)
    return (importer.parent / module).resolve()


def _wrapped(path: Path, names: dict[Path, str], exports: dict[str, set[str]]) -> str:
    """One module as a function. exports: what each module before it gives; this one's is added."""
    exported: dict[str, str] = {}

    def imported(found: re.Match[str]) -> str:
        module = names[_resolve(found["module"], path)]
        wanted = {name.partition(" as ")[0].strip() for name in (found["names"] or "{}")[1:-1].split(",")} - {""}
        if missing := wanted - exports[module]:
            raise SystemExit(f"{path}: {found['module']} does not export {', '.join(sorted(missing))}")
        return f"const {found['whole'] or _renamed(found['names'])} = {module};"

    def exported_list(found: re.Match[str]) -> str:
        source = f"{names[_resolve(found['module'], path)]}." if found["module"] else ""
        for item in filter(None, (part.strip() for part in found["names"].split(","))):
            local, _, outer = item.partition(" as ")
            exported[outer or local] = source + local
        return ""

    def exported_one(found: re.Match[str]) -> str:
        exported[found["name"]] = found["name"]
        return ""

    text = _IMPORT.sub(imported, path.read_text("utf-8"))
    text = _EXPORT_LIST.sub(exported_list, text)
    text = _EXPORT.sub(exported_one, text)
    if left := _LEFT_OVER.search(text):
        raise SystemExit(f"{path}: this form of import or export is not known: {left[0]}")
    exports[names[path]] = set(exported)
    given = ", ".join(f"{outer}: {local}" for outer, local in exported.items())
    title = path.relative_to(SOURCES).as_posix()
    return f"\n// ---- {title}\nconst {names[path]} = (() => {{\n{text}\nreturn {{ {given} }};\n}})();\n"


def _renamed(names: str) -> str:
    return re.sub(r"(\w+)\s+as\s+(\w+)", r"\1: \2", names)


def _hash(text: str) -> str:
    return "sha256-" + b64encode(sha256(text.encode("utf-8")).digest()).decode()


def main() -> int:
    """Write the page, or compare."""
    made = page()
    if "--check" in sys.argv[1:]:
        return 0 if PAGE.exists() and PAGE.read_bytes() == made else 1
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_bytes(made)
    sys.stdout.write(f"{PAGE.relative_to(ROOT)}: {len(made)} bytes, SHA-256 {sha256(made).hexdigest()}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
