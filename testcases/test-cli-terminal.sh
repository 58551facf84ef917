#!/usr/bin/env bash
# sim at a terminal: the guest's console, Ctrl-C and the monitor, editing, escapes, the screen.
set -uo pipefail

helper=$top_builddir/testcases/cli-helper
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
bad=0

# libedit never frees the names that EL_ADDFN copies.
echo 'leak:wcsdup' >"$dir/suppressions"
export LSAN_OPTIONS=suppressions=$dir/suppressions:print_suppressions=0

# Without libedit a Tab completes nothing.
complete=cat
grep -q '^#define HAVE_LIBEDIT' "$top_builddir/config.h" || complete='sed s/kernel_ma\\t/kernel_main/;s/pos\\t/pos/'

# at_terminal NAME OPTION... <<what to type and to expect
at_terminal() {
    local name=$1 status=0
    shift
    $complete | "$helper" pty "$SIM" "$@" 2>&1 || status=$?
    ((status == 77)) && exit 77
    ((status == 0)) || { echo "$name: failed"; bad=1; }
}

at_terminal "guest and monitor" --display none <<'END'
expect Type 'help'.
expect demo> 
send ps\r
expect shell
expect demo> 
send \x03
expect interrupted
expect (sim) 
send print 6*7\r
expect 0x2a = 42
expect (sim) 
send info pos\t\r
expect digest
expect (sim) 
send frobnicate\r
expect frobnicate: no such command
expect (sim) 
send break kernel_ma\t\r
expect at 0x
expect kernel_main
expect (sim) 
send delete\r
expect (sim) 
send continue\r
send peek 0x100000\r
expect 1badb002
expect demo> 
send \x01h
expect Ctrl-A x
send stack\r
expect Triple fault
expect print_path
expect (sim) 
send reverse-stepi\r
expect print_path
expect (sim) 
send \r
expect print_path
expect (sim) 
send goto start\r
expect boot
expect (sim) 
send quit\r
status 0
END

at_terminal "leaving by Ctrl-A x" --display none <<'END'
expect demo> 
send \x01x
status 0
END

at_terminal "leaving by the end of input" --display none --wait <<'END'
expect (sim) 
send \x04
status 0
END

at_terminal "a guest that leaves" --display none --append exit <<'END'
expect switched the machine off
expect (sim) 
send reverse-stepi\r
expect (sim) 
send info stop\r
expect (sim) 
send q\r
status 0
END

at_terminal "the screen, and keys for the keyboard" --display term --serial null <<'END'
expect demo>
expect keys go to the keyboard
send ticks\r
expect seconds
send \x1b[A\x03
expect (sim) 
send input text ps\\n\r
expect (sim) 
send c\r
expect shell
send \x01x
status 0
END

at_terminal "the screen above the console" --display term <<'END'
expect keys go to COM1
send \x01k
expect keys go to the keyboard
send \x01x
status 0
END
exit $bad
