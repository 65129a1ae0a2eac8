#!/bin/bash
# The network of a host is cut while a guest leaves it, and the shared storage stands still during migration and HA: the
# guest never runs on two hosts, and ends on one of them.
# limit: 600
. "$(dirname "$0")/../tree/lib.sh"

setting() {
	echo "$2" >"$MOUNT/global-configurations/${1%%.*}/${1#*.}/value"
}

# power_on NAME NUMBER [KEEP]
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
# a file system of its own, which can be frozen; the hosts see it since it is mounted before they are up
mkdir shared
truncate -s 2G disk
mkfs.ext4 -q -m 0 -E nodiscard disk
mount -o loop disk shared
power_on one 1
power_on two 2
URI=qemu+tcp://10.99.0.1/system
mount_pool
one=$(first hosts)
wait_for "hosts/$one/status" Connected 30
cluster=$(first clusters)
shared=$(create primary-storage/smp "$(jq -nc --arg zone "$(first zones)" --arg url "$CASE_DIR/shared/pool" '{params: {name: "shared", zoneUuid: $zone, url: $url}}')")
act "primary-storage/$shared" attach-to-cluster "clusterUuid=$cluster"
two=$(create hosts "$(jq -nc --arg cluster "$cluster" '{params: {name: "two", uri: "qemu+tcp://10.99.0.2/system", clusterUuid: $cluster}}')")
setting host.ping.interval 1
setting host.ping.maxFailure 1
small=$(create instance-offerings '{"params":{"name":"tiny","cpuNum":1,"memorySize":134217728}}')
image=$(add_image "$media/tiny.qcow2" qcow2 tiny)
vm=$(create vm-instances "$(vm_json web "$image" '{"instanceOfferingUuid":"'"$small"'","hostUuid":"'"$one"'","primaryStorageUuidForRootVolume":"'"$shared"'"}' | jq -c '. + {systemTags: ["ha::OnHostFailure"]}')")
dir=vm-instances/$vm

boot_on() {
	"$LAB/guest-exec" "$(host uri "$1")" "$vm" cat /proc/sys/kernel/random/boot_id
}
wait_until 120 boot_on one
boot=$(boot_on one)

"$LAB/running-twice" "$CASE_DIR/twice" "$(host uri one)" "$(host uri two)" &
watcher=$!
is_alone() {
	[ "$(domains "$1") / $(domains "$2")" = "$vm / " ]
}
# is_at HOST same|new: the VM runs there alone; the guest is the one of before, or was started anew.
is_at() {
	local now other=one
	[ "$1" != one ] || other=two
	wait_for "$dir/state" Running 60
	assert_eq "$(value "$dir/hostUuid")" "${!1}" "its host"
	# a guest that was expected, and never ran, goes when its libvirtd misses the other
	wait_until 90 is_alone "$1" "$other"
	wait_until 120 boot_on "$1"
	now=$(boot_on "$1")
	case $2 in
	same) assert_eq "$now" "$boot" "the boot of the guest" ;;
	new) [ "$now" != "$boot" ] || fail "the guest was not started anew" ;;
	esac
	boot=$now
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
cat >"$CASE_DIR/fence" <<EOF
#!/bin/bash
# Cuts the power of a host of the lab.
case \$3 in 10.99.0.1) name=one ;; 10.99.0.2) name=two ;; *) exit 1 ;; esac
pid=\$(cat $HOSTS/\$name/init.pid) || exit 2
case \$1 in
off) kill -KILL "\$pid"; for i in {1..100}; do [ -e /proc/\$pid/ns/pid ] || exit 0; sleep 0.1; done; exit 1 ;;
status) readlink -q /proc/\$pid/ns/pid || exit 2 ;;
esac
EOF
chmod 755 "$CASE_DIR" "$CASE_DIR/fence"
act "clusters/$cluster" update "fenceCommand=$CASE_DIR/fence"
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
fsfreeze -f shared
cable 2 down
wait_for "hosts/$two/fenceStatus" Off 60
sleep 3
power_on two 2 1
cable 2 up
sleep 3
fsfreeze -u shared
is_where_it_says new
