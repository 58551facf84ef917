/*
 * The bus: everything that CPU, DMA masters and devices share.
 *
 * Each transfer that reaches it is a transaction: who, what, where, how much, and what it cost. CPUs read and write
 * plain RAM past it (through pages that bus_mem_page() hands out); all else comes here, and observers see it.
 */
#ifndef LIBSIM_BUS_BUS_H
#define LIBSIM_BUS_BUS_H

#include "base/clock.h"
#include "base/field.h"
#include "base/log.h"
#include "bus/device.h"
#include "bus/media.h"
#include "bus/pci.h"
#include "bus/ram.h"
#include "bus/space.h"

enum bus_kind { BUS_MEM_READ, BUS_MEM_WRITE, BUS_IO_READ, BUS_IO_WRITE, BUS_INTACK, BUS_SPECIAL };

enum bus_special { BUS_SPECIAL_SHUTDOWN, BUS_SPECIAL_FLUSH, BUS_SPECIAL_HALT };

struct bus_txn {
    enum bus_kind kind;
    uint16_t master; /* CPU number, or BUS_MASTER_DEVICE + the device's requester ID */
    uint8_t size;    /* bytes: 1, 2, 4, 8 */
    bool locked;
    uint8_t type;    /* memory type of a CPU's access, encoded as in the MTRRs: 0 UC, 1 WC, 4 WT, 5 WP, 6 WB */
    bool smm;        /* of a processor in system-management mode: it sees SMRAM */
    bool answered;   /* out: somebody was there */
    uint64_t addr;   /* physical address (after A20) or port; of BUS_SPECIAL: enum bus_special */
    uint64_t data;   /* in for writes, out for reads */
    uint32_t stall;  /* out: cycles to add to the step */
    sim_cycles at;   /* out: when it took effect */
};
#define BUS_MASTER_DEVICE 0x100

/* Hears each transaction when it is done, DMA in pieces of up to 8 bytes. Changes nothing. */
typedef void bus_observer_fn(void *arg, const struct bus_txn *txn);

struct bus_observer {
    bus_observer_fn *fn;
    void *arg;
    struct bus_observer *next;
};

/* A LAPIC, as the bus sees it. */
struct bus_apic_port {
    void (*message)(void *arg, const struct sim_apic_message *msg); /* for this LAPIC; destination already matched */
    bool (*matches)(void *arg, const struct sim_apic_message *msg); /* would it accept this destination? */
    unsigned (*priority)(void *arg);                                /* for lowest-priority arbitration */
    void *arg;
    struct bus_apic_port *next;
};

/* What the machine does for the bus. Set by libsim/; unit tests use small ones of their own. */
struct bus_host {
    void (*output)(void *arg, const char *channel, const void *data, size_t len);
    void (*request)(void *arg, enum sim_request what, uint32_t code);
    void *arg;
};

struct bus {
    struct sim_clock *clock;
    struct sim_log *log;
    struct bus_memory memory;
    struct bus_space mem, io;
    bool a20;                 /* address line 20 reaches the memory: state */
    uint64_t a20_mask;        /* derived: ANDed to a CPU's physical addresses */
    struct bus_host host;
    bool look;                /* derived: something happened that the machine's loop must look at before the next step */
    struct bus_observer *observers;
    struct bus_apic_port *apics;

    /* Private part: see bus.c */
    struct bus_devices *devices;
    struct bus_wires *wires;
    struct bus_pci *pci;
    struct sim_media *media;
    uint32_t components;      /* numbers given out */
    struct sim_component component;
    struct sim_device *intack_dev;
    uint8_t (*intack)(struct sim_device *dev);
    uint32_t stall;           /* cycles collected by the transaction under way */
    uint32_t cycles[3];       /* derived: cost of one access, by enum sim_speed */
    void (*a20_changed)(void *arg);  /* the CPUs drop cached translations */
    void (*map_changed)(void *arg);  /* the memory map changed: likewise */
    void *change_arg;
};

/* Clock and log are the caller's and outlive the bus. The memory space has 2^52 bytes: what a CPU model cannot address
 * it must not ask for. A20 is open until somebody drives the wire "a20.gate", to which the bus listens. */
enum sim_err bus_create(struct sim_clock *clock, struct sim_log *log, struct bus **out);
void bus_destroy(struct bus *bus); /* devices, ranges, wires, RAMs, media; free the snapshots first */

/* ---- Transactions ---- */

/* Carries out one transaction: fills in data, answered, stall, at; tells the observers. An access that crosses ranges is
 * split; what nobody answers reads as all ones. RAM and ROM cost nothing, a device range what its speed says for each
 * piece, a hole one PCI access (memory) or one ISA access (ports). Special cycles cost nothing. txn->addr is after A20;
 * zero the members that are not set. CPUs only: sim_dma_* is for devices. The LAPIC's page is the CPU's own matter. */
void bus_do(struct bus *bus, struct bus_txn *txn);

/* The RAM page that answers reads (or writes) of the whole page at `paddr` (after A20), or NULL when something else than
 * RAM answers a part of it. For ROM: reads only. *ram and *pfn name the page. */
struct bus_ram *bus_mem_page_find(struct bus *bus, enum bus_viewer viewer, sim_paddr paddr, bool write, uint64_t *pfn);
/* As `viewer` sees it. Mostly it lies where the last one did. */
static inline struct bus_ram *bus_mem_page_as(struct bus *bus, enum bus_viewer viewer, sim_paddr paddr, bool write, uint64_t *pfn)
{
    const struct bus_view *v = write ? &bus->mem.writes[viewer] : &bus->mem.reads[viewer];
    uint64_t in = paddr - v->pages_first;

    if (in >= v->pages_bytes || v->generation != bus->mem.generation)
        return bus_mem_page_find(bus, viewer, paddr, write, pfn);
    *pfn = (v->pages_off + in) >> SIM_PAGE_SHIFT;
    return v->pages_ram;
}
static inline struct bus_ram *bus_mem_page(struct bus *bus, sim_paddr paddr, bool write, uint64_t *pfn)
{
    return bus_mem_page_as(bus, BUS_NORMAL, paddr, write, pfn);
}

/* Reads without side effects, as an observer; bytes that nobody answers, or that only a device without peek could
 * answer, are 0xFF. Returns how many of the bytes somebody answered. Physical addresses, A20 not applied. */
size_t bus_peek(struct bus *bus, sim_paddr paddr, void *out, size_t len);
/* Writes RAM for loaders and debuggers: the RAM that a read of the byte would show, else the RAM that a write would
 * reach; never ROM or devices. Stops at the first byte that reaches none; returns how many did. NULL for `in`: only tells.
 * The caller enters it as an input. */
size_t bus_poke(struct bus *bus, sim_paddr paddr, const void *in, size_t len);
/* As `viewer` sees it; the two above are BUS_NORMAL's. */
size_t bus_peek_as(struct bus *bus, enum bus_viewer viewer, sim_paddr paddr, void *out, size_t len);
size_t bus_poke_as(struct bus *bus, enum bus_viewer viewer, sim_paddr paddr, const void *in, size_t len);
uint64_t bus_io_peek(struct bus *bus, uint16_t port, unsigned size);

void bus_observe(struct bus *bus, struct bus_observer *o);
void bus_unobserve(struct bus *bus, struct bus_observer *o);

/* The PIC's vector; 0xFF with answered=false when nobody answers (floating bus). */
uint8_t bus_intack(struct bus *bus, uint16_t master, uint32_t *stall);

/* ---- CPU side of wires and APIC messages ---- */

typedef void bus_wire_sink_fn(void *arg, bool level);
enum sim_err bus_wire_sink(struct bus *bus, const char *name, bus_wire_sink_fn *fn, void *arg);
bool bus_wire_level(struct bus *bus, const char *name); /* false when there is no such wire; not for hot paths */
/* For the machine and tests: a driver that belongs to no device. */
enum sim_err bus_wire_source(struct bus *bus, struct sim_wire_driver *out, const char *name);
/* Appends a line per wire, by name: level, and each driver's level. For `info irq`. */
void bus_wires_format(struct bus *bus, struct sim_buf *out);

void bus_apic_attach(struct bus *bus, struct bus_apic_port *port); /* in order of CPU number; the port stays the caller's */
/* Delivers to all matching LAPICs, or with delivery mode 1 to the one of lowest priority (of equals the first attached).
 * `except` (or NULL) hears nothing. False when nobody matched. */
bool bus_apic_send(struct bus *bus, const struct sim_apic_message *msg, const struct bus_apic_port *except);
/* A LAPIC broadcasts the end of a level-triggered interrupt. */
void bus_apic_eoi(struct bus *bus, uint8_t vector);

void bus_set_a20(struct bus *bus, bool enabled);

/* ---- Devices ---- */

/* Makes an instance; reset comes later, for all. `properties` (or NULL) are "name", "value" pairs ended by NULL; numbers
 * are decimal or 0x..., with K, M or G (2^10..30) behind if wanted; switches are on or off. SIM_ERR_UNKNOWN names a wrong
 * property. A device that fails to realize leaves nothing behind. */
enum sim_err bus_device_create(struct bus *bus, const struct sim_device_class *cls, const char *name,
                               const char *const *properties, struct sim_device **out);
struct sim_device *bus_device_find(struct bus *bus, const char *name);
/* In order of creation; NULL after the last. */
struct sim_device *bus_device_next(struct bus *bus, struct sim_device *after);
void bus_reset(struct bus *bus, enum sim_reset kind); /* every device, in order of creation */
bool bus_accepts_input(struct bus *bus, const char *channel);
/* Gives input to the device that accepts the channel. SIM_ERR_UNKNOWN when none does. */
enum sim_err bus_input(struct bus *bus, const char *channel, const void *data, size_t len);
/* The device as a component: its state table under its name. Lives as long as the device. */
const struct sim_component *bus_device_component(struct sim_device *dev);
/* For tests: sim_fields_gap of a class, its head and properties accounted for; instance_size when all is declared. */
size_t bus_device_class_gap(const struct sim_device_class *cls);
/* Component number for something that is no device (a CPU, the machine). */
uint32_t bus_new_component(struct bus *bus);

/* The bus's own state (A20, wire levels) as a component. Devices are components by their class. */
const struct sim_component *bus_component(struct bus *bus);

#endif
