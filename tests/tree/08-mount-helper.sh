#!/bin/bash
# mount(8) and fstab mount a pool: as fuse.poolfs through mount.fuse3, and by the links mount.poolfs and mount.fuse.poolfs.
. "$(dirname "$0")/../tree/lib.sh"

mkdir bin
ln -s "$POOLFS" bin/poolfs
ln -s "$POOLFS" bin/mount.poolfs
mount --bind bin /usr/local/sbin # mount(8) and mount.fuse3 have a PATH of their own
export PATH=$CASE_DIR/bin:$PATH
options=state=$STATE,uri=$URI

# unmounted DEVICE: the pool was mounted as DEVICE and writes; umounts.
unmounted() {
	assert_eq "$(findmnt -rno SOURCE,FSTYPE "$MOUNT")" "$1 fuse.poolfs" "what is mounted"
	echo "renamed $1" >"$MOUNT/zones/$(first zones)/name"
	assert_eq "$(value "zones/$(first zones)/name")" "renamed $1"
	umount_pool
}

step "SOURCE MOUNTPOINT, and the options that only fstab needs"
for source in none poolfs a,b; do
	poolfs "$source" "$MOUNT" -o "$options,defaults,nofail,_netdev,auto,noauto,user,user=me,users,nouser,owner,group,rw"
	unmounted "$source"
done
poolfs "$MOUNT" -o "$options,x-systemd.automount,x-systemd.requires=libvirtd.service,X-mount.mkdir,comment=x,noatime,nosuid,nodev"
unmounted poolfs
poolfs "$MOUNT" -o "$options,fsname=mine,ro,rw"
unmounted mine

step "mount -t fuse.poolfs"
mount -t fuse.poolfs none "$MOUNT" -o "$options,nofail"
unmounted none
mount -t fuse.poolfs poolfs "$MOUNT" -o "$options,_netdev,noauto,users,defaults,x-systemd.idle-timeout=60"
unmounted poolfs
assert_fails "unknown option" mount -t fuse.poolfs none "$MOUNT" -o "$options,frobnicate"
assert_fails "exclude each other" mount -t fuse.poolfs none "$MOUNT" -o "$options,inotify,ro"

step "the older form poolfs#SOURCE"
for source in '' there; do
	mount -t fuse "poolfs#$source" "$MOUNT" -o "$options,_netdev,nofail"
	assert_eq "$(findmnt -rno FSTYPE "$MOUNT")" fuse.poolfs "the type of poolfs#$source"
	umount_pool
done

step "a line of fstab"
cat >fstab <<EOF
vms $MOUNT fuse.poolfs $options,nofail,user,x-systemd.automount 0 0
EOF
mount -T fstab "$MOUNT"
unmounted vms
mount -T fstab -a
unmounted vms
sed -i 's/nofail/nofail,noauto,defaults,_netdev/' fstab
mount -T fstab -a
! mountpoint -q "$MOUNT" || fail "mount -a mounts what is noauto"
sed -i 's/noauto,//' fstab
mount -T fstab -a -O no_netdev
! mountpoint -q "$MOUNT" || fail "what is _netdev is mounted before the network is there"
mount -T fstab -a -O _netdev
unmounted vms

step "options in a file; those of the command line override them"
cat >options.conf <<EOF
# a comment

  state = $STATE
uri=$URI
fsname = a, b
ro
EOF
poolfs -o config=options.conf "$MOUNT"
assert_eq "$(findmnt -rno SOURCE "$MOUNT")" 'a,\x20b' "the name of the file"
assert_eq "$(write_errno "zones/$(first zones)/name" x)" EROFS "writing to a read-only mount"
umount_pool
poolfs none "$MOUNT" -o "rw,fsname=none" --config=options.conf
unmounted none
mount -t fuse.poolfs none "$MOUNT" -o "config=$PWD/options.conf,rw,fsname=none,_netdev,nofail"
unmounted none
# refuses_line LINE SENTENCE
refuses_line() {
	printf '# first\n%s\n' "$1" >bad.conf
	assert_fails "'bad.conf', line 2: $2" poolfs -o "$options,config=bad.conf" "$MOUNT"
}
refuses_line "state =" "'state' has no value"
refuses_line "-f" "'-f' is not the name of an option"
refuses_line "allow other" "'allow other' is not the name of an option"
refuses_line "config = other.conf" "a file of options cannot name another one"
assert_fails "cannot read 'nowhere.conf': No such file" poolfs -o "$options,config=nowhere.conf" "$MOUNT"
echo "frobnicate = 1" >bad.conf
assert_fails "unknown option" poolfs -o "$options,config=bad.conf" "$MOUNT"

step "as the helper of mount(8)"
mount.poolfs none "$MOUNT" -s -n -v -o "rw,$options" -t fuse.poolfs
unmounted none
mount.poolfs none "$MOUNT" -f -o "$options"
! mountpoint -q "$MOUNT" || fail "mount -f mounts"
assert_fails "poolfs --help" mount.poolfs none "$MOUNT" -Q
# mount(8) looks for helpers in /sbin only, which cannot be written in all places: a copy of it, for this case
cp -a /usr/sbin sbin
ln -sf "$POOLFS" sbin/mount.poolfs
ln -sf "$POOLFS" sbin/mount.fuse.poolfs
mount --bind sbin /usr/sbin
mount -t poolfs there "$MOUNT" -o "$options,nofail,x-systemd.automount"
unmounted there
mount -t fuse.poolfs there "$MOUNT" -o "$options,nofail"
unmounted there
umount /usr/sbin

step "what meson installs"
DESTDIR=$CASE_DIR/root meson install -C "$BUILD" --no-rebuild --only-changed >/dev/null
for helper in mount.poolfs mount.fuse.poolfs; do
	assert_eq "$(find root -name $helper -printf '%l')" poolfs "the link $helper"
done
for option in $(poolfs --help | sed -nE 's/^ +-o ([a-z_-]+).*/\1/p' | grep -vx config); do
	grep -qE "^#?$option( =|$)" "$TOP/services/poolfs.conf" ||
		fail "the option $option is not in the file of options"
done
