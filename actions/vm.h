/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the VM family share, and what other families need of VMs.
 */
#ifndef POOLFS_VM_H
#define POOLFS_VM_H

#include "hypervisor/hypervisor.h"
#include "actions/job.h"

/**
 * Writes a changed VM (@vm is taken over, also on failure) in the place of @before (NULL: a new one), and the
 * capacities of its hosts with it. For change functions: the one way in which a VM's row is written.
 */
int vm_write(struct txn *t, const struct object *before, struct object *vm, struct error *e);
/** Writes a VM's state. For change functions. */
int vm_put_state(struct txn *t, const char *uuid, enum vm_state state, struct error *e);
/** The same as a change of its own, from a worker. */
int vm_set_state(struct pool *pool, const char *uuid, enum vm_state state, struct error *e);

/** True when a VM that runs can be given exactly this size without being stopped. */
bool vm_resizes_live(const struct view *view, const struct object *vm, int64_t cpus, int64_t memory);
/** The host of a VM that is Running or Paused, so that it can be changed live; NULL for others. Borrowed. */
const char *vm_active_host(const struct object *vm);

/**
 * Writes what the VM's host says of its domain now: for handlers that have written a final state, to catch
 * an event that came before it, and for recovery. A host that is not connected leaves the VM as it is.
 */
void vm_settle(struct pool *pool, const char *host, const char *uuid);

/**
 * Starts a VM that has a root volume: chooses and promises a host, gives NICs their addresses, opens storage
 * and networks there, starts the domain (@paused: frozen). On failure everything is taken back and the VM is
 * in
 * @failed_state. Blocking.
 */
int vm_bring_up(struct job *job, const char *uuid, enum vm_state failed_state, bool paused, struct error *e);
/** The second half of it, for a VM whose host is chosen and promised already (state Starting or Rebooting).
 */
int vm_power_on(struct job *job, const char *uuid, const char *host, const char *last_host,
		enum vm_state failed_state, bool paused, struct error *e);
/** Ends a domain: gracefully within @grace_ms, then, or with 0 at once, by cutting its power. Writes no
 * state. */
int vm_power_off(struct job *job, const char *uuid, const char *host, int grace_ms, struct error *e);
/** Writes @state (Stopped or Destroyed) with the host left and its promise taken back. For change functions.
 */
int vm_put_stopped(struct txn *t, const char *uuid, enum vm_state state, struct error *e);
/** Writes Stopped likewise; @for_good: and HA leaves the VM alone until somebody starts it. For change
 * functions. */
int vm_put_off(struct txn *t, const char *uuid, bool for_good, struct error *e);
/** True when the request says that HA shall leave the VM alone when it has stopped. */
bool vm_stop_is_for_good(const struct request *req);
/** Ends the domain on the VM's host, gracefully within @grace_ms (0: at once), and writes Stopped. Blocking.
 */
int vm_bring_down(struct job *job, const char *uuid, int grace_ms, struct error *e);

/**
 * The first start of a VM whose row is there (state Created): chooses host and storage, makes volumes and
 * NICs, starts the domain. On failure all of that is taken back and the VM is Created again. Blocking.
 */
int vm_first_start(struct job *job, const char *uuid, bool paused, struct error *e);
/** A volume that is to be made. All borrowed. */
struct vm_disk {
	const char *uuid;			    /* NULL: a new one */
	const char *storage, *host;		    /* the host counts for local storage only */
	const char *offering, *image, *description; /* each may be NULL */
	int64_t size;				    /* bytes */
	int device_id;				    /* 0 = the root volume */
};
/**
 * Writes a volume of @vm (state Creating, without a file) and promises its bytes: PS.1000. For change
 * functions.
 */
int vm_put_volume(struct txn *t, const struct object *vm, const struct vm_disk *disk,
		  char ret_uuid[UUID_SIZE], struct error *e);
/** Puts an ISO into the VM's first drive; it boots from it, if nobody said otherwise. For change functions.
 */
int vm_put_iso(struct txn *t, const char *vm_uuid, const char *image_uuid, struct error *e);
/** Makes the files of a VM's volumes that are not Ready, on the VM's host. Blocking. */
int vm_instantiate_volumes(struct job *job, const char *uuid, struct error *e);
/** Writes that a volume has its file, @path on @host: Ready. Blocking. */
int vm_volume_ready(struct pool *pool, const char *uuid, const char *host, const char *path, struct error *e);
/** Makes the file of one volume on @host: an overlay of its image, or empty. Blocking. */
int vm_make_volume(struct job *job, const struct object *volume, const char *host, struct error *e);
/**
 * Writes a NIC on an L3 network: @mac (NULL or "": a new one), @ip (NULL or "": the first free). For change
 * functions.
 */
int vm_put_nic(struct txn *t, const char *vm_uuid, const char *l3, int device_id, const char *mac,
	       const char *ip, char ret_uuid[UUID_SIZE], struct error *e);
/** Takes away what a first start made: domain, leases, volumes, NICs; the VM's row stays, in @state.
 * Blocking. */
int vm_strip(struct pool *pool, const char *uuid, enum vm_state state, struct error *e);
/** vm_strip(), and the VM's own rows. Success when it is gone. Blocking. */
int vm_remove(struct job *job, const char *uuid, struct error *e);
/** The fixed DHCP lease of a NIC, with its VM's host name, on a host. Opens the network when needed.
 * Blocking. */
int vm_set_lease(struct pool *pool, const struct view *view, const struct object *nic, const char *host,
		 struct error *e);
/** The leases of all NICs of a VM. Blocking. */
int vm_set_leases(struct pool *pool, const struct view *view, const char *uuid, const char *host,
		  struct error *e);
/** Makes the copies of a VM's attached ISOs that the host needs. Blocking. */
int vm_fetch_isos(struct job *job, const struct view *view, const char *uuid, const char *host,
		  struct error *e);
/**
 * The hosts that a running VM could migrate to, the best first (@host: only this one): allocated, its entries
 * borrowed. HOST_ALLOCATION.1000 when there is none. Reads only.
 */
int vm_migration_targets(const struct view *view, const struct object *vm, const char *host,
			 const struct object ***ret_hosts, size_t *ret_count, struct error *e);
/**
 * After a restart: waits for the VM's host, writes what it says of the domain, and answers whether the VM is
 * in
 * @wanted. 0 = it is; -EINTR = it is not. Blocking, at most 30 s; without the host the VM becomes Unknown.
 */
int vm_recover_state(struct job *job, const char *uuid, enum vm_state wanted);
/** Refuses what is no host name in DNS, and one that another VM than @but (may be NULL) on the L3 network
 * has. */
int vm_check_hostname(const struct view *view, const char *name, const char *l3, const char *but,
		      struct error *e);
/** Refuses a console password that the manual forbids. */
int vm_check_console_password(const char *password, struct error *e);
/** Refuses words that are no boot device; @shown is what is printed as the whole. */
int vm_check_boot_order(const char *order, const char *shown, struct error *e);
/** Refuses a number of monitors that there is no screen for. */
int vm_check_monitors(const char *number, struct error *e);
/** What a system tag is, "hostname" of "hostname::web"; returns @ret_prefix. */
const char *vm_tag_prefix(const char *tag, char ret_prefix[64]);
/**
 * Refuses a system tag of a VM that says what cannot be. @l3: the VM's default network, on which its host
 * name is unique; @but: the VM that may have it, NULL for one that is not there yet.
 */
int vm_check_tag(const struct view *view, const char *tag, const char *l3, const char *but, struct error *e);
/** Refuses a tag of which a VM may have one and would have @count. */
int vm_check_single_tag(const char *vm, const char *tag, size_t count, struct error *e);
/** Refuses tags `customMac::<l3>::<mac>` of a request that are malformed, repeated or taken. */
int vm_check_custom_macs(const struct view *view, const struct request *req, struct error *e);
/** Removes a volume and its snapshots, files and rows. Success when they are gone already. Blocking. */
int vm_remove_volume(struct pool *pool, const char *volume_uuid, struct error *e);

/** Stops, destroys and expunges every VM whose indexed @field is @uuid: what a vanishing zone or host does.
 * Blocking. */
int vm_remove_all_where(struct job *job, int field, const char *uuid, struct error *e);
/** Submits the expunge of VMs that have been Destroyed for longer than vm.expungePeriod. */
int vm_expunge_due(struct pool *pool, struct error *e);

/* ---- placement (behaviour.md 3.6), allocate.c */

/** What a host is wanted for. Strings may be NULL; borrowed. */
struct placement {
	const char *vm;			   /* its uuid, "" for one that is not there yet */
	const char *zone, *cluster, *host; /* restrict to it */
	const char *strategy;
	int cpu_num;
	int64_t memory;
	const char *const *l3_networks; /* uuids */
	size_t l3_count;
	const char *image;	     /* must be reachable from the zone; NULL = not needed */
	const char *primary_storage; /* the root volume lies there, or shall; NULL = any with room */
	bool volumes_move;	     /* volumes on a host's own folder go along with the VM */
	int64_t storage_needed;	     /* bytes for new volumes */
	const char *last_host;
	const char *avoid_host;
	json_t **ret_report; /* what was ruled out and why, also on failure, owned by the caller; NULL: not
				asked */
};
/* Most NICs of a VM. */
#define PLACEMENT_NETWORKS 32
/** What a VM that has its volumes and NICs needs, wherever in its zone; borrows from @view and fills
 * @networks. */
void placement_for_vm(const struct view *view, const struct object *vm, struct placement *ret,
		      const char *networks[PLACEMENT_NETWORKS]);
/**
 * Chooses a host and a primary storage for @want. HOST_ALLOCATION.1000 or PS.1000 with the manual's sentence
 * of the filter that left nothing. Reads only; the caller promises the capacity in the same change.
 */
int placement_choose(const struct view *view, const struct placement *want, const struct object **ret_host,
		     const struct object **ret_ps, struct error *e);

/** All hosts that would do, the best first: *ret_hosts is allocated, its entries are borrowed. Errors as
 * above. */
int placement_list(const struct view *view, const struct placement *want, const struct object ***ret_hosts,
		   size_t *ret_count, struct error *e);
/** The @i-th strategy that an offering may name; NULL after the last. */
const char *placement_strategy(size_t i);
/** True for a strategy of the table, also one that only placement itself takes. */
bool placement_strategy_is_known(const char *name);
/** Keeps a report (NULL: none) in a VM's row, from where the file `placement` shows it. */
void vm_set_placement(struct object *vm, const json_t *report);
/** The same as a change of its own, for an attempt that failed; NULL does nothing. Blocking. */
void vm_note_placement(struct pool *pool, const char *uuid, const json_t *report);

/* ---- domain description, vm_spec.c */

/* CD-ROM drives of a VM, device ids 0 to 2; the fourth is the NoCloud disk's. */
#define VM_ISO_MAX 3
/* Room for the name of a libvirt network or a bridge. */
#define VM_NETWORK_NAME 32

/** A domain's description with everything it points to. */
struct vm_spec {
	struct hv_domain_spec domain;
	struct hv_disk disks[64];
	struct hv_nic nics[32];
	const char *pci[16];
	char title[256];
	char log[4096];
	char networks[32][VM_NETWORK_NAME];
	char *strings[64]; /* owned */
	size_t string_count;
	struct view *view; /* owned: everything borrowed is borrowed from it */
};
/** Describes the VM as @view has it, to be run on @host. @spec must be zero; vm_spec_done() it in any case.
 */
int vm_spec_build(struct pool *pool, struct view *view, const struct object *vm, const struct object *host,
		  struct vm_spec *spec, struct error *e);
/** Describes one NIC, to be plugged on @host; @network is room for what the result points to besides @view.
 */
void vm_spec_nic(const struct view *view, const struct object *nic, const struct object *host,
		 char network[VM_NETWORK_NAME], struct hv_nic *ret);
/** The ISO in drive @device_id, as the tag `iso::<image>::<deviceId>` says: @ret_image, or NULL when it is
 * empty. */
const char *vm_iso_in_drive(const struct view *view, const char *vm_uuid, int device_id,
			    char ret_image[UUID_SIZE]);
/** What the VM boots from, in order, with commas: HardDisk, CdRom. Borrowed. */
const char *vm_boot_order(const struct view *view, const char *vm_uuid);
/** Adds the NoCloud disk (path taken over) as the fourth CD-ROM. */
int vm_spec_add_nocloud(struct vm_spec *spec, char *taken_path, struct error *e);
void vm_spec_done(struct vm_spec *spec);
/** The value part of a VM's (or other object's) system tag `prefix::value`; "" for the bare tag; NULL =
 * absent. */
const char *tag_value(const struct view *view, const char *resource_uuid, const char *prefix);
/**
 * Puts the NoCloud disk of a VM (user data, ssh key, root password, host name) onto its host, when it has any
 * of these: *ret_path is its path there, allocated, or NULL without. Blocking.
 */
int vm_make_nocloud(struct job *job, const struct view *view, const struct object *vm,
		    const struct object *host, char **ret_path, struct error *e);

#endif
