# What is read is what the CPU would read, its own local APIC included; what cannot be read or written is said to be so, in place of success.
#needs: /usr/share/seabios/bios-256k.bin
#sim: --cpus 2 --memory 128M --bios /usr/share/seabios/bios-256k.bin --disk $modes
connect
# one address, a register in each CPU
thread apply all -ascending x/xw 0xfee00020
#= Thread 1 "CPU 0"
#~ ^0xfee00020:.0x00000000
#= Thread 2 "CPU 1"
#~ ^0xfee00020:.0x01000000
x/xw 0xfee000f0
#~ ^0xfee000f0:.0x000000ff
# ROM
x/xb 0xfffffff0
#~ ^0xfffffff0:.0xea
try set var *(char *)0xfffffff0 = 0x90
#= Cannot access memory at address 0xfffffff0
x/xb 0xfffffff0
#~ ^0xfffffff0:.0xea
# nothing, and a device
try x/xw 0xc0000000
#= Cannot access memory at address 0xc0000000
try set var *(int *)0xc0000000 = 1
#= Cannot access memory at address 0xc0000000
try set var *(int *)0xfee00080 = 1
#= Cannot access memory at address 0xfee00080
# the end of main memory
set var *(int *)0x7fffffc = 0x12345678
x/xw 0x7fffffc
#~ ^0x7fffffc:.0x12345678
try x/2xw 0x7fffffc
#~ ^0x7fffffc:.0x12345678.Cannot access memory at address 0x8000000
monitor physical on
x/xw 0x7fffffc
#~ ^0x7fffffc:.0x12345678
try set var *(int *)0xfffffff0 = 1
#= Cannot access memory at address 0xfffffff0
try x/2xw 0x7fffffc
#= Cannot access memory at address 0x8000000
# leaving, with acknowledgements: such a machine is reached by them (rsp_mode.c)
detach
#= detached
connect
kill
#= killed
#ends: 0
#! Remote c
#! Invalid remote reply
