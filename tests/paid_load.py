"""Devices that load a server, and know afterwards what it must still know: shared by the tests that kill it or take
its state away. tests/tap.py says how to reach this file."""
import json
import random
import threading
import time

from patience import wait_until
from paying import AGENT, Blinded, Client, Lost, first_key

CACHE = 12  # tokens that a device has at least
OLDER = 10  # tokens of earlier rounds that are shown again in each
FIRST_KEY_TIME = 1_700_000_000
PAUSE_S = 0.01  # after a refusal
LOOK_BACK_TOKENS = 5  # that looking back costs, at most


class Refused(Exception):
    """The server said that it cannot, now."""


class Device:
    def __init__(self, number, crowd):
        self.user = f"device-{number}"
        self.crowd, self.exchange = crowd, crowd.exchange
        self.randomly = random.Random(crowd.seed + number)
        self.spki = self.client = None
        self.tokens = []  # never shown
        self.doubtful = []  # shown, and the answer was lost, or a refusal
        self.taken_now = []  # in this round
        self.key_times = {0}  # the server has the key of one of these times
        self.report_number = 0

    def wrong(self, what, *more):
        self.crowd.wrong.append(f"{self.user}: {what} {' '.join(map(str, more))}")

    def send(self, what, path, body, **headers):
        """(status, answer). A refusal has to be a JSON error."""
        self.crowd.sent += 1
        try:
            status, answer, named = self.client.ask("POST", path, body, **headers)
        except Lost:
            self.crowd.lost[what] += 1
            raise
        if status not in self.crowd.refusals:
            return status, answer
        self.crowd.refused[what] += 1
        if "json" not in named.get("content-type", "") or not json.loads(answer)["error"]["message"]:
            self.wrong(f"{path}: {status} without a reason", answer[:200])
        raise Refused

    def get_token(self):
        self.spki = self.spki or first_key(self.client)
        token = Blinded(self.spki)
        self.crowd.asked += 1
        status, signature = self.send("issue", "/issue", token.request,
                                      Authorization=f"Bearer {self.crowd.user_token}")
        value = token.finish(signature) if status == 200 else None
        if value is None:
            self.wrong("no token", status, signature[:200])
            return
        self.crowd.issued += 1
        self.tokens.append(value)

    def pay(self, path, body, what="token"):
        """The answer to what the oldest token pays for."""
        token = self.tokens.pop(0)
        try:
            status, answer = self.send(what, path, body, User_Identifier=self.user, User_Agent=AGENT,
                                       Authorization=token)
        except (Lost, Refused):
            self.doubtful.append(token)
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
        self.pay("/key", self.exchange.upload(made_at), "key")
        self.key_times = {made_at}

    def ask(self):
        """With the key that was uploaded last, which may be long ago."""
        if len(self.key_times) > 1:
            self.fetch_config()
        if self.key_times == {0}:
            self.upload()
        if self.pay("/queries", self.exchange.query(max(self.key_times))) not in self.crowd.answers:
            self.wrong("a wrong answer")

    def report(self):
        self.report_number += 1
        self.pay("/report", b"\x0a" + bytes([len(self.user) + 9]) + f"{self.user}/{self.report_number:08}".encode())
        self.crowd.reports += 1

    def load(self, stop):
        """Until told to stop, or the server is gone."""
        try:
            while not stop.is_set():
                try:
                    if len(self.tokens) < CACHE:
                        self.get_token()
                    else:
                        self.randomly.choice([self.get_token, self.fetch_config, self.upload, self.ask, self.report])()
                except Refused:
                    time.sleep(PAUSE_S)
        except Lost:
            pass

    def look_back(self):
        """After a start: nothing that was taken is taken again, nothing that was kept is lost, and tokens from before
        pay."""
        for token in self.doubtful:
            shown = [self.show(token) for _ in range(2)]
            if shown[0] not in (200, 401) or shown[1] != 401:
                self.wrong("a token whose answer was lost:", shown)
        older = self.crowd.taken
        for token in self.taken_now + self.randomly.sample(older, min(OLDER, len(older))):
            if self.show(token) != 401:
                self.wrong("a token was taken twice")
        self.crowd.taken += self.taken_now + self.doubtful
        self.taken_now, self.doubtful = [], []
        if not wait_until(self.look_at_keys):
            self.wrong("refused for ever")

    def look_at_keys(self):
        """False when a server that has just been in trouble refuses."""
        try:
            while len(self.tokens) < LOOK_BACK_TOKENS:  # loads that end early leave few
                self.get_token()
            self.fetch_config()
            self.ask()
        except Refused:
            return False
        return True

    def show(self, token):
        """The status of a token that was shown before, which no refusal tells; one that a server does not know is
        another failure."""
        reply = []

        def is_told():
            reply[:] = self.client.ask("POST", "/config", self.exchange.config, User_Identifier=self.user,
                                       User_Agent=AGENT, Authorization=token)
            return reply[0] not in self.crowd.refusals
        wait_until(is_told)
        status, answer = reply[:2]
        if status != 200 and b"spent before" not in answer:
            self.wrong("shown again:", status, answer[:200])
        return status


def wait_grown(count, more):
    goal = count() + more
    return wait_until(lambda: count() >= goal)


class Crowd:
    """The devices, and what they know together. What one writes is its own, but for lists, which are appended to.

    exchange    what all send (paying.py)
    answers     that are right
    refusals    statuses that are none of the device's fault"""

    def __init__(self, count, exchange, answers, user_token, seed, refusals=()):
        self.exchange, self.answers, self.user_token = exchange, answers, user_token
        self.seed, self.refusals = seed, refusals
        self.taken = []  # tokens that may have been taken, of earlier rounds
        self.wrong = []  # what must not happen
        self.sent = self.asked = self.issued = self.reports = 0
        self.lost = {"token": 0, "key": 0, "issue": 0}
        self.refused = dict(self.lost)
        self.devices = [Device(i, self) for i in range(count)]

    def connect(self, port):
        """To a server that was started; the first time, each gets its tokens."""
        for device in self.devices:
            device.client = Client(port)
            while self.asked < len(self.devices) * CACHE and len(device.tokens) < CACHE:
                device.get_token()

    def start_load(self):
        """Ends with its return value: a function, or with the server."""
        stop = threading.Event()
        threads = [threading.Thread(target=device.load, args=(stop,)) for device in self.devices]
        for thread in threads:
            thread.start()

        def end():
            stop.set()
            for thread in threads:
                thread.join()
        return end

    def wait_refused(self, more):
        """Until so many more requests were refused; whether that came in time."""
        return wait_grown(lambda: sum(self.refused.values()), more)

    def wait_taken(self, more):
        """Until so many more tokens were taken; whether that came in time."""
        return wait_grown(lambda: sum(len(device.taken_now) for device in self.devices), more)

    def look_back(self):
        """All at once."""
        def one(device):
            try:
                device.look_back()
            except Exception as error:  # also the test's own
                device.wrong("look_back:", repr(error))
        threads = [threading.Thread(target=one, args=(device,)) for device in self.devices]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def show_all(self):
        """Every token that was ever shown, once more."""
        for i, token in enumerate(self.taken):
            device = self.devices[i % len(self.devices)]
            if device.show(token) != 401:
                device.wrong("a token was taken twice")
