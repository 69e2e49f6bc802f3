#!/usr/bin/env bash
# Licences, duplicate versions and sources of all dependencies, as deny.toml decides.
# Installs cargo-deny from its source if the machine has none (two to five minutes, once).
# Needs no network beyond the crates that the lock file names.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=0.20.2
have="$(cargo deny --version 2>/dev/null | awk '{print $2}' || true)"
if [ "${have%.*}" != "${version%.*}" ]; then
    echo "installing cargo-deny $version (found: ${have:-none})"
    # Its own target folder: nothing of it is shared with this workspace.
    scratch="$(mktemp -d)"
    trap 'rm -rf "$scratch"' EXIT
    CARGO_TARGET_DIR="$scratch" cargo install --quiet --locked --no-default-features \
        "cargo-deny@$version"
fi
# The fuzz targets are a workspace of their own. An exception that only one of the two needs is no news.
for manifest in Cargo.toml fuzz/Cargo.toml; do
    cargo fetch --quiet --locked --manifest-path "$manifest"
    cargo deny --locked --offline --manifest-path "$manifest" --config deny.toml check --hide-inclusion-graph \
        --allow unmatched-skip --allow unnecessary-skip --allow license-exception-not-encountered \
        --allow unmatched-skip-root bans licenses sources
done
