#!/bin/bash
# The interface of hypervisor/ works with a real libvirtd with real guests (hv_real.c, hv_here.c).
# limit: 600
. "$(dirname "$0")/../tree/lib.sh"

media=$(tiny_guest)
program=$BUILD/tests/hv/hv_real
export HV_BASE=$CASE_DIR/pools
export HV_IMAGE=$media/tiny.qcow2
HV_IMAGE_SIZE=$(qemu-img info --output=json "$HV_IMAGE" | jq '."virtual-size"')
export HV_IMAGE_SIZE
export HV_DNSMASQ=$HOSTS/h1/lib/dnsmasq
export HV_CONTROL=$TOP/tests/hv/control

step "does KVM work here? The probe's boot sector, without libvirt"
"$program" boot-sector >sector.raw
timeout 10 qemu-system-x86_64 -accel kvm -m 16 -nodefaults -display none -serial file:kvm.log \
	-drive file=sector.raw,format=raw,snapshot=on >qemu.log 2>&1 &
for _ in $(seq 50); do
	if [ -s kvm.log ] || ! kill -0 $! 2>/dev/null; then break; fi
	sleep 0.1
done
export HV_KVM=qemu
! grep -q "poolfs: guest runs" kvm.log 2>/dev/null || HV_KVM=kvm
kill $! 2>/dev/null || true
echo "$HV_KVM"

step "two hosts: one with small file systems, of its own and in common with us, and one that sees this machine's KVM"
export HV_HERE=$CASE_DIR/here
mkdir -p "$HV_BASE/small" "$HV_HERE"/{pool,elsewhere,small}
mount -t tmpfs -o size=6m poolfs-small "$HV_HERE/small"
HV_URI=$(host up h1)
host exec h1 mount -t tmpfs -o size=6m poolfs-small "$HV_BASE/small"
HV_KVM_URI=$(KVM=1 host up h2)
export HV_URI HV_KVM_URI

step "the tests"
"$program"

step "what is done with files that are here"
POOLFS_LIBEXEC=$BUILD "$BUILD/tests/hv/hv_here"
