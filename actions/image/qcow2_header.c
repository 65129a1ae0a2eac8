/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See qcow2_header.h.
 *
 * The limits are QEMU's (docs/interop/qcow2.txt, block/qcow2.h of version 7.2): what
 * QEMU would refuse to open is refused here, with a message.
 */
#include "actions/image/qcow2_header.h"

#include <inttypes.h>
#include <string.h>

#define SECTOR 512

#define QCOW2_V2_HEADER			   72
#define QCOW2_V3_HEADER			   104
#define QCOW2_MIN_CLUSTER_BITS		   9
#define QCOW2_MAX_CLUSTER_BITS		   21
#define QCOW2_MAX_L1_BYTES		   (INT64_C(32) << 20)
#define QCOW2_MAX_REFTABLE_BYTES	   (INT64_C(8) << 20)
#define QCOW2_MAX_SNAPSHOTS		   65536
#define QCOW2_MIN_SNAPSHOT_BYTES	   40
#define QCOW2_MAX_BACKING_NAME		   1023
#define QCOW2_MAX_REFCOUNT_ORDER	   6
#define QCOW2_MIN_EXTENDED_L2_CLUSTER_BITS 14
/* Bits of an entry in an L1 or L2 table. */
#define QCOW2_OFFSET	 UINT64_C(0x00fffffffffffe00)
#define QCOW2_COMPRESSED (UINT64_C(1) << 62)
#define QCOW2_ZERO	 UINT64_C(1)
/* How many bytes of L2 tables are checked. They map 2 TiB with clusters of 64 KiB. */
#define QCOW2_TABLES_CHECKED (UINT64_C(256) << 20)

/* Extensions of the header. */
#define QCOW2_EXT_END		0u
#define QCOW2_EXT_FORMAT	0xe2792acau
#define QCOW2_EXT_CRYPTO	0x0537be77u
#define QCOW2_EXT_BITMAPS	0x23852875u
#define QCOW2_MAX_FORMAT_NAME	15
#define QCOW2_MAX_BITMAPS	65535
#define QCOW2_CRYPT_LUKS	2
#define QCOW2_AUTOCLEAR_BITMAPS UINT64_C(1)

#define QCOW2_INCOMPAT_CORRUPT	   (UINT64_C(1) << 1)
#define QCOW2_INCOMPAT_DATA_FILE   (UINT64_C(1) << 2)
#define QCOW2_INCOMPAT_COMPRESSION (UINT64_C(1) << 3)
#define QCOW2_INCOMPAT_EXTENDED_L2 (UINT64_C(1) << 4)
#define QCOW2_INCOMPAT_KNOWN	   UINT64_C(0x1f) /* bit 0: refcounts are dirty */

struct qcow2_header {
	uint32_t version, cluster_bits, crypt_method, l1_size, reftable_clusters, snapshots, refcount_order,
		length;
	uint32_t backing_name_len;
	uint64_t backing_name_offset, size, l1_offset, reftable_offset, snapshots_offset, incompatible,
		autoclear;
	uint8_t compression;
};

static int refuse_short_header(struct error *e)
{
	return error_set(e, EINVAL, "the qcow2 header is truncated");
}

/* Reads the fields, without checks, from the @len bytes at @p, at least QCOW2_V2_HEADER. */
static int qcow2_header_read(const uint8_t *p, size_t len, struct qcow2_header *h, struct error *e)
{
	*h = (struct qcow2_header){
		.version = image_get32(p + 4),
		.backing_name_offset = image_get64(p + 8),
		.backing_name_len = image_get32(p + 16),
		.cluster_bits = image_get32(p + 20),
		.size = image_get64(p + 24),
		.crypt_method = image_get32(p + 32),
		.l1_size = image_get32(p + 36),
		.l1_offset = image_get64(p + 40),
		.reftable_offset = image_get64(p + 48),
		.reftable_clusters = image_get32(p + 56),
		.snapshots = image_get32(p + 60),
		.snapshots_offset = image_get64(p + 64),
		.refcount_order = 4,
		.length = QCOW2_V2_HEADER,
	};
	if (h->version == 2)
		return 0;
	if (len < QCOW2_V3_HEADER)
		return refuse_short_header(e);
	h->incompatible = image_get64(p + 72);
	h->autoclear = image_get64(p + 88);
	h->refcount_order = image_get32(p + 96);
	h->length = image_get32(p + 100);
	if (h->length > QCOW2_V3_HEADER && len > QCOW2_V3_HEADER)
		h->compression = p[104];
	return 0;
}

static int refuse_field(const char *field, uint64_t value, struct error *e)
{
	return error_set(e, EINVAL, "the qcow2 header is invalid: %s is %" PRIu64, field, value);
}

/* A table must start at a cluster, and its first @bytes must lie within the file. */
static int check_table(const struct image_source *s, const char *field, uint64_t offset, uint64_t bytes,
		       uint64_t cluster, struct error *e)
{
	if (offset == 0 || offset % cluster != 0)
		return refuse_field(field, offset, e);
	if (!s->partial && (offset > (uint64_t)s->size || bytes > (uint64_t)s->size - offset))
		return error_set(e, EINVAL,
				 "the qcow2 image is truncated: %s is %" PRIu64 ", %" PRIu64
				 " bytes long, in a file of %" PRId64 " bytes",
				 field, offset, bytes, s->size);
	return 0;
}

/* The number of L1 entries that map the whole virtual disk. */
static uint64_t l1_entries_needed(const struct qcow2_header *h)
{
	unsigned entry_bits = h->incompatible & QCOW2_INCOMPAT_EXTENDED_L2 ? 4 : 3;
	unsigned shift = h->cluster_bits + (h->cluster_bits - entry_bits);

	return (h->size >> shift) + ((h->size & ((UINT64_C(1) << shift) - 1)) != 0);
}

static int qcow2_check_features(const struct qcow2_header *h, struct error *e)
{
	uint64_t unknown = h->incompatible & ~QCOW2_INCOMPAT_KNOWN;

	if (unknown)
		return error_set(e, EOPNOTSUPP, "the qcow2 image needs unknown features, bits 0x%" PRIx64,
				 unknown);
	if (h->crypt_method > 2)
		return error_set(e, EOPNOTSUPP, "the qcow2 image is encrypted by an unknown method %" PRIu32,
				 h->crypt_method);
	if (h->compression > 1)
		return error_set(e, EOPNOTSUPP, "the qcow2 image is compressed by an unknown method %u",
				 h->compression);
	if ((h->compression != 0) != ((h->incompatible & QCOW2_INCOMPAT_COMPRESSION) != 0))
		return refuse_field("compression type", h->compression, e);
	if (h->incompatible & QCOW2_INCOMPAT_EXTENDED_L2 &&
	    h->cluster_bits < QCOW2_MIN_EXTENDED_L2_CLUSTER_BITS)
		return refuse_field("cluster_bits with extended L2 entries", h->cluster_bits, e);
	return 0;
}

static int qcow2_check_tables(const struct image_source *s, const struct qcow2_header *h, struct error *e)
{
	uint64_t cluster = UINT64_C(1) << h->cluster_bits;
	uint64_t l1_bytes = (uint64_t)h->l1_size * 8;
	int r;

	if (l1_bytes > QCOW2_MAX_L1_BYTES || h->l1_size < l1_entries_needed(h))
		return refuse_field("l1_size", h->l1_size, e);
	r = check_table(s, "l1_table_offset", h->l1_offset, l1_bytes, cluster, e);
	if (r < 0)
		return r;
	if (h->reftable_clusters == 0 || h->reftable_clusters * cluster > QCOW2_MAX_REFTABLE_BYTES)
		return refuse_field("refcount_table_clusters", h->reftable_clusters, e);
	r = check_table(s, "refcount_table_offset", h->reftable_offset, 8, cluster, e);
	if (r < 0 || h->snapshots == 0)
		return r;
	if (h->snapshots > QCOW2_MAX_SNAPSHOTS)
		return refuse_field("nb_snapshots", h->snapshots, e);
	return check_table(s, "snapshots_offset", h->snapshots_offset,
			   (uint64_t)h->snapshots * QCOW2_MIN_SNAPSHOT_BYTES, cluster, e);
}

/* A table that is read in blocks. */
struct table {
	const struct image_source *source;
	uint64_t offset, count; /* its place in the file, and its number of entries of eight bytes */
	uint64_t from, have;	/* the entries in `bytes` */
	uint8_t bytes[4096];
};

static int table_get(struct table *t, uint64_t i, uint64_t *ret, struct error *e)
{
	const uint64_t room = sizeof(t->bytes) / 8;

	if (i < t->from || i >= t->from + t->have) {
		uint64_t from = i - i % room, left = t->count - from; /* so that both directions are quick */
		int r;

		t->from = from;
		t->have = left < room ? left : room;
		r = image_source_read(t->source, t->bytes, (size_t)t->have * 8,
				      (int64_t)(t->offset + from * 8), e);
		if (r < 0) {
			t->have = 0;
			return r;
		}
	}
	*ret = image_get64(t->bytes + (i - t->from) * 8);
	return 0;
}

static int refuse_end(const struct image_source *s, const char *what, uint64_t offset, struct error *e)
{
	return error_set(e, EINVAL,
			 "the qcow2 image is truncated: %s is at byte %" PRIu64 " in a file of %" PRId64
			 " bytes",
			 what, offset, s->size);
}

/* Where the data of an L2 entry starts; 0 if it has none in the file. */
static uint64_t qcow2_data_offset(const struct qcow2_header *h, uint64_t entry)
{
	if (entry & QCOW2_COMPRESSED)
		return entry & ((UINT64_C(1) << (62 - (h->cluster_bits - 8))) - 1);
	/* a cluster that reads as zeros may be allocated without having been written */
	if (!(h->incompatible & QCOW2_INCOMPAT_EXTENDED_L2) && (entry & QCOW2_ZERO))
		return 0;
	return entry & QCOW2_OFFSET;
}

static int qcow2_check_l2(const struct image_source *s, const struct qcow2_header *h, uint64_t offset,
			  struct error *e)
{
	unsigned step = h->incompatible & QCOW2_INCOMPAT_EXTENDED_L2 ? 2 : 1;
	struct table t = {.source = s, .offset = offset, .count = (UINT64_C(1) << h->cluster_bits) / 8};

	/* only the part within the file; QEMU, too, reads zeros beyond the end */
	if (t.count > ((uint64_t)s->size - offset) / 8)
		t.count = ((uint64_t)s->size - offset) / 8;
	for (uint64_t i = 0; i < t.count; i += step) {
		uint64_t entry, at;
		int r = table_get(&t, i, &entry, e);

		if (r < 0)
			return r;
		at = qcow2_data_offset(h, entry);
		if (at >= (uint64_t)s->size)
			return refuse_end(s, "a cluster", at, e);
	}
	return 0;
}

/* Checks that no table of the L1 lies beyond the end. */
static int qcow2_check_l1(struct table *l1, const struct image_source *s, struct error *e)
{
	for (uint64_t i = 0; i < l1->count; i++) {
		uint64_t entry;
		int r = table_get(l1, i, &entry, e);

		if (r < 0)
			return r;
		if ((entry & QCOW2_OFFSET) >= (uint64_t)s->size)
			return refuse_end(s, "a table", entry & QCOW2_OFFSET, e);
	}
	return 0;
}

/*
 * Checks that the file is as long as its tables require: any table may map the clusters at its end. A table that
 * is named twice is checked twice, so the work is limited by bytes. Of a larger image the tables of its end are
 * checked, which a file that was written in order loses first.
 */
static int qcow2_check_end(const struct image_source *s, const struct qcow2_header *h, struct error *e)
{
	struct table l1 = {.source = s, .offset = h->l1_offset, .count = h->l1_size};
	uint64_t left = QCOW2_TABLES_CHECKED;
	int r = qcow2_check_l1(&l1, s, e);

	for (uint64_t i = l1.count; r == 0 && i > 0 && left >= UINT64_C(1) << h->cluster_bits; i--) {
		uint64_t entry;

		r = table_get(&l1, i - 1, &entry, e);
		if (r < 0 || (entry & QCOW2_OFFSET) == 0)
			continue;
		left -= UINT64_C(1) << h->cluster_bits;
		r = qcow2_check_l2(s, h, entry & QCOW2_OFFSET, e);
	}
	return r;
}

static int refuse_extension(const char *what, uint64_t value, struct error *e)
{
	return error_set(e, EINVAL, "an extension of the qcow2 header is invalid: %s is %" PRIu64, what,
			 value);
}

/* Checks the content of one extension as QEMU does when it opens the image. */
static int qcow2_check_extension(const struct image_source *s, const struct qcow2_header *h, uint32_t type,
				 uint64_t offset, uint32_t len, struct error *e)
{
	uint8_t count[4];
	int r;

	if (type == QCOW2_EXT_FORMAT && len > QCOW2_MAX_FORMAT_NAME)
		return refuse_extension("the length of the backing format", len, e);
	if (type == QCOW2_EXT_CRYPTO && h->crypt_method != QCOW2_CRYPT_LUKS)
		return refuse_extension("the encryption, for an extension of LUKS,", h->crypt_method, e);
	if (type == QCOW2_EXT_CRYPTO && len != 16)
		return refuse_extension("the length of that of LUKS", len, e);
	if (type != QCOW2_EXT_BITMAPS)
		return 0;
	if (len != 24)
		return refuse_extension("the length of that of bitmaps", len, e);
	if (!(h->autoclear & QCOW2_AUTOCLEAR_BITMAPS))
		return 0; /* QEMU ignores it */
	r = image_source_read(s, count, sizeof(count), (int64_t)offset, e);
	if (r < 0)
		return r;
	if (image_get32(count) == 0 || image_get32(count) > QCOW2_MAX_BITMAPS)
		return refuse_extension("the number of bitmaps", image_get32(count), e);
	return 0;
}

/* The extensions are between the header and the name of the backing file, or the end of the first cluster. */
static int qcow2_check_extensions(const struct image_source *s, const struct qcow2_header *h, struct error *e)
{
	uint64_t end = h->backing_name_offset ? h->backing_name_offset : UINT64_C(1) << h->cluster_bits;
	uint64_t at = h->length;

	while (at < end) {
		uint8_t head[8];
		uint32_t type, len;
		int r;

		if (at + sizeof(head) > (uint64_t)s->size)
			return s->partial ? 0 : refuse_end(s, "an extension of the header", at, e);
		r = image_source_read(s, head, sizeof(head), (int64_t)at, e);
		if (r < 0)
			return r;
		type = image_get32(head);
		len = image_get32(head + 4);
		if (type == QCOW2_EXT_END)
			return 0;
		at += sizeof(head);
		if (at > end || len > end - at)
			return refuse_extension("its length", len, e);
		if (at + len > (uint64_t)s->size)
			return s->partial
				       ? 0
				       : refuse_end(s, "the end of an extension of the header", at + len, e);
		r = qcow2_check_extension(s, h, type, at, len, e);
		if (r < 0)
			return r;
		at += (len + UINT64_C(7)) & ~UINT64_C(7);
	}
	return 0;
}

int qcow2_header_parse(const struct image_source *s, const uint8_t *head, size_t len, struct image_info *ret,
		       struct error *e)
{
	struct qcow2_header h;
	uint32_t version;
	int r;

	if (len < QCOW2_V2_HEADER)
		return refuse_short_header(e);
	version = image_get32(head + 4);
	if (version == 1)
		return error_set(e, EOPNOTSUPP, "format 'qcow' is not supported, convert it to qcow2 first");
	if (version != 2 && version != 3)
		return error_set(e, EOPNOTSUPP, "version %" PRIu32 " of qcow2 is not supported, only 2 and 3",
				 version);
	r = qcow2_header_read(head, len, &h, e);
	if (r < 0)
		return r;
	if (h.cluster_bits < QCOW2_MIN_CLUSTER_BITS || h.cluster_bits > QCOW2_MAX_CLUSTER_BITS)
		return refuse_field("cluster_bits", h.cluster_bits, e);
	if (h.version == 3 && (h.length < QCOW2_V3_HEADER || h.length > UINT32_C(1) << h.cluster_bits))
		return refuse_field("header_length", h.length, e);
	if (h.refcount_order > QCOW2_MAX_REFCOUNT_ORDER)
		return refuse_field("refcount_order", h.refcount_order, e);
	if (h.size < SECTOR || h.size > IMAGE_VIRTUAL_SIZE_MAX)
		return refuse_field("size", h.size, e);
	if (h.backing_name_offset != 0 &&
	    (h.backing_name_len > QCOW2_MAX_BACKING_NAME ||
	     h.backing_name_offset > UINT64_C(1) << h.cluster_bits ||
	     h.backing_name_len > (UINT64_C(1) << h.cluster_bits) - h.backing_name_offset))
		return refuse_field("backing_file_offset", h.backing_name_offset, e);
	r = qcow2_check_features(&h, e);
	if (r < 0)
		return r;
	r = qcow2_check_extensions(s, &h, e);
	if (r < 0)
		return r;
	r = qcow2_check_tables(s, &h, e);
	if (r < 0)
		return r;
	/* with a data file the offsets are in that; image_info_check() refuses it */
	r = s->partial || (h.incompatible & QCOW2_INCOMPAT_DATA_FILE) ? 0 : qcow2_check_end(s, &h, e);
	if (r < 0)
		return r;
	*ret = (struct image_info){
		.format = IMAGE_FORMAT_QCOW2,
		.virtual_size = (int64_t)(h.size - h.size % SECTOR),
		.actual_size = s->actual_size,
		.backing_file = h.backing_name_offset != 0,
		.data_file = (h.incompatible & QCOW2_INCOMPAT_DATA_FILE) != 0,
		.encrypted = h.crypt_method != 0,
		.corrupt = (h.incompatible & QCOW2_INCOMPAT_CORRUPT) != 0,
	};
	return 0;
}
