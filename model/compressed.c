/* SPDX-License-Identifier: Apache-2.0 */
/* See compressed.h. A header, then a block of LZ4, or the text itself where that is not shorter. */
#include "model/compressed.h"

#include <lz4.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct header {
	uint32_t len;  /* of the text */
	uint32_t size; /* of the block; 0: the text follows as it is */
};

/* The names and common values of documents; LZ4 refers to any part of it of four bytes and more. */
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
	LZ4_stream_t stream;

	if (len > LZ4_MAX_INPUT_SIZE)
		return 0;
	pthread_once(&prepared_once, dictionary_load);
	stream = prepared; /* half the time of loading the dictionary again */
	return LZ4_compress_fast_continue(&stream, text, ret, (int)len, (int)len, 1);
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

char *compressed_read(const char *compressed)
{
	struct header header;
	char *text;

	memcpy(&header, compressed, sizeof(header));
	compressed += sizeof(header);
	text = malloc((size_t)header.len + 1);
	if (!text)
		return NULL;
	text[header.len] = '\0';
	if (header.size == 0) {
		memcpy(text, compressed, header.len);
	} else if (LZ4_decompress_safe_usingDict(compressed, text, (int)header.size, (int)header.len,
						 dictionary, sizeof(dictionary) - 1) != (int)header.len) {
		free(text);
		return NULL;
	}
	return text;
}
