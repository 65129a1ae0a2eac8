#!/bin/bash
# A file written into images/upload becomes an image when it is closed, whatever writes it; else nothing is left.
# limit: 600
. "$(dirname "$0")/../tree/lib.sh"

upload=$MOUNT/images/upload

# made NAME FILE: the image of that name is complete, Ready, and has the bytes of FILE.
made() {
	assert_eq "$(value "images/by-name/$1/status")" Ready "the status of image '$1'"
	cmp "$MOUNT/images/by-name/$1/data" "$2"
	assert_eq "$(ls -A "$upload")" "" "what is being uploaded"
}

is_listed() {
	[ -e "$upload/$1" ]
}

# gone NAME FILE: soon there is neither the upload FILE nor an image NAME.
gone() {
	wait_until 20 nothing_of "$1"
}
nothing_of() {
	! is_listed "$1.raw" && ! is_listed "$1.qcow2" && [ ! -e "$MOUNT/images/by-name/$1" ] &&
		[ -z "$(find "$(backup_folder)" -name '*.part')" ]
}

# The folder of the first backup storage.
backup_folder() {
	value "backup-storage/$(first backup-storage)/url"
}

# expunge_all: removes all images for good.
expunge_all() {
	local image
	for image in $(uuids images); do
		act "images/$image" delete
		act "images/$image" expunge
	done
	assert_eq "$(find "$(backup_folder)" -type f)" "" "the files of the backup storage"
}

# refuses SENTENCE CMD...: the command fails, and last-error matches.
refuses() {
	local regex=$1 status=0
	shift
	"$@" >refused 2>&1 || status=$?
	[ $status -ne 0 ] || fail "'$*' succeeded"
	assert_match "$(value last-error)" "$regex" "last-error after '$*'"
}

mount_pool
cd "$CASE_DIR"
qemu-img create -q -f qcow2 web.qcow2 64M
qemu-io -c "write -q -P 5 1M 3M" -c "write -q -P 6 40M 1M" web.qcow2
truncate -s 24M disk.raw
head -c 3M /dev/urandom | dd of=disk.raw bs=1M seek=5 conv=notrunc status=none
truncate -s 1M cd.iso
printf '\1CD001\1' | dd of=cd.iso bs=1 seek=32768 conv=notrunc status=none
sum=$(md5sum <web.qcow2 | cut -d' ' -f1)

step "cp, and everything that AddImage sets of an image"
cp web.qcow2 "$upload/"
made web web.qcow2
image=$(value images/by-name/web/uuid)
assert_eq "$(value last-error)" ok
assert_eq "$(value "images/$image/format") $(value "images/$image/mediaType") $(value "images/$image/platform")" \
	"qcow2 RootVolumeTemplate Linux"
assert_eq "$(value "images/$image/size")" $((64 << 20))
assert_eq "$(value "images/$image/actualSize")" "$(stat -c %s web.qcow2)"
assert_eq "$(value "images/$image/md5Sum")" "$sum"
assert_eq "$(value "images/$image/url")" upload://web.qcow2
assert_eq "$(jq -r '.backupStorageRefs[0].installPath' "$MOUNT/images/$image/inventory")" "$(backup_folder)/$image.qcow2"
cp disk.raw "$upload/plain.img"
made plain disk.raw
assert_eq "$(value images/by-name/plain/format)" raw
cp cd.iso "$upload/cd.ISO"
made cd cd.iso
assert_eq "$(value images/by-name/cd/format) $(value images/by-name/cd/mediaType)" "iso ISO"
vm=$(create_vm web "$image")
assert_eq "$(value "vm-instances/$vm/state")" Running

step "every tool"
cp --sparse=always disk.raw "$upload/sparse.raw"
made sparse disk.raw
cp -a web.qcow2 "$upload/archive.qcow2"
made archive web.qcow2
curl -sS -o "$upload/curl.qcow2" "file://$PWD/web.qcow2"
made curl web.qcow2
dd if=disk.raw of="$upload/dd.raw" bs=64k status=none
made dd disk.raw
dd if=disk.raw of="$upload/seek.raw" bs=1M skip=5 seek=5 conv=notrunc status=none
cmp -n 8M "$MOUNT/images/by-name/seek/data" disk.raw
dd if=disk.raw of="$upload/dd-sparse.raw" bs=64k conv=sparse,fsync status=none
made dd-sparse disk.raw
dd if=disk.raw of="$upload/one.raw" bs=512 count=9000 oflag=append conv=notrunc status=none
cmp "$MOUNT/images/by-name/one/data" <(head -c $((512 * 9000)) disk.raw)
cat web.qcow2 >"$upload/redirected.qcow2"
made redirected web.qcow2
gzip -kc disk.raw | gunzip -c >"$upload/unpacked.raw"
wait_for images/by-name/unpacked/status Ready 5
made unpacked disk.raw
tar -C "$CASE_DIR" -cf web.tar web.qcow2
tar -C "$upload" -xf web.tar --transform s/web/tar/
made tar web.qcow2
rsync -a web.qcow2 "$upload/rsync.qcow2"
made rsync web.qcow2
rsync -a --inplace disk.raw "$upload/inplace.raw"
made inplace disk.raw
python3 -c 'import shutil, sys; shutil.copyfile(*sys.argv[1:])' web.qcow2 "$upload/python.qcow2"
made python web.qcow2
fallocate -l 4M "$upload/.room" # a temporary name: closing it makes nothing
dd if=disk.raw of="$upload/.room" bs=1M count=4 conv=notrunc status=none
mv "$upload/.room" "$upload/allocated.raw"
cmp "$MOUNT/images/by-name/allocated/data" <(head -c 4M disk.raw)
qemu-img convert -O qcow2 web.qcow2 "$upload/.converted"
assert_eq "$(ls -A "$upload")" .converted
mv "$upload/.converted" "$upload/converted.qcow2"
assert_eq "$(value images/by-name/converted/status)" Ready
qemu-img compare -q "$MOUNT/images/by-name/converted/data" web.qcow2
expected=$(md5sum <"$MOUNT/images/by-name/converted/data" | cut -d' ' -f1)
assert_eq "$(value images/by-name/converted/md5Sum)" "$expected" "the sum of what was not written in order"

step "holes stay holes, also of a disk that is larger than the storage"
truncate -s 4T large.raw
printf 'far away' | dd of=large.raw bs=1M seek=4000000 conv=notrunc status=none
cp --sparse=always large.raw "$upload/"
assert_eq "$(value images/by-name/large/status) $(value images/by-name/large/size)" "Ready $((4 << 40))"
file=$(jq -r '.backupStorageRefs[0].installPath' "$MOUNT/images/by-name/large/inventory")
[ "$(stat -c %b "$file")" -lt 1024 ] || fail "the holes became zeros"
far=$(dd if="$MOUNT/images/by-name/large/data" bs=1M skip=$((4000000 << 20)) count=8 iflag=skip_bytes,count_bytes status=none)
assert_eq "$far" "far away"
file=$(jq -r '.backupStorageRefs[0].installPath' "$MOUNT/images/by-name/sparse/inventory")
[ "$(stat -c %b "$file")" -lt $((4 << 11)) ] || fail "the holes of disk.raw became zeros"

step "a file that is open more than once is complete when the program that opened it closes it"
{
	head -c 10M disk.raw
	cp "$MOUNT/images/by-name/two/status" between
	tail -c +$((1 + (10 << 20))) disk.raw
} >"$upload/two.raw"
assert_eq "$(cat between)" Downloading "the status of half an upload"
made two disk.raw
exec 3>"$upload/again.raw"
for _ in 1 2; do
	head -c 1M disk.raw >&3
	assert_eq "$(value images/by-name/again/status)" Downloading
done
exec 3>&-
made again <(head -c 1M disk.raw && head -c 1M disk.raw)

step "who goes on with the descriptor after that, makes it unready until it is closed again"
python3 - "$upload/on.raw" "$MOUNT/images/by-name/on/status" <<'EOF'
import os, sys
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT, 0o600)
go, closed = os.pipe()
if os.fork() == 0:
    os.read(go, 1)
    os.write(fd, b'\2' * (1 << 20))
    assert open(sys.argv[2]).read() == 'Downloading\n'
    os.close(fd)
    assert open(sys.argv[2]).read() == 'Ready\n'
    os._exit(0)
os.write(fd, b'\1' * (1 << 20))
os.close(fd)
assert open(sys.argv[2]).read() == 'Ready\n'
os.write(closed, b'x')
sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
EOF
cmp "$MOUNT/images/by-name/on/data" <(head -c 1M /dev/zero | tr '\0' '\1' && head -c 1M /dev/zero | tr '\0' '\2')

step "a program closes it before its child has written anything"
python3 - "$upload/child.raw" <<'EOF'
import subprocess, sys
with open(sys.argv[1], 'wb') as f:
    child = subprocess.Popen('sleep 0.3; head -c 1M disk.raw', shell=True, stdout=f)
sys.exit(child.wait())
EOF
wait_for images/by-name/child/status Ready 10
made child <(head -c 1M disk.raw)

step "while it is written it is listed, with its size, and belongs to one writer"
mkfifo pipe
dd of="$upload/slow.raw" bs=64k iflag=fullblock status=none <pipe &
writer=$!
exec 4>pipe
head -c 1M disk.raw >&4
has_a_mebibyte() { [ "$(stat -c %s "$upload/slow.raw")" = 1048576 ]; }
wait_until 20 has_a_mebibyte
assert_eq "$(ls -A "$upload")" slow.raw
assert_eq "$(value images/by-name/slow/status)" Downloading
assert_fails "busy" cp disk.raw "$upload/slow.raw"
sync "$upload/slow.raw"
exec 4>&-
wait $writer
made slow <(head -c 1M disk.raw)

step "an image in use is not changed any more, by who still has the descriptor"
mkfifo go
exec 3>"$upload/used.raw"
head -c 1M disk.raw >&3
(read -r _ <go && dd if=disk.raw bs=1M count=1 status=none >&3) 2>late &
late=$!
exec 3>&-
user=$(create_vm user "$(value images/by-name/used/uuid)")
echo >go
! wait $late || fail "a write to an image in use succeeds"
assert_match "$(cat late)" "busy"
assert_match "$(value last-error)" "in use already and cannot be written any more"
assert_eq "$(value images/by-name/used/status)" Ready
assert_eq "$(value "vm-instances/$user/state")" Running

step "an empty file makes no image, and rm ends an upload"
touch "$upload/touched.raw"
gone touched
: >"$upload/empty.qcow2"
gone empty
exec 3>"$upload/removed.raw"
rm "$upload/removed.raw"
assert_eq "$(ls -A "$upload")" ""
(printf 'more' >&3) 2>/dev/null && fail "a removed upload takes bytes"
exec 3>&-
gone removed

step "refused at once: names"
refuses "must end with .qcow2, .raw, .img or .iso" cp web.qcow2 "$upload/web.vmdk"
refuses "must end with" cp web.qcow2 "$upload/web"
refuses "not UTF-8" cp web.qcow2 "$upload/"$'\xff'.qcow2
assert_fails "not permitted" mkdir "$upload/d.raw"
assert_fails "not permitted" ln -s x "$upload/l.raw"

step "refused in the write: the content is not what the name says"
before=$(uuids images)
refuses "says that the file is 'raw', but the content is 'qcow2'" cp web.qcow2 "$upload/bad.raw"
gone bad
refuses "says that the file is 'qcow2', but the content is 'raw'" cp disk.raw "$upload/bad.qcow2"
refuses "says that the file is 'iso', but the content is 'raw'" cp disk.raw "$upload/bad.iso"
refuses "says that the file is 'raw', but the content is 'iso'" cp cd.iso "$upload/bad.img"
refuses "says that the file is 'iso', but the content is 'qcow2'" dd if=web.qcow2 of="$upload/bad.iso" bs=512 status=none
qemu-img create -q -f vmdk disk.vmdk 1M
refuses "'vmdk' is not supported" cp disk.vmdk "$upload/bad.raw"
qemu-img create -q -f qcow2 -b disk.raw -F raw backed.qcow2
refuses "backing file" cp backed.qcow2 "$upload/bad.qcow2"
gzip -kf disk.raw
refuses "'gzip' is not supported" curl -sS -o "$upload/bad.img" "file://$PWD/disk.raw.gz"
cat web.qcow2 2>refused >"$upload/bad.raw" && fail "a shell did not see the refusal"
assert_match "$(cat refused)" "Invalid argument"
gone bad

step "the end of a refused upload's job, whenever that is, does not hide why a later request was refused"
python3 - "$upload/late.iso" "$PWD/disk.raw" "$MOUNT/zones/create" <<'END'
import os
import socket
import sys

fd = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
ours, theirs = socket.socketpair()
socket.send_fds(ours, [b"x"], [fd])
create = os.open(sys.argv[3], os.O_WRONLY)
disk = open(sys.argv[2], "rb").read(1 << 20)
# The file is open as long as it is on its way through the socket; then it is released, without another close(2).
for call, args in (os.write, (fd, disk)), (os.close, (fd,)), (os.write, (create, b"fly\n")):
    try:
        call(*args)
        sys.exit(f"{call.__name__} succeeded")
    except OSError:
        pass
ours.close()
theirs.close()
END
gone late
assert_match "$(value last-error)" "fly" "last-error after the end of the upload"

step "refused at the close, which cp, dd and curl see"
head -c 3M web.qcow2 >cut.qcow2
refuses "truncated" cp cut.qcow2 "$upload/bad.qcow2"
gone bad
refuses "truncated" dd if=cut.qcow2 of="$upload/bad.qcow2" bs=1M status=none
refuses "truncated" curl -sS -o "$upload/bad.qcow2" "file://$PWD/cut.qcow2"
truncate -s 1M tiny.iso
refuses "'iso', but the content is 'raw'" cp --sparse=always tiny.iso "$upload/bad.iso"
refuses "truncated" rsync -a cut.qcow2 "$upload/bad.qcow2"
gone bad
assert_eq "$(ls -A "$upload")" "" "what a refused rsync leaves"
assert_eq "$(uuids images)" "$before" "the images"

step "a killed writer leaves nothing"
for signal in KILL TERM INT; do
	(exec dd if=/dev/zero of="$upload/killed.raw" bs=1M status=none) &
	writer=$!
	wait_until 20 is_listed killed.raw
	wait_until 20 test -s "$upload/killed.raw"
	kill -$signal "$writer"
	[ "$signal" != INT ] || kill -TERM "$writer" # a shell's background jobs ignore the interrupt
	wait "$writer" || true
	gone killed
	assert_match "$(value last-error)" "the program that wrote 'killed.raw' was killed|was interrupted"
done

step "its job can be cancelled"
exec 3>"$upload/cancelled.raw"
job=$(basename "$(grep -l '"name":"cancelled"\|"name": "cancelled"' "$MOUNT"/api-jobs/*/request | xargs dirname)")
echo cancel >"$MOUNT/api-jobs/$job/actions"
wait_for "api-jobs/$job/state" Cancelled 10
(printf 'more' >&3) 2>/dev/null && fail "a cancelled upload takes bytes"
exec 3>&-
gone cancelled

step "users without permission"
chmod 755 "$CASE_DIR"
umount_pool
mount_pool -o allow_other
as_user() {
	setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
}
assert_fails "denied" as_user cp /etc/passwd "$upload/user.raw"
exec 3>"$upload/root.raw"
assert_fails "denied" as_user ls "$upload"
assert_fails "denied" as_user cat "$upload/root.raw"
assert_fails "denied" as_user rm -f "$upload/root.raw"
exec 3>&-
gone root

step "no room: refused before the first byte, or when it runs out"
act "vm-instances/$vm" destroy
expunge_all
mkdir tiny
mount -t tmpfs -o size=8M tmpfs tiny
full=$(create backup-storage/sftp "$(jq -nc --arg url "$CASE_DIR/tiny" '{params: {name: "tiny", url: $url}}')")
first_storage=$(uuids backup-storage | grep -v "$full")
act "backup-storage/$first_storage" change-state stateEvent=disable
refuses "bytes left of which 1073741824 are reserved" cp disk.raw "$upload/full.raw"
echo 1M >"$MOUNT/global-configurations/backupStorage/reservedCapacity/value"
head -c 9M /dev/urandom >nine.raw
is_tiny_empty() { [ -z "$(ls tiny)" ]; }
assert_fails "No space left" cp nine.raw "$upload/full.raw"
assert_match "$(value last-error)" "the image needs more"
wait_until 10 is_tiny_empty
assert_fails "No space left" dd if=nine.raw of="$upload/full.raw" bs=64k status=none
wait_until 10 is_tiny_empty
cp --sparse=always disk.raw "$upload/fits.raw"
made fits disk.raw
act "images/$(value images/by-name/fits/uuid)" delete
act "images/$(value images/by-name/fits/uuid)" expunge
act "backup-storage/$full" change-state stateEvent=disable
refuses "no backup storage that is Enabled and Connected" cp disk.raw "$upload/nowhere.raw"
act "backup-storage/$first_storage" change-state stateEvent=enable
act "backup-storage/$full" delete

step "the end of the mount ends an upload"
exec 3>"$upload/unmounted.raw"
umount -l "$MOUNT"
exec 3>&-
wait_until 20 is_pool_gone
mount_pool
gone unmounted

# die: kills the daemon, and mounts the pool again.
die() {
	local pids
	mapfile -t pids < <(pool_pids)
	[ ${#pids[@]} -eq 0 ] || kill -KILL "${pids[@]}"
	revive
}
revive() {
	wait_until 20 is_pool_gone
	umount -l "$MOUNT"
	mount_pool
}

step "kill -9 of the daemon in the middle of an upload, and after the close"
(exec dd if=/dev/zero of="$upload/middle.raw" bs=1M status=none) &
writer=$!
wait_until 20 test -s "$upload/middle.raw"
die
wait $writer || true
wait_until 20 no_job_runs
assert_eq "$(uuids images)" "" "the images after a kill in the middle"
assert_eq "$(find "$(backup_folder)" -type f)" "" "the files after a kill in the middle"
exec 3>"$upload/kept.raw"
cat disk.raw >&3
sleep 1000 &
holder=$!
exec 3>&-
die # closed by the shell, but still open there
kill $holder
wait_until 20 no_job_runs
made kept disk.raw
cp web.qcow2 "$upload/after.qcow2"
die
made after web.qcow2

step "killed at each step"
for point in upload-begun upload-published upload-ready; do
	expunge_all
	umount_pool
	POOLFS_TEST_KILL_AT=$point mount_pool
	cp web.qcow2 "$upload/point.qcow2" 2>/dev/null && fail "cp succeeded though the daemon died at $point"
	revive
	wait_until 20 no_job_runs
	if [ $point = upload-ready ]; then
		made point web.qcow2
	else
		assert_eq "$(uuids images)" "" "the images after a kill at $point"
		assert_eq "$(find "$(backup_folder)" -type f)" "" "the files after a kill at $point"
	fi
done
expunge_all

step "read-only"
umount_pool
mount_pool -o ro
assert_fails "Read-only" cp web.qcow2 "$upload/web.qcow2"
