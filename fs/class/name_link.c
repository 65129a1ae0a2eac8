/* SPDX-License-Identifier: Apache-2.0 */
/* See name_link.h. */
#include "fs/class/name_link.h"

#include <string.h>

#include "fs/tell/refusal.h"
#include "fs/tree/reply.h"

static void renamed(void *arg, int result)
{
	fuse_reply_err(arg, -result);
}

/* The file with the name of the object. */
static void name_file(const struct place *p, struct place *ret)
{
	place_init(p->fs, p->view,
		   (struct node){.kind = p->node.kind,
				 .row = p->node.row,
				 .class = N_VALUE,
				 .index = (unsigned)p->kind->name_field},
		   ret);
	ret->caller = p->caller;
}

static void name_link_rename(fuse_req_t req, const struct place *dir, const char *name, const struct place *p,
			     fuse_ino_t to, const char *to_name, unsigned flags)
{
	_cleanup_view_ struct view *view = NULL;
	struct place to_dir, target, file;
	struct name decoded;
	int r = request_entry(req, to, to_name, &view, &to_dir, &target);

	(void)flags;
	if (r == 0)
		r = -EEXIST; /* the name of an object stays its own */
	else if (view && r == -ENOENT)
		r = node_pack(to_dir.node) == node_pack(dir->node) && name_decode(to_name, &decoded) &&
				    decoded.rank == 1 && decoded.text[0]
			    ? 0
			    : -EPERM;
	else
		r = r < 0 ? r : -EPERM;
	if (r == 0) {
		name_file(p, &file);
		if (!place_is_writable(&file))
			r = -EPERM;
	}
	if (r < 0)
		refusal_reply(req, REFUSED_RENAME, r, p->object, name);
	else
		file.entry->io->replace(&file, decoded.text, strlen(decoded.text), renamed, req);
}

const struct file_class class_name_link = {.rename = name_link_rename};
