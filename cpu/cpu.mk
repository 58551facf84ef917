# cpu/: the interpreter and what belongs to the processor.
# One line per module, sorted. Installed headers are listed below, not here.
noinst_LTLIBRARIES += libcpu.la
libcpu_la_SOURCES =
libcpu_la_SOURCES += cpu/code.c cpu/code.h
libcpu_la_SOURCES += cpu/cpu.c cpu/cpu.h cpu/regs.h
libcpu_la_SOURCES += cpu/mem.c cpu/mem.h
libcpu_la_SOURCES += cpu/paging.c cpu/paging.h
libcpu_la_SOURCES += cpu/run.c cpu/run.h
libcpu_la_SOURCES += cpu/tlb.c cpu/tlb.h
libcpu_la_SOURCES += cpu/decode.c cpu/decode.h
libcpu_la_SOURCES += cpu/exec.h cpu/flags.h cpu/insn.h
libcpu_la_SOURCES += cpu/isa.c cpu/isa/isa.h
libcpu_la_SOURCES += cpu/isa/all.def cpu/isa/sets.def
libcpu_la_SOURCES += cpu/isa/alu.def cpu/isa/bcd.def cpu/isa/bits.def cpu/isa/branch.def cpu/isa/misc.def cpu/isa/mov.def
libcpu_la_SOURCES += cpu/isa/muldiv.def cpu/isa/shift.def cpu/isa/stack.def cpu/isa/string.def cpu/isa/system.def
libcpu_la_SOURCES += cpu/ops/alu.c cpu/ops/bcd.c cpu/ops/bits.c cpu/ops/branch.c cpu/ops/misc.c cpu/ops/mov.c
libcpu_la_SOURCES += cpu/ops/muldiv.c cpu/ops/shift.c cpu/ops/stack.c cpu/ops/string.c
