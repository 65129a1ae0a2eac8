/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clean traffic: a guest sends with its own MAC and IPv4 address only.
 *
 * libvirt's own filter "clean-traffic" is in a package of its own, which a host need
 * not have, and hosts may have changed it. This one is complete in itself: what is
 * not accepted is dropped, so there is no IPv6, as in libvirt's. Asking DHCP for an
 * address, looking whether an address is free (RFC 5227) and QEMU's announcement
 * after a migration are accepted. What comes in is not filtered.
 */
#include "hypervisor/nic_filter.h"

#include <libvirt/virterror.h>

#include "hypervisor/errors.h"

static const char filter[] =
	"<filter name='" NIC_FILTER "' chain='root'>"
	"<rule action='drop' direction='out' priority='-900'><mac match='no' srcmacaddr='$MAC'/></rule>"
	"<rule action='accept' direction='out' priority='-800'><ip srcipaddr='$IP'/></rule>"
	"<rule action='accept' direction='out' priority='-790'>"
	"<ip srcipaddr='0.0.0.0' dstipaddr='255.255.255.255' protocol='udp' srcportstart='68' dstportstart='67'/>"
	"</rule>"
	"<rule action='accept' direction='out' priority='-780'>"
	"<arp arpsrcmacaddr='$MAC' arpsrcipaddr='$IP'/></rule>"
	"<rule action='accept' direction='out' priority='-770'>"
	"<arp arpsrcmacaddr='$MAC' arpsrcipaddr='0.0.0.0'/></rule>"
	"<rule action='accept' direction='out' priority='-760'>"
	"<rarp opcode='Request_Reverse' srcmacaddr='$MAC' arpsrcmacaddr='$MAC' arpdstmacaddr='$MAC'/></rule>"
	"<rule action='drop' direction='out' priority='1000'/>"
	"</filter>";

static int refuse(const struct hv_call *call, struct error *e)
{
	_cleanup_(error_done) struct error why = ERROR_INIT;
	int rc = error_set_virt(&why, call->conn, "cannot define a network filter");

	if (rc == -ENOTCONN)
		return error_move(e, &why);
	return error_set(
		e, EOPNOTSUPP,
		"the traffic of guests cannot be filtered on host '%s', which needs libvirt's nwfilter "
		"driver and ebtables there, or the setting vm.cleanTraffic false: %s",
		call->connection->info.hostname, error_sentence(&why));
}

int nic_filter_define(const struct hv_call *call, struct error *e)
{
	virNWFilterPtr present;

	if (call->simulated)
		return 0;
	present = virNWFilterLookupByName(call->conn, NIC_FILTER);
	if (!present)
		present = virNWFilterDefineXML(call->conn, filter);
	if (!present)
		return refuse(call, e);
	(void)virNWFilterFree(present);
	return 0;
}
