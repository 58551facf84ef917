# From Multiboot's 32-bit code into long mode: gdb follows with registers, disassembly and breakpoints, to level 3 and back.
#sim: $long
#file: $long
#console: long: double fault on IST1
#ends: 58
connect
break long_mode
continue
#= executing new program: 64-bit code
x/i $pc
#~ ^=> 0x1000..[^:]*:.mov +\$0x10,%eax
show architecture
#= "i386:x86-64"
info registers rip efer cs_attr cr4
#~ ^rip +0x1000..
#~ ^efer .*LMA
#~ ^cs_attr .*L
#~ ^cr4 .*PAE
break user
continue
#~ Breakpoint 2, .*user
info registers rsp cpl cs
#~ ^rsp +0x.*
#~ ^cpl +0x3
#~ ^cs +0x2b
set $r15 = 0x1122334455667788
p/x $r15
#= 0x1122334455667788
stepi
stepi
stepi
x/i $pc
#~ system_call
info registers cpl rcx r15
#~ ^cpl +0x0
#~ ^rcx +0x1.*
#~ ^r15 +0x1122334455667788
break page_fault
continue
#~ Breakpoint 3, .*page_fault
x/gx $rsp
#~ 0x0*6$
p/x $cr2
#= 0x180000
reverse-stepi
x/i $pc
#~ movl +\$0x29
delete
break double_fault
continue
#~ Breakpoint 4, .*double_fault
x/6gx $rsp
#~ 0x0000800000001000
