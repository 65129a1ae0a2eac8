/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The narrow interface to the hosts: what the rest of the pool knows of libvirt.
 *
 * A `struct hypervisor` has one thread per host, which connects, reconnects and
 * delivers that host's events, so a host that hangs holds up no other; all share
 * the process's one libvirt event loop thread. Hosts, domains, volumes and
 * networks are named by the pool's own 32-digit uuids; domains on a host whose
 * name is not their uuid in that form are somebody else's and never seen here.
 * Nothing of libvirt's types leaves this folder, and nothing here knows the
 * model, jobs or FUSE (only model/error.h, model/cleanup.h and model/child.h are shared).
 *
 * Blocking: every hv_domain_*, hv_pool_*, hv_volume_* and hv_network_* call may
 * wait for the host; call them from executor workers, never from a FUSE thread.
 * hv_host_add(), hv_host_remove() and hv_host_reconnect() return at once.
 *
 * Callbacks (struct hv_events) of one host come one after the other, from its
 * thread, with no lock held; those of different hosts may come at the same time.
 * They should only enqueue work and return: meanwhile the host's events queue up.
 * Order: CONNECTED with the list comes first, then what changed since; changes
 * arrive in the order in which they happened, and a stale one (older than the
 * list, heard before it was read) is always followed by those up to the present.
 * DISCONNECTED comes after the last event of a connection.
 *
 * Errors: 0 or a negative errno, with a sentence. -ENOTCONN (code HOST.1010)
 * when the host is not connected; -ENOENT when the named thing does not exist;
 * -EOPNOTSUPP when this hypervisor cannot; -ETIMEDOUT when a wait ran out.
 *
 * Simulation: a URI that starts with "test:" is libvirt's own test driver. What
 * that driver lacks (files behind volumes, paused starts, consoles, the guest
 * agent) is simulated in this folder, so that callers need no second path.
 * test:///default is one state for the whole process; test:///FILE.xml is a
 * state per host, which survives reconnecting but not hv_host_remove().
 */
#ifndef POOLFS_HYPERVISOR_H
#define POOLFS_HYPERVISOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hypervisor/host_uri.h"
#include "model/error.h"

struct host;
struct hypervisor;

enum hv_domain_state {
	HV_DOMAIN_ABSENT, /* not defined on the host */
	HV_DOMAIN_OFF,	  /* defined, not active */
	HV_DOMAIN_RUNNING,
	HV_DOMAIN_PAUSED,
};

/** Why a domain is in its state; what the pool's events and HA need to tell apart. */
enum hv_domain_reason {
	HV_REASON_OTHER,
	HV_REASON_GUEST,   /* the guest shut itself down */
	HV_REASON_CRASHED, /* qemu died or the guest panicked */
	HV_REASON_ENOSPC,  /* paused by a full disk */
	HV_REASON_IO_ERROR,
};

enum hv_host_status { HV_HOST_CONNECTING, HV_HOST_CONNECTED, HV_HOST_DISCONNECTED };

/** What a host has, read at each connection. */
struct hv_host_info {
	char hostname[256];
	char virt_type[8]; /* "kvm" when a probe really ran a guest under KVM, "qemu" for TCG, "test" */
	int64_t memory;	   /* bytes */
	int cpus;	   /* logical processors */
	int sockets;
	bool simulated; /* test driver */
	bool bandwidth; /* traffic control works, so NIC limits can be applied */
};

/** One domain as a full comparison sees it. */
struct hv_domain_status {
	char uuid[33];
	enum hv_domain_state state;
	enum hv_domain_reason reason;
};

struct hv_events {
	/**
	 * The host's connection changed. At CONNECTED, @info and the complete list of the host's
	 * domains at that moment are given (events before it are lost, so compare everything);
	 * otherwise @info is NULL and @sentence says why. All pointers are borrowed for the call.
	 */
	void (*host)(void *ctx, const char *host_uuid, enum hv_host_status status,
		     const struct hv_host_info *info, const struct hv_domain_status *domains,
		     size_t domain_count, const char *sentence);
	/**
	 * A domain changed its state, by our doing or somebody else's. A start is told as RUNNING,
	 * a paused one as RUNNING and then PAUSED. OFF and ABSENT mean that the agent is gone, too. A start
	 * or stop that is past by the time it would be told is left out.
	 */
	void (*domain)(void *ctx, const char *host_uuid, const char *domain_uuid, enum hv_domain_state state,
		       enum hv_domain_reason reason);
	/** The guest agent of a domain connected or went away. */
	void (*agent)(void *ctx, const char *host_uuid, const char *domain_uuid, bool connected);
	/** A device (by its alias) is really gone from a running domain. */
	void (*device_removed)(void *ctx, const char *host_uuid, const char *domain_uuid, const char *alias);
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
 * For the rest of hypervisor/ only: the host @uuid, with a reference for the caller; NULL when there is none.
 */
struct host *hypervisor_get_host(struct hypervisor *hv, const char *uuid);

/* -------------------------------------------------------------- domains */

enum hv_disk_bus { HV_BUS_VIRTIO, HV_BUS_SCSI, HV_BUS_IDE };

/** One disk or CD-ROM. Strings are borrowed from the caller for the time of the call. */
struct hv_disk {
	const char *path;   /* file on the host; NULL for an empty CD-ROM */
	const char *format; /* "qcow2" or "raw", always given for a disk: formats are never guessed */
	const char *serial; /* volume uuid; cut to 20 characters for virtio */
	int device_id;	    /* 0 root, 1.. data; CD-ROM: 0..2, 3 is the NoCloud disk */
	enum hv_disk_bus bus;
	bool cdrom; /* on IDE; what does not fit there beside IDE disks goes on SATA */
	bool shareable;
	int boot_order;		 /* 1.. per-device boot order, 0 = none */
	const char *wwn;	 /* 16 hex digits, scsi only, may be NULL */
	int64_t total_bytes_sec; /* 0 = unlimited */
};

/** One NIC. */
struct hv_nic {
	const char *mac;
	const char *network; /* libvirt network name, or NULL */
	const char *bridge;  /* host bridge when network is NULL */
	const char *target;  /* tap name (vnic<internalId>.<deviceId>), may be NULL */
	const char *model;   /* "virtio" or "e1000" */
	int device_id;
	int boot_order;
	int64_t inbound_bps; /* guest's inbound limit, bit/s, 0 = unlimited */
	int64_t outbound_bps;
};

enum hv_graphics { HV_GRAPHICS_VNC, HV_GRAPHICS_SPICE };

/** Everything a domain's XML is made of. The pool builds it from the model at each start. */
struct hv_domain_spec {
	const char *uuid; /* 32 hex digits; also the domain's name */
	const char *title;
	const char *virt_type; /* "kvm", "qemu" or "test", from hv_host_info */
	int cpu_num;
	int cpu_max;		 /* >= cpu_num; larger when vm.numa allows hot-plug */
	int64_t memory;		 /* bytes, a multiple of 1 KiB */
	int64_t memory_max;	 /* >= memory; larger when vm.numa allows hot-plug */
	int cpu_shares;		 /* 0 = default */
	const char *cpu_mode;	 /* "none", "host-model", "host-passthrough" */
	const char *cpu_pinning; /* value of vmCpuPinning, "0:1-3,1:0" style, or NULL */
	bool hide_kvm;
	bool uefi;
	bool boot_menu;
	const char *platform;	   /* Linux, Windows, Other, Paravirtualization, WindowsVirtio */
	const char *serial_number; /* SMBIOS system serial, or NULL */
	const char *serial_log;	   /* file on the host that gets the serial console, or NULL */
	const char *video;	   /* cirrus, vga, qxl, virtio */
	enum hv_graphics graphics;
	const char *console_password; /* NULL = a random one is set, so that it can be changed live */
	const char *listen;	      /* address of the graphics server */
	int monitors;		      /* spice heads: 1, 2 or 4 */
	bool usb_redirect;
	bool guest_agent;		/* always true at present: the channel costs nothing */
	const char *const *pci_devices; /* host addresses "0000:00:00.0" to pass through */
	size_t pci_device_count;
	const struct hv_disk *disks;
	size_t disk_count;
	const struct hv_nic *nics;
	size_t nic_count;
};

/**
 * The domain XML of @spec, allocated; NULL only when memory is short. Deterministic: the same spec
 * gives the same bytes, and without console_password there is none in it: hv_domain_start(), which
 * uses this function, makes one up before. Devices have the aliases ua-disk-<device_id>,
 * ua-cdrom-<device_id> and ua-nic-<device_id>.
 */
char *hv_domain_xml(const struct hv_domain_spec *spec);

/** The XML of one disk as hv_domain_xml() writes it, allocated; NULL only when memory is short. */
char *hv_disk_xml(const struct hv_disk *disk);

/**
 * Defines the domain (replacing an inactive definition) and starts it, paused when @paused. -EEXIST
 * when it is active. A domain that was not defined before is not after a failure either.
 */
int hv_domain_start(struct hypervisor *hv, const char *host, const struct hv_domain_spec *spec, bool paused,
		    struct error *e);
/**
 * Asks the guest to shut down (ACPI, or the agent when there is one) and waits up to @timeout_ms.
 * Success when it is not active. -ETIMEDOUT; -EBUSY when it is paused.
 */
int hv_domain_shutdown(struct hypervisor *hv, const char *host, const char *uuid, int timeout_ms,
		       struct error *e);
/** Ends the domain at once. Success when it is not active. */
int hv_domain_destroy(struct hypervisor *hv, const char *host, const char *uuid, struct error *e);
/** Removes an inactive definition with its NVRAM. Success when there is none. */
int hv_domain_undefine(struct hypervisor *hv, const char *host, const char *uuid, struct error *e);
int hv_domain_suspend(struct hypervisor *hv, const char *host, const char *uuid, struct error *e);
int hv_domain_resume(struct hypervisor *hv, const char *host, const char *uuid, struct error *e);
/** The state now, straight from the host. ABSENT is a success. */
int hv_domain_state(struct hypervisor *hv, const char *host, const char *uuid,
		    enum hv_domain_state *ret_state, enum hv_domain_reason *ret_reason, struct error *e);
/** Libvirt's own XML of the domain, allocated. @ret_xml is untouched on failure. */
int hv_domain_get_xml(struct hypervisor *hv, const char *host, const char *uuid, char **ret_xml,
		      struct error *e);
/**
 * Graphics address of a running domain: port number and "vnc" or "spice" (static string). -EBUSY when
 * not running.
 */
int hv_domain_console(struct hypervisor *hv, const char *host, const char *uuid, int *ret_port,
		      const char **ret_protocol, struct error *e);
/**
 * Whether the guest agent answers a ping within @timeout_ms (rounded up to seconds): 0, or -ETIMEDOUT,
 * or at once -ENOTCONN when no agent is connected, -EBUSY when the guest does not run.
 */
int hv_domain_agent_ping(struct hypervisor *hv, const char *host, const char *uuid, int timeout_ms,
			 struct error *e);

/** Sets the password of an account inside the guest, through its agent. -ETIMEDOUT, -ENOTCONN as a ping. */
int hv_domain_set_password(struct hypervisor *hv, const char *host, const char *uuid, const char *account,
			   const char *password, struct error *e);

/*
 * Changes of a domain that is active (running or paused), -EBUSY when it is not. Doing what is done already
 * is a success, so that they can be repeated after a crash. The next hv_domain_start() describes all anew.
 */

/** Plugs a NIC; the guest sees it at once. */
int hv_nic_attach(struct hypervisor *hv, const char *host, const char *uuid, const struct hv_nic *nic,
		  struct error *e);
/** Unplugs the NIC @device_id and waits until it is gone. -ETIMEDOUT: the guest did not let it go, it stays.
 */
int hv_nic_detach(struct hypervisor *hv, const char *host, const char *uuid, int device_id, int timeout_ms,
		  struct error *e);
/** Sets both limits of a NIC, bit/s, 0 = unlimited. -EOPNOTSUPP when traffic control does not work there. */
int hv_nic_set_bandwidth(struct hypervisor *hv, const char *host, const char *uuid, const char *mac,
			 int64_t inbound_bps, int64_t outbound_bps, struct error *e);
/** Puts the file @path into CD-ROM drive @device_id, NULL = takes out what is in, also from a guest that
 * holds on to it. */
int hv_cdrom_change(struct hypervisor *hv, const char *host, const char *uuid, int device_id,
		    const char *path, struct error *e);
/** Changes the console's password at once; NULL = a random one that nobody knows. VNC uses 8 characters. */
int hv_console_set_password(struct hypervisor *hv, const char *host, const char *uuid, const char *password,
			    struct error *e);
/** Adds vCPUs up to @count. -EOPNOTSUPP when the domain was not started with room for them. Never removes
 * any. */
int hv_domain_set_cpus(struct hypervisor *hv, const char *host, const char *uuid, int count, struct error *e);
/** Adds memory up to @bytes, as one module; what is added is a multiple of 128 MiB. -EOPNOTSUPP as above.
 * Never removes any. */
int hv_domain_set_memory(struct hypervisor *hv, const char *host, const char *uuid, int64_t bytes,
			 struct error *e);

/* ------------------------------------------------- disks of active domains */

/*
 * Disks are found by the volume's uuid, their serial (hv_disk.serial). All of these need an active domain
 * (-EBUSY when it is not, -ENOENT when it has no such disk) and change its definition too.
 */

/** Plugs a disk in. -EOPNOTSUPP for a bus without hot-plug (IDE), -EEXIST when the domain has it. */
int hv_disk_attach(struct hypervisor *hv, const char *host, const char *domain, const struct hv_disk *disk,
		   struct error *e);
/**
 * Asks the guest to give a disk back and waits until it has. Success when the domain is not active or has no
 * such disk. -ETIMEDOUT when the guest keeps it: the disk is still attached then.
 */
int hv_disk_detach(struct hypervisor *hv, const char *host, const char *domain, const char *volume,
		   int timeout_ms, struct error *e);
/** The file that the domain writes to, allocated; NULL when it is not active or has no such disk. */
int hv_disk_path(struct hypervisor *hv, const char *host, const char *domain, const char *volume,
		 char **ret_path, struct error *e);
/** Limits reading and writing together; 0 = unlimited. */
int hv_disk_set_bandwidth(struct hypervisor *hv, const char *host, const char *domain, const char *volume,
			  int64_t bytes_per_second, struct error *e);
/** Makes the guest see a larger disk. -EINVAL when it would shrink. */
int hv_disk_resize(struct hypervisor *hv, const char *host, const char *domain, const char *volume,
		   int64_t size, struct error *e);
/**
 * From one moment on the guest writes to @overlay, an empty overlay of the disk's present file, which
 * does not change any more. All or nothing.
 */
int hv_disk_switch(struct hypervisor *hv, const char *host, const char *domain, const char *volume,
		   const char *overlay, struct error *e);

/**
 * Progress of long copies: called with 0..100; return nonzero to cancel (the call then fails with
 * -ECANCELED).
 */
typedef int hv_progress(void *ctx, int percent);

/**
 * Copies what lies between the disk's file and @base (a file below it; NULL = everything) into the disk's
 * file, whose backing file is then @base. Success at once when it is that already. The data stays the same
 * at any moment, also when this is broken off. -EINVAL when @base is not below the disk.
 */
int hv_disk_pull(struct hypervisor *hv, const char *host, const char *domain, const char *volume,
		 const char *base, hv_progress *progress, void *ctx, struct error *e);
/**
 * Merges the file @top, which is below the disk's file, down into @base, the one that it stands on: @base
 * then reads as @top does, and what stood on @top in this disk stands on @base. Success at once when @top is
 * no longer below the disk. From the beginning on @base is no use to anybody else; @top stays as it is.
 * *ret_begun, set on failure too: false when this call has surely written nothing to @base.
 */
int hv_disk_commit(struct hypervisor *hv, const char *host, const char *domain, const char *volume,
		   const char *top, const char *base, hv_progress *progress, void *ctx, bool *ret_begun,
		   struct error *e);
/** A copy of one disk: the new, standalone volume @name of a pool. */
struct hv_disk_copy {
	const char *volume;
	const char *pool, *name;
	const char *format; /* of the copy: "qcow2" or "raw" */
	char *path;	    /* out: allocated on success */
};
/** Copies disks of a domain, all as they are at one and the same moment. All or nothing. */
int hv_disks_copy(struct hypervisor *hv, const char *host, const char *domain, struct hv_disk_copy *copies,
		  size_t count, hv_progress *progress, void *ctx, struct error *e);
/** hv_disks_copy() of one disk, to qcow2. */
int hv_disk_copy(struct hypervisor *hv, const char *host, const char *domain, const char *volume,
		 const char *pool, const char *name, hv_progress *progress, void *ctx, char **ret_path,
		 struct error *e);
/** Ends copies of the domain's disks that were broken off with the daemon. Success when there is none. */
int hv_disk_copy_abort(struct hypervisor *hv, const char *host, const char *domain, const char *volume,
		       struct error *e);

/* ------------------------------------------------------------- migration */

/** How a domain moves. All borrowed. */
struct hv_migration {
	bool managed; /* by this process over its two connections; else the source's libvirt dials the
			 target's */
	const char *const *copied; /* uuids of the volumes whose files are the source's alone: their content
				      goes along */
	size_t copied_count;
};
/**
 * Moves an active domain, running or paused, with its definition to another host, live. Copied disks need a
 * pool of the same path there and become standalone files. A failure leaves the domain where it was, unless
 * the connection broke: then ask both hosts. -ECANCELED when @progress says so, -EBUSY when it is not active.
 * A domain with firmware variables leaves its definition behind, inactive: hv_domain_undefine() removes both.
 */
int hv_domain_migrate(struct hypervisor *hv, const char *from, const char *to, const char *uuid,
		      const struct hv_migration *how, hv_progress *progress, void *ctx, struct error *e);
/** Waits for the end of a migration that was under way when the daemon ended, or breaks it off. Success if
 * none is. */
int hv_domain_migrate_wait(struct hypervisor *hv, const char *from, const char *uuid, hv_progress *progress,
			   void *ctx, struct error *e);
/** Removes the file that a copied volume has left behind on its old host. Success when it is not there. */
int hv_volume_delete_moved(struct hypervisor *hv, const char *from, const char *pool, const char *name,
			   struct error *e);

/* -------------------------------------------------------------- storage */

struct hv_capacity {
	int64_t total;	   /* bytes */
	int64_t available; /* bytes */
};

/** A storage pool's definition. */
struct hv_pool_spec {
	const char *uuid;   /* of the primary or backup storage; the libvirt pool is named poolfs-<uuid> */
	const char *type;   /* "dir", "netfs" or "rbd" */
	const char *target; /* folder on the host; unused for rbd */
	const char *source; /* netfs: "host:/path"; rbd: as hv_ceph_url_check() wants it; else NULL */
};

/**
 * Checks that @url can be a Ceph pool: ceph://[user@]monitor[:port],monitor[:port]/pool. -EINVAL. Its volumes
 * are RBD images, always raw, with the paths <url>/<image> and <url>/<image>@<snapshot>; all hv_volume_*
 * calls take these too, and work on them from this machine, by Ceph's and QEMU's own programs.
 */
int hv_ceph_url_check(const char *url, struct error *e);

/**
 * Defines, builds and starts the pool on the host when it is not there; success when it already is.
 * A definition with another type, target or source is replaced; files are never touched by that.
 */
int hv_pool_open(struct hypervisor *hv, const char *host, const struct hv_pool_spec *spec, struct error *e);
/** Stops and undefines the pool; files stay. Success when it is not there. */
int hv_pool_close(struct hypervisor *hv, const char *host, const char *uuid, struct error *e);
int hv_pool_capacity(struct hypervisor *hv, const char *host, const char *uuid, struct hv_capacity *ret,
		     struct error *e);

/** What is known of a volume's file. */
struct hv_volume_info {
	int64_t size;	     /* virtual size, bytes */
	int64_t actual_size; /* bytes on the storage */
};

/**
 * Creates the volume @name in the pool: empty, or as an overlay of @backing (a path in the same or
 * another pool on the host) with @backing_format. @ret_path (allocated) is the path on the host. -EEXIST,
 * -ENOSPC.
 */
int hv_volume_create(struct hypervisor *hv, const char *host, const char *pool, const char *name,
		     const char *format, int64_t size, const char *backing, const char *backing_format,
		     char **ret_path, struct error *e);
/** Copies the local file @file, holes kept, into a new volume @name whose content has @format. */
int hv_volume_upload(struct hypervisor *hv, const char *host, const char *pool, const char *name,
		     const char *format, const char *file, hv_progress *progress, void *ctx, char **ret_path,
		     struct error *e);
/** Copies the volume's bytes, holes kept, into the new local file @file (0600). -EEXIST. */
int hv_volume_download(struct hypervisor *hv, const char *host, const char *path, const char *file,
		       hv_progress *progress, void *ctx, struct error *e);
/**
 * Copies what a guest would read from @path, a file of @path_format that nobody writes to, into the new,
 * standalone volume @name of a pool, of @format. Both are "qcow2" or "raw".
 */
int hv_volume_copy(struct hypervisor *hv, const char *host, const char *path, const char *path_format,
		   const char *pool, const char *name, const char *format, hv_progress *progress, void *ctx,
		   char **ret_path, struct error *e);
/**
 * Takes the snapshot @path ("<path of a volume>@<name>") of a volume on a storage that keeps snapshots
 * itself: Ceph. A domain may be using the volume; the snapshot has what it had written at one moment. Success
 * when it is there already. It can be read, copied, stood on and deleted as a volume of that name.
 */
int hv_volume_snapshot(struct hypervisor *hv, const char *host, const char *path, struct error *e);
/** Makes a volume that no domain uses larger. -EINVAL when it would shrink. */
int hv_volume_resize(struct hypervisor *hv, const char *host, const char *path, int64_t size,
		     struct error *e);
/** As hv_disk_pull(), for the qcow2 file @path that no domain uses. */
int hv_volume_pull(struct hypervisor *hv, const char *host, const char *path, const char *base,
		   hv_progress *progress, void *ctx, struct error *e);
/** Removes the volume. Success when it is not there. -EBUSY when others stand on it, where the storage knows.
 */
int hv_volume_delete(struct hypervisor *hv, const char *host, const char *pool, const char *name,
		     struct error *e);
int hv_volume_info(struct hypervisor *hv, const char *host, const char *path, struct hv_volume_info *ret,
		   struct error *e);
/** The file that the volume's file stands on, allocated; NULL when it stands alone. */
int hv_volume_backing(struct hypervisor *hv, const char *host, const char *path, char **ret_backing,
		      struct error *e);
/**
 * How QEMU's own programs on this machine are told of a volume (--image-opts); allocated. NULL without
 * memory, or when @path is none.
 */
char *hv_image_options(const char *path, const char *format);
/** The names of all volumes of a pool, allocated array of allocated strings; free with hv_names_free(). */
int hv_pool_list(struct hypervisor *hv, const char *host, const char *pool, char ***ret_names,
		 size_t *ret_count, struct error *e);
void hv_names_free(char **names, size_t count);

/* ------------------------------------------------------------- networks */

/** A fixed lease. */
struct hv_lease {
	const char *mac;
	const char *ip;
	const char *hostname; /* may be NULL */
};

/**
 * An L3 network with DHCP as a libvirt network on the host. Only the listed leases are ever
 * handed out by it: the pool allocates addresses itself.
 */
struct hv_network_spec {
	const char *uuid;   /* of the L3 network; the libvirt network is named poolfs-<first 8 digits> */
	const char *bridge; /* bridge device to make, at most 15 characters, or NULL for libvirt's choice */
	const char *gateway;
	const char *netmask;
	const char *range_start; /* NULL = no DHCP; else only leases are handed out, wherever they lie */
	const char *range_end;
	const char *dns_domain; /* may be NULL */
	const char *const *dns; /* forwarders */
	size_t dns_count;
	bool nat; /* forward with NAT, else isolated */
	const struct hv_lease *leases;
	size_t lease_count;
};

/** The network's libvirt XML, allocated, for tests and for hv_network_open(). */
char *hv_network_xml(const struct hv_network_spec *spec);
/**
 * Defines and starts the network, or brings the one that is there up to date: leases are added and
 * replaced at once, but none is taken away (hv_lease_remove() does that); any other difference takes
 * effect at once when no guest hangs on the network, else at its next start.
 */
int hv_network_open(struct hypervisor *hv, const char *host, const struct hv_network_spec *spec,
		    char ret_name[32], struct error *e);
/** Stops and undefines the network. Success when it is not there. */
int hv_network_close(struct hypervisor *hv, const char *host, const char *uuid, struct error *e);
/** Adds (or replaces) the fixed lease of a MAC, live and persistent. */
int hv_lease_set(struct hypervisor *hv, const char *host, const char *network_uuid,
		 const struct hv_lease *lease, struct error *e);
/** Removes the fixed lease of a MAC. Success when it is not there. */
int hv_lease_remove(struct hypervisor *hv, const char *host, const char *network_uuid, const char *mac,
		    const char *ip, struct error *e);

/** One errno for a libvirt error code (VIR_ERR_*); pure, tested over the whole enum. */
int hv_errno_of_virt(int virt_code);

#endif
