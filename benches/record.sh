#!/usr/bin/env bash
# Measures this machine and writes benches/results/<date>-<machine>.md: figures, each with the command that made it.
#
#   benches/record.sh [--log2 16,18,20] [--setups 18,20] [--kernels 12,14,16,18,20] [--shapes t2f1,t10f2] [--threads N] [--name MACHINE]
#
# Takes about twenty minutes on four cores, most of it the rival's. Needs a Rust toolchain and, for 2^20, 6 GiB of memory.
# Keys stay in target/bench-keys for the next time.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
command -v cargo >/dev/null || { echo "record: cargo is needed: install a Rust toolchain with rustup" >&2; exit 2; }

log2=16,18,20 setups=18,20 kernels=12,14,16,18,20 shapes=t2f1,t10f2 threads="$(nproc)" name=""
while [ $# -gt 0 ]; do
    [ $# -ge 2 ] || set -- --help ""
    case "$1" in
        --log2) log2="$2" ;;
        --setups) setups="$2" ;;
        --kernels) kernels="$2" ;;
        --shapes) shapes="$2" ;;
        --threads) threads="$2" ;;
        --name) name="$2" ;;
        *) sed -n 's/^# \{0,1\}//p' "$0" | sed -n '2,4p' >&2; exit 2 ;;
    esac
    shift 2
done

cargo build --locked --release -p quittance
target="${CARGO_TARGET_DIR:-target}"
quittance="$target/release/quittance"
keys="$target/bench-keys"
cpu="$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1)"
[ -n "$name" ] || name="$(echo "${cpu:-unknown} $(nproc) cores" | tr '[:upper:]' '[:lower:]' | tr -cs 'a-z0-9\n' '-' | sed 's/-$//')"
day="$(date -u +%F)"
mkdir -p benches/results
result="benches/results/$day-$name.md"
# Written as a whole or not at all.
draft="$(mktemp)"
trap 'rm -f "$draft"' EXIT

# A title, then a command of the program: its output under the line that anybody can type.
section() {
    local title="$1"
    shift
    echo "record: $title" >&2
    local output
    output="$("$quittance" "$@" | sed 's/ *$//')"
    printf '\n## %s\n\n```text\n$ quittance %s\n%s\n```\n' "$title" "${*/#"$keys"/DIR}" "$output"
}

backends=(portable)
if QUITTANCE_BACKEND=ifma "$quittance" bench ntt --log2 1 --runs 3 >/dev/null 2>&1; then
    backends=(ifma portable)
fi
shape_flags=()
for shape in ${shapes//,/ }; do
    shape_flags+=(--shape "$shape")
done
{
    echo "# $day, ${cpu:-unknown processor}"
    echo
    echo "- $(nproc) cores, $(free -g | awk '/^Mem:/ { print $2 }') GiB of memory, Linux $(uname -r | cut -d- -f1), backends: ${backends[*]}"
    echo "- $(rustc --version | cut -d' ' -f1-2), commit $(git rev-parse --short=12 HEAD), built with \`cargo build --locked --release -p quittance\`"
    echo "- load before the start: $(cut -d' ' -f1-3 /proc/loadavg), where 0 is a machine that does nothing else"
    echo "- everything again: \`benches/record.sh --log2 $log2 --setups $setups --kernels $kernels --shapes $shapes --threads $threads\`"
    for backend in "${backends[@]}"; do
        section "Whole proofs, $backend" bench prove --rival ark-groth16 --log2 "$log2" --threads "$threads" \
            --backend "$backend" --keys "$keys"
        section "Real batches, $backend" bench --rival ark-groth16 "${shape_flags[@]}" --threads "$threads" \
            --backend "$backend" --keys "$keys"
        section "Setups, $backend" bench setup --rival ark-groth16 --log2 "$setups" --threads "$threads" --backend "$backend"
        section "Multi-scalar multiplications, $backend" bench msm --log2 "$kernels" --threads "$threads" --backend "$backend"
        section "Transforms, $backend" bench ntt --log2 "$kernels" --threads "$threads" --backend "$backend"
    done
} >"$draft"
cp "$draft" "$result"
echo "record: wrote $result; benches/readme.sh $result puts its figures into README.md" >&2
