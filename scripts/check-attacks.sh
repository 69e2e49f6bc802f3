#!/usr/bin/env bash
# Checks that every known bug class has its attack: each row of circuits/ATTACKS.md names tests that exist, at least one of which
# carries the row in its name, or says why it cannot apply; and tests named in circuits/STATEMENT.md exist too.
# `--self-test` breaks each rule in a made-up tree and expects the check to notice.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
command -v python3 >/dev/null || { echo "check-attacks: python3 is needed (Debian: apt-get install python3)" >&2; exit 2; }
exec python3 scripts/check/attacks.py "$@"
