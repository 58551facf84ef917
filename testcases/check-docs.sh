#!/usr/bin/env bash
# What a user may call is described: each function of the public headers has a comment, before it or
# before the group of lines it stands in, and each option of `sim --help` is in sim(1), and none else.
set -euo pipefail

headers=(libsim/sim.h libsim/debug.h bus/device.h bus/pci.h)
manual=$top_srcdir/doc/sim.1
status=0

# A group ends at an empty line; headings ("---- Time ----") and comments inside braces describe no function.
for header in "${headers[@]}"; do
    awk -v header="$header" '
        /^[[:space:]]*$/                             { described = 0; next }
        /\/\*/ && !/\/\* ----/ && depth == 0         { described = 1 }
        /^[a-z].*[^a-z_][a-z]+_[a-z0-9_]*\(/ && !/^(typedef|extern "C")/ && depth == 0 {
            functions++
            if (!described) {
                match($0, /[a-z][a-z0-9_]*\(/)
                printf "%s:%d: %s) has no comment\n", header, NR, substr($0, RSTART, RLENGTH)
                bad = 1
            }
        }
        /^extern "C" \{/ || /^#/                     { next }
        { depth += gsub(/\{/, "{") - gsub(/\}/, "}"); if (depth < 0) depth = 0 }
        END {
            printf "%s: %d functions\n", header, functions
            exit bad || !functions
        }' "$top_srcdir/$header" || status=1
done

options() { grep -oE -- '(^|[^-[:alnum:]])--[a-z][a-z0-9-]*' | grep -oE -- '--[a-z0-9-]+' | sort -u; }

help=$("$SIM" --help | options)
described=$(sed 's/\\-/-/g; s/\\f[A-Z]//g' "$manual" | options)
if missing=$(comm -23 <(echo "$help") <(echo "$described")) && [[ -n $missing ]]; then
    printf 'sim(1) does not describe:\n%s\n' "$missing"
    status=1
fi
if extra=$(comm -13 <(echo "$help") <(echo "$described")) && [[ -n $extra ]]; then
    printf 'sim(1) describes what sim --help does not know:\n%s\n' "$extra"
    status=1
fi
echo "$(wc -w <<<"$help") options compared"
exit $status
