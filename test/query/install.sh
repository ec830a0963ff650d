#!/bin/sh
# Installs the engine behind the emulator's query endpoint (locked version),
# unless it is there.
set -e
cd "$(dirname "$0")"
[ -d node_modules/@chdb ] || npm ci --ignore-scripts --silent
