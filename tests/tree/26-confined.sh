#!/bin/bash
# What the daemon and the programs that it starts on users' images may do: no more than they need.
. "$(dirname "$0")/lib.sh"

box=${BUILD:-$TOP/build}/poolfs-box
sanitized=
! grep -q __asan_init "$box" || sanitized=yes

# faults PID: how often it has got a page of memory.
faults() {
	cut -d ' ' -f 10 "/proc/$1/stat"
}

# status PID-OR-TASK NAME: a line of /proc/<pid>/status.
status() {
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"
}

step "each thread of the daemon has the capabilities that it needs"
mount_pool
pid=$(worker_pid)
needed=$(printf '%016x' $((1 << 1 | 1 << 2 | 1 << 19 | 1 << 21))) # DAC_OVERRIDE, DAC_READ_SEARCH, SYS_PTRACE, SYS_ADMIN
for task in /proc/"$pid"/task/*; do
	task=${task#/proc/}
	assert_eq "$(status "$task" CapEff) $(status "$task" CapPrm) $(status "$task" CapBnd)" "$needed $needed $needed" "the capabilities of $task"
	assert_eq "$(status "$task" NoNewPrivs)" 1 "no_new_privs of $task"
done

step "its memory goes into no core dump, and nobody else's hands"
assert_match "$(cat "/proc/$pid/limits")" 'Max core file size +0 +0 '
assert_eq "$(stat -c %U "/proc/$pid/mem")" root
assert_fails "Permission denied" setpriv --reuid nobody --regid nogroup --clear-groups --no-new-privs cat "/proc/$pid/environ"

step "qemu-nbd reads a disk in the box"
qemu-img create -q -f qcow2 disk.qcow2 32M
qemu-io -f qcow2 -c 'write -P 7 0 32M' disk.qcow2 >/dev/null
vm=$(create_vm web "$(add_image "$CASE_DIR/disk.qcow2" qcow2 disk)" '{"strategy":"CreateStopped"}')
exec 3<"$MOUNT/volumes/$(value "vm-instances/$vm/rootVolumeUuid")/data"
head -c 1 <&3 >/dev/null
nbd=$(pgrep -P "$pid" -x qemu-nbd)
assert_eq "$(status "$nbd" CapEff)" 0000000000000004 "the capabilities of qemu-nbd" # DAC_READ_SEARCH
assert_eq "$(status "$nbd" NoNewPrivs)" 1
[ -n "$sanitized" ] || assert_eq "$(status "$nbd" Seccomp)" 2 "seccomp of qemu-nbd"
assert_match "$(cat "/proc/$nbd/limits")" 'Max file size +0 +0 '

step "it uses its memory again, and does not get each page anew that is read"
head -c 8M <&3 >/dev/null
before=$(faults "$nbd")
assert_eq "$(head -c 20M <&3 | wc -c)" $((20 << 20))
grown=$(($(faults "$nbd") - before))
[ "$grown" -lt $((20 << 20 >> 14)) ] || fail "$grown pages for the $((20 << 20 >> 12)) that were read"
exec 3<&-

step "the box itself: files and memory, but no process, no other program, no network"
"$box" --read-only qemu-img info disk.qcow2 | finds '32 MiB'
"$box" --network qemu-img convert -O raw disk.qcow2 disk.raw
assert_fails "not installed" "$box" no-such-program
! "$box" --read-only dd if=disk.qcow2 of=copy bs=4k count=1 || fail "a file grew"
[ ! -s copy ] || fail "a file grew"
if [ -z "$sanitized" ]; then
	assert_fails "fork" "$box" sh -c 'ls / && true'
	assert_fails "Operation not permitted" "$box" sh -c 'exec /bin/ls /'
	assert_fails "Operation not permitted" "$box" perl -MSocket -e 'socket(S, AF_INET, SOCK_STREAM, 0) or die $!'
	"$box" perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0) or die $!'
	"$box" --network perl -MSocket -e 'socket(S, AF_INET, SOCK_STREAM, 0) or die $!'
fi
assert_fails "Operation not permitted" "$box" chown nobody disk.raw
umount_pool

step "what works for the daemon ends with it"
sh -c '"$1" --parent $$ sleep 60 & echo $! >boxed; wait' sh "$box" &
parent=$!
wait_until 10 test -s boxed
wait_until 10 grep -q sleep "/proc/$(<boxed)/comm"
kill -KILL "$parent"
wait_until 10 test ! -e "/proc/$(<boxed)"
# one that has lost its parent before it could ask for that
assert_fails "No such process" "$box" --parent 1 true
