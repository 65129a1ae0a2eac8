#!/bin/bash
# Two real hosts that share a storage, of which one goes silent in every way: a guest is never started while it may
# still run elsewhere, and is back as soon as it is known to be dead.
# limit: 900
. "$(dirname "$0")/../tree/lib.sh"
# shellcheck source=tests/real/two-hosts.sh
. "$TOP/tests/real/two-hosts.sh"

mkdir shared
two_hosts
guest_on_one ha::OnHostFailure hostname::web

"$LAB/copies" "$CASE_DIR/twice" one two &
watcher=$!
# never_twice: the guest has had one process at a time, and the watcher has seen it all.
never_twice() {
	kill -0 $watcher
	assert_eq "$(cat "$CASE_DIR/twice")" "" "what ran twice"
}
# leased NAME: what DHCP on that host offers the guest now
leased() {
	in_guest "$1" "printf '#!/bin/sh\n[ \$1 = bound ] && env\n' >/tmp/show; chmod +x /tmp/show
		udhcpc -f -q -n -i eth0 -s /tmp/show 2>/dev/null | grep -E '^(ip|router|dns|hostname)=' | sort | paste -sd' '"
}
l3=$(first l3-networks)
nic=$(jq -c '.vmNics[0]' "$MOUNT/$dir/inventory")
wanted="dns=$(jq -r .gateway <<<"$nic") hostname=web ip=$(jq -r .ip <<<"$nic") router=$(jq -r .gateway <<<"$nic")"
# hands_out NAME: the MACs that DHCP on that host has an address for
hands_out() {
	virsh -q -c "$(host uri "$1")" net-dumpxml "poolfs-${l3:0:8}" | grep -oP "<host mac='\K[^']*" | paste -sd ' ' || true
}
# is_at HOST same|new: the VM runs on that host (one or two) alone; the guest is the one of before, or was started anew. It
# has its address from there.
is_at() {
	wait_for "$dir/state" Running 120
	assert_eq "$(value "$dir/hostUuid")" "${!1}" "its host"
	assert_eq "$(domains "$1")" "$vm" "the guests on $1"
	boots "$1" "$2"
	never_twice
	assert_eq "$(hands_out "$1")" "$(jq -r .mac <<<"$nic")" "the entries of DHCP on $1"
	assert_eq "$(leased "$1")" "$wanted" "what DHCP on $1 offers"
	assert_match "$(in_guest "$1" ip -4 -o addr show eth0)" " $(jq -r .ip <<<"$nic" | sed 's/\./\\./g')/"
}

step "the network of the host is cut, and nobody can cut its power: the guest runs on, nothing starts"
cable 1 down
wait_for "$dir/state" Unknown 30
wait_until 30 grep -q confirm-dead "$MOUNT/hosts/$one/fenceReason"
sleep 8
assert_eq "$(value "$dir/state") $(value "$dir/hostUuid")" "Unknown $one"
assert_eq "$(domains one) / $(domains two)" "$vm / "
cable 1 up
is_at one same
assert_eq "$(value "hosts/$one/fenceReason")" ""

step "the power of the host fails: when it is back, without the guest, HA starts that again"
host down one
wait_for "$dir/state" Unknown 30
power_on one 1 1
wait_for "hosts/$one/status" Connected 60
wait_for "$dir/state" Running 120
if [ "$(value "$dir/hostUuid")" = "$one" ]; then
	is_at one new
else
	is_at two new
	act "$dir" migrate
	: >"$CASE_DIR/twice"
	is_at one same
fi

step "libvirtd of the host is paused: the host answers, so it is not fenced"
fence_by_power
host killd one STOP
wait_for "$dir/state" Unknown 40
wait_until 30 grep -q 'only its libvirt' "$MOUNT/hosts/$one/fenceReason"
sleep 3
[ ! -e fence.calls ] || fail "the fence command was called: $(cat fence.calls)"
host killd one CONT
is_at one same

step "the network of the host is cut: its power is, too, and then HA starts the guest elsewhere"
cable 1 down
wait_for "$dir/hostUuid" "$two" 60
is_at two new
assert_eq "$(value "hosts/$one/fenceStatus")" Off
assert_eq "$(cut -d' ' -f1 fence.calls | paste -sd ' ')" "status off status"

step "the host comes back: the definition that it has kept goes"
power_on one 1 1
assert_eq "$(domains one --all)" "$vm" "what the host has kept"
cable 1 up
wait_for "hosts/$one/status" Connected 60
assert_eq "$(value "hosts/$one/fenceStatus")" ""
leftover_is_gone() {
	[ -z "$(domains one --all)" ]
}
wait_until 20 leftover_is_gone
assert_eq "$(hands_out one)" "" "the entries of DHCP on the host that the guest has left"
is_at two same

step "a second copy that runs on a host that comes back is destroyed there, not where the VM is"
kill $watcher
wait $watcher 2>/dev/null || true
cable 1 down
wait_for "hosts/$one/status" Disconnected 30
virsh -q -c "$(host uri two)" dumpxml --migratable "$vm" | sed "s|$CASE_DIR/shared/[^']*|$CASE_DIR/second.qcow2|" >second.xml
cp "$(tiny_guest)/tiny.qcow2" second.qcow2
virsh -q -c "$(host uri one)" create second.xml
cable 1 up
wait_for "hosts/$one/status" Connected 60
wait_until 20 leftover_is_gone
assert_eq "$(domains two)" "$vm"
assert_eq "$(value "$dir/state") $(value "$dir/hostUuid")" "Running $two"

step "so is one that somebody starts later"
virsh -q -c "$(host uri one)" create second.xml
wait_until 20 leftover_is_gone
assert_eq "$(value "$dir/state") $(value "$dir/hostUuid") $(domains two)" "Running $two $vm"
