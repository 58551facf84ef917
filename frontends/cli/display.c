/*
 * The picture: where it is shown, and when.
 */
#include "frontends/cli/display.h"

#define PERIOD (1.0 / 30)

bool display_open(struct cli *cli)
{
    enum display where = cli->opt.display;

    if (where == DISPLAY_AUTO && !cli->interactive)
        where = DISPLAY_NONE;
    if (where == DISPLAY_WINDOW || (where == DISPLAY_AUTO && window_possible())) {
        cli->window = window_open();
        if (!cli->window && where == DISPLAY_WINDOW)
            return usage_error("--display window: %s", window_error()), false;
    }
    if (where == DISPLAY_TERM || (where == DISPLAY_AUTO && !cli->window)) {
        cli->screen = cli->interactive ? screen_open() : NULL;
        if (!cli->screen && where == DISPLAY_TERM)
            return usage_error("--display term: needs a terminal, of 10 lines and 40 columns at least"), false;
    }
    cli->keys_to_keyboard = cli->screen && serial_on_stdio(cli) < 0;
    return true;
}

void display_service(struct cli *cli, bool stopped)
{
    double now = host_now();

    if ((!cli->window && !cli->screen) || now - cli->displayed < PERIOD)
        return;
    cli->displayed = now;
    if (cli->window)
        window_service(cli, stopped);
    if (cli->screen)
        screen_service(cli, stopped);
}

bool display_wants_service(const struct cli *cli)
{
    return cli->window != NULL;
}

void display_suspend(struct cli *cli)
{
    if (cli->screen)
        screen_suspend(cli->screen);
}

void display_close(struct cli *cli)
{
    window_close(cli->window);
    screen_close(cli->screen);
    cli->window = NULL;
    cli->screen = NULL;
}
