#!/bin/bash
# The main life of a VM on real QEMU over HTTP alone: its first half by curl, its second by python's http.client.
# limit: 600
# shellcheck source=tests/rest/lib.sh
. "$(dirname "$0")/../rest/lib.sh"

media=$(tiny_guest)
host_up h1
mount_pool -o allow_other,rest-user=nobody
rest_up

step "log in; the host is connected"
login
is_connected() {
	http GET '/zstack/v1/hosts?q=status=Connected&fields=uuid'
	[ "$(jq '.inventories | length' <<<"$BODY")" = 1 ]
}
wait_until 20 is_connected

step "an offering, and an image with its real format and size"
assert_job 200 '"name":"tiny"' POST /zstack/v1/instance-offerings '{"params":{"name":"tiny","cpuNum":1,"memorySize":134217728}}'
offering=$(jq -r .inventory.uuid <<<"$BODY")
http GET '/zstack/v1/backup-storage?fields=uuid'
storage=$(jq -r '.inventories[0].uuid' <<<"$BODY")
job POST /zstack/v1/images "$(jq -nc --arg url "file://$media/tiny.qcow2" --arg bs "$storage" \
	'{params: {name: "tiny", url: $url, format: "qcow2", backupStorageUuids: [$bs]}}')"
assert_eq "$STATUS" 200 "the status of adding an image"
image=$(jq -r .inventory.uuid <<<"$BODY")
assert_eq "$(jq -r .inventory.size <<<"$BODY")" "$(qemu-img info --output json "$media/tiny.qcow2" | jq '."virtual-size"')"

step "create: 202, polled, 200 with the inventory; the guest boots"
http GET '/zstack/v1/l3-networks?fields=uuid'
l3=$(jq -r '.inventories[0].uuid' <<<"$BODY")
create=$(jq -nc --arg o "$offering" --arg i "$image" --arg l "$l3" \
	'{params: {name: "web", instanceOfferingUuid: $o, imageUuid: $i, l3NetworkUuids: [$l]}, systemTags: ["hostname::web"], userTags: ["curl"]}')
job_uuid=$(printf %032x 36)
assert_http 202 "\"location\":\"$BASE/zstack/v1/api-jobs/$job_uuid\"" POST /zstack/v1/vm-instances "$create" -H "X-Job-UUID: $job_uuid"
assert_http 202 location GET "/zstack/v1/api-jobs/$job_uuid" # it is real work
ended() {
	SESSION='' http GET "/zstack/v1/api-jobs/$job_uuid"
	[ "$STATUS" != 202 ]
}
wait_until 60 ended
assert_eq "$STATUS" 200 "the status of the job"
assert_match "$BODY" '"state":"Running"'
vm=$(jq -r .inventory.uuid <<<"$BODY")
root=$(jq -r .inventory.rootVolumeUuid <<<"$BODY")
wait_serial "$vm" "TINY ready" 60
wait_serial "$vm" "NET eth0 $(jq -r '.inventory.vmNics[0].ip' <<<"$BODY")/" 20
wait_until 20 agent_ping "$vm"
# The same job again is the same VM.
assert_http 202 location POST /zstack/v1/vm-instances "$create" -H "X-Job-UUID: $job_uuid"
assert_http 200 '"total":1' GET '/zstack/v1/vm-instances?count=true'
assert_http 200 '"tag":"curl"' GET "/zstack/v1/user-tags?q=resourceUuid=$vm"
assert_http 200 "\"uuid\":\"$vm\"" GET "/zstack/v1/vm-instances?q=__userTag__=curl&q=host.managementIp~=%25&q=state=Running"

step "a console that answers at the address given, with the password set"
assert_job 200 '^\{' PUT "/zstack/v1/vm-instances/$vm/actions" '{"setVmConsolePassword":{"consolePassword":"secret12"}}'
assert_http 200 '"protocol":"vnc"' GET "/zstack/v1/vm-instances/$vm/console-addresses"
assert_match "$("$LAB/vnc-auth" "$(jq -r .port <<<"$BODY")")" '^(password|none)$'

step "a snapshot of what the guest has written"
guest "$vm" 'echo first >/root/file; sync'
assert_job 200 '"status":"Ready"' POST "/zstack/v1/volumes/$root/volume-snapshots" '{"params":{"name":"before"}}'
snapshot=$(jq -r .inventory.uuid <<<"$BODY")
guest "$vm" 'echo second >/root/file; sync'

step "the second half, by python's http.client"
cat >life.py <<'PYTHON'
import http.client, json, sys, time
port, session, vm, snapshot = int(sys.argv[1]), *sys.argv[2:5]
connection = http.client.HTTPConnection('127.0.0.1', port, timeout=60)

def request(method, path, body=None):
    headers = {'Authorization': f'OAuth {session}', 'Content-Type': 'application/json;charset=UTF-8'}
    connection.request(method, path, json.dumps(body) if body is not None else None, headers)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())

def act(method, path, body=None, want=200):
    status, answer = request(method, path, body)
    assert status == 202, (path, status, answer)
    location = answer['location'].split(f'127.0.0.1:{port}')[1]
    while (result := request('GET', location))[0] == 202:
        time.sleep(0.1)
    assert result[0] == want, (path, result)
    return result[1]

def state():
    return request('GET', f'/v1/vm-instances/{vm}')[1]['inventory']['state']

actions = f'/v1/vm-instances/{vm}/actions'
step = sys.argv[5]
if step == 'revert':
    error = act('PUT', f'/v1/volume-snapshots/{snapshot}/actions', {'revertVolumeFromSnapshot': {}}, 503)['error']
    assert error['code'].startswith('SYS.') and error['details'], error
    assert act('PUT', actions, {'stopVmInstance': {'type': 'grace'}})['inventory']['state'] == 'Stopped'
    assert state() == 'Stopped'
    act('PUT', f'/v1/volume-snapshots/{snapshot}/actions', {'revertVolumeFromSnapshot': {}})
    assert act('PUT', actions, {'startVmInstance': {}})['inventory']['state'] == 'Running'
    assert state() == 'Running'
else:
    act('DELETE', f'/v1/vm-instances/{vm}?deleteMode=Permissive')
    assert state() == 'Destroyed'
    assert 'error' in act('PUT', actions, {'startVmInstance': {}}, 503)
    assert act('PUT', actions, {'expungeVmInstance': {}}) == {}
    assert request('GET', f'/v1/vm-instances/{vm}')[1]['inventories'] == []
PYTHON
python3 life.py $PORT "$SESSION" "$vm" "$snapshot" revert
wait_serial "$vm" "TINY ready" 60 2
wait_until 20 agent_ping "$vm"
assert_eq "$(guest "$vm" cat /root/file)" first "what the guest finds after going back"

step "destroyed and expunged: nothing is left"
python3 life.py $PORT "$SESSION" "$vm" "$snapshot" end
assert_eq "$(on_host list --all --name | grep -c "$vm" || true)" 0 "the number of its domains"
assert_eq "$(find "$STATE" -name "*$root*")" "" "files of its root volume"
rest_down
