#!/bin/bash
# The network of a host is cut while a guest leaves it, and the shared storage stands still during migration and HA: the
# guest never runs on two hosts, and ends on one of them.
# limit: 600
. "$(dirname "$0")/../tree/lib.sh"
# shellcheck source=tests/real/two-hosts.sh
. "$TOP/tests/real/two-hosts.sh"

# A file system of its own, which can be frozen; the hosts see it since it is mounted before they are up. While it is
# frozen no process can end that writes to it, so it never stays so.
mkdir shared
truncate -s 2G disk
mkfs.ext4 -q -m 0 -E nodiscard disk
mount -o loop disk shared
thaw_and_exit() {
	local status=$?
	trap - ERR
	set +e
	fsfreeze -u shared 2>/dev/null
	(exit $status)
	at_exit
}
trap thaw_and_exit EXIT
two_hosts
guest_on_one ha::OnHostFailure

"$LAB/running-twice" "$CASE_DIR/twice" "$(host uri one)" "$(host uri two)" &
watcher=$!
is_alone() {
	[ "$(domains "$1") / $(domains "$2")" = "$vm / " ]
}
# is_at HOST same|new: the VM runs there alone; the guest is the one of before, or was started anew.
is_at() {
	local other=one
	[ "$1" != one ] || other=two
	wait_for "$dir/state" Running 60
	assert_eq "$(value "$dir/hostUuid")" "${!1}" "its host"
	# a guest that was expected, and never ran, goes when its libvirtd misses the other
	wait_until 90 is_alone "$1" "$other"
	boots "$1" "$2"
	kill -0 $watcher
	assert_eq "$(sort -u "$CASE_DIR/twice")" ok "what ran twice"
}
# is_where_it_says same: the same, wherever the tree says that it is
is_where_it_says() {
	wait_for "$dir/state" Running 60
	if [ "$(value "$dir/hostUuid")" = "$one" ]; then is_at one "$1"; else is_at two "$1"; fi
}
# on_its_way NAME: is the domain just being migrated from there?
on_its_way() {
	virsh -q -c "$(host uri "$1")" domjobinfo "$vm" | finds -E '^Job type: +(Unb|B)ounded'
}
# begin_slowly: the guest begins to leave host one, for longer than this case takes
begin_slowly() {
	virsh -q -c "$(host uri one)" migrate-setspeed "$vm" 1
	job=$(submit "$dir/actions" "migrate hostUuid=$two")
	wait_until 40 on_its_way one
}

step "the network of the host that the guest is leaving is cut for a while"
begin_slowly
cable 1 down
wait_for "hosts/$one/status" Disconnected 60
sleep 3
cable 1 up
wait_for "hosts/$one/status" Connected 60
virsh -q -c "$(host uri one)" migrate-setspeed "$vm" 1000 || true
wait_until 120 is_finished "$job"
is_where_it_says same

step "the storage stands still while the guest moves"
to=$two
[ "$(value "$dir/hostUuid")" = "$one" ] || to=$one
fsfreeze -f shared
job=$(submit "$dir/actions" "migrate hostUuid=$to")
sleep 5
fsfreeze -u shared
wait_until 120 is_finished "$job"
is_where_it_says same

step "it is cut for good in the middle of a migration, and fenced: HA starts the guest on the other host"
[ "$(value "$dir/hostUuid")" = "$one" ] || act "$dir" migrate "hostUuid=$one"
is_at one same
fence_by_power
begin_slowly
cable 1 down
wait_for "hosts/$one/fenceStatus" Off 60
wait_for "$dir/hostUuid" "$two" 60
is_at two new
power_on one 1 1
cable 1 up
wait_for "hosts/$one/status" Connected 60
is_at two same

step "the storage stands still when HA starts the guest, until its former host is back"
touch freeze
cable 2 down
wait_for "hosts/$two/fenceStatus" Off 60
assert_fails "busy" fsfreeze -f shared
rm freeze
sleep 3
power_on two 2 1
cable 2 up
sleep 3
fsfreeze -u shared
is_where_it_says new
