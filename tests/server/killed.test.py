#!/usr/bin/env python3
"""A server that is killed at random moments, under load: devices have tokens issued, pay with them, upload keys, ask
and report while datasets are put in force and user tokens made. After each start every token that was taken is refused,
every key that was accepted is there, and tokens from before are as good as ever. Prints TAP.

BLINDLIST_KILLS  how often [200; 40 for builds with a sanitizer]      BLINDLIST_SEED  the moments [of the clock]"""
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
from paying import AGENT, Blinded, Client, Exchange, Lost, first_key  # noqa: E402
from served import PROGRAM, Server, working_folder  # noqa: E402
from tap import check, finish  # noqa: E402

BUILD = os.environ.get("BUILD", "build")
TOOL = f"{BUILD}/blindlist"
SANITIZED = re.search(r"asan|ubsan|tsan|sanitize", BUILD) is not None
KILLS = int(os.environ.get("BLINDLIST_KILLS", "40" if SANITIZED else "200"))
SEED = int(os.environ.get("BLINDLIST_SEED", str(time.time_ns() % 1000000)))
USE_CASE = "one.example.url.filtering"
DEVICES = 4
CACHE = 12  # tokens that a device has at least
LOAD_S = 0.08  # a kill comes within so many seconds of load
START_S = 0.04  # or, one in EARLY, of a start
EARLY = 10
OLDER = 10  # tokens of earlier rounds that are shown again in each
FIRST_KEY_TIME = 1_700_000_000


class Ledger:
    """What all devices know together; each writes its own entries, lists are appended to by one at a time."""

    def __init__(self):
        self.taken = []  # tokens whose acceptance was seen
        self.wrong = []  # what must not happen
        self.asked = self.issued = self.reports = 0
        self.lost = {"token": 0, "key": 0, "issue": 0}


class Device:
    def __init__(self, number, exchange, user_token, ledger):
        self.user = f"device-{number}"
        self.exchange, self.user_token, self.ledger = exchange, user_token, ledger
        self.randomly = random.Random(SEED + number)
        self.spki = self.client = None
        self.tokens = []  # never shown
        self.doubtful = []  # shown, the answer was lost
        self.taken_now = []  # in this round
        self.key_times = {0}  # the server has the key of one of these times
        self.answers = None  # of the two datasets
        self.report_number = 0

    def connect(self, port):
        self.client = Client(port)

    def wrong(self, what, *more):
        self.ledger.wrong.append(f"{self.user}: {what} {' '.join(map(str, more))}")

    def get_token(self):
        self.spki = self.spki or first_key(self.client)
        token = Blinded(self.spki)
        self.ledger.asked += 1
        try:
            status, signature, _ = self.client.ask("POST", "/issue", token.request,
                                                   Authorization=f"Bearer {self.user_token}")
        except Lost:
            self.ledger.lost["issue"] += 1
            raise
        value = token.finish(signature) if status == 200 else None
        if value is None:
            self.wrong("no token", status, signature[:200])
            return
        self.ledger.issued += 1
        self.tokens.append(value)

    def pay(self, path, body):
        """The answer to what the oldest token pays for."""
        token = self.tokens.pop(0)
        try:
            status, answer, _ = self.client.ask("POST", path, body, User_Identifier=self.user, User_Agent=AGENT,
                                                Authorization=token)
        except Lost:
            self.doubtful.append(token)
            self.ledger.lost["token"] += 1
            raise
        if status != 200:
            self.wrong(f"{path}: a token from before is not taken:", status, answer[:200])
            return b""
        self.taken_now.append(token)
        return answer

    def fetch_config(self):
        has = self.exchange.key_time(self.pay("/config", self.exchange.config) or b"\x12\0")
        if has not in self.key_times:
            self.wrong("the server has a key of", has, "and not of", self.key_times)
        self.key_times = {has}

    def upload(self):
        made_at = max(FIRST_KEY_TIME, *self.key_times) + 1
        self.key_times.add(made_at)
        try:
            self.pay("/key", self.exchange.upload(made_at))
        except Lost:
            self.ledger.lost["key"] += 1
            raise
        self.key_times = {made_at}

    def ask(self):
        """With the key that was uploaded last, which may be long ago."""
        if len(self.key_times) > 1:
            self.fetch_config()
        if self.key_times == {0}:
            self.upload()
        if self.pay("/queries", self.exchange.query(max(self.key_times))) not in self.answers:
            self.wrong("a wrong answer")

    def report(self):
        self.report_number += 1
        self.pay("/report", b"\x0a" + bytes([len(self.user) + 9]) + f"{self.user}/{self.report_number:08}".encode())
        self.ledger.reports += 1

    def load(self, stop):
        """Until the server is gone."""
        try:
            while not stop.is_set():
                if len(self.tokens) < CACHE:
                    self.get_token()
                else:
                    self.randomly.choice([self.get_token, self.fetch_config, self.upload, self.ask, self.report])()
        except Lost:
            pass

    def look_back(self):
        """After a start: nothing that was taken is taken again, nothing that was kept is lost, and tokens from before
        pay."""
        for token in self.doubtful:
            shown = [self.show(token) for _ in range(2)]
            if shown[0] not in (200, 401) or shown[1] != 401:
                self.wrong("a token whose answer was lost:", shown)
        older = self.ledger.taken
        for token in self.taken_now + self.randomly.sample(older, min(OLDER, len(older))):
            if self.show(token) != 401:
                self.wrong("a token was taken twice")
        self.ledger.taken += self.taken_now + self.doubtful
        self.taken_now, self.doubtful = [], []
        self.fetch_config()
        self.ask()

    def show(self, token):
        """The status of a token that was shown before; one that a server does not know is another failure."""
        status, answer, _ = self.client.ask("POST", "/config", self.exchange.config, User_Identifier=self.user,
                                            User_Agent=AGENT, Authorization=token)
        if status != 200 and b"spent before" not in answer:
            self.wrong("shown again:", status, answer[:200])
        return status


def run(*words):
    done = subprocess.run([TOOL, *words], capture_output=True, text=True, timeout=120)
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
    return server.process.wait(60)


def kill_while_starting(server_words, randomly):
    process = subprocess.Popen(server_words, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(randomly.uniform(0, START_S))
    process.kill()
    return process.wait(60)


def load_until_killed(server, devices, randomly):
    stop = threading.Event()
    threads = [threading.Thread(target=device.load, args=(stop,)) for device in devices]
    for thread in threads:
        thread.start()
    time.sleep(randomly.uniform(0, LOAD_S))
    code = kill(server)
    stop.set()
    for thread in threads:
        thread.join()
    return code


def look_back(server, devices):
    """All devices at once."""
    for device in devices:
        device.connect(server.port)

    def one(device):
        try:
            device.look_back()
        except Lost:
            device.wrong("the server ended by itself", server.log())
        except Exception as error:  # of the test
            device.wrong("look_back:", repr(error))
            raise
    threads = [threading.Thread(target=one, args=(device,)) for device in devices]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


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
        ledger = Ledger()
        devices = [Device(i, exchange, user_token, ledger) for i in range(DEVICES)]
        for device in devices:
            device.answers = answers
        randomly = random.Random(SEED)
        operator = Operator(data, state, versions)
        operator.thread.start()
        server = Server(data, *options, auth="token")
        for device in devices:
            device.connect(server.port)
            while len(device.tokens) < CACHE:
                device.get_token()
        codes, early = [], 0
        started = time.monotonic()
        for moment in range(KILLS):
            operator.server = server.process
            look_back(server, devices)
            codes.append(load_until_killed(server, devices, randomly))
            if moment % EARLY == EARLY - 1:
                early += 1
                codes.append(kill_while_starting([PROGRAM, "--data", data, "--listen", "127.0.0.1:0", *options],
                                                 randomly))
            server = Server(data, *options, auth="token")
        seconds = time.monotonic() - started
        operator.end()
        look_back(server, devices)
        for device in devices:  # all that were ever shown, once more
            for token in ledger.taken[devices.index(device)::DEVICES]:
                if device.show(token) != 401:
                    device.wrong("a token was taken twice")
        print(f"# seed {SEED}: {KILLS} kills under load and {early} of starts in {seconds:.0f} s; {len(ledger.taken)} "
              f"tokens shown, answers lost: {ledger.lost}; {operator.switched} switches, {operator.reloads} reloads")
        check(set(codes) == {-signal.SIGKILL}, "it never ended by itself", codes)
        check(not operator.wrong and operator.switched > KILLS / 4 and operator.made > 0, "the operator was let",
              (operator.wrong, operator.switched, operator.made))
        check(not ledger.wrong, "no token was taken twice, no accepted key is lost, no device is locked out",
              "\n".join(ledger.wrong))
        check(len(ledger.taken) > 5 * KILLS and sum(ledger.lost.values()) > KILLS / 4,
              "there was a load, and kills came in the middle of it", (len(ledger.taken), ledger.lost))
        users = json.loads(run("token", "list", "--state", state, "--json"))["tokens"]
        counted = [user["issued"] for user in users if user["label"] == "devices"][0]
        check(ledger.issued <= counted <= ledger.asked, "each issued token is counted, once",
              (ledger.issued, counted, ledger.asked))
        check(len(users) == operator.made + 1, "each user token that was made is there", (len(users), operator.made))
        kept = []
        for name in os.listdir(reports):
            with open(f"{reports}/{name}", encoding="utf-8") as file:
                kept += [json.loads(line) for line in file]
        check(len(kept) >= ledger.reports, "each accepted report is there, on a line of its own",
              (len(kept), ledger.reports))
        check(server.end() == 0, "and it ends when asked to")
        done = subprocess.run([TOOL, "token", "list", "--state", state], capture_output=True, text=True, timeout=120)
        check(done.returncode == 0, "the state is whole", done)
    finally:
        if operator is not None:
            operator.end()
        Server.end_all()
        shutil.rmtree(folder, ignore_errors=True)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
