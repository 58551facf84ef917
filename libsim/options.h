/*
 * The configuration of a machine: options by name, as on the command line. Internal to libsim/.
 */
#ifndef LIBSIM_LIBSIM_OPTIONS_H
#define LIBSIM_LIBSIM_OPTIONS_H

#include "libsim/machine.h"

enum image_boot { BOOT_AUTO, BOOT_DISK, BOOT_CDROM, BOOT_FLOPPY, BOOT_DIRECT };

struct options_list {
    char **item;
    unsigned count;
};

/* All values, checked and parsed; texts are owned. */
struct sim_options {
    char *image, *cpu_model, *timing, *bios, *vgabios, *append, *initrd, *cdrom, *floppy, *serial_pace;
    struct options_list modules, disks, devices, plugins, symbols;
    uint64_t memory, clock_hz, seed;
    uint32_t cpus, quantum;
    int64_t rtc; /* seconds since 1970; -1: the host's clock at creation */
    enum image_boot boot;
    bool timeline;
    uint64_t timeline_budget;
    unsigned stop_on; /* enum dbg_stop_event */
    const void *image_data; /* in memory, instead of a file; borrowed */
    size_t image_data_len;
};

struct sim_options *options_new(void);
struct sim_options *options_copy(const struct sim_options *o);
void options_free(struct sim_options *o);

/* "64", "64K", "64M", "1G" (bytes). False when it is no such number. */
bool options_size(const char *text, uint64_t *bytes);

#endif
