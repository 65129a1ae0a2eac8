#!/bin/bash
# rsync, by rename and in place.
. "$(dirname "$0")/lib.sh"

tool_vm
wanted rsync
spec_once rsync rsync -a rsync.json "$VM/spec"
wanted inplace
spec_once inplace rsync -a --inplace inplace.json "$VM/spec"
echo "by rename" >description
writes_once "$VM/description" "by rename" rsync -a description "$VM/description"
echo "in place" >description
writes_once "$VM/description" "in place" rsync -a --inplace description "$VM/description"
echo "by checksum" >description
writes_once "$VM/description" "by checksum" rsync -rc description "$VM/description"

step "with extended attributes, which values forget"
echo "with attributes" >description
setfattr -n user.comment -v hello description
writes_once "$VM/description" "with attributes" rsync -aX description "$VM/description"
echo "with more" >description
writes_once "$VM/description" "with more" rsync -aHAX --inplace description "$VM/description"
assert_eq "$(getfattr -d "$VM/description")" "" "the attributes of a value"
assert_fails "No such attribute" setfattr -x user.comment "$VM/description"
assert_fails "not supported" setfattr -n user.comment -v hello "$VM/state"
wanted attributes
setfattr -n user.comment -v hello attributes.json
spec_once attributes rsync -aX attributes.json "$VM/spec"

step "a folder of values"
mkdir values
echo 5 >values/cpuNum
echo "several at once" >values/description
touch -d "1 hour ago" values/* # rsync regards files with equal size and mtime as unchanged
before=$(job_count)
for _ in 1 2; do
	rsync -a values/ --no-perms --no-owner --no-group --omit-dir-times "$VM/"
	assert_eq "$(cat "$VM/cpuNum" "$VM/description")" $'5\nseveral at once'
	assert_eq "$(job_count)" $((before + 2)) "jobs"
done

step "a bad value is refused and does not affect the others"
echo many >values/cpuNum
refused "Invalid argument" rsync -a --no-perms --omit-dir-times values/cpuNum "$VM/"
assert_eq "$(cat "$VM/cpuNum")" 5
