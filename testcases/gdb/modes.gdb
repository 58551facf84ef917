# From the reset vector through SeaBIOS into a boot sector that goes through the modes. An i386 executable with its symbols is loaded all
# the time, and gdb follows with registers and disassembly.
#needs: /usr/share/seabios/bios-256k.bin
#sim: --bios /usr/share/seabios/bios-256k.bin --disk $modes
connect
#= executing new program: 16-bit code
x/i $pc
#~ ^=> 0xfffffff0:.ljmp +\$0xf000,\$0xe05b
info registers cs ip eip cs_base
#~ ^cs +0xf000
#~ ^ip +0xfff0
#~ ^eip +0xfffffff0
#~ ^cs_base +0xffff0000
stepi
x/i $pc
#~ ^=> 0xfe05b:
info registers ip cs_base
#~ ^ip +0xe05b
#~ ^cs_base +0xf0000
break *0x7c00
break *0x7c40
break *0x7c80
break *0x7cc0
break *0x7d00
break *0x7d40
watch *(short *)0x600
continue
#= Breakpoint 1, 0x00007c00
x/3i $pc
#~ 0x7c01:.xor +%ax,%ax
show architecture
#= "i8086"
continue
#= New value = 1
continue
#= Breakpoint 2, 0x00007c40
info registers cs ip eip
#~ ^cs +0x7c0
#~ ^ip +0x40
#~ ^eip +0x7c40
continue
#= New value = 2
stepi
stepi
stepi
stepi
stepi
x/i $pc
#~ ^=> 0x7c..:.ljmpl? +\$0x8,\$0x7c80
info registers cr0 cs_attr
#~ ^cr0 .*PE
#~ ^cs_attr .*DPL=0 P
stepi
#= executing new program: 32-bit code
#= 0x00007c80
x/i $pc
#~ ^=> 0x7c80:.mov +\$0x10,%ax
show architecture
#= "i386"
info registers cs ip eip cs_attr
#~ ^cs +0x8
#~ ^ip +0x7c80
#~ ^cs_attr .*DB G
continue
#= Breakpoint 4, 0x00007cc0
x/2i $pc
#= %esp,%ebp
continue
#= New value = 3
finish
#~ 0x00007c99
p/x $eax
#= 0x3
info symbol kernel_main
#= kernel_main in section .text
continue
#= executing new program: 16-bit code
#= Breakpoint 5, 0x00007d00
info registers cs cr0
#~ ^cs +0x18
#~ ^cr0 .*PE
x/i $pc
#~ ^=> 0x7d00:.mov +\$0x20,%ax
continue
#= New value = 4
continue
#= Breakpoint 6, 0x00007d40
continue
#= New value = 5
continue
#= debug-exit
delete 7
reverse-continue
#= Breakpoint 6, 0x00007d40
reverse-continue
#= Breakpoint 5, 0x00007d00
reverse-continue
#= executing new program: 32-bit code
#= Breakpoint 4, 0x00007cc0
reverse-stepi
x/i $pc
#~ call +0x7cc0
reverse-continue
#= Breakpoint 3, 0x00007c80
reverse-stepi
#= executing new program: 16-bit code
x/i $pc
#~ ljmpl? +\$0x8,\$0x7c80
# as one likes
monitor architecture i386
#= next stop
reverse-continue
#= executing new program: 32-bit code
#= Breakpoint 2, 0x00007c40
stepi
x/i $pc
#= mov    $0x10f1234,%ebp
monitor architecture auto
stepi
#= executing new program: 16-bit code
x/i $pc
#= lgdt
kill
#ends: 0
#! too long
#! Invalid remote reply
#! Cannot access
