#!/usr/bin/env bash
# Python, for the example in it and for the tools that come as its packages, a server that speaks S3 among them.
#
#   scripts/python.sh find               print the program's path; where there is none that is new enough, install it
#   scripts/python.sh run -- COMMAND...  run COMMAND with it, `mypy` and `shellcheck` first on PATH
#
# COMMAND finds in its environment
#   WHYTRACE_TEST_PYTHON  the program, which has what examples/python needs
#
# The packages lie in an environment of their own in the folder `tools` under the target folder, in the versions that
# scripts/requirements.txt names; Python itself, where it is missing, comes through apt-get.
#
# For example: scripts/python.sh run -- shellcheck scripts/*.sh
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
tools="${CARGO_TARGET_DIR:-$root/target}/tools"

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "python.sh: $*"
    exit 1
}

main() {
    case "${1:-} ${2:-}" in
    "find ")
        find_or_install
        printf '%s\n' "$python"
        ;;
    "run --")
        shift 2
        [ $# -gt 0 ] || fail "run -- needs a command"
        packages
        WHYTRACE_TEST_PYTHON="$tools/python/bin/python" PATH="$tools/python/bin:$PATH" exec "$@"
        ;;
    *) fail "usage: scripts/python.sh find | scripts/python.sh run -- COMMAND..." ;;
    esac
}

find_or_install() {
    find_python && return
    local output
    if command -v apt-get >/dev/null && { [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null; }; then
        say "python.sh: no Python here that will do, so installing Debian's packages python3 and python3-venv"
        output=$({ as_root apt-get update -qq && as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends python3 python3-venv; } 2>&1) || say "$output"
    fi
    find_python || fail "no Python 3.11 or newer with venv here: install one," \
        "or test without it: scripts/test.sh --rust-only"
}

# Debian has venv without ensurepip, which it needs, in a package apart.
find_python() {
    for python in python3 python3.14 python3.13 python3.12 python3.11 /usr/bin/python3; do
        python=$(command -v "$python") || continue
        if "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then return; fi
    done
    return 1
}

# Installs the packages where the lists of them have changed.
packages() {
    local list output
    mkdir -p "$tools"
    tools=$(cd "$tools" && pwd)
    list=$(cat "$root/scripts/requirements.txt" "$root/examples/python/requirements.txt")
    if [ -x "$tools/python/bin/python" ] && [ "$list" = "$(cat "$tools/python/installed.txt" 2>/dev/null)" ]; then
        return
    fi
    find_or_install
    say "python.sh: installing the packages of examples/python, moto, mypy and shellcheck under $tools"
    rm -rf "$tools/python"
    "$python" -m venv "$tools/python"
    output=$("$tools/python/bin/pip" install --disable-pip-version-check --quiet \
        --requirement "$root/scripts/requirements.txt" 2>&1) || fail "pip: $output"
    printf '%s\n' "$list" >"$tools/python/installed.txt"
}

as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi; }

main "$@"
