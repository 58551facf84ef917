/*
 * Media: disk, CD and floppy images.
 *
 * The image file is only ever read, through small interface functions handed in by libsim/ (no host files are opened
 * here); what the guest writes lives in an overlay, a bus_ram whose absent pages show the image.
 */
#ifndef LIBSIM_BUS_MEDIA_H
#define LIBSIM_BUS_MEDIA_H

#include "base/types.h"
#include "bus/device.h"
#include "bus/ram.h"

/* How the image's bytes are got. */
struct bus_image {
    uint64_t bytes;
    /* Reads [off, off+len) within `bytes`; false when the host failed. */
    bool (*read)(void *arg, uint64_t off, void *out, size_t len);
    void (*close)(void *arg); /* with the medium; may be NULL */
    void *arg;
};

/* Attaches an image to a channel ("ide0.0" primary master .. "ide1.1", "fd0"), before the device that uses it is made.
 * The overlay is a RAM named after the channel; read-only media have one that is never written. From here on the image
 * is the bus's to close, unless the call fails: SIM_ERR_OVERLAP when the channel has one, SIM_ERR_USAGE when it is
 * empty or above 1 TiB. */
enum sim_err bus_media_attach(struct bus *bus, const char *channel, const struct bus_image *image, bool read_only,
                              bool cdrom);
/* For `,rw` and `commit`: calls fn for each page in which the medium differs from the image, in order; the last one is cut
 * at the medium's end. SIM_ERR_UNKNOWN when the channel has no medium. */
enum sim_err bus_media_each_written(struct bus *bus, const char *channel,
                                    enum sim_err (*fn)(void *arg, uint64_t off, const uint8_t *data, size_t len), void *arg);

#endif
