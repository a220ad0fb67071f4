#!/bin/sh
# Prints the path of a Python that the packages run on: 3.10 to 3.12, with its venv module. PYTHON names one; otherwise the
# first on PATH that fits is taken, and where none does, uv downloads one into .build/python.
set -eu
cd "$(dirname "$0")/.."

NEEDED="Python 3.10, 3.11 or 3.12 with its venv module"
REMEDY="install one, or name it: make PYTHON=/path/to/python"

say() { echo "setup: $*" >&2; }
fail() { say "$*"; exit 1; }
fits() { "$1" -c 'import sys, ensurepip, venv; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; }

if [ -n "${PYTHON-}" ]; then
    fits "$PYTHON" || fail "PYTHON=$PYTHON is not $NEEDED"
    command -v "$PYTHON"
    exit
fi
for python in python3.12 python3.11 python3.10 python3 python; do
    if fits "$python"; then command -v "$python"; exit; fi
done

# Any other Python can install uv, in an environment of its own or, where it lacks venv, into a folder.
install_uv() {
    [ ! -x .build/uv/bin/uv ] || return 0
    mkdir -p .build
    for python in python3 python; do
        command -v "$python" >/dev/null || continue
        { "$python" -m venv .build/uv && .build/uv/bin/python -m pip install --quiet uv; } >/dev/null 2>&1 ||
            "$python" -m pip install --quiet --target .build/uv uv >/dev/null 2>&1 || continue
        return 0
    done
    return 1
}

uv=$(command -v uv) || {
    install_uv || fail "found neither $NEEDED nor a way to install uv, which would download one; $REMEDY"
    uv=.build/uv/bin/uv
}
say "no $NEEDED found; downloading 3.12 into .build/python"
export UV_PYTHON_INSTALL_DIR="$PWD/.build/python" UV_PYTHON_INSTALL_BIN=0 UV_PYTHON_PREFERENCE=only-managed
if output=$("$uv" python install 3.12 2>&1) && python=$("$uv" python find --system 3.12 2>&1) && fits "$python"; then
    echo "$python"
else
    fail "found no $NEEDED, and uv could not download one ($(echo "${output:-$python}" | tail -n 1 | sed 's/^ *//')); $REMEDY"
fi
