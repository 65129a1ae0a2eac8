/* SPDX-License-Identifier: Apache-2.0 */
/* See host_machine.h. */
#include "hypervisor/host_machine.h"

#include <string.h>

bool host_machine_is_arm(const char *arch)
{
	return arch && strcmp(arch, "aarch64") == 0;
}

void host_machine_read_arch(xmlDocPtr capabilities, struct host_machine *ret)
{
	_cleanup_free_ char *arch =
		capabilities ? xml_get(capabilities, NULL, "/capabilities/host/cpu/arch") : NULL;

	(void)snprintf(ret->arch, sizeof(ret->arch), "%s", arch && *arch ? arch : "x86_64");
}

bool host_machine_offers_kvm(xmlDocPtr capabilities, const struct host_machine *m)
{
	char path[128];

	(void)snprintf(path, sizeof(path),
		       "/capabilities/guest[os_type='hvm']/arch[@name='%s']/domain[@type='kvm']", m->arch);
	return capabilities && xml_has(capabilities, path);
}

void host_machine_write_idle_os(struct xml *x, const struct host_machine *m)
{
	xml_open(x, "os", NULL);
	xml_open(x, "type", "arch", m->arch, "machine", host_machine_is_arm(m->arch) ? "virt" : "pc", NULL);
	xml_text(x, "hvm");
	xml_close(x);
	xml_close(x);
}

static int copy_child(xmlDocPtr doc, xmlNodePtr node, void *ctx)
{
	xmlNodePtr copy = xmlDocCopyNode(node, NULL, 1);

	(void)doc;
	return copy && xmlAddChild(ctx, copy) ? 0 : -1;
}

/* The <cpu> of a guest that gets all of it. */
static char *read_cpu(xmlDocPtr doc, const char *arch)
{
	static const char path[] = "/domainCapabilities/cpu/mode[@name='host-model'][@supported='yes']/*";
	_cleanup_xml_ xmlDocPtr cpu = xmlNewDoc(BAD_CAST "1.0");
	xmlNodePtr root = cpu ? xmlNewNode(NULL, BAD_CAST "cpu") : NULL;

	if (!root)
		return NULL;
	(void)xmlDocSetRootElement(cpu, root);
	if (!xml_has(doc, path) || !xmlNewChild(root, NULL, BAD_CAST "arch", BAD_CAST arch) ||
	    xml_each(doc, path, copy_child, root) != 0)
		return NULL;
	return xml_dump(cpu, root);
}

void host_machine_parse(const char *text, struct host_machine *ret)
{
	_cleanup_xml_ xmlDocPtr doc = xml_parse(text);

	if (!doc)
		return;
	ret->known = true;
	ret->uefi = xml_has(doc, "/domainCapabilities/os/enum[@name='firmware']/value[.='efi']");
	ret->secure_boot = ret->uefi &&
			   xml_has(doc, "/domainCapabilities/os/loader/enum[@name='secure']/value[.='yes']");
	ret->tpm = xml_has(doc, "/domainCapabilities/devices/tpm/enum[@name='backendModel']"
				"/value[.='emulator']");
	free(ret->cpu);
	ret->cpu = read_cpu(doc, ret->arch);
}

void host_machine_ask(virConnectPtr conn, const char *virt_type, struct host_machine *ret)
{
	const char *machine = host_machine_is_arm(ret->arch) ? "virt" : "q35";
	_cleanup_free_ char *text =
		virConnectGetDomainCapabilities(conn, NULL, ret->arch, machine, virt_type, 0);

	if (text)
		host_machine_parse(text, ret);
}

void host_machine_done(struct host_machine *m)
{
	free(m->cpu);
	m->cpu = NULL;
}
