/*
 * Two 8237A DMA controllers as a PC has them: channels 0-3 move bytes (ports 00h-0Fh), channels 5-7 words (C0h-DFh),
 * channel 4 is the first controller's way through the second. Page registers at 81h-8Fh.
 *
 * Data sheets: Intel 8237A High Performance Programmable DMA Controller (231466); 82371SB PIIX3 (290550) for the pages.
 *
 * A device on the ISA bus finds it by its name and calls dma_transfer(); the data moves at once. Channels 0-3 work only
 * while channel 4 is unmasked and its controller enabled, as on the board.
 *
 * Not modelled: memory-to-memory transfers, software requests, priorities, timing and signal senses: those bits are kept
 * and, where they would move data, said once. The page registers that belong to no channel are plain memory; port 80h
 * is the POST code's (sysctl.h).
 */
#ifndef LIBSIM_DEVICES_DMA_H
#define LIBSIM_DEVICES_DMA_H

#include "bus/device.h"

extern const struct sim_device_class dma_class; /* "i8237a", no properties */

/* The device of this channel asserts or withdraws DREQ: shows in the status register. Channels 0-3, 5-7. */
void dma_set_request(struct sim_device *dma, unsigned channel, bool requested);

/*
 * Moves up to `len` bytes between the device and memory, in the direction the channel is programmed for: into memory from
 * `data`, from memory into `data`, or nowhere (verify). On a word channel the last odd byte stays.
 *
 * Returns how many bytes the controller took: 0 when the channel is masked, off or in cascade mode; less than `len`
 * when the count ran out, which sets *terminal_count (TC).
 */
size_t dma_transfer(struct sim_device *dma, unsigned channel, void *data, size_t len, bool *terminal_count);

#endif
