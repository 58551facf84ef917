/*
 * What a device is, and all that a device may call.
 *
 * A device is a class (name, properties, state table, operations) and instances of it. It owns no global,
 * keeps no thread, opens no file, and knows no other device: it meets the rest of the machine as address
 * ranges, wires, events, DMA and channels. All its callbacks run on the thread that runs the machine, and all
 * of them are part of the guest's deterministic course: no host clock, no host random numbers.
 *
 * Public: installed as part of <libsim/device.h>; users write their own devices with it, in shared objects that
 * export `const struct sim_device_class *const sim_plugin_classes[]` (NULL-terminated).
 */
#ifndef LIBSIM_BUS_DEVICE_H
#define LIBSIM_BUS_DEVICE_H

#include "base/clock.h"
#include "base/error.h"
#include "base/field.h"
#include "base/log.h"
#include "base/types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SIM_DEVICE_ABI 1

struct sim_device;
struct sim_wire;
struct bus;

/* ---- Address ranges ---- */

/* What an access costs: which bus it travels on. Charged in every timing model. */
enum sim_speed {
    SIM_SPEED_LOCAL, /* nothing: on the CPU's side of the bus */
    SIM_SPEED_PCI,   /* 100 ns */
    SIM_SPEED_ISA    /* 1 us: 8 BCLK at 8 MHz */
};

/*
 * Operations of an address range. `off` counts from the range's start; `size` is 1, 2, 4 (or 8 in memory ranges whose
 * max_size is 8); accesses need not be aligned. One larger than `max_size` is split into pieces, low address first, each
 * paying its own cost: that is how a 16-bit access meets an 8-bit ISA card. A read smaller than `min_size` becomes a
 * read of the aligned word of min_size bytes around it, of which the bytes asked for are taken. Writes are never
 * widened: a range with a min_size must expect small ones.
 *
 * read   returns the value (bits above `size` do not count), with whatever side effects reading has. NULL: all ones.
 * write  the low `size` bytes of `value`; the rest is 0. NULL: writes vanish.
 * peek   what read would return, without any side effect, for debuggers and observers; NULL: shows as all ones.
 */
struct sim_range_ops {
    uint64_t (*read)(struct sim_device *dev, uint64_t off, unsigned size);
    void (*write)(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size);
    uint64_t (*peek)(struct sim_device *dev, uint64_t off, unsigned size);
    uint8_t min_size, max_size; /* powers of two up to 8; 0 stands for 1 and 4 */
};

/* A range of ports or memory that a device answers. Lives in the device's struct; list it as derived. Where a guest can
 * move or disable it, the registers that say so are the state, and `loaded` moves and enables it again. */
struct sim_range {
    struct sim_device *dev;
    const struct sim_range_ops *ops;
    enum sim_speed speed;
    struct bus_region *region; /* owned by the bus */
};

/* Both fail with SIM_ERR_USAGE when first + length leaves the space. A higher priority covers a lower one. Wherever two
 * ranges of equal priority meet, the one mapped later answers. RAM and plain devices have priority 0, PCI BARs -1. Ranges
 * start enabled, and vanish with their device. To be called in `realize`. */
enum sim_err sim_map_io(struct sim_device *dev, struct sim_range *range, const char *name, uint16_t first,
                        uint32_t length, const struct sim_range_ops *ops, enum sim_speed speed, int priority);
enum sim_err sim_map_memory(struct sim_device *dev, struct sim_range *range, const char *name, sim_paddr first,
                            uint64_t length, const struct sim_range_ops *ops, enum sim_speed speed, int priority);
/* At any time, from within the range's own callbacks too. What lies outside the space is not seen. */
void sim_range_move(struct sim_range *range, uint64_t first);
void sim_range_enable(struct sim_range *range, bool enabled);

/* ---- Wires ---- */

/*
 * A named wire carries a level. Its level is the OR of all its drivers' levels. Names of the pc platform: "isa.irq0".."isa.irq15",
 * "gsi16".."gsi23", "intr" (PIC to CPU), "nmi", "smi", "a20.gate", "cpu.init", "reset", "pit.gate2", "pit.out0", "pit.out2", "ferr".
 * Any other name may be used between devices. Wires are made on first use; sinks hear a change at once, in order of their
 * joining, with the new level. Levels are state of the bus: after a restore nobody is called.
 */
typedef void sim_wire_fn(struct sim_device *dev, unsigned pin, bool level);

struct sim_wire_driver {
    struct sim_wire *wire;
    uint32_t index; /* which of the wire's drivers */
};

/* To be called in `realize` only, in a fixed order. A driver starts low. */
enum sim_err sim_wire_drive(struct sim_device *dev, struct sim_wire_driver *out, const char *name);
enum sim_err sim_wire_listen(struct sim_device *dev, const char *name, unsigned pin, sim_wire_fn *fn);
/* Sets this driver's level; sinks hear it only if the wire's level changes. Safe in any device callback: a wire that
 * changes while its own sinks are being told is told to all of them once more, afterwards, so every sink hears every edge
 * in the same order. A driver that was never connected (all zero) does nothing and reads low. */
void sim_wire_set(struct sim_wire_driver *driver, bool level);
/* Low, high, low: an edge for edge-triggered sinks. */
void sim_wire_pulse(struct sim_wire_driver *driver);
bool sim_wire_level(const struct sim_wire_driver *driver); /* of the whole wire */

/* ---- Interrupt acknowledge and messages ---- */

/* The PIC answers interrupt-acknowledge cycles: `fn` returns the vector. One responder per machine. */
enum sim_err sim_answer_intack(struct sim_device *dev, uint8_t (*fn)(struct sim_device *dev));

/* An interrupt message on the APIC bus (or an MSI decoded from a write to 0xFEExxxxx). SDM Vol. 3A, "Local APIC". */
struct sim_apic_message {
    uint8_t vector;
    uint8_t delivery;  /* 0 fixed, 1 lowest priority, 2 SMI, 4 NMI, 5 INIT, 6 start-up, 7 ExtINT */
    uint32_t dest;     /* APIC ID, or logical destination */
    bool wide;         /* `dest` has 32 bits (an x2APIC sends it), and FFFFFFFFh names all; else 8, and FFh does */
    bool logical;
    bool level;        /* level-triggered */
    bool asserted;     /* for level: assert (true) or de-assert */
};
void sim_apic_send(struct sim_device *dev, const struct sim_apic_message *msg);
/* `fn` hears every end-of-interrupt that a LAPIC broadcasts for a level-triggered vector. */
enum sim_err sim_listen_eoi(struct sim_device *dev, void (*fn)(struct sim_device *dev, uint8_t vector));

/* ---- Time ---- */

/* The cycle at which the current access or event takes effect. */
sim_cycles sim_now(const struct sim_device *dev);
/* The machine's clock: for sim_ticks_at, sim_cycle_of, sim_ns_to_cycles. */
struct sim_clock *sim_clock_of(const struct sim_device *dev);
/* In `realize`; `number` is unique within the device and fixed for ever. Then sim_event_at / sim_event_cancel.
 * `ev` lives in the device's struct. A device's `reset` cancels or re-arms its own events. */
void sim_device_event(struct sim_device *dev, struct sim_event *ev, uint32_t number, void (*fn)(struct sim_device *dev));

/* ---- DMA ---- */

/* Bus-master transfers, in physical addresses, seen by observers, not masked by A20. Where nobody answers, reads give
 * all ones and writes vanish. Device ranges cannot be reached by DMA (logged once). A write of 4 bytes to
 * 0xFEE00000-0xFEEFFFFF is an MSI and becomes a message to the LAPICs. */
void sim_dma_read(struct sim_device *dev, sim_paddr paddr, void *out, size_t len);
void sim_dma_write(struct sim_device *dev, sim_paddr paddr, const void *in, size_t len);

/* ---- Storage that is too big for a struct ---- */

struct bus_ram;
/* Page-array memory of the device (video RAM, buffers), part of checkpoints; in `realize`. It is called "DEVICE.name",
 * starts as zeros and goes with the device. Offsets below are within its size, rounded up to whole pages. */
enum sim_err sim_device_ram(struct sim_device *dev, const char *name, uint64_t bytes, struct bus_ram **out);
void sim_ram_read(struct bus_ram *ram, uint64_t off, void *out, size_t len);
void sim_ram_write(struct bus_ram *ram, uint64_t off, const void *in, size_t len);
uint8_t sim_ram_read8(struct bus_ram *ram, uint64_t off);
void sim_ram_write8(struct bus_ram *ram, uint64_t off, uint8_t value);

/* A medium: the sectors of a disk, CD or floppy. Writes go to an overlay that checkpoints keep. The machine opens it;
 * a device finds it by channel name ("ide0.0", "fd0"); NULL when no medium is there. */
struct sim_media;
struct sim_media *sim_media_find(struct sim_device *dev, const char *channel);
uint64_t sim_media_bytes(const struct sim_media *media);
bool sim_media_read_only(const struct sim_media *media);
bool sim_media_is_cdrom(const struct sim_media *media);
/* Byte ranges; false when outside the medium or the host failed. */
bool sim_media_read(struct sim_media *media, uint64_t off, void *out, size_t len);
bool sim_media_write(struct sim_media *media, uint64_t off, const void *in, size_t len);

/* ---- Channels: what goes in and out of the machine ---- */

/* Output by name ("serial0", "debug", "post"): sent once, when the run first passes its position. */
void sim_output(struct sim_device *dev, const char *channel, const void *data, size_t len);
/* Input arrives in the class's `input`, on the channels declared here: "serial0" (bytes), "keyboard" (struct sim_key),
 * "mouse" (struct sim_mouse). Declared in `realize`. */
enum sim_err sim_accept_input(struct sim_device *dev, const char *channel);

/* A key by its USB HID usage (page 7): keyboard layouts are the host's matter. */
struct sim_key {
    uint8_t usage;
    uint8_t down; /* 1 pressed, 0 released */
};
struct sim_mouse {
    int16_t dx, dy, dz;
    uint8_t buttons; /* bit 0 left, 1 right, 2 middle */
};

/* ---- Requests to the machine ---- */

enum sim_request {
    SIM_REQUEST_RESET,     /* hard reset of the whole machine, at the end of this step */
    SIM_REQUEST_POWER_OFF, /* the guest switched the machine off */
    SIM_REQUEST_EXIT       /* debug exit; `code` is the status */
};
/* Takes effect at the end of the present step. `code` counts for SIM_REQUEST_EXIT alone. */
void sim_request(struct sim_device *dev, enum sim_request what, uint32_t code);

/* ---- What a device shows to the outside, beyond its registers ---- */

/* A picture, for screenshots and windows: `pixels` is width*height of 0x00RRGGBB, owned by the caller. */
struct sim_picture {
    uint32_t width, height;
    uint32_t *pixels;
};
/* A text screen: cells of (character code page 437, attribute). */
struct sim_text_screen {
    uint32_t columns, rows;
    uint16_t cell[132 * 60];
    int32_t cursor_column, cursor_row; /* -1: hidden */
};

/* ---- Classes ---- */

enum sim_reset {
    SIM_RESET_POWER, /* power-on: everything to its data-sheet value */
    SIM_RESET_HARD   /* the RESET# line: RTC/CMOS keep their contents, RAM keeps its contents */
};

enum sim_property_kind { SIM_PROPERTY_UINT, SIM_PROPERTY_STRING, SIM_PROPERTY_BOOL };

/* A setting of an instance, fixed once it is realized: "irq=4". */
struct sim_property {
    const char *name; /* NULL ends the table */
    enum sim_property_kind kind;
    uint32_t offset;  /* of the member in the instance: uint64_t, bool, or const char * (owned by the machine) */
    uint64_t min, max; /* for UINT; both 0: any */
    const char *initial; /* value when not given, as text */
    const char *doc;
};
#define SIM_PROPERTY_UINT_(type, member, min_, max_, initial_, doc_) \
    { #member, SIM_PROPERTY_UINT, (uint32_t)offsetof(type, member), min_, max_, initial_, doc_ }
#define SIM_PROPERTY_STRING_(type, member, initial_, doc_) \
    { #member, SIM_PROPERTY_STRING, (uint32_t)offsetof(type, member), 0, 0, initial_, doc_ }
#define SIM_PROPERTY_BOOL_(type, member, initial_, doc_) \
    { #member, SIM_PROPERTY_BOOL, (uint32_t)offsetof(type, member), 0, 1, initial_, doc_ }
#define SIM_PROPERTY_END { NULL, SIM_PROPERTY_UINT, 0, 0, 0, NULL, NULL }

struct sim_pci_function;

struct sim_device_class {
    uint32_t abi;  /* SIM_DEVICE_ABI */
    uint32_t size; /* sizeof(struct sim_device_class) */
    const char *name;  /* "i8254" */
    const char *title; /* "Programmable interval timer" */
    uint32_t version;  /* of the state table */
    uint32_t instance_size; /* the struct's first member is `struct sim_device dev` */
    const struct sim_field *fields; /* all members but `dev` and the properties */
    const struct sim_property *properties; /* may be NULL */

    /* Maps ranges, joins wires, prepares events; called once, on zeroed memory with the properties set. */
    enum sim_err (*realize)(struct sim_device *dev);
    /* Back to the state after RESET; wires driven are set to their level after reset. Devices are reset in order of
     * creation, so wires of devices that are not reset yet still have their old level. */
    void (*reset)(struct sim_device *dev, enum sim_reset kind);
    /* Rebuilds what is derived (moved ranges, enabled windows) after a restore; NULL if nothing is. Sets no wire and
     * arms no event: those were restored. */
    void (*loaded)(struct sim_device *dev);
    /* Frees what realize allocated; NULL if nothing. Called after a realize that failed, too. */
    void (*destroy)(struct sim_device *dev);
    /* Input on one of its channels. */
    void (*input)(struct sim_device *dev, const char *channel, const void *data, size_t len);
    /* Displays: the picture now (allocates pixels with malloc) and the text screen; false when not in such a mode. */
    bool (*picture)(struct sim_device *dev, struct sim_picture *out);
    bool (*text)(struct sim_device *dev, struct sim_text_screen *out);
    /* Appends the readable answer to `info <name>`, beyond the table; NULL: the table alone. */
    void (*describe)(struct sim_device *dev, struct sim_buf *out);
};

/* The head of every instance. */
struct sim_device {
    const struct sim_device_class *cls;
    const char *name; /* "pit", "uart0" */
    uint32_t component; /* its number among the machine's components: orders its events */
    uint16_t master;    /* its requester ID on the bus: devfn of a PCI device, else 0xF000 and up */
    struct bus *bus;
    struct sim_log *log;
};

/* sim_log with the device's name filled in. */
#define sim_device_log(dev_, level_, ...) sim_log((dev_)->log, level_, (dev_)->name, __VA_ARGS__)
#define sim_device_unmodelled(dev_, what_, ...) sim_log_unmodelled((dev_)->log, (dev_)->name, what_, __VA_ARGS__)

#ifdef __cplusplus
}
#endif
#endif
