/* SPDX-License-Identifier: Apache-2.0 */
/* What a domain is made of, and its XML. See domain_xml.c. */
#ifndef POOLFS_HYPERVISOR_DOMAIN_DOMAIN_XML_H
#define POOLFS_HYPERVISOR_DOMAIN_DOMAIN_XML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum hv_disk_bus { HV_BUS_VIRTIO, HV_BUS_SCSI, HV_BUS_IDE };

/** One disk or CD-ROM. Strings are borrowed from the caller for the time of the call. */
struct hv_disk {
	const char *path;   /* file on the host; NULL for an empty CD-ROM */
	const char *format; /* "qcow2" or "raw", always given for a disk: formats are never guessed */
	const char *serial; /* volume uuid; cut to 20 characters for virtio */
	int device_id;	    /* 0 root, 1.. data; CD-ROM: 0..2, 3 is the NoCloud disk */
	enum hv_disk_bus bus;
	bool cdrom; /* on IDE; with machine q35 on virtio-scsi or SATA */
	bool shareable;
	int boot_order;		 /* 1.. per-device boot order, 0 = none */
	const char *wwn;	 /* 16 hex digits, scsi only, may be NULL */
	int64_t total_bytes_sec; /* 0 = unlimited */
	const char *cache;	 /* "none", "writethrough", "writeback"; NULL = "none" */
};

/** One NIC. */
struct hv_nic {
	const char *mac;
	const char *network; /* libvirt network name, or NULL */
	const char *bridge;  /* host bridge when network is NULL */
	const char *target;  /* tap name (vnic<internalId>.<deviceId>), may be NULL */
	const char *model;   /* "virtio", "e1000" (PCI) or "e1000e" (PCI Express) */
	int device_id;
	int boot_order;
	int64_t inbound_bps; /* guest's inbound limit, bit/s, 0 = unlimited */
	int64_t outbound_bps;
	const char *only_ip; /* the guest may send from no other IPv4 and MAC address; NULL: from any */
};

enum hv_graphics { HV_GRAPHICS_VNC, HV_GRAPHICS_SPICE };

/** Everything a domain's XML is made of. The pool builds it from the model at each start. */
struct hv_domain_def {
	const char *uuid; /* 32 hex digits; also the domain's name */
	const char *title;
	const char *virt_type; /* "kvm", "qemu" or "test", from hv_host_info */
	const char *arch;      /* "x86_64" (NULL), "aarch64"; from the host, by hv_domain_start() */
	const char *machine;   /* "pc" or "q35"; NULL = "pc"; an aarch64 has its own */
	int pcie_ports;	       /* of q35: devices that it can have, plugged ones included */
	int cpu_num;
	int cpu_max;		      /* >= cpu_num; larger when vm.numa allows hot-plug */
	int64_t memory;		      /* bytes, a multiple of 1 KiB */
	int64_t memory_max;	      /* >= memory; larger when vm.numa allows hot-plug */
	int cpu_shares;		      /* 0 = default */
	const char *cpu_mode;	      /* "none", "host-model", "host-passthrough", or a model of libvirt */
	const char *const *cpu_peers; /* uuids of hosts to which a guest with host-model may migrate */
	size_t cpu_peer_count;
	const char *cpu_baseline; /* for host-model, a <cpu> that all of them have; by hv_domain_start() */
	const char *cpu_pinning;  /* see cpu_pinning.h; NULL = none */
	bool hide_kvm;
	bool uefi;
	bool secure_boot; /* with uefi and q35: only signed systems boot */
	bool tpm;	  /* a TPM 2.0 */
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
char *hv_domain_xml(const struct hv_domain_def *spec);

/** The XML of one disk as hv_domain_xml() writes it, allocated; NULL only when memory is short. */
char *hv_disk_xml(const struct hv_disk *disk);

/* The XML of one NIC, allocated; NULL when memory is short. */
char *nic_xml(const struct hv_nic *nic);
/* libvirt counts KiB/s; a limit below that is still a limit. 0 stays 0, unlimited. */
int64_t kib_per_second(int64_t bits_per_second);

#endif
