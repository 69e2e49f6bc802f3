#!/usr/bin/env bash
# Looks for vector instructions that a binary calls as functions: traces of a kernel that the compiler did not inline
# as a whole, which gives right results at a thirtieth of the speed. Usage: scripts/check-inlined.sh BINARY...
# Binaries must have their symbols. Exit 1: some are there, with their names.
set -euo pipefail
[ $# -gt 0 ] || { echo "check-inlined: which binary?" >&2; exit 2; }
command -v nm >/dev/null || { echo "check-inlined: nm is needed (Debian: apt-get install binutils)" >&2; exit 2; }
status=0
for binary in "$@"; do
  symbols=$(nm -C "$binary")
  [ -n "$symbols" ] || { echo "check-inlined: $binary has no symbols" >&2; exit 2; }
  if called=$(grep -E '_mm(256|512)_' <<<"$symbols"); then
    echo "$binary calls vector instructions as functions:"
    sed 's/^/  /' <<<"$called"
    status=1
  fi
done
exit $status
