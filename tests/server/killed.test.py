#!/usr/bin/env python3
"""A server that is killed at random moments, under load: devices have tokens issued, pay with them, upload keys, ask
and report while datasets are put in force and user tokens made. After each start every token that was taken is refused,
every key that was accepted is there, and tokens from before are as good as ever. With the state in a file; with
PostgreSQL, a tenth of the kills; and with a PostgreSQL that ends and starts under load. Prints TAP.

BLINDLIST_KILLS  how often [200; 20 for builds with a sanitizer]      BLINDLIST_SEED  the moments [of the clock]"""
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
import postgres  # noqa: E402
from paid_load import Crowd  # noqa: E402
from patience import PROGRAM_S, wait_until  # noqa: E402
from paying import AGENT, Client, Exchange  # noqa: E402
from served import PROGRAM, Server, working_folder  # noqa: E402
from tap import check, finish, skip  # noqa: E402

BUILD = os.environ.get("BUILD", "build")
TOOL = f"{BUILD}/blindlist"
SANITIZED = re.search(r"asan|ubsan|tsan|sanitize", BUILD) is not None
KILLS = int(os.environ.get("BLINDLIST_KILLS", "20" if SANITIZED else "200"))
SEED = int(os.environ.get("BLINDLIST_SEED", str(time.time_ns() % 1000000)))
USE_CASE = "one.example.url.filtering"
CRASHES = 6  # of the database
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


class Place:
    """Folders and state of one test, with a user token for its devices."""

    def __init__(self, folder, name, data, state=None):
        self.data, self.name = data, name
        self.reports = f"{folder}/reports-{name}"
        self.state = state or f"{folder}/state"
        self.options = ("--state", self.state, "--reports", self.reports)
        os.mkdir(self.reports)
        self.user_token = run("token", "create", "--state", self.state, "--label", "devices").strip()

    def start(self):
        return Server(self.data, *self.options, auth="token")

    def check(self, crowd, made):
        """What the state and the reports must hold when all is over."""
        users = json.loads(run("token", "list", "--state", self.state, "--json"))["tokens"]
        counted = [user["issued"] for user in users if user["label"] == "devices"][0]
        check(crowd.issued <= counted <= crowd.asked, f"{self.name}: each issued token is counted, once",
              (crowd.issued, counted, crowd.asked))
        check(len(users) == made + 1, f"{self.name}: each user token that was made is there", (len(users), made))
        kept = []
        for name in os.listdir(self.reports):
            with open(f"{self.reports}/{name}", encoding="utf-8") as file:
                kept += [json.loads(line) for line in file]
        check(len(kept) >= crowd.reports, f"{self.name}: each accepted report is there, on a line of its own",
              (len(kept), crowd.reports))
        done = subprocess.run([PROGRAM, "state", "check", "--state", self.state], capture_output=True, text=True,
                              timeout=PROGRAM_S)
        check(done.returncode == 0, f"{self.name}: the state is whole", done)


def test_kills(place, kills, exchange, versions, answers):
    crowd = Crowd(DEVICES, exchange, answers, place.user_token, SEED)
    randomly = random.Random(SEED)
    operator = Operator(place.data, place.state, versions)
    operator.thread.start()
    codes, early = [], 0
    started = time.monotonic()
    try:
        server = place.start()
        for moment in range(kills):
            operator.server = server.process
            crowd.connect(server.port)
            crowd.look_back()
            codes.append(load_until_killed(server, crowd, randomly))
            if moment % EARLY == EARLY - 1:
                early += 1
                codes.append(kill_while_starting([PROGRAM, "--data", place.data, "--listen", "127.0.0.1:0",
                                                  *place.options], randomly))
            server = place.start()
        seconds = time.monotonic() - started
    finally:
        operator.end()
    crowd.connect(server.port)
    crowd.look_back()
    crowd.show_all()
    print(f"# {place.name}, seed {SEED}: {kills} kills under load and {early} of starts in {seconds:.0f} s; "
          f"{len(crowd.taken)} tokens shown, answers lost: {crowd.lost}; {operator.switched} switches, "
          f"{operator.reloads} reloads")
    check(set(codes) == {-signal.SIGKILL}, f"{place.name}: it never ended by itself", codes)
    check(not operator.wrong and operator.switched > kills / 20, f"{place.name}: the operator was let",
          (operator.wrong, operator.switched))
    check(not crowd.wrong, f"{place.name}: no token was taken twice, no accepted key is lost, no device is locked out",
          "\n".join(crowd.wrong))
    check(len(crowd.taken) > 5 * kills and sum(crowd.lost.values()) > kills / 4,
          f"{place.name}: there was a load, and kills came in the middle of it", (len(crowd.taken), crowd.lost))
    check(server.end() == 0, f"{place.name}: it ends when asked to")
    place.check(crowd, operator.made)


def test_crashes(place, postgres, crashes, exchange, answers):
    """The database ends and starts again while the server goes on: in order and as in a crash, in turn."""
    crowd = Crowd(DEVICES, exchange, answers, place.user_token, SEED, refusals=(500, 503))
    server = place.start()
    crowd.connect(server.port)
    end = crowd.start_load()
    in_time = []
    for i in range(crashes):
        postgres.stop((signal.SIGQUIT, signal.SIGINT)[i % 2])
        in_time.append(crowd.wait_refused(DEVICES))
        postgres.start()
        in_time.append(crowd.wait_taken(2 * DEVICES))
    code = kill(server)
    end()
    server = place.start()
    crowd.connect(server.port)
    crowd.look_back()
    crowd.show_all()
    print(f"# {place.name}: {crashes} under load; {len(crowd.taken)} tokens shown, refused: {crowd.refused}, lost: "
          f"{crowd.lost}")
    check(all(in_time) and code == -signal.SIGKILL, f"{place.name}: refused while it is gone, answered when it is back",
          (in_time, code))
    check(not crowd.wrong, f"{place.name}: no token was taken twice, no accepted key is lost, no device is locked out",
          "\n".join(crowd.wrong))
    server.end()
    place.check(crowd, 0)


def main():
    folder = working_folder("killed")
    data = f"{folder}/data"
    database = None
    try:
        exchange, versions, answers = prepare(folder, data)
        test_kills(Place(folder, "SQLite", data), KILLS, exchange, versions, answers)
        try:
            database = postgres.Postgres()
        except postgres.Missing as missing:
            skip(str(missing))
        else:
            test_kills(Place(folder, "PostgreSQL", data, database.name()), KILLS // 10, exchange, versions, answers)
            database.sql("CREATE DATABASE crashes")
            test_crashes(Place(folder, "restarts of PostgreSQL", data, database.name("crashes")), database,
                         CRASHES, exchange, answers)
    finally:
        Server.end_all()
        if database is not None:
            database.remove()
        shutil.rmtree(folder, ignore_errors=True)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
