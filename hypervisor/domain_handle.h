/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A domain on a host: finding it and reading what libvirt says of it. Internal to
 * hypervisor/; storage/ uses it for the domains that it makes for its own work.
 */
#ifndef POOLFS_HYPERVISOR_DOMAIN_HANDLE_H
#define POOLFS_HYPERVISOR_DOMAIN_HANDLE_H

#include "hypervisor/call.h"
#include "hypervisor/xml.h"

static inline void domain_free(virDomainPtr *domain)
{
	if (*domain)
		(void)virDomainFree(*domain);
}
#define _cleanup_domain_ _cleanup_(domain_free)

/* Looks @uuid up on @host in one go; hv_call_end() and domain_free() in any case. -ENOENT when the host has
 * no such domain of the pool. */
int domain_enter(struct hypervisor *hv, const char *host, const char *uuid, struct hv_call *ret_call,
		 virDomainPtr *ret_domain, struct error *e);
/* Whatever has that uuid on the host, be it the pool's or not; NULL: nothing, which is no error. */
int domain_find_any(const struct hv_call *call, const char *uuid, virDomainPtr *ret_domain, struct error *e);
/* The pool's domain @uuid; one that is not there, or belongs to others, is NULL and no error. */
int domain_find_optional(const struct hv_call *call, const char *uuid, virDomainPtr *ret_domain,
			 struct error *e);
/* As domain_find_optional(), for a domain that is to be put in its place: -EEXIST when it belongs to others. */
int domain_find_replaceable(const struct hv_call *call, const char *uuid, virDomainPtr *ret_domain,
			    struct error *e);
/* 1 when the domain is active now, 0 when it is not or is gone. */
int domain_is_active(const struct hv_call *call, virDomainPtr domain, const char *uuid, struct error *e);
/* The parsed XML of the running domain; -EBUSY when it is not running. */
int domain_read_live_xml(const struct hv_call *call, virDomainPtr domain, const char *uuid,
			 xmlDocPtr *ret_doc, struct error *e);

#endif
