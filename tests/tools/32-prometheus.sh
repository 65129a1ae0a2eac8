#!/bin/bash
# Prometheus scrapes the pool with the configuration of the example.
. "$(dirname "$0")/lib.sh"

ip link set lo up 2>/dev/null || true
mount_pool
small_image >/dev/null
promtool check config "$TOP/examples/prometheus.yml"

step "promtool accepts the metrics, except that it expects the help of a counter under the name of its samples"
promtool check metrics <"$MOUNT/metrics" >checked 2>&1 || true
assert_eq "$(grep -v '_total no help text$' checked || true)" "" "what promtool says"

(cd "$MOUNT" && exec /usr/bin/python3 -m http.server --bind 127.0.0.1 9180) 2>served &
server=$!
sed 's/30s/1s/' "$TOP/examples/prometheus.yml" >fast.yml
prometheus --config.file=fast.yml --storage.tsdb.path=data --web.listen-address=127.0.0.1:9190 2>prometheus.log &
prometheus=$!

# scraped QUERY VALUE
scraped() {
	[ "$(curl -sG --data-urlencode "query=$1" http://127.0.0.1:9190/api/v1/query | jq -r '.data.result[0].value[1]')" = "$2" ]
}
wait_until 60 scraped 'up{job="poolfs"}' 1
wait_until 20 scraped 'poolfs_objects{kind="Image"}' 1
wait_until 20 scraped 'poolfs_state{kind="Image",state="Enabled"}' 1
kill $prometheus $server
wait $prometheus || true
wait $server || true
