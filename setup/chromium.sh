#!/bin/sh
# Installs Chromium by apt where there is no browser of its kind, for the tests of the page. `--check` only says in a line
# what is left out without one.
set -eu

for name in chromium chromium-browser google-chrome; do
    ! command -v $name >/dev/null || exit 0
done
if [ "${1-}" = --check ]; then
    echo "no Chromium here: the page is not tried in a browser (make test-page installs one by apt)" >&2
    exit 0
fi
root=
[ "$(id -u)" = 0 ] || root=sudo
echo "setup: installing Chromium by apt" >&2
$root apt-get update -qq >&2 || true # what is known may do
DEBIAN_FRONTEND=noninteractive $root apt-get install -y -qq --no-install-recommends chromium >/dev/null || {
    echo "setup: Chromium cannot be installed; install Chromium or Google Chrome by hand" >&2
    exit 1
}
