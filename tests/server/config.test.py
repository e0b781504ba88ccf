#!/usr/bin/env python3
"""blindlist-server --config: a server by file, options before the file, and files of every wrong kind, which end the
start before anything is made. Prints TAP."""
import http.client
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from patience import PROGRAM_S  # noqa: E402
from served import PROGRAM, Server, working_folder  # noqa: E402
from tap import check, finish  # noqa: E402

BUILD = os.environ.get("BUILD", "build")
USE_CASE = "one.example.url.filtering"
work = working_folder("config")
data = f"{work}/data"
file = f"{work}/server.json"


def tool(*words):
    return subprocess.run([f"{BUILD}/blindlist", *words], capture_output=True, text=True, timeout=PROGRAM_S)


def write(content, path=file):
    """At once: a server that watches the file must not read half of it."""
    with open(f"{path}.new", "wb") as out:
        out.write(content if isinstance(content, bytes) else json.dumps(content, indent=1).encode())
    os.replace(f"{path}.new", path)
    return path


def fails(what, path, code, *words):
    """The program ends with `code` and one message, and makes nothing."""
    before = sorted(os.listdir(work))
    done = subprocess.run([PROGRAM, "--config", path], capture_output=True, text=True, timeout=PROGRAM_S)
    check(done.returncode == code and done.stdout == "" and all(word in done.stderr for word in words) and
          sorted(os.listdir(work)) == before, f"{what} is {code}", done)


def test_start():
    """Paths are those of the file's folder, and the command line comes before the file."""
    write({"data": "data", "listen": "127.0.0.1:1", "state": "state", "debug": True, "queue": 7, "threads": 1})
    server = Server(data, "--config", file, with_data=False)
    check("compute_threads=1" in server.log() and os.path.exists(f"{work}/state"), "a server by file", server.log())
    done = tool("check", "--server", f"http://127.0.0.1:{server.port}", "--use-case", USE_CASE, "https://blocked.example/")
    check(done.returncode == 3, "answers", done)
    check("route=queries" in server.log(), "and says so", server.log())
    check(server.end() == 0, "and ends with 0", server.log())


def config_status(port, host):
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    client.request("GET", "/config", headers={"Host": host})
    reply = client.getresponse()
    return reply.status, USE_CASE.encode() in reply.read()


def test_apps():
    """Apps by host; a reload adds and removes them, all or nothing."""
    first = {"name": "first", "hosts": ["one.example"], "useCases": [USE_CASE]}
    write({"data": "data", "auth": "none", "apps": [first], "queue": 7})
    server = Server(data, "--config", file, auth=None, with_data=False)
    check(config_status(server.port, "ONE.example:80") == (200, True), "an app has its use case", server.log())
    check(config_status(server.port, "two.example")[0] == 404, "another host has none")
    write({"data": "data", "auth": "none", "apps": [dict(first, hosts=["two.example"])], "queue": 8, "state": "other"})
    check(server.wait_log("configuration reloaded"), "a file that was written is read", server.log())
    check(config_status(server.port, "two.example") == (200, True) and
          config_status(server.port, "one.example")[0] == 404, "and its apps are in force", server.log())
    check("queue has changed: in force after a restart" in server.log() and
          "state has changed: in force after a restart" in server.log() and
          "listen has" not in server.log(), "what cannot change is said", server.log())
    write({"data": "data", "apps": [first, first]})
    check(server.wait_log("configuration not reloaded, the one before stays") and
          "$.apps[1]" in server.log(), "a fault is named", server.log())
    check(config_status(server.port, "two.example") == (200, True), "and all stays as it was")
    write({"data": "data", "auth": "none", "apps": [dict(first, useCases=["none"])]})
    check(server.wait_log("configuration not reloaded, the one before stays", 2), "so is a use case that is none")
    check(config_status(server.port, "two.example") == (200, True), "and all stays as it was")
    check(server.end() == 0, "ends with 0", server.log())


def checks(code, *lines):
    """--check-config ends with `code` and says these lines, each holding what is given."""
    done = subprocess.run([PROGRAM, "--config", file, "--check-config"], capture_output=True, text=True, timeout=60)
    said = done.stdout.splitlines()
    check(done.returncode == code and len(said) == len(lines) and
          all(words in line for words, line in zip(lines, said)), f"--check-config is {code}", done)


def test_check():
    write({"data": "data", "auth": "none"})
    before = sorted(os.listdir(data))
    checks(0, "server.json: good")
    write({"data": "data", "keyFile": "none", "kernel": "fast", "apps": [
        {"name": "a", "hosts": ["h"], "useCases": ["gone"], "reports": "server.json"}, {"name": "b", "reports": "nowhere"}]})
    checks(3, "fast", "none: No such file", "server.json: is no folder", "gone", "nowhere: No such file")
    write({"data": "data", "queue": 0})
    checks(3, "server.json: line 3: $.queue: 0 is not in")
    write({"data": "nowhere"})
    checks(3, "nowhere: No such file")
    os.remove(file)
    checks(1)
    done = subprocess.run([PROGRAM, "--check-config"], capture_output=True, text=True, timeout=60)
    check(done.returncode == 2 and "--data DIR is missing" in done.stderr, "without data it is 2", done)
    check(sorted(os.listdir(data)) == before, "and nothing is made", sorted(os.listdir(data)))


def test_wrong():
    fails("a missing file", f"{work}/none.json", 1, "none.json: No such file")
    fails("a folder", data, 1, "folder")
    fails("an empty file", write(b""), 1, "server.json: line 1, column 0: ")
    whole = json.dumps({"data": "data", "auth": "none"}).encode()
    fails("half a file", write(whole[:len(whole) // 2]), 1, "server.json: line 1, ")
    fails("bytes", write(bytes(range(256))), 1, "server.json: line 1, ")
    fails("a byte order mark", write(b"\xef\xbb\xbf" + whole), 1, "server.json: line 1, ")
    fails("65 MiB", write(whole + b" " * (65 << 20)), 1, "server.json")
    fails("a key twice", write(b'{"data": "data",\n"data": "data"}'), 1, "server.json: line 2, ", "duplicate")
    fails("an unknown key", write({"data": "data", "ques": 1}), 1, "server.json: line 3: $.ques: is not a known key")
    fails("another type", write({"data": "data", "queue": "7"}), 1, "server.json: line 3: $.queue: must be an integer")
    fails("a number out of range", write({"data": "data", "queue": 0}), 1, "line 3: $.queue: 0 is not in 1..1000000")
    fails("no folder of datasets", write({"queue": 1}), 1, "--data DIR is missing")
    fails("one that is not there", write({"data": "nowhere"}), 1, f"{work}/nowhere: No such file")
    fails("an open address", write({"data": "data", "auth": "none", "listen": "0.0.0.0:0"}), 1, "--allow-unauthenticated")
    fails("no address", write({"data": "data", "listen": "here"}), 1, "--listen")
    fails("a link to itself", link(), 1, "symbolic links")
    fails("no such kernel", write({"data": "data", "kernel": "fast"}), 2, "fast")


def link():
    os.symlink("circle.json", f"{work}/circle.json")
    return f"{work}/circle.json"


write(b"blocked.example\n", f"{work}/list.txt")
made = tool("compile", f"{work}/list.txt", "--use-case", USE_CASE, "--out", data)
check(made.returncode == 0, "a dataset", made)
try:
    test_wrong()
    test_start()
    test_apps()
    test_check()
finally:
    Server.end_all()
sys.exit(finish())
