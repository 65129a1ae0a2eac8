/* SPDX-License-Identifier: Apache-2.0 */
/* See adopted.h. A list: there are few of them, and fewer with each start. */
#include "hypervisor/adopted.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "model/cleanup.h"

struct adopted {
	struct adopted *next;
	char host[33], uuid[33];       /* the key */
	struct hv_adopted_disk *disks; /* owned */
	size_t disk_count;
	struct hv_adopted_nic *nics; /* owned */
	size_t nic_count;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* a leaf */
static struct adopted *all;				 /* lock */

static void adopted_free(struct adopted *a)
{
	if (!a)
		return;
	free(a->disks);
	free(a->nics);
	free(a);
}

/* Under lock. */
static struct adopted **find(const char *host, const char *uuid)
{
	struct adopted **at = &all;

	while (*at && (strcmp((*at)->uuid, uuid) != 0 || strcmp((*at)->host, host) != 0))
		at = &(*at)->next;
	return at;
}

void hv_release_domain(const char *host, const char *uuid)
{
	struct adopted *a, **at;

	scoped_lock(&lock);
	at = find(host, uuid);
	a = *at;
	if (a)
		*at = a->next;
	adopted_free(a);
}

int hv_adopt_domain(const char *host, const char *uuid, const struct hv_adopted_disk *disks,
		    size_t disk_count, const struct hv_adopted_nic *nics, size_t nic_count, struct error *e)
{
	struct adopted *a = calloc(1, sizeof(*a));

	if (a) {
		(void)snprintf(a->host, sizeof(a->host), "%s", host);
		(void)snprintf(a->uuid, sizeof(a->uuid), "%s", uuid);
		a->disks = calloc(disk_count + 1, sizeof(*disks));
		a->nics = calloc(nic_count + 1, sizeof(*nics));
	}
	if (!a || !a->disks || !a->nics) {
		adopted_free(a);
		return error_set(e, ENOMEM, "out of memory");
	}
	for (; a->disk_count < disk_count; a->disk_count++)
		a->disks[a->disk_count] = disks[a->disk_count];
	for (; a->nic_count < nic_count; a->nic_count++)
		a->nics[a->nic_count] = nics[a->nic_count];
	hv_release_domain(host, uuid);
	scoped_lock(&lock);
	a->next = all;
	all = a;
	return 0;
}

bool adopted_has(const char *host, const char *uuid)
{
	scoped_lock(&lock);
	return *find(host, uuid) != NULL;
}

/* ------------------------------------------------------------------ devices */

/* Under lock. NULL: the domain was not adopted, or not with that disk. */
static const struct hv_adopted_disk *find_disk(const struct adopted *a, const char *volume)
{
	for (size_t i = 0; a && i < a->disk_count; i++)
		if (strcmp(a->disks[i].volume, volume) == 0)
			return &a->disks[i];
	return NULL;
}

/* Under lock. */
static const struct hv_adopted_nic *find_nic(const struct adopted *a, int device_id)
{
	for (size_t i = 0; a && i < a->nic_count; i++)
		if (a->nics[i].device_id == device_id)
			return &a->nics[i];
	return NULL;
}

bool adopted_find_disk(const char *host, const char *uuid, const char *volume,
		       char ret_target[ADOPTED_TARGET_SIZE])
{
	const struct hv_adopted_disk *disk;

	scoped_lock(&lock);
	disk = find_disk(*find(host, uuid), volume);
	if (disk)
		memcpy(ret_target, disk->target, ADOPTED_TARGET_SIZE);
	return disk != NULL;
}

bool adopted_find_nic(const char *host, const char *uuid, int device_id, char ret_mac[ADOPTED_MAC_SIZE])
{
	const struct hv_adopted_nic *nic;

	scoped_lock(&lock);
	nic = find_nic(*find(host, uuid), device_id);
	if (nic)
		memcpy(ret_mac, nic->mac, ADOPTED_MAC_SIZE);
	return nic != NULL;
}
