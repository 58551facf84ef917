# libsim/: the public API, machine assembly, loaders, timeline; and the library made of all folders.
# One line per module, sorted. Installed headers are listed below, not here.
noinst_LTLIBRARIES += libmachine.la
libmachine_la_SOURCES =

# Everything, with its inner symbols: what unit tests and benchmarks link.
noinst_LTLIBRARIES += libsim_all.la
libsim_all_la_SOURCES =
libsim_all_la_LIBADD = libmachine.la libdebug.la libdevices.la libcpu.la libbus.la libbase.la \
	$(LIBELF_LIBS) $(ZSTD_LIBS) $(XXHASH_LIBS) $(MPFR_LIBS) $(ZYDIS_LIBS) $(LIBDW_LIBS) $(LIBPNG_LIBS) -lm

# What users link: only sim_* leaves it.
lib_LTLIBRARIES += libsim.la
libsim_la_SOURCES =
libsim_la_LIBADD = libsim_all.la
libsim_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 -export-symbols-regex '^sim_' \
	-Wl,-Bsymbolic-functions
nobase_libsiminclude_HEADERS += libsim/debug.h
nobase_libsiminclude_HEADERS += libsim/device.h
nobase_libsiminclude_HEADERS += libsim/sim.h
libmachine_la_SOURCES += libsim/api.c libsim/machine.h
libmachine_la_SOURCES += libsim/assemble.c libsim/firmware.h libsim/media_file.h libsim/plugin.h
libmachine_la_SOURCES += libsim/catalogue.c
libmachine_la_SOURCES += libsim/debug_api.c
libmachine_la_SOURCES += libsim/input.c
libmachine_la_SOURCES += libsim/monitor.c libsim/monitor.h libsim/monitor_lists.h
libmachine_la_SOURCES += libsim/monitor_device.c
libmachine_la_SOURCES += libsim/monitor_info.c
libmachine_la_SOURCES += libsim/monitor_memory.c
libmachine_la_SOURCES += libsim/monitor_probe.c
libmachine_la_SOURCES += libsim/monitor_run.c
libmachine_la_SOURCES += libsim/monitor_source.c
libmachine_la_SOURCES += libsim/monitor_step.c
libmachine_la_SOURCES += libsim/options.c libsim/options.h
libmachine_la_SOURCES += libsim/output.c
libmachine_la_SOURCES += libsim/picture.c
libmachine_la_SOURCES += libsim/sched.c
libmachine_la_SOURCES += libsim/state.c
libmachine_la_SOURCES += libsim/timeline.c
libmachine_la_SOURCES += libsim/typing.c libsim/typing.h
libmachine_la_SOURCES += libsim/firmware.c
libmachine_la_SOURCES += libsim/firmware_acpi.c
libmachine_la_SOURCES += libsim/firmware_pci.c
libmachine_la_SOURCES += libsim/firmware_tables.c libsim/firmware_tables.h
libmachine_la_SOURCES += libsim/load.c libsim/load.h
libmachine_la_SOURCES += libsim/load_elf.c libsim/load_linux.c
libmachine_la_SOURCES += libsim/load_modules.c
libmachine_la_SOURCES += libsim/load_multiboot.c
libmachine_la_SOURCES += libsim/media_file.c
libmachine_la_SOURCES += libsim/plugin.c
