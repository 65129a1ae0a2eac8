#!/bin/bash
# What a job was asked and what it answered is read as long as the job is kept, though it is in the database alone; and
# a job that ended long ago is there in every way, though it is in a block.
# limit: 240
. "$(dirname "$0")/../tree/lib.sh"

mount_pool

# zones NAME NUMBER: creates as many zones, the jobs of which end at once. Many clients, which share commits.
zones() {
	python3 - "$MOUNT/zones/create" "$1" "$2" <<'EOF'
import json, os, sys, threading
def create(numbers):
    fd = os.open(sys.argv[1], os.O_RDWR)
    for i in numbers:
        os.write(fd, (json.dumps({'params': {'name': f'{sys.argv[2]}-{i}'}}) + '\n').encode())
count = int(sys.argv[3])
threads = [threading.Thread(target=create, args=(range(n, count, 100),)) for n in range(100)]
for t in threads: t.start()
for t in threads: t.join()
EOF
}

# shown JOB: all that the tree says of its texts.
shown() {
	local file
	for file in request result inventory; do
		cat "$MOUNT/api-jobs/$1/$file"
		stat -c '%n %s %Y' "$MOUNT/api-jobs/$1/$file"
	done
	cat "$MOUNT/api-jobs?q=uuid=$1&fields=uuid,request,result"
	jq -c --arg job "$1" '.inventories[] | select(.uuid == $job)' "$MOUNT/api-jobs/inventories"
}

# seen JOB: all ways to the job.
seen() {
	local file object
	for file in "$MOUNT/api-jobs/$1"/*; do
		[ -f "$file" ] || continue
		echo "${file##*/}: $(cat "$file") $(stat -c '%a %u %s %Y' "$file")"
	done
	stat -c '%F %a %u %Y' "$MOUNT/api-jobs/$1"
	object=$(value "api-jobs/$1/resource")
	cat "$MOUNT/$object/jobs/$1/result"
	ls "$MOUNT/$object/jobs" "$MOUNT/$object/jobs/$1"
	uuids api-jobs | grep -x "$1"
	jq -S . "$MOUNT/api-jobs?q=resource~=%25${object#*/}"
	jq -S . "$MOUNT/api-jobs?q=operation=CreateZone&q=state=Done&sort=%2Bcreated&limit=1"
	jq -c . "$MOUNT/api-jobs?q=state=Done&q=uuid=$1&count=true"
}

# described JOB TEXT: a request that describes the first zone, as the job.
described() {
	printf '{"updateZone":{"description":"%s"},"jobUuid":"%s"}' "$2" "$1"
}

# repeats: the request of the job is not done again, and another one is refused.
repeats() {
	assert_eq "$(submit "zones/$zone/actions" "$(described "$named" ours)")" "$named" "the job of the repeated request"
	assert_refused "zones/$zone/actions" "$(described "$named" mine)" EEXIST "$named"
	assert_eq "$(value "zones/$zone/description")" theirs "what another request has said since"
	assert_eq "$(seen "$named")" "$before_seen" "all ways to the job"
}

step "a descriptor on the result of a job that runs, and which is polled"
truncate -s 4M big.raw
"$TOP/tests/tree/slow-http" big.raw go >port &
wait_until 10 test -s port
download=$(submit images/create "$(jq -nc --arg url "http://127.0.0.1:$(cat port)/big.raw" --arg bs "$(first backup-storage)" \
	'{params: {name: "big", url: $url, format: "raw", backupStorageUuids: [$bs]}}')")
cat >polled.py <<'EOF'
import os, select, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
assert os.pread(fd, 1 << 20, 0) == b'\n'
poll = select.poll()
poll.register(fd, select.POLLPRI)
assert poll.poll(0) == []
print('polled', flush=True)
sys.stdin.readline()
assert poll.poll(60000), 'nothing woke the poll'
os.write(1, os.pread(fd, 1 << 20, 0))
EOF
coproc polled { python3 polled.py "$MOUNT/api-jobs/$download/result"; }
exec {from}<&"${polled[0]}" {to}>&"${polled[1]}"
read -r line <&"$from"
assert_eq "$line" polled

step "texts are the same when many other jobs have ended, and after a restart"
zone=$(create zones '{"params":{"name":"first"}}')
job=$(jq -r --arg zone "zones/$zone" '.inventories[] | select(.resource == $zone) | .uuid' "$MOUNT/api-jobs/inventories")
before=$(shown "$job")
named=$(tr -d - </proc/sys/kernel/random/uuid)
assert_eq "$(submit "zones/$zone/actions" "$(described "$named" ours)")" "$named" "the job"
job_wait "$named"
echo theirs >"$MOUNT/zones/$zone/description"
before_seen=$(seen "$named")
assert_eq "$(value "api-jobs/$job/result" | jq -r .inventory.uuid)" "$zone"
touch go
job_wait "$download"
zones other 1200
assert_eq "$(shown "$job")" "$before" "the job, when 1200 others have ended"
repeats
assert_eq "$(stat -c %s "$MOUNT/api-jobs/$job/request")" "$(value "api-jobs/$job/request" | wc -c)" "the size"
result=$(value "api-jobs/$download/result")
echo >&"$to"
assert_eq "$(cat <&"$from")" "$result" "what the polled descriptor shows"
remount_pool
assert_eq "$(shown "$job")" "$before" "the job, after a restart"
assert_eq "$(value "api-jobs/$download/result")" "$result"
repeats

step "queries look into them"
assert_eq "$(jq -r '.inventories | length' "$MOUNT/api-jobs?q=result~=%25other-77%22%25&limit=10")" 1
assert_eq "$(jq -r '.inventories[0].uuid' "$MOUNT/api-jobs?q=request~=%25%22first%22%25&limit=10")" "$job"

step "readers get them while the worker is killed, and while the jobs are removed: the right bytes, or that it is gone"
cat >readers.py <<'EOF'
import errno, json, os, sys, threading
jobs, until, may_go = f'{sys.argv[1]}/api-jobs', sys.argv[2], sys.argv[3] == 'may-go'
wrong, counts = [], {'read': 0, 'gone': 0}
def read(path):
    with open(path) as f:
        return f.read()
def reader(part):
    names = [n for n in os.listdir(jobs) if len(n) == 32][part::4]
    begun.wait()
    while not wrong:
        for name in names:
            try:
                resource = read(f'{jobs}/{name}/resource').strip()
                text = read(f'{jobs}/{name}/result')
                answer = json.loads(text)['inventory']['uuid']
                if resource.split('/')[1] != answer:
                    wrong.append(f'{name} is of {resource} and answers {answer}')
                if json.loads(read(f'{jobs}/{name}/inventory'))['result'] != text[:-1]:
                    wrong.append(f'the inventory of {name} has another result')
                counts['read'] += 1
            except OSError as e:
                if not may_go or e.errno not in (errno.ENOENT, errno.ESTALE):
                    wrong.append(f'{name}: {e}')
                counts['gone'] += 1
            if wrong or os.path.exists(until) and counts['read'] >= 100:
                return
        if may_go and counts['gone'] >= 100:
            return
begun = threading.Barrier(5)
threads = [threading.Thread(target=reader, args=(i,)) for i in range(4)]
for t in threads: t.start()
begun.wait()
open('reading', 'w').close()
for t in threads: t.join()
print(counts, *wrong, sep='\n')
sys.exit(bool(wrong) or may_go and not counts['gone'])
EOF
python3 readers.py "$MOUNT" killed stays &
readers=$!
for _ in $(seq 10); do
	kill -KILL "$(worker_pid)"
	sleep 0.5
done
touch killed
wait $readers
rm reading
python3 readers.py "$MOUNT" never may-go &
readers=$!
wait_until 20 test -e reading
echo 3 >"$MOUNT/global-configurations/job/ended.maxNum/value"
echo 1 >"$MOUNT/global-configurations/rest/expiredApi.scanInterval/value"
wait $readers
few_jobs() {
	[ "$(uuids api-jobs | wc -l)" -le 3 ]
}
wait_until 20 few_jobs
[ ! -e "$MOUNT/api-jobs/$named" ] || fail "the repeated job is still there"
[ ! -e "$MOUNT/api-jobs/$job" ] || fail "the first job is still there"
