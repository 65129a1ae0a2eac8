#!/bin/bash
# Queries answer in the tree as in REST: names with a query, query files, where/, schema; injections fail.
. "$(dirname "$0")/../tree/lib.sh"

mount_pool
image=$(small_image)
for name in web web db 'a=b' 'x/y' "o'neill"; do
	create_vm "$name" "$image" >/dev/null
done
stopped=$(create_vm idle "$image" '{"instanceOfferingUuid": null, "cpuNum": 3, "memorySize": 268435456}')
act "vm-instances/$stopped" stop
cd "$MOUNT"

# same QUERY FILTER: the uuids that a query gives are those that jq finds among the inventories, in their order.
same() {
	assert_eq "$(jq -c '[.inventories[].uuid]' "vm-instances?$1")" \
		"$(jq -c "[.inventories | $2 | .uuid]" vm-instances/inventories)" "the answer to '$1'"
}

step "bodies equal what jq finds"
same '' '.[]'
same 'q=state=Running' '.[] | select(.state == "Running")'
same 'q=state!=Running' '.[] | select(.state != "Running")'
same 'q=name=web' '.[] | select(.name == "web")'
same 'q=name=WEB' '.[] | select(.name == "web")'
same 'q=name?=web,db' '.[] | select(.name == "web" or .name == "db")'
same 'q=name!?=web,db' '.[] | select(.name != "web" and .name != "db")'
same 'q=name~=%25e%25' '.[] | select(.name | contains("e"))'
same 'q=name!~=w%' '.[] | select(.name | startswith("w") | not)'
same 'q=cpuNum>=1&q=state=Running' '.[] | select(.cpuNum >= 1 and .state == "Running")'
same 'q=memorySize<1K' '.[] | select(.memorySize < 1024)'
same 'q=hostUuid is null' '.[] | select(.hostUuid == null)'
same 'q=hostUuid+not+null' '.[] | select(.hostUuid != null)'
same 'condition=name=a=b' '.[] | select(.name == "a=b")'
same 'q=name=x%2Fy' '.[] | select(.name == "x/y")'
same "q=name=o'neill" ".[] | select(.name == \"o'neill\")"
same 'limit=2' '.[:2][]'
same 'start=2&limit=3' '.[2:5][]'
same 'sort=-uuid&limit=1000' 'sort_by(.uuid) | reverse[]'
same 'sort=+uuid&start=1' 'sort_by(.uuid)[1:][]'
same "q=host.name=$(cat "hosts/$(first hosts)/name")" '.[] | select(.hostUuid != null)'
same 'q=vmNics.deviceId=0' '.[] | select(.vmNics | any(.deviceId == 0))'
same 'q=allVolumes.primaryStorage.name~=%25' '.[] | select(.allVolumes | length > 0)'
assert_eq "$(jq -c 'keys' 'vm-instances?replyWithCount=true&limit=1&fields=name')" '["inventories","schema","total"]'
assert_eq "$(jq -c '.total' 'vm-instances?count=true')" 7
assert_eq "$(jq -c '.inventories[0] | keys' 'vm-instances?fields=uuid,name')" '["name","uuid"]'
for kind in zones hosts l3-networks/ip-ranges vm-instances/nics volumes global-configurations system-tags; do
	assert_eq "$(jq -c '[.inventories[] | .uuid // .name] | sort' "$kind?limit=100000")" \
		"$(jq -c '[.inventories[] | .uuid // .name] | sort' $kind/inventories)" "all $kind"
done

step "the directories of an object's parts can be queried too"
assert_eq "$(jq -r '.inventories[].uuid' "vm-instances/$stopped/volumes?q=type=Root")" \
	"$(cat "vm-instances/$stopped/rootVolumeUuid")"
assert_eq "$(jq -r '.inventories | length' "vm-instances/$stopped/nics?q=uuid=nothing")" 0

step "st_size is exact, and an open file does not change"
for query in 'q=name=web' 'fields=uuid' 'count=true'; do
	assert_eq "$(stat -c %s "vm-instances?$query")" "$(wc -c <"vm-instances?$query")" "the size for '$query'"
done
exec {fd}<'vm-instances?fields=name&q=name=db'
echo db2 >vm-instances/by-name/db/name
assert_eq "$(jq -r '.inventories[].name' <&"$fd")" db
exec {fd}<&-
assert_eq "$(jq -r '.inventories | length' 'vm-instances?q=name=db')" 0

step "a query of any length on one descriptor"
exec {fd}<>vm-instances/query
for name in web db2; do
	echo "q=name=$name&fields=name&limit=1" >&"$fd"
	assert_eq "$(jq -r '.inventories[0].name' <&"$fd")" "$name"
done
printf 'q=name=web&count=true' >&"$fd"
assert_eq "$(jq -r .total <&"$fd")" 2
list=$(seq -s, -f %032.0f 1 1500),$(jq -r '.inventories[0].uuid' 'vm-instances?q=name=web&limit=1')
echo "q=uuid?=$list&fields=name" >&"$fd"
assert_eq "$(jq -rc '[.inventories[].name]' <&"$fd")" '["web"]'
exec {fd}>&-
assert_refused vm-instances/query "q=name" EINVAL 'operator'
assert_refused vm-instances/query "limit=many" EINVAL 'limit'

step "errors are clean, the sentence says what is wrong"
assert_fails 'Invalid argument' cat 'vm-instances?q=bogus=1'
assert_match "$(cat last-error)" 'not having field\[bogus\]'
assert_fails 'Invalid argument' cat 'vm-instances?q=host.bogus.name=1'
assert_match "$(cat last-error)" 'no expand query\[bogus\]'
assert_fails 'Invalid argument' ls 'vm-instances/where/cpuNum=many'
[ "$(cat last-error)" != ok ] || fail "last-error says ok"
assert_fails 'No such file' cat 'README?q=a=1'
assert_fails 'No such file' ls vm-instances/where/state=Running/nobody
assert_fails 'No such file' ls vm-instances/where/nothing

step "where/"
assert_eq "$(find vm-instances/where/state=Running -type l | wc -l)" 6
for vm in vm-instances/where/state=Running/*; do
	assert_eq "$(cat "$vm/state")" Running
	[ "$(realpath "$vm")" = "$MOUNT/vm-instances/$(cat "$vm/uuid")" ] || fail "$vm leads to $(realpath "$vm")"
done
assert_eq "$(ls -1 vm-instances/where/state=Stopped)" idle
names() {
	find "$1" -type l -printf '%f\n' | sort | paste -sd' '
}
assert_eq "$(names vm-instances/where/state=Running/name=web)" "web web~2"
assert_eq "$(names 'vm-instances/where/state=Running/name~=w%/vmNics.deviceId=0')" "web web~2"
assert_eq "$(cat 'vm-instances/where/host.name~=%/web~2/name')" web
assert_eq "$(cat "vm-instances/where/name=idle/$stopped/name")" idle "a match by its uuid"
assert_eq "$(ls -1 'vm-instances/where/name=x%2Fy')" 'x%2Fy'
assert_eq "$(cat vm-instances/where/name=x%2Fy/*/name)" x/y
assert_match "$(ls -1 vm-instances/where/name=a=b)" '^[0-9a-f]{32}$' "a name like a condition"
assert_eq "$(ls -1 'vm-instances/where/hostUuid is null')" idle
assert_eq "$(find vm-instances/nics/where/deviceId=0 -type l | wc -l)" 7
ls vm-instances/where >"$CASE_DIR/where.list"
for entry in state=Running state=Stopped; do
	grep -qxF "$entry" "$CASE_DIR/where.list" || fail "where/ does not offer '$entry'"
done
while read -r entry; do
	[ -e "vm-instances/where/$entry" ] || fail "where/ lists '$entry' and does not find it"
done <"$CASE_DIR/where.list"
assert_eq "$(grep -cv = "$CASE_DIR/where.list")" 0 "the names in where/ that are no conditions"
assert_eq "$(cat vm-instances/*/state | sort -u | xargs)" "Running Stopped" "all states, by a pattern"
mv vm-instances/by-name/idle vm-instances/by-name/renamed
assert_eq "$(value "vm-instances/$stopped/name")" renamed "the name after mv"
assert_fails "File exists" mv -T vm-instances/by-name/renamed vm-instances/by-name/web
assert_fails "not permitted" mv vm-instances/by-name/renamed vm-instances/renamed
mv vm-instances/by-name/renamed vm-instances/by-name/idle
echo idle2 >"vm-instances/$stopped/name"
assert_eq "$(ls -1 vm-instances/where/state=Stopped)" idle2 "the name after a change"
assert_fails 'Operation not permitted' rmdir vm-instances/where/state=Running
assert_fails 'Operation not permitted' mkdir vm-instances/where/state=Odd/x
cd vm-instances/where/state=Running/name=web
for i in $(seq 300); do
	[ -d "../../name=n$i" ] || fail "no directory name=n$i"
done
assert_eq "$(names .)" "web web~2" "the directory that one is in"
cd "$MOUNT"
deep="vm-instances/where$(printf '/cpuNum>0%.0s' $(seq 64))"
assert_eq "$(find "$deep" -type l | wc -l)" 7 "64 conditions"
assert_fails 'Invalid argument' ls "$deep/cpuNum>0"

step "schema"
assert_eq "$(jq -r '.fields.cpuNum, .relations.host' vm-instances/schema | paste -sd' ')" "int Host"
for kind in zones volumes vm-instances/nics; do
	jq -r '.fields | keys[]' $kind/schema | while read -r field; do
		[[ $field == __* ]] || cat "$kind?q=$field not null" >/dev/null
	done
done

step "hostile and odd queries"
before=$(cat vm-instances/inventories)
while IFS= read -r evil; do
	for name in "q=name=$evil" "q=$evil" "$evil" "sort=$evil" "fields=$evil" "groupBy=$evil" "limit=$evil"; do
		name=${name//\//%2F}
		[ ${#name} -lt 200 ] || continue
		cat "vm-instances?$name" >"$CASE_DIR/out" 2>"$CASE_DIR/err" && jq -e .schema "$CASE_DIR/out" >/dev/null ||
			grep -qE 'Invalid argument|File name too long' "$CASE_DIR/err" || fail "'$name' says $(cat "$CASE_DIR/err")"
		ls "vm-instances/where/$name" >/dev/null 2>"$CASE_DIR/err" ||
			grep -qE 'Invalid argument|File name too long|No such file' "$CASE_DIR/err" || fail "where/$name says $(cat "$CASE_DIR/err")"
	done
done <<'CORPUS'
' OR '1'='1
'; DROP TABLE vm; --
" OR ""="
1) UNION SELECT * FROM account --
name'--
/* */
%00
%
%%
%2
%zz
\
\x00
a%00b
a&b=c&&==
null
🦊%F0%9F%A6
%FF%FE
%C0%AF
../../etc/passwd
$(id)
`id`
uuid.uuid.uuid.uuid
zone.zone
zone.cluster.l2Network.l3Network.name=x
__systemTag__=x
__userTag__.name=1
accountUuid=1
%E2%80%AE
9999999999999999999999999
-1
+
NaN
CORPUS
assert_eq "$(cat vm-instances/inventories)" "$before" "the VMs"
long=$(printf 'x%.0s' $(seq 700))
assert_eq "$(jq '.inventories | length' "vm-instances?q=name!=$long")" 7 "a long name"
assert_eq "$(find "vm-instances/where/name!=$long" -type l | wc -l)" 7 "a long condition"
assert_eq "$(find "vm-instances/where/name!=&+&+" -type l | wc -l)" 7
assert_eq "$(find "vm-instances/where/name=${long:0:600}" -type l | wc -l)" 0
long=$(printf 'x%.0s' $(seq 5000))
assert_fails 'File name too long' cat "vm-instances?q=name=$long"
assert_refused vm-instances/query "q=name=$(printf 'x%.0s' $(seq 70000))" EFBIG 65536

step "users who are an account query what it sees"
[ "$(id -u)" = 0 ] || skip "needs root to act as another user"
cd "$CASE_DIR"
remount_pool -o allow_other
cd "$MOUNT"
other() {
	setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
}
assert_fails denied other cat 'vm-instances?count=true'
account other 65534 >/dev/null
assert_eq "$(other jq .total 'vm-instances?count=true')" 0
assert_eq "$(other ls vm-instances/where/name=web | wc -l)" 0
assert_eq "$(other jq .total 'zones?count=true')" "$(jq .total 'zones?count=true')"
assert_eq "$(other ls zones/where/state=Enabled | wc -l)" 1
cd "$CASE_DIR"
