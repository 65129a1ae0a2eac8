# SPDX-License-Identifier: Apache-2.0
"""What needs a host with libvirt and QEMU: starts, VMs from cached images, and the bytes of images and volumes."""
import functools
import http.server
import os
import re
import subprocess
import threading
import time
import uuid

import table
from pool import Pool, run, timed

MIB = 1 << 20
SIZE = 512 * MIB


class Host:
    """An isolated host of the tests' lab, with a domain that was made by hand."""

    def __init__(self, top, folder):
        self.lab, self.folder = f"{top}/tests/lab", f"{folder}/hosts"
        self.environment = {**os.environ, "HOSTS": self.folder}
        os.mkdir(self.folder)
        self.guest = run(f"{self.lab}/build-guest", capture_output=True, text=True).stdout.strip()
        self.uri = run(f"{self.lab}/host", "up", "h1", env=self.environment, capture_output=True, text=True).stdout.strip()
        xml = ("<domain type='qemu'><name>by-hand</name><memory unit='MiB'>128</memory><vcpu>1</vcpu>"
               "<os><type arch='x86_64' machine='pc'>hvm</type></os></domain>")
        run("virsh", "-q", "-c", self.uri, "define", "/dev/stdin", input=xml, text=True, stdout=subprocess.DEVNULL)
        self.domain = (self.uri, "by-hand")

    def down(self):
        run(f"{self.lab}/host", "down", "h1", env=self.environment)


def start(pool, vm):
    got = pool.programs.probe("start", pool.uri, vm, pool.mount, 9, pool.create_time)
    table.limit("start on a real host, over the virDomainCreate in it", 0, got["rest"] / 1e3, "ms", 3,
                "a bare virDomainCreate", got["bare"] / 1e3)
    table.ratio("start on a real host", 0, got["through"] / 1e3, "ms", got["bare"] / 1e3, "a bare virDomainCreate")


def _by_hand(pool, vm, base):
    """Makes, defines and starts a VM like @vm without the pool, and what it takes to give it an address; both ms."""
    new, name = f"{pool.folder}/by-hand.qcow2", uuid.uuid4()
    xml = run("virsh", "-q", "-c", pool.uri, "dumpxml", "--inactive", vm, capture_output=True, text=True).stdout
    xml = re.sub(r"<uuid>.*?</uuid>", f"<uuid>{name}</uuid>", re.sub(r"<name>.*?</name>", f"<name>{name}</name>", xml, count=1), count=1)
    xml = xml.replace(pool.read("volumes", pool.read("vm-instances", vm, "rootVolumeUuid"), "installPath"), new)
    xml = re.sub(r"<mac address='[^']*'/>", "", xml).replace(f"/{vm}.", f"/{name}.")
    with open(f"{pool.folder}/by-hand.xml", "w", encoding="utf-8") as f:
        f.write(xml)
    network = re.search(r"<source network='(.*?)'", xml).group(1)
    address = pool.json("vm-instances", vm, "inventory")["vmNics"][0]["ip"].rpartition(".")[0] + ".250"
    begin = time.monotonic()
    run("qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", base, new)
    made = time.monotonic() - begin
    os.chmod(new, 0o666)
    got = pool.programs.probe("define", pool.uri, f"{pool.folder}/by-hand.xml", network, f"<host mac='52:54:00:00:02:50' ip='{address}'/>")
    os.unlink(new)
    return made * 1e3 + got["started"] / 1e3, got["address"] / 1e3


def cached_vm(pool, vm, times=5):
    base = run("qemu-img", "info", "-U", pool.read("volumes", pool.read("vm-instances", vm, "rootVolumeUuid"), "installPath"),
               capture_output=True, text=True).stdout
    base = re.search(r"^backing file: (.*?)( \(actual.*)?$", base, re.M).group(1)
    ours, by_hand = [], []
    for i in range(times):
        begin = time.monotonic()
        new = pool.create("vm-instances", pool.vm_params(f"cached-{i}"))
        if pool.read("vm-instances", new, "state") != "Running":
            raise RuntimeError("the VM does not run")
        ours.append(time.monotonic() - begin)
        pool.request(f"vm-instances/{new}/actions", "stop type=cold")
        by_hand.append(_by_hand(pool, vm, base))
    ours = sorted(ours)[times // 2] * 1e3
    table.ratio("VM from a cached image until it is Running", 0, ours, "ms", sorted(made for made, _ in by_hand)[times // 2],
                "create, define and start by hand", limit=1.2)
    table.ratio("VM from a cached image until it is Running", 0, ours, "ms", sorted(map(sum, by_hand))[times // 2],
                "the same, with an address for it")


# ---------------------------------------------------------------------- bytes
#
# What is compared takes turns, so that both find the same: their source in the page cache, what was written before on disk,
# and a disk that has as much to do. One time each says more of the order: memory that nobody has had yet is slower than what
# a file before has left, and a virtual disk that has taken its burst is slower than one that has rested.

def _in_turns(times, *measures):
    """The medians of the seconds that @measures, called with 0, 1, ..., return; every other turn goes backwards."""
    spent = [[] for _ in measures]
    for turn in range(times):
        order = list(zip(measures, spent))
        for measure, seconds in reversed(order) if turn % 2 else order:
            os.sync()
            seconds.append(measure(turn))
    return [sorted(seconds)[times // 2] for seconds in spent]


def _spent(action):
    begin = time.monotonic()
    action()
    return time.monotonic() - begin


def _made(target, *command):
    """The time of a command that makes a file; it is gone then."""
    spent = timed(*command)
    os.unlink(target)
    return spent


def _shell(target, script, *arguments):
    """The same, of a script with these arguments and the target as the last."""
    return _made(target, "sh", "-c", script, "sh", *arguments, target)


def _copied(source, target):
    """cp until it is on disk, s."""
    return _shell(target, 'cp --sparse=auto "$1" "$2" && sync "$2"', source)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def _make_source(path, full):
    with open(path, "wb") as f:
        for i in range(SIZE // MIB):
            if full or i % 2:
                f.seek(i * MIB)
                f.write(os.urandom(MIB))
        f.truncate(SIZE)
    run("sync", path)


def _image(what, source, ours, plain, tool):
    """The rows of an image. It is checksummed, so that 1.8 is the goal."""
    ours, plain, summed = _in_turns(3, ours, plain, lambda _: timed("md5sum", source))
    table.ratio(what, 0, ours, "s", plain, tool, limit=1.8)
    table.ratio("the same, over the sum that it has to make", 0, ours, "s", summed, "md5sum")


def image_data(pool):
    """Each against a plain tool that moves the same bytes."""
    half, full = f"{pool.folder}/half.raw", f"{pool.folder}/full.raw"
    copy = f"{pool.folder}/copy.raw"
    _make_source(half, False)
    _make_source(full, True)
    grown = []

    def add(what, url):
        before = pool.status("VmRSS")
        pool.forget_peak()
        spent = _spent(lambda: pool.add_image(what, url))
        grown.append(pool.status("VmHWM") - before)
        return spent

    for what, source in (("half-empty", half), ("full", full)):
        _image(f"AddImage of a {what} raw file of {SIZE // MIB} MiB", source, lambda i, s=source, w=what: add(f"{w}-{i}", f"file://{s}"),
               lambda _, s=source: _copied(s, copy), "cp and sync")
    table.limit("memory that AddImage takes", 0, max(grown) / 1e6, "MB", 32, "the file", SIZE / 1e6)
    _image("upload of the half-empty file", half,
           lambda i: timed("cp", "--sparse=always", half, pool.path("images", "upload", f"uploaded-{i}.raw")),
           lambda _: _copied(half, copy), "cp and sync")
    _download(pool, full, copy)


def _download(pool, source, copy):
    handler = functools.partial(_Quiet, directory=pool.folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/{os.path.basename(source)}"
    try:
        ours, plain = _in_turns(3, lambda i: _spent(lambda: pool.add_image(f"downloaded-{i}", url)),
                                lambda _: _shell(copy, 'curl -s -o "$2" "$1" && sync "$2"', url))
    finally:
        server.shutdown()
    table.ratio("AddImage by HTTP of the full file", 0, ours, "s", plain, "curl and sync", limit=1.8)


def volume_data(pool):
    """On the volumes of a VM whose disk has real bytes."""
    image = next(i for i in pool.uuids("images") if pool.read("images", i, "name") == "full-0")
    params = {**pool.vm_params("data"), "imageUuid": image, "strategy": "CreateStopped"}
    vm = pool.create("vm-instances", params)
    volume = pool.read("vm-instances", vm, "rootVolumeUuid")
    copy = f"{pool.folder}/copy.raw"
    file = pool.read("volumes", volume, "installPath")
    ours, plain = _in_turns(5, lambda _: _made(copy, "cp", "--sparse=always", pool.path("volumes", volume, "data"), copy),
                            lambda _: _made(copy, "qemu-img", "convert", "-O", "raw", file, copy))
    table.ratio("reading `data` of a volume", 0, ours, "s", plain, "qemu-img convert", limit=1.3)
    _copies(pool, vm, volume, copy)
    _delete_snapshots(pool, volume)


def _copies(pool, vm, volume, copy):
    file = pool.read("volumes", volume, "installPath")
    sums = []

    def convert(_):
        spent = timed("sh", "-c", 'qemu-img convert -O qcow2 "$1" "$2" && sync "$2"', "sh", file, copy)
        sums.append(_made(copy, "md5sum", copy))
        return spent

    def act(path, text):
        return _spent(lambda: pool.request(f"{path}/actions", text))

    clone, template, plain = _in_turns(
        3, lambda i: act(f"vm-instances/{vm}", f"clone names=copy-{i} full=true strategy=JustCreate"),
        lambda i: act(f"volumes/{volume}", f"create-root-volume-template name=template-{i}"), convert)
    table.ratio("full clone", 0, clone, "s", plain, "qemu-img convert and sync", limit=1.3)
    table.ratio("template of a root volume", 0, template, "s", plain, "qemu-img convert and sync", limit=1.8)
    table.ratio("the same, over the copy and the sum that it has to make", 0, template, "s", plain + sorted(sums)[1],
                "qemu-img convert, sync and md5sum")


# The bytes of a snapshot and of what was written after it. Each time others, as what is the same below is not copied.
SIZES = (SIZE // 2, SIZE // 4)


def _write(file, size, turn):
    run("qemu-io", "-f", "qcow2", "-c", f"write -P {7 + turn} 0 {size}", file, stdout=subprocess.DEVNULL)


def _deletion(pool, volume, turn):
    snapshots = []
    for size in SIZES:
        name = f"snapshot-{turn}-{size}"
        pool.request(f"volumes/{volume}/actions", f"create-snapshot name={name}")
        snapshots.append(next(s for s in pool.uuids("volume-snapshots") if pool.read("volume-snapshots", s, "name") == name))
        _write(pool.read("volumes", volume, "installPath"), size, turn)
    os.sync()
    return _spent(lambda: pool.request(f"volume-snapshots/{snapshots[1]}/actions", "delete"))


def _rebase(pool, turn, removals):
    base, middle, top = (f"{pool.folder}/{n}.qcow2" for n in ("base", "middle", "top"))
    run("qemu-img", "create", "-q", "-f", "qcow2", base, SIZE)
    _write(base, SIZES[0], 90)  # as the volume's image, with which what is above is compared
    for file, below, size in ((middle, base, SIZES[0]), (top, middle, SIZES[1])):
        run("qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", below, file)
        _write(file, size, turn)
    os.sync()
    spent = timed("sh", "-c", 'qemu-img rebase -F qcow2 -b "$1" "$2" && sync "$2"', "sh", base, top)
    removals.append(timed("rm", middle))
    for file in (base, top):
        os.unlink(file)
    return spent


def _delete_snapshots(pool, volume):
    """Of a volume at rest: the snapshot's file and the volume's, which has a half of its bytes, become one."""
    removals = []
    ours, plain = _in_turns(3, lambda i: _deletion(pool, volume, i), lambda i: _rebase(pool, i, removals))
    table.ratio("deletion of a snapshot at rest", 0, ours, "s", plain, "qemu-img rebase and sync", limit=1.3)
    table.ratio("the same, with the removal of the file", 0, ours, "s", plain + sorted(removals)[1], "qemu-img rebase, sync and rm")


def real_pool(programs, folder, host):
    """A pool on the host, with the tiny guest running."""
    os.mkdir(folder)
    pool = Pool(programs, folder, host.uri)
    pool.create_time = f"{folder}/create-time"
    pool.start(env={**os.environ, "LD_PRELOAD": programs["bench-create-time"], "BENCH_CREATE_TIME": pool.create_time})
    pool.wait_connected()
    pool.image = pool.add_image("tiny", f"file://{host.guest}/tiny.qcow2", "qcow2")
    pool.offering = pool.create("instance-offerings", {"name": "tiny", "cpuNum": 1, "memorySize": "128M"})
    vm = pool.create("vm-instances", pool.vm_params("first"))
    return pool, vm
