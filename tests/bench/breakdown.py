# SPDX-License-Identifier: Apache-2.0
"""What one operation costs the daemon: processor time and switches of each thread, and what it writes to the disk."""
import os

import writes

HEAD = ("of one", "VMs", "thread", "processor, us", "begins to run", "of all")
rows = []


def _threads(pids):
    """Of each thread name: ns on a processor, and how often it began to run."""
    used = {}
    for pid in pids:
        for task in os.listdir(f"/proc/{pid}/task"):
            try:
                with open(f"/proc/{pid}/task/{task}/comm", encoding="utf-8") as f:
                    name = "main: FUSE" if int(task) == pid else f.read().strip()
                with open(f"/proc/{pid}/task/{task}/schedstat", encoding="utf-8") as f:
                    ns, _, times = map(int, f.read().split())
            except OSError:
                continue
            before = used.get(name, (0, 0))
            used[name] = (before[0] + ns, before[1] + times)
    return used


def _written(pid):
    with open(f"/proc/{pid}/io", encoding="utf-8") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("write_bytes"))


def measure(pool, vms, what, count, action):
    """@count: how many operations; or what tells it of what @action returns, which is returned here, too."""
    worker, pids = pool.process()
    before, written = _threads(pids), _written(worker)
    got = action()
    after = _threads(pids)
    count = count(got) if callable(count) else count
    spent = {name: tuple(a - b for a, b in zip(used, before.get(name, (0, 0)))) for name, used in after.items()}
    total = sum(ns for ns, _ in spent.values())
    for name, (ns, times) in sorted(spent.items(), key=lambda item: -item[1][0]):
        if ns > total / 100:
            rows.append((what, f"{vms:,}", name, f"{ns / 1e3 / count:.1f}", f"{times / count:.2f}", f"{100 * ns / total:.0f} %"))
    rows.append((what, f"{vms:,}", "all", f"{total / 1e3 / count:.1f}", f"{sum(t for _, t in spent.values()) / count:.2f}",
                 f"writes {(_written(worker) - written) / 1024 / count:.1f} KiB"))
    return got


def _read(path, count):
    for _ in range(count):
        fd = os.open(path, os.O_RDONLY)
        while os.read(fd, 4096):
            pass
        os.close(fd)


def _write(path, count):
    for i in range(count):
        fd = os.open(path, os.O_WRONLY)
        os.write(fd, b"one\n" if i % 2 else b"two\n")
        os.close(fd)


def breakdown(pool, vms):
    vm = pool.path("vm-instances", pool.uuids("vm-instances")[0])
    measure(pool, vms, "read of state (open, read twice, close)", 10000, lambda: _read(f"{vm}/state", 10000))
    measure(pool, vms, "accepted value (open, write, close)", 1000, lambda: _write(f"{vm}/description", 1000))
    made = []
    measure(pool, vms, "creation with volume and NIC and start, on a simulated host, of many", writes.JOBS,
            lambda: made.extend(writes.create(pool, f"breakdown-{vms}")[1]))
    measure(pool, vms, "stop on a simulated host, of many", writes.JOBS, lambda: writes.act(pool, made, "stop type=cold"))


def markdown():
    lines = ["| " + " | ".join(HEAD) + " |", "|---|--:|---|--:|--:|---|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"
