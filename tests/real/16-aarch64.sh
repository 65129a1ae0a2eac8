#!/bin/bash
# A guest for ARM processors, as the unit tests have it, starts in QEMU: its firmware finds the disk and what is on it.
# limit: 120
. "$(dirname "$0")/../tree/lib.sh"

host_up one
mkdir -m 755 guest
cat >script.nsh <<'SCRIPT'
echo -on the disk-
SCRIPT
truncate -s 64M esp.raw
mformat -i esp.raw -F ::
mcopy -i esp.raw script.nsh ::startup.nsh
qemu-img convert -O qcow2 esp.raw guest/root.qcow2
chmod 644 guest/root.qcow2
sed -E "s|/pool/root.qcow2|$CASE_DIR/guest/root.qcow2|; s|<boot dev=.*||
	s|<serial type=\"pty\">|<serial type=\"file\"><source path=\"$CASE_DIR/guest/serial\"/>|" \
	"$TOP/tests/data/domain-xml/aarch64.xml" | sed '/<interface/,/<\/interface>/d' >guest.xml
virsh -q -c "$URI" create guest.xml
wait_until 60 grep -aq 'on the disk' guest/serial
virsh -q -c "$URI" dumpxml 0123456789abcdef0123456789abcdef >running.xml
grep -q "<type arch='aarch64' machine='virt-" running.xml || fail "the guest has another machine: $(cat running.xml)"
