#!/usr/bin/env python3
"""Clients that mean no good (tests/hostile.py), while others get tokens, pay with them and ask: these are all served, in
less than twice the time that it takes them at a second server which nobody attacks, asked in turn with the first; so
whatever else the machine does is the same for both. 10,000 connections are held at once, each with a long head that never
ends; the server's memory stays as it is, it lives, and its state is whole. Prints TAP.

BLINDLIST_HOSTILE_S       seconds of it, once the silent ones are there [120; 8 for builds with a sanitizer, where fewer
                          are silent and times are judged by a wide measure]
BLINDLIST_HOSTILE_SHARE   of one processor, for the hostile clients [0.25]
BLINDLIST_HOSTILE_STRICT  when set, times are compared with those at the same server before and after, too: on a machine
                          that has nothing else to do"""
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from paying import AGENT, Blinded, Client, Exchange, Lost, first_key  # noqa: E402
from patience import PATIENCE_S  # noqa: E402
from served import PROGRAM, Server, working_folder  # noqa: E402
from tap import check, finish, skip  # noqa: E402

BUILD = os.environ.get("BUILD", "build")
TOOL = f"{BUILD}/blindlist"
SANITIZED = re.search(r"asan|ubsan|tsan|sanitize", BUILD) is not None
SECONDS = float(os.environ.get("BLINDLIST_HOSTILE_S", "8" if SANITIZED else "120"))
SHARE = os.environ.get("BLINDLIST_HOSTILE_SHARE", "0.25")
STRICT = "BLINDLIST_HOSTILE_STRICT" in os.environ
ALONE_S = min(SECONDS / 8, 5)  # before, and after
USE_CASE = "one.example.url.filtering"
PAUSE_S = 0.1
AT_ONCE = 10_000  # silent connections; the server may have a few more, and there are more than it may have
CONNECTIONS, CROWD = 10_200, 10_500
FEW_CONNECTIONS, FEW_CROWD = 2_000, 2_500  # with a sanitizer, or where so many files may not be open
FILES_BESIDE = 1100  # open in the crowd's process or the server, beside connections
CROWD_HEAD_S = 60  # for which a silent one is kept
LOOK_UP = "look-up"  # a token and what it pays for
TIMES_AT_MOST = 2  # as long as at the other server
MORE_MS = 5  # for parts of a look-up, whose times are short
TIMES_AT_ALL, MORE_AT_ALL_MS = 20, 2000  # with a sanitizer
TURNS = 3  # of so many seconds: one that other work of the machine has spoiled is not the last
GROWTH_AT_MOST = 1.1  # with more than this:
GROWTH_BYTES = 16 << 20
BODIES_MB, KEYS_MB = 64, 32
CONNECTION_BYTES = 32 << 10
PROGRAM_BYTES = 160 << 20  # with its threads and the dataset


def run(*words):
    done = subprocess.run([TOOL, *words], capture_output=True, text=True, timeout=PATIENCE_S)
    if done.returncode != 0:
        raise RuntimeError(f"{words}: {done.stdout}{done.stderr}")
    return done.stdout


class Honest:
    """A device: over a connection kept open, and now and then over one of its own."""

    def __init__(self, port, exchange, user_token):
        self.port, self.exchange, self.user_token = port, exchange, user_token
        self.client = Client(port)
        self.spki = first_key(self.client)
        self.took = {}  # milliseconds, by what was asked
        self.failed = []
        self.pay("/key", exchange.upload(1))

    def ask(self, what, method, path, body=None, client=None, **headers):
        started = time.perf_counter()
        try:
            status, answer, _ = (client or self.client).ask(method, path, body, **headers)
        except Lost as lost:
            status, answer = f"lost: {lost.__cause__}", b""
        self.took.setdefault(what, []).append((time.perf_counter() - started) * 1000)
        if status != 200:
            self.failed.append(f"{what}: {status} {answer[:100]}")
        return answer

    def token(self):
        token = Blinded(self.spki)
        return token.finish(self.ask("issue", "POST", "/issue", token.request,
                                     Authorization=f"Bearer {self.user_token}"))

    def pay(self, path, body):
        return self.ask(path[1:], "POST", path, body, Authorization=self.token(), User_Identifier="honest",
                        User_Agent=AGENT)

    def round(self):
        started = time.perf_counter()
        if self.pay("/queries", self.exchange.query(1)) != self.exchange.answer:
            self.failed.append("a wrong answer")
        self.took.setdefault(LOOK_UP, []).append((time.perf_counter() - started) * 1000)
        self.ask("public config", "GET", "/config")
        fresh = Client(self.port)
        self.ask("new connection", "GET", "/config", client=fresh)
        fresh.close()

    def times(self):
        """What was asked since the last time, by what: the median and the slowest of twenty, in milliseconds."""
        took, self.took = self.took, {}
        return {what: (statistics.median(each), sorted(each)[len(each) * 19 // 20], len(each))
                for what, each in took.items()}


def go(seconds, *devices):
    """The times of each device; they take turns."""
    for device in devices:
        device.times()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for device in devices:
            device.round()
        time.sleep(PAUSE_S)
    return [device.times() for device in devices]


def open_files(process):
    return len(os.listdir(f"/proc/{process.pid}/fd"))


class Memory(threading.Thread):
    """What the server has resident, and the most files it has open, once a second."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self.process, self.samples, self.files, self.over = process, [], 0, threading.Event()
        self.start()

    def run(self):
        while not self.over.wait(1):
            with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as file:
                self.samples.append(int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1)) << 10)
            self.files = max(self.files, open_files(self.process))

    def end(self):
        """Medians of the second and of the last quarter of the time, and the most."""
        self.over.set()
        self.join()
        quarter = max(1, len(self.samples) // 4)
        return (statistics.median(self.samples[quarter:2 * quarter]), statistics.median(self.samples[-quarter:]),
                max(self.samples))


def start_hostile(folder, port, exchange, user_token, crowd):
    bodies = {"/config": exchange.config, "/key": exchange.upload(1), "/queries": exchange.query(1),
              "/report": b"\x0a\x0bblocked.one\x0a\x0bblocked.two"}
    path = f"{folder}/bodies.json"
    with open(path, "w", encoding="utf-8") as file:
        json.dump({name: body.hex() for name, body in bodies.items()}, file)
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "hostile.py")
    return subprocess.Popen([sys.executable, program, str(port), user_token, path, str(crowd), SHARE],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def slower(times, others, at_most, more_ms=0):
    """What takes longer, by median; a look-up is granted nothing more."""
    return {what: (took[0], others[what][0]) for what, took in times.items()
            if took[0] > at_most * others[what][0] + (more_ms if what != LOOK_UP else 0)}


def print_times(whose, times):
    for what, (median, slow, count) in times.items():
        print(f"# {whose}, {what}: {median:.2f} ms, one in twenty {slow:.2f} ({count} times)")


def too_late(times, others):
    """Against the times at a server that nobody attacks."""
    if SANITIZED:
        return slower(times, others, TIMES_AT_ALL, MORE_AT_ALL_MS)
    return slower(times, others, TIMES_AT_MOST, MORE_MS)


def test_judging():
    """Numbers made up: what is to be found late is, and nothing else."""
    def times(**medians):
        return {what.replace("_", "-"): (median, 3 * median, 100) for what, median in medians.items()}
    others = times(look_up=20, issue=2)
    most, more = (TIMES_AT_ALL, MORE_AT_ALL_MS) if SANITIZED else (TIMES_AT_MOST, MORE_MS)
    for what, attacked, late in (
            ("as fast", others, set()), ("just in time", times(look_up=20 * most, issue=2 * most + more), set()),
            ("a look-up is late, and is granted nothing", times(look_up=20 * most + 0.1, issue=2), {LOOK_UP}),
            ("a part of one is late", times(look_up=20, issue=2 * most + more + 0.1), {"issue"}),
            ("all is", times(look_up=900 * most, issue=900 * most + more), {LOOK_UP, "issue"})):
        check(set(too_late(attacked, others)) == late, f"made-up times: {what}", too_late(attacked, others))


def ask_both(honest, elsewhere):
    """What takes too long at the server that is attacked, and its times."""
    for _ in range(TURNS):
        meanwhile, others = go(SECONDS, honest, elsewhere)
        print_times("attacked", meanwhile)
        print_times("meanwhile at the other server", others)
        late = too_late(meanwhile, others)
        if not late:
            break
    return late, meanwhile


def judge_alone(before, after, meanwhile):
    alone = {what: min(before[what], after[what]) for what in before}
    print_times("before or after", alone)
    if STRICT:
        late = slower(meanwhile, alone, TIMES_AT_MOST)
        check(not late, f"and less than {TIMES_AT_MOST} times as long as before and after", late)


def judge_crowd(process, before, honest):
    """Waits until they are there, while honest devices ask."""
    until = time.monotonic() + PATIENCE_S
    while (held := open_files(process) - before) < AT_ONCE and time.monotonic() < until:
        go(1, *honest)
    check(held >= AT_ONCE, f"{AT_ONCE} connections at once", held)


def judge_memory(early, last, most, connections):
    if SANITIZED:
        return
    print(f"# resident: {early / 2**20:.1f} MiB in the second quarter, {last / 2**20:.1f} MiB in the last, at most "
          f"{most / 2**20:.1f} MiB")
    ceiling = (BODIES_MB + KEYS_MB << 20) + connections * CONNECTION_BYTES + PROGRAM_BYTES
    check(most < ceiling, "its memory stays below what its limits add up to", (most, ceiling))
    check(last < early * GROWTH_AT_MOST + GROWTH_BYTES, "its memory does not grow", (early, last))


def files_lack():
    """Why there cannot be so many connections here, or None."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = max(CROWD, CONNECTIONS) + FILES_BESIDE
    if most == resource.RLIM_INFINITY or most >= wanted:
        return None
    return f"{AT_ONCE} connections at once: that takes {wanted} open files, the system allows {most}"


def judge_hostile(hostile):
    said = json.loads(hostile.communicate(timeout=PATIENCE_S)[0])
    print(f"# sent {sum(said['sent'].values())}: {said['sent']}; at most {said['crowd']} silent ones at a time")
    for line in json.dumps(said["answers"]).split(", "):
        print(f"# {line}")
    check(hostile.returncode == 0 and not said["wrong"], "hostile clients are refused, each as it deserves",
          "\n".join(said["wrong"]))
    kinds = {name.rsplit(" ", 1)[0].split(" /")[0] for name in said["answers"]}
    check({"malformed", "replayed", "wrong token", "duplicated", "pipelined", "large field"} <= kinds
          and said["sent"]["truncated"] > 0 and said["sent"]["slow"] > 0 and said["sent"]["crowd"] > said["crowd"] > 1000,
          "there was something of everything", (kinds, said["sent"]))


def prepare(folder, data):
    with open(f"{folder}/list", "w", encoding="utf-8") as file:
        file.writelines(f"{row}.example\n" for row in ["blocked", *(f"site{i}" for i in range(20000))])
    run("compile", f"{folder}/list", "--use-case", USE_CASE, "--out", data)
    server = Server(data, "--state", f"{folder}/other.state")
    exchange = Exchange(TOOL, server.port, USE_CASE, "https://blocked.example/")
    server.end()
    return exchange


def start(data, state, connections):
    return Server(data, "--state", state, "--bodies-mb", str(BODIES_MB), "--key-cache-mb", str(KEYS_MB),
                  "--connections", str(connections), "--head-seconds", str(CROWD_HEAD_S), auth="token")


def make_token(state, label):
    return run("token", "create", "--state", state, "--label", label).strip()


def main():
    folder = working_folder("hostile")
    data, state, other_state = f"{folder}/data", f"{folder}/state", f"{folder}/attacked-by-nobody.state"
    lack = files_lack()
    connections, crowd = (FEW_CONNECTIONS, FEW_CROWD) if SANITIZED or lack else (CONNECTIONS, CROWD)
    test_judging()
    try:
        exchange = prepare(folder, data)
        server, other = (start(data, at, connections) for at in (state, other_state))
        honest = Honest(server.port, exchange, make_token(state, "honest"))
        elsewhere = Honest(other.port, exchange, make_token(other_state, "honest"))
        before = go(ALONE_S, honest)[0]
        files_before = open_files(server.process)
        hostile = start_hostile(folder, server.port, exchange, make_token(state, "hostile"), crowd)
        if lack:
            skip(lack)
        elif not SANITIZED:
            judge_crowd(server.process, files_before, (honest, elsewhere))
        memory = Memory(server.process)
        late, meanwhile = ask_both(honest, elsewhere)
        check(not late, f"honest clients wait less than {TIMES_AT_MOST} times as long as at a server that nobody attacks",
              late)
        judge_hostile(hostile)
        early, last, most = memory.end()
        after = go(ALONE_S, honest)[0]
        check(server.process.poll() is None, "the server lives", server.log()[-2000:])
        check(not honest.failed and not elsewhere.failed, "honest clients are answered, rightly, before, meanwhile and after",
              "\n".join(honest.failed[:10] + elsewhere.failed[:10]))
        judge_alone(before, after, meanwhile)
        judge_memory(early, last, most, connections)
        check("ERROR" not in server.log() and " error " not in server.log(), "no error of its own", server.log()[-2000:])
        check(server.end() == 0, "and it ends when asked to")
        done = subprocess.run([PROGRAM, "state", "check", "--state", state], capture_output=True, text=True,
                              timeout=PATIENCE_S)
        check(done.returncode == 0, "its state is whole", done)
    finally:
        Server.end_all()
        shutil.rmtree(folder, ignore_errors=True)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
