#!/usr/bin/env bash
# The rule engine beside two outside judges: the cases of datalog-conformance, and random programs through clingo.
#
#     tests/datalog/run.sh [PROGRAMS [SEED]]
#
# BOXOFFICE names a binary that is to be judged; without it the release build is made.
# Needs Python with venv and the network, once. Without them it says so loudly and ends well: the step is left out.
set -euo pipefail
cd "$(dirname "$0")/../.."
programs=${1:-300} seed=${2:-1}
target=${CARGO_TARGET_DIR:-target}
venv=$target/datalog-venv
export PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1

left_out() {
  printf '\n%s\n%s\n%s\n\n' '!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!' \
    "!! LEFT OUT: rules beside clingo and datalog-conformance: $*" \
    '!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!' >&2
  exit 0
}

make_venv() {
  python3 -m venv "$venv" >/dev/null 2>&1 && return
  # Debian keeps venv in a package of its own.
  rm -rf "$venv"
  (apt-get update -qq && apt-get install -y -qq python3-venv) >/dev/null 2>&1 || return 1
  python3 -m venv "$venv" >/dev/null 2>&1
}

packages="clingo==5.8.3 datalog-conformance==0.1.0"
if [ "$(cat "$venv/packages" 2>/dev/null)" != "$packages" ]; then
  command -v python3 >/dev/null || left_out "there is no python3"
  make_venv || left_out "python3 -m venv does not work here"
  # shellcheck disable=SC2086
  timeout 300 "$venv/bin/pip" install -q --retries 1 --timeout 20 $packages \
    || left_out "pip could not install $packages"
  printf '%s\n' "$packages" >"$venv/packages"
fi
python=$venv/bin/python

boxoffice=${BOXOFFICE:-$target/release/boxoffice}
[ -n "${BOXOFFICE:-}" ] || cargo build --release -q -p boxoffice-host --bin boxoffice
"$python" tests/datalog/conformance.py --boxoffice "$boxoffice"
# First whether the programs are translated well, by an evaluator too plain to be wrong.
"$python" tests/datalog/differential.py --programs 50 --seed "$seed"
"$python" tests/datalog/differential.py --programs "$programs" --seed "$seed" --boxoffice "$boxoffice"
