/* SPDX-License-Identifier: Apache-2.0 */
/* The directory `images/upload`. See uploads.h. */
#include "fs/class/uploads.h"

#include "actions/image/upload.h"

_Static_assert(UPLOAD_NAME_MAX < NAME_SIZE, "a file's name is a name of the tree");

static struct node upload_node(const struct upload *u)
{
	return (struct node){.class = N_UPLOAD, .row = upload_number(u)};
}

bool uploads_here(const struct place *dir)
{
	return dir->kind && dir->kind->id == KIND_IMAGE;
}

bool upload_find(const struct place *dir, const char *name, struct node *ret)
{
	_cleanup_(upload_unref_p) struct upload *u = uploads_find(dir->fs->uploads, name);

	if (u)
		*ret = upload_node(u);
	return u != NULL;
}

int64_t upload_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret)
{
	_cleanup_(upload_unref_p) struct upload *u = uploads_next(dir->fs->uploads, after, ret_name);

	if (!u)
		return 0;
	*ret = upload_node(u);
	return upload_number(u);
}

bool upload_is_here(const struct fs *fs, int64_t number)
{
	_cleanup_(upload_unref_p) struct upload *u = uploads_get(fs->uploads, number);

	return u != NULL;
}

int upload_attributes(const struct place *p, struct stat *ret)
{
	_cleanup_(upload_unref_p) struct upload *u = uploads_get(p->fs->uploads, p->node.row);
	struct stat st;

	if (!u)
		return -ESTALE;
	upload_stat(u, &st);
	stat_fill(p->fs, p->node, st.st_mode, (size_t)st.st_size, 0, ret);
	ret->st_uid = st.st_uid;
	ret->st_gid = st.st_gid;
	ret->st_blocks = st.st_blocks;
	ret->st_mtim = ret->st_ctim = ret->st_atim = st.st_mtim;
	return 0;
}

mode_t upload_permissions(const struct place *p)
{
	struct stat st;

	return p->node.row && upload_attributes(p, &st) == 0 ? st.st_mode & 07777 : 0600;
}

int64_t upload_size(const struct place *p)
{
	struct stat st;

	return upload_attributes(p, &st) == 0 ? st.st_size : 0;
}
