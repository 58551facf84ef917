/*
 * Text typed on the simulated keyboard: characters become keys of a US layout, pressed and released at a pace that a guest can follow.
 * What still waits to be typed is no state of the machine; each key that is pressed is an input like any other. Internal to libsim/.
 */
#ifndef LIBSIM_LIBSIM_TYPING_H
#define LIBSIM_LIBSIM_TYPING_H

#include "libsim/machine.h"

/* A key by its name ("a", "enter", "f1", "left"): its HID usage. */
bool typing_key(const char *name, uint8_t *usage);
/* The cycle at which the next key is due; SIM_NEVER: none. Nothing is typed into the past. */
sim_cycles typing_due(struct sim *sim);
/* Gives the next key to the machine. False: none waits. */
bool typing_feed(struct sim *sim);
void typing_fini(struct sim *sim);

#endif
