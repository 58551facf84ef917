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
