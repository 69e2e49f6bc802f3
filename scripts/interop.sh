#!/usr/bin/env bash
# Drives the service with clients that share no code with it: one for Node made of circomlibjs, grpc-js and snarkjs, one
# for Python that knows the service by reflection only. The service is killed with kill -9 in the middle of it, and
# every proof is verified by snarkjs and by quittance-verify.
#
#   scripts/interop.sh [--transfers N] [--others N] [--accounts N]     1000 transfers, 20 of each other kind, 200 accounts
#                      [--shape NAME] [--mixed NAME]                   shapes t10f2 and p2o2t5w2r2f2
#
# --others is the number of openings, of withdrawals and of rotations; there are half as many deposits and a quarter as many
# forced exits. Shape --shape proves batches of transfers, --mixed those with other operations: give it two slots or more for each
# kind, and both shapes two fee slots. A run takes at least 4 others, 8 accounts, and 12 batches of transfers beside 3 for each
# of the others: 200 transfers with the defaults.
#
# Needs a Rust toolchain, a C compiler, Node 18 or later with npm, and Python 3.10 or later with pip; as root on Debian it installs
# the last two. Packages come from lock files. Everything it makes lies in target/, .quittance/ and clients/node/node_modules/.
#
# Ends with: `interop: N transfers, N openings, N withdrawals, N rotations, N deposits, N forced exits, M proofs verified by
# snarkjs and quittance-verify`, in one line
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

transfers=1000 others=20 accounts=200 shape=t10f2 mixed=p2o2t5w2r2f2
usage() { echo "usage: scripts/interop.sh [--transfers N] [--others N] [--accounts N] [--shape NAME] [--mixed NAME]" >&2; exit 2; }
say() { printf '\n[%s] %s\n' "$1" "$2" >&2; }
fail() { printf 'interop: %s\n' "$1" >&2; exit 1; }

while [ $# -gt 0 ]; do
    [ $# -ge 2 ] || usage
    case "$1" in
        --transfers) transfers="$2" ;;
        --others) others="$2" ;;
        --accounts) accounts="$2" ;;
        --shape) shape="$2" ;;
        --mixed) mixed="$2" ;;
        *) usage ;;
    esac
    shift 2
done
[[ "$transfers" =~ ^[1-9][0-9]{0,5}$ && "$accounts" =~ ^[1-9][0-9]{0,3}$ && "$others" =~ ^[1-9][0-9]{0,2}$ ]] || usage
slot='([2-9]|[1-9][0-9]+)'
[[ "$mixed" =~ ^p${slot}o${slot}t${slot}w${slot}r${slot}f${slot}$ && "$shape" =~ ^t([1-9][0-9]*)f${slot}$ ]] || usage
slots="${BASH_REMATCH[1]}"
# Every way to submit is interrupted while proofs are being made: that takes some batches.
least=$((12 * slots + 3 * others + 20))
[ "$transfers" -ge "$least" ] || fail "take at least $least transfers, or a smaller shape"
[ "$accounts" -ge 8 ] || fail "take at least 8 accounts"
[ "$others" -ge 4 ] || fail "take at least 4 of the other kinds"

command -v cargo >/dev/null || fail "cargo is missing: install a Rust toolchain with rustup"
command -v cc >/dev/null || fail "a C compiler (cc) is missing, for example Debian's gcc"

has_node() { command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)' 2>/dev/null; }
has_python() { python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && python3 -m pip --version >/dev/null 2>&1; }
missing=()
has_node || missing+=(nodejs npm)
has_python || missing+=(python3 python3-pip)
if [ "${#missing[@]}" -gt 0 ]; then
    if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
        echo "interop: installing ${missing[*]}" >&2
        # What is still missing afterwards is said below.
        { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends "${missing[@]}"; } >&2 || true
    fi
    has_node || fail "Node 18 or later with npm is missing (found: $(node --version 2>&1 | tail -n 1)): install it, for example from nodejs.org"
    has_python || fail "Python 3.10 or later with pip is missing: install it, for example Debian's python3 and python3-pip"
fi

mkdir -p .quittance
run="$(mktemp -d .quittance/interop.XXXXXX)"
supervisor=""
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
end_group() {
    kill -"$1" -- "-$2" 2>/dev/null || true
    wait "$2" 2>/dev/null || true
}
cleanup() {
    local status=$?
    trap - EXIT INT TERM
    [ -z "$child" ] || end_group TERM "$child"
    [ -z "$supervisor" ] || end_group KILL "$supervisor"
    if [ "$status" -ne 0 ] && [ -s "$run/service.log" ]; then
        echo "interop: the service's last words:" >&2
        tail -n 25 "$run/service.log" >&2
    fi
    if [ "$status" -ne 0 ] && [ -n "${INTEROP_KEEP:-}" ]; then
        echo "interop: its files are in $run" >&2
    else
        rm -rf "$run"
    fi
    exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say 1/8 "building quittance and quittance-verify (release; the first time takes some minutes)"
waited cargo build --release --locked --package quittance --package quittance-verifier \
    --features quittance-verifier/cli --bin quittance --bin quittance-verify
bin="${CARGO_TARGET_DIR:-target}/release"
quittance() { printf '  $ quittance %s\n' "$*" >&2; "$bin/quittance" "$@"; }

say 2/8 "installing the clients' packages from their lock files"
# Scripts of packages are not run: none is needed.
waited npm --prefix clients/node ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2
packages=".quittance/python-$(cat clients/python/requirements.txt <(python3 --version) | sha256sum | cut -c1-16)"
if [ ! -e "$packages/complete" ]; then
    rm -rf "$packages"
    waited python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --no-deps \
        --only-binary :all: --target "$packages" --requirement clients/python/requirements.txt >&2
    touch "$packages/complete"
fi
waited npm --prefix clients/node test --silent >&2

keys=.quittance/keys
say 3/8 "making development keys for shapes $shape and $mixed, or checking those that an earlier run left in $keys"
for name in "$shape" "$mixed"; do
    if ! quittance setup --shape "$name" --keys "$keys" >&2; then
        echo "  the key in $keys/$name does not belong to this build: making another" >&2
        rm -rf "${keys:?}/$name"
        quittance setup --shape "$name" --keys "$keys" >&2
    fi
done

say 4/8 "making $accounts accounts and signing $transfers transfers and $others of each other kind with circomlibjs"
client() { waited node clients/node/src/main.js "$1" --dir "$run" "${@:2}"; }
client plan --accounts "$accounts" --transfers "$transfers" --scenarios "$others"
quittance genesis "$run/accounts.csv" --store "$run/store" >&2

say 5/8 "starting the service on a free loopback port"
# Which leaves take the fees, one for each token, depends on the accounts.
serve=("$bin/quittance" serve --config "$run/service.toml" --store "$run/store" --keys "$keys" --shape "$shape" --shape "$mixed"
    --allow-development-keys)
# Few unproved batches, so that the client meets a full service; many attempts, because a killed one counts.
limits=(QUITTANCE_PROVING__MAX_UNPROVED_BATCHES=5 QUITTANCE_PROVING__MAX_ATTEMPTS=100)
printf '  $ %s\n' "${limits[*]} quittance ${serve[*]:1} --listen 127.0.0.1:PORT" >&2

# Starts the service, and again after each kill -9, at the same address; any other end is final. The port is below those
# that the system gives to connections, or one of them could take it while the service is down.
supervise() {
    local listen="" status
    while :; do
        [ -n "$listen" ] || listen="127.0.0.1:$((20000 + RANDOM % 10000))"
        env "${limits[@]}" "${serve[@]}" --listen "$listen" > "$run/service.out" 2>> "$run/service.log" &
        echo "$!" > "$run/service.new"
        mv "$run/service.new" "$run/service.pid"
        status=0
        # Without bash's own words about the kill.
        wait "$!" 2>/dev/null || status=$?
        if [ "$status" -eq 1 ] && grep --quiet "cannot listen on $listen" "$run/service.log"; then
            listen=""
        elif [ "$status" -ne 137 ]; then
            return "$status"
        fi
    done
}
set -m
supervise </dev/null &
supervisor=$!
set +m
server=""
for _ in $(seq 600); do
    server="$(sed -n 's/^listening on //p' "$run/service.out" 2>/dev/null || true)"
    [ -z "$server" ] || break
    kill -0 "$supervisor" 2>/dev/null || fail "the service did not start"
    sleep 0.1
done
[ -n "$server" ] || fail "the service did not say its address within a minute"
echo "  listening on $server" >&2

say 6/8 "sending operations and the root chain's queue from Node, and killing the service meanwhile"
client send --server "$server" --batch-size "$slots" --pid-file "$run/service.pid" > "$run/sent.out"
cat "$run/sent.out" >&2

say 7/8 "sending the last operations from Python, by reflection only"
waited env PYTHONPATH="$packages" PYTHONDONTWRITEBYTECODE=1 python3 clients/python/submit.py --server "$server" \
    --operations "$run/reflection.json" --priority "$run/priority.json" --bundle "$run/python.json" > "$run/python.out"
cat "$run/python.out" >&2
"$bin/quittance-verify" --vk "$keys/$shape/verifying.key" --vk "$keys/$mixed/verifying.key" --allow-development-key "$run/python.json" >&2 ||
    fail "the bundle that the Python client fetched is not valid"

say 8/8 "checking every proof, the chain of roots, the published data, all accounts"
client check --server "$server" --key "$keys/$shape/verifying.key" --key "$keys/$mixed/verifying.key" \
    --verify "$bin/quittance-verify" > "$run/checked.out"
cat "$run/checked.out" >&2

# In order: the service itself is told to stop, and its status is the supervisor's.
kill -TERM "$(cat "$run/service.pid")"
status=0
wait "$supervisor" || status=$?
supervisor=""
[ "$status" -eq 0 ] || fail "the service ended with status $status"
echo "  the service has stopped" >&2

python3 - "$run/checked.out" <<'EOF'
import json, sys

checked = json.load(open(sys.argv[1]))
kinds = ["transfers", "openings", "withdrawals", "rotations", "deposits"]
counts = [f"{checked[kind]} {kind}" for kind in kinds] + [f"{checked['exits']} forced exits"]
print(f"\ninterop: {', '.join(counts)}, {checked['proofs']} proofs verified by snarkjs and quittance-verify")
EOF
