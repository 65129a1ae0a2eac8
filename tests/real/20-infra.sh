#!/bin/bash
# limit: 600
# Hosts and networks of a real libvirt follow the changes made in the tree.
. "$(dirname "$0")/../tree/lib.sh"

host_up one
first_uri=$URI
ip netns add two # a network of its own, since both make the same bridges
second_uri=$(NETNS=two host up two)
mount_pool
cluster=$(first clusters)
host=$(first hosts)
net=$(first l3-networks)
bridge=virbr-${net:0:8}

# on URI COMMAND...: virsh there.
on() {
	local uri=$1
	shift
	virsh -q -c "$uri" "$@"
}

# has_network URI: is the L3 network active there?
has_network() {
	on "$1" net-list --name | finds -x "poolfs-${net:0:8}"
}

# has_xml URI REGEX: does the network's definition there match?
has_xml() {
	on "$1" net-dumpxml "poolfs-${net:0:8}" | finds -E "$2"
}

step "the first host gets the networks of its cluster"
wait_for "hosts/$host/status" Connected 20
assert_eq "$(value "clusters/$cluster/hypervisorType")" KVM
wait_until 20 has_network "$first_uri"
has_xml "$first_uri" "bridge name='$bridge'"

step "a second host is added by its URI, and gets them too"
assert_refused hosts/create "name=one uri=$first_uri clusterUuid=$cluster" EEXIST "already"
second=$(add_host two "$second_uri" "$cluster")
assert_eq "$(value "hosts/$second/status")" Connected
wait_until 20 has_network "$second_uri"

step "a host that does not answer is not added"
job=$(submit hosts/create "name=three uri=qemu+unix:///system?socket=$CASE_DIR/nothing clusterUuid=$cluster")
! job_wait "$job" 2>/dev/null || fail "a host without libvirtd was added"
assert_match "$(value "api-jobs/$job/error")" "HOST.1000.*HOST.1003" "the error"
assert_eq "$(uuids hosts | wc -l)" 2 "the number of hosts"

step "changes of a network reach both"
act "l3-networks/$net" add-dns dns=192.0.2.53
for uri in "$first_uri" "$second_uri"; do
	has_xml "$uri" "forwarder addr='192.0.2.53'"
done
echo lab.example.org >"$MOUNT/l3-networks/$net/dnsDomain"
sync "$MOUNT/l3-networks/$net/dnsDomain"
has_xml "$first_uri" "lab.example.org"
act "l3-networks/$net" remove-dns dns=192.0.2.53
! has_xml "$second_uri" "192.0.2.53" || fail "the DNS server is still there"

step "a host is lost, and gets everything it needs when it comes back"
host killd two
wait_for "hosts/$second/status" Disconnected 20
assert_match "$(value "hosts/$second/statusReason")" . "the reason"
assert_refused "hosts/$second/actions" "change-state stateEvent=maintain" EBUSY "which is not Connected"
act "l3-networks/$net" add-dns dns=192.0.2.54
host restart two
act "hosts/$second" reconnect
assert_eq "$(value "hosts/$second/status")$(value "hosts/$second/statusReason")" Connected
wait_until 20 has_xml "$second_uri" "forwarder addr='192.0.2.54'"

step "a removed host keeps nothing of the pool"
act "hosts/$second" delete
assert_eq "$(on "$second_uri" net-list --all --name | grep -c poolfs || true)" 0 "the networks left"
assert_eq "$(on "$second_uri" pool-list --all --name | grep -c poolfs || true)" 0 "the storage pools left"

step "a removed network is removed on the host"
act "l3-networks/$net" delete
! has_network "$first_uri" || fail "the network is still there"
[ ! -e "/sys/class/net/$bridge" ] || fail "the bridge is still there"
