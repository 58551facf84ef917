#include "bus/bus.h"

#include "base/error.h"
#include "bus/private.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEM_BYTES (UINT64_C(1) << 52)
#define IO_PORTS 0x10000
#define MSI_FIRST UINT64_C(0xFEE00000) /* SDM Vol. 3A, "Message Address Register Format" */
#define MSI_LAST UINT64_C(0xFEEFFFFF)

static uint64_t low_bytes(uint64_t v, unsigned n)
{
    return n >= 8 ? v : v & ((UINT64_C(1) << 8 * n) - 1);
}

static uint64_t from_le(const uint8_t *bytes, unsigned n)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < n; i++)
        v |= (uint64_t)bytes[i] << 8 * i;
    return v;
}

static void to_le(uint8_t *bytes, uint64_t v, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        bytes[i] = (uint8_t)(v >> 8 * i);
}

static unsigned smaller(uint64_t run, unsigned n)
{
    return run == 0 || run > n ? n : (unsigned)run; /* a run of 0 is one of 2^64 */
}

/* Largest power of two that is at most n and at most max; n > 0. */
static unsigned piece_size(unsigned n, unsigned max)
{
    unsigned size = max;

    while (size > n)
        size /= 2;
    return size;
}

/* ---- One device range ---- */

static void charge(struct bus *bus, enum sim_speed speed)
{
    bus->stall += bus->cycles[speed];
}

/* Reads (or peeks) n bytes at `off`: split at max_size, widened to min_size. */
static uint64_t range_read(struct bus *bus, const struct sim_range *range, uint64_t off, unsigned n, bool peek)
{
    const struct sim_range_ops *ops = range->ops;
    unsigned max = ops->max_size ? ops->max_size : 4, min = ops->min_size ? ops->min_size : 1;
    uint64_t (*fn)(struct sim_device *, uint64_t, unsigned) = peek ? ops->peek : ops->read;
    struct sim_device *dev = range->dev;
    enum sim_speed speed = range->speed;
    uint64_t value = 0;

    for (unsigned done = 0; done < n;) {
        unsigned size = piece_size(n - done, max), skip = 0, take = size;
        uint64_t v;

        if (size < min) {
            size = min;
            skip = (unsigned)(off + done) & (min - 1);
            take = min - skip < n - done ? min - skip : n - done;
        }
        v = fn ? fn(dev, off + done - skip, size) : UINT64_MAX;
        value |= low_bytes(v >> 8 * skip, take) << 8 * done;
        done += take;
        if (!peek)
            charge(bus, speed);
    }
    return value;
}

static void range_write(struct bus *bus, const struct sim_range *range, uint64_t off, uint64_t value, unsigned n)
{
    const struct sim_range_ops *ops = range->ops;
    unsigned max = ops->max_size ? ops->max_size : 4;
    struct sim_device *dev = range->dev;
    enum sim_speed speed = range->speed;

    for (unsigned done = 0; done < n;) {
        unsigned size = piece_size(n - done, max);

        if (ops->write)
            ops->write(dev, off + done, low_bytes(value >> 8 * done, size), size);
        done += size;
        charge(bus, speed);
    }
}

/* ---- Transactions ---- */

static enum bus_viewer viewer_of(const struct bus_txn *txn)
{
    return txn->smm ? BUS_SMM : BUS_NORMAL;
}

/* A callback may change the map: the flat range is not looked at after one. */
static void do_read(struct bus *bus, struct bus_space *space, struct bus_txn *txn)
{
    txn->data = 0;
    for (unsigned done = 0; done < txn->size;) {
        uint64_t addr = txn->addr + done, run, value = UINT64_MAX;
        const struct bus_flat *f = bus_space_run_as(space, viewer_of(txn), addr, false, &run);
        unsigned n = smaller(run, txn->size - done);

        if (!f) {
            charge(bus, space == &bus->io ? SIM_SPEED_ISA : SIM_SPEED_PCI);
        } else if (f->region->kind == BUS_REGION_DEVICE) {
            txn->answered = true;
            value = range_read(bus, f->region->range, f->off + (addr - f->first), n, false);
        } else {
            uint8_t bytes[8];

            txn->answered = true;
            bus_ram_get(f->region->ram, f->off + (addr - f->first), bytes, n);
            value = from_le(bytes, n);
        }
        txn->data |= low_bytes(value, n) << 8 * done;
        done += n;
    }
}

static void do_write(struct bus *bus, struct bus_space *space, struct bus_txn *txn)
{
    for (unsigned done = 0; done < txn->size;) {
        uint64_t addr = txn->addr + done, run, value = txn->data >> 8 * done;
        const struct bus_flat *f = bus_space_run_as(space, viewer_of(txn), addr, true, &run);
        unsigned n = smaller(run, txn->size - done);

        if (!f || f->region->kind == BUS_REGION_ROM) {
            charge(bus, space == &bus->io ? SIM_SPEED_ISA : SIM_SPEED_PCI);
        } else if (f->region->kind == BUS_REGION_DEVICE) {
            txn->answered = true;
            range_write(bus, f->region->range, f->off + (addr - f->first), value, n);
        } else {
            uint8_t bytes[8];

            txn->answered = true;
            to_le(bytes, value, n);
            bus_ram_put(f->region->ram, f->off + (addr - f->first), bytes, n);
        }
        done += n;
    }
}

/* Most transactions are of one device range, which answers them as they are. False: it is made piece by piece. */
static inline __attribute__((always_inline)) bool do_whole(struct bus *bus, struct bus_space *space, struct bus_txn *txn, bool write)
{
    uint64_t run, off;
    const struct bus_flat *f = bus_space_run_as(space, viewer_of(txn), txn->addr, write, &run);
    const struct sim_range *range;

    if (!f || !(f->whole >> txn->size & 1) || run < txn->size)
        return false;
    range = f->region->range;
    off = f->off + (txn->addr - f->first);
    txn->answered = true;
    charge(bus, range->speed);
    if (!write)
        txn->data = low_bytes(range->ops->read ? range->ops->read(range->dev, off, txn->size) : UINT64_MAX, txn->size);
    else if (range->ops->write)
        range->ops->write(range->dev, off, low_bytes(txn->data, txn->size), txn->size);
    return true;
}

static void tell_observers(struct bus *bus, const struct bus_txn *txn)
{
    for (struct bus_observer *o = bus->observers, *next; o; o = next) {
        next = o->next; /* it may leave */
        o->fn(o->arg, txn);
    }
}

/* Memory and ports. */
static inline void do_access(struct bus *bus, struct bus_txn *txn)
{
    struct bus_space *space = txn->kind <= BUS_MEM_WRITE ? &bus->mem : &bus->io;

    assert(txn->size && txn->size <= 8);
    if (txn->kind == BUS_MEM_READ || txn->kind == BUS_IO_READ) {
        if (!do_whole(bus, space, txn, false))
            do_read(bus, space, txn);
    } else if (!do_whole(bus, space, txn, true)) {
        do_write(bus, space, txn);
    }
}

void bus_do(struct bus *bus, struct bus_txn *txn)
{
    uint32_t outer = bus->stall;

    bus->stall = 0;
    txn->answered = false;
    txn->at = bus->clock->now;
    if (txn->kind <= BUS_IO_WRITE) {
        do_access(bus, txn);
    } else if (txn->kind == BUS_INTACK) {
        txn->answered = bus->intack != NULL;
        txn->data = bus->intack ? bus->intack(bus->intack_dev) : 0xFF;
        charge(bus, SIM_SPEED_PCI);
    } else {
        txn->answered = true; /* special cycles are everybody's */
    }
    txn->stall = bus->stall;
    bus->stall = outer;
    tell_observers(bus, txn);
}

static void note_pages(struct bus_view *v, const struct bus_flat *f)
{
    uint64_t lead = -f->first & SIM_PAGE_MASK;

    v->pages_first = f->first + lead;
    v->pages_off = f->off + lead;
    v->pages_bytes = (f->last - v->pages_first + 1) & ~(uint64_t)SIM_PAGE_MASK;
    v->pages_ram = f->region->ram;
}

struct bus_ram *bus_mem_page_find(struct bus *bus, enum bus_viewer viewer, sim_paddr paddr, bool write, uint64_t *pfn)
{
    sim_paddr first = paddr & ~(sim_paddr)SIM_PAGE_MASK;
    uint64_t run, off;
    const struct bus_flat *f = bus_space_run_as(&bus->mem, viewer, first, write, &run);

    if (!f || run < SIM_PAGE_SIZE || f->region->kind == BUS_REGION_DEVICE ||
        (write && f->region->kind == BUS_REGION_ROM))
        return NULL;
    off = f->off + (first - f->first);
    if (off & SIM_PAGE_MASK)
        return NULL;
    *pfn = off >> SIM_PAGE_SHIFT;
    note_pages(write ? &bus->mem.writes[viewer] : &bus->mem.reads[viewer], f);
    return f->region->ram;
}

/* ---- Without side effects ---- */

static size_t peek_space(struct bus *bus, struct bus_space *space, enum bus_viewer viewer, uint64_t addr, uint8_t *out, size_t len)
{
    size_t answered = 0;

    while (len) {
        uint64_t run;
        const struct bus_flat *f = bus_space_run_as(space, viewer, addr, false, &run);
        size_t n = run == 0 || run > len ? len : (size_t)run;
        uint64_t off = f ? f->off + (addr - f->first) : 0;

        if (!f) {
            memset(out, 0xFF, n);
        } else if (f->region->kind != BUS_REGION_DEVICE) {
            bus_ram_get(f->region->ram, off, out, n);
            answered += n;
        } else {
            const struct sim_range *range = f->region->range;
            unsigned max = range->ops->max_size ? range->ops->max_size : 4;

            /* As a program would read it: aligned, as wide as may be. */
            n = piece_size(n < max ? (unsigned)n : max, max);
            while (off & (n - 1))
                n /= 2;
            to_le(out, range_read(bus, range, off, (unsigned)n, true), (unsigned)n);
            answered += range->ops->peek ? n : 0;
        }
        out += n;
        addr += n;
        len -= n;
    }
    return answered;
}

size_t bus_peek_as(struct bus *bus, enum bus_viewer viewer, sim_paddr paddr, void *out, size_t len)
{
    return peek_space(bus, &bus->mem, viewer, paddr, out, len);
}

size_t bus_peek(struct bus *bus, sim_paddr paddr, void *out, size_t len)
{
    return bus_peek_as(bus, BUS_NORMAL, paddr, out, len);
}

uint64_t bus_io_peek(struct bus *bus, uint16_t port, unsigned size)
{
    uint8_t bytes[8];

    assert(size >= 1 && size <= 8);
    peek_space(bus, &bus->io, BUS_NORMAL, port, bytes, size);
    return from_le(bytes, size);
}

size_t bus_poke_as(struct bus *bus, enum bus_viewer viewer, sim_paddr paddr, const void *in, size_t len)
{
    const uint8_t *from = in;
    size_t reached = 0;

    while (len) {
        uint64_t run, write_run;
        const struct bus_flat *f = bus_space_run_as(&bus->mem, viewer, paddr, false, &run);
        size_t n;

        if (!f || f->region->kind != BUS_REGION_RAM) {
            f = bus_space_run_as(&bus->mem, viewer, paddr, true, &write_run);
            run = run && run < write_run ? run : write_run;
        }
        n = run == 0 || run > len ? len : (size_t)run;
        if (!f || f->region->kind != BUS_REGION_RAM)
            break;
        if (from) {
            bus_ram_put(f->region->ram, f->off + (paddr - f->first), from, n);
            from += n;
        }
        reached += n;
        paddr += n;
        len -= n;
    }
    return reached;
}

size_t bus_poke(struct bus *bus, sim_paddr paddr, const void *in, size_t len)
{
    return bus_poke_as(bus, BUS_NORMAL, paddr, in, len);
}

void bus_observe(struct bus *bus, struct bus_observer *o)
{
    struct bus_observer **at = &bus->observers;

    while (*at)
        at = &(*at)->next;
    o->next = NULL;
    *at = o;
}

void bus_unobserve(struct bus *bus, struct bus_observer *o)
{
    for (struct bus_observer **at = &bus->observers; *at; at = &(*at)->next) {
        if (*at == o) {
            *at = o->next;
            return;
        }
    }
}

/* ---- DMA ---- */

static void observe_dma(struct bus *bus, const struct sim_device *dev, enum bus_kind kind, sim_paddr paddr,
                        const uint8_t *bytes, size_t len, bool answered)
{
    while (bus->observers && len) {
        unsigned n = piece_size(len < 8 ? (unsigned)len : 8, 8);
        struct bus_txn txn = {
            .kind = kind, .master = (uint16_t)(BUS_MASTER_DEVICE + dev->master), .size = (uint8_t)n,
            .answered = answered, .addr = paddr, .at = bus->clock->now,
        };

        txn.data = from_le(bytes, n);
        tell_observers(bus, &txn);
        paddr += n;
        bytes += n;
        len -= n;
    }
}

static void reached_device(const struct sim_device *dev, const struct bus_region *region)
{
    char what[128];

    snprintf(what, sizeof(what), "DMA to device range %s", region->name);
    sim_log_unmodelled(dev->log, dev->name, what, "reads give all ones, writes vanish");
}

void bus_dma_read(struct bus *bus, struct sim_device *dev, sim_paddr paddr, void *out, size_t len)
{
    uint8_t *to = out;

    while (len) {
        uint64_t run;
        const struct bus_flat *f = bus_space_run(&bus->mem, paddr, false, &run);
        size_t n = run == 0 || run > len ? len : (size_t)run;
        bool answered = f && f->region->kind != BUS_REGION_DEVICE;

        if (answered)
            bus_ram_get(f->region->ram, f->off + (paddr - f->first), to, n);
        else
            memset(to, 0xFF, n);
        if (f && !answered)
            reached_device(dev, f->region);
        observe_dma(bus, dev, BUS_MEM_READ, paddr, to, n, answered);
        to += n;
        paddr += n;
        len -= n;
    }
}

/* SDM Vol. 3A, "Message Signalled Interrupts". The destination mode counts whatever the redirection hint says, as
 * chipsets have it; with the hint, delivery mode 1 is what picks the lowest priority. */
static void msi(struct bus *bus, struct sim_device *dev, sim_paddr paddr, const uint8_t *bytes, size_t len)
{
    uint32_t data;
    struct sim_apic_message msg = { .vector = 0 };

    if (len != 4 || (paddr & 3)) {
        sim_log_unmodelled(dev->log, dev->name, "MSI other than an aligned dword", "it is dropped");
        return;
    }
    data = (uint32_t)from_le(bytes, 4);
    msg.vector = data & 0xFF;
    msg.delivery = (data >> 8) & 7;
    msg.level = (data >> 15) & 1;
    msg.asserted = !msg.level || ((data >> 14) & 1);
    msg.dest = (paddr >> 12) & 0xFF;
    msg.logical = (paddr >> 2) & 1;
    bus_apic_send(bus, &msg, NULL);
}

void bus_dma_write(struct bus *bus, struct sim_device *dev, sim_paddr paddr, const void *in, size_t len)
{
    const uint8_t *from = in;

    if (paddr >= MSI_FIRST && paddr <= MSI_LAST) {
        msi(bus, dev, paddr, from, len);
        observe_dma(bus, dev, BUS_MEM_WRITE, paddr, from, len, true);
        return;
    }
    while (len) {
        uint64_t run;
        const struct bus_flat *f = bus_space_run(&bus->mem, paddr, true, &run);
        size_t n = run == 0 || run > len ? len : (size_t)run;
        bool answered = f && f->region->kind == BUS_REGION_RAM;

        if (answered)
            bus_ram_put(f->region->ram, f->off + (paddr - f->first), from, n);
        else if (f && f->region->kind == BUS_REGION_DEVICE)
            reached_device(dev, f->region);
        observe_dma(bus, dev, BUS_MEM_WRITE, paddr, from, n, answered);
        from += n;
        paddr += n;
        len -= n;
    }
}

/* ---- Interrupts ---- */

uint8_t bus_intack(struct bus *bus, uint16_t master, uint32_t *stall)
{
    struct bus_txn txn = { .kind = BUS_INTACK, .master = master, .size = 1 };

    bus_do(bus, &txn);
    *stall = txn.stall;
    return (uint8_t)txn.data;
}

void bus_apic_attach(struct bus *bus, struct bus_apic_port *port)
{
    struct bus_apic_port **at = &bus->apics;

    while (*at)
        at = &(*at)->next;
    port->next = NULL;
    *at = port;
}

bool bus_apic_send(struct bus *bus, const struct sim_apic_message *msg, const struct bus_apic_port *except)
{
    struct bus_apic_port *lowest = NULL;
    bool matched = false;

    for (struct bus_apic_port *p = bus->apics; p; p = p->next) {
        if (p == except || !p->matches(p->arg, msg))
            continue;
        matched = true;
        if (msg->delivery != 1)
            p->message(p->arg, msg);
        else if (!lowest || p->priority(p->arg) < lowest->priority(lowest->arg))
            lowest = p;
    }
    if (lowest)
        lowest->message(lowest->arg, msg);
    return matched;
}

void bus_apic_eoi(struct bus *bus, uint8_t vector)
{
    bus_devices_eoi(bus, vector);
}

/* ---- A20 ---- */

static void a20_apply(struct bus *bus)
{
    bus->a20_mask = bus->a20 ? UINT64_MAX : ~(UINT64_C(1) << 20);
    if (bus->a20_changed)
        bus->a20_changed(bus->change_arg);
}

void bus_set_a20(struct bus *bus, bool enabled)
{
    if (bus->a20 == enabled)
        return;
    bus->a20 = enabled;
    a20_apply(bus);
}

static void a20_gate(void *arg, bool level)
{
    bus_set_a20(arg, level);
}

/* ---- State ---- */

static const struct sim_field bus_fields[] = {
    SIM_FIELD(struct bus, a20, "address line 20 reaches the memory"),
    SIM_FIELD_CUSTOM(struct bus, wires, &bus_wires_custom, "level of each driver of each wire"),
    SIM_FIELD_END
};

static void bus_loaded(void *object)
{
    a20_apply(object);
}

const struct sim_component *bus_component(struct bus *bus)
{
    bus->component = (struct sim_component){ "bus", 1, bus_fields, bus, NULL, bus_loaded };
    return &bus->component;
}

/* ---- Life ---- */

static void map_changed(void *arg)
{
    struct bus *bus = arg;

    if (bus->map_changed)
        bus->map_changed(bus->change_arg);
}

enum sim_err bus_create(struct sim_clock *clock, struct sim_log *log, struct bus **out)
{
    struct bus *bus = calloc(1, sizeof(*bus));
    enum sim_err err = SIM_OK;

    if (!bus)
        return sim_fail(SIM_ERR_NOMEM, "bus");
    bus->clock = clock;
    bus->log = log;
    bus->a20 = true;
    bus->a20_mask = UINT64_MAX;
    bus->cycles[SIM_SPEED_LOCAL] = 0;
    bus->cycles[SIM_SPEED_PCI] = (uint32_t)sim_ns_to_cycles(clock, 100);
    bus->cycles[SIM_SPEED_ISA] = (uint32_t)sim_ns_to_cycles(clock, 1000);
    bus_memory_init(&bus->memory);
    bus_space_init(&bus->mem, "memory", MEM_BYTES);
    bus_space_init(&bus->io, "io", IO_PORTS);
    bus->mem.changed = map_changed;
    bus->mem.changed_arg = bus;
    bus->wires = bus_wires_create();
    bus->devices = bus_devices_create();
    bus->pci = bus_pci_create();
    if (!bus->wires || !bus->devices || !bus->pci)
        err = sim_fail(SIM_ERR_NOMEM, "bus");
    if (!err)
        err = bus_wire_sink(bus, "a20.gate", a20_gate, bus);
    if (err) {
        bus_destroy(bus);
        return err;
    }
    *out = bus;
    return SIM_OK;
}

void bus_destroy(struct bus *bus)
{
    if (!bus)
        return;
    bus_space_begin(&bus->mem); /* nobody looks anything up any more: no flattening */
    bus_space_begin(&bus->io);
    bus_devices_destroy(bus);
    bus_pci_destroy(bus->pci);
    bus_wires_destroy(bus->wires);
    bus_media_destroy(bus);
    bus_memory_fini(&bus->memory);
    bus_space_fini(&bus->mem);
    bus_space_fini(&bus->io);
    free(bus);
}
