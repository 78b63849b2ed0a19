#!/usr/bin/env bash
# Fetches the server of Restate, a peer of the flows' bench, from the npm registry into the folder that cargo builds into,
# and shows that it starts. Needs npm and 230 MB; nothing of it is built in or kept in this repository.
set -euo pipefail
cd "$(dirname "$0")/../.."
version=1.7.12
case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) platform=linux-x64 ;;
  Linux-aarch64) platform=linux-arm64 ;;
  Darwin-arm64) platform=darwin-arm64 ;;
  Darwin-x86_64) platform=darwin-x64 ;;
  *) echo "no server of Restate for $(uname -s) $(uname -m)" >&2; exit 1 ;;
esac
folder="${CARGO_TARGET_DIR:-target}/restate"
mkdir -p "$folder"
server="$folder/restate-server"
if ! "$server" --version 2>/dev/null | grep -qF "$version"; then
  work="$(mktemp -d)"
  trap 'rm -rf "$work"' EXIT
  # The package that holds the program and nothing else: no script of it is run. npm checks its digest.
  (cd "$work" && npm pack --silent "@restatedev/restate-server-$platform@$version" >/dev/null && tar xzf ./*.tgz)
  install -m 755 "$work/package/bin/restate-server" "$server"
fi
"$server" --version
"$server" --dump-config >/dev/null
echo "$server"
