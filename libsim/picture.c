/*
 * What is on the screen: pictures, text, PNG files.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libsim/machine.h"

#ifdef HAVE_LIBPNG
#include <png.h>
#endif

static struct sim_device *display(const struct sim *sim)
{
    struct sim_device *dev = NULL;

    while ((dev = bus_device_next(sim->bus, dev)) != NULL)
        if (dev->cls->picture)
            return dev;
    return NULL;
}

enum sim_err sim_picture(struct sim *sim, uint32_t *width, uint32_t *height, uint32_t **pixels)
{
    struct sim_device *dev = display(sim);
    struct sim_picture p;

    if (!dev || !dev->cls->picture(dev, &p))
        return sim_fail(SIM_ERR_UNSUPPORTED, "there is no picture: no display, or it is switched off");
    *width = p.width;
    *height = p.height;
    *pixels = p.pixels;
    return SIM_OK;
}

enum sim_err sim_text_screen(struct sim *sim, uint32_t *columns, uint32_t *rows, uint16_t *cells, size_t max, int *cursor_column, int *cursor_row)
{
    struct sim_device *dev = display(sim);
    struct sim_text_screen *t = malloc(sizeof(*t));
    bool text = t && dev && dev->cls->text && dev->cls->text(dev, t);
    size_t count;

    if (!text) {
        free(t);
        return sim_fail(SIM_ERR_UNSUPPORTED, "the screen is not in a text mode");
    }
    *columns = t->columns;
    *rows = t->rows;
    *cursor_column = t->cursor_column;
    *cursor_row = t->cursor_row;
    count = (size_t)t->columns * t->rows;
    memcpy(cells, t->cell, (count < max ? count : max) * sizeof(cells[0]));
    free(t);
    return SIM_OK;
}

#ifdef HAVE_LIBPNG
static bool write_png(const char *path, uint32_t width, uint32_t height, const uint32_t *pixels)
{
    png_image image = { .version = PNG_IMAGE_VERSION, .width = width, .height = height, .format = PNG_FORMAT_BGRA };
    uint32_t *opaque = malloc((size_t)width * height * 4);
    bool ok = false;

    if (opaque) {
        for (size_t n = 0; n < (size_t)width * height; n++)
            opaque[n] = pixels[n] | 0xff000000u;
        ok = png_image_write_to_file(&image, path, 0, opaque, 0, NULL);
        free(opaque);
    }
    return ok;
}
#endif

enum sim_err sim_screenshot(struct sim *sim, const char *path)
{
#ifdef HAVE_LIBPNG
    uint32_t width, height, *pixels;
    enum sim_err err = sim_picture(sim, &width, &height, &pixels);

    if (err)
        return err;
    if (!write_png(path, width, height, pixels))
        err = sim_fail(SIM_ERR_IO, "%s: the picture could not be written", path);
    free(pixels);
    return err;
#else
    (void)sim;
    return sim_fail(SIM_ERR_UNSUPPORTED, "%s: built without libpng", path);
#endif
}
