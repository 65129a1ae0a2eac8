#!/bin/bash
# The sixteen jobs of the cookbook are done as they stand there.
# limit: 300
. "$(dirname "$0")/lib.sh"

export HOME=$CASE_DIR ANSIBLE_LOCAL_TEMP=$CASE_DIR/.ansible/local ANSIBLE_REMOTE_TEMP=$CASE_DIR/.ansible/remote
export ANSIBLE_NOCOLOR=1 ANSIBLE_LOCALHOST_WARNING=False ANSIBLE_PYTHON_INTERPRETER=/usr/bin/python3
export PATH=$BUILD/poolctl:$PATH POOLCTL_MOUNT=$MOUNT examples=$TOP/examples
chmod 755 "$CASE_DIR"
mount_pool -o allow_other
truncate -s 1M debian.raw
add_image "$CASE_DIR/debian.raw" raw debian >/dev/null
wait_for "hosts/$(first hosts)/status" Connected 20
cat >second.xml <<'XML'
<node><cpu><mhz>1000</mhz><model>x86_64</model><nodes>1</nodes><sockets>1</sockets><cores>4</cores><active>4</active></cpu>
<memory>4194304</memory></node>
XML

# job NUMBER: runs the commands of the entry; what they print is in $output.
job() {
	step "$(grep "^## $1\\." "$TOP/examples/COOKBOOK.md")"
	# shellcheck disable=SC2016 # the marks of a code block
	sed -n "/^## $1\\./,/^## $(($1 + 1))\\./p" "$TOP/examples/COOKBOOK.md" | sed -n '/^```sh/,/^```/{//!p}' |
		sed "s|/mnt/pool|$MOUNT|g; s| /backup/| $CASE_DIR/backup/|g; s|qemu+ssh://root@node2/system|test://$CASE_DIR/second.xml|" >commands
	[ -s commands ] || fail "there are no commands"
	sed 's/^/   $ /' commands
	output=$(cd "$MOUNT" && bash -eu "$CASE_DIR/commands" 2>&1) || fail "it fails: $output"
	[ -z "$output" ] || echo "$output"
}

has() {
	grep -qE "$1" <<<"$output" || fail "nothing in the output is like '$1'"
}

web="vm-instances/by-name/web"
job 1
has '^10.123.0.60$'
assert_eq "$(cat "$MOUNT"/vm-instances/by-name/db/nics/*/ip)" 10.123.0.61
for vm in web db; do
	assert_eq "$(jq '.allVolumes | length' "$MOUNT/vm-instances/by-name/$vm/inventory")" 3 "disks of $vm"
done
sleeper=$(create_vm sleeper "$(value images/by-name/debian/uuid)" '{"strategy":"CreateStopped"}')
echo 3G >"$MOUNT/vm-instances/$sleeper/memorySize"
sync "$MOUNT/vm-instances/$sleeper/memorySize"
job 2
assert_eq "$output" sleeper
job 3
[ -d "$MOUNT/vm-instances/by-name/database" ]
job 4
assert_eq "$(value $web/cpuNum) $(value $web/memorySize) $(value $web/state)" "2 536870912 Running"
assert_eq "$(value volumes/by-name/ROOT-for-web/size)" $((2 << 30))
job 5
assert_eq "$output" 7
job 6
assert_eq "$(find backup/web -name '*.raw' | wc -l)" 3 "files"
job 7
assert_eq "$(value $web/cpuNum) $(value $web/state) $(cat "$MOUNT/$web"/nics/*/ip)" "2 Running 10.123.0.60"
assert_eq "$(jq '.allVolumes | length' "$MOUNT/$web/inventory")" 3 "disks"
job 8
has '^Connected$'
job 9
has '"vm.num"'
setpriv --reuid nobody --regid nogroup --clear-groups ls "$MOUNT/images/by-name" | grep -x debian
assert_eq "$(setpriv --reuid nobody --regid nogroup --clear-groups ls "$MOUNT/vm-instances/by-name")" "" "what the colleague sees"
echo 'the console says' >"$STATE/console/$(value $web/uuid).log"
job 10
has 'the console says'
job 11
has '^poolctl: '
job 12
has '^web +Running'
job 13
assert_eq "$(value vm-instances/by-name/database/state)" Running
job 14
has '"totalMemory"'
job 15
has 'state="Running"} 2'
job 16
has 'failed=0'
