/* The IDE function on its bench: a disk at ide0.0, a second one if asked for, a CD at ide1.0, 1 MiB of RAM. */
#ifndef LIBSIM_TESTCASES_UNIT_IDE_BENCH_H
#define LIBSIM_TESTCASES_UNIT_IDE_BENCH_H

#include "testcases/unit/device_bench.h"

#include "devices/ide.h"

enum { PRIMARY = 0x1F0, SECONDARY = 0x170, CONTROL = 0x206, BMIDE = 0xC000 };
enum { BSY = 0x80, DRDY = 0x40, DSC = 0x10, DRQ = 0x08, ERR = 0x01, READY = DRDY | DSC };
enum { IDNF = 0x10, ABRT = 0x04 };
enum { US = 1000, MS = 1000000 }; /* cycles at 1 GHz */
enum { DEVFN = 9 };

#define DISK_SECTORS 5000u
#define CD_SECTORS   100u

static struct bench *b;
static struct bench_wire irq14, irq15;
static struct bus_region ram_region;
static struct bus_ram *ram;

/* What byte `off` of a medium is. */
static inline uint8_t medium_byte(uint64_t off)
{
    return (uint8_t)(off * 7 + off / 512 * 13 + off / 65536);
}

static inline bool medium_read(void *arg, uint64_t off, void *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)out)[i] = medium_byte(off + i);
    return true;
}

static inline void attach(const char *channel, uint64_t bytes, bool cdrom)
{
    const struct bus_image image = { .bytes = bytes, .read = medium_read };

    ck_assert_int_eq(bus_media_attach(b->bus, channel, &image, cdrom, cdrom), SIM_OK);
}

static inline void config(uint8_t off, uint32_t value, unsigned size)
{
    sim_pci_config_write(b->dev, DEVFN, off, value, size);
}

static inline void ide_open(bool second_disk)
{
    b = bench_open(1000000000);
    attach("ide0.0", DISK_SECTORS * 512, false);
    if (second_disk)
        attach("ide0.1", 1000, false); /* ends within its second sector */
    attach("ide1.0", CD_SECTORS * 2048, true);
    bench_plug(b, &ide_class, "ide", NULL);
    bench_watch(b, &irq14, "isa.irq14");
    bench_watch(b, &irq15, "isa.irq15");
    ck_assert_int_eq(bus_ram_create(&b->bus->memory, "ram", 1 << 20, true, &ram), SIM_OK);
    ram_region = (struct bus_region){ .name = "ram", .kind = BUS_REGION_RAM, .length = 1 << 20, .ram = ram, .enabled = true,
                                      .answers = BUS_READS | BUS_WRITES };
    ck_assert_int_eq(bus_region_add(&b->bus->mem, &b->bus->mem.root, &ram_region, 0), SIM_OK);
    bus_reset(b->bus, SIM_RESET_POWER);
    config(0x40, 0x80008000, 4);
    config(0x20, BMIDE, 4);
    config(0x04, 0x0005, 2);
}

static inline void ide_close(void)
{
    bench_close(b);
}

static inline void run(sim_cycles cycles)
{
    bench_run_to(b, b->clock.now + cycles);
}

/* Until BSY is 0: what the alternate status then is. */
static inline uint8_t wait_ready(uint16_t port)
{
    for (unsigned i = 0; i < 100000; i++) {
        uint8_t status = inb(b, port + CONTROL);

        if (!(status & BSY))
            return status;
        run(US);
    }
    ck_abort_msg("BSY for ever");
    return 0;
}

static inline void registers(uint16_t port, uint8_t count, uint8_t low, uint8_t mid, uint8_t high, uint8_t device)
{
    outb(b, port + 2, count);
    outb(b, port + 3, low);
    outb(b, port + 4, mid);
    outb(b, port + 5, high);
    outb(b, port + 6, device);
}

static inline void command_lba28(uint16_t port, uint8_t command, uint32_t lba, uint8_t count)
{
    registers(port, count, (uint8_t)lba, (uint8_t)(lba >> 8), (uint8_t)(lba >> 16), (uint8_t)(0xE0 | lba >> 24));
    outb(b, port + 7, command);
}

static inline void command_lba48(uint16_t port, uint8_t command, uint64_t lba, uint16_t count)
{
    registers(port, (uint8_t)(count >> 8), (uint8_t)(lba >> 24), (uint8_t)(lba >> 32), (uint8_t)(lba >> 40), 0xE0);
    registers(port, (uint8_t)count, (uint8_t)lba, (uint8_t)(lba >> 8), (uint8_t)(lba >> 16), 0xE0);
    outb(b, port + 7, command);
}

static inline void read_words(uint16_t port, void *out, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i += 2) {
        uint16_t word = inw(b, port);

        ((uint8_t *)out)[i] = (uint8_t)word;
        if (i + 1 < bytes)
            ((uint8_t *)out)[i + 1] = (uint8_t)(word >> 8);
    }
}

static inline void write_words(uint16_t port, const void *in, unsigned bytes)
{
    const uint8_t *p = in;

    for (unsigned i = 0; i < bytes; i += 2)
        outw(b, port, (uint16_t)(p[i] | p[i + 1] << 8));
}

static inline void ck_medium(const uint8_t *data, uint64_t off, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        ck_assert_msg(data[i] == medium_byte(off + i), "byte %u: %#x, expected %#x", i, data[i], medium_byte(off + i));
}

/* A PRD table at 1000h; the last entry gets EOT. */
struct prd { uint32_t address, bytes; };

static inline void prd_table(uint16_t bmide, const struct prd *prd, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        writel(b, 0x1000 + 8 * i, prd[i].address);
        writel(b, 0x1004 + 8 * i, prd[i].bytes | (i + 1 == n ? 0x80000000 : 0));
    }
    outl(b, bmide + 4, 0x1000);
}

#endif
