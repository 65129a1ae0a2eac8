/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A domain on a host: finding it and reading what its host says of it. Internal to
 * hypervisor/; storage/ uses it for the domains that it makes for its own work.
 */
#ifndef POOLFS_HYPERVISOR_DOMAIN_HANDLE_H
#define POOLFS_HYPERVISOR_DOMAIN_HANDLE_H

#include "hypervisor/call.h"
#include "hypervisor/driver.h"
#include "hypervisor/xml.h"

/* Ends the use of what was found; *@domain is empty then. */
void domain_free(struct domain *domain);
#define _cleanup_domain_ _cleanup_(domain_free)
/* A list of driver.list(). */
void domains_free(struct domain *domains, size_t count);

static inline void virt_domain_free(virDomainPtr *domain)
{
	if (*domain)
		(void)virDomainFree(*domain);
}
#define _cleanup_virt_domain_ _cleanup_(virt_domain_free)

/* Looks @uuid up on @host in one go; hv_call_end() and domain_free() in any case. -ENOENT when the host has
 * no such domain of the pool. */
int domain_enter(struct hypervisor *hv, const char *host, const char *uuid, struct hv_call *ret_call,
		 struct domain *ret_domain, struct error *e);
/* The pool's domain @uuid; one that is not there, or belongs to others, is not found and no error. */
int domain_find_optional(const struct hv_call *call, const char *uuid, struct domain *ret_domain,
			 struct error *e);
/* As domain_find_optional(), for a domain that is to be put in its place: -EEXIST when it belongs to others. */
int domain_find_replaceable(const struct hv_call *call, const char *uuid, struct domain *ret_domain,
			    struct error *e);
/* The parsed XML of the running domain, which the sentences call @label; -EBUSY when it is not running. */
int domain_read_live_xml(const struct hv_call *call, const struct domain *domain, const char *label,
			 xmlDocPtr *ret_doc, struct error *e);

#endif
