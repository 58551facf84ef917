/*
 * Places where the picture can be shown. Each has an open (NULL: it cannot be), a service that takes input and shows what has changed,
 * and a close.
 */
#ifndef SIM_CLI_DISPLAY_H
#define SIM_CLI_DISPLAY_H

#include "frontends/cli/cli.h"

/* Does the host have a display? */
bool window_possible(void);
struct window *window_open(void);
const char *window_error(void); /* why the last open failed */
void window_service(struct cli *cli, bool stopped);
void window_close(struct window *w); /* NULL is allowed */

struct screen *screen_open(void);
void screen_service(struct cli *cli, bool stopped);
/* Makes the terminal whole again; the next service divides it anew. */
void screen_suspend(struct screen *s);
void screen_close(struct screen *s); /* NULL is allowed */

#endif
