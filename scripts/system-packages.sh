#!/bin/sh
# What the tests use beyond Python packages, to check our own work against: unzip, Go, an implementation of signed notes, Spin and a C compiler,
# Node.js and Chromium with fonts for Japanese and Chinese.
# Installs what is missing with apt where it may (root, or sudo that asks no password); otherwise says what to install.
set -eu

packages=""
command -v unzip >/dev/null || packages="$packages unzip"
command -v go >/dev/null || packages="$packages golang-go"
command -v spin >/dev/null || packages="$packages spin"
command -v cc >/dev/null || packages="$packages gcc libc6-dev"
[ -d /usr/share/gocode/src/golang.org/x/mod/sumdb/note ] || packages="$packages golang-golang-x-mod-dev"
command -v node >/dev/null || packages="$packages nodejs"
command -v chromium >/dev/null || packages="$packages chromium"
[ -d /usr/share/fonts/opentype/noto ] || packages="$packages fonts-noto-cjk"
[ -n "$packages" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    as_root="env"
elif sudo -n true 2>/dev/null; then
    as_root="sudo -n env"
else
    as_root=""
fi

if [ -z "$as_root" ] || ! command -v apt-get >/dev/null; then
    echo "system-packages: missing:$packages" >&2
    echo "system-packages: install them (Debian, Ubuntu: sudo apt-get install$packages); the tests that use them are skipped until then" >&2
    exit 1
fi

$as_root DEBIAN_FRONTEND=noninteractive apt-get update -qq
# shellcheck disable=SC2086 # the names are words
$as_root DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null
