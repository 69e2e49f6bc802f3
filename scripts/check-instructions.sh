#!/usr/bin/env bash
# Counts the instructions of the portable kernels on small inputs and fails where one needs more than before.
#
#   scripts/check-instructions.sh            compare with benches/instructions.csv
#   scripts/check-instructions.sh --accept   write the counts there: a new baseline, to be committed with its reason
#
# Counts come from valgrind's callgrind, which this script installs on Debian if it is missing. Unlike times they hardly change
# between runs and machines; they do change with the compiler, whose version the baseline names.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# A kernel may need this much more, in percent, before the check fails. A change elsewhere in the crate moves what the compiler
# inlines: up to 2 % were seen without a change of the kernel.
tolerance=5
baseline=benches/instructions.csv

accept=0
case "${1:-}" in
    "") ;;
    --accept) accept=1 ;;
    *) echo "usage: scripts/check-instructions.sh [--accept]" >&2; exit 2 ;;
esac
command -v cargo >/dev/null || { echo "check-instructions: cargo is needed: install a Rust toolchain with rustup" >&2; exit 2; }
if ! command -v valgrind >/dev/null; then
    echo "installing valgrind"
    apt-get -qq update
    DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends valgrind
fi

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
compiler="$(rustc --version | cut -d' ' -f1-2)"

# In one unit for each crate: with more, a kernel's code depends on which functions happen to share its unit (10 % were seen).
CARGO_PROFILE_BENCH_CODEGEN_UNITS=1 \
    cargo bench --locked --quiet -p quittance-benches --bench instructions --no-run --message-format=json >"$scratch/built"
program="$(sed -n 's/.*"name":"instructions".*"executable":"\([^"]*\)".*/\1/p' "$scratch/built" | tail -n 1)"
[ -x "$program" ] || { echo "check-instructions: cargo named no program for the bench instructions" >&2; exit 2; }

{
    echo "# instructions of one run, portable backend, one thread; scripts/check-instructions.sh --accept; $compiler"
    echo "kernel,instructions"
    for kernel in $("$program"); do
        QUITTANCE_BACKEND=baseline valgrind --quiet --tool=callgrind --callgrind-out-file="$scratch/$kernel" \
            --collect-atstart=no --toggle-collect='instructions::counted*' "$program" "$kernel"
        echo "$kernel,$(awk '/^(summary|totals):/ { print $2; exit }' "$scratch/$kernel")"
    done
} >"$scratch/counts.csv"

if [ "$accept" -eq 1 ]; then
    cp "$scratch/counts.csv" "$baseline"
    cat "$baseline"
    exit 0
fi

awk -F, -v tolerance="$tolerance" -v name="$baseline" '
    /^#/ { next }
    $1 == "kernel" { next }
    FNR == NR { before[$1] = $2; next }
    {
        if (!($1 in before)) { printf "%-24s %12d  not in %s\n", $1, $2, name; wrong++; next }
        change = 100 * ($2 - before[$1]) / before[$1]
        verdict = "ok"
        if ($2 + 0 < 1) { verdict = "nothing was counted"; wrong++ }
        else if (change > tolerance) { verdict = "more than " tolerance " % more"; wrong++ }
        else if (change < -tolerance) { verdict = "ok, and fewer: accept a new baseline so that this stays" }
        printf "%-24s %12d  before %12d  %+6.2f %%  %s\n", $1, $2, before[$1], change, verdict
        seen[$1] = 1
    }
    END {
        for (kernel in before) if (!(kernel in seen)) { printf "%-24s is in %s and was not counted\n", kernel, name; wrong++ }
        exit wrong > 0
    }' "$baseline" "$scratch/counts.csv" || {
    if ! grep -qF "$compiler" "$baseline"; then
        echo "check-instructions: the baseline is from another compiler; this one is $compiler" >&2
    fi
    echo "check-instructions: if this is meant, run scripts/check-instructions.sh --accept and commit $baseline with the reason" >&2
    exit 1
}
