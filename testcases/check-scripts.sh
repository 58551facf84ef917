#!/usr/bin/env bash
# No script takes a pipe for failed because its reader left early: under pipefail, `COMMAND | grep -q` fails now and then
# when COMMAND is still writing as grep has seen enough (SIGPIPE). What a command said goes into a file first.
set -uo pipefail

cd "$top_srcdir" || exit 1
scripts=$(find bootstrap .ci bench libsim frontends testcases -type f ! -name check-scripts.sh \( -name '*.sh' -o -name bootstrap -o -name run \) |
    xargs grep -l pipefail)
[[ $scripts ]] || { echo "no script uses pipefail?"; exit 1; }
# shellcheck disable=SC2086 # names without blanks
if grep -nE '\| *(grep -[a-zA-Z]*[qm]|head)\b' $scripts /dev/null | grep -vE '\|\| true'; then
    echo "write to a file first, then ask it"
    exit 1
fi
echo "$(wc -w <<<"$scripts") scripts"
