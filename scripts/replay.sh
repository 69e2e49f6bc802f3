#!/usr/bin/env bash
# What users can do without the operator: a service runs operations of every kind and proves them, its database is thrown away,
# the state is rebuilt from genesis and published bundles alone, and one account is proved out of it for the root chain's
# emergency mode.
#
# Needs a Rust toolchain and a C compiler. Everything it makes lies in target/ and .quittance/; keys are kept for the next run.
#
# Ends with: `replay: B batches, root matches; exit proof verified`
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

shape=p1o1t2w1r1f1    # the smallest shipped circuit with every kind of operation
token=1

say() { printf '\n[%s] %s\n' "$1" "$2" >&2; }
fail() { printf 'replay: %s\n' "$1" >&2; exit 1; }

command -v cargo >/dev/null || fail "cargo is missing: install a Rust toolchain with rustup"
command -v cc >/dev/null || fail "a C compiler (cc) is missing, for example Debian's gcc"

mkdir -p .quittance
run="$(mktemp -d .quittance/replay.XXXXXX)"
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
        echo "replay: the service's last words:" >&2
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
say 2/7 "making development keys for batches ($shape) and for exits, or checking those that an earlier run left in $keys"
for name in "$shape" exit; do
    if ! quittance setup --shape "$name" --keys "$keys" >&2; then
        echo "  the key in $keys/$name does not belong to this build: making another" >&2
        rm -rf "${keys:?}/$name"
        quittance setup --shape "$name" --keys "$keys" >&2
    fi
done

say 3/7 "making the genesis: alice, bob, and the operator who earns the fees"
owner() { printf '0x%040x' "$1"; }
declare -A key
for name in alice bob operator carol dora alice-new; do
    key[$name]="$("$bin/quittance" keygen "$run/$name.secret")"
done
{
    echo "index,key,balance,token,owner"
    echo "0,${key[alice]},1000000,$token,$(owner 1)"
    echo "1,${key[bob]},1000000,$token,$(owner 2)"
    echo "2,${key[operator]},1000000,$token,$(owner 3)"
} > "$run/accounts.csv"
quittance genesis "$run/accounts.csv" --store "$run/store" >&2

say 4/7 "running operations of every kind through a service"
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
sign() { "$bin/quittance" sign "$1" --secret "$run/$2.secret" --fee 10 "${@:3}" >> "$run/operations.json"; }
priority() { "$bin/quittance" priority "$@" >> "$run/priority.json"; }
submit() {
    if [ -s "$run/priority.json" ]; then quittance priority submit --append "$run/priority.json" >&2; fi
    quittance submit "$run/operations.json" --single --wait >&2
    rm -f "$run/operations.json" "$run/priority.json"
}

upper=2147483648    # deposits open accounts from here on
priority deposit --leaf "$upper" --token "$token" --amount 7000 --owner "$(owner 4)" --key "${key[dora]}"
# A deposit without effect, after which the queue goes on: the token is another, as nobody but the root chain could say.
priority deposit --leaf 1 --token $((token + 1)) --amount 5 --owner "$(owner 5)" --key "${key[dora]}"
sign open alice --from 0 --nonce 0 --to 5 --amount 40000 --key "${key[carol]}" --owner "$(owner 6)"
sign transfer alice --from 0 --nonce 1 --to 1 --amount 1500
sign transfer bob --from 1 --nonce 0 --to 0 --amount 250
sign withdraw bob --from 1 --nonce 1 --amount 12345 --address "$(owner 2)"
sign rotate alice --from 0 --nonce 2 --key "${key[alice-new]}" --owner "$(owner 7)"
submit
# Another's account is not paid out; one's own is, all of it.
priority exit --leaf 1 --caller "$(owner 1)"
priority exit --leaf 1 --caller "$(owner 2)"
sign transfer carol --from 5 --nonce 0 --to "$upper" --amount 111
sign transfer dora --from "$upper" --nonce 0 --to 5 --amount 222
sign transfer alice-new --from 0 --nonce 3 --to 5 --amount 333
submit

say 5/7 "fetching what was published, then throwing the operator's database away"
# The queue's last operations have no watcher of their own: whatever was accepted by now is waited for.
last=0
for _ in $(seq 600); do
    state="$("$bin/quittance" state --json)"
    last="$(sed -n 's/.*"batch_number":\([0-9]*\).*/\1/p' <<< "$state")"
    status="$("$bin/quittance" priority status --json)"
    executed="$(sed -n 's/.*"next_to_execute":\([0-9]*\).*/\1/p' <<< "$status")"
    [ "$executed" != 4 ] || break
    sleep 0.5
done
[ "$executed" = 4 ] || fail "the root chain's queue was not executed"
root="$(sed -n 's/.*"root":"\([^"]*\)".*/\1/p' <<< "$state")"
mkdir "$run/bundles"
for number in $(seq "$last"); do
    quittance watch "$number" >/dev/null 2>&1 || fail "batch $number is not proved"
    "$bin/quittance" proof "$number" --output "$run/bundles/$number.bundle" >&2
done
stop_service || fail "the service ended with status $?"
rm -rf "$run/store"

say 6/7 "rebuilding the state from genesis and bundles, with keys from setup"
history=(--genesis "$run/accounts.csv" --vk "$keys/$shape/verifying.key" --allow-development-keys
    --root "$root" --batches "$last")
replayed="$(quittance replay "${history[@]}" --state "$run/state.json" --json "$run/bundles")"
echo "  $replayed" >&2
grep -q "\"batches\":$last[,}]" <<< "$replayed" || fail "not all of $last batches were replayed"
grep -q "\"root\":\"$root\"" <<< "$replayed" || fail "the service had root $root"
grep -q '"index":5,' "$run/state.json" || fail "the account that was opened is missing"
# A gap in the history is no history.
mv "$run/bundles/1.bundle" "$run/1.bundle"
if "$bin/quittance" replay "${history[@]}" "$run/bundles" 2>/dev/null; then fail "a history without its first batch was accepted"; fi
mv "$run/1.bundle" "$run/bundles/1.bundle"
# Nor is one that ends too early, though every root of it matches.
mv "$run/bundles/$last.bundle" "$run/last.bundle"
if "$bin/quittance" replay "${history[@]}" "$run/bundles" 2>/dev/null; then fail "a history without its last batch was accepted"; fi
mv "$run/last.bundle" "$run/bundles/$last.bundle"

say 7/7 "proving carol's account under the last root, for the root chain to pay her"
quittance exit --account 5 "${history[@]}" --keys "$keys" --output "$run/carol.exit" "$run/bundles" >&2
verify=("$bin/quittance-verify" --vk "$keys/exit/verifying.key" --allow-development-key "$run/carol.exit")
verdict="$("${verify[@]}")"
echo "  $verdict" >&2
if "$bin/quittance-verify" --vk "$keys/$shape/verifying.key" --allow-development-key "$run/carol.exit" >/dev/null 2>&1; then
    fail "an exit was accepted under a key of batches"
fi

printf '\nreplay: %s batches, root matches; exit proof verified\n' "$last"
