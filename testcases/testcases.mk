# The tests of `make check`.
TEST_EXTENSIONS = .sh .skip .elf .bin .gdb
SH_LOG_COMPILER = bash
ELF_LOG_COMPILER = bash $(top_srcdir)/testcases/run-guest.sh
BIN_LOG_COMPILER = $(ELF_LOG_COMPILER)
EXTRA_DIST += testcases/run-guest.sh
AM_TESTS_ENVIRONMENT = \
	top_srcdir='$(abs_top_srcdir)'; top_builddir='$(abs_top_builddir)'; \
	SIM='$(abs_top_builddir)/sim$(EXEEXT)'; GUESTS='$(abs_top_builddir)/testcases/guests'; \
	CC='$(CC)'; NM='$(NM)'; SANITIZER_FLAGS='$(SANITIZER_FLAGS)'; PUBLIC_HEADERS='$(nobase_libsiminclude_HEADERS)'; \
	CK_DEFAULT_TIMEOUT=$${CK_DEFAULT_TIMEOUT:-300}; \
	export top_srcdir top_builddir SIM GUESTS CC NM SANITIZER_FLAGS PUBLIC_HEADERS CK_DEFAULT_TIMEOUT;

# Unit tests, with Check: testcases/unit/test_NAME.c becomes the program testcases/unit/test_NAME,
# linked with all inner symbols. One line each, sorted:
#     unit_tests += testcases/unit/test_NAME
unit_tests =
unit_tests += testcases/unit/test_atapi
unit_tests += testcases/unit/test_buf
unit_tests += testcases/unit/test_bus
unit_tests += testcases/unit/test_clock
unit_tests += testcases/unit/test_debug_expr
unit_tests += testcases/unit/test_debug_long
unit_tests += testcases/unit/test_debug_probes
unit_tests += testcases/unit/test_debug_symbols
unit_tests += testcases/unit/test_debug_views
unit_tests += testcases/unit/test_decode
unit_tests += testcases/unit/test_explain
unit_tests += testcases/unit/test_field
unit_tests += testcases/unit/test_firmware
unit_tests += testcases/unit/test_floppy
unit_tests += testcases/unit/test_ide
unit_tests += testcases/unit/test_isa
unit_tests += testcases/unit/test_load
unit_tests += testcases/unit/test_load_hostile
unit_tests += testcases/unit/test_load_linux
unit_tests += testcases/unit/test_log
unit_tests += testcases/unit/test_ops
unit_tests += testcases/unit/test_media
unit_tests += testcases/unit/test_monitor
unit_tests += testcases/unit/test_media_file
unit_tests += testcases/unit/test_parallel
unit_tests += testcases/unit/test_pc_testdev
unit_tests += testcases/unit/test_pci
unit_tests += testcases/unit/test_ram
unit_tests += testcases/unit/test_dma
unit_tests += testcases/unit/test_fw_cfg
unit_tests += testcases/unit/test_ioapic
unit_tests += testcases/unit/test_piix
unit_tests += testcases/unit/test_rtc
unit_tests += testcases/unit/test_fp_host
unit_tests += testcases/unit/test_fp_mpfr
unit_tests += testcases/unit/test_fp_sse
unit_tests += testcases/unit/test_fp_transcend
unit_tests += testcases/unit/test_fp_x87
unit_tests += testcases/unit/test_x87
unit_tests += testcases/unit/test_x87_host
unit_tests += testcases/unit/test_simd_fp
unit_tests += testcases/unit/test_space
unit_tests += testcases/unit/test_wire
unit_tests += testcases/unit/test_x2apic
EXTRA_DIST += testcases/unit/debug_bench.h testcases/unit/device_bench.h testcases/unit/fp_bench.h testcases/unit/fp_x87_bench.h testcases/unit/load_bench.h testcases/unit/load_image.h
EXTRA_DIST += testcases/host_vendor.h testcases/unit/simd_bench.h
EXTRA_DIST += testcases/unit/i8042_bench.h testcases/unit/ide_bench.h
unit_tests += testcases/unit/test_i440fx
unit_tests += testcases/unit/test_i8042
unit_tests += testcases/unit/test_pic
unit_tests += testcases/unit/test_pit
unit_tests += testcases/unit/test_ps2kbd
unit_tests += testcases/unit/test_ps2mouse
unit_tests += testcases/unit/test_sysctl
unit_tests += testcases/unit/test_uart
unit_tests += testcases/unit/test_vga
testcases_unit_test_vga_SOURCES = testcases/unit/test_vga.c testcases/unit/vga_bench.h testcases/unit/test_vga_memory.c \
	testcases/unit/test_vga_render.c testcases/unit/test_vga_vbe.c
unit_tests += testcases/unit/test_deliver
unit_tests += testcases/unit/test_lapic
unit_tests += testcases/unit/test_long
unit_tests += testcases/unit/test_long_paging
unit_tests += testcases/unit/test_long_syscall
unit_tests += testcases/unit/test_memtype
unit_tests += testcases/unit/test_model
unit_tests += testcases/unit/test_mwait
unit_tests += testcases/unit/test_pmu
unit_tests += testcases/unit/test_xsaves
unit_tests += testcases/unit/test_seg
unit_tests += testcases/unit/test_smm
unit_tests += testcases/unit/test_system
unit_tests += testcases/unit/test_system_random
unit_tests += testcases/unit/test_task
unit_tests += testcases/unit/test_tsc
unit_tests += testcases/unit/test_vm86
EXTRA_DIST += testcases/unit/system_bench.h  testcases/unit/long_bench.h testcases/unit/msr_bench.h

# Tests of whole machines: testcases/machine/test_NAME.c, likewise.
#     machine_tests += testcases/machine/test_NAME
machine_tests =
machine_tests += testcases/machine/test_determinism
machine_tests += testcases/machine/test_firmware
machine_tests += testcases/machine/test_reverse
machine_tests += testcases/machine/test_smm_machine
machine_tests += testcases/machine/test_state
machine_tests += testcases/machine/test_threads
machine_tests += testcases/machine/test_long_guest
machine_tests += testcases/machine/test_triple
EXTRA_DIST += testcases/machine/bench.h testcases/machine/make-iso.sh

# storm: what test_storm runs.
check_DATA += testcases/machine/storm.elf
testcases/machine/storm.elf: testcases/machine/storm.g32.o testcases/machine/storm_entry.g32.o testcases/machine/storm.ld
	$(guest_link32)
EXTRA_DIST += testcases/machine/storm.c testcases/machine/storm_entry.S testcases/machine/storm.ld
CLEANFILES += testcases/machine/*.g32.o testcases/machine/*.d testcases/machine/storm.elf

LDADD = libsim_all.la $(CHECK_LIBS)
if HAVE_CHECK
check_PROGRAMS += $(unit_tests) $(machine_tests)
TESTS += $(unit_tests) $(machine_tests)
else
# Without Check each of them is reported as skipped, by name.
unit_skips = $(unit_tests:=-without-check.skip) $(machine_tests:=-without-check.skip)
TESTS += $(unit_skips)
CLEANFILES += $(unit_skips)
SKIP_LOG_COMPILER = bash -c 'echo "SKIP: Check (libcheck) was not found"; exit 77'
$(unit_skips):
	$(AM_V_GEN)$(MKDIR_P) $(@D) && : >$@
endif

# Tests that are scripts: bash, exit status 77 to skip. One line each, sorted.
script_tests =
script_tests += testcases/check-bootstrap.sh
script_tests += testcases/check-scripts.sh
script_tests += testcases/check-docs.sh
script_tests += testcases/check-exports.sh
script_tests += testcases/check-headers.sh
script_tests += testcases/check-includes.sh
script_tests += testcases/check-install.sh
script_tests += testcases/test-cli-errors.sh
script_tests += testcases/test-cli-examples.sh
script_tests += testcases/test-cli-man.sh
script_tests += testcases/test-cli-status.sh
script_tests += testcases/test-cli-terminal.sh
script_tests += testcases/test-cli-valgrind.sh
check_PROGRAMS += testcases/cli-helper
testcases_cli_helper_LDADD =
TESTS += $(script_tests)
EXTRA_DIST += $(script_tests)

# What of `make check` is worth the sanitizers' time: all but the guests and the sessions.
quick_tests = $(unit_tests) $(machine_tests) $(script_tests)
check-quick: all-am $(check_PROGRAMS) $(check_DATA)
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS='$(quick_tests)'
.PHONY: check-quick
