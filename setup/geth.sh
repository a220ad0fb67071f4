#!/bin/sh
# Builds upstream Geth 1.13, the last line that seals Clique blocks, into .build/geth with the machine's own Go. Where
# that cannot be, for want of Go or of what it downloads, it says so and ends with status 3.
set -eu
cd "$(dirname "$0")/.."

VERSION=v1.13.15
GOBIN=$PWD/.build/geth
[ ! -x "$GOBIN/geth" ] || exit 0

say() { echo "set-up: $*" >&2; }
if ! command -v go >/dev/null; then
    say "there is no Go here to build a proof-of-authority node with: tests on one are left out"
    exit 3
fi

say "Geth $VERSION into .build/geth (two minutes)"
case $(go env GOVERSION) in
    go1.1* | go1.20* | go1.21* | go1.22*) old= ;;
    *) old=-ldflags=-checklinkname=0 ;; # one of its libraries reaches into Go's own, which newer ones refuse
esac
export GOBIN GOFLAGS=-mod=mod CGO_ENABLED=0
log=$GOBIN/log
mkdir -p "$GOBIN"
# shellcheck disable=SC2086 # nothing, or one word
go install $old "github.com/ethereum/go-ethereum/cmd/geth@$VERSION" 2>"$log" || {
    say "Geth cannot be built, so tests on a proof-of-authority node are left out: $(tail -n 1 "$log")"
    exit 3
}
