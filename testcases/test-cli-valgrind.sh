#!/usr/bin/env bash
# Under valgrind a run is the run that it is without: nothing that was never written decides anything, nothing is left
# behind, and every line of the report but the time it took is the same, the digest with it.
set -uo pipefail

command -v valgrind >/dev/null || { echo "SKIP: valgrind was not found"; exit 77; }
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
bad=0
fail() { echo "$*"; bad=1; }

program=$top_builddir/.libs/sim # $SIM is libtool's script around it, unless the library is static
[[ -e $program ]] || program=$SIM
${NM:-nm} "$program" >"$dir/names" || exit 1
if grep -q __asan_init "$dir/names"; then
    echo "SKIP: valgrind cannot run what was built with the sanitizers"
    exit 77
fi

# valgrind 3.19 gives up on clang's DWARF 5: there it gets the program without.
export LD_LIBRARY_PATH=$top_builddir/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
valgrind=(valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite)
if ! "${valgrind[@]}" "$program" --version >"$dir/version" 2>&1 && grep -q 'debuginfo reader' "$dir/version"; then
    for file in "$program" "$top_builddir"/.libs/libsim.so.?; do
        strip --strip-debug -o "$dir/${file##*/}" "$file" || exit 1
    done
    program=$dir/${program##*/}
    LD_LIBRARY_PATH=$dir:$LD_LIBRARY_PATH
fi

# same STATUS OPTION...: both runs end with this status and say the same.
same() {
    local want=$1 status=0
    shift
    set -- --batch --json --stats "$@"
    timeout -k 5 60 "$program" "$@" >"$dir/plain" 2>"$dir/errors" </dev/null || status=$?
    ((status == want)) || { fail "sim $*: status $status, expected $want"; cat "$dir/errors"; return; }
    status=0
    timeout -k 5 300 "${valgrind[@]}" "$program" "$@" >"$dir/under" 2>"$dir/errors" </dev/null || status=$?
    ((status == want)) || fail "valgrind sim $*: status $status, expected $want"
    [[ -s $dir/errors ]] && { fail "valgrind sim $*:"; head -n 40 "$dir/errors"; }
    sed -i 's/"host_seconds":[0-9.]*,"mips":[0-9.]*,//' "$dir/plain" "$dir/under"
    grep -qE '"digest":"[0-9a-f]{16}"' "$dir/plain" || fail "sim $*: no digest"
    diff "$dir/plain" "$dir/under" >"$dir/diff" || { fail "sim $*: differs under valgrind"; head -c 4000 "$dir/diff"; }
}

same 0 --until step=300000
same 0 --cpus 2 --quantum 50 --seed 7 --until step=400000
same 0 --timeline on -e 'stepi 60000' -e 'reverse-stepi 100' -e 'info registers' -e 'goto -20000' --until step=100000
same 3 -m 16 "$GUESTS/triple/guard-page.elf"
same 3 -m 16 --timeline on -e continue -e reverse-stepi -e why "$GUESTS/triple/df-task-busy.elf"
same 0 -m 32 --cpus 2 --until step=100000 "$top_builddir/testcases/machine/storm.elf"
# SeaBIOS, as far as it comes in this many steps
[[ -e /usr/share/seabios/bios.bin ]] && same 0 --disk "$GUESTS/../gdb/sector.bin" --until step=500000
exit $bad
