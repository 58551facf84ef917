/*
 * Device classes of users, from shared objects, and the --device option.
 */
#ifndef LIBSIM_LIBSIM_PLUGIN_H
#define LIBSIM_LIBSIM_PLUGIN_H

#include "libsim/machine.h"

/* Opens the configured plugins and makes the configured devices (built-in classes and plugins'). */
enum sim_err plugin_devices(struct sim *sim);
/* The n-th built-in class that --device knows; NULL after the last. */
const struct sim_device_class *plugin_built_in(unsigned n);
void plugin_close_all(struct sim *sim);

#endif
