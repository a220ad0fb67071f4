#!/bin/sh
# Builds upstream Geth 1.13, the last release line that seals Clique blocks, into .build/geth with the machine's own Go.
# Where Go or what it downloads is missing, it says so and ends with status 3.
set -eu
cd "$(dirname "$0")/.."

VERSION=v1.13.15
GOBIN=$PWD/.build/geth
[ ! -x "$GOBIN/geth" ] || exit 0

say() { echo "setup: $*" >&2; }
if ! command -v go >/dev/null; then
    say "Go is not installed, so Geth cannot be built: skipping the tests on a proof-of-authority network"
    exit 3
fi

say "building Geth $VERSION into .build/geth (two minutes)"
case $(go env GOVERSION) in
    go1.1* | go1.20* | go1.21* | go1.22*) old= ;;
    *) old=-ldflags=-checklinkname=0 ;; # a dependency links into the standard library, which newer Go refuses
esac
export GOBIN GOFLAGS=-mod=mod CGO_ENABLED=0
log=$GOBIN/log
mkdir -p "$GOBIN"
# shellcheck disable=SC2086 # nothing, or one word
go install $old "github.com/ethereum/go-ethereum/cmd/geth@$VERSION" 2>"$log" || {
    say "Geth could not be built, skipping the tests on a proof-of-authority network: $(tail -n 1 "$log")"
    exit 3
}
