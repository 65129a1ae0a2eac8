/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See qcow2.h. Layout of what is written, in clusters of 64 KiB (docs/interop/qcow2.txt of QEMU):
 *
 *   0   header, extension with the backing format, name of the backing file
 *   1   refcount table: one entry, cluster 2
 *   2   refcount block: 1 for each cluster of the file
 *   3.. L1 table: all zero, so the whole disk reads as zeros or from the backing file
 */
#include "hypervisor/storage/qcow2.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DATA_FILE	  4	      /* an incompatible feature: the data is in another file */
#define MAGIC		  0x514649FBU /* "QFI\xfb" */
#define CLUSTER_BITS	  16
#define CLUSTER		  (1 << CLUSTER_BITS)
#define EXTENSION_BACKING 0xE2792ACAU
#define BACKING_MAX	  1023 /* longest name QEMU takes */
#define FORMAT_MAX	  16
#define EXTENSIONS_MAX	  64
#define BYTES_PER_L1	  (512LL << 20) /* one L1 entry: 8192 L2 entries of one cluster each */
#define L1_CLUSTERS_MAX	  512		/* QEMU's limit, 32 MiB */
#define L1_FIRST	  3

struct header {
	uint32_t magic;
	uint32_t version;
	uint64_t backing_offset;
	uint32_t backing_length;
	uint32_t cluster_bits;
	uint64_t size;
	uint32_t encryption;
	uint32_t l1_entries;
	uint64_t l1_offset;
	uint64_t refcount_table_offset;
	uint32_t refcount_table_clusters;
	uint32_t snapshots;
	uint64_t snapshots_offset;
	uint64_t incompatible_features;
	uint64_t compatible_features;
	uint64_t autoclear_features;
	uint32_t refcount_order;
	uint32_t header_length;
} __attribute__((packed));

struct extension {
	uint32_t type;
	uint32_t length;
} __attribute__((packed));

_Static_assert(sizeof(struct header) == 104, "header of a version 3 image without optional fields");

static int write_at(int fd, const void *data, size_t size, off_t offset)
{
	ssize_t written = pwrite(fd, data, size, offset);

	if (written < 0)
		return -errno;
	return (size_t)written == size ? 0 : -ENOSPC;
}

/* The first cluster: @header and what names the backing file. The end of the extensions is zeros. */
static int write_header(int fd, struct header *header, const char *backing, const char *backing_format)
{
	unsigned char buffer[4096] = {0};
	size_t used = sizeof(*header);

	if (backing) {
		struct extension extension = {htobe32(EXTENSION_BACKING),
					      htobe32((uint32_t)strlen(backing_format))};

		if (strlen(backing) > BACKING_MAX || strlen(backing_format) > FORMAT_MAX)
			return -ENAMETOOLONG;
		memcpy(buffer + used, &extension, sizeof(extension));
		memcpy(buffer + used + sizeof(extension), backing_format, strlen(backing_format));
		used += sizeof(extension) + (strlen(backing_format) + 7) / 8 * 8;
		used += sizeof(extension); /* type 0: no more extensions */
		header->backing_offset = htobe64(used);
		header->backing_length = htobe32((uint32_t)strlen(backing));
		memcpy(buffer + used, backing, strlen(backing));
	}
	memcpy(buffer, header, sizeof(*header));
	return write_at(fd, buffer, sizeof(buffer), 0);
}

int qcow2_write(int fd, int64_t size, const char *backing, const char *backing_format)
{
	uint64_t l1_entries = ((uint64_t)size + BYTES_PER_L1 - 1) / BYTES_PER_L1;
	uint64_t l1_clusters = (l1_entries * sizeof(uint64_t) + CLUSTER - 1) / CLUSTER;
	uint64_t table_entry = htobe64(2ULL * CLUSTER);
	uint16_t refcounts[L1_FIRST + L1_CLUSTERS_MAX];
	struct header header = {
		.magic = htobe32(MAGIC),
		.version = htobe32(3),
		.cluster_bits = htobe32(CLUSTER_BITS),
		.size = htobe64((uint64_t)size),
		.l1_entries = htobe32((uint32_t)l1_entries),
		.l1_offset = htobe64((uint64_t)L1_FIRST * CLUSTER),
		.refcount_table_offset = htobe64(CLUSTER),
		.refcount_table_clusters = htobe32(1),
		.refcount_order = htobe32(4), /* 16 bits */
		.header_length = htobe32(sizeof(struct header)),
	};
	int rc;

	if (size <= 0 || l1_clusters > L1_CLUSTERS_MAX)
		return -EFBIG;
	for (size_t i = 0; i < L1_FIRST + l1_clusters; i++)
		refcounts[i] = htobe16(1);
	rc = write_header(fd, &header, backing, backing_format);
	if (rc == 0)
		rc = write_at(fd, &table_entry, sizeof(table_entry), CLUSTER);
	if (rc == 0)
		rc = write_at(fd, refcounts, (L1_FIRST + l1_clusters) * sizeof(refcounts[0]), 2LL * CLUSTER);
	if (rc == 0 && ftruncate(fd, (off_t)(L1_FIRST + l1_clusters) * CLUSTER) < 0)
		rc = -errno;
	return rc;
}

static int read_header(int fd, struct header *ret)
{
	ssize_t got = pread(fd, ret, sizeof(*ret), 0);

	if (got < 0)
		return -errno;
	if (got < 72 || be32toh(ret->magic) != MAGIC || be64toh(ret->size) > INT64_MAX)
		return -EMEDIUMTYPE;
	if (be32toh(ret->version) >= 3 && (got < 80 || be64toh(ret->incompatible_features) & DATA_FILE))
		return -EMEDIUMTYPE;
	return 0;
}

int qcow2_read_size(int fd, int64_t *ret_size)
{
	struct header header;
	int rc = read_header(fd, &header);

	if (rc == 0)
		*ret_size = (int64_t)be64toh(header.size);
	return rc;
}

int qcow2_set_size(int fd, int64_t size)
{
	uint64_t l1_entries = ((uint64_t)size + BYTES_PER_L1 - 1) / BYTES_PER_L1;
	struct header header;
	int rc = read_header(fd, &header);

	if (rc < 0)
		return rc;
	/* what follows the L1 table in its last cluster is zeros: entries of no cluster */
	if (l1_entries * sizeof(uint64_t) > CLUSTER)
		return -EFBIG;
	header.size = htobe64((uint64_t)size);
	if (l1_entries > be32toh(header.l1_entries))
		header.l1_entries = htobe32((uint32_t)l1_entries);
	return write_at(fd, &header, 72, 0);
}

bool qcow2_has_no_backing(int fd)
{
	struct header header;

	return read_header(fd, &header) == 0 && header.backing_offset == 0;
}

int qcow2_read_backing(int fd, char **ret_backing)
{
	struct header header;
	int rc = read_header(fd, &header);
	uint32_t length = rc == 0 ? be32toh(header.backing_length) : 0;
	char *name;

	if (rc < 0)
		return rc;
	*ret_backing = NULL;
	if (header.backing_offset == 0)
		return 0;
	if (length > BACKING_MAX)
		return -EMEDIUMTYPE;
	name = calloc(1, length + 1);
	if (!name)
		return -ENOMEM;
	if (pread(fd, name, length, (off_t)be64toh(header.backing_offset)) != (ssize_t)length) {
		free(name);
		return -EIO;
	}
	*ret_backing = name;
	return 0;
}

int qcow2_read_backing_format(int fd, char **ret_format)
{
	struct header header;
	int rc = read_header(fd, &header);
	/* version 2 has no length of its own */
	off_t at = rc == 0 && be32toh(header.version) >= 3 ? be32toh(header.header_length) : 72;
	struct extension extension;

	if (rc < 0)
		return rc;
	*ret_format = NULL;
	for (int i = 0; i < EXTENSIONS_MAX; i++) {
		uint32_t length;

		if (pread(fd, &extension, sizeof(extension), at) != (ssize_t)sizeof(extension))
			return -EIO;
		length = be32toh(extension.length);
		if (extension.type == 0)
			return 0;
		at += (off_t)sizeof(extension);
		if (be32toh(extension.type) == EXTENSION_BACKING && length <= FORMAT_MAX) {
			char *format = calloc(1, length + 1);

			if (!format)
				return -ENOMEM;
			if (pread(fd, format, length, at) != (ssize_t)length) {
				free(format);
				return -EIO;
			}
			*ret_format = format;
			return 0;
		}
		at += ((off_t)length + 7) / 8 * 8;
	}
	return 0;
}
