#!/usr/bin/env bash
# Runs every test of the workspace and ends with one line: `N passed, N failed`.
#
#   scripts/test.sh          unit tests first (fast), then integration tests, the engine's other backends, the examples in the
#                            docs, foreign clients
#   scripts/test.sh --fast   unit tests only
#
# Uses `cargo test`, so a Rust toolchain and a C linker are all that most of it needs; scripts/interop.sh, which counts as
# one test, needs Node and Python too, and installs the clients' packages from their lock files. One process runs all tests of
# a file, which therefore make an expensive fixture (a development key) once. Each test runs exactly once, but those of the
# engine and of the command, which run once on each backend that this machine has; the line before the last says which. A test
# marked `ignore` fails the run, because nothing here is skipped silently.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Each backend has its turn below, whatever the caller's environment asks for.
unset QUITTANCE_BACKEND

tiers=(unit integration backends docs interop)
case "${1:-}" in
    "") ;;
    --fast) tiers=(unit) ;;
    *) echo "usage: scripts/test.sh [--fast]" >&2; exit 2 ;;
esac
command -v cargo >/dev/null || { echo "test: cargo is needed: install a Rust toolchain with rustup" >&2; exit 2; }
command -v cc >/dev/null || { echo "test: a C linker (cc) is needed, for example from Debian's gcc" >&2; exit 2; }

log="$(mktemp)"
trap 'rm -f "$log"' EXIT
passed=0 failed=0 skipped=0 broken=0

# Adds up the `test result:` lines that cargo test printed into $log.
count() {
    awk '/^test result: / { for (i = 2; i <= NF; i++) {
             if ($i == "passed;") p += $(i-1); if ($i == "failed;") f += $(i-1); if ($i == "ignored;") s += $(i-1) } }
         END { print p + 0, f + 0, s + 0 }' "$log"
}

run() {
    local title="$1" status=0 p f s started=$SECONDS
    shift
    echo
    echo "== $title: $*"
    "$@" 2>&1 | tee "$log" || status=$?
    read -r p f s < <(count)
    # A failure that no result line tells of: the code does not compile, or a test program died.
    if [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; then
        echo "test: cargo ended with status $status without a result for some test program: counted as one failure"
        f=1
        broken=1
    fi
    echo "== $title: $p passed, $f failed, $s ignored, $((SECONDS - started)) s"
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

# The test program with this name, as the tiers before have built it: `cargo test` chooses features by what it is asked to build.
test_program() {
    cargo test --locked --workspace --all-features --no-run --lib --test cli --message-format=json 2>/dev/null |
        sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | grep "/$1-[0-9a-f]*\$" | tail -n 1
}

in_directory() { (cd "$1" && shift && "$@"); }

# The tiers before have run on the fastest backend of this machine. The engine's tests, and those of the command, which makes keys,
# serves, proves and verifies, run again on each of the others.
backends_tested=""
run_backends() {
    local engine cli backend names=()
    run "backends of this machine" cargo build --locked --workspace --all-features --example backends
    [ "$broken" -eq 0 ] || return 0
    mapfile -t names < <("${CARGO_TARGET_DIR:-target}/debug/examples/backends")
    echo "backends of this machine, the fastest last: ${names[*]}"
    engine="$(test_program quittance_engine || true)" cli="$(test_program cli || true)"
    for backend in "${names[@]::${#names[@]}-1}"; do
        run "engine on the $backend backend" in_directory prover/engine env QUITTANCE_BACKEND="$backend" "$engine" --quiet
        run "command on the $backend backend" in_directory prover/server env QUITTANCE_BACKEND="$backend" "$cli" --quiet
    done
    case " ${names[*]} " in
        *" ifma "*) backends_tested="backends tested: $(printf '%s, ' "${names[@]}" | sed 's/, $//')" ;;
        *) backends_tested="this machine has no AVX-512 IFMA: only the portable backends were tested" ;;
    esac
}

# The foreign clients' run is one test: it passes if it ends well, and with the line that says what was verified.
run_interop() {
    local started=$SECONDS kinds="$2 openings, $2 withdrawals, $2 rotations, [1-9][0-9]* deposits, [1-9][0-9]* forced exits"
    local line="^interop: $1 transfers, $kinds, [1-9][0-9]* proofs verified by snarkjs and quittance-verify\$"
    echo
    echo "== foreign clients: scripts/interop.sh --transfers $1 --others $2"
    if scripts/interop.sh --transfers "$1" --others "$2" 2>&1 | tee "$log" && tail -n 1 "$log" | grep --quiet "$line"; then
        passed=$((passed + 1))
        echo "== foreign clients: 1 passed, 0 failed, $((SECONDS - started)) s"
    else
        failed=$((failed + 1))
        echo "== foreign clients: 0 passed, 1 failed, $((SECONDS - started)) s"
    fi
}

for tier in "${tiers[@]}"; do
    case "$tier" in
        unit) run "unit tests" cargo test --locked --workspace --all-features --no-fail-fast --lib --bins ;;
        integration) run "integration tests" cargo test --locked --workspace --all-features --no-fail-fast --test '*' ;;
        backends) run_backends ;;
        docs) run "examples in the docs" cargo test --locked --workspace --all-features --no-fail-fast --doc ;;
        interop) run_interop 800 20 ;;
    esac
    # Code that does not build fails in every tier: once is enough.
    [ "$broken" -eq 0 ] || break
done

echo
status=0
if [ "$skipped" -ne 0 ]; then
    echo "test: $skipped tests are marked ignore; remove the mark or the test"
    status=1
fi
if [ "$passed" -eq 0 ]; then
    echo "test: no test ran"
    status=1
fi
[ "$failed" -eq 0 ] || status=1
line="$passed passed, $failed failed"
[ "$skipped" -eq 0 ] || line="$line, $skipped skipped"
[ -z "$backends_tested" ] || echo "$backends_tested"
echo "$line"
exit "$status"
