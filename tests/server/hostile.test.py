#!/usr/bin/env python3
"""Clients that mean no good (tests/hostile.py), while others get tokens, pay with them and ask: these are all
served, in about the time that it takes them alone; the server's memory stays as it is, it lives, and its state is
whole. Prints TAP.

BLINDLIST_HOSTILE_S       seconds of it [8]
BLINDLIST_HOSTILE_STRICT  when set, times of honest clients and growth of memory are judged, too: on a machine that has
                          nothing else to do, and for a minute at least"""
import json
import os
import re
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
from tap import check, finish  # noqa: E402

BUILD = os.environ.get("BUILD", "build")
TOOL = f"{BUILD}/blindlist"
SANITIZED = re.search(r"asan|ubsan|tsan|sanitize", BUILD) is not None
SECONDS = float(os.environ.get("BLINDLIST_HOSTILE_S", "8"))
STRICT = "BLINDLIST_HOSTILE_STRICT" in os.environ
ALONE_S = min(SECONDS / 4, 20)  # before, and after
USE_CASE = "one.example.url.filtering"
PAUSE_S = 0.02
TIMES_AT_MOST = 2  # as long as alone; on a busy machine, where that says nothing:
TIMES_AT_ALL, MORE_MS = 20, 2000
GROWTH_AT_MOST = 1.1  # with more than this:
GROWTH_BYTES = 16 << 20
BODIES_MB, KEYS_MB = 64, 32
CEILING_BYTES = (BODIES_MB + KEYS_MB + 4096 * 32 // 1024 + 160) << 20  # 32 KiB a connection; program and threads


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

    def go(self, seconds):
        """What was asked so long, by what: the median and the slowest of twenty, in milliseconds."""
        self.took = {}
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.pay("/queries", self.exchange.query(1)) != self.exchange.answer:
                self.failed.append("a wrong answer")
            self.ask("public config", "GET", "/config")
            fresh = Client(self.port)
            self.ask("new connection", "GET", "/config", client=fresh)
            fresh.close()
            time.sleep(PAUSE_S)
        return {what: (statistics.median(took), sorted(took)[len(took) * 19 // 20], len(took))
                for what, took in self.took.items()}


class Memory(threading.Thread):
    """What the server has resident, four times a second."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self.path, self.samples, self.over = f"/proc/{process.pid}/status", [], threading.Event()
        self.start()

    def run(self):
        while not self.over.wait(0.25):
            with open(self.path, encoding="utf-8") as file:
                self.samples.append(int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1)) << 10)

    def end(self):
        """Medians of the second and of the last quarter of the time, and the most."""
        self.over.set()
        self.join()
        quarter = max(1, len(self.samples) // 4)
        return (statistics.median(self.samples[quarter:2 * quarter]), statistics.median(self.samples[-quarter:]),
                max(self.samples))


def start_hostile(folder, port, exchange, user_token):
    bodies = {"/config": exchange.config, "/key": exchange.upload(1), "/queries": exchange.query(1),
              "/report": b"\x0a\x0bblocked.one\x0a\x0bblocked.two"}
    path = f"{folder}/bodies.json"
    with open(path, "w", encoding="utf-8") as file:
        json.dump({name: body.hex() for name, body in bodies.items()}, file)
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "hostile.py")
    return subprocess.Popen([sys.executable, program, str(port), user_token, path],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def judge_times(alone, meanwhile):
    for what, (median, slow, count) in meanwhile.items():
        before = alone[what]
        print(f"# {what}: alone {before[0]:.2f} ms, one in twenty {before[1]:.2f}; meanwhile {median:.2f} and {slow:.2f} "
              f"({count} times)")
    late = {what: took for what, took in meanwhile.items()
            if took[0] > (TIMES_AT_MOST * alone[what][0] if STRICT else TIMES_AT_ALL * alone[what][0] + MORE_MS)}
    check(not late, f"honest clients wait less than {TIMES_AT_MOST} times as long as alone" if STRICT else
          "honest clients are served in time", late)


def judge_hostile(hostile):
    said = json.loads(hostile.communicate(timeout=PATIENCE_S)[0])
    print(f"# sent {sum(said['sent'].values())}: {said['sent']}; at most {said['crowd']} silent ones at a time")
    for line in json.dumps(said["answers"]).split(", "):
        print(f"# {line}")
    check(hostile.returncode == 0 and not said["wrong"], "hostile clients are refused, each as it deserves",
          "\n".join(said["wrong"]))
    kinds = {name.rsplit(" ", 1)[0].split(" /")[0] for name in said["answers"]}
    check({"malformed", "replayed", "wrong token", "duplicated", "pipelined", "large field"} <= kinds
          and said["sent"]["truncated"] > 0 and said["sent"]["slow"] > 0 and said["sent"]["crowd"] > 1000,
          "there was something of everything", (kinds, said["sent"]))


def main():
    folder = working_folder("hostile")
    data, state = f"{folder}/data", f"{folder}/state"
    try:
        with open(f"{folder}/list", "w", encoding="utf-8") as file:
            file.writelines(f"{row}.example\n" for row in ["blocked", *(f"site{i}" for i in range(20000))])
        run("compile", f"{folder}/list", "--use-case", USE_CASE, "--out", data)
        server = Server(data, "--state", f"{folder}/other.state")
        exchange = Exchange(TOOL, server.port, USE_CASE, "https://blocked.example/")
        server.end()
        tokens = [run("token", "create", "--state", state, "--label", label).strip() for label in ("honest", "hostile")]
        server = Server(data, "--state", state, "--bodies-mb", str(BODIES_MB), "--key-cache-mb", str(KEYS_MB),
                        auth="token")
        honest = Honest(server.port, exchange, tokens[0])
        before = honest.go(ALONE_S)
        memory = Memory(server.process)
        hostile = start_hostile(folder, server.port, exchange, tokens[1])
        honest.go(SECONDS / 5)  # while they gather
        meanwhile = honest.go(SECONDS * 4 / 5)
        judge_hostile(hostile)
        early, late, most = memory.end()
        after = honest.go(ALONE_S)
        check(server.process.poll() is None, "the server lives", server.log()[-2000:])
        check(not honest.failed, "honest clients are answered, rightly, before, meanwhile and after",
              "\n".join(honest.failed[:10]))
        judge_times({what: [min(a, b) for a, b in zip(before[what], after[what])] for what in before}, meanwhile)
        print(f"# resident: {early / 2**20:.1f} MiB in the second quarter, {late / 2**20:.1f} MiB in the last, at most "
              f"{most / 2**20:.1f} MiB")
        if not SANITIZED:
            check(most < CEILING_BYTES, "its memory stays below what its limits add up to", (most, CEILING_BYTES))
        if STRICT:
            check(late < early * GROWTH_AT_MOST + GROWTH_BYTES, "its memory does not grow", (early, late))
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
