#!/usr/bin/env bash
# How a run ends is told by the exit status of sim, by one line, and by JSON that every parser takes.
set -uo pipefail

helper=$top_builddir/testcases/cli-helper
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
bad=0
fail() { echo "$*"; bad=1; }

# Flat binaries for 7C00h.
printf '\272\364\000\260\005\356\353\376' >exit5         # mov dx,0F4h; mov al,5; out dx,al; jmp $
printf '\272\364\000\260\204\356\353\376' >exit132
printf '\272\004\006\270\000\040\357\353\376' >off       # mov dx,604h; mov ax,2000h; out dx,ax: PM1 control, SLP_EN
printf '\372\364' >halt                                  # cli; hlt
printf '\017\001\036\010\174\314\220\220\0\0\0\0\0\0' >triple # lidt [7C08h], which is 0; int3
printf '\314' >int3
printf '\353\376' >loop                                  # jmp $
printf '\272\375\003\354\250\040\164\373\272\370\003\260\101\356\376\006\014\174\200\076\014\174\133\165\347\353\376' >letters
# mov dx,3FDh; 1: in al,dx; test al,20h; jz 1b; mov dx,3F8h; mov al,'A'; out dx,al; inc the letter; cmp it to 'Z' + 1; jne

# ends STATUS OPTION...
ends() {
    local want=$1 status=0
    shift
    timeout 60 "$SIM" --batch "$@" >out 2>err </dev/null || status=$?
    ((status == want)) || { fail "sim --batch $*: status $status, expected $want"; cat err; }
}
says() { grep -qF -- "$2" "$1" || { fail "'$2' is not in $1:"; cat "$1"; }; }

ends 21 exit5
ends 20 exit132
ends 0 off
ends 3 halt
says err 'dead-halt at step 2'
ends 3 triple
says err 'triple-fault at step 2'
says err '#BP'
ends 4 --limit steps=1000 loop
says err 'at step 1000: --limit was reached'
ends 4 --limit seconds=0.2 loop
says err '--limit was reached'
ends 0 --until step=1000 loop
says err 'at step 1000: --until was met'
ends 0 --until cycle=5k loop
ends 0 --until step=2000 --limit steps=3000 loop
ends 4 --until step=3000 --limit steps=2000 loop
ends 0 --until serial=XYZ letters
says out WXYZ
ends 0 --until console=F --serial file:com1 letters
[[ $(<com1) == ABCDEF* ]] || fail "file:com1 holds '$(<com1)'"
[[ -s out ]] && fail "text for file:com1 is on standard output too"
ends 0 --until step=1000000 --serial null letters
[[ -s out ]] && fail "text for null is on standard output"
ends 0 --until symbol=kernel_main "$GUESTS/demo/demo.elf"
ends 3 --stop-on 'break 0x7c00' loop
ends 3 --stop-on 'none,catch exception 3,6' --limit steps=100 int3
says err 'probe at step 1'
ends 4 --stop-on none --limit steps=100 triple
ends 3 --stop-on none halt
ends 0 -e quit loop
ends 3 -e 'break 0x7c00' loop
ends 21 -e continue exit5

# commands, from the line and from a file; JSON
printf '# a comment\nprint 1+1\n\n  info position\n' >script
ends 0 --until step=10 -e 'print 2*3' --script script loop
says out '0x6 = 6'
says out '0x2 = 2'
says out 'step 0, cycle 0'
[[ $(sed -n 1p out) == '0x6 = 6' ]] || fail "commands are not run in order"

objects() {
    "$helper" json <out >count || fail "sim --json $*: invalid JSON"
}
ends 0 --json --stats --until serial=Z letters
objects
says out '{"type":"console","channel":"serial0","text":"ABCDEFGHIJKLMNOPQRSTUVWXYZ"}'
says out '"type":"stop","reason":"probe"'
says out '"status":0'
says out '"type":"stats","steps":'
grep -qE '"digest":"[0-9a-f]{16}"' out || fail "no digest in $(<out)"
[[ $(tail -n 1 out) == '{"type":"stats"'* ]] || fail "statistics do not come last"
ends 3 --json triple
objects
says out '"reason":"triple-fault","step":2'
says out '"explanation":{'
says out '"vector":3'
ends 20 --json exit132
objects
says out '"code":132'
ends 3 --json -e 'info registers' halt
objects
says out '{"type":"monitor","command":"info registers"'
# any byte that a guest sends
printf '\276\022\174\272\375\003\354\250\040\164\373\272\370\003\254\356\353\361' >raw # mov si,7C12h; ...; lodsb; out dx,al
for ((n = 0; n < 256; n++)); do printf '%b' "\\$(printf %03o $n)"; done >>raw
ends 0 --json --until step=120000 raw
objects
says out '\u0001\u0002'

# the same run is the same, told or not, sliced or not
digest() { sed -n 's/.*"digest":"\([0-9a-f]*\)".*/\1/p' out; }
ends 0 --json --stats --until step=50000 letters
first=$(digest)
ends 0 --json --stats --until step=50000 --timeline on --serial null -e 'break 0x7c10 ignore 1000000' letters
[[ $first && $(digest) == "$first" ]] || fail "digests differ: $first, $(digest)"

# statistics for people
ends 0 --stats --until step=1000 loop
says err 'steps         1000'
says err 'digest        '

# lists
lists() { # TEXT, a regular expression, OPTION...
    "$SIM" "${@:2}" >out 2>err </dev/null || fail "sim ${*:2}: status $?"
    grep -q -- "$1" out || { fail "sim ${*:2} does not list '$1':"; cat out; }
}
lists '^sim: libsim version 0' --version
lists '^pentium ' --cpu help
lists '^16550a ' --device help
lists '^all ' --isa-coverage
lists '--stop-on' --help
"$SIM" --help >/dev/full 2>/dev/null # must not hang

# the demonstration, when nobody sits there
"$SIM" --demo >out 2>&1 </dev/null || fail "--demo: status $?"
says out 'print_path'
says out 'line 37 of bugs.c'
exit $bad
