# frontends/cli/: the program sim; it knows the public API only.
# One line per module, sorted.
if HAVE_CLI
bin_PROGRAMS += sim
endif
sim_SOURCES =
sim_CPPFLAGS = $(AM_CPPFLAGS) $(SDL2_CFLAGS) $(LIBEDIT_CFLAGS) $(LIBPNG_CFLAGS)
sim_LDADD = libsim.la $(SDL2_LIBS) $(LIBEDIT_LIBS) $(LIBPNG_LIBS)
