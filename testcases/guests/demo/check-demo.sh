#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The demonstration kernel does on another PC, QEMU's, what its help says. What it does on ours is
# the business of the tests of that.
set -uo pipefail

demo=${GUESTS:-.}/demo/demo.elf
command -v qemu-system-i386 >/dev/null || { echo "SKIP: qemu-system-i386 was not found"; exit 77; }
[ -e "$demo" ] || { echo "SKIP: $demo was not built"; exit 77; }
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT

# expect COMMANDS TEXT [QEMU OPTION...]: TEXT, a regular expression, appears on COM1 or in the log.
expect() {
    local out=$dir/$1 text=$2 pid found=

    qemu-system-i386 -kernel "$demo" -append "quiet run=$1" "${@:3}" -display none -no-reboot \
        -device isa-debug-exit,iobase=0xf4 -serial "file:$out" -d cpu_reset -D "$out.log" \
        </dev/null 2>"$out.err" &
    pid=$!
    for _ in {1..200}; do
        grep -qsE "$text" "$out" "$out.log" && found=yes && break
        kill -0 $pid 2>/dev/null || break
        sleep 0.1
    done
    kill $pid 2>/dev/null
    wait $pid 2>/dev/null
    [ -n "$found" ] || grep -qsE "$text" "$out" "$out.log" && return
    echo "$1: no '$text' in:"
    cat "$out" "$out.err"
    exit 1
}

expect help '^  jump'
expect ps '0 shell +running'
expect mem '^00001000-000fffff'
expect peek+0x100000,peek+0 '^00000000 is not mapped'
expect spin 'A.*B.*C'
expect nonsense "no command 'nonsense'"
expect race 'two threads .*: [1-9][0-9]* are lost'
expect race 'two CPUs .*: [1-9][0-9]* are lost' -smp 2
expect stale 'after INVLPG 22222222'
expect null 'ring 0 write to 000000..: page not present'
expect gdt 'vector 13\), error code 0030'
expect jump 'ring 0 jump to 6b6b6b6b: page not present'
expect hlt 'press any key'
for bug in stack idt tss cr3; do
    expect $bug 'Triple fault'
done
expect ticks 'that is 0' -cpu 486,-fpu -m 4 -M isapc
