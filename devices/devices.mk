# devices/: one pair of files per device.
# One line per module, sorted. Installed headers are listed below, not here.
noinst_LTLIBRARIES += libdevices.la
libdevices_la_SOURCES =
libdevices_la_SOURCES += devices/dma.c devices/dma.h
libdevices_la_SOURCES += devices/fw_cfg.c devices/fw_cfg.h
libdevices_la_SOURCES += devices/i440fx.c devices/i440fx.h
libdevices_la_SOURCES += devices/i8042.c devices/i8042.h
libdevices_la_SOURCES += devices/ioapic.c devices/ioapic.h
libdevices_la_SOURCES += devices/pic.c devices/pic.h
libdevices_la_SOURCES += devices/piix.c devices/piix.h
libdevices_la_SOURCES += devices/pit.c devices/pit.h
libdevices_la_SOURCES += devices/ps2kbd.c devices/ps2kbd.h
libdevices_la_SOURCES += devices/ps2mouse.c devices/ps2mouse.h
libdevices_la_SOURCES += devices/ring.h
libdevices_la_SOURCES += devices/rtc.c devices/rtc.h
libdevices_la_SOURCES += devices/sysctl.c devices/sysctl.h
libdevices_la_SOURCES += devices/uart.c devices/uart.h
