#!/bin/sh
# Whether the simulator sees anything: breaks the real source in one place at a time and runs it, and only it. Those of flows
# (src/flow) are for the tests of flow::shard, which run in its place.
#
#   tests/sim/mutants.sh            all mutants
#   tests/sim/mutants.sh WORD       those whose name has WORD in it
#
# Each must be caught within a minute of running; the script fails if one is missed, or no longer applies because the line that
# it breaks has changed (then mend it here). Not part of CI: every mutant is a build. The build is of the core alone, in a copy
# of the tracked files under ${BOXOFFICE_MUTANTS:-target/mutants}.
set -eu
cd "$(git rev-parse --show-toplevel)"
scratch=${BOXOFFICE_MUTANTS:-$PWD/target/mutants}
wanted=${1:-}
seconds=60

# name|file|perl that breaks it
mutants() {
    cat <<'END'
append expects nothing|src/booking/owner/mod.rs|s/Expect::At\(expected\), events/Expect::Any, events/
reply before the sync|src/booking/owner/mod.rs|s/if self\.is_settled\(\) && !request\.is_kept\(\) && !self\.beside_others \{/if request.asked.command.attendee().is_some() {/
no hold lapses|src/booking/decide.rs|s/self\.lapsed\(at\)\.next\(\)/self.lapsed(at).next().filter(|_| false)/
one seat too many|src/booking/house.rs|s/sold\.saturating_sub\(self\.taken\)/(sold + 1).saturating_sub(self.taken)/
one seat too few|src/booking/house.rs|s/sold\.saturating_sub\(self\.taken\)/sold.saturating_sub(self.taken + 1)/
nothing is taken back after a conflict|src/booking/owner/mod.rs|s/(pub fn conflicted\(.*?\{\s*)self\.take_back\(\);/$1/s
what is in flight is not taken back|src/booking/owner/mod.rs|s/\[&mut self\.next\]\.into_iter\(\)\.chain\(&mut self\.in_flight\)/[&mut self.next].into_iter()/
a departure is taken back without its seats|src/booking/ledger.rs|s/(Change::Left\(join, seat\) => \{\s*)self\.house\.take\(seat\.counted\(join\)\);/$1/
a key may be used twice|src/booking/owner/batch.rs|s/\.expect_key\(place\.clone\(\), KeyExpect::Absent\)/.expect_stream(stream.clone(), Expect::Any)/
a command on its way is decided again|src/booking/owner/mod.rs|s/asked\.key\.as_ref\(\)\.and_then\(\|key\| self\.under_key\(key\)\)/asked.key.as_ref().filter(|_| false).and_then(|key| self.under_key(key))/
a refusal is told before it is kept|src/booking/owner/batch.rs|s/(request\.reply\.seq <= durable\s*)&& !request\.is_kept\(\)/$1/
an answer leaves before what it rests on|src/booking/owner/batch.rs|s/request\.reply\.seq <= durable/request.reply.seq <= durable.next()/
a verdict is kept after a conflict|src/booking/owner/batch.rs|s/\*verdict = None;//
the agenda is not demanded|src/booking/owner/batch.rs|s/demand\(&mut transaction, &agenda, grounds\.agenda\);//
a hold lapses too late|src/booking/ledger.rs|s/\*until <= now\)/*until < now)/
seats of those who leave are not free|src/booking/evolve.rs|s/(let seat = self\.seats\.remove\(join\)\?;\s*)self\.house\.give_back\(seat\.counted\(join\)\);/$1/
a snapshot drops what is held|src/booking/snapshot.rs|s/self\.roster\(\)\.map\(SavedSeat::from\)/self.roster().filter(|seat| seat.state == SeatState::Confirmed).map(SavedSeat::from)/
new seats pay back what is due|src/booking/evolve.rs|s/(let lapsed = self\.forget_lapse\(attendee\);)/let owed = self.refunds_due_to(attendee).next().map(|refund| refund.seq);\n        owed.map(|owed| self.refunds.remove(owed));\n        $1/
a snapshot drops what is due back|src/booking/snapshot.rs|s/self\.refunds_due\(\)\.cloned\(\)/self.refunds_due().take(0).cloned()/
what others wrote is not read|src/booking/owner/mod.rs|s/fold\(&mut self\.ledger, tail\)\?;/fold(&mut self.ledger, &tail[..0])?;/
beside others refusals are told at once|src/booking/owner/mod.rs|s/!request\.is_kept\(\) && !self\.beside_others/!request.is_kept()/
no alarm is left for the next hold|src/booking/owner/mod.rs|s/transaction\.writes\.push\(alarm::set\(&self\.stream, after\.returns\)\);//
flow: effects leave before they are durable|src/flow/shard/run.rs|s/if rests_on <= self\.durable \{/if true {/
flow: batches do not demand the epoch|src/flow/shard/mod.rs|s/self\.epoch\.guard\(batch\.take_transaction\(\)\)/batch.take_transaction()/
flow: what is under way stays so in a new run|src/flow/shard/run.rs|s/self\.let_go\(flow, &\[\]\);(.*?)slot\.in_flight\.clear\(\);/$1/s
flow: timers fire early|src/flow/shard/run.rs|s/What::Timer \{ at \} if at <= now =>/What::Timer { at } if at.as_millis() <= now.as_millis() + 1 =>/
flow: the place before is not deleted|src/flow/shard/run.rs|s/self\.building\(\)\.write\(before\.delete\(flow\)\);/drop(before.delete(flow));/
flow: timers beyond the page are forgotten|src/flow/shard/run.rs|s/self\.building\(\)\.beyond\.push\(\(at, flow\.clone\(\)\)\);//
flow: what is not asked for stays under way|src/flow/shard/run.rs|s/(fn let_go\(.*?\{\n)/$1        return;\n/
flow: a restarted neighbour is not heard|src/flow/shard/mod.rs|s/(fn neighbour_restarted\(.*?\{\n)/$1        return;\n/
flow: a lost cancellation is not kept|src/flow/shard/run.rs|s/self\.building\(\)\.write\(orphan::put\(&child, &parent\)\);//
flow: replies of batches are not handed back|src/flow/shard/mod.rs|s/\.chain\(words\)\.chain\(answers\)\.collect\(\)/.chain(words).chain(answers.take(0)).collect()/
END
}

prepare() {
    mkdir -p "$scratch"
    rm -rf "$scratch/src" "$scratch/tests"
    git ls-files -z src tests/sim docs README.md Cargo.lock rust-toolchain.toml | xargs -0 cp -f --parents -t "$scratch"
    rm "$scratch/tests/sim/real.rs"
    perl -pi -e 's/^mod real;\n//' "$scratch/tests/sim/main.rs"
    # The package alone, without its other tests and what only they need.
    perl -0pe 's/^members = .*?$/members = ["."]/m; s/^default-members = .*?$//m; s/^exclude = .*?$//m;
        s/\[\[test\]\]\nname = "(?!sim").*?\n\n//gs; s/^(boxoffice|actix|sled)(\.workspace = true| = \{ workspace = true, features).*\n//gm;
        s/^\[package\]/[package]\nautotests = false/m; s/^sled = \{ workspace.*\n//gm; s/^sled = \["dep:sled"\]/sled = []/m' \
        Cargo.toml >"$scratch/Cargo.toml"
}

# What looks for a mutant of this file: the target that is built, and its tests, one after the other.
target() {
    case $1 in src/flow/*) echo --lib ;; *) echo --test sim ;; esac
}

tests() {
    case $1 in src/flow/*) echo flow::shard ;; *) echo no_seat_is_sold_twice every_history_has ;; esac
}

# What a file is built with: flows need few of the rooms.
rooms() {
    cp -f src/lib.rs "$scratch/src/lib.rs"
    case $1 in
        src/flow/*) perl -0pi -e 's/^(#\[cfg.*\]\n)?pub mod (?!flow|id|persist|time)\w+;\n//gm' "$scratch/src/lib.rs" ;;
    esac
}

build() {
    rooms "$1"
    # shellcheck disable=SC2046
    (cd "$scratch" && CARGO_TARGET_DIR="$scratch/target" cargo test --offline -q -p boxoffice-core $(target "$1") --no-run \
        --message-format=json 2>"$scratch/errors" | grep -o '"executable":"[^"]*/\(sim\|boxoffice_core\)-[^"]*"' | cut -d'"' -f4)
}

# Runs the tests for a file, until one fails.
catch() {
    for test in $(tests "$1"); do
        began=$(date +%s)
        if BOXOFFICE_SIM_SEEDS=1000000 BOXOFFICE_HISTORIES=1000000 timeout "$seconds" \
            "$program" "$test" --nocapture >"$scratch/out" 2>&1; then code=0; else code=$?; fi
        took=$(($(date +%s) - began))
        # Of many tests one may have failed long before time was up.
        if [ "$code" -eq 124 ] && grep -aq 'FAILED$' "$scratch/out"; then code=1; fi
        if [ "$code" -ne 124 ] && [ "$code" -ne 0 ]; then
            seed=$(sed -n 's/^seed \([0-9]*\) failed.*/\1/p' "$scratch/out" | head -1)
            why=$(grep -A1 'panicked at' "$scratch/out" | sed -n 2p | cut -c1-70)
            echo "caught, seed ${seed:-?}, $took s, $test: $why"
            return 0
        fi
    done
    echo "MISSED"
    return 1
}

missed=0
prepare
program=$(build src/booking) || { cat "$scratch/errors"; exit 2; }
printf '%-45s %s\n' mutant result
while IFS='|' read -r name file break; do
    case $name in *"$wanted"*) ;; *) continue ;; esac
    cp "$file" "$scratch/$file"
    perl -0pi -e "$break" "$scratch/$file"
    if cmp -s "$file" "$scratch/$file"; then
        result="DOES NOT APPLY"
        missed=$((missed + 1))
    elif ! program=$(build "$file"); then
        result="DOES NOT BUILD: $(grep -m1 '^error' "$scratch/errors")"
        missed=$((missed + 1))
    else
        result=$(catch "$file") || missed=$((missed + 1))
    fi
    cp "$file" "$scratch/$file"
    printf '%-45s %s\n' "$name" "$result"
done <<EOF
$(mutants)
EOF
[ "$missed" -eq 0 ] || { echo "$missed missed"; exit 1; }
