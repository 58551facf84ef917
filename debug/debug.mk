# debug/: probes, symbols, disassembly, explanations, views.
# One line per module, sorted. Installed headers are listed below, not here.
noinst_LTLIBRARIES += libdebug.la
libdebug_la_SOURCES = debug/dbg.h debug/private.h
libdebug_la_SOURCES += debug/disasm.c
libdebug_la_SOURCES += debug/evidence.c
libdebug_la_SOURCES += debug/explain.c debug/explain.h
libdebug_la_SOURCES += debug/expr.c
libdebug_la_SOURCES += debug/hints.c
libdebug_la_SOURCES += debug/hints_fault.c
libdebug_la_SOURCES += debug/hints_reach.c
libdebug_la_SOURCES += debug/hints_tables.c
libdebug_la_SOURCES += debug/lines.c
libdebug_la_SOURCES += debug/peek.c
libdebug_la_SOURCES += debug/probe_parse.c
libdebug_la_SOURCES += debug/probes.c
libdebug_la_SOURCES += debug/regs.c
libdebug_la_SOURCES += debug/regs_fpu.c
libdebug_la_SOURCES += debug/story.c
libdebug_la_SOURCES += debug/symbols.c debug/symbols.h
libdebug_la_SOURCES += debug/trace.c
libdebug_la_SOURCES += debug/unwind.c
libdebug_la_SOURCES += debug/views_fpu.c
libdebug_la_SOURCES += debug/views_paging.c
libdebug_la_SOURCES += debug/views_regs.c
libdebug_la_SOURCES += debug/views_tables.c
libdebug_la_SOURCES += debug/words.c debug/words.h
