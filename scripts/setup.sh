#!/bin/sh
# Makes .venv from the hashed locks and installs this folder into it, editable. Run by make; safe to run again.
# PYTHON=... chooses the interpreter; otherwise the first of python3, python3.14 ... python3.11 that is new enough.
set -eu
cd "$(dirname "$0")/.."

fail() {
    echo "setup: $*" >&2
    exit 1
}

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if new_enough "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    fail "Python 3.11 or newer is needed (${PYTHON:-python3} is older or missing); install one, or name it: make PYTHON=/path/to/python"
}

# Debian and Ubuntu ship Python without ensurepip, and venv does not work without it.
ensure_venv_module() {
    "$1" -c 'import ensurepip, venv' >/dev/null 2>&1 && return
    package=$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "setup: installing $package" >&2
        DEBIAN_FRONTEND=noninteractive apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >/dev/null
    else
        fail "$1 cannot make virtual environments; install them first: sudo apt-get install $package"
    fi
}

python=$(find_python)
if ! new_enough .venv/bin/python; then
    ensure_venv_module "$python"
    rm -rf .venv
    "$python" -m venv .venv
fi

# Wheels only: building a source archive would bring in build tools that no lock covers.
pip() {
    .venv/bin/python -m pip --disable-pip-version-check --quiet "$@"
}
pip install --require-hashes --only-binary :all: --requirement requirements/dev.txt
pip install --no-deps --no-build-isolation --no-index --editable .
touch .venv/.installed
