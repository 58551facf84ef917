#!/usr/bin/env bash
# run-guest.sh GUEST: run a guest that tests itself. It passes when it writes 0 to the debug-exit
# port 0xF4, which `sim --batch` reports as status 16.
set -uo pipefail

options=()
case $1 in
*.bin) options=(--boot direct) ;; # a boot sector, without the firmware
esac
status=0
"$SIM" --batch "${options[@]}" --limit seconds="${GUEST_SECONDS:-60}" "$1" </dev/null || status=$?
if ((status != 16)); then
    echo "${1##*/}: sim ended with status $status; 16 means passed"
    exit 1
fi
