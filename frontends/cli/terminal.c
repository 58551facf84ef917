/*
 * The terminal while the machine runs: raw, so that the guest gets every key but Ctrl-C, which opens the monitor, and Ctrl-A, which
 * begins an escape:
 *
 *     Ctrl-A c   send Ctrl-C to the guest       Ctrl-A x   leave sim
 *     Ctrl-A a   send Ctrl-A to the guest       Ctrl-A m   open the monitor
 *     Ctrl-A s   write a screenshot             Ctrl-A k   keys to the keyboard, or to COM1 again
 *     Ctrl-A h   list these
 */
#include "frontends/cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define CTRL_A 1
#define CTRL_C 3

/* One terminal, one process: what has to be put back when it ends, however it ends. */
static struct termios cooked;
static bool is_raw;

/* Does anybody want what comes there? */
static bool reads_stdin(const struct cli *cli)
{
    return !cli->stdin_ended && (serial_on_stdio(cli) >= 0 || cli->screen);
}

/* In the background of a terminal, reading from it or setting it would stop us. */
static bool in_foreground(void)
{
    return !isatty(STDIN_FILENO) || tcgetpgrp(STDIN_FILENO) == getpgrp();
}

void terminal_raw(struct cli *cli)
{
    struct termios raw;

    if (is_raw || !cli->interactive || !reads_stdin(cli) || !in_foreground() || tcgetattr(STDIN_FILENO, &cooked) != 0)
        return;
    raw = cooked;
    raw.c_iflag &= ~(tcflag_t)(BRKINT | ICRNL | INLCR | IGNCR | ISTRIP | IXON);
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | IEXTEN);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    raw.c_cc[VINTR] = CTRL_C;
    raw.c_cc[VQUIT] = raw.c_cc[VSUSP] = _POSIX_VDISABLE;
    is_raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

void terminal_cooked(void)
{
    if (is_raw)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &cooked);
    is_raw = false;
}

static void escape_help(void)
{
    fputs("\r\nCtrl-C or Ctrl-A m: the monitor.  Ctrl-A x: leave.  Ctrl-A c: send Ctrl-C.  Ctrl-A a: send Ctrl-A.\r\n"
          "Ctrl-A s: screenshot.  Ctrl-A k: keys to the keyboard, or to COM1 again.\r\n", stderr);
}

static void screenshot(struct cli *cli)
{
    char name[40];

    snprintf(name, sizeof(name), "sim-%llu.png", (unsigned long long)sim_position(cli->sim).step);
    if (sim_screenshot(cli->sim, name) == SIM_OK)
        fprintf(stderr, "\r\n%s\r\n", name);
    else
        fprintf(stderr, "\r\nscreenshot: %s\r\n", sim_last_error());
}

/* What follows Ctrl-A. True: *out is for the guest. */
static bool escape(struct cli *cli, char key, char *out)
{
    switch (key) {
    case 'a': case CTRL_A: *out = CTRL_A; return true;
    case 'c': *out = CTRL_C; return true;
    case 'x': cli->leaving = true; sim_interrupt(cli->sim); return false;
    case 'm': sim_interrupt(cli->sim); return false;
    case 's': screenshot(cli); return false;
    case 'k': cli->keys_to_keyboard = !cli->keys_to_keyboard || serial_on_stdio(cli) < 0; return false;
    default: escape_help(); return false;
    }
}

/* Takes out the escapes, and does what they say. Returns how many bytes are left. */
static size_t filter(struct cli *cli, char *bytes, size_t len)
{
    size_t kept = 0;

    if (!is_raw)
        return len;
    for (size_t n = 0; n < len; n++) {
        if (cli->escaping) {
            cli->escaping = false;
            kept += escape(cli, bytes[n], &bytes[kept]);
        } else if (bytes[n] == CTRL_A) {
            cli->escaping = true;
        } else {
            bytes[kept++] = bytes[n];
        }
    }
    return kept;
}

bool terminal_poll(const struct cli *cli, struct pollfd *fd)
{
    *fd = (struct pollfd){ .fd = STDIN_FILENO, .events = POLLIN };
    return reads_stdin(cli) && in_foreground();
}

void terminal_service(struct cli *cli)
{
    char bytes[512];
    struct pollfd ready;
    size_t room;
    ssize_t got;

    if (!terminal_poll(cli, &ready) || poll(&ready, 1, 0) <= 0)
        return;
    room = serial_room(cli, &cli->stdin_fed_at, sizeof(bytes));
    got = room ? read(STDIN_FILENO, bytes, room) : -1;
    if (got > 0) {
        size_t len = filter(cli, bytes, (size_t)got);

        if (cli->keys_to_keyboard)
            keys_type(cli->sim, bytes, len);
        else
            serial_input(cli, (unsigned)serial_on_stdio(cli), bytes, len);
    } else if (room && (got == 0 || errno != EINTR)) {
        cli->stdin_ended = true;
    }
}
