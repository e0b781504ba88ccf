#!/usr/bin/env python3
"""A server that is killed at random moments, under load: devices have tokens issued, pay with them, upload keys, ask
and report while datasets are put in force and user tokens made. After each start every token that was taken is refused,
every key that was accepted is there, and tokens from before are as good as ever. Prints TAP.

BLINDLIST_KILLS  how often [60; 20 for builds with a sanitizer]      BLINDLIST_SEED  the moments [of the clock]"""
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from paid_load import Crowd  # noqa: E402
from patience import PROGRAM_S, wait_until  # noqa: E402
from paying import AGENT, Client, Exchange  # noqa: E402
from served import PROGRAM, Server, working_folder  # noqa: E402
from tap import check, finish  # noqa: E402

BUILD = os.environ.get("BUILD", "build")
TOOL = f"{BUILD}/blindlist"
SANITIZED = re.search(r"asan|ubsan|tsan|sanitize", BUILD) is not None
KILLS = int(os.environ.get("BLINDLIST_KILLS", "20" if SANITIZED else "60"))
SEED = int(os.environ.get("BLINDLIST_SEED", str(time.time_ns() % 1000000)))
USE_CASE = "one.example.url.filtering"
DEVICES = 4
LOAD_S = 0.08  # a kill comes within so many seconds of load
START_S = 0.04  # or, one in EARLY, of a start
EARLY = 10


def run(*words):
    done = subprocess.run([TOOL, *words], capture_output=True, text=True, timeout=PROGRAM_S)
    if done.returncode != 0:
        raise RuntimeError(f"{words}: {done.stdout}{done.stderr}")
    return done.stdout


class Operator:
    """Puts the versions in force in turn, asks for reloads, makes user tokens; now and then in the middle of a kill."""

    def __init__(self, data, state, versions):
        self.data, self.state, self.versions = data, state, versions
        self.server = None
        self.switched = self.reloads = self.made = 0
        self.wrong = []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.work)

    def work(self):
        try:
            while not self.stop.wait(0.06):
                run("dataset", "activate", self.versions[self.switched % 2], "--data", self.data)
                self.switched += 1
                if self.switched % 5 == 0:
                    run("token", "create", "--state", self.state, "--label", f"made {self.made}")
                    self.made += 1
                if self.server is not None and self.server.poll() is None:
                    self.server.send_signal(signal.SIGHUP)
                    self.reloads += 1
        except (RuntimeError, OSError) as error:
            self.wrong.append(str(error))

    def end(self):
        self.stop.set()
        self.thread.join()


def kill(server):
    """The exit status: -9 unless it had ended by itself."""
    server.process.kill()
    return server.process.wait(PROGRAM_S)


def kill_while_starting(server_words, randomly):
    process = subprocess.Popen(server_words, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(randomly.uniform(0, START_S))
    process.kill()
    return process.wait(PROGRAM_S)


def load_until_killed(server, crowd, randomly):
    before = crowd.sent
    end = crowd.start_load()
    wait_until(lambda: crowd.sent > before)
    time.sleep(randomly.uniform(0, LOAD_S))
    code = kill(server)
    end()
    return code


def compile_list(folder, data, rows):
    with open(f"{folder}/list", "w", encoding="utf-8") as file:
        file.writelines(f"{row}.example\n" for row in ["blocked", *rows])
    return json.loads(run("compile", f"{folder}/list", "--use-case", USE_CASE, "--out", data, "--json"))["version"]


def prepare(folder, data):
    """Two versions that differ in one row, so that one query asks both; a key, the query, and both answers."""
    rows = [f"site{i}" for i in range(200)]
    versions = [compile_list(folder, data, rows)]
    server = Server(data, "--state", f"{folder}/other.state")
    exchange = Exchange(TOOL, server.port, USE_CASE, "https://blocked.example/")
    versions.append(compile_list(folder, data, ["same0", *rows[1:]]))
    server.end()
    server = Server(data, "--state", f"{folder}/other.state")
    client = Client(server.port)
    named = {"User_Identifier": "anybody", "User_Agent": AGENT}
    client.ask("POST", "/key", exchange.upload(1), **named)
    status, other, _ = client.ask("POST", "/queries", exchange.query(1), **named)
    client.close()
    server.end()
    check(status == 200 and other != exchange.answer, "two versions answer one query, each its own way", status)
    return exchange, versions, {exchange.answer, other}


def main():
    folder = working_folder("killed")
    data, state, reports = f"{folder}/data", f"{folder}/state", f"{folder}/reports"
    options = ("--state", state, "--reports", reports)
    os.mkdir(reports)
    operator = None
    try:
        exchange, versions, answers = prepare(folder, data)
        user_token = run("token", "create", "--state", state, "--label", "devices").strip()
        crowd = Crowd(DEVICES, exchange, answers, user_token, SEED)
        randomly = random.Random(SEED)
        operator = Operator(data, state, versions)
        operator.thread.start()
        server = Server(data, *options, auth="token")
        codes, early = [], 0
        started = time.monotonic()
        for moment in range(KILLS):
            operator.server = server.process
            crowd.connect(server.port)
            crowd.look_back()
            codes.append(load_until_killed(server, crowd, randomly))
            if moment % EARLY == EARLY - 1:
                early += 1
                codes.append(kill_while_starting([PROGRAM, "--data", data, "--listen", "127.0.0.1:0", *options],
                                                 randomly))
            server = Server(data, *options, auth="token")
        seconds = time.monotonic() - started
        operator.end()
        crowd.connect(server.port)
        crowd.look_back()
        crowd.show_all()
        print(f"# seed {SEED}: {KILLS} kills under load and {early} of starts in {seconds:.0f} s; {len(crowd.taken)} "
              f"tokens shown, answers lost: {crowd.lost}; {operator.switched} switches, {operator.reloads} reloads")
        check(set(codes) == {-signal.SIGKILL}, "it never ended by itself", codes)
        check(not operator.wrong and operator.switched > KILLS / 20 and operator.made > 0, "the operator was let",
              (operator.wrong, operator.switched, operator.made))
        check(not crowd.wrong, "no token was taken twice, no accepted key is lost, no device is locked out",
              "\n".join(crowd.wrong))
        check(len(crowd.taken) > 5 * KILLS and sum(crowd.lost.values()) > KILLS / 4,
              "there was a load, and kills came in the middle of it", (len(crowd.taken), crowd.lost))
        users = json.loads(run("token", "list", "--state", state, "--json"))["tokens"]
        counted = [user["issued"] for user in users if user["label"] == "devices"][0]
        check(crowd.issued <= counted <= crowd.asked, "each issued token is counted, once",
              (crowd.issued, counted, crowd.asked))
        check(len(users) == operator.made + 1, "each user token that was made is there", (len(users), operator.made))
        kept = []
        for name in os.listdir(reports):
            with open(f"{reports}/{name}", encoding="utf-8") as file:
                kept += [json.loads(line) for line in file]
        check(len(kept) >= crowd.reports, "each accepted report is there, on a line of its own",
              (len(kept), crowd.reports))
        check(server.end() == 0, "and it ends when asked to")
        done = subprocess.run([PROGRAM, "state", "check", "--state", state], capture_output=True, text=True, timeout=PROGRAM_S)
        check(done.returncode == 0, "the state is whole", done)
    finally:
        if operator is not None:
            operator.end()
        Server.end_all()
        shutil.rmtree(folder, ignore_errors=True)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
