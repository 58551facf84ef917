#!/usr/bin/env bash
# Includes go down the house, never up and never sideways:
#
#     frontends/cli -> frontends/gdb -> the public headers <libsim/...>
#     libsim -> debug, devices, cpu, bus, base
#     debug -> cpu, bus, base        devices -> bus, base
#     cpu -> bus, base               bus -> base
#
# They are written from the top of the tree, and a source file includes its own header first.
set -euo pipefail

cd "${top_srcdir:-$(dirname "$0")/..}"

public='libsim/(sim|debug|device)\.h'
declare -A may=(
    [base]='base/.*'
    [bus]='(bus|base)/.*'
    [cpu]='(cpu|bus|base)/.*'
    [devices]='(devices|bus|base)/.*'
    [debug]='(debug|cpu|bus|base)/.*'
    [libsim]='(libsim|debug|devices|cpu|bus|base)/.*'
    [frontends/gdb]="frontends/gdb/.*|$public"
    [frontends/cli]="frontends/(cli|gdb)/.*|$public"
)
ours='^(base|bus|cpu|devices|debug|libsim|frontends|testcases|bench)/'
include='^[[:space:]]*#[[:space:]]*include[[:space:]]*([<"])([^>"]+)[>"]'

status=0
fail() { # FILE:LINE MESSAGE
    printf '%s: %s\n' "$1" "$2"
    status=1
}

shopt -s globstar nullglob
files=0
for folder in "${!may[@]}"; do
    for file in "$folder"/**/*.{c,h,def,inc,S}; do
        files=$((files + 1))
        own=${file%.c}.h
        [[ $file == *.c && -e $own ]] || own=
        number=0
        while IFS= read -r line || [[ -n $line ]]; do
            number=$((number + 1))
            [[ $line =~ $include ]] || continue
            quote=${BASH_REMATCH[1]} name=${BASH_REMATCH[2]}
            if [[ -n $own ]]; then
                [[ $name == "$own" ]] || fail "$file:$number" "includes $name before its own header $own"
                own=
            fi
            if [[ $name == *..* ]]; then
                fail "$file:$number" "$name: write includes from the top of the tree"
            elif [[ $name =~ $ours ]]; then
                [[ $name =~ ^(${may[$folder]})$ ]] || fail "$file:$number" "$folder may not include $name"
            elif [[ $quote == '"' ]]; then
                fail "$file:$number" "$name: write includes from the top of the tree"
            fi
        done <"$file"
    done
done
echo "$files files read"
exit $status
