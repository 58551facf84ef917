/* The keyboard controller on its bench: for the tests of controller, keyboard and mouse. */
#ifndef LIBSIM_TESTCASES_UNIT_I8042_BENCH_H
#define LIBSIM_TESTCASES_UNIT_I8042_BENCH_H

#include "testcases/unit/device_bench.h"

#include "devices/i8042.h"

enum { KBC_DATA = 0x60, KBC_STATUS = 0x64 };
enum { OBF = 0x01, IBF = 0x02, SYS = 0x04, CMD = 0x08, AUX = 0x20 };
enum { US = 1000, MS = 1000000 }; /* cycles at 1 GHz */

static struct bench *b;
static struct bench_wire irq1, irq12, a20;

static inline void kbc_open(void)
{
    b = bench_open(1000000000);
    bench_plug(b, &i8042_class, "kbc", NULL);
    bench_watch(b, &irq1, "isa.irq1");
    bench_watch(b, &irq12, "isa.irq12");
    bench_watch(b, &a20, "a20.gate");
    bus_reset(b->bus, SIM_RESET_POWER);
}

static inline void kbc_close(void)
{
    bench_close(b);
}

static inline void run(sim_cycles cycles)
{
    bench_run_to(b, b->clock.now + cycles);
}

static inline void kbc_write(uint16_t port, uint8_t value)
{
    outb(b, port, value);
    run(5 * US);
    ck_assert(!(inb(b, KBC_STATUS) & IBF));
}

static inline void kbc_command(uint8_t command) { kbc_write(KBC_STATUS, command); }

static inline void kbc_command_data(uint8_t command, uint8_t data)
{
    kbc_command(command);
    kbc_write(KBC_DATA, data);
}

/* The next byte in the output buffer, within `limit` cycles: status bits OBF and AUX in the high byte; 0 for none. */
static inline unsigned kbc_next(sim_cycles limit)
{
    sim_cycles end = b->clock.now + limit;
    uint8_t status;

    while (!((status = inb(b, KBC_STATUS)) & OBF)) {
        if (b->clock.now >= end)
            return 0;
        run(US);
    }
    return (unsigned)(status & (OBF | AUX)) << 8 | inb(b, KBC_DATA);
}

static inline uint8_t kbc_answer(uint8_t command)
{
    unsigned byte;

    kbc_command(command);
    byte = kbc_next(5 * US);
    ck_assert_uint_eq(byte >> 8, OBF);
    return (uint8_t)byte;
}

/* To a device, until it has come in. */
static inline void kbd_write(uint8_t byte)
{
    kbc_write(KBC_DATA, byte);
    run(MS);
}

static inline void mouse_write(uint8_t byte)
{
    kbc_command_data(0xD4, byte);
    run(MS);
}

/* Exactly these bytes come from the keyboard, and then none for 5 ms. */
static inline void ck_kbd(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned byte = kbc_next(2 * MS);

        ck_assert_msg(byte == (OBF << 8 | bytes[i]), "byte %zu: %#x, expected %#x", i, byte, OBF << 8 | bytes[i]);
    }
    ck_assert_uint_eq(kbc_next(5 * MS), 0);
}

static inline void ck_mouse(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned byte = kbc_next(12 * MS);

        ck_assert_msg(byte == ((OBF | AUX) << 8 | bytes[i]), "byte %zu: %#x, expected %#x", i, byte,
                      (OBF | AUX) << 8 | bytes[i]);
    }
    ck_assert_uint_eq(kbc_next(15 * MS), 0);
}

#define BYTES(...) (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ })

static inline void key(uint8_t usage, bool down)
{
    struct sim_key event = { usage, down };

    ck_assert_int_eq(bus_input(b->bus, "keyboard", &event, sizeof(event)), SIM_OK);
}

static inline void move(int dx, int dy, int dz, uint8_t buttons)
{
    struct sim_mouse event = { (int16_t)dx, (int16_t)dy, (int16_t)dz, buttons };

    ck_assert_int_eq(bus_input(b->bus, "mouse", &event, sizeof(event)), SIM_OK);
}

#endif
