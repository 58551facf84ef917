/*
 * The picture in a window, with keyboard and mouse, by SDL2. SDL's scan codes are USB HID usages, as the machine's keys are.
 *
 * A click into the window gives the mouse to the guest; Ctrl+Alt takes it back.
 */
#include "frontends/cli/display.h"

#include <stdlib.h>

static bool is_set(const char *name)
{
    const char *value = getenv(name);

    return value && *value;
}

bool window_possible(void)
{
    return is_set("DISPLAY") || is_set("WAYLAND_DISPLAY") || is_set("SDL_VIDEODRIVER");
}

#ifdef HAVE_SDL2

#include <SDL.h>
#include <stdio.h>
#include <string.h>

struct window {
    SDL_Window *window;
    SDL_Renderer *renderer;
    SDL_Texture *texture;
    uint32_t width, height;  /* of the texture */
    uint32_t *shown;         /* the pixels in it */
    bool grabbed;
    bool pressed[256];       /* keys that the guest holds */
    unsigned buttons;
    double titled;           /* host time, steps at the last title */
    sim_steps titled_steps;
    bool titled_stopped;
};

struct window *window_open(void)
{
    struct window *w;

    if (!window_possible()) { /* SDL would draw where nobody sees it */
        SDL_SetError("there is no display: DISPLAY and WAYLAND_DISPLAY are not set");
        return NULL;
    }
    w = calloc(1, sizeof(*w));
    SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
    SDL_SetHint(SDL_HINT_RENDER_SCALE_QUALITY, "0");
    if (!w || SDL_Init(SDL_INIT_VIDEO) != 0) {
        free(w);
        return NULL;
    }
    w->window = SDL_CreateWindow("sim", SDL_WINDOWPOS_UNDEFINED, SDL_WINDOWPOS_UNDEFINED, 720, 400, SDL_WINDOW_RESIZABLE);
    if (w->window)
        w->renderer = SDL_CreateRenderer(w->window, -1, 0);
    if (!w->renderer) {
        window_close(w);
        return NULL;
    }
    SDL_StartTextInput();
    return w;
}

const char *window_error(void)
{
    return SDL_GetError();
}

/* ---- The picture ---- */

static bool resize(struct window *w, uint32_t width, uint32_t height)
{
    SDL_Texture *texture = SDL_CreateTexture(w->renderer, SDL_PIXELFORMAT_RGB888, SDL_TEXTUREACCESS_STREAMING, (int)width, (int)height);

    if (!texture)
        return false;
    if (w->texture)
        SDL_DestroyTexture(w->texture);
    w->texture = texture;
    w->width = width;
    w->height = height;
    free(w->shown);
    w->shown = NULL;
    SDL_SetWindowSize(w->window, (int)width, (int)height);
    SDL_RenderSetLogicalSize(w->renderer, (int)width, (int)height);
    return true;
}

static void draw(struct window *w)
{
    SDL_RenderClear(w->renderer);
    if (w->texture)
        SDL_RenderCopy(w->renderer, w->texture, NULL, NULL);
    SDL_RenderPresent(w->renderer);
}

/* Only what has changed reaches the window. */
static void update(struct window *w, struct sim *sim)
{
    uint32_t width, height, *pixels;

    if (sim_picture(sim, &width, &height, &pixels) != SIM_OK || !width || !height)
        return;
    if ((width == w->width && height == w->height) || resize(w, width, height)) {
        bool same = w->shown && memcmp(w->shown, pixels, (size_t)width * height * 4) == 0;

        if (!same) {
            SDL_UpdateTexture(w->texture, NULL, pixels, (int)width * 4);
            draw(w);
            free(w->shown);
            w->shown = pixels;
            return;
        }
    }
    free(pixels);
}

/* "sim - 12,345,678 steps, 55 MIPS" */
static void update_title(struct window *w, struct sim *sim, bool stopped)
{
    double now = host_now(), passed = now - w->titled;
    sim_steps steps = sim_position(sim).step;
    char text[128];

    if (passed < 0.5 && stopped == w->titled_stopped)
        return;
    snprintf(text, sizeof(text), "sim - %s at step %llu", stopped ? "stopped" : "running", (unsigned long long)steps);
    if (!stopped && steps >= w->titled_steps && passed > 0)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), ", %.1f MIPS", (double)(steps - w->titled_steps) / passed / 1e6);
    if (w->grabbed)
        strcat(text, " - Ctrl+Alt frees the mouse");
    SDL_SetWindowTitle(w->window, text);
    w->titled = now;
    w->titled_steps = steps;
    w->titled_stopped = stopped;
}

/* ---- Input ---- */

static void grab(struct window *w, bool on)
{
    w->grabbed = on;
    SDL_SetRelativeMouseMode(on ? SDL_TRUE : SDL_FALSE);
    w->titled = 0;
}

static void press(struct window *w, struct sim *sim, unsigned usage, bool down)
{
    if (usage == 0 || usage > 0xe7 || w->pressed[usage] == down)
        return; /* a held key repeats by itself, in the guest's keyboard */
    w->pressed[usage] = down;
    sim_input_key(sim, (uint8_t)usage, down);
}

static void release_all(struct window *w, struct sim *sim)
{
    for (unsigned usage = 1; usage < 256; usage++)
        press(w, sim, usage, false);
}

static void mouse_button(struct window *w, struct sim *sim, const SDL_MouseButtonEvent *e)
{
    unsigned bit = e->button == SDL_BUTTON_LEFT ? 1 : e->button == SDL_BUTTON_RIGHT ? 2 : e->button == SDL_BUTTON_MIDDLE ? 4 : 0;

    if (!w->grabbed) {
        if (e->type == SDL_MOUSEBUTTONDOWN)
            grab(w, true);
        return;
    }
    w->buttons = e->type == SDL_MOUSEBUTTONDOWN ? w->buttons | bit : w->buttons & ~bit;
    sim_input_mouse(sim, 0, 0, 0, w->buttons);
}

static void take_event(struct window *w, struct cli *cli, const SDL_Event *e)
{
    switch (e->type) {
    case SDL_QUIT: cli->leaving = true; break;
    case SDL_KEYDOWN: case SDL_KEYUP:
        press(w, cli->sim, e->key.keysym.scancode, e->type == SDL_KEYDOWN);
        if (w->grabbed && w->pressed[SDL_SCANCODE_LCTRL] && w->pressed[SDL_SCANCODE_LALT]) {
            grab(w, false);
            release_all(w, cli->sim);
        }
        break;
    case SDL_MOUSEBUTTONDOWN: case SDL_MOUSEBUTTONUP: mouse_button(w, cli->sim, &e->button); break;
    case SDL_MOUSEMOTION:
        if (w->grabbed)
            sim_input_mouse(cli->sim, e->motion.xrel, e->motion.yrel, 0, w->buttons);
        break;
    case SDL_MOUSEWHEEL:
        if (w->grabbed)
            sim_input_mouse(cli->sim, 0, 0, e->wheel.y, w->buttons);
        break;
    case SDL_WINDOWEVENT:
        if (e->window.event == SDL_WINDOWEVENT_FOCUS_LOST) {
            release_all(w, cli->sim);
            if (w->grabbed)
                grab(w, false);
        }
        draw(w);
        break;
    default: break;
    }
}

void window_service(struct cli *cli, bool stopped)
{
    struct window *w = cli->window;
    SDL_Event e;

    while (SDL_PollEvent(&e))
        take_event(w, cli, &e);
    update(w, cli->sim);
    update_title(w, cli->sim, stopped);
}

void window_close(struct window *w)
{
    if (!w)
        return;
    free(w->shown);
    if (w->texture)
        SDL_DestroyTexture(w->texture);
    if (w->renderer)
        SDL_DestroyRenderer(w->renderer);
    if (w->window)
        SDL_DestroyWindow(w->window);
    SDL_Quit();
    free(w);
}

#else

struct window *window_open(void)
{
    return NULL;
}

const char *window_error(void)
{
    return "sim was built without SDL2";
}

void window_service(struct cli *cli, bool stopped)
{
    (void)cli, (void)stopped;
}

void window_close(struct window *w)
{
    (void)w;
}

#endif
