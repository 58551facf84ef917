# frontends/cli/: the program sim; it knows the public API only.
# One line per module, sorted.
bin_PROGRAMS += sim
sim_SOURCES = frontends/cli/cli.h
sim_SOURCES += frontends/cli/args.c
sim_SOURCES += frontends/cli/demo.c
sim_SOURCES += frontends/cli/display.c frontends/cli/display.h
sim_SOURCES += frontends/cli/keys.c
sim_SOURCES += frontends/cli/main.c
sim_SOURCES += frontends/cli/report.c
sim_SOURCES += frontends/cli/run.c
sim_SOURCES += frontends/cli/screen.c
sim_SOURCES += frontends/cli/serial.c
sim_SOURCES += frontends/cli/session.c
sim_SOURCES += frontends/cli/terminal.c
sim_SOURCES += frontends/cli/window.c
sim_CPPFLAGS = $(AM_CPPFLAGS) $(SDL2_CFLAGS) $(LIBEDIT_CFLAGS)
sim_LDADD = libsim.la $(SDL2_LIBS) $(LIBEDIT_LIBS)

# The demonstration kernel inside the program: demo_kernel[] and demo_kernel_size.
nodist_sim_SOURCES = frontends/cli/demo-image.c
CLEANFILES += frontends/cli/demo-image.c
frontends/cli/demo-image.c: testcases/guests/demo/demo.elf testcases/guests/embed.sh
	$(embed) demo_kernel testcases/guests/demo/demo.elf >$@
