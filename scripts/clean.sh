#!/bin/sh
# Removes what make and the tools made; nothing that a person wrote.
set -eu
cd "$(dirname "$0")/.."

rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
find src tests bench models reliability scripts -type d -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true
