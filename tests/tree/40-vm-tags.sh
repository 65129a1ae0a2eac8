#!/bin/bash
# The settings of a VM that are one system tag each: set, read, deleted and refused, in any state.
. "$(dirname "$0")/../tree/lib.sh"

mount_pool
image=$(small_image)
vm=$(create_vm tags "$image")
dir=vm-instances/$vm

# get FILE: the answer of a Get, on one line with sorted keys.
get() {
	value "$dir/$1" | jq -Sc .
}

# tags: the VM's system tags, one a line.
tags() {
	find "$MOUNT/$dir/tags" -type f -exec cat {} + | sort
}

# result VERB...: the result of a verb.
result() {
	local job
	job=$(submit "$dir/actions" "$*")
	job_wait "$job"
	value "api-jobs/$job/result"
}

settings() {
	step "nothing is set: $1"
	assert_eq "$(get ssh-keys)" '{}'
	assert_eq "$(get console-passwords)" '{}'
	assert_eq "$(get hostnames)" '{}'
	assert_eq "$(get boot-orders)" '{"order":["HardDisk","CdRom"],"orders":["HardDisk","CdRom"]}'
	assert_eq "$(get qga)" "{\"enable\":false,\"uuid\":\"$vm\"}"
	assert_eq "$(get rdp)" '{"enable":false}'
	assert_eq "$(get monitorNumber)" '{"monitorNumber":1}'

	step "what is set is read back: $1"
	assert_eq "$(result '{"setVmSshKey":{"SshKey":"ssh-ed25519 AAAA me@here"}}' | jq -r .inventory.uuid)" "$vm"
	act "$dir" set-console-password consolePassword=secret1
	assert_eq "$(result set-hostname hostname=web.example.org)" '{}'
	act "$dir" set-boot-order bootOrder=CdRom,HardDisk
	act "$dir" set-qga enable=true
	act "$dir" set-rdp enable=true
	act "$dir" set-monitor-number monitorNumber=4
	assert_eq "$(get ssh-keys)" '{"sshKey":"ssh-ed25519 AAAA me@here"}'
	assert_eq "$(get console-passwords)" '{"consolePassword":"secret1","password":"secret1"}'
	assert_eq "$(get hostnames)" '{"hostname":"web.example.org"}'
	assert_eq "$(get boot-orders)" '{"order":["CdRom","HardDisk"],"orders":["CdRom","HardDisk"]}'
	assert_eq "$(get qga)" "{\"enable\":true,\"uuid\":\"$vm\"}"
	assert_eq "$(get rdp)" '{"enable":true}'
	assert_eq "$(get monitorNumber)" '{"monitorNumber":4}'

	step "each is one tag, even when it is set again: $1"
	act "$dir" set-hostname hostname=db
	act "$dir" set-monitor-number monitorNumber=2
	act "$dir" set-qga enable=true
	assert_eq "$(tags)" "$(printf '%s\n' 'RDPEnable::true' 'VDIMonitorNumber::2' 'bootOrder::CdRom,HardDisk' \
		'consolePassword::secret1' 'hostname::db' qemuga 'sshkey::ssh-ed25519 AAAA me@here')"

	step "and is deleted; a second time is not an error: $1"
	for _ in 1 2; do
		assert_eq "$(result delete-ssh-key | jq -r .inventory.uuid)" "$vm"
		assert_eq "$(result delete-console-password | jq -r .inventory.uuid)" "$vm"
		assert_eq "$(result delete-hostname | jq -r .inventory.uuid)" "$vm"
		act "$dir" set-boot-order
		act "$dir" set-qga enable=false
		act "$dir" set-rdp enable=false
	done
	act "$dir" set-monitor-number monitorNumber=1
	assert_eq "$(tags)" "VDIMonitorNumber::1" "the tags that are left"
	rest=$(find "$MOUNT/$dir/tags" -type f -printf '%f\n')
	act "system-tags/$rest" delete
}

settings running
act "$dir" pause
settings paused
act "$dir" resume
act "$dir" stop
settings stopped
act "$dir" start

step "secrets are in files for their owner only, and in no job"
for file in ssh-keys console-passwords; do
	assert_eq "$(stat -c %a "$MOUNT/$dir/$file")" 400 "the mode of '$file'"
done
job=$(submit "$dir/actions" "set-console-password consolePassword=topsecre")
job_wait "$job"
value "api-jobs/$job/request" | lacks topsecre || fail "the password is in the job"

step "what is refused"
assert_refused "$dir/actions" "set-console-password consolePassword=password1" EINVAL "cannot start with 'password'"
assert_refused "$dir/actions" '{"setVmConsolePassword":{"consolePassword":"a\u043f"}}' EINVAL "printable ASCII characters, byte 1 is none"
assert_refused "$dir/actions" '{"setVmConsolePassword":{"consolePassword":"a\u001bb"}}' EINVAL "one line, byte 1 is a control character"
assert_refused "$dir/actions" "set-console-password consolePassword=123456789" EINVAL "VNC must have 1 to 8 characters, not 9"
assert_refused "$dir/actions" "set-monitor-number monitorNumber=3" EINVAL "^Monitor number must be 1 or 2 or 4.$"
assert_refused "$dir/actions" "set-boot-order bootOrder=CdRom,Floppy" EINVAL 'invalid boot device\[Floppy\] in boot order\[CdRom, Floppy\]'
assert_refused "$dir/actions" "set-hostname hostname=-x" EINVAL 'hostname\[-x\] specified in system tag\[hostname::-x\] is not a valid domain name'
assert_refused "$dir/actions" "set-qga" EINVAL 'field\[enable\].*mandatory'
assert_refused "$dir/actions" "set-ssh-key" EINVAL 'field\[SshKey\].*mandatory'

step "the same refused as tags"
tag_json() {
	jq -nc --arg vm "$vm" --arg tag "$1" '{params: {resourceType: "VmInstanceVO", resourceUuid: $vm, tag: $tag}}'
}
while read -r tag sentence; do
	assert_refused system-tags/create "$(tag_json "$tag")" EINVAL "$sentence"
done <<'TAGS'
consolePassword::password1 cannot start with 'password'
consolePassword::123456789 VNC must have 1 to 8 characters, not 9
consolePassword::пароль printable ASCII characters
VDIMonitorNumber::3 ^Monitor number must be 1 or 2 or 4.$
bootOrder::Floppy ^invalid boot device\[Floppy\] in boot order\[bootOrder::Floppy\]$
hostname::-x ^hostname\[-x\] specified in system tag\[hostname::-x\] is not a valid domain name$
bootMode::BIOS Legacy or UEFI
ha::Foo 'ha' takes NeverStop or OnHostFailure, not 'Foo'
vmConsoleMode::foo takes vnc or spice
usbRedirect::maybe takes true or false
vmCpuPinning::zz 'zz' is not a CPU pinning such as 1:3;1-3:4-7,
capability::virtio-scsi is for VolumeVO, it has no effect on VmInstanceVO
HA::NeverStop is written 'ha'
vmMachineType::mac takes pc or q35, not 'mac'
vmCpuMode::a,b the name of a CPU model of libvirt
tpm::1.2 takes 2.0, not '1.2'
secureBoot::maybe takes true or false
secureBoot::true ^Secure Boot is chosen when a VM is created
TAGS
act "$dir" set-hostname hostname=one
assert_refused system-tags/create "$(tag_json hostname::two)" EINVAL '^only one hostname system tag is allowed, but 2 got$'
one=$(grep -lx hostname::one "$MOUNT/$dir"/tags/*)
assert_refused "system-tags/$(basename "$one")/actions" "update tag=hostname::x_y" EINVAL "is not a valid domain name"
act "system-tags/$(basename "$one")" update tag=hostname::two
assert_eq "$(get hostnames)" '{"hostname":"two"}'

step "a host name is unique on its network"
act "$dir" set-hostname hostname=taken
other=$(create_vm other "$image")
assert_refused "vm-instances/$other/actions" "set-hostname hostname=TAKEN" EBUSY \
	"conflict hostname in system tag\[hostname::TAKEN\]; there has been a VM\[uuid:$vm\]"
act "$dir" set-hostname hostname=taken

step "and on every other network of the VM: when it gets the name, and when it gets the network"
l3=$(first l3-networks)
l2=$(value "l3-networks/$l3/l2NetworkUuid")
red=$(create l3-networks "{\"params\":{\"name\":\"red\",\"type\":\"L3BasicNetwork\",\"l2NetworkUuid\":\"$l2\"}}")
act "l3-networks/$red" "add-ip-range-by-cidr name=r networkCidr=10.88.1.0/24"
act "vm-instances/$other" attach-l3-network "l3NetworkUuid=$red"
there=$(create_vm there "$image" "{\"l3NetworkUuids\":[\"$red\"],\"systemTags\":[\"hostname::web\"]}")
conflict="conflict hostname in system tag\[hostname::web\]; there has been a VM\[uuid:$there\] having hostname\[web\] on L3 network\[uuid:$red\]"
assert_refused "vm-instances/$other/actions" "set-hostname hostname=web" EBUSY "$conflict"
assert_refused system-tags/create "$(jq -nc --arg vm "$other" \
	'{params: {resourceType: "VmInstanceVO", resourceUuid: $vm, tag: "hostname::web"}}')" EBUSY "$conflict"
assert_refused vm-instances/create "$(vm_json more "$image" "$(jq -nc --arg a "$l3" --arg b "$red" \
	'{l3NetworkUuids: [$a, $b], defaultL3NetworkUuid: $a, systemTags: ["hostname::web"]}')")" EBUSY "$conflict"
act "$dir" set-hostname hostname=web
assert_refused "$dir/actions" "attach-l3-network l3NetworkUuid=$red" EBUSY "$conflict"
act "$dir" set-hostname hostname=taken
act "$dir" attach-l3-network "l3NetworkUuid=$red"

step "a boot order for one start is gone after it"
act "$dir" '{"setVmBootOrder":{"bootOrder":["CdRom","HardDisk"]},"systemTags":["cdromBootOnce::true"]}'
assert_eq "$(get boot-orders | jq -c .orders)" '["CdRom","HardDisk"]'
act "$dir" reboot
assert_eq "$(get boot-orders | jq -c .orders)" '["HardDisk","CdRom"]'
act "$dir" '{"setVmBootOrder":{"bootOrder":["CdRom"]},"systemTags":["cdromBootOnce::true"]}'
act "$dir" set-boot-order bootOrder=CdRom
act "$dir" reboot
assert_eq "$(get boot-orders | jq -c .orders)" '["CdRom"]' "an order that is set for good"

step "the console address, only of a running VM"
assert_eq "$(get console-addresses | jq -r .protocol)" vnc
assert_match "$(get console-addresses | jq -r .port)" '^[0-9]{4,5}$'
assert_eq "$(get console-addresses | jq -r .hostIp)" "$(value "$dir/host/managementIp")"
act "$dir" pause
assert_fails "busy" cat "$MOUNT/$dir/console-addresses"
assert_match "$(value last-error)" 'current vm instance state\[Paused\]'
act "$dir" resume

step "a guest password needs a running guest with the agent's tag, and a password of printable ASCII characters"
assert_refused "$dir/actions" "change-password account=root password=secret" EBUSY "must have the following system tag: qemuga"
act "$dir" set-qga enable=true
for password in "aA0-\`=\\[];',./~!@#\$" '%^&*()_+|{}:"<>?'; do
	act "$dir" "$(jq -nc --arg password "$password" '{changeVmPassword: {account: "root", password: $password}}')"
done
assert_refused "$dir/actions" '{"changeVmPassword":{"account":"root","password":"two words"}}' EINVAL password
assert_refused "$dir/actions" '{"changeVmPassword":{"account":"root","password":""}}' EINVAL password
assert_refused "$dir/actions" "change-password account=root password=$(printf '%033d' 0)" EINVAL "password.*32"
assert_refused "$dir/actions" "change-password password=x" EINVAL "account.*mandatory"
act "$dir" stop
assert_refused "$dir/actions" "change-password account=root password=secret" EBUSY "^state is not correct while change password.$"
