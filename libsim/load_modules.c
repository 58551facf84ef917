/*
 * Modules of a kernel: files that are put into memory behind it. They are read once, when the machine is made: a reset, and each run of the past
 * anew, finds the same bytes whatever became of the files.
 */
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "libsim/load.h"
#include "libsim/media_file.h"
#include "libsim/options.h"

/* "FILE[,ARGS]": the string is the file's name and its arguments, as GRUB has it. */
static enum sim_err read_module(struct sim *sim, const char *item, struct load_module *m)
{
    const char *comma = strchr(item, ',');
    char *path = strndup(item, comma ? (size_t)(comma - item) : strlen(item));
    enum sim_err err = SIM_OK;

    m->text = strdup(item);
    if (!path || !m->text)
        err = sim_fail(SIM_ERR_NOMEM, "out of memory");
    else
        err = media_file_read(path, sim->options->memory, &m->data);
    if (!err && comma)
        m->text[comma - item] = ' ';
    free(path);
    return err;
}

enum sim_err load_modules_read(struct sim *sim)
{
    const struct sim_options *o = sim->options;
    struct load_modules *list;
    enum sim_err err = SIM_OK;

    if (o->modules.count > LOAD_MAX_MODULES)
        return sim_fail(SIM_ERR_USAGE, "%u modules: at most %u", o->modules.count, LOAD_MAX_MODULES);
    sim->modules = list = calloc(1, sizeof(*list));
    if (!list)
        return sim_fail(SIM_ERR_NOMEM, "out of memory");
    for (unsigned n = 0; !err && n < o->modules.count; n++) {
        struct load_module *m = &list->module[list->count++];

        err = read_module(sim, o->modules.item[n], m);
        sim->config_digest ^= XXH3_64bits_withSeed(m->data.data, m->data.len, n + 1);
    }
    return err;
}

void load_forget(struct sim *sim)
{
    for (unsigned n = 0; sim->modules && n < sim->modules->count; n++) {
        free(sim->modules->module[n].text);
        sim_buf_fini(&sim->modules->module[n].data);
    }
    free(sim->modules);
    sim->modules = NULL;
}
