/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the VM family share, and what other families need of VMs.
 */
#ifndef POOLFS_VM_H
#define POOLFS_VM_H

#include "../hypervisor/hypervisor.h"
#include "job.h"

/**
 * Writes a changed VM (@vm is taken over, also on failure) in the place of @before (NULL: a new one), and the
 * capacities of its hosts with it. For change functions: the one way in which a VM's row is written.
 */
int vm_write(struct txn *t, const struct object *before, struct object *vm, struct error *e);
/** Writes a VM's state. For change functions. */
int vm_put_state(struct txn *t, const char *uuid, enum vm_state state, struct error *e);
/** The same as a change of its own, from a worker. */
int vm_set_state(struct pool *pool, const char *uuid, enum vm_state state, struct error *e);

/**
 * Writes what the VM's host says of its domain now: for handlers that have written a final state, to catch
 * an event that came before it, and for recovery. A host that is not connected leaves the VM as it is.
 */
void vm_settle(struct pool *pool, const char *host, const char *uuid);

/**
 * Starts a VM that has a root volume: chooses and promises a host, gives NICs their addresses, opens storage
 * and networks there, starts the domain (@paused: frozen). On failure everything is taken back and the VM is in
 * @failed_state. Blocking.
 */
int vm_bring_up(struct job *job, const char *uuid, enum vm_state failed_state, bool paused, struct error *e);
/** The second half of it, for a VM whose host is chosen and promised already (state Starting). */
int vm_power_on(struct job *job, const char *uuid, const char *host, const char *last_host,
		enum vm_state failed_state, bool paused, struct error *e);
/** Ends a domain: gracefully within @grace_ms, then, or with 0 at once, by cutting its power. Writes no state. */
int vm_power_off(struct job *job, const char *uuid, const char *host, int grace_ms, struct error *e);
/** Writes @state (Stopped or Destroyed) with the host left and its promise taken back. For change functions. */
int vm_put_stopped(struct txn *t, const char *uuid, enum vm_state state, struct error *e);
/** Ends the domain on the VM's host, gracefully within @grace_ms (0: at once), and writes Stopped. Blocking. */
int vm_bring_down(struct job *job, const char *uuid, int grace_ms, struct error *e);

/**
 * The first start of a VM whose row is there (state Created): chooses host and storage, makes volumes and NICs,
 * starts the domain. On failure all of that is taken back and the VM is Created again. Blocking.
 */
int vm_first_start(struct job *job, const char *uuid, bool paused, struct error *e);
/** A volume that is to be made. All borrowed. */
struct vm_disk {
	const char *uuid; /* NULL: a new one */
	const char *storage, *host; /* the host counts for local storage only */
	const char *offering, *image, *description; /* each may be NULL */
	int64_t size; /* bytes */
	int device_id; /* 0 = the root volume */
};
/**
 * Writes a volume of @vm (state Creating, without a file) and promises its bytes: PS.1000. For change functions.
 */
int vm_put_volume(struct txn *t, const struct object *vm, const struct vm_disk *disk, char ret_uuid[UUID_SIZE],
		  struct error *e);
/** Puts an ISO into the VM's first drive; it boots from it, if nobody said otherwise. For change functions. */
int vm_put_iso(struct txn *t, const char *vm_uuid, const char *image_uuid, struct error *e);
/** Makes the files of a VM's volumes that are not Ready, on the VM's host. Blocking. */
int vm_instantiate_volumes(struct job *job, const char *uuid, struct error *e);
/** Writes that a volume has its file, @path on @host: Ready. Blocking. */
int vm_volume_ready(struct pool *pool, const char *uuid, const char *host, const char *path, struct error *e);
/** Makes the file of one volume on @host: an overlay of its image, or empty. Blocking. */
int vm_make_volume(struct job *job, const struct object *volume, const char *host, struct error *e);
/**
 * Writes a NIC on an L3 network: @mac (NULL or "": a new one), @ip (NULL or "": the first free). For change functions.
 */
int vm_put_nic(struct txn *t, const char *vm_uuid, const char *l3, int device_id, const char *mac, const char *ip,
	       char ret_uuid[UUID_SIZE], struct error *e);
/** Takes away what a first start made: domain, leases, volumes, NICs; the VM's row stays, in @state. Blocking. */
int vm_strip(struct pool *pool, const char *uuid, enum vm_state state, struct error *e);
/** vm_strip(), and the VM's own rows. Success when it is gone. Blocking. */
int vm_remove(struct job *job, const char *uuid, struct error *e);
/**
 * After a restart: waits for the VM's host, writes what it says of the domain, and answers whether the VM is in
 * @wanted. 0 = it is; -EINTR = it is not. Blocking, at most 30 s; without the host the VM becomes Unknown.
 */
int vm_recover_state(struct job *job, const char *uuid, enum vm_state wanted);
/** True for what may be a host name in DNS. */
bool vm_hostname_is_valid(const char *name);
/** The VM on the L3 network that has this host name, other than @but; NULL = none. */
const struct object *vm_with_hostname(const struct view *view, const char *l3, const char *hostname, const char *but);
/** Removes a volume and its snapshots, files and rows. Success when they are gone already. Blocking. */
int vm_remove_volume(struct pool *pool, const char *volume_uuid, struct error *e);

/** Stops, destroys and expunges every VM whose indexed @field is @uuid: what a vanishing zone or host does. Blocking. */
int vm_remove_all_where(struct job *job, int field, const char *uuid, struct error *e);
/** Submits the expunge of VMs that have been Destroyed for longer than vm.expungePeriod. */
int vm_expunge_due(struct pool *pool, struct error *e);

/* ---- placement (behaviour.md 3.6), allocate.c */

/** What a host is wanted for. Strings may be NULL; borrowed. */
struct placement {
	const char *vm;	     /* its uuid, "" for one that is not there yet */
	const char *zone, *cluster, *host; /* restrict to it */
	const char *strategy;
	int cpu_num;
	int64_t memory;
	const char *const *l3_networks; /* uuids */
	size_t l3_count;
	const char *image;	      /* must be reachable from the zone; NULL = not needed */
	const char *primary_storage;  /* the VM's volumes lie there, or shall; NULL = any with room */
	const char *volume_host;      /* local storage: the volumes lie on this host's folder */
	int64_t storage_needed;	      /* bytes for new volumes */
	const char *last_host;
	const char *avoid_host;
};
/**
 * Chooses a host and a primary storage for @want. HOST_ALLOCATION.1000 or PS.1000 with the manual's sentence of the
 * filter that left nothing. Reads only; the caller promises the capacity in the same change.
 */
int placement_choose(const struct view *view, const struct placement *want, const struct object **ret_host,
		     const struct object **ret_ps, struct error *e);

/* ---- domain description, vm_spec.c */

/** A domain's description with everything it points to. */
struct vm_spec {
	struct hv_domain_spec domain;
	struct hv_disk disks[64];
	struct hv_nic nics[32];
	const char *pci[16];
	char title[256];
	char log[4096];
	char networks[32][32];
	char *strings[64];     /* owned */
	size_t string_count;
	struct view *view; /* owned: everything borrowed is borrowed from it */
};
/** Describes the VM as @view has it, to be run on @host. @spec must be zero; vm_spec_done() it in any case. */
int vm_spec_build(struct pool *pool, struct view *view, const struct object *vm, const struct object *host,
		  struct vm_spec *spec, struct error *e);
/** Adds the NoCloud disk (path taken over) as the fourth CD-ROM. */
int vm_spec_add_nocloud(struct vm_spec *spec, char *taken_path, struct error *e);
void vm_spec_done(struct vm_spec *spec);
/** The value part of a VM's (or other object's) system tag `prefix::value`; "" for the bare tag; NULL = absent. */
const char *tag_value(const struct view *view, const char *resource_uuid, const char *prefix);
/**
 * Puts the NoCloud disk of a VM (user data, ssh key, root password, host name) onto its host, when it has any of
 * these: *ret_path is its path there, allocated, or NULL without. Blocking.
 */
int vm_make_nocloud(struct job *job, const struct view *view, const struct object *vm, const struct object *host,
		    char **ret_path, struct error *e);

#endif
