/*
 * What the files of bus/ share among themselves.
 */
#ifndef LIBSIM_BUS_PRIVATE_H
#define LIBSIM_BUS_PRIVATE_H

#include "bus/bus.h"

/* ---- ram.c and snapshot.c ---- */

/* The fill of a page; zeros and false when the host could not deliver it. */
bool bus_ram_fill(const struct bus_ram *ram, uint64_t pfn, uint8_t out[SIM_PAGE_SIZE]);
/* Memory for a page that is absent, content undefined. */
uint8_t *bus_ram_page_alloc(struct bus_ram *ram);
/* Hash of a page's content; false when it equals the fill. */
bool bus_ram_content_hash(const struct bus_ram *ram, uint64_t pfn, const uint8_t *data, uint64_t *hash);
/* What a page with that content adds to the RAM's sum; never 0. */
uint64_t bus_ram_contribution(const struct bus_ram *ram, uint64_t pfn, uint64_t content_hash);
void bus_ram_code_write(struct bus_ram *ram, uint64_t pfn, uint32_t off, uint32_t len);
void bus_memory_revoke_all(struct bus_memory *m);
void bus_pfn_list_add(struct bus_pfn_list *list, uint64_t pfn);

/* The page, not yet `changed`, is about to be overwritten: keeps its content for whoever refers to it. */
void bus_version_keep(struct bus_ram *ram, uint64_t pfn);
/* The RAM goes away: its pages' contents move into the store where snapshots need them. */
void bus_versions_leave(struct bus_ram *ram);
void bus_versions_fini(struct bus_memory *m);

/* ---- wire.c ---- */

struct bus_wires *bus_wires_create(void);
void bus_wires_destroy(struct bus_wires *wires);
/* Takes back what the device joined. For one whose realize failed: its drivers are the last of their wires. */
void bus_wires_leave(struct bus *bus, struct sim_device *dev);
extern const struct sim_field_custom bus_wires_custom; /* of a `struct bus_wires *` member */

/* ---- device.c ---- */

/* A region of the device's, described by `what` (name, kind, length, priority, answers, enabled, ram), that answers
 * for `range`; it goes with the device. */
enum sim_err bus_device_region(struct sim_device *dev, struct sim_range *range, struct bus_space *space,
                               const struct bus_region *what, uint64_t first);
struct bus_devices *bus_devices_create(void);
void bus_devices_destroy(struct bus *bus);
void bus_devices_eoi(struct bus *bus, uint8_t vector);

/* ---- bus.c ---- */

/* A memory access by a DMA master, with what its write may mean to a LAPIC. */
void bus_dma_read(struct bus *bus, struct sim_device *dev, sim_paddr paddr, void *out, size_t len);
void bus_dma_write(struct bus *bus, struct sim_device *dev, sim_paddr paddr, const void *in, size_t len);

/* ---- pci.c ---- */

struct bus_pci *bus_pci_create(void);
void bus_pci_destroy(struct bus_pci *pci);
void bus_pci_leave(struct bus *bus, struct sim_device *dev);

/* ---- media.c ---- */

void bus_media_destroy(struct bus *bus);

#endif
