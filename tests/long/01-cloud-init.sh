#!/bin/bash
# Debian's cloud-init, in a Debian that boots: what the VM says is what the guest has, at each start.
# long: 5400
. "$(dirname "$0")/../tree/lib.sh"

# tests/tools/35-cloud-init.sh has the same disk read by cloud-init's modules, with more inputs and within seconds.
disk=$("$LAB/build-debian")
host_up h1
mount_pool
wait_for "hosts/$(first hosts)/status" Connected 20
offering=$(create instance-offerings '{"params":{"name":"debian","cpuNum":2,"memorySize":"768M"}}')
image=$(add_image "$disk" qcow2 debian)
l3=$(first l3-networks)
gateway=$(jq -r '.inventories[0].ipRanges[0].gateway' "$MOUNT/l3-networks/inventories")
act "l3-networks/$l3" add-dns dns=9.9.9.9
script=$(printf '#!/bin/sh\necho run >>/root/runs # %s\n' "$(seq 200 | tr '\n' ' ')" | gzip -9n | base64 -w 0)
password="a\"b': {c}"
vm=$(create vm-instances "$(vm_json web "$image" "{\"instanceOfferingUuid\":\"$offering\"}" |
	jq -c --arg data "$script" --arg l3 "$l3" --arg ip "${gateway%.*}.77" --arg password "$password" \
		'.systemTags = ["hostname::0123", "sshkey::ssh-ed25519 AAAA a@b\nssh-rsa BBBB c: #d", "rootPassword::" + $password,
		 "userdata::" + $data, "staticIp::\($l3)::\($ip)"]')")
dir=vm-instances/$vm

# What the guest says of itself once cloud-init has done everything, in one answer: asking costs the guest, too.
cat >tell <<'EOF'
test -e /run/cloud-init/result.json || exit 1
echo "result $(tr -d '\n' </run/cloud-init/result.json)"
echo "hostname $(hostname)"
sed 's/^/key /' /home/debian/.ssh/authorized_keys
echo "password $(sed -n 's/^root:\([^:]*\):.*/\1/p' /etc/shadow)"
echo "runs $(wc -l </root/runs)"
ip -4 -o addr show scope global | awk '{print "address", $4}'
ip -4 route show default | awk '{print "router", $3}'
sed -n 's/^DNS=/dns /p' /run/systemd/network/*.network
echo "host-key $(cat /etc/ssh/ssh_host_ed25519_key.pub)"
EOF
has_told() {
	sleep 5
	guest "$vm" "$(cat tell)" >told
}

# fact NAME: what it has said
fact() {
	sed -n "s/^$1 //p" told
}

# booted LAST-NUMBER-OF-THE-ADDRESS: waits for the guest, in which nothing has failed, and which has its network
booted() {
	wait_until 900 has_told
	assert_eq "$(fact result | jq -c .v1.errors)" '[]' "the errors of cloud-init"
	assert_match "$(fact result | jq -r .v1.datasource)" DataSourceNoCloud
	assert_eq "$(fact hostname)" 0123
	assert_eq "$(fact address)" "${gateway%.*}.$1/24"
	assert_eq "$(fact router | sort -u)" "$gateway" # DHCP may have told it, too
	assert_eq "$(fact dns)" 9.9.9.9
}

step "the first start: name, keys, password, compressed user data, the address"
booted 77
assert_eq "$(fact key)" $'ssh-ed25519 AAAA a@b\nssh-rsa BBBB c: #d'
perl -e 'exit(crypt($ARGV[0], $ARGV[1]) ne $ARGV[1])' "$password" "$(fact password)" ||
	fail "the password of root is another"
assert_eq "$(fact runs)" 1
keys=$(fact host-key)

step "another key and another address: the next start has both"
act "$dir" stop type=grace
wait_for "$dir/state" Stopped 120
act "$dir" '{"setVmSshKey":{"SshKey":"ssh-ed25519 CCCC"}}'
act "$dir" "set-static-ip l3NetworkUuid=$l3 ip=${gateway%.*}.78"
act "$dir" start
booted 78
assert_eq "$(fact key | tail -n 1)" 'ssh-ed25519 CCCC'
assert_eq "$(fact runs)" 2 # another instance, which does once what a new one does
[ "$(fact host-key)" != "$keys" ] || fail "the host keys are those of the instance before"
keys=$(fact host-key)

step "the same data: nothing is done twice"
act "$dir" stop type=grace
wait_for "$dir/state" Stopped 120
act "$dir" start
booted 78
assert_eq "$(fact runs)" 2
assert_eq "$(fact host-key)" "$keys"
