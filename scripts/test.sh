#!/usr/bin/env bash
# Runs every check of the project, the quick ones first, and says at the end what was checked and what was not.
#
#   scripts/test.sh [--embedded-only] [--rust-only] [-- ARGUMENTS...]
#
#   --embedded-only  test without Postgres, which otherwise is started for the tests and removed after them
#   --rust-only      test without clients in Python and TypeScript, the conformance suite, the bundle, the lints of
#                    scripts, and object stores, whose server comes with Python
#   ARGUMENTS        go to `cargo test`, for example: scripts/test.sh -- --test it -- --nocapture
#
# Where WHYTRACE_TEST_PROGRAM names a built program, such as target/release/whytrace, the tests of the program and the
# conformance suite try that in place of the one that is built with them.
#
# Needs cargo with rustfmt and clippy, a C compiler, curl, and a Postgres server, Node and Python, which postgres.sh,
# node.sh and python.sh install where apt-get can be used. What it builds or installs once stays under the target folder.
set -euo pipefail
cd "$(dirname "$0")/.."

MACHETE=cargo-machete@0.9.2
DENY=cargo-deny@0.20.2

node_and_python=(scripts/node.sh run -- scripts/python.sh run --)
s3=(python scripts/s3.py run --)

main() {
    read_arguments "$@"
    # What the user has set for a whytrace in daily use is not for the tests to find.
    local program="${WHYTRACE_TEST_PROGRAM:-}"
    unset "${!WHYTRACE_@}"
    if [ -n "$program" ]; then export WHYTRACE_TEST_PROGRAM="$program"; fi
    # On a machine that builds once, what makes the next build quicker is only written.
    if [ -n "${CI:-}" ]; then export CARGO_INCREMENTAL=0; fi
    trap summary EXIT

    if [ -n "$program" ]; then not_checked "the program as it is built here: $program was tried in its place"; fi
    if [ "$embedded_only" = yes ]; then not_checked "everything on Postgres: --embedded-only was given"; fi
    if [ "$rust_only" = yes ]; then
        not_checked "clients in Python and TypeScript, conformance, bundle, scripts, object stores: --rust-only was given"
    fi
    step "formatting" cargo fmt --check
    step "lock file" cargo fetch --locked --quiet
    if [ "$embedded_only" = no ]; then step "Postgres server" scripts/postgres.sh find; fi
    if [ "$rust_only" = no ]; then
        step "Node and Python" "${node_and_python[@]}" true
        step "scripts" "${node_and_python[@]}" shellcheck scripts/*.sh .ci/run
        step "bundle manifest" "${node_and_python[@]}" mcpb validate mcp-manifest.json
        step "types of Python" "${node_and_python[@]}" mypy --strict --no-incremental examples/python assets \
            scripts/s3.py tests/it/program/sdk
        step "types of TypeScript" types_of_typescript
    fi
    step "unused dependencies" unused_dependencies
    step "licences and sources of dependencies" licences
    advisories
    step "lints" cargo clippy --locked --all-targets -- -D warnings
    step "documentation" documentation
    if [ "$rust_only" = yes ]; then
        tests=(env WHYTRACE_TEST_RUST_ONLY=1 "${tests[@]}")
    else
        tests=("${node_and_python[@]}" "${s3[@]}" "${tests[@]}")
    fi
    if [ "$embedded_only" = yes ]; then
        step "tests on SQLite alone" env WHYTRACE_TEST_EMBEDDED_ONLY=1 "${tests[@]}"
    else
        step "tests on SQLite and Postgres" scripts/postgres.sh run -- "${tests[@]}"
    fi
    current=
}

read_arguments() {
    embedded_only=no rust_only=no
    tests=(cargo test --locked --no-fail-fast)
    while [ $# -gt 0 ]; do
        case "$1" in
        --embedded-only) embedded_only=yes ;;
        --rust-only) rust_only=yes ;;
        --)
            shift
            tests+=("$@")
            if [ $# -gt 0 ]; then not_checked "tests that these arguments leave out: $*"; fi
            return
            ;;
        *)
            echo "usage: scripts/test.sh [--embedded-only] [--rust-only] [-- ARGUMENTS OF CARGO TEST]" >&2
            exit 2
            ;;
        esac
        shift
    done
}

# --- the checks that are more than one command -------------------------------------------------------------------

types_of_typescript() {
    # shellcheck disable=SC2016 # scripts/node.sh sets the variable
    "${node_and_python[@]}" sh -c 'cd "$WHYTRACE_TEST_TYPESCRIPT" && node_modules/.bin/tsc'
}

unused_dependencies() {
    build_tool "$MACHETE"
    cargo machete --skip-target-dir
}

# What may be depended on stands in deny.toml. Its warnings, such as two versions of one crate, are for who asks.
licences() {
    build_tool "$DENY"
    cargo deny --locked --log-level error check licenses bans sources
}

# Known vulnerabilities, from a list that is fetched by git. Where that cannot be had, that is no fault of the code.
advisories() {
    if GIT_TERMINAL_PROMPT=0 cargo deny --locked fetch db >/dev/null 2>&1; then
        step "advisories" cargo deny --locked --log-level error check --disable-fetch advisories
    else
        not_checked "advisories on dependencies: their list could not be fetched"
    fi
}

documentation() {
    RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items
}

# Builds a cargo subcommand NAME@VERSION once, outside the user's own tools, and puts it first on PATH.
build_tool() {
    local root="${CARGO_TARGET_DIR:-$PWD/target}/tools/$1"
    if [ ! -x "$root/bin/${1%@*}" ]; then
        echo "building $1, once; this takes a minute or two"
        env -u CARGO_TARGET_DIR cargo install --locked --quiet --root "$root" "$1"
    fi
    PATH="$root/bin:$PATH"
}

# --- saying what happens -----------------------------------------------------------------------------------------

current=
checked=()
unchecked=()

# step NAME COMMAND...: a heading, then the command; the script ends where one fails.
step() {
    current=$1
    shift
    printf '\n==> %s\n' "$current"
    local began=$SECONDS
    "$@"
    checked+=("$current ($((SECONDS - began)) s)")
}

not_checked() {
    unchecked+=("$1")
    printf '\n!!! NOT CHECKED: %s\n' "$1"
}

summary() {
    local status=$? line
    printf '\n==> summary, after %s s\n' "$SECONDS"
    for line in ${checked[@]+"${checked[@]}"}; do printf 'checked      %s\n' "$line"; done
    for line in ${unchecked[@]+"${unchecked[@]}"}; do printf 'NOT CHECKED  %s\n' "$line"; done
    if [ "$status" -eq 0 ]; then
        printf 'ok: %s checks passed, %s not made\n' "${#checked[@]}" "${#unchecked[@]}"
    else
        printf 'FAILED       %s (and what would have followed it was not checked)\n' "${current:-}"
    fi
}

main "$@"
