/*
 * Host files: images of media, ROMs, kernels. The only place of the library that opens files for the guest.
 */
#ifndef LIBSIM_LIBSIM_MEDIA_FILE_H
#define LIBSIM_LIBSIM_MEDIA_FILE_H

#include "libsim/machine.h"

bool media_file_readable(const char *path);
/* Reads a whole file of at most max_bytes. SIM_ERR_IO names file and reason; SIM_ERR_FORMAT when it is too long or not a plain file. */
enum sim_err media_file_read(const char *path, uint64_t max_bytes, struct sim_buf *out);

/* The first max_bytes of a file, or all of it. */
enum sim_err media_file_head(const char *path, uint64_t max_bytes, struct sim_buf *out);

/* Attaches the configured disks ("ide0.0", "ide0.1", "ide1.1"...), CD ("ide1.0") and diskette ("fd0") to the bus; `,rw` files are opened for writing but
 * written by media_commit only. Files are locked (advisory) against a second writer. */
enum sim_err media_open_all(struct sim *sim);
/* Bytes of the medium in a drive; 0 when there is none. */
uint64_t media_bytes(const struct sim *sim, const char *channel);
/* Writes the overlays of `,rw` media back. The bus closes the images; media_forget_all frees what is left after it. */
enum sim_err media_commit(struct sim *sim);
void media_forget_all(struct sim *sim);

#endif
