#!/bin/sh
# Makes requirements/*.txt anew from pyproject.toml: exact versions for every platform, with the hash of every file.
# No address is written into them, so they install from whatever index a machine is set up for.
set -eu
cd "$(dirname "$0")/.."

uv=${UV:-uv}
if ! command -v "$uv" >/dev/null; then
    echo "lock: uv is missing; install it (python3 -m pip install uv) or name it: UV=/path/to/uv make lock" >&2
    exit 1
fi

compile() {
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-header --no-emit-index-url --no-emit-find-links "$@" >/dev/null
}

compile pyproject.toml --output-file requirements/runtime.txt "$@"
compile pyproject.toml --group dev --constraints requirements/runtime.txt --output-file requirements/dev.txt "$@"
compile requirements/bench.in --output-file requirements/bench.txt "$@"
compile requirements/fuzz.in --output-file requirements/fuzz.txt "$@"
