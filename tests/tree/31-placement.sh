#!/bin/bash
# Affinity groups over several simulated hosts, what `placement` says of them, and the candidates.
. "$(dirname "$0")/../tree/lib.sh"

mount_pool
image=$(small_image)
cluster=$(first clusters)
for n in 2 3; do
	create hosts/simulators "$(jq -nc --arg c "$cluster" --arg n "sim$n" \
		'{params: {name: $n, managementIp: ("10.0.0." + $n[3:]), clusterUuid: $c}}')" >/dev/null
done
assert_eq "$(uuids hosts | wc -l)" 3
for h in $(uuids hosts); do wait_for "hosts/$h/status" Connected 20; done

# group POLICY: makes an affinity group.
group() {
	create affinity-groups "$(jq -nc --arg p "$1" '{params: {name: $p, policy: $p}}')"
}

# member NAME GROUP: creates a VM in the group.
member() {
	create vm-instances "$(vm_json "$1" "$image" | jq -c --arg g "$2" '. + {systemTags: ["affinityGroupUuid::\($g)"]}')"
}

step "a new group"
hard=$(group antiHard)
g=affinity-groups/$hard
assert_eq "$(value "$g/policy") $(value "$g/type") $(value "$g/state") $(value "$g/appliance") $(value "$g/version")" \
	"ANTIHARD HOST Enabled CUSTOMER 1.0"
assert_refused affinity-groups/create '{"params":{"name":"x","policy":"pro"}}' EINVAL "antiSoft.*proHard"
echo apart >"$MOUNT/$g/name"
sync "$MOUNT/$g/name"
assert_eq "$(value "$g/name")" apart

step "antiHard: one member per host, and no start when all hosts have one"
vms=()
for n in 1 2 3; do vms+=("$(member "hard$n" "$hard")"); done
assert_eq "$(for v in "${vms[@]}"; do value "vm-instances/$v/hostUuid"; done | sort -u | wc -l)" 3 "the number of hosts"
assert_eq "$(value "$g/inventory" | jq '.usages | length')" 3 "the number of members"
assert_eq "$(value "$g/inventory" | jq -r '.usages[0].resourceUuid')" "${vms[0]}"
job=$(submit vm-instances/create "$(vm_json hard4 "$image" "{}" | jq -c --arg g "$hard" '. + {systemTags: ["affinityGroupUuid::\($g)"]}')")
assert_fails "reserve host" job_wait "$job"
assert_match "$(value "api-jobs/$job/error")" 'HOST_ALLOCATION.1000'

step "the tag follows the membership and cannot be made or removed by hand"
assert_eq "$(grep -l "affinityGroupUuid::$hard" "$MOUNT/vm-instances/${vms[0]}"/tags/* | wc -l)" 1
assert_refused system-tags/create "{\"params\":{\"resourceType\":\"VmInstanceVO\",\"resourceUuid\":\"${vms[0]}\",\"tag\":\"affinityGroupUuid::$hard\"}}" \
	EBUSY AddVmToAffinityGroup
assert_refused vm-instances/create "$(vm_json x "$image" | jq -c '. + {systemTags: ["affinityGroupUuid::00000000000000000000000000000001"]}')" \
	ENOENT 'AffinityGroup .* does not existed'

step "a stopped member occupies no host; start and placement say which member is in the way"
free=$(value "vm-instances/${vms[2]}/hostUuid")
act "vm-instances/${vms[2]}" stop
four=$(member hard4 "$hard")
assert_eq "$(value "vm-instances/$four/hostUuid")" "$free"
placement=$(value "vm-instances/$four/placement")
assert_eq "$(jq -r .hostUuid <<<"$placement")" "$free"
assert_eq "$(jq -r '[.ruledOut[].filter] | join(" ")' <<<"$placement")" "affinity affinity" "why the others were ruled out"
job=$(submit "vm-instances/${vms[2]}/actions" start)
assert_fails "reserve host" job_wait "$job"
assert_match "$(value "api-jobs/$job/error")" 'VM.1001.*HOST_ALLOCATION.1000'
assert_eq "$(value "vm-instances/${vms[2]}/state")" Stopped
assert_match "$(value "vm-instances/${vms[2]}/placement" | jq -r .error)" "reserve host"
assert_eq "$(value "vm-instances/${vms[2]}/placement" | jq '.ruledOut | length')" 3

step "a Get by name reads what has left memory; a target is not looked for by it"
name=$(value "vm-instances/${vms[2]}/name")
session=$(request sessions/call "$(jq -nc --arg hash "$(printf password | sha512sum | cut -d ' ' -f 1)" \
	'{operation: "LogInByAccount", params: {accountName: "admin", password: $hash}}')" | sed 1d | jq -r .inventory.uuid)
assert_eq "$(request "sessions/$session/call" '{"operation":"GetVmPlacement","params":{"uuid":"@'"$name"'"}}' | sed 1d |
	jq '.ruledOut | length')" 3
assert_match "$(request "sessions/$session/call" '{"operation":"StartVmInstance","params":{"placementReport":"x"}}')" "uuid"

step "a disabled group is not considered"
act "$g" change-state stateEvent=disable
assert_refused "$g/actions" "add-vm uuid=${vms[2]}" EBUSY 'which is not enabled'
act "vm-instances/${vms[2]}" start
assert_eq "$(value "vm-instances/${vms[2]}/state")" Running
act "$g" change-state stateEvent=enable

step "leaving and joining"
assert_refused "$g/actions" "add-vm uuid=${vms[0]}" EEXIST 'is already added to affinityGroup'
act "$g" remove-vm "uuid=${vms[2]}"
assert_eq "$(value "$g/inventory" | jq '.usages | length')" 3
assert_eq "$(grep -l "affinityGroupUuid::" "$MOUNT/vm-instances/${vms[2]}"/tags/* 2>/dev/null | wc -l)" 0
assert_refused "$g/actions" "remove-vm uuid=${vms[2]}" ENOENT 'not a member'
assert_refused "$g/actions" "add-vm uuid=${vms[2]}" EBUSY 'There are other VMs on this host'
act "vm-instances/${vms[2]}" stop
act "$g" add-vm "uuid=${vms[2]}"
act "vm-instances/${vms[2]}" destroy
assert_refused "$g/actions" "remove-vm uuid=${vms[2]}" EBUSY 'only in state \[Running,Stopped\]'
act "vm-instances/${vms[2]}" expunge
assert_eq "$(value "$g/inventory" | jq '.usages | length')" 3 "members after one was expunged"

step "antiSoft: spread while there are hosts, then placed anyway"
soft=$(group antiSoft)
softs=()
for n in 1 2 3; do softs+=("$(member "soft$n" "$soft")"); done
assert_eq "$(for v in "${softs[@]}"; do value "vm-instances/$v/hostUuid"; done | sort -u | wc -l)" 3 "the number of hosts"
member soft4 "$soft" >/dev/null

step "proHard: where the others are, and nowhere else"
pro=$(group proHard)
assert_eq "$(value "affinity-groups/$pro/policy")" PROHARD
pros=()
for n in 1 2; do pros+=("$(member "pro$n" "$pro")"); done
home=$(value "vm-instances/${pros[0]}/hostUuid")
assert_eq "$(value "vm-instances/${pros[1]}/hostUuid")" "$home"
act "affinity-groups/$soft" delete
away=${softs[0]}
[ "$(value "vm-instances/$away/hostUuid")" != "$home" ] || away=${softs[1]}
assert_refused "affinity-groups/$pro/actions" "add-vm uuid=$away" EBUSY "doesn't satisfy the affinityGroup .* its members run on other hosts"

step "a tag names the only host that a VM may be on"
bound=$(create vm-instances "$(vm_json bound "$image" | jq -c --arg h "$home" '. + {systemTags: ["requiredHostUuid::\($h)"]}')")
assert_eq "$(value "vm-instances/$bound/hostUuid")" "$home"
assert_match "$(value "vm-instances/$bound/placement" | jq -r '[.ruledOut[].filter] | unique | join(" ")')" required

step "a deleted group releases its members"
act "$g" delete
assert_eq "$(grep -l "affinityGroupUuid::$hard" "$MOUNT"/vm-instances/*/tags/* 2>/dev/null | wc -l)" 0
assert_eq "$(value "vm-instances/${vms[0]}/state")" Running
