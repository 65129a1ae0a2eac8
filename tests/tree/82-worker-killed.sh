#!/bin/bash
# Nobody notices that the process that serves the mount is killed: no errno, nothing lost, nothing done twice.
# limit: 300
# long: 3600
. "$(dirname "$0")/../tree/lib.sh"

mount_pool
step "clients of all kinds, while the worker is killed $(number 50 1000) times"
"$TOP/tests/tree/kill-worker" "$MOUNT" "$STATE" "$POOLFS" "$(number 50 1000)" "$(number 45 900)"

step "a group of programs writes an upload, and the worker is killed between them"
head -c 3M /dev/urandom >disk.raw
{
	head -c 1M disk.raw
	kill -KILL "$(worker_pid)"
	head -c 2M disk.raw | tail -c 1M
	cp "$MOUNT/images/by-name/group/status" between
	tail -c 1M disk.raw
} >"$MOUNT/images/upload/group.raw"
assert_eq "$(cat between)" Downloading "the status of half an upload"
assert_eq "$(cat "$MOUNT/images/by-name/group/status")" Ready
cmp "$MOUNT/images/by-name/group/data" disk.raw
rm "$MOUNT/images/upload/group.raw"

step "an upload ends without a close after the kill, since its opener had closed it, and so had its writer"
python3 - "$MOUNT/images/upload/late.raw" "$(worker_pid)" <<'EOF'
import os, signal, socket, subprocess, sys
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
ends = socket.socketpair()
socket.send_fds(ends[0], [b'x'], [fd])  # a descriptor on its way is closed without a close(2)
writer = subprocess.Popen(['sh', '-c', 'read go; exec head -c 1M disk.raw'], stdin=subprocess.PIPE, stdout=fd)
os.close(fd)
writer.communicate(b'go\n')
os.kill(int(sys.argv[2]), signal.SIGKILL)
ends[0].close()
ends[1].close()
EOF
wait_for images/by-name/late/status Ready 20
cmp "$MOUNT/images/by-name/late/data" <(head -c 1M disk.raw)
rm "$MOUNT/images/upload/late.raw"

step "an exported image is read on through a descriptor that the former process opened"
head -c 1M disk.raw >"$MOUNT/images/upload/shown.raw"
act images/by-name/shown export
exec 3<"$MOUNT/sessions/exports/$(jq -r .exportUrl "$MOUNT/images/by-name/shown/inventory" | cut -d/ -f5)"
head -c 1000 <&3 | cmp - <(head -c 1000 disk.raw)
kill -KILL "$(worker_pid)"
cmp <(head -c 1M disk.raw | tail -c +1001) <(cat <&3)
kill -KILL "$(worker_pid)"
act images/by-name/shown delete-export
assert_fails "Stale file handle" cat <&3
exec 3<&-

step "a volume is read on as well, unless it has other bytes now"
offering=$(create disk-offerings '{"params":{"name":"2M","diskSize":2097152}}')
storage=$(first primary-storage)
for name in same changed; do
	volume=$(create volumes '{"params":{"name":"'$name'","diskOfferingUuid":"'"$offering"'","primaryStorageUuid":"'"$storage"'"}}')
	qemu-io -c "write -q -P 7 0 2M" "$(value "volumes/$volume/installPath")"
done
exec 3<"$MOUNT/volumes/by-name/same/data" 4<"$MOUNT/volumes/by-name/changed/data"
head -c 1M <&3 | cmp - <(head -c 1M /dev/zero | tr '\0' '\7')
head -c 1M <&4 >/dev/null
kill -KILL "$(worker_pid)"
qemu-io -c "write -q -P 9 1M 64k" "$(value "volumes/$volume/installPath")"
cmp <(cat <&3) <(head -c 1M /dev/zero | tr '\0' '\7')
assert_fails "Stale file handle" cat <&4
exec 3<"$MOUNT/volumes/by-name/changed/data" 4<&-
head -c 4096 <&3 >/dev/null
qemu-io -c "write -q -P 5 1M 64k" "$(value "volumes/$volume/installPath")" # nor while one process reads it
assert_fails "Stale file handle" cat <&3
exec 3<&-

step "readers in the middle of a long listing go on with what they have opened, though it changes"
for name in one two three four; do
	create zones "{\"name\":\"$name\",\"description\":\"$(printf '%02000d' 0)\"}" >zone
done
cp "$MOUNT/zones/inventories" before
[ "$(stat -c %s before)" -gt 8000 ] || fail "the listing is short"
exec 3<"$MOUNT/zones/inventories" 4<"$MOUNT/zones/inventories"
head -c 512 <&3 >first
head -c 4608 <&4 >second
echo changed >"$MOUNT/zones/$(cat zone)/description"
kill -KILL "$(worker_pid)"
head -c 512 <&3 >>first
kill -KILL "$(worker_pid)"
cat <&3 >>first
cat <&4 >>second
cmp before first
cmp before second
[ "$(jq -r '.inventories[].description // empty' "$MOUNT/zones/inventories" | grep -c changed)" = 1 ] || fail "the change is not there"
exec 3<&- 4<&-

step "the memory of a listing goes with its last reader, also after its worker"
# The bytes of texts beside the log in the file of what is kept.
text_bytes() {
	python3 - "$(worker_pid)" <<'EOF'
import os, sys
folder = f'/proc/{sys.argv[1]}/fd'
fd = next(os.open(f'{folder}/{name}', os.O_RDONLY) for name in os.listdir(folder) if os.readlink(f'{folder}/{name}').startswith('/memfd:poolfs'))
at, used = os.fstat(fd).st_size - (1 << 30), 0
try:
    while True:
        at = os.lseek(fd, at, os.SEEK_DATA)
        end = os.lseek(fd, at, os.SEEK_HOLE)
        used, at = used + end - at, end
except OSError:
    print(used)
EOF
}
for i in {1..6}; do
	create disk-offerings "{\"name\":\"listed $i\",\"diskSize\":1048576,\"description\":\"$(printf '%02000d' 0)\"}" >offering
done
listing=$MOUNT/disk-offerings/inventories
kill -KILL "$(worker_pid)" # and with it the listings that stay for a while
cat "$listing" >before
once=$(text_bytes)
size=$(stat -c %s before)
[ "$once" -ge "$size" ] || fail "$once bytes of texts for a listing of $size"
[ "$once" -lt $((2 * size)) ] || fail "$once bytes of texts for a listing of $size"
for round in 1 2 3; do
	exec 3<"$listing"
	head -c 512 <&3 >first
	echo "changed $round" >"$MOUNT/disk-offerings/$(cat offering)/name"
	head -c 512 "$listing" >/dev/null
	[ "$(text_bytes)" -gt "$once" ] || fail "the reader has no listing of its own"
	kill -KILL "$(worker_pid)"
	cat <&3 >>first
	cmp before first
	exec 3<&-
	cat "$listing" >before
	assert_eq "$(text_bytes)" "$once" "the present listing"
done

step "why a request failed is known after the end of the worker that refused it"
zone=$(first zones)
assert_refused "zones/$zone/actions" "fly" EINVAL
before=$(cat "$MOUNT/last-error" "$MOUNT/zones/$zone/last-error")
kill -KILL "$(worker_pid)"
assert_eq "$(cat "$MOUNT/last-error" "$MOUNT/zones/$zone/last-error")" "$before"
[ "$before" != $'ok\nok' ] || fail "nothing was refused"

assert_eq "$(ls -A "$MOUNT/images/upload")" "" "what is being uploaded"
[ -z "$(find "$STATE" -name '*.part')" ] || fail "a partial file is left"
