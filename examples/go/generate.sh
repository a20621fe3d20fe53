#!/bin/sh
# Generates v1/ from the protos; with --check, says whether the committed v1/ is fresh.
# Takes the program buf from the PATH, or else the one that `make install` at the
# repository's root has installed.
set -eu
cd "$(dirname "$0")"
buf=$(command -v buf || echo ../../.venv/bin/buf)

# Into a folder of its own first: so files of protos that have gone are not left over.
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
"$buf" generate --output "$fresh"

case ${1:-} in
--check)
  diff -r "$fresh/v1" v1 || {
    echo "examples/go/v1 is not what the protos say: run examples/go/generate.sh" >&2
    exit 1
  }
  ;;
'')
  rm -rf v1
  mv "$fresh/v1" v1
  ;;
*)
  echo "error: unknown argument $1; write: generate.sh [--check]" >&2
  exit 2
  ;;
esac
