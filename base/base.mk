# base/: types, errors, bits, field tables, clock and event queue, log.
# One line per module, sorted. Installed headers are listed below, not here.
noinst_LTLIBRARIES += libbase.la
libbase_la_SOURCES =
