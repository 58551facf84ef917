# x87, SSE and AVX registers in 32-bit and 64-bit code: seen as gdb knows them, written, and written so that the guest stores what gdb wrote.
#sim: --boot direct $filled
#file: none
#ends: 16
connect
break *0x7c80
break *0x7ca0
break *0x7d60
break *0x7d80
continue
#= executing new program: 32-bit code
#= Breakpoint 1, 0x00007c80
info float
#~ R7: Valid +0x3fff8000000000000000 \+1
#~ R6: Valid +0xc000c90fdaa22168c235 -3\.14159265358979323
#~ =>R5: Special 0xffff8000000000000000 -Inf
#~ R4: Empty +0x00000000000000000000
#~ Status Word: +0x2804 +ZE
#= TOP: 5
#~ Control Word: +0x037f +IM DM ZM OM UM PM
#~ Tag Word: +0x0bff
#~ Instruction Pointer: 0x08:0x00007c
#~ Opcode: +0xd8f9
p $xmm0.v4_float
#= {1, 2.5, -3, 4.25}
p $ymm3.v8_float
#= {2.5, 2.5, 2.5, 2.5, 2.5, 2.5, 2.5, 2.5}
p $st1
#= -3.1415926535897932
p/x $fctrl
#= 0x37f
p $mxcsr
#= [ IM DM ZM OM UM PM RC=0 ]
p $pkru
#= = 0
info vector
#~ ^mxcsr +0x1f80
#~ ^ymm7 .*v8_int32
#~ ^mm4 .*0xc90fdaa22168c235
set $xmm1.v4_float[0] = 1.5
p $xmm1.v4_float
#= {1.5, 0, 0, 0}
set $ymm4.v8_int32[7] = 77
set $ymm4.v4_int64[0] = 0x1122334455667788
p/x $ymm4.v4_int64
#= {0x1122334455667788, 0x0, 0x0, 0x4d00000000}
set $st0 = 2.75
p $st0
#= 2.75
set $mxcsr = 0x1fc0
p $mxcsr
#= [ DAZ IM
try set $mxcsr = 0x10000
#= Could not write register "mxcsr"
try set $fctrl = 0xffff
#= Could not write register "fctrl"
p/x $mxcsr
#= 0x1fc0
monitor info float
#= st0  R5  4000 b000000000000000  2.75
monitor info registers xmm1
#= float:  0 0 0 1.5
monitor print $ymm4.q3 >> 32
#= 77
continue
#= Breakpoint 2, 0x00007ca0
x/4fw 0x600
#~ 0x600:.1\.5.0.0.0
x/fg 0x610
#~ 0x610:.2\.75
x/4gx 0x620
#= 0x1122334455667788
#= 0x0000004d00000000
continue
#= executing new program: 64-bit code
#= Breakpoint 3, 0x0000000000007d60
info registers fs_base gs_base k_gs_base
#~ ^fs_base +0x111111110000
#~ ^gs_base +0x111122220000
#~ ^k_gs_base +0x111133330000
p $xmm9.v4_float
#= {1, 2.5, -3, 4.25}
p $ymm12.v8_float
#= {5, 5, 5, 5, 5, 5, 5, 5}
p $st0
#= = 1
info float
#= Instruction Pointer: 0x00:0x00007d
set $xmm15.v2_double[1] = -1.25
set $ymm10.v4_double[3] = 6.5
set $fs_base = 0x1234500000
set $k_gs_base = 0x54321
monitor print $msr:0xc0000100
#= 0x1234500000
monitor print $msr:0xc0000102
#= 0x54321
continue
#= Breakpoint 4, 0x0000000000007d80
x/2fg 0x640
#~ 0x640:.0.-1\.25
x/4fg 0x660
#~ 0x670:.0.6\.5
reverse-stepi
reverse-stepi
p $ymm10.v4_double
#= {0, 0, 0, 6.5}
reverse-continue
#= Breakpoint 3, 0x0000000000007d60
reverse-continue
#= executing new program: 32-bit code
#= Breakpoint 2, 0x00007ca0
p/x $ymm4.v4_int64
#= {0x1122334455667788, 0x0, 0x0, 0x4d00000000}
