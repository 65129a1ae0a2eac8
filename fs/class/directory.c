/* SPDX-License-Identifier: Apache-2.0 */
/* See directory.h. */
#include "fs/class/directory.h"

#include "fs/tree/by_name.h"

int directory_rewind(const struct fs *fs, struct handle *h)
{
	handle_set_view(h, store_view(fs->store), NULL, NULL);
	return 0;
}

static int by_name_rewind(const struct fs *fs, struct handle *h)
{
	struct ranks *ranks = ranks_new();

	if (!ranks)
		return -ENOMEM;
	handle_set_view(h, store_view(fs->store), ranks, NULL);
	return 0;
}

const struct file_class class_directory = {.rewind = directory_rewind};
const struct file_class class_by_name = {.rewind = by_name_rewind};
const struct file_class class_link = {0};
