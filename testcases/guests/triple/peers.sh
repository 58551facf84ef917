#!/usr/bin/env bash
# peers.sh DIR [NAME...]: a second and a third opinion on what the guests expect.
#
# Runs the guests built in DIR (all, or those named) under QEMU (TCG) and Bochs, and prints each
# place where vectors, error codes, EIP or CR2 are not what the guest's `expect` lines say. For
# whoever changes a guest: the expectations follow the SDM, and a guest says in a `note` where a
# peer is known to stray. No part of `make check`; exit status 0 whatever the peers say.
#
# What a peer does not tell is not compared. QEMU has no EXT bit in error codes.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
boot=$here/../../../bench/boot.asm
guests=$(cd "${1:?usage: peers.sh DIR [NAME...]}" && pwd)
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# expectation FILE: what to expect, as words that the peers' logs are brought to as well.
#   vectors 13 8 / errors 13:0 13:6b / eip 100036 / cr2 -
# `errors` lists each fault but the double fault as vector:code; events without a code give `-`.
expectation() {
    awk -v symbols="$2" '
    function number(word) {
        if (word ~ /^0x/) return tolower(substr(word, 3))
        if (word == "-") return "-"
        if (!(word in at)) { print "error unknown symbol " word; return "?" }
        return at[word]
    }
    BEGIN {
        while ((getline line < symbols) > 0) {
            split(line, f, " ")
            sub(/^0+/, "", f[1])
            at[f[3]] = f[1] == "" ? "0" : f[1]
        }
        split("DE 0 DB 1 BP 3 OF 4 BR 5 UD 6 TS 10 NP 11 SS 12 GP 13 PF 14", v, " ")
        for (i = 1; i in v; i += 2) vector[v[i]] = v[i + 1]
    }
    /^;; expect: / {
        for (i = 3; i <= NF; i++) {
            eq = index($i, "=")
            value[substr($i, 1, eq - 1)] = substr($i, eq + 1)
        }
    }
    END {
        n = split(value["chain"], chain, ",")
        e = split(value["error"], code, ",")
        m = split(value["vectors"], vec, ",")
        first = n == m ? 1 : 0          # an interrupt came before the first fault
        if (n != e) print "error chain and error differ in length"
        if (n != m && n != m + 1) print "error chain and vectors do not fit together"
        if (vec[m] != 8) print "error the last vector is not the double fault"
        line = "vectors"
        for (i = 1; i <= m; i++) line = line " " vec[i]
        print line
        line = "errors"
        for (i = 1; i <= n; i++) {
            where = split(chain[i], part, "@")
            if (i == 1 && where != 2) print "error the first cause has no symbol"
            split(part[1], id, "-")
            if (!(id[1] in vector)) print "error unknown cause " part[1]
            if (where == 2) origin = part[2]
            if (i + first < m && vec[i + first] != vector[id[1]])
                print "error " part[1] " does not raise vector " vec[i + first]
            if (id[1] != "BP" && id[1] != "OF")
                line = line " " vector[id[1]] ":" number(code[i])
        }
        print line
        number(origin)
        print "eip " number(value["eip"])
        print "cr2 " number(value["cr2"])
    }' "$1"
}

# The log tells faults and deliveries, but no error code of a fault that was made a double fault or
# shutdown (`?`), and nothing of deliveries in real mode. The machine then stands still for a look
# at its registers. The log is not flushed before the end, so give it time, and then more.
qemu() {
    local seconds
    for seconds in 0.4 2; do
        (
            { sleep $seconds; printf 'info registers\nquit\n'; } |
                timeout 20 qemu-system-i386 -display none -serial none -cpu max -monitor stdio \
                    -no-reboot -no-shutdown -device isa-debug-exit,iobase=0xf4,iosize=4 \
                    -d int,cpu_reset -D qemu.log -kernel "$1" >registers 2>stopped || true
        ) 2>/dev/null
        grep -q -e 'Triple fault' qemu.log && break
        grep -q '^qemu: fatal' stopped && break
    done
    if grep -q '^qemu: fatal' stopped; then
        sed -n 's/^qemu: //p' stopped
        return
    fi
    awk -v keep="$2" -v causes="$3" '
    function hex(s,  i, n) {
        for (i = 1; i <= length(s); i++) n = n * 16 + index("0123456789abcdef", tolower(substr(s, i, 1))) - 1
        return n
    }
    function strip(s) { sub(/^0+/, "", s); return s == "" ? "0" : tolower(s) }
    /^check_exception/ { fault[++m] = hex(substr($NF, 3)); code[m] = "?" }
    match($0, / v=[0-9a-f]+/) {
        v[++n] = hex(substr($0, RSTART + 3, RLENGTH - 3))
        match($0, / e=[0-9a-f]+/)
        if (v[n] == fault[m]) code[m] = strip(substr($0, RSTART + 3, RLENGTH - 3))
    }
    /^Triple fault/ { dead = 1 }
    /^EIP=/ && FILENAME == "registers" { eip = strip(substr($1, 5)) }
    match($0, /CR2=[0-9a-f]+/) { cr2 = strip(substr($0, RSTART + 4, RLENGTH - 4)) }
    END {
        if (!dead) { print "no triple fault"; exit }
        line = "vectors"
        for (i = n - keep + 1; n && i <= n; i++) line = line " " v[i]
        if (n) print line
        line = "errors"
        for (i = m - causes + 1; i <= m; i++) line = line " " fault[i] ":" code[i]
        print line
        print "eip " eip; print "cr2 " cr2
    }' qemu.log registers
}

# A display without a window: of those that Debian packages, the terminal wants nothing.
bochs_config() {
    cat <<END
display_library: ${BOCHS_DISPLAY:-term}
megs: 128
cpu: model=corei7_haswell_4770, ips=50000000, reset_on_triple_fault=0
clock: sync=none
ata0-master: type=disk, path=guest.img, mode=flat, cylinders=0
boot: disk
log: bochs.log
panic: action=fatal
error: action=report
debug: action=ignore, cpu0=report
END
}

bochs() {
    nasm -f bin -D ELF="'$1'" -o guest.img "$boot"
    bochs_config >bochsrc
    echo continue >commands
    # It ends in a panic, and now and then crashes on its way out.
    (timeout 60 bochs-bin -q -f bochsrc -rc commands </dev/null >/dev/null 2>&1 || true) 2>/dev/null
    awk -v keep="$2" -v causes="$3" '
    function hex(s,  i, n) {
        for (i = 1; i <= length(s); i++) n = n * 16 + index("0123456789abcdef", tolower(substr(s, i, 1))) - 1
        return n
    }
    function strip(s) { sub(/^0+/, "", s); return s == "" ? "0" : tolower(s) }
    match($0, /interrupt\(\): vector = [0-9a-f]+/) { v[++n] = hex(substr($0, RSTART + 22, RLENGTH - 22)) }
    match($0, /exception\(0x[0-9a-f]+\): error_code=/) {
        x = hex(substr($0, RSTART + 12, 2))
        if (x != 8) f[++m] = x ":" strip(substr($0, RSTART + RLENGTH, 4))
    }
    /3rd .* exception with no resolution/ { dead = 1 }
    match($0, /\| EIP=[0-9a-f]+/) { eip = strip(substr($0, RSTART + 6, RLENGTH - 6)) }
    match($0, /CR2=0x[0-9a-f]+/) { cr2 = strip(substr($0, RSTART + 6, RLENGTH - 6)) }
    END {
        if (!dead) { print "no triple fault"; exit }
        line = "vectors"
        for (i = n - keep + 1; i <= n; i++) line = line " " v[i]
        print line
        line = "errors"
        for (i = m - causes + 1; i <= m; i++) line = line " " f[i]
        print line
        print "eip " eip; print "cr2 " cr2
    }' bochs.log
}

# compare PEER expected actual
compare() {
    awk -v peer="$1" -v name="$4" '
    function hex(s,  i, n) {
        for (i = 1; i <= length(s); i++) n = n * 16 + index("0123456789abcdef", substr(s, i, 1)) - 1
        return n
    }
    # the same code, but for what this peer cannot say
    function same(key, want, got,  a, b) {
        if (want == got || want == "-") return 1
        if (key != "errors") return 0
        split(want, a, ":"); split(got, b, ":")
        if (a[1] != b[1]) return 0
        if (a[2] == "-" || b[2] == "?") return 1
        return peer == "QEMU" && a[1] != 14 && int(hex(a[2]) / 2) == int(hex(b[2]) / 2)
    }
    FNR == NR { want[$1] = $0; next }
    !($1 in want) { print name ": " peer ": " $0; next }
    {
        n = split(want[$1], w, " "); bad = n != NF
        for (i = 2; i <= n && i <= NF; i++) if (!same($1, w[i], $i)) bad = 1
        if (bad) print name ": " peer ": " $0 "; expected: " substr(want[$1], length($1) + 2)
    }' "$2" "$3"
}

if (($# == 0)); then
    set -- $(cd "$here" && ls -- *.asm | sed 's/\.asm$//')
fi
checked=0
for name; do
    elf=$guests/$name.elf
    nm "$elf" >symbols
    expectation "$here/$name.asm" symbols >all
    sed -n "s/^error /$name: guest: /p" all
    grep -v '^error ' all >want
    vectors=$(($(sed -n 's/^vectors //p' want | wc -w)))
    causes=$(($(sed -n 's/^errors //p' want | wc -w)))
    if command -v qemu-system-i386 >/dev/null; then
        qemu "$elf" "$vectors" "$causes" >got
        compare QEMU want got "$name"
    fi
    if command -v bochs-bin >/dev/null; then
        bochs "$elf" "$vectors" "$causes" >got
        compare Bochs want got "$name"
    fi
    checked=$((checked + 1))
done
echo "$checked guests compared"
