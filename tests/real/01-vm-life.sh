#!/bin/bash
# The whole life of a VM on real QEMU, with a guest that really boots and answers.
# limit: 600
. "$(dirname "$0")/../tree/lib.sh"

media=$(tiny_guest)
host_up h1
mount_pool
wait_for "hosts/$(first hosts)/status" Connected 20
small=$(create instance-offerings '{"params":{"name":"tiny","cpuNum":1,"memorySize":134217728}}')
tiny='{"instanceOfferingUuid":"'$small'"}'

step "an image with a real format and size"
image=$(add_image "$media/tiny.qcow2" qcow2 tiny)
assert_eq "$(value "images/$image/status")" Ready
assert_eq "$(value "images/$image/format")" qcow2
assert_eq "$(value "images/$image/size")" "$(qemu-img info --output json "$media/tiny.qcow2" | jq '."virtual-size"')"
assert_eq "$(value "images/$image/actualSize")" "$(stat -c %s "$media/tiny.qcow2")"

step "create, and the guest boots and answers"
vm=$(create_vm web "$image" "$tiny")
dir=vm-instances/$vm
assert_eq "$(value "$dir/state")" Running
assert_eq "$(on_host domstate "$vm")" running
wait_serial "$vm" "TINY ready" 60
wait_until 20 agent_ping "$vm"
assert_match "$(guest "$vm" cat /proc/meminfo)" 'MemTotal: +([89][0-9]{4}|1[0-2][0-9]{4}) kB' "the guest's memory"

step "it has the address and the MAC that the tree shows"
nic=$(value "$dir/inventory" | jq -r '.vmNics[0].uuid')
ip=$(value "$dir/nics/$nic/ip")
wait_serial "$vm" "NIC eth0 $(value "$dir/nics/$nic/mac")" 5
wait_serial "$vm" "NET eth0 $ip/" 20

step "its console asks for a password"
console=$(value "$dir/console-addresses")
assert_eq "$(jq -r .protocol <<<"$console")" vnc
assert_eq "$("$LAB/vnc-auth" "$(jq -r .port <<<"$console")")" password

step "screen.png shows its screen, serial.log what it writes"
cp "$MOUNT/$dir/console/screen.png" screen.png
/usr/bin/python3 - <<'END'
import struct
import zlib

with open('screen.png', 'rb') as f:
    png = f.read()
assert png.startswith(b'\x89PNG\r\n\x1a\n')
width, height = struct.unpack('>II', png[16:24])
assert width >= 640 and height >= 400, (width, height)
points, at = b'', 8
while at < len(png):
    length, kind = struct.unpack('>I4s', png[at:at + 8])
    points += png[at + 8:at + 8 + length] if kind == b'IDAT' else b''
    at += 12 + length
points = zlib.decompress(points)
assert len(points) == (3 * width + 1) * height and len(set(points)) > 1, 'the screen is empty'
END
size=$(stat -c %s "$(serial_log "$vm")")
head -c "$size" "$MOUNT/$dir/console/serial.log" | cmp - <(head -c "$size" "$(serial_log "$vm")")
grep -qa "TINY ready" "$MOUNT/$dir/console/serial.log"

step "what it uses is counted"
stats=$MOUNT/$dir/stats
echo 1 >"$MOUNT/global-configurations/statistics/maxAge/value"
cpu=$(cat "$stats/cpuSeconds") written=$(cat "$stats/diskWrittenBytes") sent=$(cat "$stats/networkSentBytes")
guest "$vm" 'dd if=/dev/zero of=/root/written bs=1M count=4 2>/dev/null; sync; rm /root/written; ping -c 1 -W 1 10.255.255.1 || true' >/dev/null
# is_counted: have 4 MiB been written, and CPU time and network traffic been seen?
is_counted() {
	[ "$(cat "$stats/diskWrittenBytes")" -ge $((written + 4194304)) ] && [ "$(cat "$stats/networkSentBytes")" -gt "$sent" ] &&
		awk -v before="$cpu" '{ exit !($1 > before) }' "$stats/cpuSeconds"
}
wait_until 20 is_counted
[ "$(cat "$stats/diskWrites")" -gt 0 ] || fail "no writes on the disk"
[ "$(cat "$stats/diskReads")" -gt 0 ] || fail "no reads on the disk"
[ "$(cat "$stats/memoryBytes")" -gt 10000000 ] || fail "the VM takes no memory"
awk '{ exit !($1 > 0) }' "$MOUNT/hosts/$(first hosts)/stats/cpuSeconds" || fail "the host's CPUs were never busy"
[ "$(cat "$MOUNT/hosts/$(first hosts)/stats/memoryBytes")" -gt 10000000 ] || fail "the host uses no memory"
grep -q "^poolfs_vm_disk_written_bytes_total{uuid=\"$vm\",name=\"web\"} [1-9]" "$MOUNT/metrics" || fail "metrics has no written bytes"

step "pause stops the guest"
act "$dir" pause
assert_eq "$(on_host domstate "$vm")" paused
agent_ping "$vm" && fail "a paused guest answers"
act "$dir" resume
wait_until 10 agent_ping "$vm"

step "stop asks the guest, start boots it with the data it wrote"
guest "$vm" 'echo kept >/root/file; sync'
act "$dir" stop
assert_eq "$(value "$dir/state")" Stopped
wait_serial "$vm" "ACPI power button|shutdown -" 1
assert_eq "$(on_host list --name)" "" "what runs on the host"
act "$dir" start
wait_serial "$vm" "STATE /dev/vda2 first=0 boots=2" 60
wait_until 20 agent_ping "$vm"
assert_eq "$(guest "$vm" cat /root/file)" kept

step "reboot boots it again"
act "$dir" reboot
assert_eq "$(value "$dir/state")" Running
wait_serial "$vm" "STATE /dev/vda2 first=0 boots=3" 60

step "cold stop does not ask the guest"
wait_until 40 agent_ping "$vm"
asked=$(serial_count "$vm" "ACPI power button|shutdown -")
act "$dir" stop type=cold
assert_eq "$(serial_count "$vm" "ACPI power button|shutdown -")" "$asked" "how often the guest was asked"

step "a guest that is still booting is asked again until it reacts"
asked=$(serial_count "$vm" "shutdown -")
act "$dir" start
start=${EPOCHREALTIME/./}
job=$(submit "$dir/actions" stop)
job_wait "$job" 90
assert_eq "$(value "$dir/state")" Stopped
# A guest that needs more than the 60 s of a stop to boot loses its power.
[ $((${EPOCHREALTIME/./} - start)) -ge 60000000 ] || wait_serial "$vm" "shutdown -" 5 $((asked + 1))

step "a host name, a user-data script and a fixed MAC reach the guest"
script=$(base64 -w 0 <<<$'#!/bin/sh\nhostname | sed "s/^/MARK /"')
seeded=$(create vm-instances "$(vm_json seeded "$image" "$tiny" | jq -c --arg l3 "$(first l3-networks)" --arg script "$script" \
	'. + {systemTags: ["hostname::seeded-guest", "userdata::\($script)", "customMac::\($l3)::fa:12:34:56:78:00"]}')")
wait_serial "$seeded" "CONFIGDRIVE /dev/sr" 60
wait_serial "$seeded" "MARK seeded-guest" 20
wait_serial "$seeded" "NIC eth0 fa:12:34:56:78:00" 5
act "vm-instances/$seeded" destroy

step "a CD-ROM image boots beside an empty disk"
iso=$(add_image "$media/tiny.iso" iso cd)
assert_eq "$(value "images/$iso/mediaType")" ISO
assert_refused vm-instances/create "$(vm_json cd "$iso" "$tiny")" EINVAL rootDiskOfferingUuid
disk=$(create disk-offerings '{"params":{"name":"64M","diskSize":67108864}}')
cd=$(create_vm cd "$iso" "$(jq -c --arg disk "$disk" '. + {rootDiskOfferingUuid: $disk}' <<<"$tiny")")
wait_serial "$cd" "TINY ready" 60
act "vm-instances/$cd" destroy

step "destroy, recover, start; nothing is left after expunge"
act "$dir" destroy
assert_eq "$(value "$dir/state")" Destroyed
act "$dir" recover
act "$dir" start
wait_serial "$vm" "boots=4" 60
volume=$(value "$dir/rootVolumeUuid")
act "$dir" destroy
act "$dir" expunge
[ ! -e "$MOUNT/$dir" ] || fail "the VM is still there"
assert_eq "$(on_host list --all --name | grep -c "$vm" || true)" 0 "the number of its domains"
assert_eq "$(find "$STATE" -name "*$volume*")" "" "files of its root volume"
