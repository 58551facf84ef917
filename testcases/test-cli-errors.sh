#!/usr/bin/env bash
# A mistake on the command line of sim is answered by one line on standard error, nothing on standard
# output, and status 2.
set -uo pipefail

dir=$(mktemp -d) && trap 'chmod -R u+rw "$dir"; rm -rf "$dir"' EXIT
cd "$dir" || exit 1
bad=0

# wrong TEXT OPTION...: the line holds TEXT.
wrong() {
    local text=$1 status=0
    shift
    timeout 20 "$SIM" --batch "$@" >out 2>err </dev/null || status=$?
    if ((status != 2)) || [[ -s out ]] || [[ $(wc -l <err) != 1 ]] || ! grep -qF -- "$text" err; then
        echo "sim --batch $*: status $status, output $(wc -c <out) bytes; standard error:"
        cat err
        bad=1
    fi
}

: >empty
mkdir folder
head -c 1000000 /dev/zero >zeros
printf '\177ELF garbage' >elf
printf '\353\376' >loop # a flat binary: jmp $
head -c 513 /dev/zero >odd
head -c 4096 /dev/zero >page
printf 'print 1\0\n' >binary
printf 'script again\n' >again
sums=$(cksum empty zeros elf loop odd page binary again)

# options
wrong '--nonsense: no such option' --nonsense
wrong '-q: no such option' -q
wrong '--memory needs an argument' -m
wrong '--batch takes no argument' --batch=1
wrong '--seri: could be --serial or --serial-pace' --seri
wrong 'one image only' loop loop
wrong '--memory 0' --memory 0
wrong '--memory lots' --memory lots
wrong '--memory 99999G' --memory 99999G
wrong '--memory 18446744073709551616' --memory 18446744073709551616
wrong '--memory 64.5' --memory 64.5
wrong '--memory' --memory=
wrong '--memory needs an argument' -bm
wrong '--cpus 0' --cpus 0
wrong '--cpus 9' --cpus 9
wrong '--cpu z80' --cpu z80
wrong '--quantum 0' --quantum 0
wrong '--seed -1' --seed -1
wrong '--timing exact' --timing exact
wrong '--clock 0' --clock 0
wrong '--rtc yesterday' --rtc yesterday
wrong '--rtc 2023-02-29' --rtc 2023-02-29
wrong '--rtc 1969-12-31T23:59:59' --rtc 1969-12-31T23:59:59
wrong '--rtc 2024-01-01T24:00:00' --rtc 2024-01-01T24:00:00
wrong '--rtc' --rtc ''
wrong '--boot tape' --boot tape
wrong '--serial modem' --serial modem
wrong '--serial tcp:here' --serial tcp:here
wrong '--serial stdio: for one port only' --serial stdio --serial stdio
wrong '--serial null' --serial null --serial null --serial null
wrong '--serial file:folder/none/x' --serial file:folder/none/x
wrong '--display hologram' --display hologram
wrong '--display term' --display term
wrong '--realtime maybe' --realtime maybe
wrong '--timeline maybe' --timeline maybe
wrong '--timeline-memory' --timeline-memory much
wrong '--until tomorrow' --until tomorrow
wrong '--until step=' --until step=
wrong '--until step=x' --until step=x
wrong "'nowhere' is not known" --until symbol=nowhere
wrong '--limit steps' --limit steps
wrong '--limit seconds=0' --limit seconds=0
wrong '--limit hours=1' --limit hours=1
wrong '--limit seconds=inf' --limit seconds=inf
wrong '--limit seconds=nan' --limit seconds=nan
wrong '--limit steps=99999999999999999999' --limit steps=99999999999999999999
wrong '--stop-on sunset' --stop-on sunset
wrong '--stop-on' --stop-on ''
wrong '--stop-on' --stop-on ,
wrong '--stop-on catch sunset' --stop-on 'catch sunset'
wrong 'device piano: no such class' --device piano
wrong "'base' is not PROP=VALUE" --device 16550a,base
wrong '--nic user' --nic user
wrong '--gdb' --gdb :
wrong '--gdb' --gdb ''
wrong '--gdb 65536' --gdb 65536
wrong '--gdb unix:folder: ' --gdb unix:folder
wrong '--gdb unix:folder/none/s: ' --gdb unix:folder/none/s
wrong '--gdb stdio: ' --gdb stdio --serial stdio
wrong '--gdb stdio: ' --gdb stdio --json
wrong '--wait' --wait
wrong '--record log: not modelled yet' --record log
wrong '--replay log: not modelled yet' --replay log
wrong '--checkpoint file: not modelled yet' --checkpoint file
wrong 'no such command' -e 'frobnicate' loop
wrong 'no such command' --script loop loop
wrong 'missing: cannot be read' --script missing loop
wrong 'folder: cannot be read' --script folder loop
wrong 'binary:1: ' --script binary loop
wrong '/dev/zero:1: ' --script /dev/zero loop
wrong 'without end' --script again loop
wrong 'demo' --demo loop

# files
wrong 'missing: No such file' missing
wrong 'folder: ' folder
wrong '/dev/null: ' /dev/null
wrong 'empty: ' empty
wrong 'zeros: ' zeros
wrong 'elf: ' elf
wrong 'missing: ' --disk missing
wrong 'folder: ' --disk folder
wrong 'empty: ' --disk empty
wrong '/dev/zero: ' --disk /dev/zero
wrong 'empty: ' --disk empty,rw
wrong 'zeros,ro: ' --disk zeros,ro
wrong 'zeros: in use' --disk zeros,rw --disk zeros,rw
wrong 'four drives' --disk odd --disk odd --disk odd --disk odd --disk odd
wrong 'folder: ' --cdrom folder
wrong 'empty: ' --cdrom empty
wrong 'folder: ' --floppy folder
wrong 'empty: ' --floppy empty
wrong 'odd: ' --bios odd --disk zeros
wrong 'folder: ' --bios folder --disk zeros
wrong 'empty: ' --vgabios empty --disk zeros
wrong 'page: ' --vgabios page --disk zeros
wrong 'odd: ' --bios odd
wrong '--bios page: this kernel is loaded without firmware' --bios page loop
wrong '--vgabios page: this kernel is loaded without firmware' --vgabios page loop
wrong '--boot cdrom: this kernel is loaded without firmware' --boot cdrom
wrong '--initrd loop: ' --initrd loop loop
wrong '--initrd loop: ' --initrd loop --disk zeros
wrong 'missing: ' --cdrom missing
wrong 'missing: ' --floppy missing
wrong 'missing' --bios missing --disk zeros
wrong 'missing' --module missing
wrong 'missing' --plugin ./missing loop
wrong 'missing' --symbols missing loop
if ((EUID)); then
    cp loop secret && chmod 0 secret
    wrong 'secret: ' secret
    wrong 'secret: ' --disk secret
    wrong 'secret: ' --script secret loop
fi
[[ $(cksum empty zeros elf loop odd page binary again) == "$sums" ]] || { echo "a file was changed"; bad=1; }
exit $bad
