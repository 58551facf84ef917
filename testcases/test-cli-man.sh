#!/usr/bin/env bash
# sim(1) and sim --help name the same options; sim(1) and the monitor's help the same commands.
set -uo pipefail

page=$top_srcdir/doc/sim.1
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
bad=0

# One option a line: "-m --memory", "--quantum".
"$SIM" --help | sed -nE 's/^  (-(.),)? +(--[a-z-]+).*/\2 \3/p' | sort >"$dir/help"
sed -n '/^\.SH OPTIONS/,/^\.SH AT/p' "$page" | sed 's/\\-/-/g' | grep -A1 '^\.TP' |
    sed -nE 's/^\.BR (-(.) ", " )?(--[a-z-]+)( .*|$)/\2 \3/p' | sort >"$dir/page"
[[ $(wc -l <"$dir/help") -gt 30 ]] || { echo "sim --help was not understood"; exit 1; }
diff "$dir/help" "$dir/page" || { echo "< only in sim --help; > only in sim(1)"; bad=1; }

"$SIM" --batch -e help -e quit 2>/dev/null </dev/null | sed -nE 's/^  ([a-z][a-z-]*) .*/\1/p' | sort >"$dir/help"
sed -n '/^\.SH MONITOR/,/^\.SH EXIT/p' "$page" | sed -n 's/\\-/-/g;s/^\.BR //p' | tr -s '", ' '\n' | grep . | sort >"$dir/page"
[[ $(wc -l <"$dir/help") -gt 30 ]] || { echo "the monitor's help was not understood"; exit 1; }
diff "$dir/help" "$dir/page" || { echo "< only in the monitor's help; > only in sim(1)"; bad=1; }

# It is a page that man takes.
if command -v man >/dev/null; then
    text=$(LC_ALL=C man --warnings -l "$page" 2>&1 >/dev/null)
    [[ -z $text ]] || { echo "$text"; bad=1; }
fi
exit $bad
