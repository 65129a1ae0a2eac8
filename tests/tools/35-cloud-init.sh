#!/bin/bash
# Debian's cloud-init reads the NoCloud disk: host name, keys, password, compressed user data, addresses. What was
# taken from the VM is on no disk any more.
. "$(dirname "$0")/lib.sh"

modules=$("$LAB/unpack" cloud-init)/usr/lib/python3/dist-packages
mount_pool
image=$(small_image)
l3=$(first l3-networks)
gateway=$(jq -r '.inventories[0].ipRanges[0].gateway' "$MOUNT/l3-networks/inventories")
act "l3-networks/$l3" add-dns dns=9.9.9.9

disks() {
	find "$STATE/primary" "$STATE" -name 'nocloud-*' | sort -u
}

# seen VM: starts the VM, and writes to seen.json what cloud-init makes of the disk.
seen() {
	act "vm-instances/$1" start
	assert_eq "$(disks | wc -l)" 1 "number of disks"
	assert_eq "$(blkid -p -o value -s LABEL "$(disks)")" cidata
	[ ! -d disk ] || chmod -R u+w disk
	rm -rf ./disk
	xorriso -osirrox on -indev "$(disks)" -extract / disk >/dev/null 2>&1
	"$TOP/tests/tools/cloud-init-reads" "$modules" disk >seen.json
	act "vm-instances/$1" stop type=cold
}

# assert_seen JQ-EXPRESSION VALUE
assert_seen() {
	assert_eq "$(jq -r "$1" seen.json)" "$2" "$1"
}

step "host names that look like numbers, compressed user data, secrets with quotes"
data=$(printf '#!/bin/sh\necho %s\n' "$(seq 200 | tr '\n' ' ')" | tee script | gzip -9n | base64)
vm=$(create vm-instances "$(vm_json one "$image" '{"strategy":"CreateStopped"}' | jq -c --arg data "$data" --arg l3 "$l3" --arg ip "${gateway%.*}.77" \
	'.systemTags = ["hostname::0123", "sshkey::ssh-ed25519 AAAA a@b\nssh-rsa BBBB c: #d", "rootPassword::a\"b\u0027: {c}",
	 "userdata::" + $data, "staticIp::\($l3)::\($ip)"]')")
seen "$vm"
assert_seen .hostname 0123
assert_seen '.keys | length' 2
assert_seen '.keys[1]' 'ssh-rsa BBBB c: #d'
assert_seen '.userData | length' 1
jq -j '.userData[0]' seen.json | diff script - || fail "the user data is another"
assert_seen '.vendor.chpasswd.users[0].password' "a\"b': {c}"
assert_seen .networkAtEachBoot true
id=$(jq -r .instanceId seen.json)

step "addresses, for both renderers of Debian"
mac=$(jq -r '.vmNics[0].mac' "$MOUNT/vm-instances/$vm/inventory")
assert_seen '.interfaces.eth0' "$mac"
assert_seen '.netplan.network.ethernets.eth0.addresses[0]' "${gateway%.*}.77/24"
assert_seen '.netplan.network.ethernets.eth0.routes[0] | "\(.to) \(.via)"' "0.0.0.0/0 $gateway"
assert_seen '.netplan.network.ethernets.eth0.nameservers.addresses[0]' 9.9.9.9
assert_match "$(jq -r .eni seen.json)" "address ${gateway%.*}.77/24"
assert_match "$(jq -r .eni seen.json)" "$gateway"

step "the same again is the same instance; another key is another one"
seen "$vm"
assert_seen .instanceId "$id"
act "vm-instances/$vm" '{"setVmSshKey":{"SshKey":"ssh-ed25519 CCCC"}}'
seen "$vm"
assert_seen '.keys[0]' "ssh-ed25519 CCCC"
[ "$(jq -r .instanceId seen.json)" != "$id" ] || fail "a new key is not applied"

step "what was taken away is on no disk"
for prefix in rootPassword userdata sshkey; do
	tag=$(jq -r --arg vm "$vm" --arg p "$prefix::" '.inventories[] | select(.resourceUuid == $vm and (.tag | startswith($p))) | .uuid' \
		"$MOUNT/system-tags/inventories")
	act "system-tags/$tag" delete
	act "vm-instances/$vm" start
	assert_eq "$(disks | wc -l)" "$([ $prefix = sshkey ] && echo 0 || echo 1)" "disks without $prefix"
	[ $prefix = sshkey ] || lacks -F "a\\\"b': {c}" "$(disks)" || fail "the password is still there"
	act "vm-instances/$vm" stop type=cold
done

step "user data that is no base64 is refused"
for bad in eA abc- '#!/bin/sh'; do
	assert_refused vm-instances/create "$(vm_json bad "$image" | jq -c --arg d "$bad" '.systemTags = ["userdata::" + $d]')" EINVAL "user data is"
	assert_refused system-tags/create "{\"params\":{\"resourceType\":\"VmInstanceVO\",\"resourceUuid\":\"$vm\",\"tag\":\"userdata::$bad\"}}" EINVAL "user data is"
done
assert_refused "vm-instances/$vm/actions" '{"setVmSshKey":{"SshKey":"a\u001bb"}}' EINVAL "is a control character"

step "a VM that is destroyed and expunged leaves no disk"
act "vm-instances/$vm" '{"setVmSshKey":{"SshKey":"ssh-ed25519 CCCC"}}'
act "vm-instances/$vm" start
assert_eq "$(disks | wc -l)" 1
act "vm-instances/$vm" destroy
assert_eq "$(disks)" ""
act "vm-instances/$vm" expunge
