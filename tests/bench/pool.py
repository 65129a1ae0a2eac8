# SPDX-License-Identifier: Apache-2.0
"""A pool that is mounted for a measurement, and filled with many VMs."""
import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import time
import uuid

TAGS = ["vmConsoleMode::vnc", "RDPEnable::true"]
PASSWORD = "password"
LONG_S = 5


def run(*command, **options):
    return subprocess.run([str(c) for c in command], check=True, **options)


def timed(*command, times=1, warm=0, **options):
    """
    The least time of some runs, s, after some that are not timed. Those that take long, next to which what else runs is
    little, are only two.
    """
    for _ in range(warm):
        run(*command, stdout=subprocess.DEVNULL, **options)
    best, end = None, time.monotonic() + LONG_S
    for i in range(times):
        start = time.monotonic()
        if i >= 2 and start > end:
            break
        run(*command, stdout=subprocess.DEVNULL, **options)
        spent = time.monotonic() - start
        best = spent if best is None else min(best, spent)
    return best


class Programs:
    """What was built in a folder of meson."""

    def __init__(self, build):
        found = json.loads(run("meson", "introspect", "--targets", build, capture_output=True, text=True).stdout)
        self.files = {t["name"]: t["filename"][0] for t in found if t["type"] in ("executable", "shared library")}

    def __getitem__(self, name):
        return self.files[name]

    def probe(self, *arguments, **options):
        """The values that bench-probe prints, by name."""
        out = run(self["bench-probe"], *arguments, stdout=subprocess.PIPE, text=True, **options).stdout
        return {name: float(value) for name, value in (line.split() for line in out.splitlines())}


class Pool:
    """One pool below @folder; @uri is its first host."""

    def __init__(self, programs, folder, uri="test:///default"):
        self.programs, self.uri = programs, uri
        self.mount, self.state, self.folder = f"{folder}/pool", f"{folder}/state", folder
        os.makedirs(self.mount)
        os.mkdir(self.state, 0o711)
        with open(f"{folder}/password", "w", encoding="utf-8") as f:
            f.write(PASSWORD + "\n")
        os.chmod(f"{folder}/password", 0o600)

    def path(self, *names):
        return "/".join((self.mount,) + names)

    def start(self, *options, **how):
        """Mounts; returns when the mount can be used. @how: as for subprocess.run()."""
        run(self.programs["poolfs"], "-o", f"state={self.state},uri={self.uri}", "-o",
            f"admin-password-file={self.folder}/password", *options, self.mount, **how)

    def stop(self):
        run("umount", self.mount)
        while subprocess.run(["flock", "-n", f"{self.state}/lock", "true"], check=False).returncode:
            time.sleep(0.02)

    def wait_connected(self, seconds=60):
        until = time.monotonic() + seconds
        for host in self.uuids("hosts"):
            while self.read("hosts", host, "status") != "Connected":
                if time.monotonic() > until:
                    raise TimeoutError(f"host {host} does not connect")
                time.sleep(0.02)

    def read(self, *names):
        with open(self.path(*names), encoding="utf-8") as f:
            return f.read().strip()

    def json(self, *names):
        return json.loads(self.read(*names))

    def uuids(self, *folder):
        return sorted(n for n in os.listdir(self.path(*folder)) if len(n) == 32)

    def first(self, *folder):
        return self.uuids(*folder)[0]

    def request(self, path, text, wait=True):
        """Writes a request and waits for its jobs; a document or a line."""
        fd = os.open(self.path(path), os.O_WRONLY)
        try:
            os.write(fd, (text if isinstance(text, str) else json.dumps(text)).encode() + b"\n")
            if wait:
                os.fsync(fd)
        except OSError as error:
            raise RuntimeError(f"{path}: {self.read('last-error')}") from error
        finally:
            os.close(fd)

    def create(self, collection, params, **members):
        """The uuid of the new object."""
        new = uuid.uuid4().hex
        self.request(f"{collection}/create", {"params": {**params, "resourceUuid": new}, **members})
        return new

    def add_image(self, name, url, image_format="raw"):
        return self.create("images", {"name": name, "url": url, "format": image_format,
                                      "backupStorageUuids": [self.first("backup-storage")]})

    def make_room(self, vms):
        """A large simulated host, a large range of addresses, an image and an offering; and all ended jobs are kept."""
        with open(self.path("global-configurations/job/ended.maxNum/value"), "w", encoding="utf-8") as f:
            f.write(f"{10 * vms + 1000000}\n")
        self.large = self.create("hosts/simulators", {"name": "large", "managementIp": "10.9.9.9", "cpuCapacity": 4096,
                                                      "clusterUuid": self.first("clusters"), "memoryCapacity": (vms + 20000) << 28})
        self.request(f"l3-networks/ip-ranges/{self.first('l3-networks/ip-ranges')}/actions", "delete")
        self.request(f"l3-networks/{self.first('l3-networks')}/actions", "add-ip-range name=large startIp=10.64.0.10 "
                     "endIp=10.127.200.250 netmask=255.192.0.0 gateway=10.64.0.1")
        with open(f"{self.folder}/image", "wb") as f:
            f.truncate(1 << 20)
        self.image = self.add_image("image", f"file://{self.folder}/image")
        self.offering = self.create("instance-offerings", {"name": "tiny", "cpuNum": 1, "memorySize": "128M"})

    def vm_params(self, name, **more):
        return {"name": name, "imageUuid": self.image, "instanceOfferingUuid": self.offering,
                "l3NetworkUuids": [self.first("l3-networks")], **more}

    def make_template(self):
        """The VM that fill() copies: with a root volume, a NIC, two ended jobs and the tags of an offering."""
        self.template = self.create("vm-instances", self.vm_params("vm"), systemTags=TAGS)
        self.request(f"vm-instances/{self.template}/actions", "stop type=cold")

    def process(self):
        """The worker: the child of another process that serves the same state."""
        parents = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", encoding="utf-8") as f:
                    ours = f"state={self.state}" in f.read()
                if ours and os.readlink(f"/proc/{pid}/exe") == self.programs["poolfs"]:
                    with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
                        parents[int(pid)] = int(f.read().rsplit(")", 1)[1].split()[1])
            except OSError:
                pass
        return next(pid for pid, parent in parents.items() if parent in parents), list(parents)

    def status(self, name):
        """A line of the worker's /proc/PID/status in bytes."""
        with open(f"/proc/{self.process()[0]}/status", encoding="utf-8") as f:
            return next(int(line.split()[1]) * 1024 for line in f if line.startswith(name + ":"))

    def forget_peak(self):
        with open(f"/proc/{self.process()[0]}/clear_refs", "w", encoding="utf-8") as f:
            f.write("5")

    @contextlib.contextmanager
    def on_one_cpu(self, servers=()):
        """Meanwhile this process, what it starts, the thread that receives and the processes @servers share a processor."""
        every = os.sched_getaffinity(0)
        held = [0, self.process()[0], *servers]
        try:
            for pid in held:
                os.sched_setaffinity(pid, {min(every)})
            yield
        finally:
            for pid in held:
                os.sched_setaffinity(pid, every)

    def kill(self):
        os.kill(self.process()[0], signal.SIGKILL)

    # ------------------------------------------------------------------ many VMs

    @contextlib.contextmanager
    def rows(self):
        """The database, while the pool is not mounted, for many rows at once. They are written once, and are on disk then."""
        file = f"{self.state}/pool.db"
        db = sqlite3.connect(file, isolation_level=None)
        for setting in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -200000"):
            db.execute(f"PRAGMA {setting}")
        try:
            db.execute("BEGIN")
            yield db
            db.execute("COMMIT")
            db.execute("PRAGMA journal_mode = WAL")
        finally:
            db.close()
        with open(file, "rb") as f:
            os.fsync(f.fileno())

    def fill(self, count, jobs=2):
        """Copies the rows of the template until there are @count VMs. What is long and compressed in the database is copied as
        it is, with the uuids of the template."""
        with self.rows() as db:
            have = db.execute("SELECT count(*) FROM vm").fetchone()[0]
            if count > have:
                self._copy_template(db, have, count, jobs)

    def _copy_template(self, db, have, count, jobs):
        tables = (("vm", "uuid", ""), ("volume", "vmInstanceUuid", ""), ("nic", "vmInstanceUuid", ""),
                  ("system_tag", "resourceUuid", ""), ("job", "resourceUuid", f"ORDER BY id LIMIT {jobs}"))
        rows = []
        for table, key, order in tables:
            columns = [c[1] for c in db.execute(f"PRAGMA table_info({table})")]
            for row in db.execute(f"SELECT * FROM {table} WHERE {key} = ? {order}", (self.template,)).fetchall():
                rows.append((table, dict(zip(columns, row))))
        own = list(dict.fromkeys(row["uuid"] for _, row in rows))
        db.execute("CREATE TEMP TABLE copy AS WITH RECURSIVE n(n) AS (SELECT ? UNION ALL SELECT n + 1 FROM n WHERE n + 1 < ?) "
                   "SELECT n, " + ", ".join(f"lower(hex(randomblob(16))) AS u{i}" for i in range(len(own))) + " FROM n",
                   (have, count))
        for table, row in rows:
            self._copy_texts(db, table, row["id"], self._copy_row(db, table, row, own))
        db.execute("DROP TABLE temp.copy")

    @staticmethod
    def _copy_row(db, table, row, own):
        """The id after which those of the copies follow."""
        last = db.execute(f"SELECT max(id) FROM {table}").fetchone()[0]
        made = {"id": f"{last} + n - (SELECT min(n) FROM copy) + 1",
                "ip": "printf('10.%d.%d.%d', 100 + n / 62500, n / 250 % 250, 1 + n % 250)",
                "mac": "printf('fa:00:%02x:%02x:%02x:00', n >> 16, n >> 8 & 255, n & 255)",
                "internalId": "n + 100"}
        expressions, values = [], []
        for column, value in row.items():
            inside = [u for u in own if isinstance(value, str) and u in value]
            if column in made:
                expressions.append(made[column])
                continue
            if column == "name":
                expressions.append("printf('%s-%d', ?, n)")
            else:
                expressions.append("replace(" * len(inside) + "?" + "".join(f", '{u}', u{own.index(u)})" for u in inside))
            values.append(value)
        db.execute(f"INSERT INTO {table} ({', '.join(row)}) SELECT {', '.join(expressions)} FROM copy", values)
        return last

    @staticmethod
    def _copy_texts(db, table, template, last):
        names = ", ".join(f'"{c[1]}"' for c in db.execute(f"PRAGMA table_info({table}_text)") if c[1] != "id")
        if names:
            db.execute(f"INSERT INTO {table}_text (id, {names}) SELECT {last} + n - (SELECT min(n) FROM copy) + 1, {names} "
                       f"FROM copy JOIN {table}_text ON id = {template}")
