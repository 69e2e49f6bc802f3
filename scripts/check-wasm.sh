#!/usr/bin/env bash
# Builds the verifier for wasm32-unknown-unknown, and proves that it needs no standard library: a
# probe crate that brings its own panic handler must link with it (std would bring a second one).
#
# Uses the toolchain's own wasm32 target where it is installed (rustup target add
# wasm32-unknown-unknown). Elsewhere, as root on Debian, it installs Debian's compiler with the sources of
# its core library and builds core and alloc too. CHECK_WASM=debian forces that way.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

target=wasm32-unknown-unknown
out="${CARGO_TARGET_DIR:-$PWD/target}/check-wasm"
cargo=(cargo)
flags=(--locked --lib --target "$target")

if [ "${CHECK_WASM:-}" != debian ] && [ -d "$(rustc --print target-libdir --target "$target")" ]; then
    echo "wasm: using the toolchain's own target $target ($(rustc --version))"
else
    packages=(rustc-web cargo-web rust-web-src)
    echo "wasm: no target $target in this toolchain; using Debian's ${packages[*]}"
    if ! dpkg --status "${packages[@]}" >/dev/null 2>&1; then
        if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
            echo "wasm: cannot install them here; run: rustup target add $target" >&2
            exit 1
        fi
        apt-get -qq update
        DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends "${packages[@]}"
    fi
    /usr/bin/rustc --version
    export RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1
    cargo=(/usr/bin/cargo)
    flags+=(-Z "build-std=core,alloc")
    out="$out-debian"
fi
export CARGO_TARGET_DIR="$out"

echo "wasm: building quittance-verifier"
"${cargo[@]}" build "${flags[@]}" --package quittance-verifier --no-default-features
library="$out/$target/debug/libquittance_verifier.rlib"
[ -s "$library" ] || { echo "wasm: $library was not made" >&2; exit 1; }

# The probe: same lock file, same profiles, own workspace.
probe="$out/no-std-probe"
rm -rf "$probe"
mkdir -p "$probe/src"
cp Cargo.lock "$probe/"
{
    echo '[package]
name = "no-std-probe"
version = "0.0.0"
edition = "2024"
[workspace]
[dependencies]
quittance-verifier = { path = "'"$PWD"'/verifier", default-features = false }'
    awk '/^\[/ { keep = /^\[profile\.dev/ } keep' Cargo.toml
} > "$probe/Cargo.toml"

write_probe() {
    printf '#![no_std]\n%s\nuse quittance_verifier as _;\n%s\n' "$1" \
        '#[panic_handler]
fn stop(_: &core::panic::PanicInfo<'"'_"'>) -> ! { loop {} }' > "$probe/src/lib.rs"
}
probe_builds() {
    # Not --locked: the probe itself is new to the lock file; offline, so nothing else can change.
    "${cargo[@]}" build "${flags[@]/--locked/--offline}" --manifest-path "$probe/Cargo.toml" "$@"
}

echo "wasm: linking the probe without std"
write_probe ""
probe_builds
if [ "${#cargo[@]}" -eq 1 ] && [ "${cargo[0]}" = cargo ]; then
    echo "wasm: the same probe with std must fail"
    write_probe "extern crate std;"
    if errors="$(probe_builds --quiet 2>&1)"; then
        echo "wasm: the probe does not notice std, so it proves nothing" >&2
        exit 1
    fi
    grep --quiet "duplicate lang item" <<<"$errors" || { echo "$errors" >&2; exit 1; }
fi
echo "wasm: quittance-verifier builds for $target, without std: $(stat --format %s "$library") bytes of library"
