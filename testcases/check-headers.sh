#!/usr/bin/env bash
# The public headers stand alone: each compiles by itself, as C and as C++, from a folder that
# holds what `make install` puts into libsim-1/ and nothing else.
set -euo pipefail

read -ra headers <<<"${PUBLIC_HEADERS:-}"
if ((${#headers[@]} == 0)); then
    echo "SKIP: no public headers are listed"
    exit 77
fi

installed=$(mktemp -d)
trap 'rm -rf "$installed"' EXIT
for header in "${headers[@]}"; do
    mkdir -p "$installed/${header%/*}"
    cp "$top_srcdir/$header" "$installed/$header"
done

try() { # LANGUAGE STANDARD
    ${CC:-cc} -x "$1" -std="$2" -Wall -Wextra -Wpedantic -Wno-unused-parameter -Wno-gnu \
        -Werror -fsyntax-only -I"$installed" -
}

cxx=yes
try c++ c++17 <<<'int main() { }' 2>/dev/null || {
    cxx=no
    echo "not tried as C++: $CC has no C++ compiler"
}

status=0
for header in "${headers[@]}"; do
    try c gnu11 <<<"#include <$header>" || { echo "$header: fails as C"; status=1; }
    [[ $cxx == no ]] || try c++ c++17 <<<"#include <$header>" || { echo "$header: fails as C++"; status=1; }
done
echo "${#headers[@]} headers compiled"
exit $status
