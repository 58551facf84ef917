#include "libsim/media_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libsim/options.h"

#define MAX_IMAGE_BYTES (2ull << 40)

struct media_file {
    struct media_file *next;
    char *path;
    char channel[8];
    uint64_t bytes;
    int fd;
    bool write_back;
};

bool media_file_readable(const char *path)
{
    return access(path, R_OK) == 0;
}

/* Opens a plain file (or block device) and tells its size. */
static enum sim_err open_image(const char *path, bool writable, int *fd, uint64_t *bytes)
{
    struct stat st;

    *fd = open(path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0)
        return sim_fail(SIM_ERR_IO, "%s: %s", path, strerror(errno));
    if (fstat(*fd, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)) {
        close(*fd);
        return sim_fail(SIM_ERR_FORMAT, "%s: not a plain file", path);
    }
    off_t end = lseek(*fd, 0, SEEK_END);
    if (end < 0) {
        int saved = errno;

        close(*fd);
        return sim_fail(SIM_ERR_IO, "%s: %s", path, strerror(saved));
    }
    *bytes = (uint64_t)end;
    return SIM_OK;
}

static bool read_at(int fd, uint64_t off, void *out, size_t len)
{
    uint8_t *p = out;

    while (len) {
        ssize_t n = pread(fd, p, len, (off_t)off);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        p += n;
        off += (uint64_t)n;
        len -= (size_t)n;
    }
    return true;
}

static enum sim_err read_open(const char *path, int fd, uint64_t bytes, struct sim_buf *out)
{
    uint8_t *data = malloc(bytes ? bytes : 1);
    enum sim_err err = SIM_OK;

    if (!data)
        err = sim_fail(SIM_ERR_NOMEM, "%s: out of memory", path);
    else if (!read_at(fd, 0, data, bytes))
        err = sim_fail(SIM_ERR_IO, "%s: could not be read", path);
    else
        sim_buf_put(out, data, bytes);
    free(data);
    close(fd);
    return err ? err : out->failed ? sim_fail(SIM_ERR_NOMEM, "%s: out of memory", path) : SIM_OK;
}

enum sim_err media_file_read(const char *path, uint64_t max_bytes, struct sim_buf *out)
{
    uint64_t bytes;
    int fd;
    enum sim_err err = open_image(path, false, &fd, &bytes);

    if (err)
        return err;
    if (bytes > max_bytes) {
        close(fd);
        return sim_fail(SIM_ERR_FORMAT, "%s: %llu bytes are too many (at most %llu)", path, (unsigned long long)bytes,
                        (unsigned long long)max_bytes);
    }
    return read_open(path, fd, bytes, out);
}

enum sim_err media_file_head(const char *path, uint64_t max_bytes, struct sim_buf *out)
{
    uint64_t bytes;
    int fd;
    enum sim_err err = open_image(path, false, &fd, &bytes);

    return err ? err : read_open(path, fd, bytes < max_bytes ? bytes : max_bytes, out);
}

/* ---- Media ---- */

static bool image_read(void *arg, uint64_t off, void *out, size_t len)
{
    return read_at(((struct media_file *)arg)->fd, off, out, len);
}

static void image_close(void *arg)
{
    struct media_file *m = arg;

    close(m->fd);
    m->fd = -1;
}

static enum sim_err lock_for_writing(const char *path, int fd)
{
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return SIM_OK;
    return sim_fail(SIM_ERR_IO, "%s: in use already by another writer", path);
}

static enum sim_err attach(struct sim *sim, const char *channel, const char *path, bool writable, bool cdrom)
{
    struct media_file *m = calloc(1, sizeof(*m));
    struct bus_image image = { .read = image_read, .close = image_close, .arg = m };
    enum sim_err err;

    if (!m || !(m->path = strdup(path))) {
        free(m);
        return sim_fail(SIM_ERR_NOMEM, "out of memory");
    }
    err = open_image(path, writable, &m->fd, &image.bytes);
    if (err) {
        free(m->path);
        free(m);
        return err;
    }
    strcpy(m->channel, channel);
    m->bytes = image.bytes;
    m->write_back = writable;
    m->next = sim->media;
    sim->media = m;
    if (image.bytes < 512 || image.bytes > MAX_IMAGE_BYTES)
        err = sim_fail(SIM_ERR_FORMAT, "%s: %llu bytes: a disk image has from 512 bytes to 2 TiB", path, (unsigned long long)image.bytes);
    if (!err && writable)
        err = lock_for_writing(path, m->fd);
    if (!err)
        err = bus_media_attach(sim->bus, channel, &image, cdrom, cdrom);
    if (err)
        image_close(m);
    return err;
}

/* "FILE,rw": only a trailing ",rw" is taken off. */
static enum sim_err attach_disk(struct sim *sim, const char *channel, const char *item)
{
    size_t len = strlen(item);
    bool writable = len > 3 && strcmp(item + len - 3, ",rw") == 0;
    char *path = strndup(item, writable ? len - 3 : len);
    enum sim_err err = path ? attach(sim, channel, path, writable, false) : sim_fail(SIM_ERR_NOMEM, "out of memory");

    free(path);
    return err;
}

enum sim_err media_open_all(struct sim *sim)
{
    static const char *const channels[] = { "ide0.0", "ide0.1", "ide1.0", "ide1.1" };
    const struct sim_options *o = sim->options;
    const char *cdrom = sim->image_kind == IMAGE_CDROM ? o->image : o->cdrom;
    bool image_in_floppy = sim->image_kind == IMAGE_DISK && o->boot == BOOT_FLOPPY, first = sim->image_kind == IMAGE_DISK && !image_in_floppy;
    unsigned next = 0;
    enum sim_err err = SIM_OK;

    if (sim->image_kind == IMAGE_CDROM && o->cdrom)
        return sim_fail(SIM_ERR_USAGE, "%s is a CD image, and --cdrom %s is given too", o->image, o->cdrom);
    if (o->floppy && image_in_floppy)
        return sim_fail(SIM_ERR_USAGE, "--boot floppy puts %s into the floppy drive, and --floppy %s is given too", o->image, o->floppy);
    if (o->floppy || image_in_floppy)
        err = attach_disk(sim, "fd0", o->floppy ? o->floppy : o->image);
    if (!err && cdrom)
        err = attach(sim, "ide1.0", cdrom, false, true);
    for (unsigned n = 0; !err && n < o->disks.count + first; n++) {
        const char *item = !first ? o->disks.item[n] : n ? o->disks.item[n - 1] : o->image;

        if (next == 2 && cdrom)
            next++;
        if (next >= 4)
            return sim_fail(SIM_ERR_USAGE, "disk %s: no room for more than four drives", item);
        err = attach_disk(sim, channels[next++], item);
        sim->disk_count++;
    }
    return err;
}

uint64_t media_bytes(const struct sim *sim, const char *channel)
{
    for (const struct media_file *m = sim->media; m; m = m->next)
        if (strcmp(m->channel, channel) == 0)
            return m->bytes;
    return 0;
}

/* ---- Writing back ---- */

static enum sim_err write_page(void *arg, uint64_t off, const uint8_t *data, size_t len)
{
    const struct media_file *m = arg;

    while (len) {
        ssize_t n = pwrite(m->fd, data, len, (off_t)off);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return sim_fail(SIM_ERR_IO, "%s: %s", m->path, n < 0 ? strerror(errno) : "nothing could be written");
        data += n;
        off += (uint64_t)n;
        len -= (size_t)n;
    }
    return SIM_OK;
}

enum sim_err media_commit(struct sim *sim)
{
    for (struct media_file *m = sim->media; m; m = m->next) {
        enum sim_err err;

        if (!m->write_back || m->fd < 0)
            continue;
        err = bus_media_each_written(sim->bus, m->channel, write_page, m);
        if (!err && fsync(m->fd) != 0)
            err = sim_fail(SIM_ERR_IO, "%s: %s", m->path, strerror(errno));
        if (err)
            return err;
    }
    return SIM_OK;
}

void media_forget_all(struct sim *sim)
{
    while (sim->media) {
        struct media_file *m = sim->media;

        sim->media = m->next;
        free(m->path);
        free(m);
    }
}
