#!/bin/bash
# Prometheus scrapes the pool with the configuration of the example, as the account that its comment makes.
# shellcheck source=tests/rest/lib.sh
. "$(dirname "$0")/../rest/lib.sh"

ip link set lo up 2>/dev/null || true
mount_pool -o allow_other,rest-user=nobody
image=$(small_image)
create_vm one "$image" >/dev/null
mkdir prometheus
PASSWORD=$(head -c 12 /dev/urandom | base64)
printf %s "$PASSWORD" >prometheus/poolfs-password
sed "s/127.0.0.1:8080/127.0.0.1:$PORT/; s/30s/1s/" "$TOP/examples/prometheus.yml" >prometheus/fast.yml
cp "$TOP/examples/prometheus.yml" prometheus/
promtool check config prometheus/prometheus.yml

step "promtool accepts the text format"
promtool check metrics <"$MOUNT/metrics" || fail "promtool complains"

step "the commands of the example make the account"
export PASSWORD
sed -n 's/^#   //p' "$TOP/examples/prometheus.yml" | grep -v '^poolfs-rest' | sed "s|/mnt/pool|$MOUNT|" >commands
assert_eq "$(wc -l <commands)" 3 "commands of the example"
bash -eu commands
rest_up --metrics

prometheus --config.file=prometheus/fast.yml --storage.tsdb.path=data --web.listen-address=127.0.0.1:9190 2>prometheus.log &
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

kill $prometheus
wait $prometheus || true
rest_down
