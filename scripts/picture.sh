#!/usr/bin/env bash
# Draws docs/terminal.svg anew, with the program as it is now: see scripts/picture.py.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build --locked --quiet
exec scripts/python.sh run -- python scripts/picture.py "${CARGO_TARGET_DIR:-target}/debug/whytrace" docs/terminal.svg
