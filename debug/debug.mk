# debug/: probes, symbols, disassembly, explanations, views.
# One line per module, sorted. Installed headers are listed below, not here.
noinst_LTLIBRARIES += libdebug.la
libdebug_la_SOURCES =
