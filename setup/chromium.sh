#!/bin/sh
# Installs Chromium by apt where there is no browser of its kind, for the tests of the page. Where it cannot, and with
# `--check` wherever there is none, it says in a line what is left out; in the first case it ends with status 3.
set -eu

for name in chromium chromium-browser google-chrome; do
    ! command -v $name >/dev/null || exit 0
done

left_out="no Chromium here, so the page is not tried in a browser"
if [ "${1-}" = --check ]; then
    echo "$left_out (make test-page installs one by apt)" >&2
    exit 0
fi

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}
apt() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=1 -o Acquire::http::Timeout=30 "$@"; }

log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "setup: installing Chromium by apt" >&2
{
    apt update || true # what is known already may do
    apt install -y --no-install-recommends chromium
} >"$log" 2>&1 || {
    echo "setup: $left_out: $(tail -n 1 "$log")" >&2
    exit 3
}
