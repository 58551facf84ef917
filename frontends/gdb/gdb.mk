# frontends/gdb/: the remote protocol, part of the program sim (frontends/cli/cli.mk).
# One line per module, sorted.
noinst_LTLIBRARIES += libgdbserver.la
libgdbserver_la_SOURCES = frontends/gdb/gdb.h frontends/gdb/private.h
libgdbserver_la_SOURCES += frontends/gdb/break_in.c
libgdbserver_la_SOURCES += frontends/gdb/gdb_server.c
libgdbserver_la_SOURCES += frontends/gdb/packet.c
libgdbserver_la_SOURCES += frontends/gdb/rsp.c
libgdbserver_la_SOURCES += frontends/gdb/rsp_break.c
libgdbserver_la_SOURCES += frontends/gdb/rsp_memory.c
libgdbserver_la_SOURCES += frontends/gdb/rsp_mode.c
libgdbserver_la_SOURCES += frontends/gdb/rsp_monitor.c
libgdbserver_la_SOURCES += frontends/gdb/rsp_query.c
libgdbserver_la_SOURCES += frontends/gdb/rsp_regs.c
libgdbserver_la_SOURCES += frontends/gdb/rsp_run.c
libgdbserver_la_SOURCES += frontends/gdb/target_xml.c
libgdbserver_la_SOURCES += frontends/gdb/text.c

# libsim.la once more, for a static link is read from left to right.
sim_LDADD += libgdbserver.la libsim.la
