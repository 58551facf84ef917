# bus/: address spaces, transactions, lines, what a device is.
# One line per module, sorted. Installed headers are listed below, not here.
noinst_LTLIBRARIES += libbus.la
libbus_la_SOURCES =
