# The machine's own monitor, through gdb.
#sim: --append quiet $demo
connect
break tasks_init
continue
monitor info registers
#~ (eip|EIP)
monitor help
#= physical on|off
monitor nonsense
#= nonsense
monitor physical
#= linear address
monitor physical on
#= physical address
# 4 KiB below USER_BASE nothing is mapped, but there is memory behind physical addresses
x/xw 0x3000000
#~ ^0x3000000:.0x
monitor physical off
#= linear address
try x/xw 0x3000000
#= Cannot access memory at address 0x3000000
maintenance packet qqemu.PhyMemMode
#= received: "0"
maintenance packet Qqemu.PhyMemMode:1
#= received: "OK"
maintenance packet qqemu.PhyMemMode
#= received: "1"
kill
#ends: 0
