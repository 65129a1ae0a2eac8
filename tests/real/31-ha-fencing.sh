#!/bin/bash
# Two real hosts that share a storage, of which one goes silent in every way: a guest is never started while it may
# still run elsewhere, and is back as soon as it is known to be dead.
# limit: 900
. "$(dirname "$0")/../tree/lib.sh"

setting() {
	echo "$2" >"$MOUNT/global-configurations/${1%%.*}/${1#*.}/value"
}

# power_on NAME NUMBER
power_on() {
	NETNS=poolhost$2 LISTEN=10.99.0.$2 TCP=1 KEEP_CONFIG=${3:-} host up "$1" >/dev/null
}
cable() {
	ip -n poolfab link set "port$1" "$2"
}
# domains NAME [OPTION]: the guests that libvirt has on the host, by its socket, which no cut network affects.
domains() {
	virsh -q -c "$(host uri "$1")" list --name "${@:2}" | paste -sd ' '
}

media=$(tiny_guest)
"$LAB/fabric" up 2
"$LAB/fabric" join
power_on one 1
power_on two 2
URI=qemu+tcp://10.99.0.1/system
mount_pool
one=$(first hosts)
wait_for "hosts/$one/status" Connected 30
cluster=$(first clusters)
mkdir shared
shared=$(create primary-storage/smp "$(jq -nc --arg zone "$(first zones)" --arg url "$CASE_DIR/shared" '{params: {name: "shared", zoneUuid: $zone, url: $url}}')")
act "primary-storage/$shared" attach-to-cluster "clusterUuid=$cluster"
two=$(create hosts "$(jq -nc --arg cluster "$cluster" '{params: {name: "two", uri: "qemu+tcp://10.99.0.2/system", clusterUuid: $cluster}}')")
setting host.ping.interval 1
setting host.ping.maxFailure 1
small=$(create instance-offerings '{"params":{"name":"tiny","cpuNum":1,"memorySize":134217728}}')
image=$(add_image "$media/tiny.qcow2" qcow2 tiny)
vm=$(create vm-instances "$(vm_json web "$image" '{"instanceOfferingUuid":"'"$small"'","hostUuid":"'"$one"'","primaryStorageUuidForRootVolume":"'"$shared"'"}' | jq -c '. + {systemTags: ["ha::OnHostFailure", "hostname::web"]}')")
dir=vm-instances/$vm

# in_guest NAME COMMAND...: runs a command in the guest on that host.
in_guest() {
	"$LAB/guest-exec" "$(host uri "$1")" "$vm" "${@:2}"
}
boot_on() {
	in_guest "$1" cat /proc/sys/kernel/random/boot_id
}
wait_until 120 boot_on one
boot=$(boot_on one)

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
	local now
	wait_for "$dir/state" Running 120
	assert_eq "$(value "$dir/hostUuid")" "${!1}" "its host"
	assert_eq "$(domains "$1")" "$vm" "the guests on $1"
	wait_until 120 boot_on "$1"
	now=$(boot_on "$1")
	case $2 in
	same) assert_eq "$now" "$boot" "the boot of the guest" ;;
	new) [ "$now" != "$boot" ] || fail "the guest was not started anew" ;;
	esac
	boot=$now
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
cat >"$CASE_DIR/fence" <<EOF
#!/bin/bash
# Cuts the power of a host of the lab.
echo "\$*" >>$CASE_DIR/fence.calls
case \$3 in 10.99.0.1) name=one ;; 10.99.0.2) name=two ;; *) exit 1 ;; esac
pid=\$(cat $HOSTS/\$name/init.pid) || exit 2
case \$1 in
off) kill -KILL "\$pid"; for i in {1..100}; do [ -e /proc/\$pid/ns/pid ] || exit 0; sleep 0.1; done; exit 1 ;;
status) readlink -q /proc/\$pid/ns/pid || exit 2 ;;
esac
EOF
chmod 755 "$CASE_DIR" "$CASE_DIR/fence"
act "clusters/$cluster" update "fenceCommand=$CASE_DIR/fence"
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
cp "$media/tiny.qcow2" second.qcow2
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
