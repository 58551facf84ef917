# devices/: one pair of files per device.
# One line per module, sorted. Installed headers are listed below, not here.
noinst_LTLIBRARIES += libdevices.la
libdevices_la_SOURCES =
libdevices_la_SOURCES += devices/ata.c devices/ata.h
libdevices_la_SOURCES += devices/atapi.c devices/atapi.h
libdevices_la_SOURCES += devices/dma.c devices/dma.h
libdevices_la_SOURCES += devices/floppy.c devices/floppy.h
libdevices_la_SOURCES += devices/fw_cfg.c devices/fw_cfg.h
libdevices_la_SOURCES += devices/i440fx.c devices/i440fx.h
libdevices_la_SOURCES += devices/i8042.c devices/i8042.h
libdevices_la_SOURCES += devices/ide.c devices/ide.h
libdevices_la_SOURCES += devices/ide_drive.c devices/ide_drive.h
libdevices_la_SOURCES += devices/ioapic.c devices/ioapic.h
libdevices_la_SOURCES += devices/parallel.c devices/parallel.h
libdevices_la_SOURCES += devices/pc_testdev.c devices/pc_testdev.h
libdevices_la_SOURCES += devices/pic.c devices/pic.h
libdevices_la_SOURCES += devices/piix.c devices/piix.h
libdevices_la_SOURCES += devices/pit.c devices/pit.h
libdevices_la_SOURCES += devices/ps2kbd.c devices/ps2kbd.h
libdevices_la_SOURCES += devices/ps2mouse.c devices/ps2mouse.h
libdevices_la_SOURCES += devices/ring.h
libdevices_la_SOURCES += devices/rtc.c devices/rtc.h
libdevices_la_SOURCES += devices/sysctl.c devices/sysctl.h
libdevices_la_SOURCES += devices/uart.c devices/uart.h
libdevices_la_SOURCES += devices/vga.c devices/vga.h devices/vga_core.h
libdevices_la_SOURCES += devices/vga_memory.c
libdevices_la_SOURCES += devices/vga_modes.c devices/font.h
libdevices_la_SOURCES += devices/vga_render.c
libdevices_la_SOURCES += devices/vga_vbe.c

# The font of text mode without firmware is drawn in font.txt.
nodist_libdevices_la_SOURCES = devices/font.c
CLEANFILES += devices/font.c
EXTRA_DIST += devices/font.awk devices/font.txt
devices/font.c: devices/font.txt devices/font.awk
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(AWK) -f $(srcdir)/devices/font.awk $(srcdir)/devices/font.txt >$@.tmp && mv $@.tmp $@
