#!/usr/bin/env bash
# run.sh [--guest NAME] [--cases N] [--seed N] [--first N] [--flags WORDS] [--keep DIR] [PEER...]: the
# system oracle against bochs, qemu or both.
#
# --guest names the cases: system (protected and virtual-8086 mode, the default), long (IA-32e mode,
# with the flag wide-stack: see long/main.c) or real (real mode, with ways through protected mode).
#
# The simulator goes first. A case that it does not end, for the guest has lost itself in a loop or
# died of a triple fault, is noted and left out by the peers. A peer that dies or hangs in a case
# that the simulator ends goes on behind it, and the comparison says so. A missing peer is skipped
# by name; with none at all the status is 77. Everything that differs and is no known error of the
# peer (peers.c) is shown, and makes the status 1.
#
# --keep leaves the logs in DIR. BOCHS, QEMU and NASM name programs.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
top_builddir=${top_builddir:-.}
compare=$top_builddir/testcases/oracle/system/compare
subject=$top_builddir/testcases/oracle/system/subject
bochs=${BOCHS:-$(command -v bochs-bin || echo bochs)}
qemu=${QEMU:-qemu-system-x86_64}
nasm=${NASM:-nasm}
boot=$here/../../../bench/boot.asm

guest=system cases=60 seed=1 first=0 flags= keep=
while (($#)); do
    case $1 in
    --guest) guest=${2:?--guest wants a name} && shift ;;
    --cases) cases=${2:?--cases wants a number} && shift ;;
    --seed) seed=${2:?--seed wants a number} && shift ;;
    --first) first=${2:?--first wants a number} && shift ;;
    --flags) flags=${2?--flags wants words} && shift ;;
    --keep) keep=${2:?--keep wants a directory} && shift ;;
    -*) sed -n '/^#!/d;/^#/!q;s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    *) break ;;
    esac
    shift
done

case $guest in
system) elf=system.elf known= ;;
long) elf=long/long.elf known=-long flags="$flags wide-stack" ;;
real) elf=real/real.elf known=-real ;;
*) echo "run.sh: there is no guest $guest: system, long, real" >&2; exit 2 ;;
esac
elf=$(cd "$top_builddir" && pwd)/testcases/oracle/system/$elf

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# ---- One run: run_PEER ARGUMENTS LOG CASES ----

# 50 million steps a boot are more than 100 cases need.
run_sim() {
    timeout 120 "$subject" "$elf" "$1" $((5000000 + $3 * 600000)) >"$2" </dev/null || true
}

# It died of a segmentation fault in some cases; those looked at had breakpoints on data set, which --flags nodata leaves out.
run_qemu() {
    { timeout 60 "$qemu" -accel tcg -cpu max -m 64 -display none -monitor none -parallel none -serial none \
        -net none -no-reboot -debugcon "file:$2" -device isa-debug-exit,iobase=0xf4,iosize=4 \
        -kernel "$elf" -append "$1" >/dev/null 2>&1 </dev/null || true; } 2>/dev/null
}

# The log comes out of the parallel port. SIGINT makes it close its files, which stay in a folder of their own: one is named as the log is.
run_bochs() {
    (
        mkdir -p "$work/bochs"
        cd "$work/bochs"
        rm -f printer guest.img.lock      # the lock of one that was killed
        "$nasm" -f bin -D ELF="'$elf'" -D CMDLINE="'$1 printer'" -o guest.img "$boot"
        cat >bochsrc <<END
display_library: ${BOCHS_DISPLAY:-term}
megs: 64
cpu: model=corei7_skylake_x, ips=50000000, reset_on_triple_fault=0, ignore_bad_msrs=0
clock: sync=none
ata0-master: type=disk, path=guest.img, mode=flat, cylinders=0
boot: disk
parport1: enabled=1, file=printer
speaker: enabled=0
log: bochs.log
panic: action=fatal
error: action=ignore
info: action=ignore
debug: action=ignore
END
        echo continue >commands
        TERM=dumb timeout -s INT -k 3 $((10 + $3 / 2)) "$bochs" -q -f bochsrc -rc commands >/dev/null 2>&1 </dev/null || true
        if [[ -e printer ]]; then cp printer "$2"; fi
    ) 2>/dev/null
}

# ---- Many runs ----

boot_cases=25                           # one boot each: what a loop can cost
lost=()                                 # cases that the simulator does not end

# several PEER FROM TO LOG [LOST]: cases FROM to TO - 1; the number of each that kills the run goes to the file LOST.
several() {
    local peer=$1 from=$2 to=$3 log=$4 last most=$boot_cases
    while ((from < to)); do
        local n=$((to - from < most ? to - from : most))
        : >"$work/part"
        "run_$peer" "seed=$seed first=$from count=$n $flags" "$work/part" "$n"
        if grep -aq '^Z' "$work/part"; then
            cat "$work/part" >>"$log"
            from=$((from + n))
            continue
        fi
        last=$(grep -a '^C ' "$work/part" | tail -n 1 | cut -d' ' -f2) || true
        if [[ -z $last ]] && ((n > 1)); then # killed with the log not yet written: fewer at a time lose less
            most=$((n / 2))
            continue
        fi
        if [[ -z $last && ! -s $log ]]; then
            echo "run.sh: $peer does not run: seed=$seed first=$from" >&2
            return 1
        fi
        [[ $last ]] || last=$(printf %x "$from")
        most=$boot_cases
        sed '$d' "$work/part" >>"$log"  # the last line may not be whole
        grep -aq "^C $last\$" "$log" || echo "C $last" >>"$log"
        echo "X died" >>"$log"
        if [[ ${5-} ]]; then echo $((16#$last)) >>"$5"; fi
        from=$((16#$last + 1))
    done
}

# around PEER LOG: all cases but those that are lost
around() {
    local from=$first n
    for n in ${lost[@]+"${lost[@]}"}; do
        several "$1" "$from" "$n" "$2" || return 1
        printf 'C %x\nX died\n' "$n" >>"$2"
        from=$((n + 1))
    done
    several "$1" "$from" $((first + cases)) "$2"
}

: >"$work/sim.log"
: >"$work/lost"
several sim "$first" $((first + cases)) "$work/sim.log" "$work/lost"
mapfile -t lost <"$work/lost"

boot_cases=100
status=77
for peer in "${@:-bochs}"; do
    program=${!peer}
    if ! command -v "$program" >/dev/null; then
        echo "SKIP: $peer ($program) was not found"
        continue
    fi
    : >"$work/$peer.log"
    if ! around "$peer" "$work/$peer.log"; then
        echo "SKIP: $peer does not run the guest here"
        continue
    fi
    ((status == 1)) || status=0
    "$compare" "$peer$known" "$work/sim.log" "$work/$peer.log" || status=1
done
if [[ $keep ]]; then mkdir -p "$keep" && cp "$work"/*.log "$keep"; fi
exit $status
