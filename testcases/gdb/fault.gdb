# A triple fault stops before anything is lost, is explained, and its cause is a few steps back.
#sim: --append 'quiet run=idt' $demo
connect
continue
#= triple fault
#= SIGTRAP
bt
reverse-stepi
break move_idt
reverse-continue
#= Breakpoint 1, move_idt
bt
#~ ^#1 .*bug_idt
next
kill
#ends: 0
