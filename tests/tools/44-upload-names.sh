#!/bin/bash
# Tools that set mode and times of an uploaded file after its close succeed, and uploading the same again makes no second image.
# limit: 300
# shellcheck disable=SC2016 # expanded by the shell under test
. "$(dirname "$0")/lib.sh"

mount_pool
upload=$MOUNT/images/upload
qemu-img create -q -f qcow2 web.qcow2 8M
qemu-io -c "write -q -P 5 1M 1M" web.qcow2 >/dev/null
chmod 640 web.qcow2
touch -d "2020-02-02 02:02:02 UTC" web.qcow2

images() {
	uuids images | wc -l
}

# uploads NAME CMD...: run twice, the command makes one image, with the bytes of web.qcow2.
uploads() {
	local name=$1 before image
	shift
	before=$(images)
	step "$*"
	"$@" || fail "first run of '$*': $(value last-error)"
	assert_eq "$(value last-error)" ok "last-error after the first run"
	image=$(value "images/by-name/$name/uuid")
	cmp "$upload/$name.qcow2" web.qcow2
	assert_eq "$(stat -c %s "$upload/$name.qcow2")" "$(stat -c %s web.qcow2)"
	wait_until 10 no_job_runs
	"$@" || fail "second run of '$*': $(value last-error)"
	wait_until 10 no_job_runs
	assert_eq "$(value last-error)" ok "last-error after the second run"
	assert_eq "$(images) $(value "images/by-name/$name/uuid")" "$((before + 1)) $image" "the images after '$*'"
	assert_eq "$(value "images/$image/status")" Ready
	cmp "$MOUNT/images/$image/data" web.qcow2
	assert_eq "$(ls -A "$upload")" "" "what is being uploaded"
}

uploads copy python3 -c 'import shutil, sys; shutil.copy(*sys.argv[1:])' web.qcow2 "$upload/copy.qcow2"
uploads copy2 python3 -c 'import shutil, sys; shutil.copy2(*sys.argv[1:])' web.qcow2 "$upload/copy2.qcow2"
assert_eq "$(stat -c %Y "$upload/copy2.qcow2")" "$(stat -c %Y web.qcow2)" "the time that was set"
uploads install install -m 600 web.qcow2 "$upload/install.qcow2"
uploads inplace rsync -a --inplace web.qcow2 "$upload/inplace.qcow2"
uploads rsync rsync -a web.qcow2 "$upload/rsync.qcow2"
uploads cp cp -p web.qcow2 "$upload/cp.qcow2"
uploads mv in_bash 'cp web.qcow2 moved && mv moved "$1/mv.qcow2"' "$upload"
uploads dd dd if=web.qcow2 of="$upload/dd.qcow2" bs=64k status=none
uploads cat in_bash 'cat web.qcow2 >"$1/cat.qcow2"' "$upload"
uploads node node -e 'require("fs").cpSync(process.argv[1], process.argv[2], {preserveTimestamps: true})' web.qcow2 "$upload/node.qcow2"
uploads moved python3 -c 'import shutil, sys; shutil.move(shutil.copy(sys.argv[1], "moving.qcow2"), sys.argv[2])' web.qcow2 "$upload/moved.qcow2"
uploads curl curl -sSR -o "$upload/curl.qcow2" "file://$PWD/web.qcow2"

step "other bytes under the same name are another image"
before=$(images)
first=$(value images/by-name/cp/uuid)
cp web.qcow2 other.qcow2
qemu-io -c "write -q -P 6 2M 1M" other.qcow2 >/dev/null
cp other.qcow2 "$upload/cp.qcow2"
wait_until 10 no_job_runs
assert_eq "$(images) $(value images/by-name/cp/uuid)" "$((before + 1)) $first"
cmp "$MOUNT/images/by-name/cp~2/data" other.qcow2
cmp "$MOUNT/images/by-name/cp/data" web.qcow2
cmp "$upload/cp.qcow2" other.qcow2

step "a finished name can be removed, and is not written but from the start"
dd if=other.qcow2 of="$upload/cp.qcow2" conv=notrunc status=none 2>said && fail "a finished upload was written in the middle"
assert_match "$(value last-error)" "has become an image"
rm "$upload/cp.qcow2"
[ ! -e "$upload/cp.qcow2" ] || fail "the name is still there"
assert_eq "$(value images/by-name/cp/status)" Ready
act "images/$(value images/by-name/dd/uuid)" delete
[ ! -e "$upload/dd.qcow2" ] || fail "the name of a deleted image is still there"

step "a writer that is terminated leaves nothing"
before=$(images)
bash -c 'head -c 1M web.qcow2; sleep 30' >"$upload/half.qcow2" &
pid=$!
wait_until 10 test -e "$upload/half.qcow2"
sleep 0.5
kill "$pid"
wait "$pid" || true
pkill -P "$pid" || true
wait_until 40 no_job_runs
assert_eq "$(images)" "$before" "the images"
