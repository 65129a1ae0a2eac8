/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copying files with their holes, and reporting progress.
 *
 * A disk image is mostly holes; copying them as zeros would fill the storage.
 * The pieces here are shared by uploads and downloads through libvirt's
 * streams and by the simulated host's local copies.
 */
#ifndef POOLFS_HYPERVISOR_TRANSFER_H
#define POOLFS_HYPERVISOR_TRANSFER_H

#include "hypervisor/hypervisor.h"

/* Progress of a copy; reports each whole per cent once. */
struct transfer {
	hv_progress *progress; /* may be NULL */
	void *ctx;
	int64_t total; /* bytes, holes included; 0 = not known, then only 100 is reported */
	int64_t done;
	int percent;
	bool cancelled;
};

void transfer_begin(struct transfer *t, hv_progress *progress, void *ctx, int64_t total);
/* @bytes more are done, copied or skipped. -ECANCELED when the callback cancels. */
int transfer_advance(struct transfer *t, int64_t bytes);
/* Everything is done: reports 100 unless it was reported. -ECANCELED as above. */
int transfer_end(struct transfer *t);

/*
 * What follows at the position of @fd, a file of @size bytes: @ret_length bytes of data or of a hole;
 * 0 bytes at the end. The position does not change. Negative errno.
 */
int sparse_next(int fd, int64_t size, bool *ret_data, int64_t *ret_length);
/* Writes all @size bytes. Negative errno. */
int write_all(int fd, const void *data, size_t size);
/* Makes the file @size bytes longer than its position, by a hole, and goes to the end. Negative errno. */
int write_hole(int fd, int64_t size);

/*
 * Copies the first @size bytes of @from to @to, which has no data yet; both positions are at the start. Shares blocks where
 * the file system can, and keeps holes. Not written to disk. -ECANCELED when the callback cancels, negative errno.
 */
int transfer_copy(struct transfer *t, int from, int64_t size, int to);

/* Opens the regular file @file for reading. Negative errno with a sentence, or the descriptor. */
int open_source(const char *file, int64_t *ret_size, struct error *e);
/*
 * Creates @file, which must not exist yet, 0600, for writing. Negative errno with a sentence, or the
 * descriptor.
 */
int open_target(const char *file, struct error *e);

#endif
