#!/usr/bin/env bash
# Kills a sale with SIGKILL again and again, each time after another number of acknowledgements, reopens the store,
# and compares every acknowledgement with it. Usage: host/kill-cycles.sh [CYCLES] (default 100)
set -euo pipefail
cd "$(dirname "$0")/.."
cycles=${1:-100}
cargo build --quiet --release -p boxoffice-host
boxoffice=${CARGO_TARGET_DIR:-target}/release/boxoffice
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
acknowledged=0
killed=0
for ((cycle = 1; cycle <= cycles; cycle++)); do
    store="$folder/$cycle"
    # A kill point anywhere from the opening of the sale to its last thousand bookings.
    after=$((cycle * 7919 % 12000 + 1))
    line=$("$boxoffice" onsale --json --calendar examples/calendars/city-library.ics \
        --from 2026-12-01 --to 2027-02-01 --capacity 500 --buyers 16000 --hold-percent $((cycle % 60)) \
        --store "$store" --crash-after "$after") || { echo "cycle $cycle (kill after $after) failed: $line"; exit 1; }
    "$boxoffice" verify --store "$store" >"$folder/verify" || { cat "$folder/verify"; exit 1; }
    acknowledged=$((acknowledged + $(grep -o '"acknowledged":[0-9]*' <<<"$line" | cut -d: -f2)))
    if grep -q '"killed":true' <<<"$line"; then killed=$((killed + 1)); fi
    rm -rf "$store"
done
echo "$cycles cycles, $killed killed, $acknowledged acknowledgements compared, 0 lost, 0 oversold"
