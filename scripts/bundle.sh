#!/usr/bin/env bash
# Packs the program as a bundle (.mcpb), which Claude Desktop and other clients install with one click.
#
#   scripts/bundle.sh [--binary PATH] [--platform OS-ARCH] [--into FOLDER]
#
#   --binary    the program; by default one is built for this machine, with optimisation
#   --platform  what it runs on: linux, darwin or win32, then x86_64, aarch64 or universal; by default this machine
#   --into      where the bundle goes; by default `bundles` under the target folder
#
# Prints the bundle's SHA-256 and its path. Runs through scripts/node.sh, which has the tool that packs.
set -euo pipefail

usage() {
    sed -n '2,/^set /s/^# \{0,1\}//p' scripts/bundle.sh
    exit
}

fail() {
    printf 'bundle.sh: %s\n' "$*" >&2
    exit 1
}

main() {
    here=$PWD
    cd "$(dirname "$0")/.."
    target="${CARGO_TARGET_DIR:-$PWD/target}"
    binary='' platform='' into="$target/bundles"
    while [ $# -gt 0 ]; do
        case "$1" in -h | --help) usage ;; esac
        [ $# -gt 1 ] || fail "$1 needs a value"
        case "$1" in
        --binary) binary=$(from_here "$2") ;;
        --platform) platform=$2 ;;
        --into) into=$(from_here "$2") ;;
        *) fail "usage: scripts/bundle.sh [--binary PATH] [--platform OS-ARCH] [--into FOLDER]" ;;
        esac
        shift 2
    done
    [ -n "$platform" ] || platform=$(this_machine)
    if [ -z "$binary" ]; then
        cargo build --release --locked
        binary="$target/release/whytrace"
    fi
    [ -f "$binary" ] || fail "no program at $binary"
    pack
}

from_here() {
    case "$1" in
    /*) printf '%s\n' "$1" ;;
    *) printf '%s\n' "$here/$1" ;;
    esac
}

this_machine() {
    local os arch
    case "$(uname -s)" in
    Linux) os=linux ;;
    Darwin) os=darwin ;;
    MINGW* | MSYS*) os=win32 ;;
    *) fail "no bundles for $(uname -s)" ;;
    esac
    arch=$(uname -m)
    [ "$arch" != arm64 ] || arch=aarch64
    printf '%s-%s\n' "$os" "$arch"
}

pack() {
    local os=${platform%-*} program=whytrace version bundle
    [ "$os" != win32 ] || program=whytrace.exe
    stage=$(mktemp -d)
    trap 'rm -rf "$stage"' EXIT
    mkdir -p "$stage/server" "$stage/assets" "$into"
    cp "$binary" "$stage/server/$program"
    chmod 755 "$stage/server/$program"
    cp assets/icon.png "$stage/assets/"
    cp LICENSE-MIT LICENSE-APACHE "$stage/"
    version=$(scripts/node.sh run -- node --eval "$NARROW" "$os" "$program" "$stage/manifest.json")
    bundle="$into/whytrace-$version-$platform.mcpb"
    scripts/node.sh run -- mcpb pack "$stage" "$bundle" >"$stage.log" 2>&1 || fail "$(cat "$stage.log")"
    rm -f "$stage.log"
    printf '%s  %s\n' "$(sha256 "$bundle")" "$bundle"
}

# Writes the manifest for one platform, whose command then needs no overriding, and prints the version.
# shellcheck disable=SC2016 # it is JavaScript
NARROW='
    const [os, program, path] = process.argv.slice(1);
    const fs = require("node:fs");
    const manifest = JSON.parse(fs.readFileSync("mcp-manifest.json", "utf8"));
    if (!manifest.compatibility.platforms.includes(os)) throw new Error(`the manifest knows no platform ${os}`);
    manifest.compatibility.platforms = [os];
    manifest.server.entry_point = `server/${program}`;
    manifest.server.mcp_config.command = `\${__dirname}/server/${program}`;
    delete manifest.server.mcp_config.platform_overrides;
    fs.writeFileSync(path, JSON.stringify(manifest, null, 2) + "\n");
    console.log(manifest.version);
'

sha256() {
    if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

main "$@"
