#!/bin/bash
# Random queries over random data: tree, REST and a slow reference agree.
# limit: 240
# long: 600
# shellcheck source=tests/rest/lib.sh
. "$(dirname "$0")/../rest/lib.sh"

mount_pool -o allow_other,rest-user=nobody
rest_up
login
RANDOM=7

step "random data"
texts=(web db 'a=b' "o'neill" 'x>=1' 'Web' WEB 'a%b' 'a_b' 'äöü' 'ÄÖÜ' '日本' 'two words' 'q&q' '1,2' 'a+b' '"quoted"' 'back\slash' '~=%')
pick() { echo "${texts[RANDOM % ${#texts[@]}]}"; }
image=$(small_image)
for _ in {1..5}; do
	create zones "$(jq -nc --arg n "$(pick)" --arg d "$(pick)" '{params: {name: $n, description: $d}}')" >/dev/null
done
for _ in {1..25}; do
	create instance-offerings "$(jq -nc --arg n "$(pick)" --arg d "$(pick)" --argjson c $((RANDOM % 4 + 1)) --argjson m $(((RANDOM % 4 + 1) << 26)) \
		'{params: {name: $n, cpuNum: $c, memorySize: $m}} | if $c > 2 then .params.description = $d else . end')" >/dev/null
done
small=()
for i in 1 2 3; do
	small+=("$(create instance-offerings "$(jq -nc --argjson i $i '{params: {name: "small", cpuNum: $i, memorySize: ($i * 16777216)}}')")")
done
for i in {1..20}; do
	vm=$(create_vm "$(pick)" "$image" "$(jq -nc --arg o "${small[RANDOM % 3]}" --arg d "$(pick)" --argjson i "$i" \
		'{instanceOfferingUuid: $o} | if $i % 4 > 0 then .description = $d else . end')")
	[ $((i % 3)) != 0 ] || act "vm-instances/$vm" stop
	[ $((i % 2)) != 0 ] || create user-tags "$(jq -nc --arg r "$vm" --arg t "$(pick)" '{resourceType: "VmInstanceVO", resourceUuid: $r, tag: $t}')" >/dev/null
done

step "random queries"
"$TOP/tests/rest/random-queries" 127.0.0.1 $PORT "$SESSION" "$MOUNT" "$(number 500 2500)" 11
rest_down
