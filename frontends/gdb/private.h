/*
 * The server's inside, shared by the files of frontends/gdb.
 *
 *   gdb_server.c  sockets, and the calls of gdb.h     rsp_regs.c    g G p P
 *   packet.c      framing, both ways                  rsp_memory.c  m M x X
 *   text.c        hex, cursors over a packet, replies rsp_break.c   Z z
 *   rsp.c         the table of packets                rsp_run.c     c s vCont bc bs, stop replies
 *   rsp_query.c   q Q                                 rsp_mode.c    16-bit and 32-bit code
 *   break_in.c    the client's Ctrl-C during a call   rsp_monitor.c monitor
 *   target_xml.c  registers, and what they are
 */
#ifndef LIBSIM_GDB_PRIVATE_H
#define LIBSIM_GDB_PRIVATE_H

#include "frontends/gdb/gdb.h"
#include "libsim/device.h"

/* ---- Limits ---- */

#define PACKET_BYTES 16384  /* of content, in and out; announced as PacketSize */
#define MAX_BREAKS   1024   /* breakpoints and watchpoints of a client */
#define BREAK_PROBES 8      /* CPUs */

/* ---- Text (text.c) ---- */

/* What is still to be read of a packet. */
struct cursor {
    const uint8_t *at, *end;
};

size_t cursor_left(const struct cursor *c);
/* The next byte is `ch`: takes it. */
bool cursor_take(struct cursor *c, char ch);
/* The packet goes on with `text`: takes it. */
bool cursor_take_text(struct cursor *c, const char *text);
/* A hexadecimal number of 1 to 16 digits. False: none is there, or it is longer. */
bool cursor_hex(struct cursor *c, uint64_t *value);
/* `len` bytes written as pairs of digits. */
bool cursor_hex_bytes(struct cursor *c, uint8_t *out, size_t len);

/* A reply, or any text of bounded size. What does not fit sets `overflow`. */
struct text {
    size_t len;
    bool overflow;
    char data[PACKET_BYTES];
};

void text_clear(struct text *t);
void text_put(struct text *t, const void *data, size_t len);
void text_str(struct text *t, const char *s);
void text_printf(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void text_hex_bytes(struct text *t, const void *data, size_t len);
/* With '}' before what has a meaning of its own in a packet. False: it did not fit; nothing was added. */
bool text_binary(struct text *t, uint8_t byte);

/* ---- Framing (packet.c) ---- */

enum packet_event {
    PACKET_NONE,       /* more bytes are needed */
    PACKET_COMPLETE,   /* `data`, `len` */
    PACKET_BROKEN,     /* wrong checksum */
    PACKET_TOO_LONG,   /* longer than PACKET_BYTES: dropped */
    PACKET_BREAK,      /* Ctrl-C */
    PACKET_AGAIN       /* the client did not understand the last one */
};

struct packet_reader {
    enum { READ_IDLE, READ_DATA, READ_ESCAPED, READ_SUM_HIGH, READ_SUM_LOW } state;
    uint8_t sum, expected;
    bool too_long, bad_sum;
    size_t len;
    uint8_t data[PACKET_BYTES + 1]; /* the last for a NUL */
};

enum packet_event packet_read(struct packet_reader *r, uint8_t byte);
/* $DATA#SUM into out, which has room for len + 4 bytes; returns the length. */
size_t packet_frame(const char *data, size_t len, char *out);

/* ---- Breakpoints (rsp_break.c) ---- */

struct gdb_break {
    unsigned type;     /* of the Z packet: 0 software, 1 hardware, 2 write, 3 read, 4 access */
    uint64_t addr, len;
    bool lifted;       /* taken away by the client, perhaps only to step over it */
    unsigned probes;   /* one; while lifted, one for each of the other CPUs */
    uint32_t probe[BREAK_PROBES];
    uint64_t sum;      /* of what a watched range held before a step back */
};

/* ---- How code is read (rsp_mode.c) ---- */

enum code_size { CODE_AUTO, CODE_16, CODE_32, CODE_64 };

/* ---- Registers (target_xml.c) ---- */

/* One register as gdb sees it. */
struct gdb_reg {
    const char *name;   /* gdb's */
    const char *source; /* sim_reg_read_bytes's */
    uint8_t bits;
    uint8_t feature;    /* index into the features of target_xml.c */
    const char *type;
    uint8_t offset, part; /* which bytes of the source it is; part 0: as many as there are. Above them it is zero */
};
#define GDB_REG_BYTES 16 /* of the widest */
/* All of them, in the order of g and G: one set for 16-bit and 32-bit code, one for 64-bit code. */
struct gdb_layout {
    const struct gdb_reg *reg;
    unsigned count;     /* a CPU model without SSE, AVX or protection keys lacks those at the end */
    uint8_t sp, bp, pc; /* their numbers */
};

/* ---- The server ---- */

struct gdb_server {
    struct sim *sim;

    /* Sockets */
    int listen_fd;         /* -1: stdio */
    int in_fd, out_fd;     /* of the client; -1: none */
    bool is_stdio;
    char *unlink_path;     /* of a socket in the file system */

    /* What has come and was not looked at yet */
    uint8_t in[4096];
    size_t in_at, in_len;

    struct packet_reader reader;
    char last[1 + PACKET_BYTES + 4]; /* '+', and the last packet sent, for '-' */
    size_t last_len;       /* of the packet */
    bool owes_ack;         /* the '+' for the packet under way goes out with the answer: see rsp_mode.c */
    struct text reply;     /* of the packet under way */

    /* The session */
    bool attached, running, killed, gone;
    bool no_ack;           /* agreed; takes effect after the answer */
    bool extended;         /* '!' */
    bool tells_swbreak, tells_hwbreak, tells_exec; /* the client knows these stop reasons */
    bool physical;         /* memory packets are about physical addresses */
    unsigned cpu;          /* of g, m and so on: Hg */
    unsigned run_cpu;      /* of s and bs: Hc */
    struct gdb_break breaks[MAX_BREAKS];
    unsigned break_count;
    struct sim_stop stop;  /* the last one told */

    /* How gdb is to read code: see rsp_mode.c */
    enum code_size code;   /* as it was told last */
    enum code_size forced; /* the user's choice; CODE_AUTO: as the CPU reads it */
    bool silent;           /* changes are not announced */
    struct text held;      /* the stop that follows an announcement */
    struct gdb_layout layout; /* of the registers, for `code` */
    char *xml;             /* target.xml for `code`; made when asked for */
};

/* ---- gdb_server.c ---- */

/* Sends one packet; a client that takes nothing for five seconds is gone. */
void server_send(struct gdb_server *s, const char *data, size_t len);
/* The same, for the last packet of all: returns when the client has acknowledged it, for it would find the line dead; or after a fifth of a second. */
void server_send_last(struct gdb_server *s, const char *data, size_t len);
/* Before what may take long: the client hears that its packet has come. */
void server_acknowledge(struct gdb_server *s);
/* Text for the user, as O packets: only while the client waits for a stop, or for the answer to a monitor command. */
void server_console(struct gdb_server *s, const char *text, size_t len);
/* Reads what is there into `in`; false: the client is gone. */
bool server_fill(struct gdb_server *s);
/* Forgets the client: breakpoints removed, the machine goes on. */
void server_detach(struct gdb_server *s);

/* ---- rsp.c ---- */

/* Answers one packet. */
void rsp_packet(struct gdb_server *s, const uint8_t *data, size_t len);
/* A new client. */
void rsp_start(struct gdb_server *s);

/* A packet's handler: the cursor stands behind its name; the answer goes into s->reply. */
typedef void rsp_handler(struct gdb_server *s, struct cursor *c);
struct rsp_command {
    const char *name;
    rsp_handler *handler;
};
/* The first row whose name the packet begins with; false: none. */
bool rsp_dispatch(struct gdb_server *s, const struct rsp_command *table, size_t rows, struct cursor *c);

void reply_ok(struct gdb_server *s);
void reply_error(struct gdb_server *s);
/* The handler has answered already, or answers later. */
void reply_none(struct gdb_server *s);
/* A thread ID: n is CPU n - 1; 0 any, -1 all (both give the CPU of Hg). False: malformed, or no such CPU. */
bool take_thread(struct gdb_server *s, struct cursor *c, unsigned *cpu, bool *all);

rsp_handler rsp_query, rsp_set;                                                       /* rsp_query.c */
rsp_handler rsp_regs_read, rsp_regs_write, rsp_reg_read, rsp_reg_write;               /* rsp_regs.c */
rsp_handler rsp_mem_read, rsp_mem_write, rsp_mem_read_binary, rsp_mem_write_binary;   /* rsp_memory.c */
rsp_handler rsp_break_insert, rsp_break_remove;                                       /* rsp_break.c */
rsp_handler rsp_why, rsp_continue, rsp_step, rsp_vcont_actions, rsp_vcont, rsp_back;  /* rsp_run.c */
rsp_handler rsp_monitor;                                                              /* rsp_monitor.c */

/* ---- rsp_break.c ---- */

void breaks_clear(struct gdb_server *s);
/* Before the machine runs: settles what lifted breakpoints mean. alone: only `cpu` makes a step. */
void breaks_resume(struct gdb_server *s, bool alone, unsigned cpu);
const struct gdb_break *break_of_probe(const struct gdb_server *s, uint32_t probe);
/* Around a step back, which no probe sees: the first watchpoint for writing whose bytes differ; NULL: none. */
void watches_note(struct gdb_server *s);
const struct gdb_break *watches_changed(struct gdb_server *s);

/* ---- rsp_run.c ---- */

/* Tells the client that the machine stands. */
void rsp_stopped(struct gdb_server *s, const struct sim_stop *stop);
void rsp_broken(struct gdb_server *s);

/* ---- rsp_mode.c ---- */

/* gdb's name of the architecture. */
const char *mode_architecture(enum code_size code);
/* A new client, whose features are known: it is told i386 first, as executables are, unless that could not be mended later. */
void mode_start(struct gdb_server *s);
/* As gdb is to read the code of the CPU. */
enum code_size mode_wanted(struct gdb_server *s, unsigned cpu);
/* Would a stop be announced now? */
bool mode_differs(struct gdb_server *s);
/* The stop reply in s->reply is about to be sent: if gdb reads code in another way than this CPU, an announcement goes first, and
 * the reply is held. */
void mode_announce(struct gdb_server *s);
/* Before it: describes the target anew if the width is another one. False: there is nothing to announce. */
bool mode_follow(struct gdb_server *s);
/* The client goes on: true when it only went on from an announcement, and the stop that was held is now s->reply. */
bool mode_release(struct gdb_server *s);

/* ---- break_in.c ---- */

/* Around a call that may run the machine for long: the client's Ctrl-C interrupts it. What else comes is kept in `in`. */
struct break_in;
struct break_in *break_in_begin(struct gdb_server *s);
void break_in_end(struct break_in *b);

/* ---- target_xml.c, rsp_regs.c ---- */

/* As the client was told last. */
const struct gdb_layout *reg_layout(const struct gdb_server *s);
/* What the client is told of this machine. */
void reg_layout_choose(struct gdb_server *s, enum code_size code);

void reg_put(struct gdb_server *s, struct text *t, unsigned cpu, unsigned n);
/* The linear address of the CPU's next instruction. */
uint64_t reg_pc(struct gdb_server *s, unsigned cpu);
/* False: the machine refused it. */
bool reg_set_pc(struct gdb_server *s, unsigned cpu, uint64_t laddr);
/* The description; NULL: out of memory. */
const char *target_xml(struct gdb_server *s);

#endif
