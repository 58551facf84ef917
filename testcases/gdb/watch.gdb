# Hardware breakpoints and watchpoints: they stop after the access, and only where it is of the kind asked for.
#sim: --append quiet $demo
connect
hbreak tasks_init
continue
#= Breakpoint 1, tasks_init
watch ticks
continue
#= Hardware watchpoint 2: ticks
#= Old value = 0
#= New value = 1
#~ task_tick \(\)
delete
rwatch command_line[0]
continue
#= Hardware read watchpoint 3: command_line[0]
#= Value = 
#= find_option (
delete
awatch ticks
continue
#= Hardware access (read/write) watchpoint 4: ticks
#= Value = 
#= task_tick
delete
# a range that is no power of two, and is not aligned
watch *(char (*)[5])((char *)&ticks + 3)
watch -l ticks
info watchpoints
#= hw watchpoint
continue
#~ ^Hardware watchpoint
delete
kill
#ends: 0
#! Could not insert
#! too many
