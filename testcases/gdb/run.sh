#!/usr/bin/env bash
# One session of the real gdb with `sim`. The script says in comments what it takes, and what must come out:
#
#     #sim: OPTIONS     of sim; $demo, $long, $modes, $filled, $dir and $triple are known
#     #file: FILE       what gdb is started with; default $demo; none
#     #needs: FILE      without it the test is skipped
#     #console: TEXT    must have come out of the serial port in the end
#     #ends: STATUS     sim must end by itself, with this status
#     #same: STEP       sim ends at this step, and its state is that of a run without gdb
#     #= TEXT           a line of gdb's output contains it, after the line that the one before was found in
#     #~ REGEX          the same, as an extended regular expression
#     #! REGEX          in no line at all
#
# In the script `connect` connects, `break-in` presses Ctrl-C a second later, and `try COMMAND` goes on after an error.
set -uo pipefail

script=$1
demo=${GUESTS:-.}/demo/demo.elf
triple=${GUESTS:-.}/triple
long=${GUESTS:-.}/long/long.elf
modes=${GUESTS:-.}/../gdb/sector.bin
filled=${GUESTS:-.}/../gdb/filled.bin
sim=${SIM:-sim}

skip() { echo "SKIP: $*"; exit 77; }
say() { sed -n "s/^#$1: *//p" "$script"; }
fill() { local text=$1; text=${text//\$demo/$demo} text=${text//\$modes/$modes} text=${text//\$filled/$filled} text=${text//\$long/$long} text=${text//\$triple/$triple} text=${text//\$dir/$dir}; echo "$text"; }

command -v gdb >/dev/null || skip "gdb was not found"
gdb -nx -batch -ex 'python print(1)' >/dev/null 2>&1 || skip "gdb was built without Python"
[ -x "$sim" ] || skip "$sim was not built"
dir=$(mktemp -d /tmp/sim-gdb.XXXXXX) || exit 1
pid=
trap '[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null; rm -rf "$dir"' EXIT
while IFS= read -r needed; do
    needed=$(fill "$needed")
    [ -e "$needed" ] || skip "$needed was not found"
done < <(say needs)

eval "options=($(fill "$(say sim)"))"
same=$(say same)
[ -z "$same" ] || options+=(--stats --until "step=$same")
"$sim" --batch --timeline on --serial "file:$dir/console" --display none --gdb "unix:$dir/s" --wait \
    --limit "seconds=${GDB_TEST_SECONDS:-120}" "${options[@]}" >"$dir/out" 2>&1 </dev/null &
pid=$!
for _ in {1..100}; do
    [ -S "$dir/s" ] && break
    kill -0 "$pid" 2>/dev/null || { echo "sim ended before gdb came:"; cat "$dir/out"; exit 1; }
    sleep 0.1
done

cat >"$dir/prelude" <<END
set pagination off
set confirm off
set width 0
set height 0
define connect
  target remote $dir/s
end
define break-in
  shell p=\$PPID; (sleep 1; kill -INT \$p) >/dev/null 2>&1 &
end
python
class Try(gdb.Command):
    def __init__(self):
        super().__init__("try", gdb.COMMAND_USER)
    def invoke(self, command, from_tty):
        try:
            gdb.execute(command)
        except gdb.error as error:
            print(error)
Try()
end
END
file=$(fill "$(say file)")
case ${file:-$demo} in none) file=() ;; *) file=("${file:-$demo}") ;; esac
HOME=$dir timeout "${GDB_TEST_SECONDS:-120}" stdbuf -oL gdb -nx -batch -d "${top_srcdir:-.}" -x "$dir/prelude" -x "$script" "${file[@]}" >"$dir/log" 2>&1 </dev/null
gdb_status=$?

failed=
fail() { echo "$*"; failed=yes; }
at=1
while IFS= read -r line; do
    text=${line:3}
    case $line in
    '#='*) found=$(tail -n "+$at" "$dir/log" | grep -nF -m1 -e "$text") ;;
    '#~'*) found=$(tail -n "+$at" "$dir/log" | grep -nE -m1 -e "$text") ;;
    '#!'*) grep -nE -e "$text" "$dir/log" && fail "there is '$text'"; continue ;;
    esac
    if [ -z "$found" ]; then
        fail "after line $at of gdb's output there is no '$text'"
    else
        at=$((at + ${found%%:*}))
    fi
done < <(grep -E '^#[=~!] ' "$script")
digest() { sed -n 's/^digest *//p' "$1"; }
if [ -n "$same" ]; then
    "$sim" --batch --serial null --display none "${options[@]}" >"$dir/plain" 2>&1 </dev/null
    [ "$(digest "$dir/plain")" ] || fail "there is no digest of the run without gdb: $(cat "$dir/plain")"
fi
while IFS= read -r text; do
    grep -qF -e "$text" "$dir/console" || fail "the console does not say '$text'"
done < <(say console)
((gdb_status == 124)) && fail "gdb did not end in time"

ends=$(say ends)
if [ -n "$ends" ]; then
    for _ in {1..50}; do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
    if kill -0 "$pid" 2>/dev/null; then
        fail "sim has not ended"
    else
        wait "$pid"
        status=$?
        ((status == ends)) || fail "sim has ended with status $status, not $ends"
        [ -z "$same" ] || [ "$(digest "$dir/plain")" = "$(digest "$dir/out")" ] || fail "gdb left a trace: $(digest "$dir/out"), without it $(digest "$dir/plain")"
        pid=
    fi
elif ! kill -0 "$pid" 2>/dev/null; then
    fail "sim has ended"
fi
[ -z "$failed" ] && exit 0
echo "---- gdb's output:"; cat -n "$dir/log"
echo "---- sim's:"; cat "$dir/out"
echo "---- the console:"; cat "$dir/console" 2>/dev/null
exit 1
