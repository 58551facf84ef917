/*
 * The PCI bus: configuration space, base address registers, interrupt pins.
 *
 * A PCI device embeds a struct sim_pci_function, fills in its header and registers it in `realize`. The bus answers
 * configuration cycles (the host bridge hands them on from ports 0xCF8/0xCFC), keeps the read-only bits, maps and
 * unmaps the BARs as the guest programs them, and routes INTx through the host bridge's `route`.
 * PCI Local Bus Specification 2.1, chapter 6.
 *
 * Public: part of <libsim/device.h>.
 */
#ifndef LIBSIM_BUS_PCI_H
#define LIBSIM_BUS_PCI_H

#include "bus/device.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SIM_PCI_BARS 6

struct sim_pci_bar {
    uint64_t length; /* power of two, 4 (I/O) or 16 (memory) to 2^31; 0: not there */
    bool io;
    bool prefetch;
    const struct sim_range_ops *ops; /* NULL with `ram`: the BAR shows that RAM */
    struct bus_ram *ram;
    struct sim_range range; /* derived */
};

struct sim_pci_function {
    struct sim_device *dev;
    uint8_t devfn;           /* device << 3 | function */
    uint8_t config[256];     /* the registers: state */
    uint8_t writable[256];   /* bits that the guest may change */
    uint8_t clear_on_1[256]; /* bits that writing 1 clears */
    struct sim_pci_bar bar[SIM_PCI_BARS];
    const uint8_t *rom; /* expansion ROM image, or NULL; borrowed */
    uint32_t rom_bytes; /* power of two */
    struct bus_ram *rom_ram; /* derived */
    struct sim_range rom_range; /* derived */
    struct sim_wire_driver intx; /* derived */
    bool intx_level;         /* state: INTx# asserted by the function */
    /* After the guest wrote config bytes off..off+len-1 and the bus applied masks and BARs; may be NULL. */
    void (*config_written)(struct sim_device *dev, uint8_t off, uint8_t len);
};

extern const struct sim_field sim_pci_function_fields[]; /* for SIM_FIELD_STRUCT(struct x, pci, sim_pci_function_fields, ...) */

/* Standard header of type 0; clears config and masks. class_code is 24 bits (0x020000: Ethernet), interrupt_pin 0 (none)
 * to 4 (INTD#). Writable bits: command, cache line, latency, interrupt line; error bits of status clear on 1. Further
 * bits are set up after this call. */
void sim_pci_header(struct sim_pci_function *f, uint16_t vendor, uint16_t device, uint32_t class_code, uint8_t revision,
                    uint8_t interrupt_pin);
/* In `realize`, after sim_pci_header and the BARs' lengths: makes the BARs' registers, ranges (unmapped; named after the
 * device) and the INTx# driver, and gives the device its requester ID. Functions above 0 mark function 0, made before, as
 * one of many. A BAR answers while its command bit is set and its address is neither 0 nor at the very end of 4 GiB
 * (where it is while a guest asks for its size). SIM_ERR_OVERLAP when the slot is taken. */
enum sim_err sim_pci_add(struct sim_device *dev, struct sim_pci_function *f, uint8_t devfn);
/* In `reset`: what the guest may write in the standard header becomes 0, BARs are unmapped, INTx low. Registers behind the
 * header (0x40 and up) are the device's to reset. */
void sim_pci_reset(struct sim_pci_function *f);
/* In `loaded`: maps the BARs as the restored registers say. */
void sim_pci_loaded(struct sim_pci_function *f);
/* Sets INTx#. The wire follows unless the command register's bit 10 disables it; status bit 3 shows it either way. */
void sim_pci_intx(struct sim_pci_function *f, bool level);

/* For the host bridge: configuration cycles of type 0 on bus 0; all ones where no function answers. size 1, 2 or 4;
 * what leaves the 256 bytes reads as all ones. Bytes above `size` of a result are 0. */
uint32_t sim_pci_config_read(struct sim_device *bridge, uint8_t devfn, uint8_t off, unsigned size);
void sim_pci_config_write(struct sim_device *bridge, uint8_t devfn, uint8_t off, uint32_t value, unsigned size);
uint32_t sim_pci_config_peek(struct sim_device *bridge, uint8_t devfn, uint8_t off, unsigned size);

/* For the ISA bridge: PIRQ routing. PIRQA..D are the wires "pci.pirqa".."pci.pirqd". INTA..INTD of device n reach PIRQ (n - 1 + pin) & 3 as on the i440FX boards of QEMU;
 * `route(dev, pirq)` gives the ISA interrupt 0..15 of PIRQA..D, or 16 for none. The bus calls it whenever a level changes, and
 * sim_pci_reroute is for after the guest changed the routing. Shared level-triggered lines are ORed. */
enum sim_err sim_pci_set_router(struct sim_device *bridge, unsigned (*route)(struct sim_device *bridge, unsigned pirq));
void sim_pci_reroute(struct sim_device *bridge);

#ifdef __cplusplus
}
#endif
#endif
