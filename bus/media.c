#include "bus/media.h"

#include "base/error.h"
#include "bus/private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct sim_media {
    struct sim_media *next;
    struct bus *bus;
    struct bus_image image;
    struct bus_ram *overlay; /* absent pages show the image */
    bool read_only, cdrom;
};

static void host_failed(const struct sim_media *m, uint64_t off)
{
    sim_log(m->bus->log, SIM_LOG_ERROR, m->overlay->name, "the image file cannot be read at byte %" PRIu64, off);
}

/* The fill of the overlay: the image's page, zeros behind its end. */
static bool fill(void *arg, uint64_t pfn, uint8_t out[SIM_PAGE_SIZE])
{
    struct sim_media *m = arg;
    uint64_t off = pfn << SIM_PAGE_SHIFT, left = m->image.bytes - off;
    size_t n = left < SIM_PAGE_SIZE ? (size_t)left : SIM_PAGE_SIZE;

    if (!m->image.read(m->image.arg, off, out, n)) {
        host_failed(m, off);
        return false;
    }
    memset(out + n, 0, SIM_PAGE_SIZE - n);
    return true;
}

static struct sim_media *find(struct bus *bus, const char *channel)
{
    struct sim_media *m = bus->media;

    while (m && strcmp(m->overlay->name, channel))
        m = m->next;
    return m;
}

static bool outside(const struct sim_media *m, uint64_t off, size_t len)
{
    return off > m->image.bytes || len > m->image.bytes - off;
}

/* ---- Device side ---- */

struct sim_media *sim_media_find(struct sim_device *dev, const char *channel)
{
    return find(dev->bus, channel);
}

uint64_t sim_media_bytes(const struct sim_media *media)
{
    return media->image.bytes;
}

bool sim_media_read_only(const struct sim_media *media)
{
    return media->read_only;
}

bool sim_media_is_cdrom(const struct sim_media *media)
{
    return media->cdrom;
}

bool sim_media_read(struct sim_media *media, uint64_t off, void *out, size_t len)
{
    uint8_t *to = out;

    if (outside(media, off, len))
        return false;
    while (len) {
        size_t in_page = off & SIM_PAGE_MASK;
        size_t n = SIM_PAGE_SIZE - in_page < len ? SIM_PAGE_SIZE - in_page : len;
        const uint8_t *data = media->overlay->page[off >> SIM_PAGE_SHIFT].data;

        /* What was never written is read straight from the image: reading a disk makes no pages. */
        if (data) {
            memcpy(to, data + in_page, n);
        } else if (!media->image.read(media->image.arg, off, to, n)) {
            host_failed(media, off);
            return false;
        }
        to += n;
        off += n;
        len -= n;
    }
    return true;
}

/* Can the pages at both ends, of which bytes are kept, be read? Those that are there already can. */
static bool ends_readable(struct sim_media *m, uint64_t off, size_t len)
{
    uint64_t ends[2] = { off, off + len - 1 };

    for (unsigned i = 0; i < 2; i++) {
        uint64_t pfn = ends[i] >> SIM_PAGE_SHIFT;
        uint8_t page[SIM_PAGE_SIZE];

        if (!m->overlay->page[pfn].data && !fill(m, pfn, page))
            return false;
    }
    return true;
}

bool sim_media_write(struct sim_media *media, uint64_t off, const void *in, size_t len)
{
    if (media->read_only || outside(media, off, len))
        return false;
    if (len == 0)
        return true;
    if (!ends_readable(media, off, len))
        return false;
    bus_ram_put(media->overlay, off, in, len);
    return true;
}

/* ---- Machine side ---- */

enum sim_err bus_media_attach(struct bus *bus, const char *channel, const struct bus_image *image, bool read_only,
                              bool cdrom)
{
    struct sim_media *m;
    enum sim_err err;

    if (find(bus, channel))
        return sim_fail(SIM_ERR_OVERLAP, "%s has a medium already", channel);
    m = calloc(1, sizeof(*m));
    if (!m)
        return sim_fail(SIM_ERR_NOMEM, "medium of %s", channel);
    err = bus_ram_create(&bus->memory, channel, image->bytes, true, &m->overlay);
    if (err) {
        free(m);
        return err;
    }
    m->bus = bus;
    m->image = *image;
    m->read_only = read_only;
    m->cdrom = cdrom;
    m->overlay->fill = fill;
    m->overlay->fill_arg = m;
    m->next = bus->media;
    bus->media = m;
    return SIM_OK;
}

struct each_written {
    const struct sim_media *media;
    enum sim_err (*fn)(void *arg, uint64_t off, const uint8_t *data, size_t len);
    void *arg;
};

static enum sim_err written_page(void *arg, struct bus_ram *ram, uint64_t pfn, const uint8_t *data)
{
    const struct each_written *each = arg;
    uint64_t off = pfn << SIM_PAGE_SHIFT, left = each->media->image.bytes - off;

    return each->fn(each->arg, off, data, left < SIM_PAGE_SIZE ? (size_t)left : SIM_PAGE_SIZE);
}

enum sim_err bus_media_each_written(struct bus *bus, const char *channel,
                                    enum sim_err (*fn)(void *arg, uint64_t off, const uint8_t *data, size_t len), void *arg)
{
    struct each_written each = { find(bus, channel), fn, arg };

    if (!each.media)
        return sim_fail(SIM_ERR_UNKNOWN, "%s has no medium", channel);
    return bus_ram_each_page(each.media->overlay, written_page, &each);
}

void bus_media_destroy(struct bus *bus)
{
    while (bus->media) {
        struct sim_media *m = bus->media;

        bus->media = m->next;
        bus_ram_destroy(m->overlay);
        if (m->image.close)
            m->image.close(m->image.arg);
        free(m);
    }
}
