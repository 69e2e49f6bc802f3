#!/usr/bin/env bash
# Builds every fuzz target once and runs each for some seconds, beginning with the committed seeds. What is found on
# the way is kept in target/fuzz-corpus for the next run. A panic, an input that takes too long or too much memory fails
# the run, and its file is named.
#
#   scripts/fuzz.sh [--seconds N] [--jobs N] [--seed N] [target…]    default: 20 s, all cores, seed 1 (0: another every time)
#   scripts/fuzz.sh --reproduce TARGET FILE                          one input, once
#   scripts/fuzz.sh --list
#
# No nightly toolchain and no cargo-fuzz: rustc's own coverage pass feeds libFuzzer, which the crate libfuzzer-sys
# compiles from its source. No sanitizer either: our code has no unsafe in it, and debug assertions and overflow checks
# are on. Needs cargo and a C++ compiler, which is installed where apt-get can.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds=20 jobs="$(nproc)" seed=1 reproduce="" targets=()
usage() { sed -n 's/^#   //p' "${BASH_SOURCE[0]}" >&2; exit 2; }
number() { [[ "${1:-}" =~ ^[0-9]+$ ]] || usage; echo "$1"; }
all() { sed -n '/^\[\[bin\]\]$/{n;s/^name = "\(.*\)"$/\1/p}' fuzz/Cargo.toml; }
while [ $# -gt 0 ]; do
    case "$1" in
        --seconds) seconds="$(number "${2:-}")"; shift 2 ;;
        --jobs) jobs="$(number "${2:-}")"; shift 2 ;;
        --seed) seed="$(number "${2:-}")"; shift 2 ;;
        --reproduce) [ $# -eq 3 ] || usage; targets=("$2"); reproduce="$(realpath "$3")"; shift 3 ;;
        --list) all; exit 0 ;;
        -*) usage ;;
        *) targets+=("$1"); shift ;;
    esac
done
[ "${#targets[@]}" -gt 0 ] || mapfile -t targets < <(all)
for target in "${targets[@]}"; do
    all | grep -qx "$target" || { echo "fuzz: no target $target; there are: $(all | tr '\n' ' ')" >&2; exit 2; }
done
[ "$jobs" -gt 0 ] && [ "$seconds" -gt 0 ] || usage

command -v cargo >/dev/null || { echo "fuzz: cargo is needed: install a Rust toolchain with rustup" >&2; exit 2; }
if ! command -v c++ >/dev/null; then
    echo "installing g++"
    { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends g++; } ||
        { echo "fuzz: a C++ compiler (c++) is needed, for example from Debian's g++" >&2; exit 2; }
fi

base="$(realpath -m "${CARGO_TARGET_DIR:-target}")"
corpora="$base/fuzz-corpus" artifacts="$base/fuzz-artifacts" logs="$base/fuzz-logs"
mkdir -p "$corpora" "$artifacts" "$logs"
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT

begun=$SECONDS
selected=()
for target in "${targets[@]}"; do selected+=(--bin "$target"); done
# A folder of its own: no other build has this instrumentation.
CARGO_TARGET_DIR="$base/fuzz" RUSTC_WRAPPER="$PWD/fuzz/instrument.sh" \
    cargo build --locked --release --manifest-path fuzz/Cargo.toml "${selected[@]}"
echo "fuzz: ${#targets[@]} targets built in $((SECONDS - begun)) s"

# One target: what libFuzzer says goes to a log. Memory that an input may take is asserted by the targets themselves,
# much more tightly; the limit here is for everything else.
fuzz() {
    local target="$1" inputs=() options=()
    shift
    mkdir -p "$corpora/$target"
    [ ! -f "fuzz/dictionaries/$target.dict" ] || options+=("-dict=fuzz/dictionaries/$target.dict")
    if [ $# -gt 0 ]; then inputs=("$@"); else
        inputs=("$corpora/$target" "fuzz/seeds/$target")
        options+=("-max_total_time=$seconds" "-seed=$seed")
    fi
    env TMPDIR="$scratch" "$base/fuzz/release/$target" "${options[@]}" -max_len=8192 -timeout=10 -rss_limit_mb=512 \
        -print_final_stats=1 "-artifact_prefix=$artifacts/$target-" "${inputs[@]}"
}

if [ -n "$reproduce" ]; then
    fuzz "${targets[0]}" "$reproduce"
    echo "fuzz: ${targets[0]} takes $reproduce without failing"
    exit 0
fi

run() { fuzz "$1" >"$logs/$1.log" 2>&1 && echo ok >"$scratch/$1" || echo failed >"$scratch/$1"; }
begun=$SECONDS
for target in "${targets[@]}"; do
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n || true; done
    run "$target" &
done
wait

failures=0 executions=0
printf '%-16s %12s %8s %8s %9s\n' target executions edges features "per s"
for target in "${targets[@]}"; do
    log="$logs/$target.log"
    read -r count rate edges features < <(awk '
        /^stat::number_of_executed_units:/ { n = $2 } /^stat::average_exec_per_sec:/ { r = $2 }
        /^#[0-9]+/ { for (i = 1; i < NF; i++) { if ($i == "cov:") e = $(i + 1); if ($i == "ft:") f = $(i + 1) } }
        END { print n + 0, r + 0, e + 0, f + 0 }' "$log")
    printf '%-16s %12d %8d %8d %9d\n' "$target" "$count" "$edges" "$features" "$rate"
    executions=$((executions + count))
    if [ "$(cat "$scratch/$target")" != ok ] || [ "$count" -eq 0 ]; then
        failures=$((failures + 1))
        echo "fuzz: $target failed; the end of $log:"
        tail -n 25 "$log"
        input="$(sed -n 's/^.*Test unit written to //p' "$log" | tail -n 1)"
        [ -z "$input" ] || echo "fuzz: reproduce it with: scripts/fuzz.sh --reproduce $target $input"
    fi
done
echo "ran for $((SECONDS - begun)) s, $jobs at a time"
echo "fuzz: ${#targets[@]} targets, $executions executions, $failures failures"
[ "$failures" -eq 0 ]
