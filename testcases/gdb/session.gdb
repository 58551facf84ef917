# A machine that runs is broken into; a client that goes leaves it running, without its breakpoints; the next one finds it so.
#sim: --append quiet $demo
connect
break-in
continue
#= Program received signal SIGINT
p ticks > 0
#= $1 = 1
set $seen = ticks
break task_tick
disconnect
shell sleep 1
connect
p ticks > $seen + 5
#= $2 = 1
info breakpoints
#= task_tick
break-in
delete
continue
#= Program received signal SIGINT
detach
#= detached
shell sleep 0.5
connect
stepi
kill
#ends: 0
#console: Type 'help'.
