# bus/: address spaces, transactions, lines, what a device is.
# One line per module, sorted. Installed headers are listed below, not here.
noinst_LTLIBRARIES += libbus.la
libbus_la_SOURCES =
libbus_la_SOURCES += bus/bus.c bus/bus.h bus/private.h
libbus_la_SOURCES += bus/device.c
libbus_la_SOURCES += bus/media.c bus/media.h
libbus_la_SOURCES += bus/pci.c
libbus_la_SOURCES += bus/ram.c bus/ram.h
libbus_la_SOURCES += bus/snapshot.c
libbus_la_SOURCES += bus/space.c bus/space.h
libbus_la_SOURCES += bus/wire.c

nobase_libsiminclude_HEADERS += bus/device.h
nobase_libsiminclude_HEADERS += bus/pci.h
