#!/bin/bash
# Odd names, quotes, control characters, slips of people and agents, a full disk, many open files, a mount that is busy.
# limit: 300
. "$(dirname "$0")/lib.sh"

step "a state folder and passwords with quotes: the machine starts, and none is told elsewhere"
mkdir -p "it's \"the\" <state>&%" && STATE=$PWD/"it's \"the\" <state>&%"
tool_vm
vm=vm-instances/${VM##*/}
D=$VM/description
act "$vm" start
act "$vm" stop type=cold
for password in "it's" "x' b='1" 'a"b<c>&d'; do
	echo "{\"setVmConsolePassword\":{\"consolePassword\":$(jq -n --arg p "$password" '$p')}}" >"$VM/actions"
	sync "$VM/actions"
	act "$vm" start
	assert_eq "$(value last-error)" ok
	lacks -F "$password" "$MOUNT"/api-jobs/*/error || fail "a password stands in a job"
	act "$vm" stop type=cold
done

step "control characters are escaped in last-error"
for text in $'\033]0;pwned\007' $'1\r' $'a\tb' $'\x7f'; do
	assert_refused "$vm/cpuNum" "$text" EINVAL
	tr -d '\n' <"$MOUNT/last-error" | LC_ALL=C lacks '[^ -~]' || fail "last-error has a control character: $(od -c "$MOUNT/last-error")"
done

step "slips have a fitting errno and a sentence"
# slip FILE ERRNO REGEX TEXT
slip() {
	assert_refused "$1" "$4" "$2" "$3"
}
slip "$vm/actions" EINVAL . '{"startVmInstance": {},}'
slip "$vm/actions" EINVAL . '{startVmInstance: {}}'
slip "$vm/actions" EINVAL "no verb|frobnicate" frobnicate
slip "$vm/actions" EINVAL . $'startVmInstance:\n  name: x'
slip "$vm/actions" EINVAL . $'\xff\xfes\x00t\x00a\x00r\x00t\x00'
slip "$vm/actions" EINVAL . $'\xef\xbb\xbfstart'
slip "$vm/memorySize" EINVAL "K, M, G or T" 4GB
slip "$vm/cpuNum" EINVAL number 0x10
slip "$vm/spec" EINVAL . 'name: x'
assert_fails "Invalid argument" cat "$MOUNT/vm-instances?q=foo=bar"
assert_match "$(value last-error)" foo
assert_eq "$(value "$vm/state") $(value "$vm/cpuNum")" "Stopped 1"

step "any name is a name: its link leads to the object, in whole characters"
python3 - "$MOUNT" "${VM##*/}" <<'END'
import errno
import os
import sys

mount, uuid = sys.argv[1:]
os.chdir(mount)
file, links = f"vm-instances/{uuid}/name", "vm-instances/by-name"
for name in ["..", ".", "-rf", "a/b", "100%", "a%2Fb", "it's", 'say "hi"', "$(reboot)", "`id`", "a b", "*", "?", "\\", "é" * 255, "漢字" * 60,
             "مرحبا", "\u202eevil", "\ufeffbom", "a\tb", "a\nb", "😀" * 63, "x" * 255, "where", "inventory", "state=Running", "~", "#", "a~2"]:
    try:
        with open(file, "w") as f:
            f.write(name + "\n")
    except OSError as e:
        assert e.errno == errno.EINVAL, (name, e)
        continue
    shown = [link for link in os.listdir(links) if os.path.basename(os.readlink(links + "/" + link)) == uuid]
    assert len(shown) == 1, (name, shown)
    assert os.path.samefile(f"{links}/{shown[0]}", f"vm-instances/{uuid}"), name
    assert open(file).read() == name + "\n", name
    shown[0].encode()  # no half of a character
try:
    with open(file, "wb") as f:
        f.write(b"a\xffb\n")
    sys.exit("a name that is not UTF-8 was accepted")
except OSError as e:
    assert e.errno == errno.EINVAL
with open(file, "w") as f:
    f.write("tool\n")
END

step "thousands of open files, by one user"
python3 - "$MOUNT" "$VM" <<'END'
import os
import resource
import sys

resource.setrlimit(resource.RLIMIT_NOFILE, (5000, 5000))
names = ["README", "vm-instances/inventories", os.path.join(sys.argv[2], "state"), os.path.join(sys.argv[2], "spec")]
fds = [os.open(os.path.join(sys.argv[1], names[i % 4]), os.O_RDONLY) for i in range(4000)]
assert all(os.pread(fd, 1, 0) for fd in fds)
END
echo "after many files" >"$D"

step "a mount in use: umount says so, a lazy one lets go when the shell leaves, and the next one has all"
exec 5<"$VM/state"
assert_fails "busy" umount "$MOUNT"
exec 5<&-
(cd "$VM" && umount -l "$MOUNT" && cat state name) >inside
assert_eq "$(paste -sd ' ' inside)" "Stopped tool"
wait_until 20 is_pool_gone
echo file >"$MOUNT/in the way"
mount_pool
assert_eq "$(cat "$D")" "after many files"
[ ! -e "$MOUNT/in the way" ] || fail "the folder below shows through"
umount_pool
rm "$MOUNT/in the way"

step "a full disk: a write is refused, the value stays, and it goes on when there is room"
STATE=$PWD/full
mkdir full
mount -t tmpfs -o size=24M tmpfs full
mount_pool
zone=zones/$(first zones)
echo before >"$MOUNT/$zone/description"
cat /dev/zero >full/filler 2>/dev/null || true
said=OK
for i in $(seq 300); do
	said=$(write_errno "$zone/description" "$i $(printf '%01500d' 0)")
	[ "$said" = OK ] || break
done
assert_eq "$said" ENOSPC "the answer on a full disk"
assert_match "$(value last-error)" "disk|space|room|full"
assert_match "$(value "$zone/description")" "^($((i - 1)) |before)" "the value"
rm full/filler
echo after >"$MOUNT/$zone/description"
assert_eq "$(value "$zone/description")" after
remount_pool
assert_eq "$(value "$zone/description")" after
umount_pool
umount full
