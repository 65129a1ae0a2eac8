/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hosts: adding and removing them, and what they report. With the headers named
 * below, this is all that the rest of the pool knows of libvirt:
 *
 *   domain/domain.h domain_size.h domain_xml.h console.h migrate.h
 *   domain/nic.h cdrom.h disk.h disk_chain.h disk_copy.h
 *   storage/pool.h volume.h ceph_path.h
 *   domain/survey.h domain/sighting.h adopted.h
 *   network.h host_uri.h
 *
 * A `struct hypervisor` has one thread per host, which connects, reconnects and
 * delivers that host's events, so a host that hangs holds up no other; all share
 * the process's one libvirt event loop thread. Hosts, domains, volumes and
 * networks are named by the pool's own 32-digit uuids; domains on a host whose
 * name is not their uuid in that form belong to somebody else, and only domain/survey.h
 * and domain/sighting.h tell of them, until they are adopted (adopted.h): for all other
 * calls they are not there, and so cannot be changed. Nothing of libvirt's types leaves this folder, and nothing here knows the
 * model, jobs or FUSE; of model/ only error.h, cleanup.h and child.h are used.
 *
 * Blocking: each call that names a host may wait for it; call them from executor
 * workers, never from a FUSE thread. hv_host_add(), hv_host_remove() and
 * hv_host_reconnect() return at once.
 *
 * Callbacks (struct hv_events) of one host come one after the other, from its
 * thread, with no lock held; those of different hosts may come at the same time.
 * Meanwhile the host's further events queue up, so a callback may ask its own host,
 * but must not wait for another one. Order: CONNECTED comes first, then what changed
 * since; changes arrive in the order in which they happened, and a late one is
 * always followed by those up to the present. DISCONNECTED comes after the last
 * event of a connection.
 *
 * Errors: 0 or a negative errno, with a sentence. -ENOTCONN (code HOST.1010)
 * when the host is not connected; -ENOENT when the named thing does not exist;
 * -EOPNOTSUPP when this hypervisor cannot do it; -ETIMEDOUT when a wait timed out.
 *
 * Simulation: a host whose URI is test:///FOLDER/UUID.xml, with its own uuid, is a
 * machine of the simulator (simulator/simulator.h), which is what hosts/simulators
 * makes: fast, and small enough for a hundred thousand domains. All other URIs that start with "test:" are
 * libvirt's own test driver. What both lack (files behind volumes, consoles, the guest
 * agent) is simulated in this folder, so that callers need no second path.
 * test:///default is one state for the whole process; any other file is a
 * state per host, which survives reconnecting but not hv_host_remove(), nor the end of the process.
 */
#ifndef POOLFS_HYPERVISOR_H
#define POOLFS_HYPERVISOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/error.h"

struct host;
struct hypervisor;

enum hv_domain_state {
	HV_DOMAIN_ABSENT, /* not defined on the host */
	HV_DOMAIN_OFF,	  /* defined, not active */
	HV_DOMAIN_RUNNING,
	HV_DOMAIN_PAUSED,
};

/** True when its guest has its disks open. */
static inline bool hv_domain_is_up(enum hv_domain_state state)
{
	return state == HV_DOMAIN_RUNNING || state == HV_DOMAIN_PAUSED;
}

/** Why a domain is in its state; what the pool's events and HA need to tell apart. */
enum hv_domain_reason {
	HV_REASON_OTHER,
	HV_REASON_GUEST,   /* the guest shut itself down */
	HV_REASON_CRASHED, /* qemu died or the guest panicked */
	HV_REASON_ENOSPC,  /* paused by a full disk */
	HV_REASON_IO_ERROR,
	HV_REASON_WATCHDOG, /* paused by the guest's watchdog */
	HV_REASON_ASLEEP,   /* the guest sleeps (ACPI S3); hv_domain_resume() wakes it */
	HV_REASON_SAVED,    /* off, and its memory is in a file on the host, which the next start discards */
	HV_REASON_STARTING, /* paused until libvirt has started it, or has received it in a migration */
};

enum hv_host_status { HV_HOST_CONNECTING, HV_HOST_CONNECTED, HV_HOST_DISCONNECTED };

/** What a host has, read at each connection. */
struct hv_host_info {
	char hostname[256];
	char virt_type[8]; /* "kvm" when a probe really ran a guest under KVM, "qemu" for TCG, "test" */
	int64_t memory;	   /* bytes */
	int cpus;	   /* logical processors */
	int sockets;
	bool simulated;	    /* test driver, or simulator */
	bool bandwidth;	    /* traffic control works, so NIC limits can be applied */
	char arch[16];	    /* "x86_64", "aarch64"; "" when simulated */
	bool machine_known; /* the host has said whether guests can have the following */
	bool uefi, secure_boot, tpm;
};

/** What a host says of a domain. */
struct hv_domain_status {
	char uuid[33];
	enum hv_domain_state state;
	enum hv_domain_reason reason;
};

struct hv_events {
	/**
	 * The host's connection changed. At CONNECTED, @info is given, and calls on the host work from now on. Events
	 * before it are lost, so everything is to be compared: hv_host_states(). A negative errno gives up the
	 * connection, for another one to be made. Otherwise @info is NULL, @sentence says why, and the result is
	 * ignored. All pointers are borrowed for the call.
	 */
	int (*host)(void *ctx, const char *host_uuid, enum hv_host_status status,
		    const struct hv_host_info *info, const char *sentence);
	/**
	 * A domain changed its state, by our doing or somebody else's. A start is told as RUNNING,
	 * a paused one as RUNNING and then PAUSED. OFF and ABSENT mean that the agent is gone, too. The state may be
	 * past by the time it is told: hv_domain_state() tells the present one.
	 */
	void (*domain)(void *ctx, const char *host_uuid, const char *domain_uuid, enum hv_domain_state state,
		       enum hv_domain_reason reason);
	/** The guest agent of a domain connected or went away. */
	void (*agent)(void *ctx, const char *host_uuid, const char *domain_uuid, bool connected);
	/** A device (by its alias) is really gone from a running domain. */
	void (*device_removed)(void *ctx, const char *host_uuid, const char *domain_uuid, const char *alias);
	/** Domains that are not of the pool have changed: hv_host_domains() tells what there is now. */
	void (*others)(void *ctx, const char *host_uuid);
};

/** Starts the event loop. @events is copied; @ctx is handed to each callback. */
int hv_new(const struct hv_events *events, void *ctx, struct hypervisor **ret_hv, struct error *e);

/**
 * Forgets all hosts and ends their threads; no callback comes after it. Not to be called from a
 * callback. Accepts NULL. Domains go on running.
 */
void hv_free(struct hypervisor *hv);

/* ---------------------------------------------------------------- hosts */

/** Makes a host known under @uuid (32 hex digits) and connects to @uri in the background. -EEXIST. */
int hv_host_add(struct hypervisor *hv, const char *uuid, const char *uri, struct error *e);
/**
 * Forgets the host: closes its connection, ends reconnecting. No callback for it begins after this
 * returned; one that is just running may still end. Unknown hosts are no error.
 */
void hv_host_remove(struct hypervisor *hv, const char *uuid);
/**
 * Drops the present connection, if any, and connects anew now. -ENOENT. The probes for KVM and
 * traffic control run again; reconnecting by itself, the host keeps their last result.
 */
int hv_host_reconnect(struct hypervisor *hv, const char *uuid, struct error *e);
/**
 * Whether a reconnection has been asked for that has not begun: what was reported before this is false, or is being
 * reported, is of a connection or an attempt that ends now. When it begins, HV_HOST_CONNECTING has been reported.
 */
bool hv_host_is_to_reconnect(struct hypervisor *hv, const char *uuid);

/**
 * For the rest of hypervisor/ only: the host @uuid, with a reference for the caller; NULL when there is none.
 */
struct host *hypervisor_get_host(struct hypervisor *hv, const char *uuid);

/* ------------------------------------------------------------------ long work */

/**
 * Progress of long copies: called with 0..100; return nonzero to cancel (the call then fails with
 * -ECANCELED).
 */
typedef int hv_progress(void *ctx, int percent);

#endif
