# cpu/: the interpreter and what belongs to the processor.
# One line per module, sorted. Installed headers are listed below, not here.
noinst_LTLIBRARIES += libcpu.la
libcpu_la_SOURCES =
