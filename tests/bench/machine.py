# SPDX-License-Identifier: Apache-2.0
"""The machine on which a run was made, as it describes itself."""
import os
import platform
import re
import subprocess


def _first(path, pattern):
    with open(path, encoding="utf-8") as f:
        found = re.search(pattern, f.read(), re.M)
    return found.group(1) if found else "unknown"


def _output(*command):
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    return result.stdout.strip() if result.returncode == 0 else "unknown"


def _versions(*packages):
    return ", ".join(f"{p.split(':')[0]} {v}" for p in packages
                     if (v := _output("dpkg-query", "-W", "-f", "${Version}", p)) not in ("", "unknown"))


def describe(folder, top):
    """Lines "WHAT: VALUE"; @folder is where the pools are."""
    processor = _first("/proc/cpuinfo", r"^model name\s*: (.*)$")
    memory = _first("/proc/meminfo", r"^MemTotal:\s*(\d+)")
    disk = _output("findmnt", "-n", "-o", "SOURCE,FSTYPE,OPTIONS", "-T", folder)
    return {
        "processor": f"{os.cpu_count()} x {processor}",
        "memory": f"{int(memory) / 2**20:.1f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "system": _first("/etc/os-release", r'^PRETTY_NAME="(.*)"'),
        "disk of the pools": " ".join(disk.split()),
        "virtualization": _output("systemd-detect-virt"),
        "/dev/kvm": "there" if os.path.exists("/dev/kvm") else "not there: guests are emulated",
        "libraries": _versions("libfuse3-3", "libvirt0", "libsqlite3-0", "libc6", "qemu-system-x86", "qemu-utils", "wrk"),
        "commit": _output("git", "-C", top, "describe", "--always", "--dirty"),
        "load before": f"{os.getloadavg()[0]:.2f}",
    }
