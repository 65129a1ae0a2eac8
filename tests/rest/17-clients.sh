#!/bin/bash
# The requests of the public clients of this interface, as they send them, one file in tests/rest/clients each.
# limit: 240
# shellcheck source=tests/rest/lib.sh
. "$(dirname "$0")/../rest/lib.sh"

mount_pool -o allow_other,rest-user=nobody
rest_up
image=$(small_image)
volume=$(create volumes '{"name":"any","diskSize":"1M"}')
jq -n --arg password "$(sha512 password)" --arg image "$image" --arg offering "$(first instance-offerings)" \
	--arg l3 "$(first l3-networks)" --arg zone "$(first zones)" --arg cluster "$(first clusters)" \
	--arg backupStorage "$(first backup-storage)" --arg imageFile "$CASE_DIR/small.raw" --arg anyVolume "$volume" \
	--arg admin "$(first accounts)" '$ARGS.named' >variables.json
"$TOP/tests/rest/replay-clients" 127.0.0.1:$PORT variables.json "$TOP"/tests/rest/clients/*.json

step "the replay notices what is wrong"
jq '.steps[1].shape.inventories[0].uuid = "integer"' "$TOP/tests/rest/clients/python-sdk.json" >wrong.json
assert_fails 'expected integer' "$TOP/tests/rest/replay-clients" 127.0.0.1:$PORT variables.json wrong.json
rest_down
