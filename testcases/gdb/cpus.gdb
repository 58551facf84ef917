# CPUs are threads. One steps, the others go on as their turn comes; a stop makes its CPU the current one.
#sim: --cpus 2 --append quiet $demo
connect
info threads
#~ \* 1 .*"CPU 0" \(32-bit protected mode, CPL 0\) +boot \(\)
#~ 2 .*"CPU 1" \(real mode, CPL 0, waiting for SIPI\)
break ap_main
continue
#= Thread 2 "CPU 1" hit Breakpoint 1, ap_main
info threads
#~ 1 .*"CPU 0" \(32-bit protected mode, CPL 0, paging\)
#~ \* 2 .*"CPU 1" .*ap_main \(\)
next
#= cpu_init_second
p $_thread
#= = 2
thread 1
#= Switching to thread 1
stepi
stepi
p $_thread
#= = 1
thread 2
info registers cs cr0
#~ ^cs +0x8
#~ ^cr0 .*PG
thread apply all p $cpl
#= Thread 2
#= = 0
#= Thread 1
#= = 0
break task_tick
continue
#= Thread 1 "CPU 0" hit Breakpoint 2, task_tick
info threads
#~ 2 .*"CPU 1" \(.*halted\)
# what the other CPU wakes up in: it comes from 16-bit code, where its code was copied to
break *0x8000
reverse-continue
#= Thread 2 "CPU 1" hit Breakpoint 1, ap_main
reverse-continue
#= executing new program: 16-bit code
#= Thread 2 "CPU 1" hit Breakpoint 3, 0x00008000
x/4i $pc
#~ xor +%ax,%ax
info registers cs ip
#~ ^cs +0x800
#~ ^ip +0x0
info threads
#~ \* .*"CPU 1" \(real mode, CPL 0\)
#~ .*"CPU 0" \(32-bit protected mode
continue
#= executing new program: 32-bit code
#= Breakpoint 1, ap_main
kill
#ends: 0
