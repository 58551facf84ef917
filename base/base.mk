# base/: types, errors, bits, field tables, clock and event queue, log.
# One line per module, sorted. Installed headers are listed below, not here.
noinst_LTLIBRARIES += libbase.la
libbase_la_SOURCES =
libbase_la_SOURCES += base/buf.c
libbase_la_SOURCES += base/clock.c
libbase_la_SOURCES += base/error.c
libbase_la_SOURCES += base/field.c
libbase_la_SOURCES += base/log.c

nobase_libsiminclude_HEADERS += base/bits.h
nobase_libsiminclude_HEADERS += base/buf.h
nobase_libsiminclude_HEADERS += base/clock.h
nobase_libsiminclude_HEADERS += base/error.h
nobase_libsiminclude_HEADERS += base/field.h
nobase_libsiminclude_HEADERS += base/log.h
nobase_libsiminclude_HEADERS += base/types.h
