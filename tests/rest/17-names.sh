#!/bin/bash
# @name stands for a uuid in paths and parameters, for what the account sees.
# shellcheck source=tests/rest/lib.sh
. "$(dirname "$0")/../rest/lib.sh"

mount_pool -o allow_other,rest-user=nobody
rest_up
login
truncate -s 1M "$CASE_DIR/disk.raw"
image=$(add_image "$CASE_DIR/disk.raw" raw debian)
offering=$(value "instance-offerings/$(first instance-offerings)/name")
network=$(value "l3-networks/$(first l3-networks)/name")

step "in a creation, a path, an action, a query of one object"
assert_job 200 '"name":"web"' POST /v1/vm-instances "$(jq -nc --arg o "@$offering" --arg l "@$network" \
	'{params: {name: "web", imageUuid: "@debian", instanceOfferingUuid: $o, l3NetworkUuids: [$l], strategy: "CreateStopped"},
		systemTags: ["staticIp::\($l)::10.123.0.77"]}')"
vm=$(jq -r .inventory.uuid <<<"$BODY")
assert_eq "$(jq -r '.inventory | .imageUuid, .vmNics[0].ip' <<<"$BODY" | xargs)" "$image 10.123.0.77" "the VM"
assert_http 200 "\"uuid\":\"$vm\"" GET /v1/vm-instances/@web
assert_job 200 '"description":"found"' PUT /v1/vm-instances/@web/actions '{"updateVmInstance":{"description":"found"}}'
assert_http 200 '"hosts"' GET /v1/vm-instances/@web/starting-target-hosts
assert_eq "$(value "vm-instances/$vm/description")" found

step "unknown and ambiguous names"
assert_http 503 "no VM is named 'wep'" GET /v1/vm-instances/@wep
assert_job 503 "no VM is named 'wep'" PUT /v1/vm-instances/@wep/actions '{"startVmInstance":{}}'
twin=$(create_vm web "$image" '{"strategy":"CreateStopped"}')
assert_job 503 "ambiguous, 2 objects.*$twin" PUT /v1/vm-instances/@web/actions '{"startVmInstance":{}}'

step "another account does not learn of them"
assert_job 200 bob POST /v1/accounts "{\"params\":{\"name\":\"bob\",\"password\":\"$(sha512 secret)\"}}"
login bob secret
assert_http 503 "no VM is named 'web'" GET /v1/vm-instances/@web
assert_job 503 "no image is named 'debian'" POST /v1/vm-instances "$(jq -nc --arg o "@$offering" --arg l "@$network" \
	'{params: {name: "his", imageUuid: "@debian", instanceOfferingUuid: $o, l3NetworkUuids: [$l]}}')"
rest_down
