#!/bin/bash
# A reader of events that is stopped and resumed 100 times while four writers make 2,400 changes (10,000 in the
# suite `long`) misses none.
# limit: 200
# long: 600
. "$(dirname "$0")/../tree/lib.sh"

mount_pool
for i in 1 2 3 4; do
	create zones "{\"params\":{\"name\":\"zone$i\"}}" >/dev/null
done
python3 - "$MOUNT" "$(number 600 2500)" <<'END'
import json
import multiprocessing
import os
import random
import sys

STOPS, WRITERS, CHANGES = 100, 4, int(sys.argv[2])
os.chdir(sys.argv[1])
zones = [os.path.realpath(f"zones/by-name/zone{i + 1}") for i in range(WRITERS)]


def write(zone, done):
    for i in range(CHANGES):
        with open(zone + "/description", "w") as f:
            f.write(f"change {i}\n")
    done.release()


def read_some(since, lines_wanted):
    """The next complete lines, read in pieces that end anywhere; what is left of a line is forgotten."""
    fd = os.open(f"events?since={since}", os.O_RDONLY)
    text = b""
    while text.count(b"\n") < lines_wanted and (piece := os.read(fd, random.randint(1, 65536))):
        text += piece
    os.close(fd)
    return [json.loads(line) for line in text.split(b"\n")[:-1]]


def last():
    return json.loads(os.popen("tail -n 1 events").read())["sequence"]


random.seed(1)
begin = since = last()
done = multiprocessing.Semaphore(0)
writers = [multiprocessing.Process(target=write, args=(zone, done)) for zone in zones]
for w in writers:
    w.start()
events, stops, running = [], 0, WRITERS
while running or events[-1]["sequence"] < last():
    while running and done.acquire(block=False):
        running -= 1
    got = read_some(since, random.randint(1, CHANGES // 5))
    if got:
        events += got
        since = got[-1]["sequence"]
        stops += 1
for w in writers:
    w.join()
    assert w.exitcode == 0

assert stops >= STOPS, f"stopped only {stops} times"
assert [e["sequence"] for e in events] == list(range(begin + 1, begin + 1 + len(events))), "a gap or a duplicate"
for zone in zones:
    changes = [e["changes"]["description"] for e in events if e["kind"] == "Zone" and e["uuid"] == zone[-32:]]
    assert [c["to"] for c in changes] == [f"change {i}" for i in range(CHANGES)], zone
    assert [c["from"] for c in changes[1:]] == [c["to"] for c in changes[:-1]], zone
jobs = [e["uuid"] for e in events if e["kind"] == "Job" and e["event"] == "created"]
assert len(jobs) == len(set(jobs)) == WRITERS * CHANGES
with open("../jobs-told", "w") as f:
    f.write("".join(job + "\n" for job in jobs))
print(f"{len(events)} events, the reader was stopped {stops} times")
END

step "the order is that of the commits"
sqlite3 -readonly "$STATE/pool.db" "SELECT uuid FROM job WHERE operation = 'UpdateZone' ORDER BY id" | cmp - jobs-told
END_SEQUENCE=$(tail -n 1 "$MOUNT/events" | jq .sequence)
assert_eq "$(sqlite3 -readonly "$STATE/pool.db" "SELECT max(sequence) FROM event")" "$END_SEQUENCE"
