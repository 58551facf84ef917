#!/usr/bin/env bash
# run.sh: the benchmark guests under sim and its peers; one table.
#
#     GUESTS=DIR SIM=PROGRAM run.sh [--quick] [--reps N] [--wall] [--count] [GUEST...]
#
#   --quick    a tenth of the work, once: to see that all of it runs
#   --reps N   repetitions (3); the fastest counts, being the one least disturbed
#   --wall     by the clock on the wall; without it by the processor time of all threads, which
#              other work on the host disturbs less
#   --count    instead of the table: do the guests execute what their `insns` lines say?
#
# GUESTS is where the guests were built (`.`), SIM the simulator (`sim` on the path); `make bench`
# sets both. BOCHS, QEMU, QEMU64 and NASM name other programs. A missing peer is skipped, by name.
# See README.md for what the figures mean.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
guests=$(cd "${GUESTS:-.}" && pwd)
sim=${SIM:-sim}
qemu=${QEMU:-qemu-system-i386}
qemu64=${QEMU64:-qemu-system-x86_64}
bochs=${BOCHS:-$(command -v bochs-bin || echo bochs)}
nasm=${NASM:-nasm}
seconds=300                             # longest a single run may take
names="int compiled int64 compiled64 walk walk64 chase flush syscall switch fault x87 x87math sse packed movsd movsb stosd
cmpsb overlap smc portio vga"

# Paths are the caller's, not those of the folder the work is done in.
case $sim in /*) ;; */*) sim=$PWD/$sim ;; esac
case $qemu in /*) ;; */*) qemu=$PWD/$qemu ;; esac
case $qemu64 in /*) ;; */*) qemu64=$PWD/$qemu64 ;; esac
case $bochs in /*) ;; */*) bochs=$PWD/$bochs ;; esac

reps=3
divide=1
wall=
count=
while (($#)); do
    case $1 in
    --quick) divide=10 reps=1 ;;
    --reps) reps=${2:?--reps wants a number} && shift ;;
    --wall) wall=1 ;;
    --count) count=1 ;;
    -*) sed -n '/^#!/d;/^#/!q;s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    *) break ;;
    esac
    shift
done
(($#)) && names=$*

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# ---- what a guest says of itself ----

field() { sed -n "s/^;; $2: //p" "$here/$1.asm"; }
rounds() {
    local n=$(($(field "$1" rounds) / divide))
    echo $((n > 0 ? n : 1))
}
evaluate() { # GUEST FIELD n: the formula, or 0
    local n=$3 formula
    formula=$(field "$1" "$2")
    echo $((formula))
}
insns() { evaluate "$1" insns "$2"; }

# ---- one run: run_PEER GUEST n; the guest's own words are left in `serial` ----

ended() { # STATUS EXPECTED
    (($1 == $2)) || { echo "exit status $1, expected $2" >>errors; return 1; }
}

run_sim() {
    local status=0
    timeout $seconds "$sim" --batch --json --stats --serial file:serial --append "n=$2" \
        "$guests/$1.elf" >sim.json 2>errors </dev/null || status=$?
    ended $status 16
}

run_qemu() {
    local status=0 program=$qemu
    if [[ $(field "$1" bits) == 64 ]]; then program=$qemu64; fi
    timeout $seconds "$program" -accel tcg -m 128 -display none -monitor none -parallel none -net none \
        -no-reboot -serial file:serial -device isa-debug-exit,iobase=0xf4,iosize=4 ${3:+-icount $3} \
        -kernel "$guests/$1.elf" -append "n=$2" >errors 2>&1 </dev/null || status=$?
    ended $status 1
}

# One instruction per virtual nanosecond; halted time, of which there is none, passes at once.
run_qemu_icount() { run_qemu "$1" "$2" shift=0,sleep=off; }

# $bochs_display and $bochs_debugger are found by find_bochs.
run_bochs() {
    cat >bochsrc <<END
display_library: $bochs_display
megs: 128
cpu: ips=100000000, reset_on_triple_fault=0
clock: sync=none
ata0-master: type=disk, path=guest.img, mode=flat, cylinders=0
boot: disk
com1: enabled=1, mode=file, dev=serial
speaker: enabled=0
log: bochs.log
panic: action=fatal
error: action=ignore
info: action=ignore
debug: action=ignore
END
    echo continue >commands
    SDL_VIDEODRIVER=dummy TERM=${TERM:-dumb} timeout $seconds "$bochs" -q -f bochsrc \
        ${bochs_debugger:+-rc commands} >errors 2>&1 </dev/null || true
    # It has no exit port: a panic at the shutdown port is how a guest leaves.
}

# Bochs boots from a disk; making it is not part of the run.
prepare_bochs() {
    "$nasm" -f bin -D ELF="'$guests/$1.elf'" -D CMDLINE="'$1.elf n=$2'" -o guest.img "$here/boot.asm"
}

# Any display that needs no window will do; with Bochs' debugger built in, it must be told to go on.
find_bochs() {
    prepare_bochs empty 1
    for bochs_display in nogui term sdl2 'rfb, options="timeout=0"'; do
        for bochs_debugger in 1 ''; do
            if (once bochs empty 1) 2>/dev/null; then return 0; fi
        done
    done
    return 1
}

# once PEER GUEST n: one run; what it took, in microseconds, in $elapsed
once() {
    local TIMEFORMAT='%3R %3U %3S' status=0 real user system
    : >serial
    if [[ $1 == bochs ]]; then prepare_bochs "$2" "$3"; fi
    { time "run_$1" "$2" "$3" 2>/dev/null; } 2>times || status=$?
    ((status == 0)) || return 1
    if ! grep -aq '^done' serial; then
        echo "the guest says '$(tr -d '\r\n' <serial)', not 'done'" >>errors
        return 1
    fi
    read -r real user system < <(tail -n 1 times | tr -d .,)
    elapsed=$((wall ? 10#$real * 1000 : (10#$user + 10#$system) * 1000))
}

# ---- who is there ----

peers=
skip() { echo "skipped: $1: $2" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }

[[ -e $guests/empty.elf ]] || { echo "run.sh: no guests in $guests; make bench builds them" >&2; exit 1; }
if have "$sim"; then peers+=" sim"; else skip sim "$sim not found"; fi
if ! have "$bochs"; then
    skip bochs "$bochs not found"
elif ! have "$nasm"; then
    skip bochs "$nasm, which makes its disk images, not found"
elif find_bochs; then
    peers+=" bochs"
else
    skip bochs "it does not run the empty guest: $(tail -n 1 errors)"
fi
if have "$qemu"; then peers+=" qemu qemu_icount"; else skip qemu "$qemu not found"; fi

[[ $peers ]] || { echo "run.sh: nobody to run the guests" >&2; exit 1; }

# ---- counting ----

# QEMU counts a REP instruction once more than it has iterations, and does not count an instruction that faults: `reps` and `faults` say
# how many there are.
if [[ $count ]]; then
    bad=0
    for name in empty $names; do
        for peer in $peers; do
            case $peer in sim | qemu) continue ;; esac  # their counters tell time
            if ! once "$peer" "$name" 3; then
                echo "$name: $peer: does not finish"
                bad=1
                continue
            fi
            got=$((16#$(sed -n 's/^done \([0-9a-f]*\).*/\1/p' serial)))
            want=$(insns "$name" 3)
            extra=0
            case $peer in qemu_icount) extra=$(($(evaluate "$name" reps 3) - $(evaluate "$name" faults 3))) ;; esac
            printf '%-10s %-12s %10d' "$name" "$peer" "$got"
            if ((got == want + extra)); then echo; else
                echo "  expected $((want + extra))"
                bad=1
            fi
        done
    done
    exit $bad
fi

# ---- measuring ----

declare -A best                         # [peer guest]: microseconds
measure() { # GUEST n
    local peer i
    for ((i = 0; i < reps; i++)); do
        for peer in $peers; do
            [[ ${best[$peer $1]-} == fail ]] && continue
            if ! once "$peer" "$1" "$2"; then
                best[$peer $1]=fail
                echo "$1: $peer: failed: $(tail -n 1 errors 2>/dev/null)" >&2
            elif [[ -z ${best[$peer $1]-} ]] || ((elapsed < best[$peer $1])); then
                best[$peer $1]=$elapsed
            fi
            if [[ $peer == sim ]]; then check_steps "$1" "$2"; fi
        done
    done
}

# sim's own count must agree with the guest's formula, but for the start and a few thousand polls.
check_steps() {
    local steps want
    steps=$(grep -ao '"steps": *[0-9]*' sim.json 2>/dev/null | tail -n 1 | tr -dc 0-9) || true
    want=$(insns "$1" "$2")
    if [[ $steps ]] && ((steps < want || steps > want + want / 100 + 100000)); then
        echo "$1: sim: $steps steps, expected about $want" >&2
    fi
}

version() { "$@" 2>&1 </dev/null | grep -m 1 -aoiE '(version|bochs x86 emulator) *[0-9][0-9.]*' || true; }
echo "# $(uname -m), $(sed -n '/^model name/{s/^[^:]*: //p;q}' /proc/cpuinfo 2>/dev/null), $(nproc) CPUs"
for peer in $peers; do
    case $peer in
    sim) echo "# sim: $(version "$sim" --version)" ;;
    bochs) echo "# bochs: $(version "$bochs" --help), display $bochs_display${bochs_debugger:+, debugger built in}" ;;
    qemu) echo "# qemu: $(version "$qemu" --version)" ;;
    esac
done

for name in empty $names; do
    if [[ -t 2 ]]; then printf '\r%-20s' "$name" >&2; fi
    measure "$name" "$(rounds "$name")"
done
if [[ -t 2 ]]; then printf '\r%-20s\r' "" >&2; fi

for name in empty $names; do
    for peer in sim bochs qemu qemu_icount; do
        echo "$name $(insns "$name" "$(rounds "$name")") $peer ${best[$peer $name]--}"
    done
done | awk '
    {
        if (!($1 in insns)) order[++n] = $1
        insns[$1] = $2
        if ($1 == "empty") start[$3] = $4
        us[$1, $3] = $4
    }
    # A run not clearly longer than an empty one says nothing.
    function mips(name, peer,  t) {
        if (us[name, peer] !~ /^[0-9]+$/ || start[peer] !~ /^[0-9]+$/) return us[name, peer]
        t = us[name, peer] - start[peer]
        return t < 20000 || t < start[peer] / 20 ? "short" : insns[name] / t
    }
    function show(x) { return x ~ /^[0-9]/ ? sprintf("%.1f", x) : x }
    function ratio(name, peer,  a, b) {
        a = mips(name, "sim"); b = mips(name, peer)
        if (a !~ /^[0-9]/ || b !~ /^[0-9]/) return "-"
        sum[peer] += log(a / b); terms[peer]++
        return sprintf("%.2f", a / b)
    }
    function mean(peer) { return terms[peer] ? sprintf("%.2f", exp(sum[peer] / terms[peer])) : "-" }
    function ms(peer) { return start[peer] ~ /^[0-9]+$/ ? sprintf("%.0f", start[peer] / 1000) : start[peer] }
    END {
        printf "%-10s %8s | %8s %8s %8s %8s | %7s %7s %7s\n", "MIPS", "Minsns", "sim", "bochs", "qemu",
            "q-icount", "/bochs", "/qemu", "/q-icnt"
        for (i = 2; i <= n; i++) {
            g = order[i]
            printf "%-10s %8.1f | %8s %8s %8s %8s | %7s %7s %7s\n", g, insns[g] / 1e6,
                show(mips(g, "sim")), show(mips(g, "bochs")), show(mips(g, "qemu")), show(mips(g, "qemu_icount")),
                ratio(g, "bochs"), ratio(g, "qemu"), ratio(g, "qemu_icount")
        }
        printf "%-10s %8s | %8s %8s %8s %8s | %7s %7s %7s\n", "geo. mean", "", "", "", "", "",
            mean("bochs"), mean("qemu"), mean("qemu_icount")
        printf "%-10s %8s | %8s %8s %8s %8s |\n", "start, ms", "", ms("sim"), ms("bochs"), ms("qemu"), ms("qemu_icount")
    }'
