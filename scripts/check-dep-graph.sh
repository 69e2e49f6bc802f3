#!/usr/bin/env bash
# Checks who depends on whom: the edges between our crates, what each crate must never reach,
# and that the pictures in README.md and ARCHITECTURE.md show the real graph.
# `--self-test` breaks each rule in a made-up graph and expects the check to notice.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
command -v python3 >/dev/null || { echo "check-dep-graph: python3 is needed (Debian: apt-get install python3)" >&2; exit 2; }
exec python3 scripts/check/dep_graph.py "$@"
