#!/bin/sh
# Proves with halmos and z3 what tests/prove/ states, in an environment of its own, .venv-prove. Arguments are halmos'.
# Ends with 3 where it cannot run.
set -eu
cd "$(dirname "$0")/.."

HALMOS=halmos==0.3.3

forge=$(ls node_modules/@foundry-rs/forge-*/bin/forge 2>/dev/null) ||
    { echo "prove: Forge is unavailable for this machine" >&2; exit 3; }
.venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    { echo "prove: halmos needs Python 3.11 or newer in .venv" >&2; exit 3; }
if [ "$(cat .venv-prove/stamp 2>/dev/null)" != "$HALMOS" ]; then
    echo "setup: installing $HALMOS into .venv-prove" >&2
    .venv/bin/python -m venv --clear .venv-prove
    .venv-prove/bin/python -m pip install --quiet --disable-pip-version-check "$HALMOS"
    echo "$HALMOS" >.venv-prove/stamp
fi

PATH=$PWD/.venv-prove/bin:$PWD/$(dirname "$forge"):$PWD/.venv/bin:$PATH
FOUNDRY_CONFIG=setup/foundry.toml
FOUNDRY_PROFILE=prove
export PATH FOUNDRY_CONFIG FOUNDRY_PROFILE
mkdir -p .build/prove
report=.build/prove/report
python tests/prove/feistel.py
status=0
halmos --forge-build-out .build/prove/out --no-status --loop 8 "$@" >$report 2>&1 || status=$?
cat $report
if grep -q "not been fully explored" $report; then
    echo "prove: a loop is unrolled too few times for a proof" >&2
    exit 1
fi
[ $status = 0 ] || exit 1
