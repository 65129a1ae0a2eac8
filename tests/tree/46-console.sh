#!/bin/bash
# console/screen.png and console/serial.log of a VM: what its screen shows, and what it has written, as it goes on.
. "$(dirname "$0")/../tree/lib.sh"

[ "$(id -u)" = 0 ] || skip "needs root to act as other users"
chmod 755 "$CASE_DIR"
mount_pool -o allow_other
account alice 4001 >/dev/null
account bob 4002 >/dev/null
as() { setpriv --reuid "$1" --regid "$1" --clear-groups "${@:2}"; }
image=$(small_image)
vm=$(create_vm one "$image")
stopped=$(create_vm two "$image" '{"strategy":"CreateStopped"}')
dir=$MOUNT/vm-instances/$vm
log=$STATE/console/$vm.log

step "the directory is not listed, and has both files"
assert_eq "$(find "$dir" -name console)" "" "what listings show of console"
assert_eq "$(ls "$dir/console")" "$(printf 'screen.png\nserial.log')"
assert_fails "No such file" ls "$MOUNT/zones/$(first zones)/console"
assert_fails "No such file" cat "$dir/console/screen"

step "the screen is a PNG, the same for all who look within a second"
cp "$dir/console/screen.png" screen.png
cmp screen.png /usr/share/libvirt/test-screenshot.png
assert_eq "$(stat -c %s "$dir/console/screen.png")" "$(stat -c %s screen.png)" "its size"
assert_fails "Permission denied" bash -c "echo x >'$dir/console/screen.png'"
# At most one picture a second.
begun=$SECONDS
for _ in 1 2 3 4 5 6 7 8 9 10; do
	stat -c %.9Y "$dir/console/screen.png"
done | sort -u >taken
[ "$(wc -l <taken)" -le "$((SECONDS - begun + 2))" ] || fail "$(wc -l <taken) pictures in $((SECONDS - begun)) seconds"

step "a VM that does not run shows nothing, and last-error says why"
assert_fails "Device or resource busy" cat "$MOUNT/vm-instances/$stopped/console/screen.png"
assert_match "$(value last-error)" "'two' is Stopped"
assert_eq "$(stat -c %s "$MOUNT/vm-instances/$stopped/console/screen.png")" 0

step "a VM elsewhere has no log"
assert_fails "not supported" cat "$dir/console/serial.log"
assert_match "$(value last-error)" "'one' is on the host .* only on a host that is this machine"

step "the log is read where it is, from any offset"
printf 'first line\nsecond line\n' >"$log"
assert_eq "$(cat "$dir/console/serial.log")" "$(printf 'first line\nsecond line')"
assert_eq "$(tail -c 12 "$dir/console/serial.log")" "second line"
assert_eq "$(dd if="$dir/console/serial.log" bs=1 skip=6 count=4 status=none)" line
assert_eq "$(stat -c '%s %a' "$dir/console/serial.log")" "23 400"
assert_eq "$(stat -c %Y "$dir/console/serial.log")" "$(stat -c %Y "$log")" "the time of the last line"
cp --sparse=always "$dir/console/serial.log" copy
cmp copy "$log"
printf '\000\377binary' >>"$log"
cmp "$dir/console/serial.log" "$log"

step "both are for the owner of the VM, even when others may see it"
assert_fails "Permission denied" as 4001 cat "$dir/console/serial.log"
chown 4001 "$dir"
assert_eq "$(as 4001 head -n 1 "$dir/console/serial.log")" "first line"
as 4001 cp "$dir/console/screen.png" /dev/null
as 4001 chmod o+r "$dir"
assert_eq "$(as 4002 cat "$dir/name")" one
assert_fails "Permission denied" as 4002 cat "$dir/console/serial.log"
assert_fails "Permission denied" as 4002 cat "$dir/console/screen.png"
assert_eq "$(stat -c '%a %u' "$dir/console/serial.log")" "400 4001"

step "tail -f shows what is added, over the end of the worker, and when the log is begun anew"
tail -s 0.1 -n 0 -f "$dir/console/serial.log" >followed 2>told &
tail=$!
has() { grep -qx "$1" followed; }
# Lines are added until tail has begun to follow.
begins() {
	echo ready >>"$log"
	has ready
}
wait_until 20 begins
echo third >>"$log"
wait_until 20 has third
kill -KILL "$(worker_pid)"
echo fourth >>"$log"
wait_until 20 has fourth
echo anew >"$log"
wait_until 20 has anew
grep -q "file truncated" told || fail "tail was not told that the log is begun anew"
kill $tail
wait $tail || true

step "a log is nothing that a link could replace"
mv "$log" real.log
ln -s /etc/shadow "$log"
assert_fails "symbolic links" cat "$dir/console/serial.log"
rm "$log"
mv real.log "$log"

step "the log goes with its VM"
act "vm-instances/$vm" destroy
act "vm-instances/$vm" expunge
test ! -e "$log"
