#!/bin/bash
# The laboratory itself: a host, the tiny guest from disk and from CD-ROM, the loss of libvirtd and of power.
. "$(dirname "$0")/../tree/lib.sh"

# domain NAME DISK-XML: a domain with a serial log and an agent, without poolfs.
domain() {
	cat <<EOF
<domain type='qemu'><name>$1</name><memory unit='MiB'>128</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type><boot dev='hd'/><boot dev='cdrom'/></os>
<features><acpi/><apic/></features>
<devices>$2
<serial type='file'><source path='$STATE/console/$1.log'/></serial>
<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
<graphics type='vnc' autoport='yes' passwd='secret'/>
</devices></domain>
EOF
}

media=$(tiny_guest)
mkdir -p "$STATE/console"
host_up h1

step "nobody but root reaches the private libvirtd, whose clients are root"
socket=$HOSTS/h1/run/libvirt-sock
assert_eq "$(stat -c '%u %a' "$HOSTS/h1")" "0 700" "owner and mode of the host's folder"
assert_eq "$(stat -c '%u %a' "$socket")" "0 700" "owner and mode of the socket"
assert_fails "ermission denied" setpriv --reuid=65534 --regid=65534 --clear-groups virsh -q -c "qemu+unix:///system?socket=$socket" list

step "the disk boots, its agent answers, it keeps its state"
cp "$media/tiny.qcow2" disk.qcow2
on_host define <(domain disk "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='$CASE_DIR/disk.qcow2'/><target dev='vda' bus='virtio'/></disk>")
on_host start disk
wait_serial disk "TINY ready" 60
wait_until 20 agent_ping disk
assert_eq "$(guest disk 'hostname; uname -s')" $'tiny\nLinux'
guest disk 'exit 3' || assert_eq $? 3 "the status of a guest command"

step "the console asks for a VNC password"
port=$(on_host vncdisplay disk)
port=$((5900 + ${port#*:}))
assert_eq "$("$LAB/vnc-auth" $port)" password
assert_eq "$("$LAB/vnc-auth" $port secret)" accepted
assert_eq "$("$LAB/vnc-auth" $port wrong || true)" denied

step "the guest reacts to its power button and boots again"
on_host shutdown disk --mode acpi
is_off() {
	[ "$(on_host domstate disk)" = "shut off" ]
}
wait_until 20 is_off
on_host start disk
wait_serial disk "STATE /dev/vda2 first=0 boots=2" 60

step "a guest that is paused before its agent has told how a command ended"
wait_until 20 agent_ping disk
guest disk 'touch /tmp/begun; sleep 600' 2>said &
asker=$!
wait_until 20 guest disk 'test -e /tmp/begun'
on_host suspend disk
code=0
wait $asker || code=$?
assert_eq "$code" 97 "the status of guest-exec"
assert_match "$(cat said)" "the agent of 'disk' went away before it told how 'touch /tmp/begun; sleep 600' ended"
on_host resume disk
guest_begin disk 'sleep 1; touch /tmp/later; killall qemu-ga'
agent_is_gone() {
	! agent_ping disk
}
wait_until 20 agent_is_gone

step "guests survive the loss of libvirtd, but not of power"
host killd h1
assert_fails "" on_host list
host restart h1
assert_eq "$(on_host domstate disk)" running
pid=$(host exec h1 pgrep -f qemu-system)
host down h1
host_up h1
assert_eq "$(on_host domstate disk)" "shut off"
assert_match "$pid" '^[0-9]+$'

step "libvirtd that crashes is started again, as systemd does it"
host killd h1 SEGV
has_crashed() {
	[ -s "$HOSTS/h1/log/crashes" ] && on_host list
}
wait_until 20 has_crashed

step "the CD-ROM boots"
on_host create <(domain cd "<disk type='file' device='cdrom'><source file='$media/tiny.iso'/><target dev='hda' bus='ide'/><readonly/></disk>")
wait_serial cd "TINY ready" 60
wait_until 20 agent_ping cd
