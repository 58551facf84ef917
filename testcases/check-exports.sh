#!/usr/bin/env bash
# The shared library exports sim_* and nothing else (DESIGN: "together they are libsim.la").
set -euo pipefail

lib=${top_builddir:-build}/.libs/libsim.so
if [[ ! -e $lib ]]; then
    echo "SKIP: no shared library was built"
    exit 77
fi

bad=$(${NM:-nm} -D --defined-only "$lib" | awk '{ sub(/@.*/, "", $NF) } $NF !~ /^sim_/ { print $NF }')
if [[ -n $bad ]]; then
    printf 'libsim.so exports more than sim_*:\n%s\n' "$bad"
    exit 1
fi
