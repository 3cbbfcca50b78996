#!/usr/bin/env bash
# Builds the book into the folder that is named, target/book unless told; every warning is an error. Then opens it in Chromium.
# Where there is no mdbook of this version, it is built from crates.io in a minute. (Debian's, 0.4.48+ds, writes pages that ask for a book.js and
# fonts that it does not have.)
set -euo pipefail
cd "$(dirname "$0")/../.."
into=$(realpath -m "${1:-target/book}")
version=0.5.4
log=$(mktemp)
trap 'rm -f "$log"' EXIT

book=mdbook
if [ "$(mdbook --version 2>/dev/null)" != "mdbook v$version" ]; then
  tools=$(realpath -m "${CARGO_TARGET_DIR:-target}/tools")
  book=$tools/bin/mdbook
  [ -x "$book" ] || CARGO_TARGET_DIR=$tools/build cargo install mdbook --version "$version" --locked --quiet --debug \
    --no-default-features --features search --root "$tools"
fi

"$book" --version
"$book" build docs --dest-dir "$into" 2>&1 | tee "$log"
if grep -qE 'WARN|ERROR' "$log"; then
  echo 'the book was built with warnings' >&2
  exit 1
fi

if ! [ -x "${CHROMIUM:-/usr/bin/chromium}" ]; then
  sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
  $sudo apt-get update -qq
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
fi
# The page of the explorer is looked at by the same means.
(cd tests/explore && npm ci --ignore-scripts --no-audit --no-fund --silent)
BOOK=$into exec timeout 120 node --test --test-force-exit --test-reporter=spec tests/book/book.test.mjs
