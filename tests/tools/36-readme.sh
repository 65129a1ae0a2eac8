#!/bin/bash
# The commands of README.md work as they stand there, one block after the other, on one pool; each that is not run says why.
# limit: 240
. "$(dirname "$0")/lib.sh"

export PATH=$BUILD:$BUILD/poolctl:$PATH POOLCTL_MOUNT=$MOUNT POOLFS STATE CASE_DIR HOME=$CASE_DIR
mkdir backup
for user in passwd group; do
	cp /etc/$user .
	mount --bind $user /etc/$user # of this case alone
done
printf '%s\n' alice:x:2001:2001::/:/bin/sh bob:x:2002:2002::/:/bin/sh >>/etc/passwd
printf '%s\n' alice:x:2001: bob:x:2002: ops:x:2003:bob >>/etc/group
mkdir -m 755 /run/fence # of root alone, as a fence command must be
qemu-img create -q -f qcow2 debian.qcow2 1M
cp debian.qcow2 other.qcow2
mkdir .ssh
echo "ssh-ed25519 AAAA me@here" >.ssh/id_ed25519.pub
cat >second.xml <<'XML'
<node><cpu><mhz>1000</mhz><model>x86_64</model><nodes>1</nodes><sockets>1</sockets><cores>4</cores><active>4</active></cpu>
<memory>4194304</memory></node>
XML
echo "$(printf "q=name!=%0100d&" {1..50})q=name~=web%25" >long-query

# What the commands call.
poolfs() {
	if [ "$1" = --upgrade ]; then
		"$POOLFS" "$@"
		return
	fi
	"$POOLFS" -o "state=$STATE,uri=test:///default,allow_other" "$@"
}
meson() {
	[ "$*" = "install -C build" ]
}
export -f poolfs meson
poolfs "$MOUNT"
wait_for "hosts/$(first hosts)/status" Connected 20
echo node1 >"$MOUNT/hosts/$(first hosts)/name"

web=vm-instances/by-name/web

# names KIND: those of its objects.
names() {
	(cd "$MOUNT/$1/by-name" && shopt -s nullglob && echo *)
}

has_none() {
	[ -z "$(names "$1")" ]
}

has_vm() {
	jq -e '.usages[] | select(.name == "vm.totalNum").used == 1' "$MOUNT/accounts/by-name/$1/quota-usages" >/dev/null
}

# What the reader of a block has already.
before() {
	case $1 in
	"mkdir -p $MOUNT && poolfs"*) umount_pool ;;
	*"echo pause"*) create_vm web "$(small_image)" >/dev/null ;;
	*"cat > images/create"*)
		act "$web" destroy
		act "vm-instances/$(first vm-instances)" expunge
		;;
	*"accounts/by-name/alice/unixUsers"*)
		account alice >/dev/null
		account ops >/dev/null
		;;
	*"poolfs --upgrade"*) worker=$(worker_pid) ;;
	*"cp $CASE_DIR/backup/"*) create_vm later "$(first images)" '{"strategy":"CreateStopped"}' >/dev/null ;;
	esac
}

# What a block has done; it printed $output.
after() {
	case $1 in
	*"echo pause"*) assert_eq "$(value $web/state)" Paused ;;
	"mkdir -p $MOUNT && poolfs"*) assert_eq "$(names l3-networks) $(names instance-offerings)" "network1 small" "what a pool has" ;;
	*"cat > images/create"*)
		assert_eq "$(sed '$d' <<<"$output" | jq -r .state) $(names images)" "Running debian other small"
		assert_match "$(tail -n 1 <<<"$output")" '^10\.123\.' "the address"
		assert_eq "$(value $web/memorySize) $(cat "$MOUNT/$web/tags"/*)" "$((1 << 30)) sshkey::ssh-ed25519 AAAA me@here" "the VM"
		;;
	*"echo destroy"*)
		wait_for vm-instances/by-name/web01/state Stopped 10
		assert_eq "$(value vm-instances/by-name/web01/memorySize)" $((4 << 30))
		assert_eq "$(stat -c %s backup/disk.raw)" $((1 << 20)) "the exported disk"
		;;
	*"create-snapshot name=before"*)
		wait_for schedulers/by-name/nightly/snapshotMaxNumber 14 10
		wait_until 10 has_none volume-snapshots
		;;
	*"web01/spec"*)
		assert_eq "$(value vm-instances/by-name/web01/state) $(value vm-instances/by-name/web01/cpuNum)" "Running 2"
		;;
	*"setfattr"*)
		assert_eq "$(grep -cx web01 <<<"$output") $(tail -n 1 <<<"$output")" "2 web01" "the VMs found"
		assert_eq "$(grep -c '"inventories": \[\]' <<<"$output" || true)" 0 "queries that found nothing"
		;;
	*"poolctl create vm"*) assert_eq "$(value $web/state) $(cat "$MOUNT/$web"/nics/*/ip)" "Stopped 10.123.0.60" ;;
	*"create host node2"*) assert_match "$output" $'(^|\n)Connected' "the second host" ;;
	*"name=san"*) assert_eq "$(names primary-storage)" "disks local nas san" ;;
	*"fenceCommand"*) wait_for clusters/by-name/cluster1/fenceCommand /run/fence/fence 10 ;;
	*"accounts/by-name/alice/unixUsers"*) wait_for accounts/by-name/ops/unixUsers "2002(bob) @2003(ops)" 10 ;;
	*"poolfs-rest --listen"*)
		assert_eq "$(tail -n 1 <<<"$output" | jq -r '.inventories[].name')" web01 "the Running VMs by REST"
		pkill -x poolfs-rest # there is no other in this pid namespace
		;;
	*"poolfs --upgrade"*) [ "$(worker_pid)" != "$worker" ] || fail "the program that serves is the one before" ;;
	*"cp $CASE_DIR/backup/"*) assert_eq "$(names vm-instances)" "web web01" "the VMs of the time of the copy" ;;
	*"name=bob"*) wait_until 10 has_vm bob ;;
	esac
}

"$TOP/tests/tools/sh-blocks" "$TOP/README.md" blocks
run=0
for block in blocks/??; do
	if [ -e "$block.reason" ]; then
		step "not run: $(<"$block.reason")"
		grep -oE 'tests/[a-z]+/[a-z0-9-]+(\.sh)?' "$block.reason" >files || fail "it names no test instead"
		while read -r file; do
			[ -e "$TOP/$file" ] || fail "there is no '$file'"
		done <files
		continue
	fi
	step "block ${block#blocks/}"
	sed -i "s|/mnt/pool|$MOUNT|g; s|/var/lib/poolfs|$STATE|g; s|/backup/|$CASE_DIR/backup/|g; s|/etc/poolfs|/run/fence|g
		s|https://cloud.debian.org/.*/debian-12-genericcloud-amd64|file://$CASE_DIR/debian|; s|qemu+ssh://root@node2/system|test://$CASE_DIR/second.xml|
		s|/srv/disks|$CASE_DIR/disks|; s|/mnt/gfs|$CASE_DIR/gfs|
		s/poolctl top;/poolctl top --once;/; s/poolctl watch web;//; s/poolctl console web//" "$block"
	sed 's/^/   $ /' "$block"
	text=$(<"$block")
	before "$text"
	[[ $text == *@(umount|mkdir -p)* ]] || cd "$MOUNT"
	# Not into a pipe: what it leaves running would keep that open.
	timeout 120 bash -eu "$CASE_DIR/$block" >"$CASE_DIR/output" 2>&1 || fail "it fails: $(<"$CASE_DIR/output")"
	cd "$CASE_DIR"
	output=$(<output)
	[ -z "$output" ] || echo "$output" | cut -c1-200
	after "$text"
	run=$((run + 1))
done
[ "$run" -ge 18 ] || fail "only $run blocks were run"
[ ! -e "$STATE" ] || fail "the state folder is still there after all has been uninstalled"
