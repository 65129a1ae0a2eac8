/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The devices of a domain that is active, and how one is plugged, changed and
 * unplugged. Internal to hypervisor/.
 *
 * What the guest has is read from the XML of the running domain, and each change
 * is verified in that XML: libvirt only asks the guest to release a device, and
 * reports success for that.
 *
 * On simulated hosts no device can be changed. There the definition stands for
 * the running domain: it is what is looked at, edited and defined again.
 */
#ifndef POOLFS_HYPERVISOR_DOMAIN_GUEST_DEVICES_H
#define POOLFS_HYPERVISOR_DOMAIN_GUEST_DEVICES_H

#include "hypervisor/domain_handle.h"

struct guest_devices {
	struct hv_call call;
	struct domain domain;
	char uuid[33];
	xmlDocPtr doc; /* as they are now */
};

void guest_devices_done(struct guest_devices *d);
#define _cleanup_guest_devices_ _cleanup_(guest_devices_done)

/* Finds the domain and reads its devices; guest_devices_done() in any case. -EBUSY when it is not active. */
int guest_devices_enter(struct hypervisor *hv, const char *host, const char *uuid, struct guest_devices *ret,
			struct error *e);
/* The second half of that, where domain_enter() has filled in d->call and d->domain. */
int guest_devices_read(struct guest_devices *d, const char *uuid, struct error *e);
/* The change of a simulated host: what was done to the document becomes the definition. */
int guest_devices_redefine(struct guest_devices *d, struct error *e);

/*
 * In the following, @flags is VIR_DOMAIN_AFFECT_CONFIG for a change that the definition gets too, and @what
 * names the device in the error.
 */

/* Plugs the device that @xml (NULL: memory is short) describes. */
int guest_devices_attach(struct guest_devices *d, const char *xml, unsigned int flags, const char *what,
			 struct error *e);
/* Makes the domain take @node, a changed piece of the document, in the place of what it has. */
int guest_devices_update(struct guest_devices *d, xmlNodePtr node, unsigned int flags, const char *what,
			 struct error *e);
/*
 * Unplugs the device at @path (XPath) and waits until it is gone. Success when there is none, or no active
 * domain any more. -ETIMEDOUT: the guest did not release it, it stays.
 */
int guest_devices_detach(struct guest_devices *d, const char *path, unsigned int flags, int timeout_ms,
			 struct error *e);
/*
 * Removes the device at @path from the definition alone; 0 when it is not there, or is still in the guest. A
 * simulated host has only one of the two.
 */
int guest_devices_forget(struct guest_devices *d, const char *path, struct error *e);
/*
 * Calls @each as xml_each() does for what is at @path in the guest, then in the definition. Returns what it returned,
 * or the error of reading.
 */
int guest_devices_each(struct guest_devices *d, const char *path,
		       int (*each)(xmlDocPtr doc, xmlNodePtr node, void *ctx), void *ctx, struct error *e);

#endif
