/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What others have made on a host: which domains there are, whoever made them, and what one
 * of them consists of. Nothing is changed. The calls may wait for the host.
 */
#ifndef POOLFS_HYPERVISOR_DOMAIN_SURVEY_H
#define POOLFS_HYPERVISOR_DOMAIN_SURVEY_H

#include "hypervisor/adopted.h"
#include "hypervisor/hypervisor.h"

/* A domain of a host. */
struct hv_listed {
	char uuid[33];
	char *name; /* owned */
	bool own;   /* its name is its uuid, as that of all domains that the pool has made */
	enum hv_domain_state state;
	int cpus;
	int64_t memory; /* bytes */
};

/** All domains of @host, those of the pool, too, without those that this folder makes for its own work. */
int hv_host_domains(struct hypervisor *hv, const char *host, struct hv_listed **ret, size_t *ret_count,
		    struct error *e);
void hv_listed_free(struct hv_listed *list, size_t count);

#define SURVEY_DISKS 64
#define SURVEY_NICS  16

/* What a domain consists of, as far as the pool can have it. */
struct hv_survey {
	struct hv_listed domain;
	char machine[8]; /* "pc", "q35"; "" for the test driver's */
	bool virtio;	 /* all disks are on virtio */
	struct survey_disk {
		char *path;	/* owned: the file, or URL, that it is on */
		char format[8]; /* "qcow2", "raw" */
		char target[ADOPTED_TARGET_SIZE];
		int64_t size, actual_size; /* bytes that the guest sees, and on the storage */
	} disks[SURVEY_DISKS];		   /* the one it boots from first */
	size_t disk_count;
	struct survey_nic {
		char mac[ADOPTED_MAC_SIZE];
		char *network, *bridge; /* owned: libvirt's network, or the host's bridge; one of them */
		char address[16];	/* IPv4 address that it is seen with, or "" */
	} nics[SURVEY_NICS];
	size_t nic_count;
};

/**
 * Looks at the domain @name, its name or uuid. hv_survey_done() in any case. -ENOENT; -EOPNOTSUPP with a sentence
 * when it has something that the pool could not give it again: UEFI, a TPM, devices of the host, disks on other
 * files, and the like.
 */
int hv_domain_survey(struct hypervisor *hv, const char *host, const char *name, struct hv_survey *ret,
		     struct error *e);
void hv_survey_done(struct hv_survey *survey);

#endif
