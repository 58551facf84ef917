#include "libsim/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cpu/model.h"
#include "debug/dbg.h"

/* ---- Parsing ---- */

static bool number(const char *text, uint64_t *value, const char **end)
{
    char *stop;

    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    *value = strtoull(text, &stop, 0);
    *end = stop;
    return errno == 0;
}

bool options_size(const char *text, uint64_t *bytes)
{
    static const char units[] = "KMGT";
    const char *end, *unit;
    unsigned shift = 0;

    if (!number(text, bytes, &end))
        return false;
    if (*end && (unit = strchr(units, *end & ~0x20)) != NULL) {
        shift = 10 * (unsigned)(unit - units + 1);
        end++;
    }
    if (*end || (*bytes << shift) >> shift != *bytes)
        return false;
    *bytes <<= shift;
    return true;
}

static enum sim_err set_text(char **slot, const char *value)
{
    char *copy = strdup(value);

    if (!copy)
        return sim_fail(SIM_ERR_NOMEM, "out of memory");
    free(*slot);
    *slot = copy;
    return SIM_OK;
}

static enum sim_err list_add(struct options_list *list, const char *value)
{
    char **grown = realloc(list->item, (list->count + 1) * sizeof(*grown));

    if (grown)
        list->item = grown;
    if (!grown || !(list->item[list->count] = strdup(value)))
        return sim_fail(SIM_ERR_NOMEM, "out of memory");
    list->count++;
    return SIM_OK;
}

static enum sim_err bounded(const char *name, const char *value, uint64_t min, uint64_t max, uint64_t *out)
{
    const char *end;

    if (!number(value, out, &end) || *end || *out < min || *out > max)
        return sim_fail(SIM_ERR_USAGE, "%s %s: a number from %llu to %llu", name, value, (unsigned long long)min, (unsigned long long)max);
    return SIM_OK;
}

/* "2024-02-29", "2024-02-29T12:34:56", or "host". strptime takes any day up to 31, and a leap second; timegm makes another date of such a one. */
static enum sim_err set_rtc(struct sim_options *o, const char *value)
{
    struct tm tm = { .tm_mday = 1 }, given;
    const char *end;
    time_t when;

    if (strcmp(value, "host") == 0) {
        o->rtc = -1;
        return SIM_OK;
    }
    end = strptime(value, "%Y-%m-%d", &tm);
    if (end && *end == 'T')
        end = strptime(end + 1, "%H:%M:%S", &tm);
    given = tm;
    when = timegm(&tm);
    if (!end || *end || when < 0 || tm.tm_mday != given.tm_mday || tm.tm_sec != given.tm_sec)
        return sim_fail(SIM_ERR_USAGE, "rtc %s: a date from 1970 on, as 2024-02-29 or 2024-02-29T12:34:56, or host", value);
    o->rtc = when;
    return SIM_OK;
}

/* "3500000", "100M", "1G": powers of ten, for it is a frequency. */
static enum sim_err set_clock(struct sim_options *o, const char *value)
{
    const char *end;
    uint64_t hz, scale = 1;

    if (number(value, &hz, &end)) {
        if (*end == 'k' || *end == 'K' || *end == 'M' || *end == 'G')
            scale = *end == 'M' ? 1000000 : *end == 'G' ? 1000000000 : 1000, end++;
        if (!*end && hz <= 10000000000u / scale && hz * scale >= 1000000) {
            o->clock_hz = hz * scale;
            return SIM_OK;
        }
    }
    return sim_fail(SIM_ERR_USAGE, "clock %s: from 1M (1 MHz) to 10G", value);
}

static enum sim_err set_memory(struct sim_options *o, const char *value)
{
    uint64_t bytes;
    const char *end;

    /* A bare number is in MiB, as everywhere in the field. */
    if (number(value, &bytes, &end) && !*end && bytes <= 1u << 20)
        bytes <<= 20;
    else if (!options_size(value, &bytes))
        bytes = 0;
    if (bytes < 1u << 20 || bytes > 32ull << 30)
        return sim_fail(SIM_ERR_USAGE, "memory %s: from 1M to 32G (a bare number is in MiB)", value);
    o->memory = bytes & ~(uint64_t)SIM_PAGE_MASK;
    return SIM_OK;
}

static enum sim_err set_cpu(struct sim_options *o, const char *value)
{
    if (!cpu_model_find(value))
        return sim_fail(SIM_ERR_UNKNOWN, "cpu %s: no such model (--cpu help lists them)", value);
    return set_text(&o->cpu_model, value);
}

static enum sim_err set_boot(struct sim_options *o, const char *value)
{
    static const char *const words[] = { "auto", "disk", "cdrom", "floppy", "direct" };

    for (unsigned n = 0; n < sizeof(words) / sizeof(words[0]); n++)
        if (strcmp(value, words[n]) == 0) {
            o->boot = (enum image_boot)n;
            return SIM_OK;
        }
    return sim_fail(SIM_ERR_USAGE, "boot %s: disk, cdrom, floppy or direct", value);
}

static enum sim_err set_switch(const char *name, const char *value, bool *out)
{
    if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0)
        return sim_fail(SIM_ERR_USAGE, "%s %s: on or off", name, value);
    *out = strcmp(value, "on") == 0;
    return SIM_OK;
}

static enum sim_err set_timing(struct sim_options *o, const char *value)
{
    if (strcmp(value, "unit") != 0)
        return sim_fail(SIM_ERR_UNSUPPORTED, "timing %s: only unit is modelled", value);
    return set_text(&o->timing, value);
}

/* Only the names of settings: probes among the --stop-on words are the front end's to add. */
static enum sim_err set_stop_on(struct sim_options *o, const char *value)
{
    static const struct { const char *word; unsigned bit; } words[] = {
        { "triple-fault", DBG_STOP_TRIPLE_FAULT }, { "dead-halt", DBG_STOP_DEAD_HALT }, { "reset", DBG_STOP_RESET }, { "none", 0 },
    };
    unsigned bits = 0;

    while (*value) {
        size_t len = strcspn(value, ","), n = 0;

        while (n < 4 && (strlen(words[n].word) != len || strncmp(value, words[n].word, len) != 0))
            n++;
        if (n == 4)
            return sim_fail(SIM_ERR_USAGE, "stop-on %.*s: triple-fault, dead-halt, reset, none, or a probe", (int)len, value);
        bits |= words[n].bit;
        value += len + (value[len] == ',');
    }
    o->stop_on = bits;
    return SIM_OK;
}

static enum sim_err set_pace(struct sim_options *o, const char *value)
{
    if (strcmp(value, "fast") != 0 && strcmp(value, "line") != 0)
        return sim_fail(SIM_ERR_USAGE, "serial-pace %s: fast or line", value);
    return set_text(&o->serial_pace, value);
}

/* ---- The list of options ---- */

#define OPTIONS(X)                                                                                                          \
    X(image, set_text(&o->image, v), "kernel, disk, CD, boot sector or flat binary to boot")                                \
    X(memory, set_memory(o, v), "main memory: 64 (MiB), 512K, 2G; default 128")                                             \
    X(cpus, (err = bounded("cpus", v, 1, SIM_MAX_CPUS, &n)) ? err : (o->cpus = (uint32_t)n, SIM_OK), "number of CPUs, 1 to 8") \
    X(cpu, set_cpu(o, v), "CPU model; default max")                                                                         \
    X(quantum, (err = bounded("quantum", v, 1, 1000000000, &n)) ? err : (o->quantum = (uint32_t)n, SIM_OK),                 \
      "cycles that a CPU may run ahead of the next; default 1009")                                                          \
    X(seed, (err = bounded("seed", v, 0, UINT64_MAX, &n)) ? err : (o->seed = n, SIM_OK), "draws each turn from 1..quantum; 0: fixed turns") \
    X(timing, set_timing(o, v), "timing model: unit")                                                                       \
    X(clock, set_clock(o, v), "CPU clock: 100M, 1G; default 1G")                                                            \
    X(rtc, set_rtc(o, v), "date at power-on: 2024-02-29T12:34:56, or host; default 2020-01-01")                             \
    X(bios, set_text(&o->bios, v), "firmware image; default: SeaBIOS of the distribution")                                  \
    X(vgabios, set_text(&o->vgabios, v), "VGA BIOS image; default: SeaBIOS's of the distribution")                          \
    X(boot, set_boot(o, v), "disk, cdrom, floppy, or direct (no firmware)")                                                 \
    X(append, set_text(&o->append, v), "command line of the kernel")                                                        \
    X(module, list_add(&o->modules, v), "FILE[,ARGS]: a Multiboot module; may be repeated")                                 \
    X(initrd, set_text(&o->initrd, v), "initial ramdisk of a Linux kernel")                                                 \
    X(disk, list_add(&o->disks, v), "FILE[,rw]: a hard disk, up to 4; without rw the file is never written")                \
    X(cdrom, set_text(&o->cdrom, v), "CD image")                                                                            \
    X(floppy, set_text(&o->floppy, v), "FILE[,rw]: a diskette")                                                             \
    X(device, list_add(&o->devices, v), "CLASS[,PROP=VALUE...]: a further device")                                          \
    X(plugin, list_add(&o->plugins, v), "FILE.so: device classes from a shared object")                                     \
    X(symbols, list_add(&o->symbols, v), "FILE[,OFFSET]: symbols of an ELF file")                                           \
    X(serial_pace, set_pace(o, v), "fast: 115200 baud whatever the divisor; line: by the divisor")                          \
    X(timeline, set_switch("timeline", v, &o->timeline), "on, off: keep checkpoints for going back")                        \
    X(timeline_memory, options_size(v, &o->timeline_budget) ? SIM_OK : sim_fail(SIM_ERR_USAGE, "timeline-memory %s: a size as 512M", v), \
      "host memory for checkpoints; default 1G")                                                                            \
    X(stop_on, set_stop_on(o, v), "triple-fault,dead-halt,reset or none; default triple-fault,dead-halt")

static bool same_name(const char *option, const char *name)
{
    while (*option && (*option == *name || (*option == '_' && *name == '-')))
        option++, name++;
    return !*option && !*name;
}

static enum sim_err option_set(struct sim_options *o, const char *name, const char *v)
{
    enum sim_err err = SIM_OK;
    uint64_t n;

#define X(option, action, help) if (same_name(#option, name)) return action;
    OPTIONS(X)
#undef X
    (void)n;
    (void)err;
    return sim_fail(SIM_ERR_UNKNOWN, "no option named '%s'", name);
}

/* ---- Life ---- */

struct sim_options *options_new(void)
{
    struct sim_options *o = calloc(1, sizeof(*o));

    if (!o)
        return NULL;
    o->memory = 128u << 20;
    o->clock_hz = 1000000000;
    o->cpus = 1;
    o->quantum = 101; /* short, for spin locks without PAUSE; a prime, for loops of round lengths not to beat with it */
    o->rtc = 1577836800;
    o->timeline = true;
    o->stop_on = DBG_STOP_TRIPLE_FAULT | DBG_STOP_DEAD_HALT;
    return o;
}

#define TEXTS(X) X(image) X(cpu_model) X(timing) X(bios) X(vgabios) X(append) X(initrd) X(cdrom) X(floppy) X(serial_pace)
#define LISTS(X) X(modules) X(disks) X(devices) X(plugins) X(symbols)

void options_free(struct sim_options *o)
{
    if (!o)
        return;
#define X(member) free(o->member);
    TEXTS(X)
#undef X
#define X(member)                                     \
    for (unsigned n = 0; n < o->member.count; n++)    \
        free(o->member.item[n]);                      \
    free(o->member.item);
    LISTS(X)
#undef X
    free(o);
}

struct sim_options *options_copy(const struct sim_options *from)
{
    struct sim_options *o = malloc(sizeof(*o));
    bool ok = true;

    if (!o)
        return NULL;
    *o = *from;
#define X(member) o->member = NULL;
    TEXTS(X)
#undef X
#define X(member) o->member = (struct options_list){ NULL, 0 };
    LISTS(X)
#undef X
#define X(member) ok = ok && (!from->member || set_text(&o->member, from->member) == SIM_OK);
    TEXTS(X)
#undef X
#define X(member)                                        \
    for (unsigned n = 0; n < from->member.count; n++)    \
        ok = ok && list_add(&o->member, from->member.item[n]) == SIM_OK;
    LISTS(X)
#undef X
    if (ok)
        return o;
    options_free(o);
    return NULL;
}

/* ---- The public calls ---- */

void sim_config_init(struct sim_config *cfg)
{
    cfg->options = options_new(); /* NULL is reported by the first use */
}

void sim_config_fini(struct sim_config *cfg)
{
    options_free(cfg->options);
    cfg->options = NULL;
}

enum sim_err sim_config_set(struct sim_config *cfg, const char *name, const char *value)
{
    if (!cfg->options)
        return sim_fail(SIM_ERR_NOMEM, "out of memory for the configuration");
    return option_set(cfg->options, name, value);
}

enum sim_err sim_config_image(struct sim_config *cfg, const void *data, size_t len)
{
    if (!cfg->options)
        return sim_fail(SIM_ERR_NOMEM, "out of memory for the configuration");
    cfg->options->image_data = data;
    cfg->options->image_data_len = len;
    return SIM_OK;
}

bool sim_config_option(unsigned n, const char **name, const char **help)
{
    static const struct { const char *name, *help; } list[] = {
#define X(option, action, help) { #option, help },
        OPTIONS(X)
#undef X
    };

    if (n >= sizeof(list) / sizeof(list[0]))
        return false;
    *name = list[n].name;
    *help = list[n].help;
    return true;
}
