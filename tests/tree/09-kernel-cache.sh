#!/bin/bash
# The kernel answers stat(2) of known files by itself, and never with what was before a change that is done.
# long: 300
. "$(dirname "$0")/../tree/lib.sh"

mount_pool
image=$(small_image)
vm=$(create_vm kept "$image" '{"strategy":"JustCreate"}')
dir=$MOUNT/vm-instances/$vm
pid=$(worker_pid)

step "what is known needs no request: it is answered while the program is stopped"
known=("$MOUNT/vm-instances" "$dir" "$dir/state" "$dir/uuid" "$dir/inventory")
stat -c '%n %s %Y %i %a' "${known[@]}" >/dev/null
stat -c '%n %s %Y %i %a' "${known[@]}" >asked
kill -STOP "$pid"
timeout 60 stat -c '%n %s %Y %i %a' "${known[@]}" >kept || { kill -CONT "$pid"; fail "the kernel asks for what it knows"; }
kill -CONT "$pid"
cmp asked kept

step "a name that is looked up each time comes with its attributes"
requests()
{
	awk '/^syscr:/ { print $2 }' "/proc/$pid/task/$pid/io"
}
before=$(requests)
for _ in $(seq 100); do
	stat -c %s "$dir/name"
done >sizes
assert_eq "$(sort -u sizes)" 5
[ $(($(requests) - before)) -lt 150 ] || fail "stat of a name that is looked up asks twice"

step "after a change, the size is the new one at once"
for text in web web-server-of-the-north-wing w; do
	echo "$text" >"$dir/name"
	sync "$dir/name"
	assert_eq "$(stat -c %s "$dir/name")" $((${#text} + 1))
	assert_eq "$(stat -c %s "$dir/inventory")" "$(wc -c <"$dir/inventory")"
done
before=$(stat -c %s "$dir/state")
act "vm-instances/$vm" start
assert_eq "$(cat "$dir/state") $(stat -c %s "$dir/state")" "Running 8"
assert_eq "$before" 8 # "Created"
act "vm-instances/$vm" destroy
assert_eq "$(stat -c %s "$dir/state")" 10 # "Destroyed"

step "what changes when a worker is killed is told by the next one"
act "vm-instances/$vm" recover
act "vm-instances/$vm" start
stat -c %s "$dir/state" "$dir/hostUuid" "$dir/inventory" "$MOUNT/vm-instances" >before
kill -KILL "$(worker_pid)"
wait_for "vm-instances/$vm/state" Stopped 20 # the simulated host has forgotten it
sync "$dir/actions"
for file in state hostUuid inventory; do
	assert_eq "$(stat -c %s "$dir/$file")" "$(wc -c <"$dir/$file")" "the size of $file"
done
act "vm-instances/$vm" destroy

step "what changed while no worker was there to tell the kernel is not what it kept"
stat -c %s "$dir/name" "$dir/inventory" >/dev/null
supervisor=$(supervisor_pid)
kill -STOP "$supervisor"
kill -KILL "$(worker_pid)"
sqlite3 "$STATE/pool.db" "UPDATE vm SET name = 'longer-than-before-by-far' WHERE uuid = '$vm'"
kill -CONT "$supervisor"
cat "$MOUNT/version" >/dev/null # answered by the next worker
assert_eq "$(stat -c %s "$dir/name")" 26
assert_eq "$(stat -c %s "$dir/inventory")" "$(wc -c <"$dir/inventory")"

step "an object that is gone is gone at once, and its name is free"
(cd "$dir" && stat . >/dev/null)
ls -l "$MOUNT/vm-instances" >/dev/null
act "vm-instances/$vm" expunge
for path in "$dir" "$dir/state" "$dir/inventory"; do
	[ ! -e "$path" ] || fail "there still is '$path'"
done
again=$(create vm-instances "$(vm_json again "$image" '{"strategy":"JustCreate","resourceUuid":"'"$vm"'"}')")
assert_eq "$again" "$vm"
assert_eq "$(cat "$dir/name")" again
assert_eq "$(stat -c %s "$dir/name")" 6

step "the time of a collection is that of its last change"
stat "$MOUNT/zones" >/dev/null
before=$(stat -c %y "$MOUNT/zones")
create zones '{"params":{"name":"north"}}' >/dev/null
[ "$(stat -c %y "$MOUNT/zones")" != "$before" ] || fail "the directory has its old time"

step "readers and writers at once: no reader has an old size after a sync"
"$TOP/tests/tree/sizes-while-changing" "$dir" "$(number 3 60)"
