# SPDX-License-Identifier: Apache-2.0
"""What readers of a pool of some size get: values, listings, inventories, queries."""
import os
import sqlite3
import statistics
import subprocess
import time

import table
from pool import run, timed

SYSFS = "/sys/devices/virtual/net/lo/mtu"
QUIET = {"env": {**os.environ, "LC_ALL": "C"}}


class Files:
    """The same values as files on tmpfs, and the floor of FUSE, for as many VMs as the pool has."""

    def __init__(self, programs, folder, shm):
        self.programs, self.shm, self.servers = programs, shm, []
        self.floor_mount, self.no_open_mount = f"{folder}/floor", f"{folder}/floor-no-open"
        os.mkdir(self.floor_mount)
        os.mkdir(self.no_open_mount)

    def resize(self, pool, vms):
        self.close()
        self.names = pool.uuids("vm-instances")
        self.vm = self.names[len(self.names) // 2]
        for name in self.names:
            path = f"{self.shm}/{name}"
            if not os.path.isdir(path):
                os.mkdir(path)
                with open(f"{path}/state", "w", encoding="utf-8") as f:
                    f.write("Stopped\n")
        with open(f"{self.shm}/list", "w", encoding="utf-8") as f:
            f.write("".join(f"{name}/state\n" for name in self.names))
        for mount, options in (self.floor_mount, []), (self.no_open_mount, ["no-open"]):
            self.servers.append((mount, subprocess.Popen([self.programs["bench-floor"], str(len(self.names)), mount] + options)))
            while not os.path.ismount(mount):
                time.sleep(0.01)
        self.kept, self.asked = os.listdir(self.floor_mount)[:2]
        with open(f"{self.shm}/floor-list", "w", encoding="utf-8") as f:
            f.write("".join(f"{name}/state\n" for name in sorted(os.listdir(self.floor_mount))))

    def close(self):
        for mount, server in self.servers:
            run("umount", mount)
            server.wait()
        self.servers = []

    def pids(self):
        return [server.pid for _, server in self.servers]

    def grep(self, folder, warm=0):
        """
        `grep -l Running` over the values of all VMs, s. What keeps contents is warm after two: the first one has the kernel
        read them all, after which it asks for the times of access once.
        """
        names = "floor-list" if folder in (self.floor_mount, self.no_open_mount) else "list"
        command = f"xargs -s 1000000 -a {self.shm}/{names} grep -l Running >/dev/null || true"
        return timed("sh", "-c", command, times=3, warm=warm, cwd=folder, **QUIET)


def _latency(pool, files, domain, rounds=4000):
    return pool.programs.probe(
        "latency", rounds, *(domain or ("-", "-")), f"tmpfs={files.shm}/{files.vm}/state", f"sysfs={SYSFS}",
        f"asked={files.floor_mount}/{files.asked}/state", f"kept={files.floor_mount}/{files.kept}/state",
        f"no-open={files.no_open_mount}/{files.asked}/state",
        f"pool={pool.path('vm-instances', files.vm, 'state')}")


def values(pool, files, vms, domain):
    got = _latency(pool, files, domain)
    table.ratio("stat of a known path, warm", vms, got["pool.stat"], "us", got["tmpfs.stat"], "tmpfs", limit=1.5)
    read = "open, read and close of state, warm"
    if domain:
        table.ratio(read, vms, got["pool.read"], "us", got["domain"], "virDomainGetState over the local socket", limit=1)
    else:
        table.skip(f"{read}, against libvirt", vms, "there is no host with libvirt")
    table.ratio(read, vms, got["pool.read"], "us", got["sysfs.read"], "sysfs", limit=4)
    table.ratio(read, vms, got["pool.read"], "us", got["tmpfs.read"], "tmpfs")
    table.ratio(read, vms, got["pool.read"], "us", got["asked.read"], "the floor of FUSE that asks each time")
    table.ratio(read, vms, got["pool.read"], "us", got["kept.read"], "the floor of FUSE that keeps contents")
    table.ratio("stat of a file that was just read", vms, got["pool.then"], "us", got["asked.then"],
                "the floor of FUSE that asks each time")
    grep, ours = "grep -l Running, of all states", files.grep(pool.path("vm-instances"), warm=2) * 1e3
    table.ratio(grep, vms, ours, "ms", files.grep(files.shm) * 1e3, "tmpfs", limit=8)
    table.ratio(grep, vms, ours, "ms", files.grep(files.floor_mount) * 1e3, "the floor of FUSE that asks each time")
    with pool.on_one_cpu(files.pids()):
        got = _latency(pool, files, None, rounds=1000)
        ours, plain = files.grep(pool.path("vm-instances"), warm=2) * 1e3, files.grep(files.shm) * 1e3
    read = "open, read and close of state, on one processor"
    table.ratio(read, vms, got["pool.read"], "us", got["sysfs.read"], "sysfs")
    table.ratio(read, vms, got["pool.read"], "us", got["asked.read"], "the floor of FUSE that asks each time")
    table.ratio(f"{grep}, on one processor", vms, ours, "ms", plain, "tmpfs")


def values_read_only(pool, files, vms):
    got = _latency(pool, files, None, rounds=1000)
    read, enosys = "open, read and close of state, warm, read-only mount", "the floor of FUSE that answers open ENOSYS"
    table.ratio(read, vms, got["pool.read"], "us", got["sysfs.read"], "sysfs", limit=1)
    table.ratio(read, vms, got["pool.read"], "us", got["asked.read"], "the floor of FUSE that asks each time")
    table.ratio(read, vms, got["pool.read"], "us", got["no-open.read"], enosys)
    with pool.on_one_cpu(files.pids()):
        got = _latency(pool, files, None, rounds=1000)
    read = "open, read and close of state, on one processor, read-only mount"
    table.ratio(read, vms, got["pool.read"], "us", got["asked.read"], "the floor of FUSE that asks each time")
    grep, ours = "grep -l Running, of all states, read-only mount", files.grep(pool.path("vm-instances"), warm=2) * 1e3
    table.ratio(grep, vms, ours, "ms", files.grep(files.shm) * 1e3, "tmpfs", limit=1.5)
    table.ratio(grep, vms, ours, "ms", files.grep(files.floor_mount) * 1e3, "the floor of FUSE that asks each time")
    table.ratio(grep, vms, ours, "ms", files.grep(files.no_open_mount, warm=2) * 1e3, enosys)


def listings(pool, files, vms):
    for what, command in (("ls", ("ls",)), ("ls -l", ("ls", "-l"))):
        ours = timed(*command, pool.path("vm-instances"), times=3, **QUIET)
        floor = timed(*command, files.floor_mount, times=3, **QUIET)
        table.ratio(f"{what} vm-instances", vms, ours * 1e3, "ms", floor * 1e3, "the floor of FUSE", limit=2)
    by_name = pool.path("vm-instances", "by-name")
    floor = timed("ls", files.floor_mount, times=3, **QUIET) * 1e3
    table.limit("ls by-name", vms, timed("ls", by_name, times=3, **QUIET) * 1e3, "ms", 100,
                "ls of the floor of FUSE", floor)
    complete = timed("bash", "-c", 'compgen -f -- "$1"', "bash", f"{by_name}/vm-77", times=3, **QUIET)
    table.limit("completion of a prefix in by-name", vms, complete * 1e3, "ms", 100, "ls of the floor of FUSE", floor)


def inventories(pool, files, vms):
    file, copy = pool.path("vm-instances", "inventories"), f"{files.shm}/inventories"
    pool.request(f"vm-instances/{files.vm}/description", "so that it is made anew")
    time.sleep(0.2)
    before = pool.status("VmRSS")
    pool.forget_peak()
    start = time.monotonic()
    readers = [subprocess.Popen(["cat", file], stdout=subprocess.DEVNULL) for _ in range(2)]
    if any([r.wait() for r in readers]):
        raise RuntimeError("cat fails")
    both = time.monotonic() - start
    peak = pool.status("VmHWM") - before
    with open(copy, "wb") as f:
        run("cat", file, stdout=f)
    size = os.path.getsize(copy)
    again, plain = timed("cat", file, times=3), timed("cat", copy, times=3)
    os.unlink(copy)
    what = f"cat vm-instances/inventories ({size / 1e6:.1f} MB)"
    table.limit(f"{what}, after a change, two readers", vms, 2 * size / both / 1e6, "MB/s", 500, "cat of a file on tmpfs",
                size / plain / 1e6, at_least=True)
    table.limit(f"{what}, again", vms, size / again / 1e6, "MB/s", 500, "cat of a file on tmpfs", size / plain / 1e6,
                at_least=True)
    table.ratio(f"{what}: memory that two readers take", vms, peak / 1e6, "MB", size / 1e6, "its bytes", limit=1.5)


def _median(times, ask):
    spent = []
    for _ in range(times):
        start = time.monotonic()
        ask()
        spent.append(time.monotonic() - start)
    return statistics.median(spent) * 1e3


def queries(pool, vms):
    """By the names of files: lookup, open, read and close."""
    db = sqlite3.connect(f"file:{pool.state}/pool.db?mode=ro", uri=True)
    asked = (("a page by an index", 1, "q=name=vm-777&fields=uuid",
              "SELECT uuid FROM vm WHERE name = 'vm-777' COLLATE NOCASE LIMIT 1000"),
             ("a page of 100 of a state", 1, "q=state=Stopped&limit=100&fields=uuid",
              "SELECT uuid FROM vm WHERE state = 'Stopped' COLLATE NOCASE ORDER BY id LIMIT 100"),
             ("a scan with a pattern", 40, "q=name~=%25nothing%25&fields=uuid",
              "SELECT uuid FROM vm WHERE name LIKE '%nothing%' LIMIT 1000"))
    for what, goal, query, sql in asked:
        path = pool.path(f"vm-instances?{query}")
        ours = _median(30, lambda path=path: open(path, "rb").read())
        table.limit(f"query: {what}", vms, ours, "ms", goal, "SQLite without an index", _median(30, lambda sql=sql: db.execute(sql).fetchall()))
    db.close()
