#!/bin/bash
# Requests made from the OpenAPI document: each answer is valid under it, and the pool goes on.
# limit: 240
# long: 3600
# shellcheck source=tests/rest/lib.sh
. "$(dirname "$0")/../rest/lib.sh"

mount_pool -o allow_other,rest-user=nobody
rest_up
image=$(small_image)
create_vm one "$image" >/dev/null
create_vm two "$image" '{"dataDiskSizes":["1M"]}' >/dev/null
seed=$((RANDOM * 32768 + RANDOM))
"$TOP/tests/rest/generated-requests" 127.0.0.1:$PORT "$(number 1500 20000)" $seed
SESSION='' assert_http 200 '"version"' PUT /v1/management-nodes/actions '{"getVersion":{}}'
rest_down
