/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds out what a host can do by trying it, through libvirt alone, so that it
 * works for remote hosts as well.
 *
 * KVM: /dev/kvm may open, domains may start, and guests still die at their
 * first unusual instruction. So a guest is run: the boot sector goes into a
 * volume of a storage pool made for it, a domain that vanishes with our
 * connection boots from it, and what it says on its serial port decides.
 *
 * Traffic control: a network with a limit is started; the kernel may lack what
 * tc needs.
 *
 * What a probe creates is named poolfs-probe-..., and what an earlier probe could
 * not remove is removed first.
 */
#include "hypervisor/probe.h"

#include <inttypes.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "hypervisor/boot_sector.h"
#include "hypervisor/errors.h"
#include "hypervisor/states.h"
#include "hypervisor/xml.h"

#define PROBE_LIMIT_MS 10000
#define PROBE_STEP_MS  10
/* Steps between two checks of the domain's state: a guest that died writes nothing. */
#define STATE_EVERY 10
#define VOLUME	    "boot"
#define FOLDER	    "/var/tmp"

struct names {
	char probe[32];	 /* pool, domain and network */
	char folder[48]; /* of the pool; random, because everybody may write to FOLDER */
	char volume[64];
	char bridge[16];
};

static void make_names(const char *host_uuid, struct names *ret)
{
	uint64_t random = 0;

	(void)!getrandom(&random, sizeof(random), 0);
	(void)snprintf(ret->probe, sizeof(ret->probe), NAME_FOR(WORK_PROBE) "%.8s", host_uuid);
	(void)snprintf(ret->folder, sizeof(ret->folder), "%s/poolfs-probe-%016" PRIx64, FOLDER, random);
	(void)snprintf(ret->volume, sizeof(ret->volume), "%s/%s", ret->folder, VOLUME);
	(void)snprintf(ret->bridge, sizeof(ret->bridge), "pfp-%.8s", host_uuid);
}

/* ------------------------------------------------------------ the boot volume */

/* Removes pool @name and its folder, as far as they exist. */
static void remove_pool(virConnectPtr conn, const char *name)
{
	virStoragePoolPtr pool = virStoragePoolLookupByName(conn, name);
	virStorageVolPtr volume;

	if (!pool)
		return;
	volume = virStorageVolLookupByName(pool, VOLUME);
	if (volume) {
		(void)virStorageVolDelete(volume, 0);
		(void)virStorageVolFree(volume);
	}
	(void)virStoragePoolDestroy(pool);
	(void)virStoragePoolDelete(pool, 0);
	(void)virStoragePoolUndefine(pool);
	(void)virStoragePoolFree(pool);
}

static virStoragePoolPtr make_pool(virConnectPtr conn, const struct names *names)
{
	_cleanup_free_ char *text = NULL;
	virStoragePoolPtr pool;
	struct xml x;

	xml_begin(&x);
	xml_open(&x, "pool", "type", "dir", NULL);
	xml_element(&x, "name", names->probe);
	xml_open(&x, "target", NULL);
	xml_element(&x, "path", names->folder);
	xml_close(&x);
	xml_close(&x);
	text = xml_finish(&x);
	pool = text ? virStoragePoolDefineXML(conn, text, 0) : NULL;
	if (!pool)
		return NULL;
	if (virStoragePoolBuild(pool, 0) == 0 && virStoragePoolCreate(pool, 0) == 0)
		return pool;
	(void)virStoragePoolUndefine(pool);
	(void)virStoragePoolFree(pool);
	return NULL;
}

static virStorageVolPtr make_volume(virStoragePoolPtr pool)
{
	_cleanup_free_ char *text = NULL;
	struct xml x;

	xml_begin(&x);
	xml_open(&x, "volume", NULL);
	xml_element(&x, "name", VOLUME);
	xml_element_size(&x, "capacity", "bytes", PROBE_BOOT_SECTOR_SIZE);
	xml_open(&x, "target", NULL);
	xml_leaf(&x, "format", "type", "raw", NULL);
	xml_open(&x, "permissions", NULL);
	xml_element(&x, "mode", "0644"); /* whoever qemu runs as may read it */
	xml_close(&x);
	xml_close(&x);
	xml_close(&x);
	text = xml_finish(&x);
	return text ? virStorageVolCreateXML(pool, text, 0) : NULL;
}

static bool write_boot_sector(virConnectPtr conn, virStorageVolPtr volume)
{
	virStreamPtr stream = virStreamNew(conn, 0);
	bool done = false;

	if (!stream)
		return false;
	if (virStorageVolUpload(volume, stream, 0, PROBE_BOOT_SECTOR_SIZE, 0) == 0) {
		if (virStreamSend(stream, (const char *)probe_boot_sector, PROBE_BOOT_SECTOR_SIZE) ==
		    PROBE_BOOT_SECTOR_SIZE)
			done = virStreamFinish(stream) == 0;
		else
			(void)virStreamAbort(stream);
	}
	(void)virStreamFree(stream);
	return done;
}

static bool make_boot_volume(virConnectPtr conn, const struct names *names)
{
	virStoragePoolPtr pool = make_pool(conn, names);
	virStorageVolPtr volume = pool ? make_volume(pool) : NULL;
	bool done = volume && write_boot_sector(conn, volume);

	if (volume)
		(void)virStorageVolFree(volume);
	if (pool)
		(void)virStoragePoolFree(pool);
	return done;
}

/* ------------------------------------------------------------------ the guest */

static char *guest_xml(const struct names *names, const char *virt_type)
{
	struct xml x;

	xml_begin(&x);
	xml_open(&x, "domain", "type", virt_type, NULL);
	xml_element(&x, "name", names->probe);
	xml_element_size(&x, "memory", "MiB", 16);
	xml_element_int(&x, "vcpu", 1);
	xml_open(&x, "os", NULL);
	xml_open(&x, "type", "arch", "x86_64", "machine", "pc", NULL);
	xml_text(&x, "hvm");
	xml_close(&x);
	xml_leaf(&x, "boot", "dev", "hd", NULL);
	xml_close(&x);
	xml_element(&x, "on_reboot", "destroy"); /* a triple fault ends the guest */
	xml_open(&x, "devices", NULL);
	xml_open(&x, "disk", "type", "file", "device", "disk", NULL);
	xml_leaf(&x, "driver", "name", "qemu", "type", "raw", NULL);
	xml_leaf(&x, "source", "file", names->volume, NULL);
	xml_leaf(&x, "target", "dev", "hda", "bus", "ide", NULL);
	xml_close(&x);
	xml_leaf(&x, "controller", "type", "usb", "model", "none", NULL);
	xml_leaf(&x, "memballoon", "model", "none", NULL);
	xml_leaf(&x, "serial", "type", "pty", NULL);
	xml_close(&x);
	xml_close(&x);
	return xml_finish(&x);
}

/* Reads the guest's serial port until the marker comes, the guest is dead or the time is up. */
static bool wait_for_marker(virDomainPtr domain, virStreamPtr stream)
{
	const struct timespec step = {.tv_nsec = PROBE_STEP_MS * 1000000L};
	char heard[1024];
	size_t used = 0;

	for (int i = 0; i < PROBE_LIMIT_MS / PROBE_STEP_MS; i++) {
		int got = virStreamRecv(stream, heard + used, sizeof(heard) - 1 - used);
		int state;

		if (got == -1 || got == 0)
			return false;
		if (got > 0) {
			used += (size_t)got;
			if (memmem(heard, used, PROBE_MARKER, strlen(PROBE_MARKER)))
				return true;
			if (used > sizeof(heard) / 2) {
				/* the marker may be cut here: it comes again */
				used = 0;
			}
			continue;
		}
		if (i % STATE_EVERY == 0 &&
		    (virDomainGetState(domain, &state, NULL, 0) < 0 || state != VIR_DOMAIN_RUNNING))
			return false;
		(void)nanosleep(&step, NULL);
	}
	return false;
}

static bool run_guest(virConnectPtr conn, const struct names *names, const char *virt_type)
{
	_cleanup_free_ char *xml = guest_xml(names, virt_type);
	virDomainPtr domain = NULL;
	virStreamPtr stream = NULL;
	bool heard = false;

	/* paused until its console is open; destroyed when our connection closes */
	if (xml)
		domain =
			virDomainCreateXML(conn, xml, VIR_DOMAIN_START_PAUSED | VIR_DOMAIN_START_AUTODESTROY);
	if (!domain)
		return false;
	stream = virStreamNew(conn, VIR_STREAM_NONBLOCK);
	if (stream && virDomainOpenConsole(domain, NULL, stream, VIR_DOMAIN_CONSOLE_FORCE) == 0) {
		heard = virDomainResume(domain) == 0 && wait_for_marker(domain, stream);
		(void)virStreamAbort(stream);
	}
	if (stream)
		(void)virStreamFree(stream);
	(void)virDomainDestroy(domain);
	(void)virDomainFree(domain);
	return heard;
}

static void remove_guest(virConnectPtr conn, const char *name)
{
	virDomainPtr domain = virDomainLookupByName(conn, name);

	if (!domain)
		return;
	(void)virDomainDestroy(domain);
	(void)virDomainFree(domain);
}

bool probe_guest(virConnectPtr conn, const char *host_uuid, const char *virt_type)
{
	struct names names;
	bool runs;

	make_names(host_uuid, &names);
	remove_guest(conn, names.probe);
	remove_pool(conn, names.probe);
	runs = make_boot_volume(conn, &names) && run_guest(conn, &names, virt_type);
	remove_pool(conn, names.probe);
	return runs;
}

/* ------------------------------------------------------------- traffic control */

static void remove_network(virConnectPtr conn, const char *name)
{
	virNetworkPtr network = virNetworkLookupByName(conn, name);

	if (!network)
		return;
	(void)virNetworkDestroy(network);
	(void)virNetworkFree(network);
}

bool probe_bandwidth(virConnectPtr conn, const char *host_uuid)
{
	_cleanup_free_ char *text = NULL;
	virNetworkPtr network;
	struct names names;
	struct xml x;

	make_names(host_uuid, &names);
	remove_network(conn, names.probe);
	xml_begin(&x);
	xml_open(&x, "network", NULL);
	xml_element(&x, "name", names.probe);
	xml_leaf(&x, "bridge", "name", names.bridge, "stp", "off", "delay", "0", NULL);
	xml_open(&x, "bandwidth", NULL);
	xml_leaf(&x, "inbound", "average", "1024", NULL);
	xml_leaf(&x, "outbound", "average", "1024", NULL);
	xml_close(&x);
	xml_close(&x);
	text = xml_finish(&x);
	network = text ? virNetworkCreateXML(conn, text) : NULL;
	if (!network)
		return false;
	(void)virNetworkDestroy(network);
	(void)virNetworkFree(network);
	return true;
}
