# libsim/: the public API, machine assembly, loaders, timeline; and the library made of all folders.
# One line per module, sorted. Installed headers are listed below, not here.
noinst_LTLIBRARIES += libmachine.la
libmachine_la_SOURCES =

# Everything, with its inner symbols: what unit tests and benchmarks link.
noinst_LTLIBRARIES += libsim_all.la
libsim_all_la_SOURCES =
libsim_all_la_LIBADD = libmachine.la libdebug.la libdevices.la libcpu.la libbus.la libbase.la \
	$(LIBELF_LIBS) $(ZSTD_LIBS) $(XXHASH_LIBS) $(ZYDIS_LIBS) $(LIBDW_LIBS) -lm

# What users link: only sim_* leaves it.
if HAVE_API
lib_LTLIBRARIES += libsim.la
endif
libsim_la_SOURCES =
libsim_la_LIBADD = libsim_all.la
libsim_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 -export-symbols-regex '^sim_' \
	-Wl,-Bsymbolic-functions
