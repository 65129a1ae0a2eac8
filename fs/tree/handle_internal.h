/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of handles, for handle.c, which writes it, and handle_load.c, which reads it. */
#ifndef POOLFS_FS_TREE_HANDLE_INTERNAL_H
#define POOLFS_FS_TREE_HANDLE_INTERNAL_H

#include "fs/tree/handle.h"

/*
 * The values of a handle @h that are kept: those that another process takes over as they are, and those of which it makes
 * something else. Numbers of node classes and the like are those of the program.
 */
#define KEPT_VALUES(SAME, OTHER)                                                                             \
	OTHER(uint64_t, node, node_pack_copy(h->node))                                                       \
	SAME(int64_t, start, h->start)                                                                       \
	SAME(int64_t, seen, h->seen)                                                                         \
	SAME(int64_t, end, h->end)                                                                           \
	SAME(int64_t, base, h->base)                                                                         \
	SAME(uint64_t, kept, h->gather.kept)                                                                 \
	SAME(uint32_t, mode, h->mode)                                                                        \
	SAME(uint32_t, uid, h->caller.uid)                                                                   \
	SAME(uint32_t, gid, h->caller.gid)                                                                   \
	SAME(uint32_t, writer, h->writer)                                                                    \
	SAME(uint32_t, opener, h->opener)                                                                    \
	SAME(int32_t, refused, h->refused)                                                                   \
	SAME(uint8_t, limited, h->caller.limited)                                                            \
	SAME(uint8_t, reads, h->reads)                                                                       \
	SAME(uint8_t, writes, h->writes)                                                                     \
	OTHER(uint8_t, has_content, h->lost || h->content)                                                   \
	SAME(uint8_t, polled, h->polled)                                                                     \
	SAME(uint8_t, requested, h->requested)                                                               \
	SAME(uint8_t, base_set, h->base_set)                                                                 \
	SAME(uint8_t, held, h->gather.held)                                                                  \
	SAME(uint8_t, taken, h->gather.taken)                                                                \
	SAME(uint8_t, appends, h->gather.appends)                                                            \
	SAME(uint8_t, anew, h->gather.anew)                                                                  \
	SAME(uint8_t, written, h->written)                                                                   \
	SAME(uint8_t, opener_closed, h->opener_closed)                                                       \
	SAME(uint8_t, close_pending, h->close_pending)                                                       \
	SAME(uint8_t, close_refused, h->close_refused)                                                       \
	SAME(uint8_t, paged, h->paged)

#define KEPT_MEMBER(type, name, value) type name;
struct kept_handle {
	KEPT_VALUES(KEPT_MEMBER, KEPT_MEMBER)
};
_Static_assert(sizeof(struct kept_handle) == 88 && KEEP_LAYOUT == 2, KEEP_LAYOUT_CHANGED);

/*
 * The first bytes of a content that is kept. After them come its bytes; or, of a long one, the number of a KEEP_DOCUMENT with
 * them (uint64_t); or nothing.
 */
struct kept_content {
	int64_t mtime;
	uint64_t len;
};
_Static_assert(sizeof(struct kept_content) == 16 && KEEP_LAYOUT == 2, KEEP_LAYOUT_CHANGED);

#endif
