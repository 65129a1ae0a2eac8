/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The drivers of domains (hypervisor/driver.h), libvirt's and the simulator's, whose calls fail when they shall. The
 * program is linked so that it finds these for its own. See inject.h.
 */
#include <errno.h>

#include "hypervisor/driver.h"
#include "tests/faults/inject.h"

static int fails(const char *name, struct error *e)
{
	return inject_fails(INJECT_DRIVER, name) ? error_set(e, EIO, "made to fail: %s", name) : 0;
}

/* A function of a driver: its arguments with their types, and without. */
#define CALL(row, function, typed, arguments)                                                                \
	static int row##_##function typed                                                                    \
	{                                                                                                    \
		int r = fails(#function, e);                                                                 \
                                                                                                             \
		return r < 0 ? r : __real_##row.function arguments;                                          \
	}

#define ON_DOMAIN(row, function)                                                                             \
	CALL(row, function, (const struct hv_call *call, const struct domain *domain, struct error *e),      \
	     (call, domain, e))

#define FINDS(row, function)                                                                                 \
	CALL(row, function,                                                                                  \
	     (const struct hv_call *call, const char *text, struct domain *ret, struct error *e),            \
	     (call, text, ret, e))

#define DRIVER(row)                                                                                          \
	extern const struct driver __real_##row, __wrap_##row;                                               \
	FINDS(row, find)                                                                                     \
	FINDS(row, find_name)                                                                                \
	CALL(row, list,                                                                                      \
	     (const struct hv_call *call, bool active, struct domain **ret, size_t *ret_count,               \
	      struct error *e),                                                                              \
	     (call, active, ret, ret_count, e))                                                              \
	static const char *row##_name(const struct domain *domain)                                           \
	{                                                                                                    \
		return __real_##row.name(domain);                                                            \
	}                                                                                                    \
	ON_DOMAIN(row, is_active)                                                                            \
	CALL(row, state,                                                                                     \
	     (const struct hv_call *call, const struct domain *domain, enum hv_domain_state *ret_state,      \
	      enum hv_domain_reason *ret_reason, struct error *e),                                           \
	     (call, domain, ret_state, ret_reason, e))                                                       \
	CALL(row, info,                                                                                      \
	     (const struct hv_call *call, const struct domain *domain, struct domain_info *ret,              \
	      struct error *e),                                                                              \
	     (call, domain, ret, e))                                                                         \
	CALL(row, get_xml,                                                                                   \
	     (const struct hv_call *call, const struct domain *domain, unsigned int flags,                   \
	      const char *label, char **ret_xml, struct error *e),                                           \
	     (call, domain, flags, label, ret_xml, e))                                                       \
	CALL(row, define,                                                                                    \
	     (const struct hv_call *call, const struct domain_definition *definition, struct domain *ret,    \
	      struct error *e),                                                                              \
	     (call, definition, ret, e))                                                                     \
	ON_DOMAIN(row, undefine)                                                                             \
	CALL(row, start,                                                                                     \
	     (const struct hv_call *call, const struct domain *domain, bool paused, struct error *e),        \
	     (call, domain, paused, e))                                                                      \
	ON_DOMAIN(row, shutdown)                                                                             \
	ON_DOMAIN(row, destroy)                                                                              \
	ON_DOMAIN(row, suspend)                                                                              \
	ON_DOMAIN(row, resume)                                                                               \
	const struct driver __wrap_##row = {                                                                 \
		.find = row##_find,                                                                          \
		.find_name = row##_find_name,                                                                \
		.list = row##_list,                                                                          \
		.name = row##_name,                                                                          \
		.is_active = row##_is_active,                                                                \
		.state = row##_state,                                                                        \
		.info = row##_info,                                                                          \
		.get_xml = row##_get_xml,                                                                    \
		.define = row##_define,                                                                      \
		.undefine = row##_undefine,                                                                  \
		.start = row##_start,                                                                        \
		.shutdown = row##_shutdown,                                                                  \
		.destroy = row##_destroy,                                                                    \
		.suspend = row##_suspend,                                                                    \
		.resume = row##_resume,                                                                      \
	};

DRIVER(libvirt_driver)
DRIVER(simulated_driver)
