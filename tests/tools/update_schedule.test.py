#!/usr/bin/env python3
"""Updates on a schedule: the units of systemd, the loop and the compose file of containers, one update at a time, and
copies of lists that are gone. Prints TAP."""
import fcntl
import http.server
import json
import os
import re
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from patience import PATIENCE_S, wait_until  # noqa: E402
from served import PROGRAM, Server  # noqa: E402
from tap import check, finish, skip  # noqa: E402
from updating import BUILD, Done, Site, USE_CASE, Workplace, environment  # noqa: E402

LOOP = "deploy/blindlist-update-loop"
OWN = {"id": "own", "file": "own.txt"}


# ---- one at a time, and copies ----

class Lists(http.server.BaseHTTPRequestHandler):
    down = ""  # the path that is

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.send_response(500 if self.path == Lists.down else 200)
        self.end_headers()
        self.wfile.write(f"{self.path.strip('/')}.example\n".encode())


def test_lock():
    path = place.lists(OWN)
    done = place.update(path)
    version = place.in_force()
    check(done.code == 0 and version, "an update of local lists", done)
    place.write("own.txt", "own.example\nmore.example\n")
    with open(f"{place.data}/.sources/{USE_CASE}/.lock", "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = place.update(path)
        check(done.code == 1 and done.out == "" and done.err.endswith(": another update is at work\n") and
              place.in_force() == version, "a second one, before it reads anything, says so and ends", done)
    done = place.update(path)
    check(done.code == 0 and place.in_force() != version, "and works when the first one has ended", done)


def copies():
    folder = f"{place.data}/.sources/{USE_CASE}"
    return sorted(name.split("-")[0].split(".")[0] for name in os.listdir(folder) if name.endswith(".body"))


def test_copies():
    site = Site(Lists)
    one, two, three = (site.source(f"/{name}") for name in ("one", "two", "two.five"))

    def update(*sources):
        return place.update(place.lists(OWN, *sources, guard={"maxGrowth": 9, "maxShrink": 0.9}))

    done = update(one, two, three)
    check(done.code == 0 and done.json["copiesRemoved"] == 0 and copies() == ["one", "two", "two"],
          "copies of three lists", f"{done}\n{copies()}")
    place.write(f"data/.sources/{USE_CASE}/note", "of somebody else")
    Lists.down = "/two.five"
    done = update(one, two, three)
    check(done.code == 0 and done.json["copiesRemoved"] == 0 and len(copies()) == 3,
          "a list that fails keeps its copy", f"{done}\n{copies()}")
    done = update(one, {"id": "two", "file": "none.txt"})
    check(done.code == 1 and len(copies()) == 3, "an update that fails removes nothing", f"{done}\n{copies()}")
    done = update(two)
    check(done.code == 0 and done.json["copiesRemoved"] == 2 and copies() == ["two"],
          "copies of lists that lists.json does not name any more go", f"{done}\n{copies()}")
    done = update()
    left = sorted(os.listdir(f"{place.data}/.sources/{USE_CASE}"))
    check(done.code == 0 and left == [".lock", "note"], "all of them when it names no URL", f"{done}\n{left}")


# ---- the loop ----

def start_loop(*words, every="0", jitter="0"):
    path = f"{os.path.abspath(BUILD)}:{os.environ['PATH']}"
    return subprocess.Popen(["sh", LOOP, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True,
                            env={**environment(), "PATH": path, "UPDATE_EVERY": every, "UPDATE_JITTER": jitter})


def test_loop():
    loops = Workplace("loop")
    try:
        path = loops.lists(OWN)  # own.txt is not there
        loop = start_loop(path, loops.data)
        err = ""
        while "the update ended with" not in err and not err.endswith("\n\n"):
            err += loop.stderr.readline() or "\n\n"  # at its end: nothing more is to come
        check("the update ended with 1; the next one is in 0 s" in err and loop.poll() is None and
              loops.in_force() is None, "the loop survives lists that fail", err)
        loops.write("own.txt", "own.example\n")
        check(wait_until(lambda: loops.in_force() is not None), "publishes when they come back")
        first = loops.in_force()
        loops.write("own.txt", "own.example\nnext.example\n")
        check(wait_until(lambda: loops.in_force() != first), "and what is new later on")
        loop.send_signal(signal.SIGTERM)
        out, err = loop.communicate(timeout=PATIENCE_S)
        check(loop.returncode == 0, "SIGTERM ends it", f"{loop.returncode}\n{out}{err}")
        done = loops.update(path)
        check(done.code == 0 and not loops.unfinished(), "what that cut short is cleaned up", done)
        loop = start_loop(path, loops.data, every="1000", jitter="100")
        wait_until(lambda: "sleep" in subprocess.run(["ps", "--ppid", str(loop.pid), "-o", "comm="],
                                                     stdout=subprocess.PIPE, text=True).stdout)
        loop.send_signal(signal.SIGINT)
        out, err = loop.communicate(timeout=PATIENCE_S)
        check(loop.returncode == 0 and not err, "also while it waits", f"{loop.returncode}\n{out}{err}")
        place.write("fail", "{")
        loop = start_loop(f"{place.folder}/fail", place.data, every="500", jitter="100")
        wait = loop.stderr.readline() + loop.stderr.readline()
        loop.send_signal(signal.SIGTERM)
        loop.communicate(timeout=PATIENCE_S)
        seconds = int(wait.split(" is in ")[-1].split()[0]) if " is in " in wait else 0
        check(500 <= seconds <= 600, "the pause is UPDATE_EVERY and up to UPDATE_JITTER more", wait)
    finally:
        loops.remove()
    for words, options in (((), {}), (("a",), {}), (("a", "b", "c"), {}), (("a", "b"), {"every": "1h"}),
                           (("a", "b"), {"jitter": "-1"}), (("a", "b"), {"jitter": "x"}),
                           (("a", "b", "--sign-key", "key", "--unsigned"), {})):
        loop = start_loop(*words, **options)
        _, err = loop.communicate(timeout=PATIENCE_S)
        check(loop.returncode == 2 and err, f"the loop refuses {words} {options}", err)


# ---- systemd and compose ----

def test_units():
    prefix = f"{place.folder}/prefix"
    made = Done(["make", "-s", "-o", "all", "install", f"BUILD={BUILD}", f"PREFIX={prefix}"])
    units = sorted(os.listdir(f"{prefix}/lib/systemd/system")) if made.code == 0 else []
    check(units == ["blindlist-server.service", "blindlist-server.socket", "blindlist-update@.service",
                                          "blindlist-update@.timer"], "the units are installed",
          f"{made}\n{units}")
    if shutil.which("systemd-analyze") is None:
        skip("systemd-analyze is not installed")
        return
    for name in units:
        # Of a template an instance; its name does not matter.
        instance = f"{prefix}/lib/systemd/system/{name.replace('@', '@lists')}"
        if "@" in name:
            os.symlink(name, instance)
        done = Done(["systemd-analyze", "verify", "--man=no", instance])
        check(done.code == 0 and name.split("@")[0] not in done.err, f"systemd takes {name}", done)
    for name in ("blindlist-server.service", "blindlist-update@lists.service"):
        done = Done(["systemd-analyze", "security", "--offline=true", "--threshold=20",
                     f"{prefix}/lib/systemd/system/{name}"])
        check(done.code == 0, f"{name} is exposed by no more than 2.0 of 10", done)
    done = Done(["systemd-analyze", "calendar", "hourly"])
    check(done.code == 0, "and its calendar", done)


def test_compose_command(words):
    """The words of the image's entry point with those of compose.yaml behind: for tokens only, and of two admin
    addresses the last."""
    with open("Dockerfile", encoding="utf-8") as file:
        entry = json.loads(re.search(r"^ENTRYPOINT (.*)$", file.read(), re.MULTILINE).group(1))
    addresses = dict(re.findall(r"--(listen|admin) (\S+)", " ".join(entry + words)))
    check(addresses == {"listen": "0.0.0.0:8080", "admin": "0.0.0.0:8081"}, "its addresses are those that are published", words)
    options = [word.replace("0.0.0.0:8080", "127.0.0.1:0").replace(":8081", ":0") for word in entry[3:] + words]
    server = Server(place.data, *options, auth=None)
    try:
        check(entry[:3] == [os.path.basename(PROGRAM), "--data", "/data"] and "admin address=0.0.0.0:" in server.log(),
              "the server takes them", server.log())
    finally:
        server.end()


def test_compose():
    try:
        import yaml
    except ImportError:
        skip("python3-yaml is not installed: compose.yaml is not read")
        return
    with open("compose.yaml", encoding="utf-8") as file:
        services = yaml.safe_load(file)["services"]
    update, server = services["update"], services["server"]
    check(update["entrypoint"] == ["blindlist-update-loop", "/lists/lists.json", "/data"] and
          "data:/data" in update["volumes"] and "data:/data" in server["volumes"], "both have the data", services)
    check(server["depends_on"] == {"update": {"condition": "service_healthy"}} and
          "entrypoint" not in server, "the server starts when there is something to serve, as the image starts it", server)
    check(server["ports"] == ["127.0.0.1:8080:8080", "127.0.0.1:${ADMIN_PORT:-8081}:8081", "${HTTPS_PORT:-443}:443"],
          "of its addresses nothing but nginx's is the world's", server)
    check(update["networks"] == ["updates"] and "networks" not in server, "what fetches lists does not reach it", update)
    test_compose_command(server["command"])
    nginx = services["nginx"]
    mounted = dict(volume.split(":")[:2] for volume in nginx["volumes"] if volume.startswith("./"))
    check(nginx["network_mode"] == "service:server" and all(os.path.isfile(path) for path in mounted) and
          "/etc/nginx/blindlist-proxy.conf" in mounted.values(), "nginx finds the server, and its own configuration", nginx)
    test = update["healthcheck"]["test"]
    check(test[0] == "CMD-SHELL" and Done(["sh", "-c", test[1].replace("/data", place.data)]).code == 0 and
          Done(["sh", "-c", test[1].replace("/data", place.folder + "/none")]).code != 0,
          "the health check tells a data folder from an empty one", test)


place = Workplace("schedule")
try:
    place.write("own.txt", "own.example\n")
    test_lock()
    test_copies()
    test_loop()
    test_units()
    test_compose()
finally:
    place.remove()
sys.exit(finish())
