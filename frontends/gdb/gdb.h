/*
 * A server of gdb's remote protocol for one machine, and one client at a time.
 *
 * The front end owns the loop; the server tells it whether the machine may run. While a client is attached and has not let the machine
 * run, it stands. Without a client the machine is the front end's.
 *
 *     gdb_server_open(sim, "1234", &s);
 *     for (;;) {
 *         poll gdb_server_fd(s) for reading: without a timeout while the machine stands, with 0 between two slices
 *         if (readable && !gdb_server_service(s))
 *             break;                                      -- killed
 *         if (gdb_server_running(s)) {
 *             sim_run_steps(sim, slice, &stop);
 *             if (stop.reason != SIM_STOP_STEPS)
 *                 gdb_server_stopped(s, &stop);
 *         }
 *     }
 */
#ifndef LIBSIM_GDB_H
#define LIBSIM_GDB_H

#include "libsim/debug.h"
#include "libsim/sim.h"

struct gdb_server;

/*
 * Waits for a client at `address`: "PORT" (loopback), "HOST:PORT", "unix:PATH", or "stdio", whose client is there from the start.
 *
 * Errors: SIM_ERR_USAGE (not an address), SIM_ERR_IO (cannot listen there), SIM_ERR_NOMEM.
 */
enum sim_err gdb_server_open(struct sim *sim, const char *address, struct gdb_server **out);

/* What to poll for reading: the client's socket, else the listening one. It changes when a client comes or goes; ask each time. -1: none any more
 * (the client on stdio is gone). */
int gdb_server_fd(const struct gdb_server *s);

/*
 * Handles what is there, and never waits for more: a client that comes, packets, a break, a client that goes. Steps and reverse commands
 * run the machine within this call, until they are done or the client breaks in. Called with the machine not running.
 *
 * False when the client killed the machine: the front end ends the run.
 */
bool gdb_server_service(struct gdb_server *s);

/* Is a client there? A front end that was told to --wait runs nothing before one has come. */
bool gdb_server_attached(const struct gdb_server *s);

/* May the machine run: has the client let it, or is there none? */
bool gdb_server_running(const struct gdb_server *s);

/* The machine, running for the client, stopped for another reason than the end of a slice. Without a running client nothing happens. */
void gdb_server_stopped(struct gdb_server *s, const struct sim_stop *stop);

/* The front end ends, and its exit status will be this: a client that waits for the machine to stop is told. NULL is allowed. */
void gdb_server_exits(struct gdb_server *s, int status);

/* Removes the client's breakpoints, closes its connection, and frees the server. NULL is allowed. */
void gdb_server_close(struct gdb_server *s);

#endif
