/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts that have left memory. Those of an object's F_LEAVES fields do so once it has ended (`end_field` of
 * its kind): nobody changes them any more, few are ever read, and there are many; if objects of its kind do
 * not end, once they have been written: these are hidden ones that only operations read. They are in the
 * database alone then, and object_read_text() and its kin read them there, through a connection of their
 * own, so that neither waits for the writer of the store, but for a moment when both begin at the same
 * time: to come to know of a commit, SQLite may take the lock of writers. It takes some 10 us and may wait
 * for the disk: not in the thread that receives requests.
 *
 * A text is that of the row as it is in the database when it is read. So it can be newer than the view that the object is
 * of: if the row is gone, it cannot be read any more (-ESTALE), and if the field is null by now, there is none.
 */
#ifndef POOLFS_LEFT_TEXT_H
#define POOLFS_LEFT_TEXT_H

#include <stdbool.h>

#include "model/error.h"
#include "model/kind.h"

/**
 * From now on texts are read in the database @path, until left_text_close(). The texts of one database can be out of memory
 * at a time: -EALREADY for another one, of which all have to stay in memory. -ENOMEM, or an error of SQLite.
 */
int left_text_open(const char *path, struct error *e);
void left_text_close(void);
/** Reads the text of a field of the row @id, owned by the caller; NULL when it is null now. -ESTALE when the row is gone, -ENOMEM, -EIO (logged). */
int left_text_read(const struct kind *kind, int64_t id, int field, char **ret_text);
/** The calling thread must not wait: builds for tests end when it reads such a text. */
void left_text_forbid(void);

#endif
