/*
 * Where the serial ports lead: the terminal, a file, a pseudo-terminal, a socket, nowhere.
 *
 * Output is gathered and leaves when the machine pauses; a far end that does not read loses what does not fit, never holds up the machine.
 * Input is read no faster than the guest's line could carry it, so that its queue cannot overflow.
 */
#include "frontends/cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define OUT_MAX (256 * 1024)
#define BYTES_PER_SECOND 8000 /* simulated; the line carries 11520 */
#define BURST 512

enum kind { NOWHERE, STDIO, FILE_OUT, PTY, SOCKET };

struct port {
    enum kind kind;
    unsigned number;
    int in, out, listener; /* -1: none */
    char *text;            /* output that waits */
    size_t len, cap;
    bool lost;             /* said so */
    bool mid_line;         /* what was sent last was no end of a line */
    sim_cycles fed_at;     /* when input was given last */
};

/* ---- Opening ---- */

static bool open_file(struct port *p, const char *path)
{
    p->kind = FILE_OUT;
    p->out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (p->out < 0)
        return usage_error("--serial file:%s: %s", path, strerror(errno)), false;
    return true;
}

static bool open_pty(struct cli *cli, struct port *p)
{
    char name[64];

    p->kind = PTY;
    p->in = p->out = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (p->in < 0 || grantpt(p->in) != 0 || unlockpt(p->in) != 0 || ptsname_r(p->in, name, sizeof(name)) != 0)
        return usage_error("--serial pty: %s", strerror(errno)), false;
    fprintf(stderr, "sim: serial%u is %s\n", p->number, name);
    return true;
}

static int try_address(const struct addrinfo *a, bool listening)
{
    int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol), on = 1;

    if (fd < 0)
        return -1;
    if (listening)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (listening ? bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, 1) == 0 : connect(fd, a->ai_addr, a->ai_addrlen) == 0) {
        fcntl(fd, F_SETFL, O_NONBLOCK);
        return fd;
    }
    on = errno;
    close(fd);
    errno = on;
    return -1;
}

/* Whoever listens at H:P is called; if nobody does, we listen there. */
static bool open_socket(struct port *p, const char *spec)
{
    struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM }, *list = NULL;
    char *host = strdup(spec), *colon = host ? strrchr(host, ':') : NULL;
    int failed;

    p->kind = SOCKET;
    if (!colon || !colon[1]) {
        free(host);
        return usage_error("--serial tcp:%s: tcp:HOST:PORT", spec), false;
    }
    *colon = 0;
    failed = getaddrinfo(*host ? host : "localhost", colon + 1, &hints, &list);
    if (failed) {
        usage_error("--serial tcp:%s: %s", spec, gai_strerror(failed));
        free(host);
        return false;
    }
    for (const struct addrinfo *a = list; a && p->in < 0; a = a->ai_next)
        p->in = p->out = try_address(a, false);
    for (const struct addrinfo *a = list; a && p->in < 0 && p->listener < 0; a = a->ai_next)
        p->listener = try_address(a, true);
    if (p->in < 0 && p->listener < 0)
        failed = usage_error("--serial tcp:%s: %s", spec, strerror(errno));
    freeaddrinfo(list);
    free(host);
    return !failed;
}

static bool open_kind(struct cli *cli, struct port *p, const char *spec)
{
    if (strcmp(spec, "null") == 0)
        return true;
    if (strcmp(spec, "stdio") == 0) {
        p->kind = STDIO; /* what comes in there is terminal.c's to read */
        p->out = STDOUT_FILENO;
        return true;
    }
    if (strncmp(spec, "file:", 5) == 0 && spec[5])
        return open_file(p, spec + 5);
    if (strcmp(spec, "pty") == 0)
        return open_pty(cli, p);
    if (strncmp(spec, "tcp:", 4) == 0)
        return open_socket(p, spec + 4);
    return usage_error("--serial %s: stdio, file:PATH, pty, tcp:HOST:PORT or null", spec), false;
}

bool serial_open(struct cli *cli, unsigned n, const char *spec)
{
    struct port *p = calloc(1, sizeof(*p));

    if (!p)
        return usage_error("out of memory"), false;
    *p = (struct port){ .number = n, .in = -1, .out = -1, .listener = -1 };
    cli->port[n] = p;
    for (unsigned other = 0; other < n; other++)
        if (cli->port[other]->kind == STDIO && strcmp(spec, "stdio") == 0)
            return usage_error("--serial stdio: for one port only"), false;
    return open_kind(cli, p, spec);
}

int serial_on_stdio(const struct cli *cli)
{
    for (int n = 0; n < PORTS; n++)
        if (cli->port[n]->kind == STDIO)
            return n;
    return -1;
}

/* ---- Output ---- */

static void drop_client(struct port *p)
{
    if (p->kind == SOCKET && p->in >= 0) {
        close(p->in);
        p->in = p->out = -1;
    }
}

static void send_out(struct port *p)
{
    size_t sent = 0;

    while (p->out >= 0 && sent < p->len) {
        ssize_t n = write(p->out, p->text + sent, p->len - sent);

        if (n > 0)
            sent += (size_t)n;
        else if (n < 0 && errno == EINTR)
            continue;
        else if (n < 0 && errno == EAGAIN && p->kind == STDIO)
            poll(&(struct pollfd){ .fd = p->out, .events = POLLOUT }, 1, 100); /* a terminal that others made non-blocking */
        else if (n < 0 && errno == EAGAIN)
            break;
        else {
            drop_client(p);
            sent = p->len; /* nobody will ever read it */
        }
    }
    p->len -= sent;
    if (sent && p->len)
        memmove(p->text, p->text + sent, p->len);
}

void serial_output(struct cli *cli, unsigned n, const void *data, size_t len)
{
    struct port *p = cli->port[n];

    if (p->kind == NOWHERE)
        return;
    if (p->kind == STDIO && cli->opt.json) {
        report_text(cli, n ? "serial1" : "serial0", data, len);
        return;
    }
    if (p->len + len > p->cap) {
        size_t cap = (p->len + len) * 2 + 4096;
        char *grown = cap <= 2 * OUT_MAX ? realloc(p->text, cap) : NULL;

        if (!grown) {
            if (!p->lost)
                fprintf(stderr, "sim: serial%u: nobody reads there: text is lost\n", p->number);
            p->lost = true;
            return;
        }
        p->text = grown;
        p->cap = cap;
    }
    memcpy(p->text + p->len, data, len);
    p->len += len;
    if (len)
        p->mid_line = p->text[p->len - 1] != '\n';
    if (p->len > 8192 && (p->kind == STDIO || p->kind == FILE_OUT))
        send_out(p);
}

/* ---- Input ---- */

size_t serial_room(const struct cli *cli, sim_cycles *fed_at, size_t most)
{
    sim_cycles now = sim_position(cli->sim).cycle, passed = now - *fed_at;
    size_t room = passed > sim_clock_hz(cli->sim) || *fed_at == 0 ? most : (size_t)(passed * BYTES_PER_SECOND / sim_clock_hz(cli->sim));

    if (room)
        *fed_at = now ? now : 1;
    return room < most ? room : most;
}

void serial_input(struct cli *cli, unsigned n, const void *data, size_t len)
{
    if (len)
        sim_input_bytes(cli->sim, n ? "serial1" : "serial0", data, len);
}

static void take_in(struct cli *cli, struct port *p)
{
    char bytes[BURST];
    struct pollfd ready = { .fd = p->in, .events = POLLIN };
    size_t room;
    ssize_t got;

    if (poll(&ready, 1, 0) <= 0 || !(ready.revents & (POLLIN | POLLHUP | POLLERR)))
        return;
    room = serial_room(cli, &p->fed_at, sizeof(bytes));
    got = room ? read(p->in, bytes, room) : -1;
    if (got > 0)
        serial_input(cli, p->number, bytes, (size_t)got);
    else if (room && p->kind == SOCKET && (got == 0 || errno != EAGAIN))
        drop_client(p);
}

static void accept_client(struct port *p)
{
    int fd = accept(p->listener, NULL, NULL);

    if (fd < 0)
        return;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    p->in = p->out = fd;
}

void serial_service(struct cli *cli)
{
    for (unsigned n = 0; n < PORTS; n++) {
        struct port *p = cli->port[n];

        if (p->listener >= 0 && p->in < 0)
            accept_client(p);
        if (p->listener >= 0 && p->in < 0)
            p->len = p->len > OUT_MAX ? 0 : p->len; /* kept for the one who comes */
        send_out(p);
        if (p->in >= 0)
            take_in(cli, p);
    }
}

void serial_end_line(struct cli *cli)
{
    int n = serial_on_stdio(cli);

    serial_service(cli);
    if (n < 0 || !cli->port[n]->mid_line || cli->opt.json)
        return;
    cli->port[n]->mid_line = false;
    putchar('\n');
    fflush(stdout);
}

unsigned serial_poll(const struct cli *cli, struct pollfd *fds)
{
    unsigned count = 0;

    for (unsigned n = 0; n < PORTS; n++) {
        const struct port *p = cli->port[n];

        if (p->in >= 0 || p->listener >= 0)
            fds[count++] = (struct pollfd){ .fd = p->in >= 0 ? p->in : p->listener, .events = POLLIN };
    }
    return count;
}

void serial_close(struct cli *cli)
{
    for (unsigned n = 0; n < PORTS; n++) {
        struct port *p = cli->port[n];

        if (!p)
            continue;
        send_out(p);
        if (p->kind != STDIO && p->out >= 0)
            close(p->out);
        if (p->listener >= 0)
            close(p->listener);
        free(p->text);
        free(p);
        cli->port[n] = NULL;
    }
}
