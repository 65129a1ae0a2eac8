#!/bin/bash
# What README.md says of looking after a pool works as it stands there: backup, restore, upgrade, uninstall, poolctl.
# limit: 180
. "$(dirname "$0")/lib.sh"

export PATH=$BUILD/poolctl:$PATH POOLCTL_MOUNT=$MOUNT POOLFS STATE CASE_DIR
mkdir backup
mount_pool
truncate -s 1M debian.raw
image=$(add_image "$CASE_DIR/debian.raw" raw debian)
echo net1 >"$MOUNT/l3-networks/$(first l3-networks)/name"
sync "$MOUNT/l3-networks/$(first l3-networks)/name"
wait_for "hosts/$(first hosts)/status" Connected 20

# What the commands call.
poolfs() {
	"$POOLFS" -o "state=$STATE,uri=test:///default" "$@"
}
meson() {
	[ "$*" = "install -C build" ]
}
export -f poolfs meson

# try HEADING: runs the commands of the paragraph **HEADING** or of the section ## HEADING of README.md.
try() {
	step "$1"
	# shellcheck disable=SC2016 # the marks of a code block
	awk -v heading="$1" 'index($0, "**" heading "**") == 1 || $0 == "## " heading { on = 1; next }
		/^\*\*|^## / { on = 0 } on' "$TOP/README.md" | sed -n '/^```sh/,/^```/{//!p}' |
		sed "s|/mnt/pool|$MOUNT|g; s|/var/lib/poolfs|$STATE|g; s|/backup/|$CASE_DIR/backup/|g; s/10\.0\.0\.5/10.123.0.50/g
			s/poolctl top;/poolctl top --once;/; s/poolctl watch web;//; s/poolctl console web//" >commands
	[ -s commands ] || fail "README.md has no commands for '$1'"
	sed 's/^/   $ /' commands
	(cd "$CASE_DIR" && bash -eu commands) || fail "they fail"
}

try "Names, poolctl, manuals"
assert_eq "$(value vm-instances/by-name/web/state) $(cat "$MOUNT"/vm-instances/by-name/web/nics/*/ip)" "Stopped 10.123.0.50"
try "Back up"
try "Restore"
assert_eq "$(value vm-instances/by-name/web/state)" Stopped
create_vm later "$image" '{"strategy":"CreateStopped"}' >/dev/null
try "Restore"
assert_eq "$(echo "$MOUNT"/vm-instances/by-name/*)" "$MOUNT/vm-instances/by-name/web" "the VMs of the time of the copy"
create_vm later "$image" '{"strategy":"CreateStopped"}' >/dev/null
try "Upgrade"
assert_eq "$(value vm-instances/by-name/later/state)" Stopped
try "Uninstall"
[ ! -e "$STATE" ] || fail "the state folder is still there"
