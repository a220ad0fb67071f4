#!/bin/sh
# Plays the contracts with Forge: RUNS times CALLS random calls, half of them with a permissioned pool. Says how often
# each outcome and verdict was reached, and fails if one never was, because such a run would prove little.
set -eu
cd "$(dirname "$0")/.."

forge=$(ls node_modules/@foundry-rs/forge-*/bin/forge 2>/dev/null) ||
    { echo "fuzz: Forge is unavailable for this machine" >&2; exit 3; }
reached=.build/forge/reached
mkdir -p .build/forge
rm -f "$reached"

PATH=$PWD/.venv/bin:$PATH
FOUNDRY_CONFIG=setup/foundry.toml
FOUNDRY_INVARIANT_RUNS=$(((${RUNS:-500} + 1) / 2))
FOUNDRY_INVARIANT_DEPTH=${CALLS:-150}
export PATH FOUNDRY_CONFIG FOUNDRY_INVARIANT_RUNS FOUNDRY_INVARIANT_DEPTH
"$forge" test "$@"

awk '
    BEGIN {
        split("rounds undecided unanimous uncontested quorum ruled failed void rewarded released slashed absent", name)
    }
    { for (i = 1; i <= NF; ++i) total[i] += $i }
    END {
        printf "%d runs reached", NR
        for (i = 1; i <= 12; ++i) if (i != 2) { printf "%s %d %s", i == 1 ? "" : ",", total[i], name[i] }
        print ""
        for (i = 1; i <= 12; ++i) if (i != 2 && !total[i]) { print "fuzz: never reached: " name[i]; failed = 1 }
        exit failed
    }
' "$reached"
