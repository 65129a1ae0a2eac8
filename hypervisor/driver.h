/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What does the work on the domains of a host: libvirt (libvirt_driver.c), or, on a machine that is in this process
 * alone, the simulator (simulated_driver.c). Internal to hypervisor/.
 *
 * A call gets the row of its host (call.h), and what is above asks the row. What simulated hosts cannot do at all, in
 * libvirt's test driver as little as in the simulator, is told apart by hv_call.simulated; on other hosts `virt` is used
 * directly there. host->simulator is asked where something else than a domain is meant: in connection.c, which opens and
 * closes it; in storage/pool.c and storage/backend.c, for it has a table of pools instead of libvirt's; in network.c, for it
 * has no networks; and in domain/screenshot.c, for only libvirt's test driver has a picture.
 */
#ifndef POOLFS_HYPERVISOR_DRIVER_H
#define POOLFS_HYPERVISOR_DRIVER_H

#include <libvirt/libvirt.h>

#include "hypervisor/hypervisor.h"

struct hv_call;

/* A domain that was found; domain_free() in any case. All zero: none. */
struct domain {
	bool found;
	bool ours;   /* of the pool */
	bool active; /* when it was found; is_active() says it of now, and costs a round trip */
	char uuid[33];
	virDomainPtr virt; /* owned; NULL: of the simulator */
};

struct domain_info {
	enum hv_domain_state state;
	int cpus;
	int64_t memory, memory_now; /* bytes: as it may have at most, and has */
	int64_t cpu_ns;
};

/* A definition. What the XML says is repeated for who does not read it. */
struct domain_definition {
	const char *uuid, *xml;
	int cpus;	/* of a start */
	int64_t memory; /* bytes */
};

/*
 * The functions wait for the host, and return 0 or a negative errno with a sentence. A domain that has gone
 * meanwhile is -ENOENT, where nothing else is said.
 */
struct driver {
	/* By uuid, or else by name, of the pool or not. When there is none, *@ret stays as it is, which is no error. */
	int (*find)(const struct hv_call *call, const char *uuid, struct domain *ret, struct error *e);
	int (*find_name)(const struct hv_call *call, const char *name, struct domain *ret, struct error *e);
	/* All, or only the active ones; domains_free(). */
	int (*list)(const struct hv_call *call, bool active, struct domain **ret, size_t *ret_count,
		    struct error *e);
	/* Borrowed from @domain. */
	const char *(*name)(const struct domain *domain);
	/* 1, 0 */
	int (*is_active)(const struct hv_call *call, const struct domain *domain, struct error *e);
	/* HV_DOMAIN_ABSENT: it has gone. */
	int (*state)(const struct hv_call *call, const struct domain *domain, enum hv_domain_state *ret_state,
		     enum hv_domain_reason *ret_reason, struct error *e);
	int (*info)(const struct hv_call *call, const struct domain *domain, struct domain_info *ret,
		    struct error *e);
	/*
	 * The XML, allocated, for VIR_DOMAIN_XML_*: of the running domain, else of its definition. @label is what the
	 * sentence calls the domain.
	 */
	int (*get_xml)(const struct hv_call *call, const struct domain *domain, unsigned int flags,
		       const char *label, char **ret_xml, struct error *e);

	/* Defines a domain, or one that is there anew. */
	int (*define)(const struct hv_call *call, const struct domain_definition *definition,
		      struct domain *ret, struct error *e);
	/* Removes the definition and what libvirt keeps with it. Success when it has gone. */
	int (*undefine)(const struct hv_call *call, const struct domain *domain, struct error *e);
	int (*start)(const struct hv_call *call, const struct domain *domain, bool paused, struct error *e);
	/* Asks the guest. */
	int (*shutdown)(const struct hv_call *call, const struct domain *domain, struct error *e);
	/* Success when it is not active, or has gone. */
	int (*destroy)(const struct hv_call *call, const struct domain *domain, struct error *e);
	int (*suspend)(const struct hv_call *call, const struct domain *domain, struct error *e);
	/* Wakes one that is asleep, too. Success when it runs. */
	int (*resume)(const struct hv_call *call, const struct domain *domain, struct error *e);
};

#endif
