#!/bin/sh
# Starts or stops a local Quorum network in Docker, from its client's own quickstart: `sh setup/quorum.sh up` or `down`.
# CLIENT=besu is the maintained client, CLIENT=goquorum the older one. Both have chain id 1337, RPC at
# http://127.0.0.1:8545 and the same funded accounts.
set -eu
cd "$(dirname "$0")/.."
PATH=$PWD/.venv/bin:$PATH

fail() { echo "error: $*" >&2; exit 1; }

CLIENT=${CLIENT:-besu}
folder=.build/quickstart-$CLIENT
case $CLIENT in
    besu)
        package=@consensys-software/besu-dev-quickstart@0.2.2
        options="--networkType private --otel false --chainlens false --privacy false" ;;
    goquorum)
        package=quorum-dev-quickstart@0.2.4
        options="--clientType goquorum --monitoring loki --privacy false" ;;
    *) fail "CLIENT must be besu or goquorum, not $CLIENT" ;;
esac
docker info >/dev/null 2>&1 ||
    fail "no Docker daemon answers, and this network runs in one; docs/quorum.md starts a network without Docker"

case ${1-} in
    up)
        [ -x "$folder/run.sh" ] || {
            rm -rf "$folder"
            mkdir -p .build
            # shellcheck disable=SC2086 # several words
            npm exec --yes -- "$package" $options --outputPath "$folder" </dev/null
        }
        cd "$folder" && ./run.sh ;;
    down)
        [ -x "$folder/remove.sh" ] || fail "there is no $CLIENT network to stop"
        cd "$folder" && ./remove.sh ;;
    *) fail "use: sh setup/quorum.sh up|down" ;;
esac
