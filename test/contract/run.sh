#!/bin/sh
# Installs the official client (locked versions) and checks the emulator with it.
set -e
cd "$(dirname "$0")"
npm ci --ignore-scripts
exec node --test contract.mjs sessions.mjs clients.mjs
