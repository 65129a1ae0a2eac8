#!/bin/bash
# The quickstart does what the README promises, simulated and real, twice in a row.
# limit: 600
. "$(dirname "$0")/../tree/lib.sh"

# Its own folder for everything that it stores, instead of the system's.
home=/var/lib/poolfs-quickstart
mkdir -p "$home" kept
mount --bind kept "$home"

quickstart() {
	"$TOP/examples/quickstart" --mount "$MOUNT" "$@" </dev/null
}

for mode in --simulate ""; do
	step "first time ${mode:-(real)}"
	# shellcheck disable=SC2086 # no argument when empty
	quickstart $mode >output
	assert_eq "$(value vm-instances/by-name/first/state)" Running
	grep -q 'cat >vm-instances/create' output || fail "the commands are not shown"
	[ -n "$mode" ] || grep -q '^TINY ready' output || fail "the guest's boot message is not shown"

	step "once more, with the pool still mounted"
	vm=$(readlink "$MOUNT/vm-instances/by-name/first")
	# shellcheck disable=SC2086
	quickstart $mode >output
	assert_eq "$(readlink "$MOUNT/vm-instances/by-name/first")" "$vm" "the VM"
	assert_eq "$(value vm-instances/by-name/first/state)" Running
	[ -n "$mode" ] || grep -q '^STATE .* boots=2' output || fail "the guest did not boot a second time"
done

step "the end"
quickstart --end
! mountpoint -q "$MOUNT" || fail "the pool is still mounted"
wait_until 10 is_pool_gone
assert_eq "$(pgrep -x libvirtd || true)" "" "libvirtd processes that are left"

step "a refusal is one sentence"
assert_fails "run it as root" setpriv --reuid=65534 --clear-groups "$TOP/examples/quickstart" --simulate
