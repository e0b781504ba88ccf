#!/usr/bin/env python3
"""blindlist-server --config: a server by file, options before the file, and files of every wrong kind, which end the
start before anything is made. Prints TAP."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from served import PROGRAM, Server, working_folder  # noqa: E402
from tap import check, finish  # noqa: E402

BUILD = os.environ.get("BUILD", "build")
USE_CASE = "one.example.url.filtering"
work = working_folder("config")
data = f"{work}/data"
file = f"{work}/server.json"


def tool(*words):
    return subprocess.run([f"{BUILD}/blindlist", *words], capture_output=True, text=True, timeout=120)


def write(content, path=file):
    with open(path, "wb") as out:
        out.write(content if isinstance(content, bytes) else json.dumps(content, indent=1).encode())
    return path


def fails(what, path, code, *words):
    """The program ends with `code` and one message, and makes nothing."""
    before = sorted(os.listdir(work))
    done = subprocess.run([PROGRAM, "--config", path], capture_output=True, text=True, timeout=60)
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


def test_wrong():
    fails("a missing file", f"{work}/none.json", 1, "none.json: No such file")
    fails("a folder", data, 1, "folder")
    fails("an empty file", write(b""), 1, "server.json: line 1, column 0: ")
    whole = json.dumps({"data": "data", "auth": "none"}).encode()
    fails("half a file", write(whole[:len(whole) // 2]), 1, "server.json: line 1, ")
    fails("bytes", write(bytes(range(256))), 1, "server.json: line 1, ")
    fails("a byte order mark", write(b"\xef\xbb\xbf" + whole), 1, "server.json: line 1, ")
    fails("17 MiB", write(whole + b" " * (17 << 20)), 1, "server.json")
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
finally:
    Server.end_all()
sys.exit(finish())
