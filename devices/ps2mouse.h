/*
 * A PS/2 mouse at the end of its cable: a part of the i8042 device.
 *
 * Sources: IBM PS/2 Hardware Interface Technical Reference, "Mouse"; Microsoft, "Intellimouse" (device IDs 3 and 4).
 *
 * Stream, remote and wrap mode, all commands E6h to FFh. The sample rates 200, 100, 80 in a row turn it into a wheel
 * mouse (ID 3, packets of four bytes), 200, 200, 80 into one with five buttons (ID 4), until it is reset.
 *
 * Movements come in the sense of USB HID: dx to the right, dy towards the user, dz away from the user; buttons bit 0
 * left, 1 right, 2 middle, 3 and 4 the fourth and fifth. They are counts already: the resolution is kept and reported,
 * but scales nothing. What is too far for one packet stays for the next ones, so the overflow bits are never set.
 *
 * Deviation: the basic assurance test takes as long as the i8042's property `bat` says (default 20 ms), not 300 to
 * 500 ms. As with the keyboard, the power-on test is long past when the machine starts.
 */
#ifndef LIBSIM_DEVICES_PS2MOUSE_H
#define LIBSIM_DEVICES_PS2MOUSE_H

#include "base/clock.h"
#include "base/field.h"
#include "devices/ring.h"

enum { PS2MOUSE_BUFFER = 16 };

struct ps2mouse {
    uint8_t reporting;
    uint8_t remote;
    uint8_t wrap;
    uint8_t scaling;
    uint8_t resolution;
    uint8_t sample_rate;
    uint8_t id;
    uint8_t command; /* whose argument is awaited, or 0 */
    uint8_t errors;  /* invalid bytes in a row */
    uint8_t rates[3];
    uint8_t buttons, buttons_sent;
    int32_t dx, dy, dz;
    uint8_t last_data[4], last_len;
    uint8_t data[PS2MOUSE_BUFFER];
    struct ring out;
    struct sim_event sample, bat;
    uint64_t bat_ns; /* derived: set by the owner */
};

extern const struct sim_field ps2mouse_fields[];

/* The owner prepares both events, and calls these when they fire. */
void ps2mouse_sample_due(struct ps2mouse *m);
void ps2mouse_bat_due(struct ps2mouse *m);

void ps2mouse_power_on(struct ps2mouse *m);
void ps2mouse_move(struct ps2mouse *m, int dx, int dy, int dz, uint8_t buttons);
/* A byte from the controller has come in. */
void ps2mouse_receive(struct ps2mouse *m, uint8_t byte);
/* Has it a byte for the controller? Then take it, once it has gone over the wire. */
bool ps2mouse_has_byte(const struct ps2mouse *m);
uint8_t ps2mouse_take_byte(struct ps2mouse *m);

#endif
