#!/usr/bin/env bash
# House rules that no compiler checks: file lengths, module layout, where `unsafe` may stand,
# unfinished work, names of machines, links between documents.
# `--self-test` breaks each rule in a made-up tree and expects the check to notice.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
command -v python3 >/dev/null || { echo "check-sources: python3 is needed (Debian: apt-get install python3)" >&2; exit 2; }
exec python3 scripts/check/sources.py "$@"
