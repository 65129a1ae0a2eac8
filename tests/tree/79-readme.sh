#!/bin/bash
# The commands of the mount's README work as they stand there.
. "$(dirname "$0")/../tree/lib.sh"

mount_pool
truncate -s 1M debian.raw
add_image "$CASE_DIR/debian.raw" raw debian >image
echo small >"$MOUNT/instance-offerings/$(first instance-offerings)/name"
echo net1 >"$MOUNT/l3-networks/$(first l3-networks)/name"
echo node1 >"$MOUNT/hosts/$(first hosts)/name"
act "l3-networks/ip-ranges/$(first l3-networks/ip-ranges)" delete
act "l3-networks/$(first l3-networks)" add-ip-range name=more startIp=10.0.0.2 endIp=10.0.0.200 netmask=255.255.255.0 gateway=10.0.0.1
create disk-offerings '{"name":"20G","diskSize":"20G"}' >/dev/null
sync "$MOUNT/hosts/$(first hosts)/name"
create_vm web "$(<image)" >/dev/null
qemu-img create -q -f qcow2 debian.qcow2 1M
mkdir backup

# The indented lines of TASKS, without the remarks behind them.
sed -n '/^TASKS$/,/^QUERIES/p' "$MOUNT/README" | sed -nE 's/^    //; t p; b; :p; s/   +[a-z][^/]*$//; p' >commands
[ "$(wc -l <commands)" -ge 20 ] || fail "README shows only $(wc -l <commands) commands"
cd "$MOUNT"
written=()
while IFS= read -r command; do
	step "$command"
	command=${command//\/backup/$CASE_DIR\/backup}
	command=${command//debian.qcow2/$CASE_DIR\/debian.qcow2}
	[[ $command != tail* ]] || command="timeout 5 $command >$CASE_DIR/followed || [ \$? = 124 ]"
	(eval "$command") </dev/null || fail "'$command' failed; last-error: $(<last-error)"
	[[ ! $command =~ \ \>\ ([^ ]+)$ ]] || written+=("${BASH_REMATCH[1]}")
done <"$CASE_DIR/commands"
# Not before: what a line needs of those above, they wait for themselves.
for file in "${written[@]}"; do
	[ ! -e "$file" ] || sync "$file" || fail "what was written to '$file' failed: $(cat "${file%/*}/last-error")"
done

step "what they have done"
assert_eq "$(cat vm-instances/by-name/web/{state,cpuNum,memorySize} | xargs)" "Running 2 2147483648" "the VM"
assert_match "$(cat vm-instances/by-name/web/nics/*/ip)" '^10.0.0.5$' "its address"
assert_eq "$(cat volumes/by-name/data/vmInstance/name)" web "whose the data volume is"
assert_eq "$(cat volumes/by-name/ROOT-for-web/size)" $((40 << 30)) "the size of the root disk"
assert_eq "$(cat vm-instances/by-name/db3/state)" Destroyed "the second VM"
assert_eq "$(stat -c %s "$CASE_DIR/backup/disk.raw")" $((40 << 30)) "the copy of the disk"
assert_eq "$(echo images/by-name/*)" "images/by-name/debian images/by-name/debian~2" "the images"
grep -q '"sequence":' "$CASE_DIR/followed"
cd "$CASE_DIR"

step "poolfs-operations(7) has every verb, every file create, and their parameters"
cat >compare <<'PY'
import pathlib
import re
import sys

mount, page = map(pathlib.Path, sys.argv[1:])
described, depth = {}, 0
for line in page.read_text().splitlines():
    depth += line.startswith(".Bl -tag") - line.startswith(".El")
    if item := re.match(r'\.It Ic "([^"]+)"', line):
        if depth == 1:
            parameters = described.setdefault(item[1], set())
        else:
            parameters.add(item[1])
wanted = {}
for file in mount.glob("*/*/actions"):
    for line in file.read_text().splitlines():
        verb, *parameters = line.removeprefix("# ").split(" - ")[0].split()
        wanted.setdefault(verb, set()).update(p.strip("[]").split("=")[0] for p in parameters)
for file in [*mount.glob("*/create"), *mount.glob("*/*/create")]:
    lines = [line for line in file.read_text().splitlines() if line and line[0] not in "# "]
    wanted[str(file.relative_to(mount))] = {line.split()[0] for line in lines}
missing = [f"{name} {p}" for name, ps in wanted.items() for p in {""} | ps
           if name not in described or p and p not in described[name]]
print(len(wanted), "verbs and files")
sys.exit(f"missing: {missing}" if missing or len(wanted) < 90 else 0)
PY
python3 compare "$MOUNT" "$BUILD/man/poolfs-operations.7" || fail "the page is not complete"
