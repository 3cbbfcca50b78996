#!/usr/bin/env bash
# The page of `lab explore`, in Chromium, before the built lab: installs what is missing, then walks as people do.
set -euo pipefail
cd "$(dirname "$0")"

if ! [ -x "${CHROMIUM:-/usr/bin/chromium}" ]; then
  sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
  $sudo apt-get update -qq
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
fi
npm ci --ignore-scripts --no-audit --no-fund --silent
exec timeout 240 node --test --test-force-exit --test-reporter=spec explore.test.mjs
