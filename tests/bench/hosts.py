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
    got = pool.programs.probe("start", pool.uri, vm, pool.mount, 9)
    table.limit("start on a real host, over the bare virDomainCreate", 0, (got["through"] - got["bare"]) / 1e3, "ms", 3,
                "virDomainCreate", got["bare"] / 1e3)


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

def _copied(source, target):
    """cp until it is on disk, s."""
    spent = timed("sh", "-c", 'cp --sparse=auto "$1" "$2" && sync "$2"', "sh", source, target)
    os.unlink(target)
    return spent


def _spent(action):
    begin = time.monotonic()
    action()
    return time.monotonic() - begin


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


def image_data(pool):
    """Each against a plain tool that moves the same bytes; images are checksummed, so that 1.8 is their goal."""
    half, full = f"{pool.folder}/half.raw", f"{pool.folder}/full.raw"
    copy = f"{pool.folder}/copy.raw"
    _make_source(half, False)
    _make_source(full, True)
    for what, source in (("half-empty", half), ("full", full)):
        before = pool.status("VmRSS")
        pool.forget_peak()
        ours = _spent(lambda s=source, w=what: pool.add_image(w, f"file://{s}"))
        grown = pool.status("VmHWM") - before
        table.ratio(f"AddImage of a {what} raw file of {SIZE // MIB} MiB", 0, ours, "s", _copied(source, copy), "cp and sync", limit=1.8)
        table.ratio("the same, over the sum that it has to make", 0, ours, "s", timed("md5sum", source), "md5sum")
    table.limit("memory that AddImage takes", 0, grown / 1e6, "MB", 32, "the file", SIZE / 1e6)
    ours = timed("cp", "--sparse=always", half, pool.path("images", "upload", "uploaded.raw"))
    table.ratio("upload of the half-empty file", 0, ours, "s", _copied(half, copy), "cp and sync", limit=1.8)
    table.ratio("the same, over the sum that it has to make", 0, ours, "s", timed("md5sum", half), "md5sum")
    _download(pool, full, copy)


def _download(pool, source, copy):
    handler = functools.partial(_Quiet, directory=pool.folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/{os.path.basename(source)}"
    try:
        ours = _spent(lambda: pool.add_image("downloaded", url))
        plain = timed("sh", "-c", 'curl -s -o "$2" "$1" && sync "$2"', "sh", url, copy)
        os.unlink(copy)
    finally:
        server.shutdown()
    table.ratio("AddImage by HTTP of the full file", 0, ours, "s", plain, "curl and sync", limit=1.8)


def volume_data(pool):
    """On the volumes of a VM whose disk has real bytes."""
    image = pool.uuids("images")
    image = next(i for i in image if pool.read("images", i, "name") == "full")
    params = {**pool.vm_params("data"), "imageUuid": image, "strategy": "CreateStopped"}
    vm = pool.create("vm-instances", params)
    volume = pool.read("vm-instances", vm, "rootVolumeUuid")
    copy = f"{pool.folder}/copy.raw"
    file = pool.read("volumes", volume, "installPath")
    ours = timed("cp", "--sparse=always", pool.path("volumes", volume, "data"), copy)
    os.unlink(copy)
    plain = timed("qemu-img", "convert", "-O", "raw", file, copy)
    os.unlink(copy)
    table.ratio("reading `data` of a volume", 0, ours, "s", plain, "qemu-img convert", limit=1.3)
    convert = timed("sh", "-c", 'qemu-img convert -O qcow2 "$1" "$2" && sync "$2"', "sh", file, copy)
    os.unlink(copy)
    ours = _spent(lambda: pool.request(f"vm-instances/{vm}/actions", "clone names=copy full=true strategy=JustCreate"))
    table.ratio("full clone", 0, ours, "s", convert, "qemu-img convert and sync", limit=1.3)
    ours = _spent(lambda: pool.request(f"volumes/{volume}/actions", "create-root-volume-template name=template"))
    table.ratio("template of a root volume", 0, ours, "s", convert, "qemu-img convert and sync", limit=1.8)
    _delete_snapshot(pool, volume)


def _write(file, size):
    run("qemu-io", "-f", "qcow2", "-c", f"write -P 7 0 {size}", file, stdout=subprocess.DEVNULL)


def _delete_snapshot(pool, volume):
    """Of a volume at rest: the snapshot's file and the volume's, which has a half of its bytes, become one."""
    snapshots, sizes = [], (SIZE // 2, SIZE // 4)
    for name, size in zip(("one", "two"), sizes):
        pool.request(f"volumes/{volume}/actions", f"create-snapshot name={name}")
        snapshots.append(next(s for s in pool.uuids("volume-snapshots") if pool.read("volume-snapshots", s, "name") == name))
        _write(pool.read("volumes", volume, "installPath"), size)
    base, middle, top = (f"{pool.folder}/{n}.qcow2" for n in ("base", "middle", "top"))
    run("qemu-img", "create", "-q", "-f", "qcow2", base, SIZE)
    for file, below, size in ((middle, base, sizes[0]), (top, middle, sizes[1])):
        run("qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", below, file)
        _write(file, size)
    plain = timed("sh", "-c", 'qemu-img rebase -F qcow2 -b "$1" "$2" && sync "$2"', "sh", base, top)
    ours = _spent(lambda: pool.request(f"volume-snapshots/{snapshots[1]}/actions", "delete"))
    table.ratio("deletion of a snapshot at rest", 0, ours, "s", plain, "qemu-img rebase and sync", limit=1.3)
    for file in (base, middle, top):
        os.unlink(file)


def real_pool(programs, folder, host):
    """A pool on the host, with the tiny guest running."""
    os.mkdir(folder)
    pool = Pool(programs, folder, host.uri)
    pool.start()
    pool.wait_connected()
    pool.image = pool.add_image("tiny", f"file://{host.guest}/tiny.qcow2", "qcow2")
    pool.offering = pool.create("instance-offerings", {"name": "tiny", "cpuNum": 1, "memorySize": "128M"})
    vm = pool.create("vm-instances", pool.vm_params("first"))
    return pool, vm
