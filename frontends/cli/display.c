/*
 * The picture: where it is shown, and when.
 */
#include "frontends/cli/cli.h"

bool display_open(struct cli *cli)
{
    (void)cli;
    return true;
}

void display_service(struct cli *cli, bool stopped)
{
    (void)cli, (void)stopped;
}

bool display_wants_service(const struct cli *cli)
{
    (void)cli;
    return false;
}

void display_suspend(struct cli *cli)
{
    (void)cli;
}

void display_close(struct cli *cli)
{
    (void)cli;
}
