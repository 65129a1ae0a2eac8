/* SPDX-License-Identifier: Apache-2.0 */
/* See domain_size.h. */
#include "hypervisor/domain/domain_size.h"

#include <inttypes.h>
#include <time.h>

#include <libvirt/virterror.h>

#include "hypervisor/domain/guest_devices.h"
#include "hypervisor/errors.h"
#include "hypervisor/xml.h"

/* The smallest module that guests can use: Linux's memory block on x86. */
#define MEMORY_STEP_KIB (128 * 1024)
/* How long a guest may take to move its data out of a module. */
#define RELEASE_MS 30000
#define MOST	   "domain '%s' was started with a maximum of %" PRId64 " KiB of memory"

/* -------------------------------------------------------------- CPUs and memory */

static int count_one(xmlDocPtr doc, xmlNodePtr node, void *ctx)
{
	(void)doc, (void)node;
	++*(int *)ctx;
	return 0;
}

/*
 * Whether CPUs can be taken away down to @count: not those that the domain was started with. Without KVM, QEMU does
 * not report that a CPU is gone, and libvirt would count it for ever.
 */
static int check_fewer(const struct hv_call *call, const struct domain *domain, const char *uuid, int count,
		       struct error *e)
{
	_cleanup_xml_ xmlDocPtr doc = NULL;
	int fixed = 0, rc = domain_read_live_xml(call, domain, uuid, &doc, e);

	if (rc < 0)
		return rc;
	(void)xml_each(doc, "/domain/vcpus/vcpu[@enabled='yes'][@hotpluggable='no']", count_one, &fixed);
	if (fixed > count)
		return error_set(
			e, EOPNOTSUPP,
			"domain '%s' was started with %d CPUs; only those that were added since can be "
			"taken away",
			uuid, fixed);
	if (xml_has(doc, "/domain[@type='qemu']"))
		return error_set(
			e, EOPNOTSUPP,
			"domain '%s' runs without KVM, where QEMU does not report that a guest has let go "
			"of a CPU",
			uuid);
	return 0;
}

static int check_most(const char *uuid, int most, int count, struct error *e)
{
	return count <= most ? 0
			     : error_set(e, EOPNOTSUPP, "domain '%s' was started with a maximum of %d CPUs",
					 uuid, most);
}

static int check_cpus(const struct hv_call *call, const struct domain *domain, const char *uuid, int now,
		      int count, struct error *e)
{
	int rc, most = virDomainGetVcpusFlags(domain->virt, VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_VCPU_MAXIMUM);

	if (most < 0)
		return error_set_virt(e, call->conn, "cannot count the CPUs of domain '%s'", uuid);
	rc = check_most(uuid, most, count, e);
	if (rc < 0)
		return rc;
	return count < now ? check_fewer(call, domain, uuid, count, e) : 0;
}

/*
 * libvirt itself waits for 5 seconds and reports a timeout, after which the guest may still let go of the CPU. There
 * is no event for it.
 */
static int set_cpus(const struct hv_call *call, virDomainPtr domain, const char *uuid, int now, int count,
		    struct error *e)
{
	const struct timespec pause = {.tv_nsec = 250000000};
	_cleanup_(error_done) struct error why = ERROR_INIT;
	int code;

	if (virDomainSetVcpusFlags(domain, (unsigned int)count, VIR_DOMAIN_AFFECT_LIVE) == 0)
		return 0;
	code = virt_error_code();
	(void)error_set_virt(&why, call->conn, "cannot %s domain '%s'",
			     count > now ? "add CPUs to" : "take CPUs from", uuid);
	for (int waited = 0; code == VIR_ERR_OPERATION_TIMEOUT && waited < RELEASE_MS; waited += 250) {
		now = virDomainGetVcpusFlags(domain, VIR_DOMAIN_AFFECT_LIVE);
		if (now == count)
			return 0;
		if (now < 0 || nanosleep(&pause, NULL) < 0)
			break;
	}
	return error_move(e, &why);
}

static int simulate_cpus(struct guest_devices *d, int count, int *ret_now, struct error *e)
{
	xmlNodePtr vcpu = xml_find(d->doc, "/domain/vcpu");
	int most = (int)xml_get_int(d->doc, NULL, "/domain/vcpu", 1);
	char number[12];
	int rc;

	*ret_now = (int)xml_get_int(d->doc, NULL, "/domain/vcpu/@current", most);
	rc = count == *ret_now ? 0 : check_most(d->uuid, most, count, e);
	if (rc < 0 || count == *ret_now)
		return rc;
	(void)snprintf(number, sizeof(number), "%d", count);
	if (!vcpu || !xmlSetProp(vcpu, BAD_CAST "current", BAD_CAST number))
		return error_oom(e);
	rc = guest_devices_redefine(d, e);
	if (rc == 0)
		*ret_now = count;
	return rc;
}

int hv_domain_set_cpus(struct hypervisor *hv, const char *host, const char *uuid, int count, int *ret_now,
		       struct error *e)
{
	_cleanup_guest_devices_ struct guest_devices d = {0};
	const struct hv_call *call = &d.call;
	int now, rc = domain_enter(hv, host, uuid, &d.call, &d.domain, e);

	if (rc == 0 && call->simulated) {
		rc = guest_devices_read(&d, uuid, e);
		return rc < 0 ? rc : simulate_cpus(&d, count, ret_now, e);
	}
	if (rc < 0)
		return rc;
	now = virDomainGetVcpusFlags(d.domain.virt, VIR_DOMAIN_AFFECT_LIVE);
	if (now < 0)
		return error_set_virt(e, call->conn, "cannot count the CPUs of domain '%s'", uuid);
	*ret_now = now;
	if (count == now)
		return 0;
	rc = check_cpus(call, &d.domain, uuid, now, count, e);
	if (rc < 0)
		return rc;
	rc = set_cpus(call, d.domain.virt, uuid, now, count, e);
	now = rc < 0 ? virDomainGetVcpusFlags(d.domain.virt, VIR_DOMAIN_AFFECT_LIVE) : count;
	if (now > 0)
		*ret_now = now;
	return rc;
}

static char *memory_xml(int64_t kib)
{
	struct xml x;

	xml_begin(&x);
	xml_open(&x, "memory", "model", "dimm", NULL);
	xml_open(&x, "target", NULL);
	xml_element_size(&x, "size", "KiB", kib);
	xml_element_int(&x, "node", 0);
	xml_close(&x);
	xml_close(&x);
	return xml_finish(&x);
}

static int64_t memory_now(const struct guest_devices *d)
{
	return xml_get_int(d->doc, NULL, "/domain/memory", 0);
}

/* A simulated host has no memory hot-plug: its initial memory changes. */
static int simulate_memory(struct guest_devices *d, const char *uuid, int64_t kib, struct error *e)
{
	xmlNodePtr memory = xml_find(d->doc, "/domain/memory");
	int64_t most = xml_get_int(d->doc, NULL, "/domain/maxMemory", memory_now(d));
	char number[24];

	if (!memory)
		return error_set(e, EIO, "domain '%s' has no memory", uuid);
	if (kib > most)
		return error_set(e, EOPNOTSUPP, MOST, uuid, most);
	(void)snprintf(number, sizeof(number), "%" PRId64, kib);
	xmlNodeSetContent(memory, BAD_CAST number);
	return guest_devices_redefine(d, e);
}

unsigned int hv_memory_choose_modules(const int64_t sizes[], size_t count, int64_t wanted)
{
	unsigned int best = 0;

	if (count > HV_MEMORY_SLOTS)
		count = HV_MEMORY_SLOTS;
	for (unsigned int set = 1; set < 1U << count; set++) {
		int64_t sum = 0;

		for (size_t i = 0; i < count; i++)
			sum += set & 1U << i ? sizes[i] : 0;
		if (sum == wanted && (!best || __builtin_popcount(set) < __builtin_popcount(best)))
			best = set;
	}
	return best;
}

/* The modules that were plugged into the running domain. */
struct modules {
	size_t count;
	int64_t kib[HV_MEMORY_SLOTS];
	char aliases[HV_MEMORY_SLOTS][32];
};

static int add_module(xmlDocPtr doc, xmlNodePtr node, void *ctx)
{
	struct modules *m = ctx;
	_cleanup_free_ char *alias = xml_get(doc, node, "alias/@name");

	if (!alias || m->count == HV_MEMORY_SLOTS)
		return 0;
	m->kib[m->count] = xml_get_int(doc, node, "target/size", 0);
	(void)snprintf(m->aliases[m->count], sizeof(m->aliases[0]), "%s", alias);
	m->count++;
	return 0;
}

/* "128 MiB, 256 MiB" */
static void list_modules(const struct modules *m, char ret[256])
{
	size_t len = 0;

	(void)snprintf(ret, 256, "%s", m->count ? "" : "none");
	for (size_t i = 0; i < m->count && len < 256; i++)
		len += (size_t)snprintf(ret + len, 256 - len, "%s%" PRId64 " MiB", i ? ", " : "",
					m->kib[i] / 1024);
}

static int take_memory(struct guest_devices *d, const char *uuid, int64_t kib, struct error *e)
{
	struct modules m = {0};
	unsigned int set;
	char list[256];
	int rc = 0;

	(void)xml_each(d->doc, "/domain/devices/memory[@model='dimm']", add_module, &m);
	set = hv_memory_choose_modules(m.kib, m.count, kib);
	if (!set) {
		list_modules(&m, list);
		return error_set(
			e, EOPNOTSUPP,
			"only whole modules of memory that were added to the running domain '%s' can be "
			"taken from it, and no such modules have %" PRId64 " MiB together (there are: %s)",
			uuid, kib / 1024, list);
	}
	for (size_t i = 0; rc == 0 && i < m.count; i++) {
		char path[96];

		(void)snprintf(path, sizeof(path), "/domain/devices/memory[alias/@name='%s']", m.aliases[i]);
		if (set & 1U << i)
			rc = guest_devices_detach(d, path, 0, RELEASE_MS, e);
	}
	return rc;
}

static int give_memory(struct guest_devices *d, const char *uuid, int64_t kib, struct error *e)
{
	int64_t now = memory_now(d), most = xml_get_int(d->doc, NULL, "/domain/maxMemory", now);
	_cleanup_free_ char *xml = NULL;

	if (now + kib > most)
		return error_set(e, EOPNOTSUPP, MOST, uuid, most);
	xml = memory_xml(kib);
	return guest_devices_attach(d, xml, 0, "memory", e);
}

int hv_domain_set_memory(struct hypervisor *hv, const char *host, const char *uuid, int64_t bytes,
			 int64_t *ret_change, struct error *e)
{
	_cleanup_guest_devices_ struct guest_devices d = {0};
	int64_t now, more;
	int rc;

	*ret_change = 0;
	rc = guest_devices_enter(hv, host, uuid, &d, e);
	if (rc < 0)
		return rc;
	now = memory_now(&d);
	more = bytes / 1024 - now;
	/* away from zero when it grows, towards zero when it shrinks: never less than @bytes */
	more = (more + (more > 0 ? MEMORY_STEP_KIB - 1 : 0)) / MEMORY_STEP_KIB * MEMORY_STEP_KIB;
	if (more == 0)
		return 0;
	if (d.call.simulated)
		rc = simulate_memory(&d, uuid, now + more, e);
	else
		rc = more > 0 ? give_memory(&d, uuid, more, e) : take_memory(&d, uuid, -more, e);
	if (rc == 0)
		*ret_change = more * 1024;
	else if (more < 0 && d.doc)
		*ret_change = (memory_now(&d) - now) * 1024; /* some modules may be gone */
	return rc;
}

int hv_domain_get_memory(struct hypervisor *hv, const char *host, const char *uuid, int64_t *ret_bytes,
			 struct error *e)
{
	_cleanup_guest_devices_ struct guest_devices d = {0};
	int rc = guest_devices_enter(hv, host, uuid, &d, e);

	if (rc == 0)
		*ret_bytes = memory_now(&d) * 1024;
	return rc;
}
