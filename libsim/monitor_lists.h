/*
 * Topics of `info` that stand with their kind: probes with the commands that make them, devices with theirs. Internal to libsim/monitor*.c.
 */
#ifndef LIBSIM_LIBSIM_MONITOR_LISTS_H
#define LIBSIM_LIBSIM_MONITOR_LISTS_H

#include "libsim/monitor.h"

monitor_fn monitor_list_probes;                                                   /* monitor_probe.c */
monitor_fn monitor_list_devices, monitor_list_events, monitor_list_map;           /* monitor_device.c */
enum sim_err monitor_show_device(struct monitor_call *m, const char *name);

#endif
