#!/usr/bin/env bash
# Real OpenIM clients against the built gateway: installs Chromium and the SDKs where they are missing, then runs the stories.
set -euo pipefail
cd "$(dirname "$0")"

if ! [ -x "${CHROMIUM:-/usr/bin/chromium}" ]; then
  sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
  $sudo apt-get update -qq
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
fi
npm ci --ignore-scripts --no-audit --no-fund --silent
node run.mjs "$@"
