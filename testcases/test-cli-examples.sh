#!/usr/bin/env bash
# The programs in doc/examples do what they say.
set -uo pipefail

examples=$top_builddir/doc/examples
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
bad=0

# shows TEXT COMMAND...
shows() {
    local text=$1
    shift
    "$@" >"$dir/out" 2>&1 </dev/null || { echo "$*: status $?"; bad=1; }
    grep -qF -- "$text" "$dir/out" || { echo "$*: no '$text' in:"; cat "$dir/out"; bad=1; }
}

shows 'power-off after' "$examples/run" "$GUESTS/demo/demo.elf" 'quiet exit'
shows 'Type' "$examples/run" "$GUESTS/demo/demo.elf" 'quiet run=ps exit'
shows 'triple-fault' "$examples/run" "$GUESTS/demo/demo.elf" 'quiet run=cr3'
shows 'The last steps, backwards:' "$examples/explain" "$GUESTS/demo/demo.elf" 'quiet run=stack'
grep -q 'print_path' "$dir/out" || { echo "explain does not name the function"; bad=1; }

# The guest writes 3, rolls, and leaves with the roll: 3 * 1664525 + 1013904223, bits 31..16 modulo 6, + 1.
printf '\272\360\002\260\003\356\354\272\364\000\356\353\376' >"$dir/guest"
want=$((16 + 1 + ((3 * 1664525 + 1013904223) % 4294967296 >> 16) % 6))
status=0
"$SIM" --batch --plugin "$examples/.libs/dice.so" --device dice "$dir/guest" >"$dir/out" 2>&1 </dev/null || status=$?
((status == want)) || { echo "dice: status $status, expected $want"; cat "$dir/out"; bad=1; }
shows '(of each die)' "$SIM" --batch --plugin "$examples/.libs/dice.so" --device dice,sides=20 -e 'info dice-0' -e quit "$dir/guest"
"$SIM" --batch --plugin "$examples/.libs/dice.so" --device dice,sides=1 "$dir/guest" >"$dir/out" 2>&1 </dev/null
(($? == 2)) || { echo "dice,sides=1 was not refused"; bad=1; }
exit $bad
