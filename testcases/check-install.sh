#!/usr/bin/env bash
# What is installed is enough: a program of somebody else's is compiled and linked by what pkg-config says, runs with the
# installed library, and the installed sim runs too. The tree it came from is not needed for any of it.
set -uo pipefail

pkg_config=$(command -v pkg-config || command -v pkgconf) || { echo "SKIP: pkg-config was not found"; exit 77; }
[[ -e $top_builddir/.libs/libsim.so ]] || { echo "SKIP: no shared library was built"; exit 77; }
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
bad=0
fail() { echo "$*"; bad=1; }

# MAKEFLAGS belong to the make that runs the tests.
env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL "${MAKE:-make}" -C "$top_builddir" install DESTDIR="$dir" >"$dir/log" 2>&1 ||
    { tail -n 20 "$dir/log"; fail "make install: failed"; exit 1; }

pc=$(find "$dir" -name libsim.pc)
[[ $pc ]] || { fail "no libsim.pc was installed"; exit 1; }
export PKG_CONFIG_PATH=${pc%/*} PKG_CONFIG_SYSROOT_DIR=$dir
read -ra flags <<<"$("$pkg_config" --cflags --libs libsim)"
for flag in "${flags[@]}"; do
    [[ $flag != -[IL]* || $flag == -?"$dir"/* ]] || fail "libsim.pc names what is not installed: $flag"
done
export LD_LIBRARY_PATH=${pc%/pkgconfig/*}

cp "$top_srcdir/doc/examples/explain.c" "$dir/" && cd "$dir" || exit 1
read -ra cc <<<"$CC ${SANITIZER_FLAGS:-}"
"${cc[@]}" -Wall -Wextra -Werror -Wno-unused-parameter explain.c -o explain "${flags[@]}" || { fail "explain.c: not compiled"; exit 1; }
ldd explain >libraries
grep -qF "$LD_LIBRARY_PATH/libsim.so.0" libraries || { cat libraries; fail "explain runs with another library"; }
./explain "$GUESTS/triple/guard-page.elf" >out 2>err </dev/null || { cat err; fail "explain: status $?"; }
grep -q 'Triple fault' out || { cat out; fail "explain does not tell of the triple fault"; }

sim=$(find "$dir" -path '*/bin/*' -name 'sim*' -type f)
status=0
"$sim" --batch "$GUESTS/triple/guard-page.elf" >out 2>err </dev/null || status=$?
((status == 3)) && grep -q 'guard page' err || { cat err; fail "the installed sim: status $status"; }
man=$(find "$dir" -name 'sim*.1')
[[ -s $man ]] || fail "sim(1) was not installed"
exit $bad
