/*
 * A PS/2 keyboard with the US layout of 104 or 105 keys, at the end of its cable: a part of the i8042 device.
 *
 * Sources: IBM PS/2 Hardware Interface Technical Reference, "Keyboards (101- and 102-Key)"; Microsoft Keyboard Scan
 * Code Specification 1.3a (Windows, Application and ACPI keys); USB HID Usage Tables, page 7 (key names).
 *
 * Scan code sets 1, 2 and 3; all commands EDh to FFh; typematic repeat; key types of set 3; a buffer of 16 bytes with
 * the overrun code in the 17th place. Answers to commands go ahead of buffered keys, and a new command ends the answer
 * to the one before. Only the first make code of a held key is kept while the keyboard may not send.
 *
 * Fixed where the sources leave it open: set default (F6h) and default disable (F5h) go back to scan code set 2 and
 * leave the indicators alone; shift and Num Lock count for the cursor keys' shift codes as they are when a code is
 * sent. Power-on is long past when the machine starts: its AAh was lost, as on a PC whose controller was not listening
 * yet.
 *
 * Deviation: the basic assurance test takes as long as the i8042's property `bat` says (default 20 ms), not 300 to
 * 500 ms, because firmware and drivers wait for it. A driver with a time limit below 500 ms passes here.
 */
#ifndef LIBSIM_DEVICES_PS2KBD_H
#define LIBSIM_DEVICES_PS2KBD_H

#include "base/clock.h"
#include "base/field.h"
#include "devices/ring.h"

enum { PS2KBD_BUFFER = 16, PS2KBD_REPLIES = 8 };

struct ps2kbd {
    uint8_t scanning;
    uint8_t set;
    uint8_t leds;
    uint8_t typematic;
    uint8_t command; /* whose option byte is awaited, or 0 */
    uint8_t last_sent;
    uint8_t repeating; /* usage, 0 none */
    uint8_t down[32];
    uint8_t type[256];
    uint8_t key_data[PS2KBD_BUFFER + 1];
    struct ring keys;
    uint8_t reply_data[PS2KBD_REPLIES];
    struct ring replies;
    struct sim_event repeat, bat;
    uint64_t bat_ns; /* derived: set by the owner */
};

extern const struct sim_field ps2kbd_fields[];

/* Set 2 code to set 1 code, as the keyboard in set 1 and the controller's translation have it. */
uint8_t ps2kbd_set1_code(uint8_t set2);

/* The owner prepares both events, and calls these when they fire. */
void ps2kbd_repeat_due(struct ps2kbd *k);
void ps2kbd_bat_due(struct ps2kbd *k);

void ps2kbd_power_on(struct ps2kbd *k);
void ps2kbd_key(struct ps2kbd *k, uint8_t usage, bool down);
/* A byte from the controller has come in. */
void ps2kbd_receive(struct ps2kbd *k, uint8_t byte);
/* Has it a byte for the controller? Then take it, once it has gone over the wire. */
bool ps2kbd_has_byte(const struct ps2kbd *k);
uint8_t ps2kbd_take_byte(struct ps2kbd *k);

#endif
