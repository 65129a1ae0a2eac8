/* SPDX-License-Identifier: Apache-2.0 */
/* See domain_machine.h. */
#include "hypervisor/domain/domain_machine.h"

#include <stdlib.h>
#include <string.h>

#include "hypervisor/errors.h"

/* ---------------------------------------------------------------- processor */

/*
 * The processor that guests on all hosts with these <cpu> elements can have, allocated; NULL when all are equal,
 * so that none is needed.
 */
static int make_baseline(virConnectPtr conn, const char *arch, const char *virt_type, const char **cpus,
			 size_t count, char **ret_cpu, struct error *e)
{
	bool equal = true;

	*ret_cpu = NULL;
	for (size_t i = 1; i < count; i++)
		equal = equal && strcmp(cpus[i], cpus[0]) == 0;
	if (equal)
		return 0;
	*ret_cpu = virConnectBaselineHypervisorCPU(conn, NULL, arch, NULL, virt_type, cpus,
						   (unsigned int)count, VIR_CONNECT_BASELINE_CPU_MIGRATABLE);
	return *ret_cpu ? 0
			: error_set_virt(e, conn,
					 "cannot find a processor that all hosts of the cluster have");
}

/* The peers' processors; hosts that are not connected, of another type or without models have no say. */
static int ask_peers(struct hypervisor *hv, const struct hv_call *call, const struct hv_domain_def *spec,
		     char **ret_baseline, struct error *e)
{
	const struct host_machine *own = &call->connection->machine;
	_cleanup_free_ const char **cpus = calloc(spec->cpu_peer_count + 1, sizeof(*cpus));
	_cleanup_free_ struct hv_call *calls = calloc(spec->cpu_peer_count + 1, sizeof(*calls));
	size_t count = 0, used = 0;
	int r;

	if (!cpus || !calls)
		return error_oom(e);
	cpus[count++] = own->cpu;
	for (size_t i = 0; i < spec->cpu_peer_count; i++) {
		struct hv_call *peer = &calls[used];
		const struct host_machine *machine;

		if (hv_call_begin(hv, spec->cpu_peers[i], peer, NULL) < 0)
			continue;
		used++;
		machine = &peer->connection->machine;
		if (machine->cpu && strcmp(machine->arch, own->arch) == 0 &&
		    strcmp(peer->connection->info.virt_type, call->connection->info.virt_type) == 0)
			cpus[count++] = machine->cpu;
	}
	r = make_baseline(call->conn, own->arch, spec->virt_type, cpus, count, ret_baseline, e);
	while (used > 0)
		hv_call_end(&calls[--used]);
	return r;
}

/* ------------------------------------------------------------ what a host has */

static int check_machine(const struct host_machine *m, const struct hv_domain_def *spec, struct error *e)
{
	bool pc = !spec->machine || strcmp(spec->machine, "q35") != 0;

	if (spec->secure_boot && (pc || host_machine_is_arm(m->arch)))
		return error_set(e, EOPNOTSUPP,
				 "Secure Boot needs the machine type q35, domain '%s' is of another one",
				 spec->uuid);
	if (!m->known)
		return 0; /* libvirt will say what is missing */
	if (spec->uefi && !m->uefi)
		return error_set(
			e, EOPNOTSUPP,
			"the host has no UEFI firmware for domain '%s'; Debian's is in the package ovmf",
			spec->uuid);
	if (spec->secure_boot && !m->secure_boot)
		return error_set(e, EOPNOTSUPP, "the UEFI firmware of the host has no Secure Boot");
	if (spec->tpm && !m->tpm)
		return error_set(
			e, EOPNOTSUPP,
			"the host cannot emulate a TPM for domain '%s': install the package swtpm there and "
			"reconnect the host",
			spec->uuid);
	return 0;
}

int domain_fit_machine(struct hypervisor *hv, const struct hv_call *call, struct hv_domain_def *spec,
		       char **ret_baseline, struct error *e)
{
	const struct host_machine *own = &call->connection->machine;
	int r;

	if (call->simulated)
		return 0;
	spec->arch = own->arch;
	r = check_machine(own, spec, e);
	if (r < 0 || !spec->cpu_mode || strcmp(spec->cpu_mode, "host-model") != 0)
		return r;
	if (!own->cpu) {
		spec->cpu_mode = "none"; /* libvirt knows no model for this host */
		return 0;
	}
	r = ask_peers(hv, call, spec, ret_baseline, e);
	spec->cpu_baseline = r == 0 ? *ret_baseline : NULL;
	return r;
}
