#!/usr/bin/env bash
# Removes constraints from both circuits and shows that each was needed. Ends with one line:
# `mutants: K killed, E explained, 0 unexplained`. The line before it says by what they were killed.
#
#   scripts/mutants.sh       a whole batch of every section: each rule's rows removed in turn, then each single row
#
# The same runs among the tests of the circuits crate, where it is `mutants::every_rule_and_every_row_is_needed`; here it prints how many rows
# each way of noticing has to its credit: named attacks first, then the sweep of single variables, and the same with all that follows, each
# with a forged assignment that is accepted without the row; and freedom, which has none, but solves to first order for changes of many
# variables. What they mean stands in circuits/ATTACKS.md and circuits/tests/rules/mutants.rs; the rows
# that nothing notices, with reasons, in circuits/tests/rules/mutants/explained.txt.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

[ "$#" -eq 0 ] || { echo "usage: scripts/mutants.sh" >&2; exit 2; }
command -v cargo >/dev/null || { echo "mutants: cargo is needed: install a Rust toolchain with rustup" >&2; exit 2; }

log="$(mktemp)"
trap 'rm -f "$log"' EXIT
cargo test --locked --package quittance-circuits --test rules mutants:: -- --nocapture 2>&1 | tee "$log" | { grep --invert-match '^mutants: ' || true; }
grep '^mutants: ' "$log"
