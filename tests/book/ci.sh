#!/usr/bin/env bash
# Builds the book into the folder that is named, target/book unless told; every warning is an error. Where there is no mdbook, Debian's is
# fetched, with the C library that it was built for, into a folder that is gone at the end: to build it from source takes minutes.
set -euo pipefail
cd "$(dirname "$0")/../.."
into=$(realpath -m "${1:-target/book}")
fetched=$(mktemp -d)
trap 'rm -rf "$fetched"' EXIT

fetch() (
  cd "$fetched"
  mkdir -p lists/partial archives/partial root
  echo 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie main' >list
  chmod -R a+rwX .
  quiet=(-qq -o Dir::Etc::sourcelist="$PWD/list" -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists="$PWD/lists" -o Dir::Cache="$PWD"
    -o Acquire::Languages=none)
  apt-get "${quiet[@]}" update
  apt-get "${quiet[@]}" download mdbook=0.4.48+ds-2 libc6/trixie libgcc-s1/trixie
  for package in *.deb; do dpkg-deb -x "$package" root; done
)

if command -v mdbook >/dev/null; then
  book=(mdbook)
else
  fetch
  libraries=$(dirname "$(find "$fetched/root" -name libc.so.6)")
  book=("$libraries/ld-linux-x86-64.so.2" --library-path "$libraries" "$fetched/root/usr/bin/mdbook")
fi

"${book[@]}" --version
"${book[@]}" build docs --dest-dir "$into" 2>&1 | tee "$fetched/log"
if grep -qE 'WARN|ERROR' "$fetched/log"; then
  echo 'the book was built with warnings' >&2
  exit 1
fi
for page in index.html course/01-incident.html findings.html; do
  [ -s "$into/$page" ] || { echo "the book has no $page" >&2; exit 1; }
done
ls "$into"/searchindex*.js >/dev/null
