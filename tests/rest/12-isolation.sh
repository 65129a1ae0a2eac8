#!/bin/bash
# What one account can learn of, and do to, the objects of another: nothing.
# shellcheck source=tests/rest/lib.sh
. "$(dirname "$0")/../rest/lib.sh"

mount_pool -o allow_other,rest-user=nobody
rest_up
login
truncate -s 1M "$CASE_DIR/disk.raw"
image=$(add_image "$CASE_DIR/disk.raw" raw theirs)
vm=$(create_vm theirs "$image" '{"strategy":"JustCreate"}')
assert_job 200 '"name":"theirs"' POST /v1/affinity-groups '{"params":{"name":"theirs","policy":"antiSoft"}}'
group=$(jq -r .inventory.uuid <<<"$BODY")
assert_job 200 '"name":"bob"' POST /v1/accounts "{\"params\":{\"name\":\"bob\",\"password\":\"$(sha512 secret)\"}}"
l3=$(first l3-networks)
host=$(first hosts)
unshare "$l3"
login bob secret

# refused METHOD PATH JSON
refused() {
	assert_job 503 'ID.1002' "$@"
}

step "nobody tags what belongs to others, or to no account"
for tag in rootPassword::x sshkey::x userdata::eA== consolePassword::abc hostname::zz pciDevice::0000:00:1f.2 vmCpuPinning::0:0; do
	refused POST /v1/system-tags "{\"params\":{\"resourceType\":\"VmInstanceVO\",\"resourceUuid\":\"$vm\",\"tag\":\"$tag\"}}"
done
refused POST /v1/user-tags "{\"params\":{\"resourceType\":\"VmInstanceVO\",\"resourceUuid\":\"$vm\",\"tag\":\"x\"}}"
refused POST /v1/user-tags "{\"params\":{\"resourceType\":\"HostVO\",\"resourceUuid\":\"$host\",\"tag\":\"x\"}}"
assert_not grep -rqE '::(x|zz)$' "$MOUNT/vm-instances/$vm/tags"

step "nobody uses or changes what belongs to others, named in whatever way"
refused PUT "/v1/vm-instances/$vm/actions" '{"stopVmInstance":{}}'
assert_job 200 '"name":"mine"' POST /v1/affinity-groups '{"params":{"name":"mine","policy":"antiHard"}}'
mine=$(jq -r .inventory.uuid <<<"$BODY")
refused POST "/v1/affinity-groups/$mine/vm-instances/$vm" '{}'
refused DELETE "/v1/affinity-groups/$group"
refused PUT "/v1/vm-instances/$vm/actions" "{\"changeVmImage\":{\"imageUuid\":\"$image\"}}"
refused POST /v1/disk-offerings "{\"params\":{\"name\":\"d\",\"diskSize\":1048576},\"systemTags\":[\"iso::$image::0\"]}"
refused POST /v1/disk-offerings '{"params":{"name":"d","diskSize":1048576},"systemTags":["pciDevice::0000:00:1f.2"]}'

step "what is refused is no job of the object that it names: its owner waits for none, and finds none"
assert_eq "$(value "vm-instances/$vm/last-error")" ok
sync "$MOUNT/vm-instances/$vm/actions"
for path in /v1/api-jobs "/v1/api-jobs?q=error~=%25$vm%25"; do
	assert_http 200 'inventories' GET "$path"
	assert_not grep -q "$vm" <<<"$BODY"
done
assert_eq "$(cat "$MOUNT/vm-instances/$vm/jobs"/*/accountUuid | sort -u)" "" "the accounts of the VM's jobs but root"

step "lists, counts and jobs show only the account's own objects"
for path in /v1/vm-instances /v1/images /v1/volumes /v1/l3-networks /v1/vm-instances/nics /v1/api-jobs; do
	assert_http 200 '' GET "$path"
	assert_not grep -q theirs <<<"$BODY"
done
for path in "/v1/images/iso/$image/vm-candidates" "/v1/images-l3networks/dependencies?zoneUuid=$(first zones)&imageUuid=$image" \
	"/v1/ip-capacity?l3NetworkUuids=$l3" "/v1/vm-instances/$vm/capabilities"; do
	assert_http 503 'ID.1002' GET "$path"
done
assert_http 200 '"totalCapacity":0' GET '/v1/ip-capacity?all=true'

step "a uuid that is taken does not say by what"
assert_job 503 "SYS.1007.*'$vm' is already taken\"" POST /v1/disk-offerings \
	"{\"params\":{\"name\":\"d\",\"diskSize\":1048576,\"resourceUuid\":\"$vm\"}}"
rest_down
