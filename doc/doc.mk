# Manual pages, documents, and the examples that the tests compile and run.
EXTRA_DIST += doc/firmware.md
EXTRA_DIST += doc/gdb.md
EXTRA_DIST += doc/memory.md
EXTRA_DIST += doc/adding-a-device.md
EXTRA_DIST += doc/adding-a-probe.md
EXTRA_DIST += doc/adding-an-instruction.md
EXTRA_DIST += doc/architecture.md
EXTRA_DIST += doc/sources.md
EXTRA_DIST += doc/time.md
EXTRA_DIST += doc/status.md
dist_man_MANS += doc/sim.1

check_PROGRAMS += doc/examples/explain doc/examples/run
doc_examples_explain_LDADD = libsim.la
doc_examples_run_LDADD = libsim.la
# -rpath: libtool makes a shared object only of what could be installed.
check_LTLIBRARIES = doc/examples/dice.la
doc_examples_dice_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -rpath /nowhere
