#!/bin/bash
# The file functions of Go and Java: whole, in pieces, by rename, appended, mapped; refusals are their errors.
# limit: 300
. "$(dirname "$0")/lib.sh"

tool_vm
D=$VM/description
export HOME=$CASE_DIR GOFLAGS=-mod=mod GOTOOLCHAIN=local GO111MODULE=off GOCACHE=$CASE_DIR/go-cache
echo before >"$D"

step "Go"
go build -o in-go "$TOP/tests/tools/files.go"
for way in WriteFile Create pieces bufio rename sync; do
	writes_once "$D" "by Go's $way" ./in-go $way "$D" "by Go's $way"
done
wanted go
spec_once go ./in-go bufio "$VM/spec" "$(cat go.json)"
./in-go append "$D" "second line"
assert_eq "$(cat "$D")" "by Go's sync
second line"
refused "invalid argument" ./in-go WriteFile "$VM/cpuNum" many
refused "permission denied" ./in-go WriteFile "$VM/state" Running
refused "invalid argument" ./in-go rename "$VM/cpuNum" many
rm "$VM/cpuNum.new"
truncate -s 1M disk.raw
./in-go copy "$MOUNT/images/upload/go.raw" disk.raw
assert_eq "$(value images/by-name/go/status)" Ready

step "Java"
ecj -17 -proc:none -d . "$TOP/tests/tools/Files.java"
# in_java WAY FILE TEXT
in_java() {
	java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto -cp . InJava "$@"
}
for way in writeString PrintStream RandomAccessFile replace atomicMove FileChannel; do
	writes_once "$D" "by Java's $way" in_java $way "$D" "by Java's $way"
done
wanted java
spec_once java in_java writeString "$VM/spec" "$(cat java.json)"
in_java append "$D" "second line"
assert_eq "$(cat "$D")" "by Java's FileChannel
second line"
in_java map "$D" "second line"
in_java map "$VM/inventory" "${VM##*/}"
in_java lock "$D" "by its lock"
assert_eq "$(cat "$D")" "by its lock"
refused "Invalid argument" in_java writeString "$VM/cpuNum" many
refused "AccessDenied" in_java writeString "$VM/state" Running
in_java copy "$MOUNT/images/upload/java.raw" disk.raw
assert_eq "$(value images/by-name/java/status)" Ready
cmp "$MOUNT/images/by-name/java/data" disk.raw
