# Attached at the entry of the demonstration kernel: symbols, stepping, the stack, registers, memory.
#sim: --append quiet $demo
connect
#~ ^(0x[0-9a-f]+ in )?boot \(\)
x/2i $pc
#~ ^=> 0x[0-9a-f]+ <boot>:.cli
p $cr0
#~ ^\$1 = \[.*PE.*\]
break kernel_main
continue
#= Breakpoint 1, kernel_main (magic=
bt
#~ ^#0 +kernel_main \(magic=732803074, info=0x
#~ ^#1 +0x[0-9a-f]+ in boot \(\)
stepi
nexti
next
next
#= read_multiboot(magic, info);
step
#= read_multiboot (
bt 2
#~ ^#0 +read_multiboot
#~ ^#1 +0x[0-9a-f]+ in kernel_main
finish
#= kernel_main (
tbreak interrupts_init
continue
#= Temporary breakpoint 2, interrupts_init
info registers
#~ ^eip +0x[0-9a-f]+ +0x[0-9a-f]+ <interrupts_init
#~ ^eflags .*\[.*IOPL=0.*\]
#~ ^cs +0x8 +8
#~ ^cs_base +0x0
#~ ^cs_limit +0xffffffff
#~ ^cs_attr .*DPL=0 P .*DB G
#~ ^tr +0x[1-9a-f]
#~ ^gdtr_base +0x[0-9a-f]+ +0x
#~ ^gdtr_limit +0x[0-9a-f]
#~ ^cr0 .*\[.*PE.*PG.*\]
#~ ^cr3 +0x
#~ ^efer
info registers st0
#~ ^st0 +0 +\(raw 0x0{20}\)
p ticks
#= = 0
set var ticks = 41
p ticks + 1
#= = 42
p $eax = 0x12345678
p/x $ax
#= = 0x5678
set var $ebx = -2
p $ebx
#= = -2
p/x $cr2 = 0x1234
p/x $cr2
#= = 0x1234
try p $cs = 3
#= Could not write register "cs"
x/2xw &ticks
#~ <ticks>:.0x00000029
break task_tick if ticks == 44
continue
#= Breakpoint 3, task_tick
p ticks
#= = 44
until
advance task_tick
info breakpoints
#= breakpoint already hit 1 time
#= stop only if ticks == 44
p page_present(0x1000)
#= = true
p page_present(0)
#= = false
p $pc == task_tick
kill
#= killed
#ends: 0
#! too long
#! Remote failure
#! Protocol error
