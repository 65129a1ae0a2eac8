#!/bin/bash
# One VM's directory, bound into a container, is its tenant's: everything works there, nothing else can be reached.
. "$(dirname "$0")/../tree/lib.sh"

[ "$(id -u)" = 0 ] || skip "needs root to act as another user"
chmod 755 "$CASE_DIR"
mount_pool -o allow_other
tenant=$(account tenant 4001)
vm=$(create_vm theirs "$(small_image)" '{"strategy":"JustCreate"}')
create_vm other "$(first images)" '{"strategy":"JustCreate"}' >/dev/null
umount_pool
sqlite3 "$STATE/pool.db" "UPDATE vm SET accountUuid = '$tenant' WHERE uuid = '$vm';
	UPDATE volume SET accountUuid = '$tenant' WHERE vmInstanceUuid = '$vm';"
mount_pool -o allow_other
wait_for "hosts/$(first hosts)/status" Connected 20

# contained CMD...: in a container of the tenant, who is root there, with the VM at /vm.
contained() {
	setpriv --reuid 4001 --regid 4001 --clear-groups \
		bwrap --unshare-all --uid 0 --gid 0 --ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/lib /lib \
		--symlink usr/lib64 /lib64 --proc /proc --dev /dev --tmpfs /tmp --bind "$MOUNT/vm-instances/$vm" /vm --chdir /vm \
		/usr/bin/bash -eu -o pipefail -c "$@"
}

step "the VM is the tenant's"
assert_eq "$(contained 'id -u; cat name; stat -c "%a %u" . name' | paste -sd' ')" "0 theirs 700 0 600 0"
contained 'ls -lR . >/dev/null; tar -cf /dev/null --exclude=data .; find . >/dev/null'

step "values, actions, spec, tags and scratch files work"
contained 'echo renamed >name; sync name; sed -i s/renamed/again/ name; cat name' | finds -x again
contained 'echo start >actions; sync actions; cat state' | finds -x Running
contained 'echo "{\"description\": \"from inside\"}" >spec; sync spec; cat description' | finds -x 'from inside'
assert_fails "Invalid argument" contained 'echo nonsense >actions'
assert_match "$(contained 'cat last-error')" nonsense
assert_eq "$(value "vm-instances/$vm/description")" "from inside"

step "its NICs and jobs are inside"
assert_eq "$(contained 'cat nics/*/mac')" "$(cat "$MOUNT/vm-instances/$vm/nics/"*/mac)"
assert_match "$(contained 'cat jobs/*/operation')" StartVmInstance
# shellcheck disable=SC2016 # for the shell inside
contained 'for job in jobs/*; do cat "$job/state" "$job/inventory" >/dev/null; done'
job=$(contained 'exec 3<>actions; echo "pause" >&3; cat <&3' | grep -oE '[0-9a-f]{32}' | sed -n 1p)
job_wait "$job"
assert_eq "$(contained "cat jobs/$job/state state" | paste -sd' ')" "Done Paused"

step "nothing else can be reached, by path or by request"
assert_eq "$(contained 'ls -d ../README ../zones ../../README 2>/dev/null || true')" ""
assert_fails "" contained 'cat zone/name'
assert_fails "Permission denied" contained "echo 'attach-iso isoUuid=$(first images)' >actions"
assert_eq "$(contained 'cat volumes?count=true' | jq .total)" 1
