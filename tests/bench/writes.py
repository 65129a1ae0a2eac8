# SPDX-License-Identifier: Apache-2.0
"""What a pool of some size accepts and does: requests, jobs on simulated hosts, events, and its restart."""
import json
import os
import sqlite3
import statistics
import time

import table

CLIENTS = 64
JOBS = 1000
first_rate = {}
disk = {}


def measure_disk(pool):
    file = pool.path("instance-offerings", pool.offering, "description")
    disk["commits"] = 1e6 / pool.programs.probe("accept", 2, file, pool.folder, "one\n", "two\n")["commit"]


def accepts(pool, vms, measure):
    """@measure: see breakdown.py."""
    names = pool.uuids("vm-instances")
    got = pool.programs.probe("accept", 4, pool.path("vm-instances", names[0], "description"), pool.folder, "one\n", "two\n")
    table.ratio("accept of a request, durable, one client", vms, got["accept"], "us", got["commit"],
                "one SQLite commit", limit=1.5)
    for what, file, text, *options in ((f"accepts with {CLIENTS} clients, which open a value for each", "description", "number"),
                                       (f"accepts with {CLIENTS} clients, which have actions open", "actions",
                                        "update description=", "open")):
        lines = [f"{pool.path('vm-instances', names[i % len(names)], file)}\t{text}{i}" for i in range(60000)]
        got = measure(pool, vms, what.replace("accepts with", "accept of"), lambda got: 60000 - got["left"],
                      lambda: _submit(pool, lines, 4, *options))
        if disk["commits"] >= 1000:
            table.limit(what, vms, got["accepted"], "/s", 15000, "SQLite commits, one after the other", disk["commits"],
                        at_least=True)
        else:
            table.ratio(what, vms, got["accepted"], "/s", disk["commits"], "SQLite commits, one after the other")


def _submit(pool, lines, seconds, *options):
    got = pool.programs.probe("submit", CLIENTS, seconds, pool.path("api-jobs"), *options, input="\n".join(lines) + "\n")
    refuse(got)
    return got


def refuse(got):
    if got["refused"]:
        raise RuntimeError(f"{got['refused']:.0f} requests were refused")


def create(pool, name, *options):
    """Makes VMs on the simulated host, which then run; how many a second, and their uuids."""
    text = json.dumps(pool.vm_params("NAME", hostUuid=pool.large))
    before = set(pool.uuids("vm-instances"))
    lines = [pool.path("vm-instances", "create") + "\t" + text.replace("NAME", f"{name}-{i}") for i in range(JOBS)]
    rate = _submit(pool, lines, 60, *options)["done"]
    return rate, sorted(set(pool.uuids("vm-instances")) - before)


def act(pool, made, verb):
    """How many VMs do it a second."""
    return _submit(pool, [f"{pool.path('vm-instances', vm, 'actions')}\t{verb}" for vm in made], 60)["done"]


def jobs(pool, vms):
    """Creates, stops and starts VMs on the simulated host."""
    created, made = create(pool, f"job-{vms}", "open")
    rates = {"create, with volume and NIC, and start": created, "stop": act(pool, made, "stop type=cold"),
             "start": act(pool, made, "start")}
    rates[f"create, by {CLIENTS} clients that open the file for each"] = create(pool, f"open-{vms}")[0]
    failed = json.loads(pool.read("api-jobs?q=state=Failed&count=true"))["total"]
    if failed:
        raise RuntimeError(f"{failed} jobs failed: {pool.read('api-jobs?q=state=Failed&limit=1')}")
    for what, rate in rates.items():
        table.limit(f"jobs on a simulated host: {what}", vms, rate, "/s", 2000, "SQLite commits, one after the other",
                    disk["commits"], at_least=True)
    table.limit(f"{JOBS:,} creations", vms, JOBS / created, "s", 1, f"{JOBS:,} SQLite commits, one after the other",
                JOBS / disk["commits"])
    if first_rate:
        table.ratio(f"the {vms:,}th creation", vms, created, "/s", first_rate["rate"], f"that of a pool of {first_rate['vms']:,}",
                    least=0.9)
    else:
        first_rate.update(rate=created, vms=vms)


def events(pool, vms):
    names = pool.uuids("vm-instances")[:1000]
    paths = "".join(pool.path("vm-instances", name, "actions") + "\n" for name in names)
    got = pool.programs.probe("events", 100, 32, 10000, 3, pool.path("events"), input=paths)
    refuse(got)
    table.limit("events: changes that 100 followers read, of 10,000/s", vms, got["changes"], "/s", 10000,
                "SQLite commits, one after the other", disk["commits"], at_least=True)
    table.limit("events: the most that one of 100 followers is behind", vms, got["lag"] / 1e3, "ms", 100,
                "one SQLite commit", 1e3 / disk["commits"])


def _read_rows(pool):
    """What SQLite takes to read all rows, s."""
    start = time.monotonic()
    db = sqlite3.connect(f"file:{pool.state}/pool.db?mode=ro", uri=True)
    for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        for _ in db.execute(f'SELECT * FROM "{name}"'):
            pass
    db.close()
    return time.monotonic() - start


def mount(pool, vms):
    """Mounts the pool; and the memory that it then has."""
    rows = _read_rows(pool)
    start = time.monotonic()
    pool.start()
    os.listdir(pool.path("vm-instances"))
    table.limit("mount to the first ls", vms, time.monotonic() - start, "s", 1, "SQLite reads all rows", rows)
    pool.wait_connected()
    time.sleep(1)
    what, used = "memory, each VM with root volume, NIC, two ended jobs, two tags", pool.status("VmRSS") / 1e6
    database = os.path.getsize(f"{pool.state}/pool.db") / 1e6
    if vms >= 100000:
        table.limit(what, vms, used, "MB", 250, "the database", database)
    else:
        table.ratio(what, vms, used, "MB", database, "the database")


def _first_reads(pool, vms, kills):
    """How long a read waits after each kill of the process that serves the mount, s: the median."""
    name, times = pool.uuids("vm-instances")[0], []
    for _ in range(kills):
        time.sleep(1 + vms / 50000)
        pool.kill()
        start = time.monotonic()
        pool.read("vm-instances", name, "state")
        times.append(time.monotonic() - start)
    return statistics.median(times)


def restarts(pool, vms, kills=5):
    """Of the pool as it was mounted: its VMs with what belongs to them, and nothing else."""
    table.limit("kill -9 of the process to the next read", vms, _first_reads(pool, vms, kills) * 1e3, "ms",
                100 if vms <= 1000 else 1000, "SQLite reads all rows", _read_rows(pool) * 1e3)


def busy_restarts(pool, vms, kills=3):
    """The same after the other groups, which have left jobs and events."""
    jobs = pool.json("api-jobs?count=true")["total"]
    table.ratio(f"the same, of a pool with {jobs:,} jobs and the latest events", vms, _first_reads(pool, vms, kills) * 1e3, "ms",
                _read_rows(pool) * 1e3, "SQLite reads all rows")


def ended_jobs(pool, vms, more=3):
    """What an ended job takes in memory: the same VMs with so many times as many of them."""
    pool.start()
    pool.wait_connected()
    time.sleep(1)
    before = pool.status("RssAnon")
    pool.stop()
    added = _copy_jobs(pool, more)
    pool.start()
    pool.wait_connected()
    time.sleep(1)
    grown = (pool.status("RssAnon") - before) / added
    pool.stop()
    table.limit("memory that an ended job takes", vms, grown, "bytes", 64, "", None)


def _copy_jobs(pool, times):
    with pool.rows() as db:
        columns = [c[1] for c in db.execute("PRAGMA table_info(job)") if c[1] not in ("id", "uuid")]
        texts = ", ".join(f'"{c[1]}"' for c in db.execute("PRAGMA table_info(job_text)") if c[1] != "id")
        names, top = ", ".join(columns), db.execute("SELECT max(id) FROM job").fetchone()[0]
        for i in range(1, times):
            db.execute(f"INSERT INTO job (id, uuid, {names}) SELECT id + {i * top}, lower(hex(randomblob(16))), {names} "
                       f"FROM job WHERE id <= {top}")
            db.execute(f"INSERT INTO job_text SELECT id + {i * top}, {texts} FROM job_text WHERE id <= {top}")
        count = db.execute("SELECT count(*) FROM job").fetchone()[0]
    return count - count // times


def _switches(pids):
    """How often the threads of the processes have begun to run, by thread."""
    count = {}
    for pid in pids:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/status", encoding="utf-8") as f:
                count[task] = sum(int(line.split()[1]) for line in f if "voluntary_ctxt_switches" in line)
            with open(f"/proc/{pid}/task/{task}/comm", encoding="utf-8") as f:
                count[task] = (f.read().strip(), count[task])
    return count


def idle(pool, seconds=20):
    pids = pool.process()[1]
    before = _switches(pids)
    time.sleep(seconds)
    after = _switches(pids)
    woken = {t: (name, n - before.get(t, (name, 0))[1]) for t, (name, n) in after.items() if n > before.get(t, (name, 0))[1]}
    who = ", ".join(sorted(f"{name}: {n}" for name, n in woken.values())) or "no thread"
    table.limit(f"idle: wake-ups a minute (in {seconds} s: {who})", 0, sum(n for _, n in woken.values()) * 60 / seconds,
                "/min", 0, "", None)
    table.limit("idle: memory of an empty pool", 0, pool.status("VmRSS") / 1e6, "MB", 25, "", None)
