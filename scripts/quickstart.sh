#!/usr/bin/env bash
# From a fresh checkout to a verified proof, over real gRPC, in one command. Needs a Rust toolchain and a C
# compiler. Everything it makes lies in target/ and .quittance/; the second run reuses the build and the key.
#
# Ends with the line that quittance-verify prints: `verified: N transfers, batch 1, 0x… -> 0x…`
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

shape=t2f1    # two transfers, one fee slot, 2^32 accounts: the smallest circuit
token=1

say() { printf '\n[%s] %s\n' "$1" "$2" >&2; }
fail() { printf 'quickstart: %s\n' "$1" >&2; exit 1; }

command -v cargo >/dev/null || fail "cargo is missing: install a Rust toolchain with rustup"
command -v cc >/dev/null || fail "a C compiler (cc) is missing, for example Debian's gcc"

mkdir -p .quittance
run="$(mktemp -d .quittance/run.XXXXXX)"
service=""
child=""

# Runs a long command so that a signal stops it at once: in a process group of its own, which the trap ends.
waited() {
    printf '  $ %s\n' "$*" >&2
    set -m
    "$@" </dev/null &
    child=$!
    set +m
    local status=0
    wait "$child" || status=$?
    child=""
    return "$status"
}
stop_service() {
    [ -n "$service" ] || return 0
    local pid="$service" status=0
    service=""
    kill -TERM "$pid" 2>/dev/null || true
    wait "$pid" || status=$?
    return "$status"
}
cleanup() {
    local status=$?
    trap - EXIT INT TERM
    if [ -n "$child" ]; then
        kill -TERM -- "-$child" 2>/dev/null || true
        wait "$child" 2>/dev/null || true
    fi
    stop_service || true
    if [ "$status" -ne 0 ] && [ -s "$run/service.log" ]; then
        echo "quickstart: the service's last words:" >&2
        tail -n 20 "$run/service.log" >&2
    fi
    rm -rf "$run"
    exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say 1/7 "building quittance and quittance-verify (release; the first time takes some minutes)"
waited cargo build --release --locked --package quittance --package quittance-verifier \
    --features quittance-verifier/cli --bin quittance --bin quittance-verify
bin="${CARGO_TARGET_DIR:-target}/release"
quittance() { printf '  $ quittance %s\n' "$*" >&2; "$bin/quittance" "$@"; }

keys=.quittance/keys
say 2/7 "making a development key for shape $shape, or checking the one that an earlier run left in $keys"
if ! quittance setup --shape "$shape" --keys "$keys" >&2; then
    echo "  the key in $keys/$shape does not belong to this build: making another" >&2
    rm -rf "${keys:?}/$shape"
    quittance setup --shape "$shape" --keys "$keys" >&2
fi

say 3/7 "making three accounts: alice, bob, and the operator who earns the fees"
{
    echo "index,key,balance,token,owner"
    index=0
    for name in alice bob operator; do
        key="$(quittance keygen "$run/$name.secret")"
        echo "$index,$key,1000000,$token,0x$(printf '%040x' $((index + 1)))"
        index=$((index + 1))
    done
} > "$run/accounts.csv"
quittance genesis "$run/accounts.csv" --store "$run/store" >&2

say 4/7 "starting the service on a free loopback port"
echo "  \$ quittance serve --listen 127.0.0.1:0 --store $run/store --keys $keys --shape $shape --fee-leaf 2 --allow-development-keys" >&2
"$bin/quittance" serve --listen 127.0.0.1:0 --store "$run/store" --keys "$keys" --shape "$shape" \
    --fee-leaf 2 --allow-development-keys > "$run/service.out" 2> "$run/service.log" &
service=$!
address=""
for _ in $(seq 600); do
    address="$(grep -Eo '127\.0\.0\.1:[1-9][0-9]*' "$run/service.out" "$run/service.log" -h | head -n 1 || true)"
    [ -z "$address" ] || break
    kill -0 "$service" 2>/dev/null || fail "the service did not start"
    sleep 0.1
done
[ -n "$address" ] || fail "the service did not say its address within a minute"
export QUITTANCE_SERVER="http://$address"
echo "  listening on $address" >&2

say 5/7 "signing two transfers and submitting them as one batch"
quittance sign transfer --secret "$run/alice.secret" --from 0 --to 1 --amount 1500 --fee 10 > "$run/transfers.json"
quittance sign transfer --secret "$run/bob.secret" --from 1 --to 0 --amount 250 --fee 10 >> "$run/transfers.json"
quittance submit "$run/transfers.json" >&2

say 6/7 "watching the proof"
quittance watch 1 >&2
rm -f .quittance/batch-1.bundle
quittance proof 1 --output .quittance/batch-1.bundle >&2
quittance account 1 >&2
stop_service || fail "the service ended with status $?"
echo "  the service has stopped" >&2

say 7/7 "verifying offline, with the key from setup and not from the service"
verify=(quittance-verify --vk "$keys/$shape/verifying.key" --allow-development-key .quittance/batch-1.bundle)
printf '  $ %s\n' "${verify[*]}" >&2
# The verdict is kept back until its notes on stderr are out, so that it is the last line.
verdict="$("$bin/${verify[0]}" "${verify[@]:1}")"
printf '\n%s\n' "$verdict"
