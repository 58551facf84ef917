# testcases/oracle/: one instruction at a time, on this host and in the simulator.
check_PROGRAMS += testcases/oracle/oracle
TESTS += testcases/oracle/oracle
testcases_oracle_oracle_SOURCES = testcases/oracle/generate.c testcases/oracle/native.c testcases/oracle/oracle.c \
	testcases/oracle/oracle.h testcases/oracle/selectors.c testcases/oracle/simulated.c testcases/oracle/vectors.c testcases/oracle/vendor.c testcases/host_vendor.h

# The decoder beside Zydis.
check_PROGRAMS += testcases/oracle/decode_zydis
TESTS += testcases/oracle/decode_zydis
testcases_oracle_decode_zydis_SOURCES = testcases/oracle/decode_disputes.def testcases/oracle/decode_names.def testcases/oracle/decode_outside.def \
	testcases/oracle/decode_zydis.c

# `make check` samples; this takes some minutes.
ORACLE_TESTS = 20000
ORACLE_SEED = 2
DECODE_STRINGS = 100000000
check-oracle: testcases/oracle/oracle testcases/oracle/decode_zydis
	testcases/oracle/decode_zydis $(DECODE_STRINGS) $(ORACLE_SEED)
	testcases/oracle/oracle $(ORACLE_TESTS) $(ORACLE_SEED)
.PHONY: check-oracle check-system-oracle

# system/: privileged sequences, stepped in a guest that logs its own state; here and in a second opinion.
system_dir = testcases/oracle/system
system_shared = $(addprefix $(system_dir)/,command.c emit.c memory.c random.c say.c watch.c)
system_sources = $(addprefix $(system_dir)/,code.c guest.asm log.c main.c tables.c)
system_objects = $(addsuffix .g32.o,$(basename $(system_sources) $(system_shared)))
check_DATA += $(system_dir)/system.elf
check_PROGRAMS += testcases/oracle/system/compare testcases/oracle/system/subject
testcases_oracle_system_compare_SOURCES = testcases/oracle/system/compare.c testcases/oracle/system/peers.c testcases/oracle/system/peers.h \
	testcases/oracle/system/peers_long.c testcases/oracle/system/peers_real.c
testcases_oracle_system_compare_LDADD =
testcases_oracle_system_subject_SOURCES = testcases/oracle/system/subject.c
# The sample that run.sh takes without arguments; check-system-oracle takes an hour.
TESTS += $(system_dir)/run.sh
SYSTEM_ORACLE_CASES = 20000
SYSTEM_ORACLE_SEED = 2
check-system-oracle: $(system_dir)/subject $(system_dir)/compare $(system_dir)/system.elf $(system_dir)/long/long.elf $(system_dir)/real/real.elf
	for guest in system long real; do \
		top_builddir='$(abs_top_builddir)' NASM='$(NASM)' \
			bash $(top_srcdir)/$(system_dir)/run.sh --guest $$guest --cases $(SYSTEM_ORACLE_CASES) --seed $(SYSTEM_ORACLE_SEED) bochs || exit; \
	done
$(system_objects): guest_cflags += -I$(top_srcdir)
$(system_dir)/system.elf: $(system_objects) $(system_dir)/guest.ld
	$(guest_link32)
EXTRA_DIST += $(system_sources) $(system_shared) $(addprefix $(system_dir)/,ending.inc guest.ld harness.h run.sh start.inc system.h)
-include $(wildcard testcases/oracle/system/*.d testcases/oracle/system/long/*.d testcases/oracle/system/real/*.d)
CLEANFILES += $(addprefix $(system_dir)/,$(guest_leavings)) $(addprefix $(system_dir)/long/,$(guest_leavings)) $(addprefix $(system_dir)/real/,$(guest_leavings))

# long/: the same in IA-32e mode.
long_oracle_sources = $(addprefix $(system_dir)/long/,code.c guest.asm log.c main.c tables.c)
long_oracle_objects = $(addsuffix .g64.o,$(basename $(long_oracle_sources) $(system_shared)))
check_DATA += $(system_dir)/long/long.elf
$(long_oracle_objects): guest_cflags += -I$(top_srcdir)
$(system_dir)/long/long.elf: $(long_oracle_objects) $(system_dir)/guest.ld
	$(guest_link64) --oformat elf32-i386
TESTS += $(system_dir)/long/run.sh
EXTRA_DIST += $(long_oracle_sources) $(system_dir)/long/long.h $(system_dir)/long/run.sh

# real/: the same in real mode.
real_oracle_sources = $(addprefix $(system_dir)/real/,code.c guest.asm log.c main.c)
real_oracle_objects = $(addsuffix .g32.o,$(basename $(real_oracle_sources))) $(addsuffix .g32.o,$(basename $(system_shared)))
check_DATA += $(system_dir)/real/real.elf
$(real_oracle_objects): guest_cflags += -I$(top_srcdir)
$(system_dir)/real/real.elf: $(real_oracle_objects) $(system_dir)/guest.ld
	$(guest_link32)
TESTS += $(system_dir)/real/run.sh
EXTRA_DIST += $(real_oracle_sources) $(system_dir)/real/real.h $(system_dir)/real/run.sh
