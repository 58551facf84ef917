#!/usr/bin/env bash
# bootstrap installs what a command needs, and configures again when there is more to be found than last time: `run` on
# a bare machine must not leave `check` without the library of the unit tests. The tools it calls are stand-ins here.
set -uo pipefail

dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir"/{bin,tree/m4,tree/base,tree/testcases/unit}
cp "$top_srcdir/bootstrap" "$dir/tree/"
touch "$dir"/tree/{configure.ac,Makefile.am,m4/sim_x.m4,base/base.mk,testcases/unit/x.mk} "$dir"/{installed,called}
export DIR=$dir PATH=$dir/bin:$PATH
bad=0
fail() { echo "$*"; bad=1; }

tool() { { echo '#!/usr/bin/env bash'; cat; } >"$dir/bin/$1"; chmod +x "$dir/bin/$1"; }
tool sudo <<'END'
exec "$@"
END
tool autoreconf <<'END'
echo autoreconf >>"$DIR/called"
printf '#!/bin/sh\necho configure "$@" >>"$DIR/called"; : >Makefile\n' >configure
chmod +x configure
touch Makefile.in config.h.in
END
# dpkg-query -W -f='${db:Status-Status}' PACKAGE, and any -W -f=... PACKAGE...
tool dpkg-query <<'END'
for package in "${@:3}"; do
    grep -qx "$package" "$DIR/installed" || continue
    format=${2#-f=} format=${format//'${db:Status-Status}'/installed} format=${format//'${Package}'/$package}
    printf '%b' "${format//'${Version}'/1}"
done
END
tool apt-get <<'END'
[[ -t 0 || -e $DIR/no-network ]] && exit 1
install=
for word in "$@"; do
    [[ $install && $word != -* ]] && echo "$word" >>"$DIR/installed"
    [[ $word == install ]] && install=yes
done
[[ -z $install ]] || echo install >>"$DIR/called"
END
tool make <<'END'
mkdir -p "$2"
printf '#!/bin/sh\necho demonstration\n' >"$2/sim"
chmod +x "$2/sim"
echo ':test-result: PASS' >"$2/x.trs"
END

# after COMMAND...: what it called, on one line
after() {
    : >"$dir/called"
    (cd "$dir/tree" && ./bootstrap "$@") >"$dir/out" 2>&1 </dev/null || { fail "bootstrap $*: status $?"; cat "$dir/out"; }
    called=$(sed 's/^configure .*/configure/' "$dir/called" | tr '\n' ' ')
}
is() { [[ $called == "$2" ]] || fail "$1: called '$called', expected '$2'"; }

after run
is "the first run" "install autoreconf configure "
grep -qx demonstration "$dir/out" || fail "run shows no demonstration"
grep -qx libelf-dev "$dir/installed" || fail "run does not install libelf-dev"
after run
is "the second run" ""
after check
is "check after run" "install configure "
[[ $(tail -n 1 "$dir/out") == '1 passed, 0 failed, 0 skipped' ]] || { fail "check ends with:"; tail -n 1 "$dir/out"; }
grep -qx check "$dir/installed" || fail "check does not install check"
after check
is "the second check" ""
after run
is "run after check" ""
sed -i '/^libpng-dev$/d' "$dir/installed"
(cd "$dir/tree" && ./bootstrap run --no-install) >"$dir/out" 2>&1 && fail "--no-install goes on without libpng-dev"
grep -q 'missing packages: libpng-dev' "$dir/out" || { fail "--no-install does not name libpng-dev:"; cat "$dir/out"; }
after run
is "run after a package came back" "install "
after check --werror
is "another option" "configure "
after check --compiler clang
is "another compiler" "install configure "
exit $bad
