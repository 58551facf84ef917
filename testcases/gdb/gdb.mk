# testcases/gdb/: sessions of the real gdb with `sim`; run.sh says how a script is written. One line each, sorted:
#     gdb_tests += testcases/gdb/NAME.gdb
# (a guest for them has another name, for both would write NAME.log)
GDB_LOG_COMPILER = bash $(top_srcdir)/testcases/gdb/run.sh
gdb_tests =
gdb_tests += testcases/gdb/attach.gdb
gdb_tests += testcases/gdb/cpus.gdb
gdb_tests += testcases/gdb/demo.gdb
gdb_tests += testcases/gdb/fault.gdb
gdb_tests += testcases/gdb/long.gdb
gdb_tests += testcases/gdb/memory.gdb
gdb_tests += testcases/gdb/modes.gdb
gdb_tests += testcases/gdb/monitor.gdb
gdb_tests += testcases/gdb/reverse.gdb
gdb_tests += testcases/gdb/session.gdb
gdb_tests += testcases/gdb/trace.gdb
gdb_tests += testcases/gdb/vectors.gdb
gdb_tests += testcases/gdb/watch.gdb
TESTS += $(gdb_tests)
EXTRA_DIST += $(gdb_tests) testcases/gdb/run.sh

check_DATA += testcases/gdb/sector.bin testcases/gdb/filled.bin
-include $(wildcard testcases/gdb/*.d)
EXTRA_DIST += testcases/gdb/sector.asm testcases/gdb/filled.asm
CLEANFILES += $(addprefix testcases/gdb/,$(guest_leavings))

# Packet by packet, and packets that no gdb would send.
unit_tests += testcases/unit/test_gdb
unit_tests += testcases/unit/test_gdb_fuzz
testcases_unit_test_gdb_LDADD = libgdbserver.la $(LDADD)
testcases_unit_test_gdb_fuzz_LDADD = libgdbserver.la $(LDADD)
EXTRA_DIST += testcases/unit/gdb_bench.h
