/*
 * The connection: where the server listens, the client it has, the bytes between them. What they mean is in rsp.c.
 */
#include "frontends/gdb/gdb.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "frontends/gdb/private.h"

#define SEND_TIMEOUT_MS 5000
#define LAST_ACK_MS 200

/* ---- Listening ---- */

/* A socket file that nobody listens to any more is in the way; one that somebody listens to is theirs, and so is anything else. */
static void remove_stale(const struct sockaddr_un *at)
{
    struct stat st;
    int fd;

    if (lstat(at->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
        return;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (connect(fd, (const struct sockaddr *)at, sizeof(*at)) != 0 && errno == ECONNREFUSED)
        unlink(at->sun_path);
    close(fd);
}

static enum sim_err listen_unix(struct gdb_server *s, const char *path)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };

    if (!*path || strlen(path) >= sizeof(at.sun_path))
        return sim_fail(SIM_ERR_USAGE, "gdb unix:%s: a path of 1 to %zu bytes", path, sizeof(at.sun_path) - 1);
    strcpy(at.sun_path, path);
    remove_stale(&at);
    s->unlink_path = strdup(path);
    if (!s->unlink_path)
        return sim_fail(SIM_ERR_NOMEM, "out of memory");
    s->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s->listen_fd >= 0 && bind(s->listen_fd, (const struct sockaddr *)&at, sizeof(at)) == 0 && listen(s->listen_fd, 1) == 0)
        return SIM_OK;
    free(s->unlink_path); /* not ours */
    s->unlink_path = NULL;
    return sim_fail(SIM_ERR_IO, "gdb unix:%s: cannot listen there: %s", path, strerror(errno));
}

static int try_listen(const struct addrinfo *ai)
{
    int on = 1, fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, ai->ai_protocol);

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, 1) == 0)
        return fd;
    on = errno;
    close(fd);
    errno = on;
    return -1;
}

/* "1234", ":1234", "localhost:1234", "[::1]:1234". */
static enum sim_err split_address(const char *address, char *host, size_t cap, const char **port)
{
    const char *colon = strrchr(address, ':');
    size_t len = colon ? (size_t)(colon - address) : 0;
    char *end;
    long number;

    *port = colon ? colon + 1 : address;
    number = strtol(*port, &end, 10);
    if (**port < '0' || **port > '9' || *end || number > 65535)
        return sim_fail(SIM_ERR_USAGE, "gdb %s: PORT, HOST:PORT, unix:PATH or stdio; a port is a number up to 65535", address);
    if (len >= 2 && address[0] == '[' && address[len - 1] == ']') {
        address++;
        len -= 2;
    }
    if (len >= cap)
        return sim_fail(SIM_ERR_USAGE, "gdb: the host's name is too long");
    snprintf(host, cap, "%.*s", (int)len, len ? address : "");
    if (!len)
        snprintf(host, cap, "127.0.0.1");
    return SIM_OK;
}

static enum sim_err listen_tcp(struct gdb_server *s, const char *address)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV }, *all;
    const char *port;
    char host[256];
    enum sim_err err = split_address(address, host, sizeof(host), &port);
    int failure;

    if (err)
        return err;
    failure = getaddrinfo(host, port, &hints, &all);
    if (failure)
        return sim_fail(SIM_ERR_IO, "gdb %s: %s", address, gai_strerror(failure));
    for (const struct addrinfo *ai = all; ai && s->listen_fd < 0; ai = ai->ai_next)
        s->listen_fd = try_listen(ai);
    failure = errno;
    freeaddrinfo(all);
    return s->listen_fd >= 0 ? SIM_OK : sim_fail(SIM_ERR_IO, "gdb %s: cannot listen there: %s", address, strerror(failure));
}

/* ---- The client ---- */

static void client_came(struct gdb_server *s, int in_fd, int out_fd)
{
    s->in_fd = in_fd;
    s->out_fd = out_fd;
    s->in_at = s->in_len = 0;
    s->last_len = 0;
    s->gone = s->owes_ack = false;
    memset(&s->reader, 0, sizeof(s->reader));
    rsp_start(s);
}

static void accept_client(struct gdb_server *s)
{
    int on = 1, fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd < 0)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* fails on a Unix socket, which needs it not */
    client_came(s, fd, fd);
}

static void close_client(struct gdb_server *s)
{
    if (!s->is_stdio && s->in_fd >= 0)
        close(s->in_fd);
    s->in_fd = s->out_fd = -1;
}

void server_detach(struct gdb_server *s)
{
    breaks_clear(s);
    s->attached = s->running = false;
    close_client(s);
}

bool server_fill(struct gdb_server *s)
{
    ssize_t got;

    if (s->in_at) {
        memmove(s->in, s->in + s->in_at, s->in_len - s->in_at);
        s->in_len -= s->in_at;
        s->in_at = 0;
    }
    if (s->in_len == sizeof(s->in))
        return true;
    got = read(s->in_fd, s->in + s->in_len, sizeof(s->in) - s->in_len);
    if (got > 0)
        s->in_len += (size_t)got;
    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

static bool send_some(struct gdb_server *s, const char **data, size_t *len)
{
    struct pollfd p = { .fd = s->out_fd, .events = POLLOUT };
    ssize_t sent = s->is_stdio ? write(s->out_fd, *data, *len) : send(s->out_fd, *data, *len, MSG_NOSIGNAL);

    if (sent > 0) {
        *data += sent;
        *len -= (size_t)sent;
        return true;
    }
    if (sent < 0 && errno == EINTR)
        return true;
    return sent < 0 && errno == EAGAIN && poll(&p, 1, SEND_TIMEOUT_MS) > 0;
}

static void send_raw(struct gdb_server *s, const char *data, size_t len)
{
    while (len && !s->gone && s->out_fd >= 0)
        s->gone = !send_some(s, &data, &len);
}

void server_send(struct gdb_server *s, const char *data, size_t len)
{
    bool with_ack = s->owes_ack;

    s->owes_ack = false;
    s->last[0] = '+';
    s->last_len = packet_frame(data, len, s->last + 1);
    send_raw(s, s->last + !with_ack, s->last_len + with_ack);
}

void server_send_last(struct gdb_server *s, const char *data, size_t len)
{
    struct pollfd p = { .fd = s->in_fd, .events = POLLIN };

    server_send(s, data, len);
    if (!s->no_ack && !s->gone && s->in_at == s->in_len && poll(&p, 1, LAST_ACK_MS) > 0)
        server_fill(s);
}

void server_acknowledge(struct gdb_server *s)
{
    if (s->owes_ack)
        send_raw(s, "+", 1);
    s->owes_ack = false;
}

void server_console(struct gdb_server *s, const char *text, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    char packet[1 + 2 * 512];

    while (len) {
        size_t part = len < 512 ? len : 512;

        packet[0] = 'O';
        for (size_t n = 0; n < part; n++) {
            packet[1 + 2 * n] = digits[(uint8_t)text[n] >> 4];
            packet[2 + 2 * n] = digits[(uint8_t)text[n] & 15];
        }
        server_send(s, packet, 1 + 2 * part);
        text += part;
        len -= part;
    }
}

/* ---- Bytes into packets ---- */

static void take_event(struct gdb_server *s, enum packet_event event)
{
    switch (event) {
    case PACKET_NONE: break;
    case PACKET_BROKEN:
        if (!s->no_ack)
            send_raw(s, "-", 1);
        break;
    case PACKET_AGAIN:
        if (!s->no_ack)
            send_raw(s, s->last + 1, s->last_len);
        break;
    case PACKET_BREAK: rsp_broken(s); break;
    case PACKET_TOO_LONG: case PACKET_COMPLETE:
        s->owes_ack = !s->no_ack && s->held.len;
        if (!s->no_ack && !s->owes_ack)
            send_raw(s, "+", 1);
        if (event == PACKET_COMPLETE)
            rsp_packet(s, s->reader.data, s->reader.len);
        else
            server_send(s, "E01", 3);
        server_acknowledge(s);
        break;
    }
}

static void take_bytes(struct gdb_server *s)
{
    while (s->attached && !s->gone && !s->killed && s->in_at < s->in_len)
        take_event(s, packet_read(&s->reader, s->in[s->in_at++]));
}

static bool readable(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };

    return fd >= 0 && poll(&p, 1, 0) > 0;
}

/* ---- The calls of gdb.h ---- */

enum sim_err gdb_server_open(struct sim *sim, const char *address, struct gdb_server **out)
{
    struct gdb_server *s = calloc(1, sizeof(*s));
    enum sim_err err = SIM_OK;

    if (!s)
        return sim_fail(SIM_ERR_NOMEM, "out of memory for the gdb server");
    s->sim = sim;
    s->listen_fd = s->in_fd = s->out_fd = -1;
    if (strcmp(address, "stdio") == 0) {
        s->is_stdio = true;
        client_came(s, STDIN_FILENO, STDOUT_FILENO);
    } else if (strncmp(address, "unix:", 5) == 0) {
        err = listen_unix(s, address + 5);
    } else {
        err = listen_tcp(s, address);
    }
    if (err) {
        gdb_server_close(s);
        return err;
    }
    *out = s;
    return SIM_OK;
}

int gdb_server_fd(const struct gdb_server *s)
{
    return s->in_fd >= 0 ? s->in_fd : s->listen_fd;
}

bool gdb_server_service(struct gdb_server *s)
{
    if (s->in_fd < 0 && readable(s->listen_fd))
        accept_client(s);
    if (s->in_fd >= 0 && readable(s->in_fd) && !server_fill(s))
        s->gone = true;
    take_bytes(s);
    if (s->in_fd >= 0 && (s->gone || !s->attached))
        server_detach(s);
    return !s->killed;
}

bool gdb_server_attached(const struct gdb_server *s)
{
    return s->attached;
}

bool gdb_server_running(const struct gdb_server *s)
{
    return !s->attached || s->running;
}

void gdb_server_stopped(struct gdb_server *s, const struct sim_stop *stop)
{
    if (s->attached && s->running)
        rsp_stopped(s, stop);
}

void gdb_server_exits(struct gdb_server *s, int status)
{
    char reply[8];

    if (!s || !s->attached || !s->running)
        return;
    snprintf(reply, sizeof(reply), "W%02x", status & 0xffu);
    server_send_last(s, reply, strlen(reply));
    s->attached = false;
}

void gdb_server_close(struct gdb_server *s)
{
    if (!s)
        return;
    server_detach(s);
    if (s->listen_fd >= 0)
        close(s->listen_fd);
    if (s->unlink_path)
        unlink(s->unlink_path);
    free(s->unlink_path);
    free(s->xml);
    free(s);
}
