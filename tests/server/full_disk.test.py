#!/usr/bin/env python3
"""A server whose state cannot be written: the disk is full, the file locked, removed, exchanged or read-only. What
needs it is refused with a reason, everything else goes on, nothing is lost, and with the cause the refusals end, without
a restart. Prints TAP."""
import json
import os
import re
import resource
import shutil
import sqlite3
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from paid_load import Crowd  # noqa: E402
from patience import PROGRAM_S  # noqa: E402
from paying import AGENT, DIRECTORY, Blinded, Client, Exchange, first_key  # noqa: E402
from served import PROGRAM, Server, working_folder  # noqa: E402
from tap import check, finish, skip  # noqa: E402

BUILD = os.environ.get("BUILD", "build")
TOOL = f"{BUILD}/blindlist"
USE_CASE = "one.example.url.filtering"
SEED = 1
DISK_MB = 8
LEFT_BYTES = 100_000  # room for tokens, none for a key
FILE_LIMIT_BYTES = 8192  # a write-ahead log begins below and cannot go on; messages fit
FILLINGS = 12
FAILURES_LOGGED_A_MINUTE = 20  # pir-server/service/service.c
ENOUGH = 5  # refusals, and then tokens taken, of each filling
work = working_folder("full-disk")
data = f"{work}/data"


def run(*words):
    return subprocess.run([TOOL, *words], capture_output=True, text=True, timeout=PROGRAM_S)


class Device:
    """One that pays, step by step."""

    def __init__(self, port, user_token):
        self.user_token = user_token
        self.client = Client(port)

    def issue(self):
        """(status, token)"""
        blinded = Blinded(first_key(self.client))
        status, signature, _ = self.client.ask("POST", "/issue", blinded.request,
                                               Authorization=f"Bearer {self.user_token}")
        return status, blinded.finish(signature) if status == 200 else None

    def tokens(self, count):
        return [self.issue()[1] for _ in range(count)]

    def post(self, path, body, token):
        """(status, what a JSON error says or the body)"""
        status, answer, headers = self.client.ask("POST", path, body, User_Identifier="one", User_Agent=AGENT,
                                                  Authorization=token)
        is_json = "json" in headers.get("content-type", "")
        return status, json.loads(answer)["error"]["message"] if status != 200 and is_json else answer

    def config(self, token):
        return self.post("/config", exchange.config, token)


def new_server(state):
    """One with a state of its own, a device with a key and tokens, of which one is spent."""
    user_token = run("token", "create", "--state", state).stdout.strip()
    server = Server(data, "--state", state, auth="token")
    device = Device(server.port, user_token)
    tokens = device.tokens(12)
    check(device.post("/key", exchange.upload(7), tokens[0])[0] == 200, "before: a key is uploaded")
    return server, device, tokens


def check_refusals(server, device, tokens, why, what):
    """Of the first three tokens. `why` is what the log must say."""
    said = server.log().count(why)
    replies = [device.config(tokens[0]), device.post("/queries", exchange.query(7), tokens[1]),
               device.post("/key", exchange.upload(8), tokens[2])]
    check(all(status == 503 and isinstance(text, str) for status, text in replies), f"{what}: 503, and why", replies)
    status, token = device.issue()
    check(status == 503 and token is None, f"{what}: no token is issued that is not counted", status)
    check(server.log().count(why) > said, f"{what}: the log says {why!r}", server.log()[-2000:])
    others = [device.client.ask("GET", path)[0] for path in ("/config", DIRECTORY, "/healthz", f"/prefilter/{USE_CASE}.json")]
    check(set(others) == {200}, f"{what}: what needs no state goes on", others)


def check_recovery(server, device, tokens, spent, what):
    """None of `tokens` is burnt, those `spent` are, and the key is there."""
    replies = [device.config(token)[0] for token in tokens]
    check(set(replies) == {200}, f"{what}, then: the tokens that were refused are good", replies)
    check({device.config(token)[0] for token in tokens + spent} == {401}, f"{what}, then: once")
    status, token = device.issue()
    check(status == 200, f"{what}, then: tokens are issued", status)
    status, answer = device.post("/queries", exchange.query(7), token)
    check(status == 200 and answer == exchange.answer, f"{what}, then: the key from before answers", status)
    check(server.process.poll() is None, f"{what}: the process lived on")


def check_state(state, what):
    done = subprocess.run([PROGRAM, "state", "check", "--state", state], capture_output=True, text=True, timeout=PROGRAM_S)
    check(done.returncode == 0, f"{what}: the state is whole", done)


# ---- full disks ----

class FileLimit:
    """No file of the server can grow."""

    def __init__(self, server):
        self.pid = server.process.pid

    def fill(self, _=0):
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (FILE_LIMIT_BYTES, resource.RLIM_INFINITY))

    def make_room(self):
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


class SmallDisk:
    """The folder of the state is a disk of its own."""

    def __init__(self, folder):
        self.filler = f"{folder}/filler"

    def fill(self, but=0):
        size = 1 << 20
        with open(self.filler, "wb", buffering=0) as file:
            while size > 0:
                try:
                    file.write(bytes(size))
                except OSError:
                    size //= 2
            file.truncate(max(0, file.tell() - but))

    def make_room(self):
        os.remove(self.filler)


def mount_small():
    """The folder, or None where one may not mount."""
    folder = f"{work}/small"
    os.mkdir(folder)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "none", folder], capture_output=True)
    return folder if done.returncode == 0 else None


def test_full(state, disk_of, why, what):
    server, device, tokens = new_server(state)
    disk = disk_of(server)
    disk.fill()
    check_refusals(server, device, tokens[1:4], why, what)
    if os.path.dirname(state) != work:
        done = run("token", "create", "--state", state)
        check(done.returncode == 1 and why in done.stderr and not done.stdout, f"{what}: no user token is made", done)
    disk.make_room()
    check_recovery(server, device, tokens[1:6], tokens[:1], what)
    check(server.end() == 0, f"{what}: it ends as asked")
    check_state(state, what)


def test_no_room_for_a_key(state, disk):
    server, device, tokens = new_server(state)
    disk.fill(LEFT_BYTES)
    status, text = device.post("/key", exchange.upload(8), tokens[1])
    check(status == 500 and isinstance(text, str), "room for a token and none for a key: refused, and why",
          (status, text))
    check("database or disk is full" in server.log(), "and in the log")
    check(device.config(tokens[1])[0] == 401, "its token is spent, and recorded")
    status, answer = device.post("/queries", exchange.query(7), tokens[2])
    check(status == 200 and answer == exchange.answer, "the key from before is still there", status)
    disk.make_room()
    check(device.post("/key", exchange.upload(8), tokens[3])[0] == 200, "with room the key is taken")
    server.end()
    check_state(state, "room for a token and none for a key")


def test_start_without_room(state, disk):
    disk.fill()
    done = subprocess.run([PROGRAM, "--data", data, "--listen", "127.0.0.1:0", "--state", state],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PROGRAM_S)
    check(done.returncode == 1 and state in done.stderr and "full" in done.stderr,
          "a start on a full disk: refused, and why", done)
    disk.make_room()
    server = Server(data, "--state", state, auth="token")
    check(server.end() == 0, "with room it starts")


def test_full_under_load(state, disk_of):
    """Filled and emptied while devices go on; then killed."""
    user_token = run("token", "create", "--state", state).stdout.strip()
    server = Server(data, "--state", state, auth="token")
    crowd = Crowd(3, exchange, {exchange.answer}, user_token, SEED, refusals=(500, 503))
    disk = disk_of(server)
    crowd.connect(server.port)
    end = crowd.start_load()
    in_time = True
    for _ in range(FILLINGS):
        disk.fill()
        in_time = crowd.wait_refused(ENOUGH) and in_time
        disk.make_room()
        in_time = crowd.wait_taken(ENOUGH) and in_time
    server.process.kill()
    end()
    lines = server.log().splitlines()
    minutes = len({line[:len("2026-01-01T00:00")] for line in lines})
    failures = sum("request failed" in line for line in lines)
    check(0 < failures <= FAILURES_LOGGED_A_MINUTE * minutes, "few of the refusals of a minute are logged",
          (failures, minutes, crowd.refused))
    server = Server(data, "--state", state, auth="token")
    crowd.connect(server.port)
    crowd.look_back()
    crowd.show_all()
    print(f"# {len(crowd.taken)} tokens shown, refused: {crowd.refused}")
    check(in_time and not crowd.wrong,
          f"full {FILLINGS} times under load, then killed: nothing taken twice, nothing lost", "\n".join(crowd.wrong))
    server.end()
    check_state(state, "full under load")


# ---- other causes ----

def test_locked(state):
    server, device, tokens = new_server(state)
    other = sqlite3.connect(state, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    command = subprocess.Popen([TOOL, "token", "create", "--state", state], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)  # both wait, as long as they do
    reply = device.config(tokens[1])
    check(reply[0] == 503 and isinstance(reply[1], str), "locked by another process: 503, and why", reply)
    check("locked" in server.log() and state in server.log(), "locked: the log says so", server.log())
    errors = command.communicate(timeout=PROGRAM_S)[1]
    check(command.returncode == 1 and "locked" in errors, "locked: no user token is made, and it is said why", errors)
    other.execute("ROLLBACK")
    check_recovery(server, device, tokens[1:4], tokens[:1], "locked")
    server.end()


def test_removed(state):
    """Put back, and exchanged for another."""
    why = "removed or exchanged"
    server, device, tokens = new_server(state)
    os.rename(state, f"{state}.away")
    check_refusals(server, device, tokens[1:4], why, "removed while in use")
    os.rename(f"{state}.away", state)
    check_recovery(server, device, tokens[1:5], tokens[:1], "removed while in use")
    os.rename(state, f"{state}.away")
    shutil.copyfile(f"{state}.away", state)
    reply = device.config(tokens[6])
    check(reply[0] == 503, "exchanged for a copy while in use: refused", reply)
    os.replace(f"{state}.away", state)
    check(device.config(tokens[6])[0] == 200, "exchanged, then put back: good")
    server.end()
    check_state(state, "removed and exchanged")


def test_read_only(folder):
    """A disk that cannot be written to, when the server starts."""
    state = f"{folder}/read-only.state"
    Server(data, "--state", state, auth="token").end()
    subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
    done = subprocess.run([PROGRAM, "--data", data, "--listen", "127.0.0.1:0", "--state", state],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PROGRAM_S)
    check(done.returncode == 1 and state in done.stderr and "ead-only" in done.stderr,
          "a state on a read-only disk: refused, and why", done)
    done = run("token", "create", "--state", state)
    check(done.returncode == 1 and state in done.stderr, "read-only: no user token is made", done)
    subprocess.run(["mount", "-o", "remount,rw", folder], check=True)
    check(Server(data, "--state", state, auth="token").end() == 0, "writable again: it starts")


def main():
    global exchange
    small = None
    try:
        with open(f"{work}/list", "w", encoding="utf-8") as file:
            file.writelines(f"{row}.example\n" for row in ["blocked", *(f"site{i}" for i in range(200))])
        done = run("compile", f"{work}/list", "--use-case", USE_CASE, "--out", data)
        check(done.returncode == 0, "a dataset", done)
        server = Server(data, "--state", f"{work}/other.state")
        exchange = Exchange(TOOL, server.port, USE_CASE, "https://blocked.example/")
        server.end()
        test_full(f"{work}/limited.state", FileLimit, "disk I/O error", "files that cannot grow")
        test_full_under_load(f"{work}/loaded.state", FileLimit)
        test_locked(f"{work}/locked.state")
        test_removed(f"{work}/removed.state")
        small = mount_small()
        if small is None:
            skip("a disk that is really full needs the right to mount one")
        else:
            disk = SmallDisk(small)
            test_full(f"{small}/state", lambda _: disk, "database or disk is full", "a full disk")
            test_no_room_for_a_key(f"{small}/key.state", disk)
            test_start_without_room(f"{small}/start.state", disk)
            test_full_under_load(f"{small}/loaded.state", lambda _: disk)
            test_read_only(small)
    finally:
        Server.end_all()
        if small is not None:
            subprocess.run(["umount", "-l", small], check=False)
        shutil.rmtree(work, ignore_errors=True)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
