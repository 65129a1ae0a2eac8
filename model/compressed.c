/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See compressed.h. A header, then a block of LZ4, or the text itself where that is not shorter. What LZ4 gets is folded:
 * half of a document is uuids, which it can only copy, and which have no more than 16 bytes.
 */
#include "model/compressed.h"

#include <errno.h>
#include <lz4.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/cleanup.h"
#include "model/uuid.h"

struct header {
	uint32_t len;  /* of the text */
	uint32_t size; /* of the block; 0: the text follows as it is */
};

/*
 * The names and common values of documents; LZ4 refers to any part of it of four bytes and more. Texts in databases can be
 * read with this one alone.
 */
static const char dictionary[] =
	"\"chosen\":\"\",\"rejected\":{},\"hosts\":,\"scheduler\":\"\",\"account\":\"\",\"uid\":0,\"source\":\"rest\",\"source\":\"fs\","
	"\"resourceUuid\":\"\",\"strategy\":\"InstantStart\",\"strategy\":\"JustCreate\",\"dataDiskOfferingUuids\":[\"],"
	"\"rootDiskOfferingUuid\":\"\",\"defaultL3NetworkUuid\":\"\",\"hostUuid\":\"\",\"clusterUuid\":\"\",\"description\":\"\","
	"{\"operation\":\"DestroyVmInstance\",{\"operation\":\"StopVmInstance\",{\"operation\":\"StartVmInstance\","
	"{\"operation\":\"CreateVmInstance\",\"target\":\"\",\"params\":{},\"params\":{\"name\":\"\",\"instanceOfferingUuid\":\"\","
	"\"imageUuid\":\"\",\"l3NetworkUuids\":[\"\"],\"systemTags\":[],\"userTags\":[]}"
	"\"ip\":\"\",\"mac\":\"fa:\",\"netmask\":\"255.255.255.0\",\"gateway\":\"\",\"usedIpUuid\":\"\",\"l3NetworkUuid\":\"\","
	"\"primaryStorageUuid\":\"\",\"vmInstanceUuid\":\"\",\"rootImageUuid\":\"\",\"installPath\":\"/\",\"type\":\"Root\","
	"\"format\":\"qcow2\",\"size\":,\"actualSize\":,\"deviceId\":0,\"state\":\"Enabled\",\"status\":\"Ready\",\"isShareable\":false}"
	"{\"inventory\":{\"uuid\":\"\",\"name\":\"\",\"zoneUuid\":\"\",\"clusterUuid\":\"\",\"imageUuid\":\"\",\"hostUuid\":\"\","
	"\"lastHostUuid\":\"\",\"instanceOfferingUuid\":\"\",\"rootVolumeUuid\":\"\",\"platform\":\"Linux\","
	"\"defaultL3NetworkUuid\":\"\",\"type\":\"UserVm\",\"hypervisorType\":\"KVM\",\"memorySize\":,\"cpuNum\":1,\"cpuSpeed\":0,"
	"\"allocatorStrategy\":\"LeastVmPreferredHostAllocatorStrategy\",\"createDate\":\"Nov , 2026 :00 AM\","
	"\"lastOpDate\":\"Nov , 2026 :00 PM\",\"state\":\"Running\",\"state\":\"Stopped\",\"state\":\"Created\",\"vmNics\":[],"
	"\"allVolumes\":[],\"internalId\":";

/* Before the bytes of 32 hexadecimal digits of a folded text; texts that have it are not folded. */
#define UUID_MARK 1

/* The bytes of the folded text in @ret, which has as many as the text; 0: it cannot be folded. */
static size_t fold(const char *text, size_t len, char *ret)
{
	size_t used = 0;

	for (size_t i = 0; i < len;) {
		size_t digits = 0;

		for (; digits < UUID_LEN && i + digits < len && uuid_digits[(unsigned char)text[i + digits]];
		     digits++)
			ret[used + digits] = text[i + digits];
		if (digits == UUID_LEN) {
			ret[used] = UUID_MARK;
			(void)uuid_pack(&text[i], (unsigned char *)&ret[used + 1]);
			used += 1 + UUID_BYTES;
			i += UUID_LEN;
			continue;
		}
		/* too few digits in a row, so no uuid begins at any of them: on behind the last one */
		used += digits;
		i += digits;
		if (i == len)
			break;
		if (text[i] == UUID_MARK)
			return 0;
		ret[used++] = text[i++];
	}
	return used;
}

/* Writes the text that was folded, with its NUL; false: it does not have @len bytes. */
static bool unfold(const char *folded, size_t folded_len, char *ret, size_t len)
{
	size_t used = 0;

	for (size_t i = 0; i < folded_len;) {
		bool is_uuid = folded[i] == UUID_MARK;

		if (len - used < (is_uuid ? UUID_LEN : 1) || (is_uuid && folded_len - i <= UUID_BYTES))
			return false;
		if (!is_uuid) {
			ret[used++] = folded[i++];
			continue;
		}
		uuid_unpack((const unsigned char *)&folded[i + 1], ret + used);
		used += UUID_LEN;
		i += 1 + UUID_BYTES;
	}
	ret[used] = '\0';
	return used == len;
}

size_t compressed_bound(size_t len)
{
	return sizeof(struct header) + len;
}

/* What compressing any text begins with. Immutable after dictionary_load(). */
static LZ4_stream_t prepared;
static pthread_once_t prepared_once = PTHREAD_ONCE_INIT;

static void dictionary_load(void)
{
	(void)LZ4_initStream(&prepared, sizeof(prepared));
	(void)LZ4_loadDict(&prepared, dictionary, sizeof(dictionary) - 1);
}

/* The bytes of the block in @ret, which has @len; 0 when it does not fit. */
static int write_block(const char *text, size_t len, char *ret)
{
	_cleanup_free_ char *folded = len && len <= LZ4_MAX_INPUT_SIZE ? malloc(len) : NULL;
	size_t folded_len = folded ? fold(text, len, folded) : 0;
	LZ4_stream_t stream;

	if (folded_len == 0)
		return 0;
	pthread_once(&prepared_once, dictionary_load);
	stream = prepared; /* half the time of loading the dictionary again */
	return LZ4_compress_fast_continue(&stream, folded, ret, (int)folded_len, (int)len, 1);
}

size_t compressed_write(const char *text, size_t len, char *ret)
{
	int size = write_block(text, len, ret + sizeof(struct header));
	struct header header = {.len = (uint32_t)len, .size = size > 0 ? (uint32_t)size : 0};

	if (header.size == 0)
		memcpy(ret + sizeof(header), text, len);
	memcpy(ret, &header, sizeof(header));
	return sizeof(header) + (header.size ? header.size : len);
}

size_t compressed_size(const char *compressed)
{
	struct header header;

	memcpy(&header, compressed, sizeof(header));
	return sizeof(header) + (header.size ? header.size : header.len);
}

bool compressed_is_whole(const char *bytes, size_t size)
{
	struct header header;

	if (size < sizeof(header))
		return false;
	memcpy(&header, bytes, sizeof(header));
	return header.len <= INT32_MAX && header.size <= INT32_MAX && compressed_size(bytes) == size;
}

/* The text of a block; false with errno. */
static bool read_block(const char *block, const struct header *header, char *ret)
{
	_cleanup_free_ char *folded = malloc(header->len);
	int len;

	if (!folded)
		return false;
	len = LZ4_decompress_safe_usingDict(block, folded, (int)header->size, (int)header->len, dictionary,
					    sizeof(dictionary) - 1);
	if (len >= 0 && unfold(folded, (size_t)len, ret, header->len))
		return true;
	errno = EBADMSG;
	return false;
}

char *compressed_read(const char *compressed)
{
	_cleanup_free_ char *text = NULL;
	struct header header;

	memcpy(&header, compressed, sizeof(header));
	compressed += sizeof(header);
	text = malloc((size_t)header.len + 1);
	if (!text)
		return NULL;
	text[header.len] = '\0';
	if (header.size == 0)
		memcpy(text, compressed, header.len);
	else if (!read_block(compressed, &header, text))
		return NULL;
	return steal(&text);
}
