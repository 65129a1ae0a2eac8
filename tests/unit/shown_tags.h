/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The test in which the effect of each system tag is seen: a file below tests/ that names the tag. Rows for
 * test_system_tag.c, which looks whether that is so, and for test_effect_table.c, which writes them down for people.
 */
{"RDPEnable", "tree/40-vm-tags.sh"}, {"VDIMonitorNumber", "unit/test_effects.c"},
	{"affinityGroupUuid", "tree/31-placement.sh"}, {"bootMode", "real/15-uefi.sh"},
	{"bootOrder", "tree/40-vm-tags.sh"}, {"capability::virtio-scsi", "tree/20-data-volumes.sh"},
	{"cdromBootOnce", "tree/40-vm-tags.sh"}, {"consolePassword", "real/13-vm-resize.sh"},
	{"customMac", "real/03-create-forms.sh"}, {"ephemeral", "tree/20-data-volumes.sh"},
	{"ha", "tree/32-ha.sh"}, {"hostname", "real/03-create-forms.sh"}, {"iso", "tree/41-vm-iso.sh"},
	{"kvm::volume", "unit/test_effects.c"}, {"localStorage::hostUuid", "unit/test_effects.c"},
	{"maxInstancePerHost", "unit/test_placement.c"}, {"monitoring", "rest/19-metrics.sh"},
	{"pciDevice", "real/13-vm-resize.sh"}, {"preferredHostUuid", "unit/test_placement.c"},
	{"primaryStorageUuidForDataVolume", "unit/test_effects.c"}, {"qemuga", "tree/40-vm-tags.sh"},
	{"rootPassword", "real/03-create-forms.sh"}, {"requiredHostUuid", "unit/test_placement.c"},
	{"secureBoot", "real/15-uefi.sh"}, {"shareable", "tree/20-data-volumes.sh"},
	{"sshkey", "real/03-create-forms.sh"}, {"staticIp", "real/03-create-forms.sh"},
	{"tpm", "real/15-uefi.sh"}, {"usbRedirect", "unit/test_effects.c"},
	{"userdata", "real/01-vm-life.sh"}, {"vmConsoleMode", "unit/test_effects.c"},
	{"vmCpuMode", "real/10-vm-guest-settings.sh"}, {"vmCpuPinning", "unit/test_effects.c"},
	{"vmMachineType", "real/15-uefi.sh"}, {"vmSystemSerialNumber", "real/13-vm-resize.sh"},
	{"volumeMaxIncrementalSnapshotNum", "tree/21-snapshots.sh"},
	{"windows::virtioVolume", "real/13-vm-resize.sh"},
