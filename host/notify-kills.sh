#!/usr/bin/env bash
# Kills `boxoffice notify` with SIGKILL at random instants, again and again, while it sends to a real mail server that is slow, refuses
# at times, and at times closes the connection after DATA; lets it come to its end, and compares the mailboxes with what was
# sent. Once for each policy: with park nobody gets a mail twice, and who got none has an uncertain dead letter; with resend
# everybody gets each mail at least once.
#
# Usage: host/notify-kills.sh [KILLS [SEED]] (default 50 kills for each policy). BOXOFFICE names a binary that is built already, PYTHON a python3.
# Needs python3, and aiosmtpd 1.4.6 or the means to install it into a temporary venv.
set -euo pipefail
cd "$(dirname "$0")/.."
kills=${1:-50}
RANDOM=${2:-1}
folder=$(mktemp -d)
server=
dispatcher=
trap 'kill -9 $server $dispatcher 2>/dev/null || true; rm -rf "$folder"' EXIT
if [[ -z ${BOXOFFICE:-} ]]; then
    cargo build --quiet --release -p boxoffice-host
    BOXOFFICE=${CARGO_TARGET_DIR:-target}/release/boxoffice
fi
python=${PYTHON:-python3}
if ! "$python" -c 'import aiosmtpd' 2>/dev/null; then
    python=$folder/venv/bin/python
    python3 -m venv "$folder/venv" && "$python" -m pip install --quiet aiosmtpd==1.4.6 || {
        echo "notify-kills: needs aiosmtpd 1.4.6: install it (pip install aiosmtpd==1.4.6), or let pip reach a package index"
        exit 3
    }
fi

# A batch of notices to the buyers.
batch() {
    local number=$1 each
    for ((each = 0; each < 25; each++)); do
        printf '{"id":"c%d-%d","kind":"confirmation","to":"buyer-%d","channel":"email","facts":%s}\n' "$number" "$each" \
            $(((number * 25 + each) % 40)) '{"name":null,"unsubscribe":null,"summary":"Chess","starts":1767636000000,"ends":1767643200000,"zone":"UTC","all_day":false,"location":null,"url":null,"seats":1,"places":[]}'
    done
}

run() {
    local policy=$1 at="$folder/$1" store="sled:$folder/$1/store" port kill person
    mkdir -p "$at"
    "$python" host/notify-mailbox.py serve "$at/box" "$RANDOM" >"$at/port" 2>"$at/server-log" &
    server=$!
    until [[ -s $at/port ]]; do sleep 0.1; done
    port=$(<"$at/port")
    for ((person = 0; person < 40; person++)); do
        "$BOXOFFICE" notify "$store" profile set "buyer-$person" --create --reach "email=buyer-$person@mail.example"
    done
    "$BOXOFFICE" calendar import examples/calendars/city-library.ics --store "$store" >/dev/null
    "$BOXOFFICE" onsale --json --calendar examples/calendars/city-library.ics --buyers 40 --store "$store" \
        --from "$(date -d '+7 days' +%F)" --to "$(date -d '+60 days' +%F)" >"$at/onsale"
    local notify=("$BOXOFFICE" notify "$store" --smtp "127.0.0.1:$port" --security plain --from club@example.org --window 8
        --lead P1D --backoff 200ms --attempts 30 --on-uncertain "$policy")
    for ((kill = 1; kill <= kills; kill++)); do
        batch "$kill" >"$at/batch"
        cat "$at/batch" >>"$at/notices"
        "$BOXOFFICE" notify "$store" send --notices "$at/batch" --backoff 200ms --attempts 30 >/dev/null
        "${notify[@]}" >>"$at/dispatcher-log" 2>&1 &
        dispatcher=$!
        sleep "$((RANDOM % 2)).$((RANDOM % 900 + 100))"
        kill -9 "$dispatcher" 2>/dev/null || { echo "kill $kill: the dispatcher ended by itself"; tail -5 "$at/dispatcher-log"; exit 1; }
        wait "$dispatcher" 2>/dev/null || true
        dispatcher=
    done
    for ((kill = 0; kill < 120; kill++)); do
        "${notify[@]}" --once --json >"$at/last"
        [[ -n $("$BOXOFFICE" flows "$store" ls --kind deliver --limit 1) ]] || break
        sleep 0.5
    done
    "$BOXOFFICE" store verify --store "$store" >/dev/null
    "$BOXOFFICE" flows "$store" ls --kind deliver >"$at/open"
    [[ ! -s $at/open ]] || { echo "$policy: flows that did not end:"; cat "$at/open"; exit 1; }
    "$BOXOFFICE" flows "$store" dead --json >"$at/dead"
    "$BOXOFFICE" flows "$store" ls --all deliver/ --json >"$at/flows"
    "$python" host/notify-mailbox.py compare "$at/box" "$policy" "$at/flows" "$at/dead" "$at/notices"
    kill "$server"
    wait "$server" 2>/dev/null || true
    server=
}

run park
run resend
echo "$kills kills with each policy: nothing lost, nothing twice where it must not be"
