/* SPDX-License-Identifier: Apache-2.0 */
/* What the stand-in for libvirt answers: fake_call(), and the functions that write results. */
#include "tests/unit/fake_libvirt_answers.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "model/cleanup.h"

enum result { ZERO, ONE, POINTER, TEXT };

/* The functions that give something else than 0, or that need not be seen to fail. */
static const struct row {
	const char *name;
	enum result result;
	const char *exempt; /* why a failure need not show, NULL: it must */
} rows[] = {
#define GIVES(name, result)                                                                                  \
	{                                                                                                    \
#name, result, NULL                                                                          \
	}
#define EXEMPT(name, result, why)                                                                            \
	{                                                                                                    \
#name, result, why                                                                           \
	}
#define CLEANS_UP  "its failure changes nothing"
#define NO_REASON  "it cannot fail but for want of memory or a wrong argument"
#define FALLS_BACK "there is another way when it fails"
#define REAL	   "needs the data of disks, which tests/hv has"
#define SIMULATED  "only the test driver is asked so"
#include "tests/unit/fake_libvirt_rows.h"
};

struct fake_libvirt fake = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* This thread's last error, as libvirt keeps it. */
static _Thread_local virError last;
static _Thread_local char sentence[128];

static const struct row *row_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

const char *fake_exemption(const char *name)
{
	const struct row *row = row_of(name);

	return row ? row->exempt : NULL;
}

static bool fails(const char *name, const struct row *row)
{
	bool now = false;

	if (row && row->exempt && strcmp(row->exempt, NO_REASON) == 0)
		return false;
	scoped_lock(&fake.lock);
	if (fake.armed && ++fake.count == fake.fail_at) {
		fake.failed = name;
		now = true;
	}
	return now;
}

long fake_call(const char *name)
{
	const struct row *row = row_of(name);
	enum result result = row ? row->result : ZERO;

	last = (virError){0};
	if (fails(name, row)) {
		snprintf(sentence, sizeof(sentence), FAKE_REASON "%s", name);
		last = (virError){.code = fake.code ? fake.code : VIR_ERR_OPERATION_FAILED,
				  .message = sentence};
		return result == POINTER || result == TEXT ? 0 : -1;
	}
	switch (result) {
	case ZERO:
		return 0;
	case ONE:
		return fake.off && strstr(name, "IsActive") ? 0 : 1;
	case POINTER:
		return (long)(uintptr_t)&fake; /* only looked at by other functions of the stand-in */
	case TEXT:
		return (long)(uintptr_t)strdup("text");
	}
	return 0;
}

virErrorPtr virGetLastError(void)
{
	return last.code ? &last : NULL;
}

virErrorPtr virSaveLastError(void)
{
	virErrorPtr copy = calloc(1, sizeof(*copy));

	copy->code = last.code;
	copy->message = last.message ? strdup(last.message) : NULL;
	last = (virError){0};
	return copy;
}

void virFreeError(virErrorPtr err)
{
	if (err)
		free(err->message);
	free(err);
}

void virSetErrorFunc(void *data, virErrorFunc handler)
{
	(void)data, (void)handler;
}

/* The domain that copies a volume. */
#define TOOL ((virDomainPtr)&fake.tools)

const char *virDomainGetName(virDomainPtr domain)
{
	(void)fake_call("virDomainGetName");
	return domain == TOOL ? "poolfs-copy-x" : FAKE_VM;
}

unsigned int virDomainGetID(virDomainPtr domain)
{
	(void)domain;
	(void)fake_call("virDomainGetID");
	return fake.off ? (unsigned int)-1 : 1;
}

int virDomainGetUUID(virDomainPtr domain, unsigned char *uuid)
{
	(void)domain;
	(void)fake_call("virDomainGetUUID");
	memset(uuid, 0x11, VIR_UUID_BUFLEN); /* FAKE_VM */
	return 0;
}

const char *virNetworkGetName(virNetworkPtr network)
{
	(void)network;
	(void)fake_call("virNetworkGetName");
	return "poolfs-33333333";
}

/* No event ever comes, so the stand-in lets go at once of what the callbacks get. */
int virConnectDomainEventRegisterAny(virConnectPtr conn, virDomainPtr domain, int id,
				     virConnectDomainEventGenericCallback callback, void *opaque,
				     virFreeCallback release)
{
	int r = (int)fake_call("virConnectDomainEventRegisterAny");

	(void)conn, (void)domain, (void)id, (void)callback;
	if (r == 0)
		release(opaque);
	return r;
}

int virConnectRegisterCloseCallback(virConnectPtr conn, virConnectCloseFunc callback, void *opaque,
				    virFreeCallback release)
{
	int r = (int)fake_call("virConnectRegisterCloseCallback");

	(void)conn, (void)callback;
	if (r == 0)
		release(opaque);
	return r;
}

int virDomainGetVcpusFlags(virDomainPtr domain, unsigned int flags)
{
	int r = (int)fake_call("virDomainGetVcpusFlags");

	(void)domain;
	if (r < 0)
		return r;
	return flags & VIR_DOMAIN_VCPU_MAXIMUM ? 4 : 1;
}

int virNodeGetInfo(virConnectPtr conn, virNodeInfoPtr info)
{
	(void)conn;
	*info = (virNodeInfo){.memory = 1 << 20, .cpus = 2, .sockets = 1, .nodes = 1};
	return (int)fake_call("virNodeGetInfo");
}

int virConnectGetAllDomainStats(virConnectPtr conn, unsigned int stats, virDomainStatsRecordPtr **ret,
				unsigned int flags)
{
	(void)conn, (void)stats, (void)flags;
	*ret = NULL;
	return (int)fake_call("virConnectGetAllDomainStats");
}

int virConnectListAllDomains(virConnectPtr conn, virDomainPtr **domains, unsigned int flags)
{
	int count = (int)fake_call("virConnectListAllDomains");

	(void)conn, (void)flags;
	*domains = NULL;
	if (count == 0 && fake.tools > 0) {
		fake.tools--;
		*domains = malloc(sizeof(**domains));
		**domains = TOOL;
		return 1;
	}
	return count;
}

int virDomainGetState(virDomainPtr domain, int *state, int *reason, unsigned int flags)
{
	(void)domain, (void)flags;
	*state = fake.off      ? VIR_DOMAIN_SHUTOFF
		 : fake.asleep ? VIR_DOMAIN_PMSUSPENDED
		 : fake.paused ? VIR_DOMAIN_PAUSED
			       : VIR_DOMAIN_RUNNING;
	if (reason)
		*reason = 0;
	return (int)fake_call("virDomainGetState");
}

int virDomainGetBlockInfo(virDomainPtr domain, const char *disk, virDomainBlockInfoPtr info,
			  unsigned int flags)
{
	(void)domain, (void)disk, (void)flags;
	*info = (virDomainBlockInfo){.capacity = 1 << 20};
	return (int)fake_call("virDomainGetBlockInfo");
}

int virStoragePoolGetInfo(virStoragePoolPtr pool, virStoragePoolInfoPtr info)
{
	(void)pool;
	*info = (virStoragePoolInfo){.state = VIR_STORAGE_POOL_RUNNING, .capacity = 2, .available = 1};
	return (int)fake_call("virStoragePoolGetInfo");
}

/* A copy that has all. */
int virDomainGetBlockJobInfo(virDomainPtr domain, const char *disk, virDomainBlockJobInfoPtr info,
			     unsigned int flags)
{
	(void)domain, (void)disk, (void)flags;
	*info = (virDomainBlockJobInfo){.cur = 1, .end = 1};
	return fake_call("virDomainGetBlockJobInfo") < 0 ? -1 : 1;
}

int virDomainGetJobInfo(virDomainPtr domain, virDomainJobInfoPtr info)
{
	(void)domain;
	*info = (virDomainJobInfo){.type = VIR_DOMAIN_JOB_NONE};
	return (int)fake_call("virDomainGetJobInfo");
}

char *virDomainGetXMLDesc(virDomainPtr domain, unsigned int flags)
{
	static const char xml[] =
		"<domain type='qemu' id='1'><name>" FAKE_VM "</name><memory unit='KiB'>131072</memory>"
		"<maxMemory unit='KiB'>1048576</maxMemory><devices><disk type='file' device='disk'>"
		"<driver name='qemu' type='qcow2'/><source file='/pool/a.qcow2'/><target dev='vdb' bus='virtio'/>"
		"<serial>" FAKE_VOLUME "</serial><alias name='ua-disk-1'/></disk><interface type='network'>"
		"<mac address='fa:00:00:00:00:01'/><alias name='ua-nic-0'/>"
		"<filterref filter='poolfs-clean-traffic-1'/></interface>"
		"<graphics type='vnc' port='5900' passwd='secret'/></devices></domain>";

	(void)domain, (void)flags;
	return fake_call("virDomainGetXMLDesc") ? strdup(xml) : NULL;
}

char *virStoragePoolGetXMLDesc(virStoragePoolPtr pool, unsigned int flags)
{
	(void)pool, (void)flags;
	return fake_call("virStoragePoolGetXMLDesc")
		       ? strdup("<pool type='dir'><target><path>/pool</path></target></pool>")
		       : NULL;
}

/* Each answer names another processor, so that hosts have to look for a common one, unless they are alike. */
char *virConnectGetDomainCapabilities(virConnectPtr conn, const char *emulator, const char *arch,
				      const char *machine, const char *virt_type, unsigned int flags)
{
	_cleanup_free_ char *text = (char *)(uintptr_t)fake_call("virConnectGetDomainCapabilities");
	static int answers;
	char *xml;

	(void)conn, (void)emulator, (void)arch, (void)machine, (void)virt_type, (void)flags;
	if (!text ||
	    asprintf(
		    &xml,
		    "<domainCapabilities><cpu><mode name='host-model' supported='yes'><model>m%d</model></mode>"
		    "</cpu></domainCapabilities>",
		    fake.alike ? 0 : ++answers) < 0)
		return NULL;
	return xml;
}

char *virConnectBaselineHypervisorCPU(virConnectPtr conn, const char *emulator, const char *arch,
				      const char *machine, const char *virt_type, const char **cpus,
				      unsigned int count, unsigned int flags)
{
	_cleanup_free_ char *text = (char *)(uintptr_t)fake_call("virConnectBaselineHypervisorCPU");

	(void)conn, (void)emulator, (void)arch, (void)machine, (void)virt_type, (void)flags;
	for (size_t i = 0, len = 0; i < count && len < sizeof(fake.compared); i++)
		len += (size_t)snprintf(fake.compared + len, sizeof(fake.compared) - len, "%s", cpus[i]);
	return text ? strdup(FAKE_COMMON) : NULL;
}

virDomainPtr virDomainDefineXMLFlags(virConnectPtr conn, const char *xml, unsigned int flags)
{
	(void)conn, (void)flags;
	snprintf(fake.defined, sizeof(fake.defined), "%s", xml);
	return (virDomainPtr)(uintptr_t)fake_call("virDomainDefineXMLFlags");
}

/* A file has four bytes. */
int virStorageVolGetInfo(virStorageVolPtr file, virStorageVolInfoPtr info)
{
	(void)file;
	*info = (virStorageVolInfo){.capacity = 4};
	return (int)fake_call("virStorageVolGetInfo");
}

const char *virStorageVolGetName(virStorageVolPtr file)
{
	(void)file;
	(void)fake_call("virStorageVolGetName");
	return "file";
}

char *virDomainScreenshot(virDomainPtr domain, virStreamPtr stream, unsigned int screen, unsigned int flags)
{
	(void)domain, (void)stream, (void)screen, (void)flags;
	return fake_call("virDomainScreenshot") ? strdup("image/png") : NULL;
}

/* A picture. */
int virStreamRecvAll(virStreamPtr stream, virStreamSinkFunc handler, void *opaque)
{
	static const char png[] = "\x89PNG\r\n\x1a\n...";

	if (fake_call("virStreamRecvAll") < 0)
		return -1;
	return handler(stream, png, sizeof(png), opaque) < 0 ? -1 : 0;
}

int virStreamRecv(virStreamPtr stream, char *data, size_t size)
{
	(void)stream;
	memset(data, 0, size);
	return fake_call("virStreamRecv") < 0 ? -1 : (int)size;
}

int virStreamSend(virStreamPtr stream, const char *data, size_t size)
{
	(void)stream, (void)data;
	return fake_call("virStreamSend") < 0 ? -1 : (int)size;
}

virNWFilterPtr virNWFilterLookupByName(virConnectPtr conn, const char *name)
{
	virNWFilterPtr filter = (virNWFilterPtr)fake_call("virNWFilterLookupByName");

	(void)conn, (void)name;
	return fake.bare ? NULL : filter;
}

char *virNetworkGetXMLDesc(virNetworkPtr network, unsigned int flags)
{
	static const char xml[] =
		"<network><name>poolfs-33333333</name><bridge name='br'/><dns><txt name='poolfs' value='old'/></dns>"
		"<ip address='10.1.1.1' netmask='255.255.255.0'><dhcp><host mac='fa:00:00:00:00:01' ip='10.1.1.2'/>"
		"<host mac='fa:00:00:00:00:02' ip='10.1.1.3'/></dhcp></ip></network>";

	(void)network, (void)flags;
	return fake_call("virNetworkGetXMLDesc") ? strdup(xml) : NULL;
}

int virNetworkGetDHCPLeases(virNetworkPtr network, const char *mac, virNetworkDHCPLeasePtr **leases,
			    unsigned int flags)
{
	(void)network, (void)mac, (void)flags;
	*leases = NULL;
	return (int)fake_call("virNetworkGetDHCPLeases");
}
