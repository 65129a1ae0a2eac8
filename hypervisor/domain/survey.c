/* SPDX-License-Identifier: Apache-2.0 */
/* See survey.h. */
#include "hypervisor/domain/survey.h"

#include <string.h>

#include "hypervisor/domain_handle.h"
#include "hypervisor/errors.h"
#include "hypervisor/states.h"
#include "hypervisor/storage/backend.h"

/* -------------------------------------------------------------------- the list */

void hv_listed_free(struct hv_listed *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(list[i].name);
	free(list);
}

/* -ENOENT for a domain that has gone meanwhile. */
static int read_listed(const struct hv_call *call, const struct domain *domain, struct hv_listed *ret,
		       struct error *e)
{
	struct domain_info info;
	int rc = call->driver->info(call, domain, &info, e);

	if (rc < 0)
		return rc;
	memcpy(ret->uuid, domain->uuid, sizeof(ret->uuid));
	ret->name = strdup(call->driver->name(domain));
	ret->own = ret->name && strcmp(ret->name, ret->uuid) == 0;
	ret->state = info.state;
	ret->cpus = info.cpus;
	ret->memory = info.memory;
	return ret->name ? 0 : error_oom(e);
}

int hv_host_domains(struct hypervisor *hv, const char *host, struct hv_listed **ret, size_t *ret_count,
		    struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	struct domain *domains = NULL;
	struct hv_listed *list;
	size_t count = 0, used = 0;
	int rc = hv_call_begin(hv, host, &call, e);

	if (rc == 0)
		rc = call.driver->list(&call, false, &domains, &count, e);
	if (rc < 0)
		return rc;
	list = calloc(count + 1, sizeof(*list));
	for (size_t i = 0; list && i < count; i++)
		if (!domain_is_nobodys(call.host->uri, call.driver->name(&domains[i])) &&
		    read_listed(&call, &domains[i], &list[used], NULL) == 0)
			used++;
	domains_free(domains, count);
	if (!list)
		return error_set(e, ENOMEM, "out of memory");
	*ret = list;
	*ret_count = used;
	return 0;
}

/* ------------------------------------------------------------------ one domain */

/* What the pool has no description of, so that it could not start the domain again as it is. */
static const struct {
	const char *path, *what;
} foreign_parts[] = {
	{"/domain/os[@firmware='efi']|/domain/os/loader[@type='pflash']|/domain/os/nvram",
	 "UEFI, whose variables are in a file that the pool does not know"},
	{"/domain/os/kernel", "a kernel from outside of its disks"},
	{"/domain/devices/tpm", "a TPM"},
	{"/domain/devices/hostdev", "a device of the host"},
	{"/domain/devices/filesystem", "a folder of the host"},
	{"/domain/devices/shmem", "shared memory"},
	{"/domain/devices/disk[@device='lun']", "a LUN of the host"},
	{"/domain/devices/disk[not(@device) or @device='disk'][readonly]", "a disk that is read-only"},
	{"/domain/devices/disk[not(@device) or @device='disk'][shareable]", "a disk that is shared"},
	{"/domain/devices/disk/encryption|/domain/devices/disk/source/encryption", "an encrypted disk"},
	{"/domain/devices/disk[not(@device) or @device='disk']/backingStore/source",
	 "a disk that is based on another file"},
};

static int check_parts(xmlDocPtr doc, const char *name, struct error *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(foreign_parts); i++)
		if (xml_has(doc, foreign_parts[i].path))
			return error_set(e, EOPNOTSUPP, "domain '%s' has %s", name, foreign_parts[i].what);
	return 0;
}

static int read_machine(xmlDocPtr doc, bool simulated, struct hv_survey *s, struct error *e)
{
	_cleanup_free_ char *type = xml_get(doc, NULL, "/domain/os/type/@machine");

	if (simulated)
		return 0;
	if (type && (strstr(type, "q35") || strncmp(type, "pc-i440fx", 9) == 0 || strcmp(type, "pc") == 0)) {
		(void)snprintf(s->machine, sizeof(s->machine), "%s", strstr(type, "q35") ? "q35" : "pc");
		return 0;
	}
	return error_set(e, EOPNOTSUPP, "domain '%s' has the machine type '%s', the pool has pc and q35",
			 s->domain.name, type ? type : "");
}

struct reading {
	struct hv_survey *survey;
	struct error *e;
};

static int read_disk(xmlDocPtr doc, xmlNodePtr node, void *ctx)
{
	struct reading *r = ctx;
	struct hv_survey *s = r->survey;
	struct survey_disk *disk = &s->disks[s->disk_count];
	_cleanup_free_ char *device = xml_get(doc, node, "@device"),
			    *format = xml_get(doc, node, "driver/@type"),
			    *target = xml_get(doc, node, "target/@dev"),
			    *bus = xml_get(doc, node, "target/@bus");

	if (device && strcmp(device, "disk") != 0)
		return 0; /* a drive, whose medium is the guest's own affair */
	if (s->disk_count == SURVEY_DISKS)
		return error_set(r->e, EOPNOTSUPP, "domain '%s' has more than %d disks", s->domain.name,
				 SURVEY_DISKS);
	disk->path = storage_read_disk_source(doc, node);
	s->disk_count++;
	if (!disk->path || !target || strlen(target) >= sizeof(disk->target))
		return error_set(r->e, EOPNOTSUPP,
				 "the disk '%s' of domain '%s' is neither a file nor on Ceph",
				 target ? target : "", s->domain.name);
	if (!format)
		format = strdup("raw");
	if (!format || (strcmp(format, "raw") != 0 && strcmp(format, "qcow2") != 0))
		return error_set(
			r->e, EOPNOTSUPP,
			"the disk '%s' of domain '%s' has the format '%s', the pool has raw and qcow2",
			target, s->domain.name, format ? format : "");
	(void)snprintf(disk->format, sizeof(disk->format), "%s", format);
	(void)snprintf(disk->target, sizeof(disk->target), "%s", target);
	s->virtio = s->virtio && bus && strcmp(bus, "virtio") == 0;
	return 0;
}

/* The disk with the lowest boot order becomes the first; without one, libvirt boots from the first. */
static void sort_disks(xmlDocPtr doc, struct hv_survey *s)
{
	size_t first = 0;
	int64_t lowest = INT64_MAX;

	for (size_t i = 0; i < s->disk_count; i++) {
		char path[128];
		int64_t order;

		(void)snprintf(path, sizeof(path), "/domain/devices/disk[target/@dev='%s']/boot/@order",
			       s->disks[i].target);
		order = xml_get_int(doc, NULL, path, INT64_MAX);
		if (order < lowest) {
			lowest = order;
			first = i;
		}
	}
	for (; first > 0; first--) {
		struct survey_disk other = s->disks[first - 1];

		s->disks[first - 1] = s->disks[first];
		s->disks[first] = other;
	}
}

static int read_nic(xmlDocPtr doc, xmlNodePtr node, void *ctx)
{
	struct reading *r = ctx;
	struct hv_survey *s = r->survey;
	struct survey_nic *nic = &s->nics[s->nic_count];
	_cleanup_free_ char *mac = xml_get(doc, node, "mac/@address"), *type = xml_get(doc, node, "@type");

	if (s->nic_count == SURVEY_NICS)
		return error_set(r->e, EOPNOTSUPP, "domain '%s' has more than %d NICs", s->domain.name,
				 SURVEY_NICS);
	nic->network = xml_get(doc, node, "source/@network");
	nic->bridge = nic->network ? NULL : xml_get(doc, node, "source/@bridge");
	s->nic_count++;
	if (!mac || strlen(mac) >= sizeof(nic->mac) || (!nic->network && !nic->bridge))
		return error_set(
			r->e, EOPNOTSUPP,
			"the NIC '%s' of domain '%s' is of the type '%s', neither on a network nor on a bridge",
			mac ? mac : "", s->domain.name, type ? type : "");
	(void)snprintf(nic->mac, sizeof(nic->mac), "%s", mac);
	return 0;
}

/* The addresses that the host's networks have given, or that it has seen. */
static void read_addresses(virDomainPtr domain, unsigned int source, struct hv_survey *s)
{
	virDomainInterfacePtr *list = NULL;
	int count = virDomainInterfaceAddresses(domain, &list, source, 0);

	for (int i = 0; i < count; i++) {
		for (size_t k = 0; k < s->nic_count; k++)
			for (unsigned int a = 0; a < list[i]->naddrs; a++)
				if (!*s->nics[k].address && list[i]->hwaddr &&
				    strcasecmp(list[i]->hwaddr, s->nics[k].mac) == 0 &&
				    list[i]->addrs[a].type == VIR_IP_ADDR_TYPE_IPV4)
					(void)snprintf(s->nics[k].address, sizeof(s->nics[k].address), "%s",
						       list[i]->addrs[a].addr);
		virDomainInterfaceFree(list[i]);
	}
	free(list);
}

/* Of a domain that is off, libvirt says neither how large its disks are nor on which files they are based. */
static int read_file(const struct hv_call *call, struct hv_survey *s, struct survey_disk *disk,
		     struct error *e)
{
	const struct storage_backend *backend = storage_backend_on(storage_backend_of_path(disk->path), call);
	_cleanup_free_ char *backing = NULL;
	struct hv_volume_info info;
	int rc = backend->info(call, disk->path, &info, e);

	if (rc == 0 && backend->backing && strcmp(disk->format, "qcow2") == 0)
		rc = backend->backing(call, disk->path, &backing, e);
	if (rc < 0)
		return rc;
	if (backing)
		return error_set(e, EOPNOTSUPP, "domain '%s' has a disk that is based on another file, '%s'",
				 s->domain.name, backing);
	disk->size = info.size;
	disk->actual_size = info.actual_size;
	return 0;
}

static int read_sizes(const struct hv_call *call, const struct domain *domain, struct hv_survey *s,
		      struct error *e)
{
	bool active = s->domain.state != HV_DOMAIN_OFF && !call->simulated;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < s->disk_count; i++) {
		struct survey_disk *disk = &s->disks[i];
		virDomainBlockInfo info;

		if (!active) {
			rc = read_file(call, s, disk, e);
			continue;
		}
		if (virDomainGetBlockInfo(domain->virt, disk->target, &info, 0) < 0)
			return error_set_virt(e, call->conn,
					      "cannot get the size of disk '%s' of domain '%s'", disk->target,
					      s->domain.name);
		disk->size = (int64_t)info.capacity;
		disk->actual_size = (int64_t)info.allocation;
	}
	return rc;
}

static int read_devices(const struct hv_call *call, const struct domain *domain, struct hv_survey *s,
			struct error *e)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_xml_ xmlDocPtr doc = NULL;
	struct reading r = {s, e};
	int rc = call->driver->get_xml(call, domain, 0, s->domain.name, &text, e);

	if (rc < 0)
		return rc;
	doc = xml_parse(text);
	if (!doc)
		return error_set(e, EIO, "unexpected XML of domain '%s'", s->domain.name);
	rc = check_parts(doc, s->domain.name, e);
	if (rc == 0)
		rc = read_machine(doc, call->simulated, s, e);
	if (rc == 0)
		rc = xml_each(doc, "/domain/devices/disk", read_disk, &r);
	if (rc == 0)
		rc = xml_each(doc, "/domain/devices/interface", read_nic, &r);
	if (rc < 0)
		return rc;
	sort_disks(doc, s);
	rc = read_sizes(call, domain, s, e);
	if (rc < 0)
		return rc;
	if (!call->simulated && s->domain.state != HV_DOMAIN_OFF) {
		read_addresses(domain->virt, VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE, s);
		read_addresses(domain->virt, VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP, s);
	}
	return 0;
}

/* By uuid, with or without dashes, else by name. */
static int find(const struct hv_call *call, const char *name, struct domain *ret, struct error *e)
{
	int rc = 0;

	if (call->driver->find(call, name, ret, NULL) < 0 || !ret->found)
		rc = call->driver->find_name(call, name, ret, e);
	if (rc < 0 || (ret->found && !domain_is_nobodys(call->host->uri, call->driver->name(ret))))
		return rc;
	return error_set(e, ENOENT, "the host has no domain '%s'", name);
}

int hv_domain_survey(struct hypervisor *hv, const char *host, const char *name, struct hv_survey *ret,
		     struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_domain_ struct domain domain = {0};
	int rc = hv_call_begin(hv, host, &call, e);

	*ret = (struct hv_survey){.virtio = true};
	if (rc == 0)
		rc = find(&call, name, &domain, e);
	if (rc == 0)
		rc = read_listed(&call, &domain, &ret->domain, e);
	return rc < 0 ? rc : read_devices(&call, &domain, ret, e);
}

void hv_survey_done(struct hv_survey *s)
{
	for (size_t i = 0; i < s->disk_count; i++)
		free(s->disks[i].path);
	for (size_t i = 0; i < s->nic_count; i++) {
		free(s->nics[i].network);
		free(s->nics[i].bridge);
	}
	free(s->domain.name);
	*s = (struct hv_survey){0};
}
