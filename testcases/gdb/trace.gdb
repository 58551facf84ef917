# Looking, stopping and going back leave no trace: the machine is in the end what it is without gdb.
#sim: --cpus 2 --clock 20M --append 'quiet run=race,spin,ps' $demo
#same: 1500000
connect
stepi 2
break kernel_main
hbreak ap_main
continue
#= Breakpoint 1, kernel_main
next
step
bt
info registers
thread apply all info registers
x/64xb 0x1000
x/64xw 0xfee00000
monitor physical on
x/64xw 0x100000
monitor physical off
monitor info devices
finish
continue
#= Breakpoint 2, ap_main
next
next
watch ticks
continue
#= New value = 3
rwatch ticks
awatch ticks
continue
reverse-stepi
reverse-continue
reverse-step
delete
break task_tick if ticks == 3
continue
#= Breakpoint 6, task_tick
reverse-finish
stepi 100
monitor why
monitor info registers
delete
stepi
continue
#= exited normally
#ends: 0
