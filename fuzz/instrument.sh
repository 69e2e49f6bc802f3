#!/bin/sh
# Stands between cargo and rustc (RUSTC_WRAPPER) and adds libFuzzer's instrumentation to the crates whose branches decide
# about bytes: ours, and the parsers that we hand foreign text and messages to. Field arithmetic, hashes, the database and
# the network stack run as fast as they can and leave no coverage of their own.
rustc="$1"
shift
case "${CARGO_CRATE_NAME:-}:${CARGO_PKG_NAME:-}" in
    build_script_*) exec "$rustc" "$@" ;;
    *:quittance | *:quittance-* | *:serde_json | *:prost | *:figment | *:toml | *:toml_* | *:winnow)
        exec "$rustc" "$@" \
            -Cpasses=sancov-module \
            -Cllvm-args=-sanitizer-coverage-level=4 \
            -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
            -Cllvm-args=-sanitizer-coverage-pc-table \
            -Cllvm-args=-sanitizer-coverage-trace-compares
        ;;
    *) exec "$rustc" "$@" ;;
esac
