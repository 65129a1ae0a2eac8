# SPDX-License-Identifier: Apache-2.0
"""The throughput of REST by wrk, against libmicrohttpd serving the same bytes from memory."""
import contextlib
import hashlib
import json
import re
import subprocess
import threading
import time
import urllib.error
import urllib.request

import table
from pool import PASSWORD, run

PORT, STATIC_PORT = 18090, 18091
BASE = f"http://127.0.0.1:{PORT}"
# A meaningless parameter that differs in each request: as after a change, no cached answer fits.
ANEW = """local path, n
function init() path = wrk.path .. (wrk.path:find("?", 1, true) and "&x=" or "?x="); math.randomseed(os.time()); n = math.random(1e9) end
function request() n = n + 1; return wrk.format(nil, path .. n) end
"""
ACTION = """wrk.method = "PUT"
wrk.body = '{"updateVmInstance":{"description":"x"}}'
"""


def _ask(method, path, session=None, body=None):
    headers = {"Authorization": f"OAuth {session}"} if session else {}
    request = urllib.request.Request(BASE + path, method=method, headers=headers, data=json.dumps(body).encode() if body else None)
    with urllib.request.urlopen(request) as answer:
        return answer.read()


def _wrk(url, session, *options):
    out = run("wrk", "-t", 2, "-c", 32, "-d", "2s", "-H", f"Authorization: OAuth {session}", *options, url,
              capture_output=True, text=True).stdout
    if "Non-2xx" in out:
        raise RuntimeError(f"{url}: {out}")
    return float(re.search(r"Requests/sec:\s*([\d.]+)", out).group(1))


def _static(pool, body):
    with open(f"{pool.folder}/body", "wb") as f:
        f.write(body)
    server = subprocess.Popen([pool.programs["rest-static"], str(STATIC_PORT), f"{pool.folder}/body"])
    time.sleep(0.3)
    try:
        return _wrk(f"http://127.0.0.1:{STATIC_PORT}/", "none")
    finally:
        server.kill()
        server.wait()


def _wait_up():
    for _ in range(100):
        try:
            return _ask("GET", "/")
        except urllib.error.HTTPError:
            return None
        except OSError:
            time.sleep(0.05)
    raise TimeoutError("poolfs-rest does not answer")


def rest(pool, vms):
    server = subprocess.Popen([pool.programs["poolfs-rest"], "--listen", f"127.0.0.1:{PORT}", pool.mount])
    try:
        _wait_up()
        _measure(pool, vms)
    finally:
        server.terminate()
        server.wait()


@contextlib.contextmanager
def _changing(pool):
    over = threading.Event()

    def change():
        i = 0
        while not over.wait(0.01):
            i += 1
            with open(pool.path("instance-offerings", pool.offering, "description"), "w", encoding="utf-8") as f:
                f.write(f"{i}\n")

    writer = threading.Thread(target=change)
    writer.start()
    try:
        yield
    finally:
        over.set()
        writer.join()


def _measure(pool, vms):
    for name, script in (("anew", ANEW), ("action", ACTION)):
        with open(f"{pool.folder}/{name}.lua", "w", encoding="utf-8") as f:
            f.write(script)
    password = hashlib.sha512(PASSWORD.encode()).hexdigest()
    login = {"logInByAccount": {"accountName": "admin", "password": password}}
    session = json.loads(_ask("PUT", "/v1/accounts/login", body=login))["inventory"]["uuid"]
    one, many = f"/v1/vm-instances/{pool.uuids('vm-instances')[0]}", "/v1/vm-instances?limit=100"
    anew = ("-s", f"{pool.folder}/anew.lua")
    for what, path, goal in (("GET of one VM", one, 0.9), ("GET of a list of 100", many, 0.5)):
        body = _ask("GET", path, session)
        name = f"static bytes ({len(body):,})"
        static = _static(pool, body)
        table.ratio(f"REST, 32 connections: {what}, repeated", vms, _wrk(BASE + path, session), "/s", static, name, least=goal)
        with _changing(pool):
            table.ratio(f"REST, 32 connections: {what}, of a pool that changes 100 times a second", vms,
                        _wrk(BASE + path, session), "/s", static, name, least=0.5)
        table.ratio(f"REST, 32 connections: {what}, made anew each time", vms, _wrk(BASE + path, session, *anew), "/s", static, name)
    body = _ask("PUT", f"{one}/actions", session, {"updateVmInstance": {"description": "x"}})
    table.limit("REST, 32 connections: action accepted", vms,
                _wrk(f"{BASE}{one}/actions", session, "-s", f"{pool.folder}/action.lua"), "/s", 5000,
                f"static bytes ({len(body):,})", _static(pool, body), at_least=True)
