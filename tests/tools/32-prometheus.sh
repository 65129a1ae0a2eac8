#!/bin/bash
# Prometheus scrapes the pool with the configuration of the example.
. "$(dirname "$0")/lib.sh"

ip link set lo up 2>/dev/null || true
mount_pool
image=$(small_image)
create_vm one "$image" '{"strategy":"CreateStopped"}' >/dev/null
promtool check config "$TOP/examples/prometheus.yml"

step "promtool accepts the text format"
promtool check metrics <"$MOUNT/metrics" || fail "promtool complains"

step "the server of the example serves the metrics and nothing else"
"$TOP/examples/serve-metrics" "$MOUNT" 2>served &
server=$!
wait_until 20 curl -sf -o scraped http://127.0.0.1:9180/metrics
promtool check metrics <scraped
for path in / /README /metrics/ /../metrics "/vm-instances/inventories"; do
	assert_eq "$(curl -s --path-as-is -o /dev/null -w '%{http_code}' "http://127.0.0.1:9180$path")" 404 "$path"
done
assert_match "$(curl -sD - -o open -H 'Accept: application/openmetrics-text;version=1.0.0' http://127.0.0.1:9180/metrics)" "application/openmetrics-text"
assert_eq "$(tail -n 1 open)" "# EOF"

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
step "every query of the dashboard finds something"
jq -r '.panels[].targets[].expr' "$TOP/examples/grafana-dashboard.json" >queries
# answers QUERY: has it at least one series?
answers() {
	[ "$(curl -sG --data-urlencode "query=$1" http://127.0.0.1:9190/api/v1/query | jq '.data.result | length')" -gt 0 ]
}
while read -r query; do
	wait_until 20 answers "$query"
done <queries

kill $prometheus $server
wait $prometheus || true
wait $server || true
