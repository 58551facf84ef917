/*
 * Ctrl-C while a call into the library runs the machine: a thread listens to the client meanwhile. The one that made the call is in the
 * library all that time, and touches nothing of what this one does (`in`, and the socket for reading).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frontends/gdb/private.h"

struct break_in {
    struct gdb_server *s;
    pthread_t thread;
    int wake[2];
    bool gone; /* the client is */
};

/* Takes the Ctrl-Cs out of what has come: between packets a byte 3 is one, within a packet it may be anything. */
static bool take_break(struct gdb_server *s)
{
    unsigned inside = 0; /* 3 from '$' to '#', then the digits of the sum */
    bool found = false;

    for (size_t n = s->in_at; n < s->in_len; n++) {
        uint8_t byte = s->in[n];

        if (inside == 0 && byte == 3) {
            memmove(s->in + n, s->in + n + 1, s->in_len - n - 1);
            s->in_len--;
            n--;
            found = true;
        } else if (byte == '$') {
            inside = 3;
        } else if (inside && (inside < 3 || byte == '#')) {
            inside--;
        }
    }
    return found;
}

static void *listener(void *arg)
{
    struct break_in *b = arg;
    struct gdb_server *s = b->s;

    for (;;) {
        bool room = s->in_len - s->in_at < sizeof(s->in) && !b->gone;
        struct pollfd p[2] = { { .fd = b->wake[0], .events = POLLIN }, { .fd = room ? s->in_fd : -1, .events = POLLIN } };

        if (poll(p, 2, -1) < 0 && errno != EINTR)
            return NULL;
        if (p[0].revents)
            return NULL;
        if (p[1].revents)
            b->gone = !server_fill(s);
        if (take_break(s) || b->gone)
            sim_interrupt(s->sim);
    }
}

struct break_in *break_in_begin(struct gdb_server *s)
{
    struct break_in *b = calloc(1, sizeof(*b));

    server_acknowledge(s);
    if (!b)
        return NULL; /* then it cannot be interrupted */
    b->s = s;
    if (take_break(s)) /* it came with the packet */
        sim_interrupt(s->sim);
    if (pipe2(b->wake, O_CLOEXEC) != 0) {
        free(b);
        return NULL;
    }
    if (pthread_create(&b->thread, NULL, listener, b) == 0)
        return b;
    close(b->wake[0]);
    close(b->wake[1]);
    free(b);
    return NULL;
}

void break_in_end(struct break_in *b)
{
    if (!b)
        return;
    close(b->wake[1]); /* the listener's end becomes readable */
    pthread_join(b->thread, NULL);
    close(b->wake[0]);
    b->s->gone |= b->gone;
    free(b);
}
