# Backwards: to the instruction before, to the last hit of a breakpoint or of a watchpoint, to the caller, to the start.
#sim: --append quiet $demo
connect
break task_tick
continue
continue
continue
#= Breakpoint 1, task_tick
p ticks
#= $1 = 2
stepi
stepi
p $pc == task_tick
#= $2 = 0
reverse-stepi
reverse-stepi
p $pc == task_tick
#= $3 = 1
reverse-continue
#= Breakpoint 1, task_tick
p ticks
#= $4 = 1
reverse-finish
#= interrupt (irq=0)
x/i $pc
#= call
p ticks
#= $5 = 1
continue
#= Breakpoint 1, task_tick
p ticks
#= $6 = 1
delete
watch ticks
continue
#= Old value = 1
#= New value = 2
continue
#= Old value = 2
#= New value = 3
reverse-continue
#= Old value = 3
#= New value = 2
x/i $pc
#= ticks
reverse-continue
#= Old value = 2
#= New value = 1
reverse-stepi
continue
#= Old value = 1
#= New value = 2
delete
tbreak find_option
reverse-continue
#= Temporary breakpoint 3, find_option
reverse-step
reverse-next
reverse-continue
#= No more reverse-execution history.
#= boot ()
x/i $pc
#= cli
reverse-stepi
#= No more reverse-execution history.
break tasks_init
continue
#= Breakpoint 4, tasks_init
set exec-direction reverse
stepi
stepi
p $pc == tasks_init
#= = 0
set exec-direction forward
kill
#ends: 0
